//! What tests of the adapter need no process of their own, in one program, so that it is linked once. Beside it are those
//! that do: they change what is the process's, stand before functions of the system, or are started again.

#[path = "../common/mod.rs"]
mod common;

mod any_socket;
#[cfg(target_os = "linux")]
mod any_socket_linux;
mod blocking_calls;
#[cfg(target_os = "linux")] // elsewhere it refuses, or 127.0.0.2 is not there
mod connecting;
mod cores;
mod embedded_io;
mod fd;
#[cfg(target_os = "linux")]
mod fd_linux;
#[cfg(unix)]
mod fd_unix;
mod foreign_wakers;
mod in_memory;
mod interface_errors;
mod large_futures;
mod listeners;
#[cfg(unix)]
mod loops_unix;
mod outside;
mod resolver;
mod runs;
mod serving;
mod streams;
mod tasks;
mod udp;
#[cfg(unix)]
mod unix_datagrams;
#[cfg(target_os = "linux")]
mod unix_names;
#[cfg(unix)]
mod unix_passing;
#[cfg(unix)]
mod unix_streams;
mod waits;
mod watchdog;
