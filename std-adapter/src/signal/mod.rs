//! Ctrl+C and other signals, as something to await.
//!
//! [`CtrlC`] is the key, [`Signals`] any set of signals, [`terminate`] what asks a program to end.
//!
//! While anybody watches, Ctrl+C does not end the process by itself. When nobody does any more, it does again what it did
//! before: it ends the process, or calls the handler of another library, which is called meanwhile, too. Where it is
//! ignored it stays so, and nobody sees it: as in what a shell script starts in the background, which a key is not for.
//! So it is with each signal: SIGHUP is ignored in what `nohup` starts, and SIGPIPE in all programs in Rust.

mod ctrl_c;
mod interrupted;
mod kinds;
mod patience;
mod signals;
mod stop;
#[cfg(unix)]
#[allow(unsafe_code)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use ctrl_c::until_ctrl_c;
pub use ctrl_c::{CtrlC, ctrl_c};
pub use interrupted::Interrupted;
pub use kinds::Signal;
pub use signals::Signals;
pub use stop::terminate;
pub(crate) use stop::{orders, until_stopped};

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;
