//! A serial line: as `embedded-hal-nb` has it, and as a stream of `embedded-io-async`.

use core::cell::Cell;
use core::convert::Infallible;

use critical_section::Mutex;
use embedded_hal_nb::nb;
use embedded_hal_nb::serial;
use giambio_core::nb::wait;
use giambio_core::sync::WakerSlot;

/// Who takes the bytes in the interrupt itself, where that isn't a task.
pub type Taker = Mutex<Cell<Option<fn(u8)>>>;

/// No taker yet.
pub const fn nobody() -> Taker {
    Mutex::new(Cell::new(None))
}

/// What a board's UART can do. Its interrupt handler masks the interrupt, and calls [`received`] or wakes the slot.
pub trait Port {
    /// Woken when there may be something to receive.
    const RECEIVES: &'static WakerSlot;
    /// Has what arrives, instead, if it is set.
    const TAKER: &'static Taker;
    /// Woken when there may be room to send.
    const SENDS: &'static WakerSlot;

    /// Has a byte arrived?
    fn has_received(&self) -> bool;

    /// Takes the byte that has arrived.
    fn take(&mut self) -> u8;

    /// Is there room for a byte to send?
    fn has_room(&self) -> bool;

    /// Sends a byte, for which there is room.
    fn put(&mut self, byte: u8);

    /// Has everything left?
    fn is_sent(&self) -> bool;

    /// The next byte that arrives causes an interrupt.
    fn watch_receiving(&mut self);

    /// Room to send causes an interrupt, and so does the end of what is being sent.
    fn watch_sending(&mut self);
}

/// For the interrupt handler: something may have arrived.
pub fn received<P: Port>(port: &mut P) {
    let Some(taker) = critical_section::with(|cs| P::TAKER.borrow(cs).get()) else { return P::RECEIVES.wake() };
    // In this order: what arrives after the last look causes another interrupt.
    port.watch_receiving();
    while port.has_received() {
        taker(port.take());
    }
}

/// A UART without errors, as the emulated ones are.
pub struct Uart<P>(P);

impl<P: Port> Uart<P> {
    /// A UART that has been started.
    pub const fn new(port: P) -> Self {
        Uart(port)
    }

    /// Where a task leaves its waker to be woken when there may be something to receive.
    pub fn receives() -> &'static WakerSlot {
        P::RECEIVES
    }

    /// The same for when there may be room to send.
    pub fn sends() -> &'static WakerSlot {
        P::SENDS
    }

    /// From now on `taker` is called from an interrupt with each byte that arrives, and nobody else receives any.
    pub fn on_receive(&mut self, taker: fn(u8)) {
        critical_section::with(|cs| {
            P::TAKER.borrow(cs).set(Some(taker));
            received(&mut self.0);
        });
    }

    /// Is it so? If not, an interrupt tells when it is; it may have become so before that was on.
    fn is(&mut self, is_so: fn(&P) -> bool, watch: fn(&mut P)) -> bool {
        is_so(&self.0) || {
            watch(&mut self.0);
            is_so(&self.0)
        }
    }

    /// A byte that has arrived. If there is none, from now on the next one causes an interrupt.
    fn receive(&mut self) -> Option<u8> {
        self.is(P::has_received, P::watch_receiving).then(|| self.0.take())
    }

    /// Sends a byte, if there is room. If there is none, room causes an interrupt from now on.
    fn send(&mut self, byte: u8) -> bool {
        let has_room = self.is(P::has_room, P::watch_sending);
        if has_room {
            self.0.put(byte);
        }
        has_room
    }
}

impl<P: Port> serial::ErrorType for Uart<P> {
    type Error = Infallible;
}

impl<P: Port> serial::Read for Uart<P> {
    fn read(&mut self) -> nb::Result<u8, Infallible> {
        self.receive().ok_or(nb::Error::WouldBlock)
    }
}

impl<P: Port> serial::Write for Uart<P> {
    fn write(&mut self, byte: u8) -> nb::Result<(), Infallible> {
        if self.send(byte) { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    fn flush(&mut self) -> nb::Result<(), Infallible> {
        if self.is(P::is_sent, P::watch_sending) { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }
}

impl<P: Port> embedded_io_async::ErrorType for Uart<P> {
    type Error = Infallible;
}

impl<P: Port> embedded_io_async::Read for Uart<P> {
    /// Waits for a byte, and takes those along that have arrived as well.
    ///
    /// # Cancellation
    /// **Restartable.** Nothing that arrived is lost.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some((first, rest)) = buffer.split_first_mut() else { return Ok(0) };
        *first = wait(|waker| P::RECEIVES.register(waker), || serial::Read::read(self)).await?;
        let mut count = 1;
        for place in rest {
            match self.receive() {
                Some(byte) => *place = byte,
                None => break,
            }
            count += 1;
        }
        Ok(count)
    }
}

impl<P: Port> embedded_io_async::Write for Uart<P> {
    /// Waits for room for a byte, and sends as many as there is room for.
    ///
    /// # Cancellation
    /// **Restartable.** Dropped before it ended, it sent nothing.
    async fn write(&mut self, data: &[u8]) -> Result<usize, Infallible> {
        let Some((first, rest)) = data.split_first() else { return Ok(0) };
        wait(|waker| P::SENDS.register(waker), || serial::Write::write(self, *first)).await?;
        let more = rest.iter().take_while(|byte| self.send(**byte)).count();
        Ok(1 + more)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        wait(|waker| P::SENDS.register(waker), || serial::Write::flush(self)).await
    }
}
