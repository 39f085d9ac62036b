//! The least that a program with feature `one-context` may do; `tests/promise.rs` links it with and without the promise.

#[cfg(not(feature = "unpromised"))]
mod promise {
    struct Program;

    // SAFETY: it polls nothing.
    unsafe impl giambio_core::OneContext for Program {}

    giambio_core::one_context!(Program);
}

struct Cs;
critical_section::set_impl!(Cs);
// SAFETY: there are no interrupts, and no other threads.
unsafe impl critical_section::Impl for Cs {
    unsafe fn acquire() -> u8 {
        0
    }
    unsafe fn release(_: u8) {}
}

fn main() {
    assert!(!giambio_core::in_runtime());
}
