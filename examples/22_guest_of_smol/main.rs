//! A guest of smol: a giambio program is a future for an executor of somebody else's, with both sides' sockets and timers in
//! it.
//!
//! What a host has to do is in `guest/unix.rs`, 30 lines: wait for giambio's descriptor and for one deadline, and give the
//! guest a turn. For tokio it is done: `giambio-tokio`.
//!
//! ```text
//! giambio's socket has received: ping
//! smol's timer has gone off
//! giambio's sleep is over
//! the guest has ended with 42, beside a task of smol's that counted to 3
//! ```

mod guest;

fn main() -> std::io::Result<()> {
    guest::main()
}
