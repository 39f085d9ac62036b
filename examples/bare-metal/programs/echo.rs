//! The tutorial's echo server at a serial line: the very file that serves sockets on a desktop,
//! given a stream that hands over whole lines. Ctrl+D leaves, and `exit` ends the server.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../../echo_server/handler.rs"]
mod handler;

use core::convert::Infallible;
use core::fmt;
use core::pin::pin;

use board::{Uart, entry};
use embedded_io_async::{Read, Write};
use giambio_core::{Arena, Runtime, nursery_in};
use handler::{ExitRequest, handler};

/// Where `handler` finds its macros.
mod log {
    macro_rules! info {
        ($($what:tt)*) => { board::println!("[INFO] {}", format_args!($($what)*)) };
    }
    macro_rules! warning {
        ($($what:tt)*) => { board::println!("[WARN] {}", format_args!($($what)*)) };
    }
    pub(crate) use info;
    pub(crate) use warning as warn;
}

static CLIENTS: Arena<1, 2048> = Arena::new();

const END_OF_TRANSMISSION: u8 = 4;

/// A serial line, a text line at a time.
struct Lines<'a>(&'a mut Uart);

impl handler::Stream for Lines<'_> {
    type Error = Infallible;

    async fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        while count < buffer.len() {
            self.0.read(&mut buffer[count..=count]).await?;
            match buffer[count] {
                END_OF_TRANSMISSION => break,
                b'\n' => return Ok(count + 1),
                _ => count += 1,
            }
        }
        Ok(count)
    }

    async fn send_all(&mut self, data: &[u8]) -> Result<(), Infallible> {
        self.0.write_all(data).await?;
        self.0.flush().await
    }
}

#[derive(Clone, Copy, Debug)]
struct SerialLine;

impl fmt::Display for SerialLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the serial line")
    }
}

async fn serve(uart: &mut Uart) -> Result<(), ExitRequest<SerialLine>> {
    loop {
        let line = Lines(uart);
        nursery_in(&CLIENTS, async |n| {
            assert!(n.try_spawn(handler(line, SerialLine)).is_ok(), "it is the only one");
            Ok(())
        })
        .await?;
    }
}

#[entry]
fn main() -> ! {
    let mut board = board::start();
    let runtime = pin!(Runtime::new(board.clock, serve(&mut board.uart)));
    match runtime.run_masked(&mut board::sleep) {
        Ok(()) => board::exit(0),
        Err(request) => {
            board::println!("[ERROR] Exiting due to a {request}");
            board::exit(1)
        }
    }
}
