//! UART 0: one byte in each direction.

use giambio_core::sync::WakerSlot;
use kit::{Peripheral, Port, Taker};

// SAFETY: CMSDK UART 0; it touches no memory.
const UART: Peripheral<0x1000> = unsafe { Peripheral::at(0x4000_4000) };
const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const INTERRUPTS: usize = 0xc;
const DIVISOR: usize = 0x10;

/// In STATE: there is no room to send; something was received. The same bits plus two in CONTROL
/// let them interrupt.
const SEND_FULL: u32 = 1;
const RECEIVED: u32 = 2;
const SEND_INTERRUPT: u32 = 1 << 2;
const RECEIVE_INTERRUPT: u32 = 1 << 3;

pub(crate) const RECEIVE_IRQ: i16 = 0;
pub(crate) const SEND_IRQ: i16 = 1;

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
    UART.write(DIVISOR, crate::HZ / 115_200);
    UART.write(CONTROL, 0b11); // both directions
    arm::unmask(RECEIVE_IRQ);
    arm::unmask(SEND_IRQ);
}

fn set_interrupts(on: u32, off: u32) {
    critical_section::with(|_| UART.write(CONTROL, UART.read(CONTROL) & !off | on));
}

impl Port for Uart0 {
    const RECEIVES: &'static WakerSlot = &RECEIVES;
    const TAKER: &'static Taker = &TAKER;
    const SENDS: &'static WakerSlot = &SENDS;

    fn has_received(&self) -> bool {
        UART.read(STATE) & RECEIVED != 0
    }

    fn take(&mut self) -> u8 {
        UART.read(DATA) as u8
    }

    fn has_room(&self) -> bool {
        UART.read(STATE) & SEND_FULL == 0
    }

    fn put(&mut self, byte: u8) {
        UART.write(DATA, byte.into());
    }

    fn is_sent(&self) -> bool {
        self.has_room()
    }

    fn watch_receiving(&mut self) {
        set_interrupts(RECEIVE_INTERRUPT, 0);
    }

    fn watch_sending(&mut self) {
        set_interrupts(SEND_INTERRUPT, 0);
    }
}

pub(crate) fn on_interrupt() {
    let why = UART.read(INTERRUPTS) & 0b11;
    UART.write(INTERRUPTS, why);
    set_interrupts(0, why << 2);
    if why & RECEIVED != 0 {
        kit::received(&mut Uart0(()));
    }
    if why & SEND_FULL != 0 {
        SENDS.wake();
    }
}
