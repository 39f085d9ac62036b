//! What a program without `std` may promise: that nobody polls but its own loop.

/// The promise that all of a program is polled in one context. It is made where the program is put together, by
/// [`one_context!`](crate::one_context!) and feature `one-context`.
///
/// Without it each step of the runtime is a critical section. So whoever interrupts it, or is another core or a preemptive
/// thread, finds everything in order, even if it polls; what gets into each other's way is noticed, and ends the program.
/// With it interrupts are kept out only where a wake could change something: there are fewer critical sections, and less
/// code. With feature `std` it means nothing, and with feature `hooks` nothing is gained, since a debugger is told of wakes
/// where they happen.
///
/// From any interrupt, with the promise and without, may come: wakes, by a [`Waker`](core::task::Waker), and the calls that
/// don't wait of what is `Shared` in [`sync`](crate::sync) and [`channel`](crate::channel): `set`, `try_send`, `try_receive`,
/// the end of a permit.
///
/// # Safety
/// All other uses of this crate come from one context: they are on one core, in no interrupt handler that could interrupt
/// another one, and in no thread that another one preempts. These are: to create, turn or drop a runtime; to poll or drop a
/// future, a nursery, a task, a scope of this crate; to spawn, cancel, ask for the time, or look up a task-local.
///
/// ```
/// struct Firmware;
///
/// // SAFETY: one core, no threads; the interrupt handlers wake, and no more.
/// unsafe impl giambio_core::OneContext for Firmware {}
///
/// giambio_core::one_context!(Firmware);
/// ```
pub unsafe trait OneContext {}

/// Declares, once in a program, that it keeps the promise of [`OneContext`](crate::OneContext), which the type that is named
/// implements: for feature `one-context`, with which a program that doesn't, or says it twice, does not link. Without the
/// feature it means nothing.
#[macro_export]
macro_rules! one_context {
    ($promise:ty) => {
        const _: () = {
            const fn promised<P: $crate::OneContext>() {}
            promised::<$promise>();
            #[unsafe(no_mangle)]
            static _GIAMBIO_ONE_CONTEXT: () = ();
        };
    };
}
