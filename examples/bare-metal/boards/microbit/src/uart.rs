//! The UART: six bytes of FIFO in, one byte out.

use giambio_core::sync::WakerSlot;
use kit::{Peripheral, Port, Taker};

// SAFETY: the UART; it touches no memory.
const UART: Peripheral<0x1000> = unsafe { Peripheral::at(0x4000_2000) };
const START_RECEIVING: usize = 0x0;
const START_SENDING: usize = 0x8;
const RECEIVED: usize = 0x108;
const SENT: usize = 0x11c;
const SET_INTERRUPTS: usize = 0x304;
const CLEAR_INTERRUPTS: usize = 0x308;
const ENABLE: usize = 0x500;
const SEND_PIN: usize = 0x50c;
const RECEIVE_PIN: usize = 0x514;
const RECEIVE_DATA: usize = 0x518;
const SEND_DATA: usize = 0x51c;
const BAUD_RATE: usize = 0x524;

const RECEIVE_INTERRUPT: u32 = 1 << 2;
const SEND_INTERRUPT: u32 = 1 << 7;

pub(crate) const IRQ: i16 = 2;

static RECEIVES: WakerSlot = WakerSlot::new();
static TAKER: Taker = kit::nobody();
static SENDS: WakerSlot = WakerSlot::new();

/// The serial line.
pub type Uart = kit::Uart<Uart0>;

/// The hardware of it.
pub struct Uart0 {
    /// Before the first byte nothing says that there is room.
    has_sent: bool,
}

impl Uart0 {
    pub(crate) fn new() -> Self {
        Uart0 { has_sent: false }
    }
}

pub(crate) fn start() {
    UART.write(SEND_PIN, 24);
    UART.write(RECEIVE_PIN, 25);
    UART.write(BAUD_RATE, 0x01d7_e000); // 115,200
    UART.write(ENABLE, 4);
    UART.write(START_RECEIVING, 1);
    UART.write(START_SENDING, 1);
    arm::unmask(IRQ);
}

impl Port for Uart0 {
    const RECEIVES: &'static WakerSlot = &RECEIVES;
    const TAKER: &'static Taker = &TAKER;
    const SENDS: &'static WakerSlot = &SENDS;

    fn has_received(&self) -> bool {
        UART.read(RECEIVED) != 0
    }

    fn take(&mut self) -> u8 {
        // In this order: taking the byte makes room for the next, which sets the flag again.
        UART.write(RECEIVED, 0);
        UART.read(RECEIVE_DATA) as u8
    }

    fn has_room(&self) -> bool {
        !self.has_sent || UART.read(SENT) != 0
    }

    fn put(&mut self, byte: u8) {
        UART.write(SENT, 0);
        UART.write(SEND_DATA, byte.into());
        self.has_sent = true;
    }

    fn is_sent(&self) -> bool {
        self.has_room()
    }

    fn watch_receiving(&mut self) {
        UART.write(SET_INTERRUPTS, RECEIVE_INTERRUPT);
    }

    fn watch_sending(&mut self) {
        UART.write(SET_INTERRUPTS, SEND_INTERRUPT);
    }
}

pub(crate) fn on_interrupt() {
    let enabled = UART.read(SET_INTERRUPTS);
    if enabled & RECEIVE_INTERRUPT != 0 && UART.read(RECEIVED) != 0 {
        UART.write(CLEAR_INTERRUPTS, RECEIVE_INTERRUPT);
        kit::received(&mut Uart0::new());
    }
    if enabled & SEND_INTERRUPT != 0 && UART.read(SENT) != 0 {
        UART.write(CLEAR_INTERRUPTS, SEND_INTERRUPT);
        SENDS.wake();
    }
}
