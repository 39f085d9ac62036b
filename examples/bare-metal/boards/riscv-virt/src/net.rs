//! The network card, by virtio: the driver's queues are those of `virtio-drivers`.

mod dma;

use core::cell::Cell;
use core::ptr::NonNull;

use ::net::{Device, EthernetAddress};
use critical_section::Mutex;
use giambio_core::sync::{Event, Shared};
use kit::Peripheral;
use smoltcp::phy::{DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use static_cell::ConstStaticCell;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};

use dma::Pages;

/// Where the slots for virtio devices are; the interrupt of the first is 1.
const SLOTS: usize = 0x1000_1000;
const SLOT: usize = 0x1000;
const COUNT: u32 = 8;
/// Registers of a slot.
const DEVICE: usize = 0x8;
const INTERRUPTS: usize = 0x60;
const ACKNOWLEDGE: usize = 0x64;
/// In DEVICE.
const NETWORK_CARD: u32 = 1;

/// A frame with the card's own header before it.
const LONGEST: usize = 1514;
const BUFFER: usize = 1536;
const QUEUE: usize = 8;
const RECEIVERS: usize = 6;
const SENDERS: usize = 4;

/// Set when a frame has arrived or left.
pub static ARRIVED: Event<Shared> = Event::shared();

/// The interrupt of the card that was started, and 0 before.
static IRQ: Mutex<Cell<u32>> = Mutex::new(Cell::new(0));

struct Buffers {
    receive: [[u8; BUFFER]; RECEIVERS],
    send: [[u8; BUFFER]; SENDERS],
    /// What is lent to the stack.
    current: [u8; LONGEST],
}

static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers {
    receive: [[0; BUFFER]; RECEIVERS],
    send: [[0; BUFFER]; SENDERS],
    current: [0; LONGEST],
});

/// The network card.
pub struct Card {
    driver: VirtIONetRaw<Pages, MmioTransport<'static>, QUEUE>,
    buffers: &'static mut Buffers,
    /// Which buffer the driver has under which token.
    receiving: [Option<u16>; RECEIVERS],
    sending: [Option<u16>; SENDERS],
}

fn slot(number: u32) -> Peripheral<SLOT> {
    assert!(number < COUNT);
    // SAFETY: a slot for a virtio device. Its queues, which do touch memory, are set up by the driver.
    unsafe { Peripheral::at(SLOTS + number as usize * SLOT) }
}

/// Starts the network card.
///
/// # Panics
/// If the machine has none, or the second time.
pub fn start() -> Card {
    let Some(number) = (0..COUNT).find(|number| slot(*number).read(DEVICE) == NETWORK_CARD) else {
        panic!("no network card: start the emulator with `-device virtio-net-device,netdev=…`")
    };
    let header = NonNull::new((SLOTS + number as usize * SLOT) as *mut VirtIOHeader).expect("it is not 0");
    // SAFETY: the registers of a virtio device, which is there and which nobody else drives but for its interrupt.
    let transport = unsafe { MmioTransport::new(header, SLOT) }.expect("it is a modern virtio device");
    let driver = VirtIONetRaw::new(transport).expect("the pages suffice");
    let mut card = Card { driver, buffers: BUFFERS.take(), receiving: [None; RECEIVERS], sending: [None; SENDERS] };
    for index in 0..RECEIVERS {
        card.receive_into(index);
    }
    card.driver.enable_interrupts();
    let irq = number + 1;
    critical_section::with(|cs| IRQ.borrow(cs).set(irq));
    crate::plic::enable(irq as usize);
    card
}

impl Card {
    /// Its address.
    pub fn address(&self) -> EthernetAddress {
        EthernetAddress(self.driver.mac_address())
    }

    fn receive_into(&mut self, index: usize) {
        // SAFETY: the buffer lies in a `static`, and it is left alone until the driver gives back the token.
        let token = unsafe { self.driver.receive_begin(&mut self.buffers.receive[index]) };
        self.receiving[index] = token.ok();
    }

    /// A buffer that the driver does not have.
    fn free_sender(&mut self) -> Option<usize> {
        while let Some(token) = self.driver.poll_transmit() {
            let index = self.sending.iter().position(|sending| *sending == Some(token))?;
            // SAFETY: the token that came with this buffer.
            let _ = unsafe { self.driver.transmit_complete(token, &self.buffers.send[index]) };
            self.sending[index] = None;
        }
        self.sending.iter().position(Option::is_none)
    }
}

impl Device for Card {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sent<'_>)> {
        let sender = self.free_sender()?;
        let token = self.driver.poll_receive()?;
        let index = self.receiving.iter().position(|receiving| *receiving == Some(token))?;
        // SAFETY: the token that came with this buffer.
        let (header, length) =
            unsafe { self.driver.receive_complete(token, &mut self.buffers.receive[index]) }.unwrap_or((0, 0));
        let length = length.min(LONGEST);
        let Buffers { receive, current, .. } = &mut *self.buffers;
        current[..length].copy_from_slice(&receive[index][header..][..length]);
        self.receive_into(index);
        let Card { driver, buffers, sending, .. } = self;
        let Buffers { send, current, .. } = &mut **buffers;
        Some((Received(&current[..length]), Sent { driver, buffer: &mut send[sender], sending: &mut sending[sender] }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sent<'_>> {
        let index = self.free_sender()?;
        let Card { driver, buffers, sending, .. } = self;
        Some(Sent { driver, buffer: &mut buffers.send[index], sending: &mut sending[index] })
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
pub struct Sent<'a> {
    driver: &'a mut VirtIONetRaw<Pages, MmioTransport<'static>, QUEUE>,
    buffer: &'a mut [u8; BUFFER],
    sending: &'a mut Option<u16>,
}

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let Sent { driver, buffer, sending } = self;
        let header = driver.fill_buffer_header(buffer).expect("the buffer is larger");
        let result = f(&mut buffer[header..][..length]);
        // SAFETY: the buffer lies in a `static`, and it is left alone until the driver gives back the token.
        let token = unsafe { driver.transmit_begin(&buffer[..header + length]) };
        *sending = token.ok();
        result
    }
}

/// Was this the card's interrupt?
pub(crate) fn on_interrupt(irq: u32) -> bool {
    if irq == 0 || critical_section::with(|cs| IRQ.borrow(cs).get()) != irq {
        return false;
    }
    let slot = slot(irq - 1);
    slot.write(ACKNOWLEDGE, slot.read(INTERRUPTS));
    ARRIVED.set();
    true
}
