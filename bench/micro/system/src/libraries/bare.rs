//! The system's calls in a loop, one after the other, where nobody has to wait: what there is to do in any case.

use std::fs;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::thread;

use bench_common::{Meter, name_and_size};
use micro_suite::lacks;

use crate::benches::{MESSAGE, PIECE, PIECES, PROGRAM, piece, sum_of};
use crate::scratch::{LARGE, SMALL, Scratch};

pub(crate) fn run(bench: &str, n: u64) {
    let meter = match name_and_size(bench) {
        ("udp", Some(peers)) => udp(n, peers),
        ("unix", Some(pairs)) => unix(n, pairs),
        ("pipe", None) => pipe(n),
        ("copy", None) => copy(n),
        ("process", None) => metered(n, || {
            for _ in 0..n {
                assert!(Command::new(PROGRAM).status().unwrap().success());
            }
        }),
        ("large_file", None) => {
            let scratch = Scratch::new();
            let path = scratch.large_file();
            metered(n, || (0..n).for_each(|_| assert_eq!(fs::read(&path).unwrap().len(), LARGE)))
        }
        ("small_file", None) => {
            let scratch = Scratch::new();
            let paths = scratch.small_files();
            let paths = paths.iter().cycle().take(n as usize);
            metered(n, || paths.for_each(|path| assert_eq!(fs::read(path).unwrap().len(), SMALL)))
        }
        ("unblock", None) => unblock(n),
        _ => lacks(bench),
    };
    meter.print();
}

fn metered(n: u64, work: impl FnOnce()) -> Meter {
    let mut meter = Meter::new();
    meter.start();
    work();
    meter.stop(n);
    meter
}

fn udp(n: u64, peers: u64) -> Meter {
    let bound = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = bound();
    let client = |_| {
        let socket = bound();
        socket.connect(server.local_addr().unwrap()).unwrap();
        socket
    };
    let clients: Vec<UdpSocket> = (0..peers).map(client).collect();
    let each = n / peers;
    metered(each * peers, || {
        let mut buffer = [7; MESSAGE];
        for _ in 0..each {
            for client in &clients {
                client.send(&buffer).unwrap();
                let (_, from) = server.recv_from(&mut buffer).unwrap();
                server.send_to(&buffer, from).unwrap();
                client.recv(&mut buffer).unwrap();
            }
        }
    })
}

fn unix(n: u64, pairs: u64) -> Meter {
    let mut all: Vec<_> = (0..pairs).map(|_| UnixStream::pair().unwrap()).collect();
    let each = n / pairs;
    metered(each * pairs, || {
        let mut buffer = [7; MESSAGE];
        for _ in 0..each {
            for (client, server) in &mut all {
                client.write_all(&buffer).unwrap();
                server.read_exact(&mut buffer).unwrap();
                server.write_all(&buffer).unwrap();
                client.read_exact(&mut buffer).unwrap();
            }
        }
    })
}

fn pipe(n: u64) -> Meter {
    let (mut receiver, mut sender) = io::pipe().unwrap();
    let (bytes, mut buffer) = (piece(), vec![0; PIECE]);
    metered(n, || {
        for _ in 0..n * PIECES {
            black_box(sum_of(&bytes));
            sender.write_all(&bytes).unwrap();
            receiver.read_exact(&mut buffer).unwrap();
            black_box(sum_of(&buffer));
        }
    })
}

fn copy(n: u64) -> Meter {
    let ((mut source, mut left), (mut right, mut sink)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    let (bytes, mut between, mut buffer) = (piece(), vec![0; PIECE], vec![0; PIECE]);
    metered(n, || {
        for _ in 0..n * PIECES {
            black_box(sum_of(&bytes));
            source.write_all(&bytes).unwrap();
            left.read_exact(&mut between).unwrap();
            right.write_all(&between).unwrap();
            sink.read_exact(&mut buffer).unwrap();
            black_box(sum_of(&buffer));
        }
    })
}

/// A thread that waits, and channels of the standard library.
fn unblock(n: u64) -> Meter {
    let (give, take) = sync_channel::<u64>(1);
    let (answer, answers) = sync_channel(1);
    let worker = thread::spawn(move || take.iter().for_each(|i| answer.send(black_box(i) + 1).unwrap()));
    let meter = metered(n, || {
        for i in 0..n {
            give.send(i).unwrap();
            assert_eq!(answers.recv().unwrap(), i + 1);
        }
    });
    drop(give);
    worker.join().unwrap();
    meter
}
