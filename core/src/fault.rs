//! Faults that a test can plant: [`fault!`](crate::__fault) names a seam, a place where the code could be wrong.
//!
//! In every build that a program is made of it is the constant `false`, and the wrong way is not compiled at all. Built with
//! `--cfg giambio_faults`, it is true where the environment variable `GIAMBIO_FAULT` has the seam's name.
//! `tests/faults/seams.txt` lists the seams with the test that has to notice each.

#[doc(hidden)]
#[macro_export]
#[cfg(not(giambio_faults))]
macro_rules! __fault {
    ($name:literal) => {
        false
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(giambio_faults)]
macro_rules! __fault {
    ($name:literal) => {
        $crate::__is_planted($name)
    };
}

pub(crate) use __fault as fault;

/// Is this the fault that the environment asks for?
#[cfg(giambio_faults)]
#[doc(hidden)]
#[must_use]
pub fn is_planted(name: &str) -> bool {
    use std::string::String;
    use std::sync::OnceLock;
    static PLANTED: OnceLock<Option<String>> = OnceLock::new();
    PLANTED.get_or_init(|| std::env::var("GIAMBIO_FAULT").ok()).as_deref() == Some(name)
}
