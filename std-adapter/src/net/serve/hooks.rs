//! What a program gives to a server to be called.

use std::io;

/// A handler's error, and what it means for the server.
pub(super) type OnError<'a, P, E, X> = Box<dyn Fn(P, E) -> Result<(), X> + 'a>;

/// Descriptors or memory have run out.
pub(super) type OnShortage<'a> = Box<dyn Fn(&io::Error) + 'a>;
