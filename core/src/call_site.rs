//! Where in the program something was asked for. With feature `introspect`; without it nothing is kept.

use core::panic::Location;

/// A place in the program, if it is kept.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)]
pub struct CallSite(#[cfg(feature = "introspect")] Option<&'static Location<'static>>);

impl CallSite {
    /// Not known.
    #[cfg(not(feature = "hooks"))]
    pub(crate) const NOWHERE: CallSite = CallSite();

    /// Where the innermost function was called that notes who calls it.
    #[cfg_attr(feature = "introspect", track_caller)]
    pub(crate) const fn here() -> Self {
        CallSite(
            #[cfg(feature = "introspect")]
            Some(Location::caller()),
        )
    }

    /// A place that is known anyway.
    #[cfg_attr(not(feature = "introspect"), expect(unused_variables))]
    pub(crate) const fn at(place: &'static Location<'static>) -> Self {
        CallSite(
            #[cfg(feature = "introspect")]
            Some(place),
        )
    }

    #[cfg_attr(not(feature = "introspect"), allow(clippy::unused_self))]
    pub(crate) const fn location(self) -> Option<&'static Location<'static>> {
        #[cfg(feature = "introspect")]
        return self.0;
        #[cfg(not(feature = "introspect"))]
        None
    }
}
