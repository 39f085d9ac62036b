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
    #[inline]
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        catch_unwind(AssertUnwindSafe(f))
    }

    /// Runs `f` and says whether it returned. Its panic ends here, and what the payload's destructor
    /// has to add as well.
    #[cfg(feature = "hooks")]
    pub(crate) fn is_fine(f: impl FnOnce()) -> bool {
        let Err(payload) = catch(f) else { return true };
        if let Err(second) = catch(|| drop(payload)) {
            core::mem::forget(second);
        }
        false
    }

    pub(crate) fn resume(payload: Payload) -> ! {
        resume_unwind(payload)
    }

    /// Resumes, unless another panic is under way, which a second one would turn into an abort.
    pub(crate) fn resume_unless_panicking(payload: Payload) {
        if !std::thread::panicking() {
            resume_unwind(payload)
        }
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    /// What a panic carries: without `std` none is ever caught.
    pub(crate) type Payload = core::convert::Infallible;

    #[inline]
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        Ok(f())
    }

    #[cfg(feature = "hooks")]
    pub(crate) fn is_fine(f: impl FnOnce()) -> bool {
        f();
        true
    }

    pub(crate) fn resume(payload: Payload) -> ! {
        match payload {}
    }

    pub(crate) fn resume_unless_panicking(payload: Payload) {
        match payload {}
    }
}

#[cfg(feature = "hooks")]
pub(crate) use imp::is_fine;
pub(crate) use imp::{Payload, catch, resume, resume_unless_panicking};
