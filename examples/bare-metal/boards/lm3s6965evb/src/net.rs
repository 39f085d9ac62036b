//! The Ethernet MAC: two FIFOs, a word at a time.

use core::array;

use ::net::{Device, EthernetAddress};
use giambio_core::sync::{Event, Shared};
use kit::Peripheral;
use smoltcp::phy::{DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use static_cell::ConstStaticCell;

// SAFETY: the Ethernet MAC; it touches no memory.
const MAC: Peripheral<0x1000> = unsafe { Peripheral::at(0x4004_8000) };
const INTERRUPTS: usize = 0x0;
const MASK: usize = 0x4;
const RECEIVE_CONTROL: usize = 0x8;
const TRANSMIT_CONTROL: usize = 0xc;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const FRAMES: usize = 0x34;
const TRANSMIT: usize = 0x38;

/// In INTERRUPTS and MASK: a frame has arrived.
const RECEIVED: u32 = 1;

pub(crate) const IRQ: i16 = 42;

/// A frame without its checksum.
const LONGEST: usize = 1514;
const HEADER: usize = 14;
const CHECKSUM: usize = 4;

/// Set when a frame has arrived.
pub static ARRIVED: Event<Shared> = Event::shared();

/// The network card.
pub struct Card {
    received: &'static mut [u8; LONGEST],
    sent: &'static mut [u8; LONGEST],
}

static BUFFERS: [ConstStaticCell<[u8; LONGEST]>; 2] = [const { ConstStaticCell::new([0; LONGEST]) }; 2];

const ADDRESS: [u8; 6] = [0x02, 0x00, 0x00, 0x00, 0x00, 0x01];

/// Starts the network card.
///
/// # Panics
/// The second time.
pub fn start() -> Card {
    crate::SYSTEM.write(crate::GATES_2, crate::SYSTEM.read(crate::GATES_2) | 1 << 30 | 1 << 28);
    MAC.write(ADDRESS_LOW, u32::from_le_bytes(array::from_fn(|at| ADDRESS[at])));
    MAC.write(ADDRESS_HIGH, u32::from_le_bytes([ADDRESS[4], ADDRESS[5], 0, 0]));
    MAC.write(RECEIVE_CONTROL, 1 << 4); // empties the FIFO
    MAC.write(RECEIVE_CONTROL, 1 << 3 | 1); // on; damaged frames are dropped
    MAC.write(TRANSMIT_CONTROL, 1 << 4 | 1 << 2 | 1 << 1 | 1); // on; both ways, checksums, padding
    MAC.write(MASK, 0);
    arm::unmask(IRQ);
    let [received, sent] = BUFFERS.each_ref().map(ConstStaticCell::take);
    Card { received, sent }
}

impl Card {
    /// Its address.
    pub fn address(&self) -> EthernetAddress {
        EthernetAddress(ADDRESS)
    }
}

impl Device for Card {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sent<'_>)> {
        if MAC.read(FRAMES) == 0 {
            MAC.write(MASK, RECEIVED);
            // It may have arrived before the interrupt was on.
            if MAC.read(FRAMES) == 0 {
                return None;
            }
        }
        // The first two bytes are a length, of everything: themselves, the frame, the checksum.
        let first = MAC.read(DATA).to_le_bytes();
        let length = usize::from(u16::from_le_bytes([first[0], first[1]]));
        let mut put = |at: usize, bytes: &[u8]| {
            for (place, byte) in self.received.iter_mut().skip(at).zip(bytes) {
                *place = *byte;
            }
        };
        put(0, &first[2..]);
        for word in 1..length.div_ceil(4) {
            put(4 * word - 2, &MAC.read(DATA).to_le_bytes());
        }
        let frame = length.saturating_sub(2 + CHECKSUM).min(LONGEST);
        Some((Received(&self.received[..frame]), Sent(self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sent<'_>> {
        Some(Sent(self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = LONGEST;
        capabilities
    }
}

/// A frame that has arrived.
pub struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame that is to be sent.
pub struct Sent<'a>(&'a mut [u8; LONGEST]);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let frame = &mut self.0[..length];
        let result = f(frame);
        while MAC.read(TRANSMIT) != 0 {} // the frame before is leaving: microseconds
        // The first two bytes are the length of what follows the header.
        let [low, high] = (length.saturating_sub(HEADER) as u16).to_le_bytes();
        let (first, rest) = frame.split_at(2.min(length));
        MAC.write(DATA, word(&[low, high], first));
        for bytes in rest.chunks(4) {
            MAC.write(DATA, word(bytes, &[]));
        }
        MAC.write(TRANSMIT, 1);
        result
    }
}

fn word(start: &[u8], end: &[u8]) -> u32 {
    let mut bytes = start.iter().chain(end);
    u32::from_le_bytes(array::from_fn(|_| bytes.next().copied().unwrap_or(0)))
}

pub(crate) fn on_interrupt() {
    MAC.write(MASK, 0); // until all frames are taken
    MAC.write(INTERRUPTS, RECEIVED);
    ARRIVED.set();
}
