//! What connections and messages cost in memory.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use common::{pair, poll_once};
use futures_lite::future::zip;
use giambio::net::{TcpListener, TcpStream};
use giambio::{builder, checkpoint, nursery, run, unblock, wake_from_signal};

/// Counts what each thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
    static LIVE_BETWEEN: Cell<isize> = const { Cell::new(0) };
}

/// 1 for what an allocator puts between other values, and that is no task of these tests; 0 for all else.
fn lies_between(layout: Layout) -> isize {
    (2 << 10..128 << 10).contains(&layout.size()).into()
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        LIVE_BYTES.with(|bytes| bytes.set(bytes.get() + layout.size() as isize));
        LIVE_BETWEEN.with(|count| count.set(count.get() + lies_between(layout)));
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE_BYTES.with(|bytes| bytes.set(bytes.get() - layout.size() as isize));
        LIVE_BETWEEN.with(|count| count.set(count.get() - lies_between(layout)));
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// As many tasks at once, with so much state that it lies apart from their headers.
async fn spike(tasks: u32) {
    let Ok(()) = nursery(async |n| {
        for i in 0..tasks {
            n.spawn(async move {
                let state = [i; 256];
                checkpoint().await;
                black_box(&state);
                Ok::<_, Infallible>(())
            });
        }
        Ok(())
    })
    .await;
}

/// Else a single one would keep an allocator from giving back hundreds of MiB, all that lies before it. (What is larger is
/// taken from the system by itself.)
#[test]
fn what_is_kept_of_a_spike_does_not_lie_among_the_tasks() {
    run(async {
        spike(20_000).await; // the first pages of a thread are small
        let before = LIVE_BETWEEN.get();
        spike(100_000).await;
        assert_eq!(LIVE_BETWEEN.get(), before);
    });
}

#[test]
fn a_message_allocates_nothing() {
    run(async {
        let (client, server) = pair().await;
        let mut buffer = [0; 64];
        let exchange = async |rounds: usize, buffer: &mut [u8]| {
            let echo = async {
                let mut buffer = [0; 64];
                for _ in 0..rounds {
                    let count = server.receive(&mut buffer).await.unwrap();
                    server.send_all(&buffer[..count]).await.unwrap();
                }
            };
            let ask = async {
                for _ in 0..rounds {
                    client.send_all(b"ping").await.unwrap();
                    client.receive(buffer).await.unwrap();
                }
            };
            zip(echo, ask).await;
        };
        exchange(10, &mut buffer).await;
        let before = ALLOCATIONS.get();
        exchange(1000, &mut buffer).await;
        assert_eq!(ALLOCATIONS.get() - before, 0);
    });
}

/// So that a signal handler may do it.
#[test]
fn a_wake_from_another_thread_allocates_nothing_there() {
    let (send, receive) = mpsc::channel::<Waker>();
    let waking = thread::spawn(move || {
        let mut most = 0;
        for waker in receive {
            thread::sleep(Duration::from_millis(1)); // by now the loop sleeps
            let before = ALLOCATIONS.get();
            wake_from_signal(&waker);
            most = most.max(ALLOCATIONS.get() - before);
        }
        most
    });
    run(async {
        for _ in 0..20 {
            let mut woken = false;
            poll_fn(|cx| {
                if woken {
                    return Poll::Ready(());
                }
                woken = true;
                send.send(cx.waker().clone()).unwrap();
                Poll::Pending
            })
            .await;
        }
        drop(send);
    });
    assert_eq!(waking.join().unwrap(), 0);
}

/// As many as asked for, if the process may have the descriptors.
fn connections(wanted: usize) -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).unwrap();
        let descriptors = limit.current.map_or(usize::MAX, |most| most as usize);
        wanted.min(descriptors.saturating_sub(100) / 2)
    }
    // Windows has no such limit, but Wine has that of the system below.
    #[cfg(not(unix))]
    wanted.min(2_000)
}

/// Echoes, with one buffer for all connections.
async fn echo(stream: TcpStream, buffer: &RefCell<[u8; 4096]>) -> io::Result<()> {
    loop {
        stream.readable().await?;
        let received = stream.try_receive(&mut *buffer.borrow_mut());
        match received {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let answer = buffer.borrow()[..count].to_vec();
                stream.send_all(&answer).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn thousands_of_connections_idle_in_little_memory_and_all_answer() -> io::Result<()> {
    let many = connections(10_000);
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let buffer = RefCell::new([0; 4096]);
        nursery(async |n| {
            let mut clients = Vec::with_capacity(many);
            let before = LIVE_BYTES.get();
            for _ in 0..many {
                clients.push(std::net::TcpStream::connect(address)?);
                let (stream, _) = listener.accept().await?;
                n.child().daemon().spawn(echo(stream, &buffer));
            }
            common::settle().await;
            let each = (LIVE_BYTES.get() - before) as usize / many;
            // For each socket, `polling` keeps a packet on Windows.
            let limit = if cfg!(windows) { 750 } else { 500 };
            assert!(each < limit, "{each} bytes for an idle connection");

            let clients: Vec<TcpStream> = clients.into_iter().map(TcpStream::from).collect();
            for client in &clients {
                client.send_all(b"hello").await?;
            }
            for client in &clients {
                let mut answer = [0; 5];
                client.receive_exact(&mut answer).await?;
                assert_eq!(&answer, b"hello");
            }
            Ok(())
        })
        .await
    })
}

#[test]
fn calls_that_are_given_up_while_they_wait_for_a_thread_leave_nothing() {
    let one = NonZeroUsize::MIN;
    builder().blocking_threads(one).run(async {
        let (hold, held) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let mut busy = Box::pin(unblock(move || {
            begin.send(()).unwrap();
            let _ = held.recv();
        }));
        assert!(poll_once(&mut busy).await.is_none());
        begun.recv().unwrap();
        let before = LIVE_BYTES.get();
        let mut calls = Vec::new();
        for _ in 0..1_000 {
            let data = [7; 512];
            let mut call = Box::pin(unblock(move || black_box(data)[0]));
            assert!(poll_once(&mut call).await.is_none());
            calls.push(call);
        }
        assert!(LIVE_BYTES.get() - before > 500_000);
        drop(calls);
        let left = LIVE_BYTES.get() - before;
        assert!(left < 5_000, "{left} bytes");
        drop(hold);
        busy.await;
    });
}
