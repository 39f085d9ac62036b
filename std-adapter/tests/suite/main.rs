//! What tests of the adapter need no process of their own, in one program, so that it is linked once. Beside it are those that do:
//! they change what is the process's, stand before functions of the system, or are started again.

#[path = "../common/mod.rs"]
mod common;

mod blocking_calls;
#[cfg(target_os = "linux")] // elsewhere it refuses, or 127.0.0.2 is not there
mod connecting;
mod cores;
mod foreign_wakers;
mod interface_errors;
mod large_futures;
mod listeners;
mod outside;
mod runs;
mod streams;
mod tasks;
#[cfg(unix)]
mod unix_streams;
