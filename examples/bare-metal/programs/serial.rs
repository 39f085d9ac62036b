//! A serial line by `embedded-hal-nb`: each byte comes back, until Ctrl+D. An operation that would
//! block is awaited until an interrupt says that it is worth another try; the processor sleeps.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::pin::pin;

use board::{Uart, entry, println};
use embedded_hal_nb::serial::{Read, Write};
use giambio_core::Runtime;
use giambio_core::nb::wait;

const END_OF_TRANSMISSION: u8 = 4;

async fn echo(uart: &mut Uart) -> Result<u32, Infallible> {
    let mut count = 0;
    loop {
        let byte = wait(|waker| Uart::receives().register(waker), || uart.read()).await?;
        if byte == END_OF_TRANSMISSION {
            wait(|waker| Uart::sends().register(waker), || uart.flush()).await?;
            return Ok(count);
        }
        wait(|waker| Uart::sends().register(waker), || uart.write(byte)).await?;
        count += 1;
    }
}

#[entry]
fn main() -> ! {
    let mut board = board::start();
    let runtime = pin!(Runtime::new(board.clock, echo(&mut board.uart)));
    println!("echoing");
    let Ok(count) = runtime.run_masked(&mut board::sleep);
    println!("{count} bytes came back; slept {} times", board::sleeps());
    board::exit(0)
}
