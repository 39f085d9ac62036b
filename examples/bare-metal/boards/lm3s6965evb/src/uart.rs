//! UART 0, a PL011 with its FIFOs off.

use giambio_core::sync::WakerSlot;
use kit::{Peripheral, Port, Taker};

// SAFETY: UART 0; it touches no memory.
const UART: Peripheral<0x1000> = unsafe { Peripheral::at(0x4000_c000) };
const DATA: usize = 0x0;
const FLAGS: usize = 0x18;
const DIVISOR: usize = 0x24;
const FRACTION: usize = 0x28;
const LINE: usize = 0x2c;
const CONTROL: usize = 0x30;
const MASK: usize = 0x38;
const PENDING: usize = 0x40;
const CLEAR: usize = 0x44;

/// In FLAGS.
const BUSY: u32 = 1 << 3;
const NOTHING_RECEIVED: u32 = 1 << 4;
const SEND_FULL: u32 = 1 << 5;
/// In MASK, PENDING and CLEAR.
const RECEIVED: u32 = 1 << 4;
const SENT: u32 = 1 << 5;

pub(crate) const IRQ: i16 = 5;

static RECEIVES: WakerSlot = WakerSlot::new();
static TAKER: Taker = kit::nobody();
static SENDS: WakerSlot = WakerSlot::new();

/// The first serial line.
pub type Uart = kit::Uart<Uart0>;

/// The hardware of it.
pub struct Uart0(());

impl Uart0 {
    pub(crate) fn new() -> Self {
        Uart0(())
    }
}

pub(crate) fn start() {
    // 115,200 baud: 12.5 MHz / 16 / 115,200 = 6 + 50/64.
    UART.write(DIVISOR, 6);
    UART.write(FRACTION, 50);
    UART.write(LINE, 0b11 << 5); // 8 bits
    UART.write(CONTROL, 0x301); // on, both directions
    arm::unmask(IRQ);
}

fn set_interrupts(on: u32, off: u32) {
    critical_section::with(|_| UART.write(MASK, UART.read(MASK) & !off | on));
}

impl Port for Uart0 {
    const RECEIVES: &'static WakerSlot = &RECEIVES;
    const TAKER: &'static Taker = &TAKER;
    const SENDS: &'static WakerSlot = &SENDS;

    fn has_received(&self) -> bool {
        UART.read(FLAGS) & NOTHING_RECEIVED == 0
    }

    fn take(&mut self) -> u8 {
        UART.read(DATA) as u8
    }

    fn has_room(&self) -> bool {
        UART.read(FLAGS) & SEND_FULL == 0
    }

    fn put(&mut self, byte: u8) {
        UART.write(DATA, byte.into());
    }

    fn is_sent(&self) -> bool {
        UART.read(FLAGS) & BUSY == 0
    }

    fn watch_receiving(&mut self) {
        set_interrupts(RECEIVED, 0);
    }

    fn watch_sending(&mut self) {
        set_interrupts(SENT, 0);
    }
}

pub(crate) fn on_interrupt() {
    let why = UART.read(PENDING);
    UART.write(CLEAR, why);
    set_interrupts(0, why);
    if why & RECEIVED != 0 {
        kit::received(&mut Uart0(()));
    }
    if why & SENT != 0 {
        SENDS.wake();
    }
}
