//! What each benchmark does, written once for all libraries.

use std::hint::black_box;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use bench_common::{Gate, name_and_size};
use micro_suite::lacks;

use crate::libraries::{Datagrams, Library, Receives, Sends, Task};
use crate::scratch::{LARGE, SMALL, Scratch};

/// Of a message.
pub(crate) const MESSAGE: usize = 64;
/// What goes through a pipe or a connection at once.
pub(crate) const PIECE: usize = 64 << 10;
/// So many of them are an operation.
pub(crate) const PIECES: u64 = 16;
pub(crate) const PROGRAM: &str = "true";

pub(crate) fn run<L: Library>(bench: &str, n: u64) {
    let gate = match name_and_size(bench) {
        ("udp", Some(peers)) => udp::<L>(n, peers),
        ("unix", Some(pairs)) => unix::<L>(n, pairs),
        ("pipe", None) => pipe::<L>(n),
        ("copy", None) => copy::<L>(n),
        ("process", None) => alone::<L>(n, async move || {
            for _ in 0..n {
                L::program(PROGRAM).await;
            }
        }),
        ("large_file", None) => large_file::<L>(n),
        ("small_file", None) => small_files::<L>(n),
        ("unblock", None) => alone::<L>(n, async move || {
            for i in 0..n {
                assert_eq!(L::unblock(move || black_box(i) + 1).await, i + 1);
            }
        }),
        _ => lacks(bench),
    };
    gate.print();
}

/// One that passes the gate, works, and leaves.
fn gated(gate: &Gate, work: impl Future<Output = ()> + 'static) -> Task {
    let gate = gate.clone();
    Box::pin(async move {
        gate.enter().await;
        work.await;
        gate.leave();
    })
}

fn alone<L: Library>(n: u64, work: impl AsyncFnOnce() + 'static) -> Gate {
    let gate = Gate::new(1, n);
    L::run(|| vec![gated(&gate, async move { work().await })]);
    gate
}

fn udp<L: Library>(n: u64, peers: u64) -> Gate {
    let each = n / peers;
    let gate = Gate::new(peers as usize + 1, each * peers);
    L::run(|| {
        let bound = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = bound();
        let address = server.local_addr().unwrap();
        let server = L::datagrams(server);
        let serve = async move {
            let mut buffer = vec![0; MESSAGE];
            for _ in 0..each * peers {
                let from;
                (from, buffer) = server.receive_from(buffer).await;
                buffer = server.send_to(buffer, from).await;
            }
        };
        let client = |_| {
            let socket = bound();
            socket.connect(address).unwrap();
            let socket = L::datagrams(socket);
            gated(&gate, async move {
                let mut buffer = vec![7; MESSAGE];
                for _ in 0..each {
                    buffer = socket.send(buffer).await;
                    buffer = socket.receive(buffer).await;
                }
            })
        };
        std::iter::once(gated(&gate, serve)).chain((0..peers).map(client)).collect()
    });
    gate
}

fn unix<L: Library>(n: u64, pairs: u64) -> Gate {
    let each = n / pairs;
    let gate = Gate::new(2 * pairs as usize, each * pairs);
    L::run(|| {
        let pair = |_| {
            let (mut client, mut server) = unix_pair::<L>();
            let serve = async move {
                let mut buffer = vec![0; MESSAGE];
                for _ in 0..each {
                    buffer = whole(&mut server, buffer).await;
                    buffer = server.send_all(buffer).await;
                }
            };
            let ask = async move {
                let mut buffer = vec![7; MESSAGE];
                for _ in 0..each {
                    buffer = client.send_all(buffer).await;
                    buffer = whole(&mut client, buffer).await;
                }
            };
            [gated(&gate, serve), gated(&gate, ask)]
        };
        (0..pairs).flat_map(pair).collect()
    });
    gate
}

fn unix_pair<L: Library>() -> (L::Unix, L::Unix) {
    let (one, other) = UnixStream::pair().unwrap();
    (L::unix(one), L::unix(other))
}

/// A message comes in one piece.
async fn whole(from: &mut impl Receives, buffer: Vec<u8>) -> Vec<u8> {
    let (count, buffer) = from.receive(buffer).await;
    assert_eq!(count, MESSAGE);
    buffer
}

fn pipe<L: Library>(n: u64) -> Gate {
    let gate = Gate::new(2, n);
    L::run(|| {
        let (receiver, sender) = L::pipe();
        vec![gated(&gate, send_pieces(sender, n)), gated(&gate, receive_pieces(receiver, n))]
    });
    gate
}

async fn send_pieces(mut to: impl Sends, n: u64) {
    let mut buffer = piece();
    let mut sum = 0;
    for _ in 0..n * PIECES {
        sum += sum_of(&buffer);
        buffer = to.send_all(buffer).await;
    }
    black_box(sum);
}

async fn receive_pieces(mut from: impl Receives, n: u64) {
    let (mut buffer, mut sum) = (vec![0; PIECE], 0);
    loop {
        let count;
        (count, buffer) = from.receive(buffer).await;
        if count == 0 {
            break;
        }
        sum += sum_of(&buffer[..count]);
    }
    assert_eq!(sum, n * PIECES * sum_of(&piece()), "nothing is lost");
}

fn copy<L: Library>(n: u64) -> Gate {
    let gate = Gate::new(3, n);
    L::run(|| {
        let ((source, left), (right, sink)) = (unix_pair::<L>(), unix_pair::<L>());
        vec![
            gated(&gate, send_pieces(source, n)),
            gated(&gate, L::copy_both(left, right)),
            gated(&gate, receive_pieces(sink, n)),
        ]
    });
    gate
}

pub(crate) fn piece() -> Vec<u8> {
    (0..PIECE).map(|i| (i * 37 % 251) as u8).collect()
}

pub(crate) fn sum_of(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

fn large_file<L: Library>(n: u64) -> Gate {
    let scratch = Scratch::new();
    let path = scratch.large_file();
    alone::<L>(n, async move || {
        for _ in 0..n {
            assert_eq!(L::read(path.clone()).await.len(), LARGE);
        }
    })
}

fn small_files<L: Library>(n: u64) -> Gate {
    let scratch = Scratch::new();
    let paths = Rc::new(scratch.small_files());
    alone::<L>(n, async move || {
        for path in paths.iter().cycle().take(n as usize) {
            assert_eq!(L::read(path.clone()).await.len(), SMALL);
        }
    })
}
