//! Catching panics where that is possible (feature `std`), so that a panic in one child lets the
//! clean-ups of the others run before it reaches the nursery's caller.

#[cfg(feature = "std")]
mod imp {
    use std::any::Any;
    use std::boxed::Box;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// What a panic carries.
    pub(crate) type Payload = Box<dyn Any + Send>;

    /// Runs `f`. Nothing is hidden from the program: every payload that is caught is resumed, or
    /// gives way to one that was caught before it.
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        catch_unwind(AssertUnwindSafe(f))
    }

    /// The message of a panic, if it has one.
    pub(crate) fn text(payload: &Payload) -> Option<&str> {
        let text = payload.downcast_ref::<&'static str>().copied();
        text.or_else(|| payload.downcast_ref::<std::string::String>().map(|text| text.as_str()))
    }

    /// Runs `f` and says whether it returned. Its panic ends here.
    pub(crate) fn is_fine(f: impl FnOnce()) -> bool {
        catch(f).map_err(dispose).is_ok()
    }

    /// Drops what a panic carries that is second to another. What its destructor has to add ends here.
    pub(crate) fn dispose(payload: Payload) {
        if let Err(second) = catch(|| drop(payload)) {
            core::mem::forget(second);
        }
    }

    pub(crate) fn resume(payload: Payload) -> ! {
        resume_unwind(payload)
    }

    /// Is a panic unwinding this thread?
    pub(crate) fn is_panicking() -> bool {
        std::thread::panicking()
    }

    /// Resumes, unless another panic is under way, which a second one would turn into an abort.
    pub(crate) fn resume_unless_panicking(payload: Payload) {
        if !std::thread::panicking() {
            resume_unwind(payload)
        }
        dispose(payload);
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    /// What a panic carries: without `std` none is ever caught.
    pub(crate) type Payload = core::convert::Infallible;

    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        Ok(f())
    }

    /// The message of a panic.
    pub(crate) fn text(payload: &Payload) -> Option<&str> {
        match *payload {}
    }

    #[cfg(feature = "hooks")]
    pub(crate) fn is_fine(f: impl FnOnce()) -> bool {
        f();
        true
    }

    pub(crate) fn dispose(payload: Payload) {
        match payload {}
    }

    /// Is a panic unwinding? None does.
    pub(crate) fn is_panicking() -> bool {
        false
    }

    pub(crate) fn resume(payload: Payload) -> ! {
        match payload {}
    }

    pub(crate) fn resume_unless_panicking(payload: Payload) {
        match payload {}
    }
}

#[cfg(any(feature = "hooks", feature = "std"))]
pub(crate) use imp::is_fine;
pub(crate) use imp::{Payload, catch, dispose, is_panicking, resume, resume_unless_panicking, text};

/// The first of the panics of several calls, each of which is made whatever became of those before it.
#[must_use = "a panic that was caught has to go on"]
pub(crate) struct First(Result<(), Payload>);

impl First {
    pub(crate) const fn new() -> Self {
        First(Ok(()))
    }

    /// Makes a call.
    pub(crate) fn catch(&mut self, call: impl FnOnce()) {
        self.note(catch(call));
    }

    /// Takes in how a call has ended.
    pub(crate) fn note(&mut self, result: Result<(), Payload>) {
        match (result, &self.0) {
            (Err(payload), Err(_)) => dispose(payload),
            (Err(payload), Ok(())) => self.0 = Err(payload),
            (Ok(()), _) => {}
        }
    }

    pub(crate) fn into_result(self) -> Result<(), Payload> {
        self.0
    }

    /// The first panic goes on, unless another one is under way.
    pub(crate) fn resume(self) {
        if let Err(payload) = self.0 {
            resume_unless_panicking(payload);
        }
    }
}
