//! The stack: the network interface, the sockets, and the task that moves frames between them.

use core::cell::RefCell;
use core::convert::Infallible;
use core::future::poll_fn;
use core::task::{Poll, ready};
use core::time::Duration;

use giambio_core::sync::{Event, Shared, WakerSlot};
use giambio_core::{checkpoint, clock, move_on_after, poll_proceed};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};

use crate::memory::{Buffers, Place, Sockets};

/// How long a socket whose stream is gone may take to say goodbye.
const GOODBYE: i64 = 2_000;

/// Who we are.
pub struct Settings {
    /// The address of the network card.
    pub mac: EthernetAddress,
    /// Our own address, and how many bits of it name the network.
    pub address: Ipv4Cidr,
    /// Who forwards what is not for our network.
    pub gateway: Ipv4Address,
    /// The port that [`Listener`](crate::Listener) accepts at.
    pub port: u16,
    /// Anything that differs from start to start.
    pub seed: u64,
}

/// A network interface with one port that listens.
pub struct Stack<D: Device> {
    inner: RefCell<Inner<D>>,
    /// Set when there is something to do: by the network card's interrupt, and by streams.
    work: &'static Event<Shared>,
    /// Woken when a client has come.
    pub(crate) clients: WakerSlot,
}

pub(crate) struct Inner<D> {
    device: D,
    interface: Interface,
    pub(crate) sockets: SocketSet<'static>,
    pub(crate) places: &'static mut [Place],
    handles: [SocketHandle; MAX_SOCKETS],
    port: u16,
}

const MAX_SOCKETS: usize = 16;

fn now() -> Instant {
    Instant::from_micros((clock().as_nanos() / 1000) as i64)
}

impl<D: Device> Stack<D> {
    /// A stack with all of its sockets listening. `work` is set by the device's interrupt when
    /// there is something to receive.
    ///
    /// # Panics
    /// Outside a runtime, which has the clock; with more than 16 sockets, or a port 0.
    pub fn new<const SOCKETS: usize, const BYTES: usize>(
        mut device: D,
        work: &'static Event<Shared>,
        settings: &Settings,
        buffers: &'static mut Buffers<SOCKETS, BYTES>,
        sockets: &'static mut Sockets<SOCKETS>,
    ) -> Self {
        const { assert!(SOCKETS > 0 && SOCKETS <= MAX_SOCKETS, "1 to 16 sockets") };
        let mut config = Config::new(settings.mac.into());
        config.random_seed = settings.seed;
        let mut interface = Interface::new(config, &mut device, now());
        interface.update_ip_addrs(|addresses| {
            addresses.push(settings.address.into()).expect("it is the first");
        });
        interface.routes_mut().add_default_ipv4_route(settings.gateway).expect("it is the first");
        let places = &mut sockets.places[..];
        let mut sockets = SocketSet::new(&mut sockets.storage[..]);
        let mut handles = [SocketHandle::default(); MAX_SOCKETS];
        for (handle, [receive, send]) in handles.iter_mut().zip(&mut buffers.0) {
            let mut socket = Socket::new(SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut send[..]));
            socket.listen(settings.port).expect("it is closed, and the port is not 0");
            *handle = sockets.add(socket);
        }
        let inner = Inner { device, interface, sockets, places, handles, port: settings.port };
        Stack { inner: RefCell::new(inner), work, clients: WakerSlot::new() }
    }

    /// Moves frames, for as long as it is polled.
    ///
    /// # Cancellation
    /// **Restartable.** In between nothing moves; the peers send it again.
    pub async fn run(&self) -> Infallible {
        loop {
            self.work.clear(); // then look: what comes later sets it again
            match self.turn() {
                None => self.work.wait().await,
                Some(Duration::ZERO) => checkpoint().await,
                Some(delay) => drop(move_on_after(delay, self.work.wait()).await),
            }
        }
    }

    /// Waits until all that streams have sent has arrived, or will never.
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn flush(&self) {
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            let mut inner = self.inner.borrow_mut();
            for index in 0..inner.places.len() {
                let socket = inner.socket(index);
                if socket.send_queue() > 0 {
                    socket.register_send_waker(cx.waker());
                    return Poll::Pending;
                }
            }
            go.made_progress();
            Poll::Ready(())
        })
        .await
    }

    /// Does what can be done now; says when it has to be done again.
    fn turn(&self) -> Option<Duration> {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let now = now();
        inner.interface.poll(now, &mut inner.device, &mut inner.sockets);
        let mut delay = inner.interface.poll_delay(now, &inner.sockets).map(Duration::from);
        for index in 0..inner.places.len() {
            match inner.look_after(index, now) {
                Need::Nothing => {}
                Need::Accept => self.clients.wake(),
                Need::Look { after } => delay = Some(delay.map_or(after, |delay| delay.min(after))),
            }
        }
        delay
    }

    /// Lends a socket.
    pub(crate) fn with<R>(&self, index: usize, f: impl FnOnce(&mut Socket<'static>) -> R) -> R {
        f(self.inner.borrow_mut().socket(index))
    }

    pub(crate) fn inner(&self) -> core::cell::RefMut<'_, Inner<D>> {
        self.inner.borrow_mut()
    }

    /// A stream has changed something: the task looks at it.
    pub(crate) fn stir(&self) {
        self.work.set();
    }

    /// Takes a socket back from its stream.
    pub(crate) fn close(&self, index: usize) {
        let mut inner = self.inner.borrow_mut();
        inner.socket(index).close(); // says so after what is to be sent
        inner.places[index] = Place::Closing { until: now().total_millis() + GOODBYE };
        drop(inner);
        self.stir();
    }
}

impl<D> Inner<D> {
    pub(crate) fn socket(&mut self, index: usize) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handles[index])
    }

    /// Lets a socket listen again whose connection is over.
    fn look_after(&mut self, index: usize, now: Instant) -> Need {
        let (place, port) = (self.places[index], self.port);
        let socket = self.socket(index);
        let is_over = matches!(socket.state(), State::Closed | State::TimeWait);
        match place {
            Place::Open => return Need::Nothing,
            Place::Listening if socket.may_send() => return Need::Accept,
            Place::Listening if !is_over => return Need::Nothing,
            Place::Closing { until } if !is_over && now.total_millis() < until => {
                return Need::Look { after: Duration::from_millis((until - now.total_millis()) as u64) };
            }
            // It is over, the client left before it was accepted, or it never says goodbye.
            Place::Listening | Place::Closing { .. } => {}
        }
        socket.abort();
        // Fails only while it is open, or at port 0.
        let _ = socket.listen(port);
        self.places[index] = Place::Listening;
        Need::Nothing
    }
}

/// What a socket needs from others.
enum Need {
    Nothing,
    /// A client has come.
    Accept,
    Look {
        after: Duration,
    },
}
