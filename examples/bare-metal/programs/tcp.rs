//! The tutorial's echo server on bare metal: the handler is the very file of the desktop's server,
//! the sockets are `smoltcp`'s, and the network card is the board's.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../../echo_server/handler.rs"]
mod handler;

use core::convert::Infallible;
use core::pin::pin;
use core::time::Duration;

use board::entry;
use board::net::{ARRIVED, Card};
use embedded_io_async::{Read, Write};
use giambio_core::{Arena, Runtime, clock, move_on_after, nursery_in};
use handler::{ExitRequest, handler};
use log::info;
use net::{Buffers, IpEndpoint, Ipv4Address, Ipv4Cidr, Listener, Settings, Sockets, Stack, TcpError, TcpStream};
use static_cell::{ConstStaticCell, StaticCell};

/// Where `handler` finds its macros.
mod log {
    macro_rules! info {
        ($($what:tt)*) => { board::println!("[INFO] {}", format_args!($($what)*)) };
    }
    macro_rules! warning {
        ($($what:tt)*) => { board::println!("[WARN] {}", format_args!($($what)*)) };
    }
    pub(crate) use info;
    pub(crate) use warning as warn;
}

const PORT: u16 = 1500;

/// One for each client, one that waits for the next, and some that are about to be free again.
const CONNECTIONS: usize = 8;

static CLIENTS: Arena<CONNECTIONS, 1536> = Arena::new();
static BUFFERS: ConstStaticCell<Buffers<CONNECTIONS, 1280>> = ConstStaticCell::new(Buffers::new());
static SOCKETS: ConstStaticCell<Sockets<CONNECTIONS>> = ConstStaticCell::new(Sockets::new());
static STACK: StaticCell<Stack<Card>> = StaticCell::new();
static SERVICES: Arena<1, 512> = Arena::new();

impl handler::Stream for TcpStream<'_, Card> {
    type Error = TcpError;

    fn receive(&mut self, buffer: &mut [u8]) -> impl Future<Output = Result<usize, TcpError>> {
        self.read(buffer)
    }

    async fn send_all(&mut self, data: &[u8]) -> Result<(), TcpError> {
        self.write_all(data).await
    }
}

/// Spawns a task for each client; ends only by an error.
async fn serve(stack: &Stack<Card>) -> Result<Infallible, ExitRequest<IpEndpoint>> {
    let mut listener = Listener::new(stack);
    nursery_in(&CLIENTS, async |n| {
        loop {
            let (stream, peer) = listener.accept().await;
            info!("{peer} connected");
            // There are as many places as sockets, so there is always one. And `spawn_wait` would keep room in this
            // task for a child that waits.
            assert!(n.try_spawn(handler(stream, peer)).is_ok());
        }
    })
    .await
}

async fn server(card: Card) -> ExitRequest<IpEndpoint> {
    let settings = Settings {
        mac: card.address(),
        address: Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 15), 24),
        gateway: Ipv4Address::new(10, 0, 2, 2),
        port: PORT,
        seed: clock().as_nanos(),
    };
    let stack = STACK.init(Stack::new(card, &ARRIVED, &settings, BUFFERS.take(), SOCKETS.take()));
    info!("Serving asynchronously at {}:{PORT}", settings.address.address());
    let Ok(request) = nursery_in(&SERVICES, async |n| {
        n.child().daemon().spawn_wait(async { match stack.run().await {} }).await;
        let Err(request) = serve(stack).await;
        // What was said last still has to arrive.
        move_on_after(Duration::from_secs(1), stack.flush()).await;
        Ok::<_, Infallible>(request)
    })
    .await;
    request
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let runtime = pin!(Runtime::new(board.clock, server(board::net::start())));
    let request = runtime.run_masked(&mut board::sleep);
    info!("slept {} times", board::sleeps());
    board::println!("[ERROR] Exiting due to a {request}");
    board::exit(1)
}
