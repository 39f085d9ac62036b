//! What children are called: text that is there for ever and costs nothing, or text of their own on the heap.

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, boxed::Box, string::String};
use core::fmt;
#[cfg(feature = "hooks")]
use core::panic::Location;

use crate::call_site::CallSite;

/// What a child is called: what [`Child::name`](crate::Child::name) makes of the text that it is given.
///
/// Text that is `'static`, as a literal is, is kept as it is, without a heap. Any other is kept on the heap, where there
/// is one (feature `alloc`): a `String` moves there, a `&String` (what `&format!(…)` is) and a `Cow` are copied if need be.
/// Give a `&str` that doesn't live for ever as `text.to_owned()`.
///
/// ```
/// use giambio_core::TaskName;
/// # #[cfg(feature = "alloc")] {
/// let peer = "[::1]:4242";
/// assert_eq!(TaskName::from(&format!("client {peer}")).as_str(), "client [::1]:4242");
/// # }
/// assert_eq!(TaskName::from("acceptor").as_str(), "acceptor");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TaskName(Text);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    Static(&'static str),
    #[cfg(feature = "alloc")]
    Own(Box<str>),
}

impl TaskName {
    /// A name that is there for ever, for a `const` or a `static`.
    ///
    /// ```
    /// use giambio_core::TaskName;
    ///
    /// const ACCEPTOR: TaskName = TaskName::from_static("acceptor");
    /// assert_eq!(ACCEPTOR.as_str(), "acceptor");
    /// ```
    pub const fn from_static(text: &'static str) -> Self {
        TaskName(Text::Static(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            #[cfg(feature = "alloc")]
            Text::Own(text) => text,
        }
    }
}

impl From<&'static str> for TaskName {
    fn from(text: &'static str) -> Self {
        TaskName(Text::Static(text))
    }
}

/// As there.
impl From<&&'static str> for TaskName {
    fn from(text: &&'static str) -> Self {
        TaskName(Text::Static(text))
    }
}

#[cfg(feature = "alloc")]
impl From<Box<str>> for TaskName {
    fn from(text: Box<str>) -> Self {
        TaskName(Text::Own(text))
    }
}

#[cfg(feature = "alloc")]
impl From<String> for TaskName {
    fn from(text: String) -> Self {
        TaskName(Text::Own(text.into()))
    }
}

#[cfg(feature = "alloc")]
impl From<&String> for TaskName {
    fn from(text: &String) -> Self {
        TaskName(Text::Own(text.as_str().into()))
    }
}

#[cfg(feature = "alloc")]
impl From<Cow<'static, str>> for TaskName {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl fmt::Debug for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What something that is waited for is called, for those who look on. Kept with feature `introspect` alone.
#[derive(Clone, Copy)]
pub(crate) struct GivenName(#[cfg(feature = "introspect")] Option<&'static str>);

impl GivenName {
    pub(crate) const NONE: GivenName = GivenName(
        #[cfg(feature = "introspect")]
        None,
    );

    #[cfg_attr(not(feature = "introspect"), expect(unused_variables))]
    pub(crate) const fn new(name: &'static str) -> Self {
        GivenName(
            #[cfg(feature = "introspect")]
            Some(name),
        )
    }

    #[cfg_attr(not(feature = "introspect"), allow(clippy::unused_self))]
    pub(crate) const fn get(self) -> Option<&'static str> {
        #[cfg(feature = "introspect")]
        return self.0;
        #[cfg(not(feature = "introspect"))]
        None
    }
}

/// Where a task's name comes from.
pub trait Name {
    /// `F` is the type of the future.
    fn get<F>(&self) -> &str;

    /// The same for as long as one likes.
    fn copy<F>(&self) -> TaskName;
}

/// What a child keeps beside its future: its name and, for debuggers, where it was spawned.
pub(crate) struct Label<N> {
    pub(crate) name: N,
    #[cfg(feature = "hooks")]
    pub(crate) spawned_at: &'static Location<'static>,
}

impl<N> Label<N> {
    /// Of a child that is spawned here.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(crate) fn here(name: N) -> Self {
        Label {
            name,
            #[cfg(feature = "hooks")]
            spawned_at: Location::caller(),
        }
    }

    /// The same place, for what it has to wait for.
    #[cfg_attr(not(feature = "hooks"), allow(clippy::unused_self))]
    pub(crate) fn place(&self) -> CallSite {
        #[cfg(feature = "hooks")]
        return CallSite::at(self.spawned_at);
        #[cfg(not(feature = "hooks"))]
        CallSite::NOWHERE
    }
}

/// Unnamed tasks are called by the type of their future, which costs no memory; but it costs flash, so a chip without a
/// debugger has no names for them.
impl Name for () {
    fn get<F>(&self) -> &str {
        if cfg!(any(feature = "hooks", feature = "alloc")) { core::any::type_name::<F>() } else { "" }
    }

    fn copy<F>(&self) -> TaskName {
        TaskName(Text::Static(core::any::type_name::<F>()))
    }
}

macro_rules! kinds {
    ($($(#[$attribute:meta])* $kind:ident = $text:literal;)*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy)]
        pub(crate) struct $kind;

        /// It costs no memory; and where children without a name have none, no flash.
        $(#[$attribute])*
        impl Name for $kind {
            fn get<F>(&self) -> &str {
                if cfg!(any(feature = "hooks", feature = "alloc")) { $text } else { "" }
            }

            fn copy<F>(&self) -> TaskName {
                TaskName::from_static($text)
            }
        }
    )*};
}

// What children are called that this crate makes around what it is given: the types of their futures can't be read.
kinds! {
    Worker = "worker";
    FirstOk = "future of first_ok";
    #[cfg(feature = "alloc")]
    AllSettled = "future of all_settled";
    #[cfg(feature = "alloc")]
    AsCompleted = "future of as_completed";
    #[cfg(feature = "alloc")]
    Started = "started child";
}

impl Name for TaskName {
    fn get<F>(&self) -> &str {
        self.as_str()
    }

    fn copy<F>(&self) -> TaskName {
        self.clone()
    }
}
