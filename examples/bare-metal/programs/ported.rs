//! The program of `docs/coming-from/embassy.md`: a light, a button that makes it blink twice as quickly, and a serial line
//! that sends back what it receives. What lies between the pins and `main` is there word for word. Ctrl+D leaves.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use board::{Leds, entry, println};
use embedded_io_async::Write;
use giambio_core::channel::Pipe;
use giambio_core::sync::{Event, Shared};
use giambio_core::{Arena, Cancelled, clock, move_on_after, run_nursery};

static PRESSED: Event<Shared> = Event::shared();
static RECEIVED: Pipe<32, Shared> = Pipe::shared();
static ROOM: Arena<2, 512> = Arena::new();

static LEAVE: Event<Shared> = Event::shared();

const END_OF_TRANSMISSION: u8 = 4;

// Two interrupt handlers.
fn on_button() {
    PRESSED.set();
}

fn on_uart(byte: u8) {
    let _ = RECEIVED.try_send(&[byte]); // nobody was quick enough: it is lost
}

struct Led(Leds, bool);

impl Led {
    fn toggle(&mut self) {
        self.1 = !self.1;
        self.0.set(0, self.1);
        println!("{:>4} ms: {}", clock().as_nanos() / 1_000_000, if self.1 { "on" } else { "off" });
    }
}

/// Each press makes it twice as quick.
async fn blink(led: &mut Led) -> Result<(), Cancelled> {
    let mut period = Duration::from_millis(400);
    loop {
        led.toggle();
        if move_on_after(period, PRESSED.wait_and_clear()).await.is_some() {
            period /= 2;
        }
    }
}

async fn echo(mut send: impl AsyncFnMut(&[u8])) -> Result<(), Cancelled> {
    let mut bytes = [0; 32];
    loop {
        let count = RECEIVED.receive(&mut bytes).await;
        send(&bytes[..count]).await;
    }
}

/// These boards have no button that the emulator could press: a timer does, once.
fn finger() {
    static HAS_PRESSED: AtomicBool = AtomicBool::new(false);
    if !HAS_PRESSED.load(Relaxed) {
        HAS_PRESSED.store(true, Relaxed);
        on_button();
    }
}

fn terminal(byte: u8) {
    if byte == END_OF_TRANSMISSION { LEAVE.set() } else { on_uart(byte) }
}

#[entry]
fn main() -> ! {
    let mut board = board::start();
    let mut led = Led(board.leds, false);
    board.uart.on_receive(terminal);
    board::every(Duration::from_millis(1000), finger);
    let ended = run_nursery(board.clock, &ROOM, &mut board::sleep, async |n| {
        n.try_spawn(blink(&mut led)).expect("there is room for two");
        let send = async |bytes: &[u8]| {
            let Ok(()) = board.uart.write_all(bytes).await;
        };
        n.try_spawn(echo(send)).expect("there is room for two");
        LEAVE.wait().await;
        n.cancel_children();
        Ok(())
    });
    println!("{ended:?}");
    board::exit(0)
}
