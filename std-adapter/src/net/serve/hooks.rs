//! What a program gives to a server to be called.

use std::io;

use giambio_core::TaskName;

/// A handler's error, and what it means for the server.
pub(super) type OnError<'a, P, E, X> = Box<dyn Fn(P, E) -> Result<(), X> + 'a>;

/// Descriptors or memory have run out.
pub(super) type OnShortage<'a> = Box<dyn Fn(&io::Error) + 'a>;

/// What the task of a connection is called.
pub(super) type NameOf<'a, P> = Box<dyn Fn(&P) -> TaskName + 'a>;
