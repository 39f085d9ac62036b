//! Ctrl+C, as something to await.
//!
//! While anybody watches, Ctrl+C does not end the process by itself. When nobody does any more, it does again what it did
//! before: it ends the process, or calls the handler of another library, which is called meanwhile, too. Where it is
//! ignored it stays so, and nobody sees it: as in what a shell script starts in the background, which a key is not for.

mod again;
mod ctrl_c;
mod interrupted;
#[cfg(unix)]
#[allow(unsafe_code)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use ctrl_c::until_ctrl_c;
pub use ctrl_c::{CtrlC, ctrl_c};
pub use interrupted::Interrupted;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;
