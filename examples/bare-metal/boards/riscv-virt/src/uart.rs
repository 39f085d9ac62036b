//! The UART, an NS16550.

use giambio_core::sync::WakerSlot;
use kit::{Peripheral, Port, Taker};

// SAFETY: the UART; it touches no memory.
const UART: Peripheral<0x100> = unsafe { Peripheral::at(0x1000_0000) };
const DATA: usize = 0;
const INTERRUPTS: usize = 1;
const FIFOS: usize = 2;
const STATE: usize = 5;

/// In STATE.
const RECEIVED: u8 = 1;
const HAS_ROOM: u8 = 1 << 5;
const ALL_SENT: u8 = 1 << 6;
/// In INTERRUPTS.
const RECEIVE_INTERRUPT: u8 = 1;
const SEND_INTERRUPT: u8 = 1 << 1;

pub(crate) const IRQ: u32 = 10;

static RECEIVES: WakerSlot = WakerSlot::new();
static TAKER: Taker = kit::nobody();
static SENDS: WakerSlot = WakerSlot::new();

/// The serial line.
pub type Uart = kit::Uart<Uart0>;

/// The hardware of it.
pub struct Uart0(());

impl Uart0 {
    pub(crate) fn new() -> Self {
        Uart0(())
    }
}

pub(crate) fn start() {
    UART.write_byte(FIFOS, 1);
    crate::plic::enable(IRQ as usize);
}

fn set_interrupts(on: u8, off: u8) {
    critical_section::with(|_| UART.write_byte(INTERRUPTS, UART.read_byte(INTERRUPTS) & !off | on));
}

impl Port for Uart0 {
    const RECEIVES: &'static WakerSlot = &RECEIVES;
    const TAKER: &'static Taker = &TAKER;
    const SENDS: &'static WakerSlot = &SENDS;

    fn has_received(&self) -> bool {
        UART.read_byte(STATE) & RECEIVED != 0
    }

    fn take(&mut self) -> u8 {
        UART.read_byte(DATA)
    }

    fn has_room(&self) -> bool {
        UART.read_byte(STATE) & HAS_ROOM != 0
    }

    fn put(&mut self, byte: u8) {
        UART.write_byte(DATA, byte);
    }

    fn is_sent(&self) -> bool {
        UART.read_byte(STATE) & ALL_SENT != 0
    }

    fn watch_receiving(&mut self) {
        set_interrupts(RECEIVE_INTERRUPT, 0);
    }

    fn watch_sending(&mut self) {
        set_interrupts(SEND_INTERRUPT, 0);
    }
}

pub(crate) fn on_interrupt() {
    let state = UART.read_byte(STATE);
    if state & RECEIVED != 0 {
        set_interrupts(0, RECEIVE_INTERRUPT);
        kit::received(&mut Uart0(()));
    }
    if state & HAS_ROOM != 0 {
        set_interrupts(0, SEND_INTERRUPT);
        SENDS.wake();
    }
}
