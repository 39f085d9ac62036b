//! What becomes of the second and later errors of a nursery (law NOTHING-LOST), and what a debugger may read of any.

use core::cell::Cell;
use core::fmt::Display;

/// Tells what to take for an error's text.
#[cfg(feature = "hooks")]
type Show<E> = fn(&E) -> &dyn Display;

/// Where they go.
pub(crate) struct Others<'env, E> {
    sink: Cell<Option<&'env dyn Fn(E)>>,
    #[cfg(feature = "hooks")]
    show: Cell<Option<Show<E>>>,
    #[cfg(feature = "alloc")]
    kept: Cell<Option<alloc::vec::Vec<E>>>,
}

impl<'env, E> Others<'env, E> {
    /// To the sink, if one is set.
    pub(crate) const fn new() -> Self {
        Others {
            sink: Cell::new(None),
            #[cfg(feature = "hooks")]
            show: Cell::new(None),
            #[cfg(feature = "alloc")]
            kept: Cell::new(None),
        }
    }

    /// The debugger may read them.
    pub(crate) fn show(&self)
    where
        E: Display,
    {
        #[cfg(feature = "hooks")]
        self.show.set(Some(|error| error));
    }

    /// There is nobody to read it.
    #[cfg(not(feature = "hooks"))]
    pub(crate) fn text<'e>(&self, _: &'e E) -> Option<&'e dyn Display> {
        None
    }

    /// What an error says, as far as that is known.
    #[cfg(feature = "hooks")]
    pub(crate) fn text<'e>(&self, error: &'e E) -> Option<&'e dyn Display> {
        match self.show.get() {
            Some(show) => Some(show(error)),
            None => crate::kernel::error_text::text(error),
        }
    }

    pub(crate) fn set_sink(&self, sink: &'env dyn Fn(E)) {
        self.sink.set(Some(sink));
    }

    pub(crate) fn push(&self, error: E) {
        let Some(sink) = self.sink.get() else { return self.keep(error) };
        sink(error);
    }

    /// For the group, if there is one.
    fn keep(&self, error: E) {
        #[cfg(feature = "alloc")]
        if let Some(mut kept) = self.kept.take() {
            kept.push(error);
            return self.kept.set(Some(kept));
        }
        drop(error);
    }
}

#[cfg(feature = "alloc")]
mod group {
    use super::Others;
    use alloc::vec::{self, Vec};
    use core::error::Error;
    use core::fmt;
    use core::iter::{Chain, Once, once};

    impl<E> Others<'_, E> {
        /// Kept for the group.
        pub(crate) fn keeping() -> Self {
            let others = Others::new();
            others.kept.set(Some(Vec::new()));
            others
        }

        /// The first error and all that were kept.
        pub(crate) fn group(&self, first: E) -> ErrorGroup<E> {
            ErrorGroup { first, rest: self.kept.take().unwrap_or_default() }
        }
    }

    /// All errors of one nursery, in the order in which they happened. There is always a first.
    ///
    /// An example is at [`nursery_group`](crate::nursery_group).
    ///
    /// ```
    /// use giambio_core::ErrorGroup;
    ///
    /// let group = ErrorGroup::new("disk full", vec!["no network", "no paper"]);
    /// assert_eq!((*group.first(), group.rest(), group.len()), ("disk full", &["no network", "no paper"][..], 3));
    /// assert!(group.iter().any(|error| *error == "no paper"));
    /// assert_eq!(group.into_first(), "disk full");
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ErrorGroup<E> {
        first: E,
        rest: Vec<E>,
    }

    impl<E> ErrorGroup<E> {
        /// A group that did not come from a nursery: of threads, say.
        pub fn new(first: E, rest: Vec<E>) -> Self {
            ErrorGroup { first, rest }
        }

        /// The error that ended the nursery.
        pub fn first(&self) -> &E {
            &self.first
        }

        /// Those that came after it.
        pub fn rest(&self) -> &[E] {
            &self.rest
        }

        /// The error that ended the nursery; the others are dropped.
        pub fn into_first(self) -> E {
            self.first
        }

        /// How many there are: at least 1.
        #[allow(clippy::len_without_is_empty, reason = "a group is never empty")]
        pub fn len(&self) -> usize {
            1 + self.rest.len()
        }

        /// All of them, the first one first.
        pub fn iter(&self) -> impl Iterator<Item = &E> {
            once(&self.first).chain(&self.rest)
        }
    }

    impl<E> IntoIterator for ErrorGroup<E> {
        type Item = E;
        type IntoIter = Chain<Once<E>, vec::IntoIter<E>>;

        fn into_iter(self) -> Self::IntoIter {
            once(self.first).chain(self.rest)
        }
    }

    impl<E: fmt::Display> fmt::Display for ErrorGroup<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.first.fmt(f)?;
            match self.rest.len() {
                0 => Ok(()),
                1 => write!(f, " (and then: {})", self.rest[0]),
                n => write!(f, " (and {n} more errors after it)"),
            }
        }
    }

    impl<E: Error + 'static> Error for ErrorGroup<E> {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.first)
        }
    }
}

#[cfg(feature = "alloc")]
pub use group::ErrorGroup;
