//! The echo server's handler allocates nothing for a message. Alone in its process, for the allocator is the process's.

#[path = "../../examples/echo_server/handler.rs"]
mod handler;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error;
use std::io;
use std::net::SocketAddr;

use giambio::net::{TcpListener, TcpStream};
use giambio::nursery;

/// A log that is off. Another stream, another log: nothing in the handler needs the example around it.
mod log {
    macro_rules! off {
        ($($text:tt)*) => {
            if false {
                let _ = format_args!($($text)*);
            }
        };
    }
    pub(crate) use off as info;
    pub(crate) use off as warn;
}

impl handler::Stream for TcpStream {
    type Error = io::Error;

    fn receive(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        TcpStream::receive(self, buffer)
    }

    async fn send_all(&mut self, data: &[u8]) -> io::Result<()> {
        TcpStream::send_all(self, data).await
    }
}

struct Counting;

thread_local! {
    /// Of each thread, since the one that runs the tests allocates when it likes.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

async fn client(address: SocketAddr, messages: usize) -> io::Result<usize> {
    let stream = TcpStream::connect(address).await?;
    let mut buffer = [0; 256];
    let mut expect = async |text: &[u8]| {
        let buffer = &mut buffer[..text.len()];
        stream.receive_exact(buffer).await?;
        assert_eq!(buffer, text);
        io::Result::Ok(())
    };
    expect(b"Welcome to the server pal, feel free to send me something!\n-> ").await?;
    let mut before = 0;
    for round in 0..messages + 10 {
        if round == 10 {
            before = ALLOCATIONS.get(); // whatever is done only once has been done
        }
        stream.send_all(b"message\n").await?;
        expect(b"Got: message\n-> ").await?;
    }
    Ok(ALLOCATIONS.get() - before)
}

#[test]
fn a_message_allocates_nothing() {
    let allocations: Result<usize, Box<dyn Error>> = giambio::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        nursery(async |n| {
            n.child().daemon().spawn(async {
                let (stream, peer) = listener.accept().await?;
                handler::handler(stream, peer).await
            });
            Ok(client(address, 1000).await?)
        })
        .await
    });
    assert_eq!(allocations.unwrap(), 0);
}
