//! What a connection does, and what happens to it.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::common::{kind, narrow_pair, pair, poll_once, reset_of_the_system, settle, std_client};
use futures_lite::future::{or, pending, ready, zip};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use giambio::net::{Closed, TcpListener, TcpStream};
use giambio::{finally, move_on_after, run};
use socket2::SockRef;

const SOON: Duration = Duration::from_millis(20);

#[test]
fn what_is_sent_is_received() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"hello").await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(server.receive(&mut buffer).await.unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
    });
}

#[test]
fn a_receive_waits_for_data_that_comes_later() {
    run(async {
        let (mut client, server) = std_client().await;
        for round in 0..100_u8 {
            let mut buffer = [0; 16];
            let mut receive = Box::pin(server.receive(&mut buffer));
            assert!(poll_once(&mut receive).await.is_none());
            client.write_all(&[round]).unwrap();
            assert_eq!(receive.await.unwrap(), 1);
            assert_eq!(buffer[0], round);
        }
    });
}

#[test]
fn data_sent_byte_by_byte_all_arrives() {
    run(async {
        let (mut client, server) = std_client().await;
        let sender = thread::spawn(move || {
            client.set_nodelay(true).unwrap();
            (0..1000_u32).for_each(|n| client.write_all(&[n as u8]).unwrap());
        });
        let mut got = Vec::new();
        let mut buffer = [0; 7];
        loop {
            match server.receive(&mut buffer).await.unwrap() {
                0 => break,
                count => got.extend_from_slice(&buffer[..count]),
            }
        }
        sender.join().unwrap();
        assert!(got.iter().copied().eq((0..1000_u32).map(|n| n as u8)));
    });
}

#[test]
fn a_megabyte_goes_both_ways_at_once() {
    run(async {
        let (one, two) = pair().await;
        let data: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
        let exchange = async |stream: &TcpStream| {
            let mut got = vec![0; data.len()];
            let (sent, received) = zip(stream.send_all(&data), stream.receive_exact(&mut got)).await;
            sent.unwrap();
            received.unwrap();
            assert!(got == data);
        };
        zip(exchange(&one), exchange(&two)).await;
    });
}

#[test]
fn vectored_calls_gather_and_scatter() {
    run(async {
        let (client, server) = pair().await;
        let sent = client.send_vectored(&[IoSlice::new(b"he"), IoSlice::new(b"llo")]).await.unwrap();
        assert_eq!(sent, 5);
        let (mut head, mut tail) = ([0; 3], [0; 9]);
        let mut buffers = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)];
        assert_eq!(server.receive_vectored(&mut buffers).await.unwrap(), 5);
        assert_eq!((&head, &tail[..2]), (b"hel", &b"lo"[..]));
        // The short count was understood: the next receive waits, and is woken.
        let mut more = [0; 4];
        let mut receive = Box::pin(server.receive(&mut more));
        assert!(poll_once(&mut receive).await.is_none());
        client.send_all(b"more").await.unwrap();
        assert_eq!(receive.await.unwrap(), 4);
    });
}

/// More slices than any system takes at once.
const MANY_SLICES: usize = 3000;

/// A connection at both of whose ends the system was told of both sides, so that only news end a wait.
async fn registered_pair() -> (TcpStream, TcpStream) {
    let (client, server) = pair().await;
    for (one, other) in [(&client, &server), (&server, &client)] {
        let mut buffer = [0; 1];
        let mut receive = Box::pin(one.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await; // what was news when it was registered is none any more
        other.send_all(b"x").await.unwrap();
        receive.await.unwrap();
    }
    (client, server)
}

/// What `step` moves until it is all.
async fn all_of<E: std::fmt::Debug>(mut step: impl AsyncFnMut(usize) -> Result<usize, E>) {
    let mut moved = 0;
    while moved < MANY_SLICES {
        let count = move_on_after(Duration::from_secs(10), step(moved)).await;
        moved += count.unwrap_or_else(|| panic!("stuck after {moved}")).unwrap();
    }
}

#[test]
fn more_slices_than_the_system_takes_are_no_short_count() {
    run(async {
        let (client, server) = registered_pair().await;
        let data: Vec<u8> = (0..MANY_SLICES).map(|n| n as u8).collect();
        let slices: Vec<_> = data.chunks(1).map(IoSlice::new).collect();
        for by_traits in [false, true] {
            all_of(async |sent| match by_traits {
                false => client.send_vectored(&slices[sent..]).await,
                true => (&client).write_vectored(&slices[sent..]).await,
            })
            .await;
            while server.peek(&mut [0; MANY_SLICES]).await.unwrap() < MANY_SLICES {
                settle().await;
            }
            let mut got = vec![0; MANY_SLICES];
            all_of(async |received| {
                let mut slices: Vec<_> = got[received..].chunks_mut(1).map(IoSliceMut::new).collect();
                match by_traits {
                    false => server.receive_vectored(&mut slices).await,
                    true => (&server).read_vectored(&mut slices).await,
                }
            })
            .await;
            assert!(got == data);
        }
    });
}

#[test]
fn empty_slices_in_front_hide_nothing() {
    run(async {
        let (client, server) = pair().await;
        let mut slices = vec![IoSlice::new(b""); MANY_SLICES];
        slices.push(IoSlice::new(b"hello"));
        assert_eq!(client.send_vectored(&slices).await.unwrap(), 5);
        let mut buffer = [0; 5];
        let mut slices: Vec<_> = (0..MANY_SLICES).map(|_| IoSliceMut::new(&mut [])).collect();
        slices.push(IoSliceMut::new(&mut buffer));
        assert_eq!(server.receive_vectored(&mut slices).await.unwrap(), 5, "0 would be the end");
        assert_eq!(&buffer, b"hello");
    });
}

#[test]
fn a_peek_leaves_the_data() {
    run(async {
        let (client, server) = pair().await;
        let mut buffer = [0; 8];
        let mut peek = Box::pin(server.peek(&mut buffer));
        assert!(poll_once(&mut peek).await.is_none());
        client.send_all(b"hello").await.unwrap();
        assert_eq!(peek.await.unwrap(), 5);
        let mut again = [0; 8];
        assert_eq!(server.peek(&mut again[..2]).await.unwrap(), 2);
        assert_eq!(server.receive(&mut again).await.unwrap(), 5);
        assert_eq!(buffer, again);
    });
}

#[test]
fn a_peer_that_closes_ends_the_stream_every_time() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"bye").await.unwrap();
        drop(client);
        let mut buffer = [0; 16];
        assert_eq!(server.receive(&mut buffer).await.unwrap(), 3);
        for _ in 0..3 {
            assert_eq!(server.receive(&mut buffer).await.unwrap(), 0);
        }
    });
}

#[test]
fn the_end_that_comes_together_with_the_last_data_is_seen() {
    run(async {
        for gap in [false, true] {
            let (client, server) = pair().await;
            let mut buffer = [0; 16];
            let mut receive = Box::pin(server.receive(&mut buffer));
            assert!(poll_once(&mut receive).await.is_none());
            client.send_all(b"last").await.unwrap();
            if gap {
                settle().await;
            }
            client.shutdown(Shutdown::Write).unwrap();
            assert_eq!(receive.await.unwrap(), 4);
            assert_eq!(server.receive(&mut buffer).await.unwrap(), 0);
        }
    });
}

#[test]
fn a_half_closed_connection_still_carries_the_other_half() {
    run(async {
        let (client, server) = pair().await;
        client.shutdown(Shutdown::Write).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(server.receive(&mut buffer).await.unwrap(), 0);
        for _ in 0..3 {
            server.send_all(b"still here").await.unwrap();
            assert_eq!(client.receive(&mut buffer).await.unwrap(), 10);
        }
        assert_eq!(kind(client.send(b"x").await), Some(ErrorKind::BrokenPipe));
    });
}

#[test]
fn a_reset_is_an_error_for_who_waits() {
    let reset = reset_of_the_system();
    run(async {
        let (client, server) = pair().await;
        let mut buffer = [0; 16];
        let mut receive = Box::pin(server.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        client.set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        assert_eq!(kind(receive.await), reset);
        while server.send(b"x").await.is_ok() {}
    });
}

#[test]
fn a_reset_ends_a_send_that_waits() {
    run(async {
        let (client, server) = narrow_pair().await;
        let data = vec![0; 4 << 20];
        let mut sending = client.send_all(&data);
        assert!(poll_once(&mut sending).await.is_none());
        server.set_linger(Some(Duration::ZERO)).unwrap();
        drop(server);
        assert!(sending.await.is_err());
    });
}

/// Some systems report the end of the peer's stream as news for both sides.
#[test]
fn the_end_of_the_peers_stream_does_not_disturb_a_send_that_waits() {
    run(async {
        let (client, server) = pair().await;
        client.set_send_buffer_size(65_536).unwrap();
        server.set_receive_buffer_size(65_536).unwrap();
        let data: Vec<u8> = (0..2 << 20).map(|n: u32| (n % 253) as u8).collect();
        let mut sending = client.send_all(&data);
        assert!(poll_once(&mut sending).await.is_none());
        server.shutdown(Shutdown::Write).unwrap();
        assert!(move_on_after(SOON, &mut sending).await.is_none(), "nobody reads");
        assert_eq!(client.receive(&mut [0; 8]).await.unwrap(), 0);
        let mut got = vec![0; data.len()];
        let (sent, received) = zip(sending, server.receive_exact(&mut got)).await;
        sent.unwrap();
        received.unwrap();
        assert!(got == data);
    });
}

#[test]
fn a_send_to_a_slow_reader_is_cancelled_and_tells_how_far_it_got() {
    run(async {
        let (client, server) = narrow_pair().await;
        let data: Vec<u8> = (0..2 << 20).map(|n: u32| (n % 253) as u8).collect();
        let mut sending = client.send_all(&data);
        assert!(move_on_after(SOON, &mut sending).await.is_none());
        let sent = sending.sent();
        assert!(0 < sent && sent < data.len());
        drop(sending);
        client.close();

        let mut got = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match server.receive(&mut buffer).await.unwrap() {
                0 => break,
                count => got.extend_from_slice(&buffer[..count]),
            }
        }
        assert_eq!(got.len(), sent);
        assert!(got == data[..sent]);
    });
}

#[test]
fn a_send_that_was_given_up_can_be_resumed() {
    run(async {
        let (client, server) = pair().await;
        let data: Vec<u8> = (0..32 << 20).map(|n: u32| (n % 253) as u8).collect();
        let mut sending = client.send_all(&data);
        assert!(move_on_after(SOON, &mut sending).await.is_none());
        let mut got = vec![0; data.len()];
        let (sent, received) = zip(sending, server.receive_exact(&mut got)).await;
        sent.unwrap();
        received.unwrap();
        assert!(got == data);
    });
}

#[test]
fn a_receive_exact_that_was_given_up_keeps_what_it_has() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"abc").await.unwrap();
        let mut buffer = [0; 6];
        let mut receiving = server.receive_exact(&mut buffer);
        assert!(move_on_after(SOON, &mut receiving).await.is_none());
        assert_eq!(receiving.received(), b"abc");
        client.send_all(b"def").await.unwrap();
        receiving.await.unwrap();
        assert_eq!(&buffer, b"abcdef");
    });
}

#[test]
fn a_stream_that_ends_early_is_an_error_for_receive_exact() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"abc").await.unwrap();
        drop(client);
        let mut buffer = [0; 6];
        let mut receiving = server.receive_exact(&mut buffer);
        assert_eq!(kind((&mut receiving).await), Some(ErrorKind::UnexpectedEof));
        assert_eq!(receiving.received(), b"abc");
    });
}

#[test]
fn a_cancelled_receive_loses_nothing() {
    run(async {
        let (client, server) = pair().await;
        let mut buffer = [0; 16];
        for round in 0..20_u8 {
            // Dropped while it waits; dropped when the data is there and it was woken, but not polled.
            let mut receive = Box::pin(server.receive(&mut buffer));
            assert!(poll_once(&mut receive).await.is_none());
            client.send_all(&[round]).await.unwrap();
            if round % 2 == 0 {
                settle().await;
            }
            drop(receive);
            assert_eq!(server.receive(&mut buffer).await.unwrap(), 1);
            assert_eq!(buffer[0], round);
        }
    });
}

/// Law FAIR makes one that always finds data give way; one that does not suspend can't.
#[test]
fn what_has_arrived_is_received_by_code_that_does_not_suspend() {
    const NOTHING: usize = 0;
    run(async {
        let (client, server) = pair().await;
        for how in ["receive", "AsyncRead"] {
            client.send_all(&[7; 500]).await.unwrap();
            settle().await;
            let (mut received, mut in_vain) = (0, 0);
            while received < 500 {
                let mut byte = [0];
                let one = async {
                    match how {
                        "receive" => server.receive(&mut byte).await.unwrap(),
                        _ => (&server).read(&mut byte).await.unwrap(),
                    }
                };
                match or(one, ready(NOTHING)).await {
                    NOTHING => in_vain += 1,
                    count => (received, in_vain) = (received + count, 0),
                }
                assert!(in_vain <= 64, "{received} bytes, and no more");
            }
        }
    });
}

#[test]
fn a_second_reader_is_told_that_the_socket_is_busy() {
    run(async {
        let (client, server) = pair().await;
        let (mut one, mut two) = ([0; 8], [0; 8]);
        let mut first = Box::pin(server.receive(&mut one));
        assert!(poll_once(&mut first).await.is_none());
        assert_eq!(kind(server.receive(&mut two).await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(server.peek(&mut two).await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(server.readable().await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(server.try_receive(&mut two)), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(server.receive_exact(&mut two).await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind((&server).read(&mut two).await), Some(ErrorKind::ResourceBusy));
        server.send_all(b"the other side is free").await.unwrap();
        client.send_all(b"first").await.unwrap();
        assert_eq!(first.await.unwrap(), 5);
        client.send_all(b"second").await.unwrap();
        assert_eq!(server.receive(&mut two).await.unwrap(), 6);
    });
}

#[test]
fn a_second_writer_is_told_that_the_socket_is_busy() {
    run(async {
        let (client, _server) = narrow_pair().await;
        let data = vec![0; 4 << 20];
        let mut first = client.send_all(&data);
        assert!(poll_once(&mut first).await.is_none());
        assert_eq!(kind(client.send(b"x").await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(client.send_all(b"x").await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(client.try_send(b"x")), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind((&client).write(b"x").await), Some(ErrorKind::ResourceBusy));
        assert!(poll_once(&mut first).await.is_none(), "the first goes on");
        drop(first);
        assert!(matches!(kind(client.try_send(b"x")), None | Some(ErrorKind::WouldBlock)));
    });
}

#[test]
fn closing_wakes_who_waits_and_every_later_call_says_closed() {
    run(async {
        let (client, server) = narrow_pair().await;
        let data = vec![0; 4 << 20];
        let mut buffer = [0; 8];
        let waiting = zip(client.receive(&mut buffer), client.send_all(&data));
        let closing = async {
            settle().await;
            client.close();
            client.close();
        };
        let ((received, sent), ()) = zip(waiting, closing).await;
        assert!(Closed::is_cause_of(&received.unwrap_err()));
        assert!(Closed::is_cause_of(&sent.unwrap_err()));
        assert!(Closed::is_cause_of(&client.receive(&mut [0]).await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.send_all(b"x").await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.readable().await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.try_receive(&mut [0]).unwrap_err()));
        assert!(Closed::is_cause_of(&client.shutdown(Shutdown::Both).unwrap_err()));
        assert!(Closed::is_cause_of(&client.peer_addr().unwrap_err()));
        assert!(Closed::is_cause_of(&client.nodelay().unwrap_err()));
        assert!(Closed::is_cause_of(&client.into_std().unwrap_err()));
        drop(server);
    });
}

#[test]
fn closing_is_told_to_others_too_while_one_that_waited_is_kept() {
    run(async {
        let (client, _server) = pair().await;
        let mut buffer = [0; 8];
        let mut receive = Box::pin(client.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        client.close();
        assert!(Closed::is_cause_of(&client.receive(&mut [0]).await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.try_receive(&mut [0]).unwrap_err()));
        assert!(Closed::is_cause_of(&receive.await.unwrap_err()));
    });
}

#[test]
fn other_libraries_borrow_the_descriptor_which_stays_open_though_the_stream_is_closed() {
    run(async {
        let (client, server) = pair().await;
        let (ours, theirs) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let borrowed = SockRef::from(&client);
        borrowed.set_tcp_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        let mut buffer = [0; 8];
        let mut receive = Box::pin(client.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        client.send_all(b"last").await.unwrap();

        client.close();
        client.close();
        assert!(Closed::is_cause_of(&receive.await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.receive(&mut [0]).await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.try_send(b"x").unwrap_err()));
        assert!(Closed::is_cause_of(&client.peer_addr().unwrap_err()));
        assert_eq!(format!("{client:?}"), "Closed");
        let mut text = String::new();
        (&server).read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "last", "and then the end");
        // No other socket has its number meanwhile.
        let others = [pair().await, pair().await];
        assert_eq!(borrowed.local_addr().unwrap().as_socket(), Some(ours));
        assert_ne!(others[0].0.local_addr().unwrap(), ours);
        assert!(catch_unwind(AssertUnwindSafe(|| SockRef::from(&client).local_addr())).is_err(), "nothing to borrow");
        assert!(Closed::is_cause_of(&client.into_std().unwrap_err()));
        assert_eq!(server.local_addr().unwrap(), theirs);
    });
}

#[test]
fn a_borrowed_stream_goes_back_to_the_standard_library_and_a_closed_one_is_reported_to_nobody() {
    run(async {
        let (client, server) = pair().await;
        SockRef::from(&client).set_tcp_nodelay(true).unwrap();
        let mut client = client.into_std().unwrap();
        server.send_all(b"hello").await.unwrap();
        client.read_exact(&mut [0; 5]).unwrap();

        let (idle, _peer) = pair().await;
        SockRef::from(&idle).set_tcp_nodelay(true).unwrap();
        assert!(poll_once(&mut Box::pin(idle.receive(&mut [0]))).await.is_none());
        idle.close();
        settle().await;
        drop(idle);
        let fresh = pair().await; // has its place
        fresh.0.send_all(b"x").await.unwrap();
        assert_eq!(fresh.1.receive(&mut [0]).await.unwrap(), 1);
    });
}

#[test]
fn urgent_data_does_not_hide_what_follows() {
    run(async {
        let (client, server) = std_client().await;
        let client = socket2::Socket::from(client);
        let mut got = Vec::new();
        let mut buffer = [0; 64];
        let mut receive = Box::pin(server.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        client.send(b"abc").unwrap();
        client.send_out_of_band(b"!").unwrap();
        client.send(b"defg").unwrap();
        let count = receive.await.unwrap();
        got.extend_from_slice(&buffer[..count]);
        while got.len() < 7 {
            let count = move_on_after(Duration::from_secs(5), server.receive(&mut buffer)).await;
            let count = count.expect("what follows urgent data is received").unwrap();
            got.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(got, b"abcdefg");
    });
}

#[test]
fn no_buffer_is_needed_to_wait_for_data() {
    run(async {
        let (client, server) = pair().await;
        let mut buffer = [0; 8];
        assert_eq!(kind(server.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
        for _ in 0..3 {
            let mut readable = Box::pin(server.readable());
            assert!(poll_once(&mut readable).await.is_none());
            client.send_all(b"abc").await.unwrap();
            readable.await.unwrap();
            assert_eq!(server.try_receive(&mut buffer).unwrap(), 3);
            assert_eq!(kind(server.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
        }
    });
}

#[test]
fn an_empty_buffer_is_neither_an_end_nor_a_wait() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"").await.unwrap();
        client.send_all(b"x").await.unwrap();
        assert_eq!(server.receive(&mut []).await.unwrap(), 0);
        server.receive_exact(&mut []).await.unwrap();
        assert_eq!(server.receive(&mut [0; 4]).await.unwrap(), 1);
    });
}

#[test]
fn to_move_no_bytes_is_done_at_once_whatever_the_connection_is_at() {
    run(async {
        let (client, server) = narrow_pair().await;
        let (data, mut buffer) = (vec![0; 4 << 20], [0; 8]);
        let none = async || {
            assert_eq!(poll_once(&mut Box::pin(client.receive(&mut []))).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut Box::pin(client.peek(&mut []))).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut Box::pin(client.receive_vectored(&mut []))).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut Box::pin(client.send(&[]))).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut Box::pin(client.send_vectored(&[IoSlice::new(&[])]))).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut (&client).read(&mut [])).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut (&client).write(&[])).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut (&client).read_vectored(&mut [])).await.unwrap().unwrap(), 0);
            assert_eq!(poll_once(&mut (&client).write_vectored(&[])).await.unwrap().unwrap(), 0);
            assert_eq!(client.try_receive(&mut []).unwrap(), 0);
            assert_eq!(client.try_send(&[]).unwrap(), 0);
        };
        none().await;
        // Nothing has come, nothing more can go, and others wait for that.
        let (mut receiving, mut sending) = (Box::pin(client.receive(&mut buffer)), client.send_all(&data));
        assert!(poll_once(&mut receiving).await.is_none() && poll_once(&mut sending).await.is_none());
        none().await;
        drop((receiving, sending));
        none().await;
        drop(server);
        settle().await;
        none().await;
        client.close();
        assert!(Closed::is_cause_of(&client.receive(&mut []).await.unwrap_err()));
        assert!(Closed::is_cause_of(&client.try_send(&[]).unwrap_err()));
    });
}

#[test]
fn closing_by_futures_io_what_is_over_already_is_no_error() {
    run(async {
        let (mut client, server) = pair().await;
        server.set_linger(Some(Duration::ZERO)).unwrap();
        drop(server); // a reset
        assert!(client.receive(&mut [0]).await.is_err() || cfg!(windows));
        AsyncWriteExt::close(&mut client).await.unwrap();
        TcpStream::close(&client);
        AsyncWriteExt::close(&mut client).await.unwrap();
    });
}

#[test]
fn the_traits_of_futures_io_work_on_streams_and_halves() {
    run(async {
        let (mut client, server) = pair().await;
        client.write_all(b"hello").await.unwrap();
        client.flush().await.unwrap();
        AsyncWriteExt::close(&mut client).await.unwrap();
        let (mut read, mut write) = server.into_split();
        let mut text = String::new();
        read.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
        write.write_all(text.as_bytes()).await.unwrap();
        write.close().await.unwrap();
        let mut answer = Vec::new();
        (&client).read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"hello");
    });
}

#[test]
fn halves_are_used_apart_and_put_together_again() {
    run(async {
        let (client, server) = pair().await;
        let (read, write) = client.into_split();
        let mut buffer = [0; 8];
        let (received, sent) = zip(read.receive(&mut buffer), async {
            write.send_all(b"ping").await?;
            let (read, write) = server.split();
            let mut ping = [0; 4];
            read.receive_exact(&mut ping).await?;
            write.send_all(b"pong").await
        })
        .await;
        sent.unwrap();
        assert_eq!(received.unwrap(), 4);
        let (other_read, _other_write) = pair().await.0.into_split();
        let error = other_read.reunite(write).unwrap_err();
        let stream = read.reunite(error.1).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), server.local_addr().unwrap());
    });
}

#[test]
fn streams_come_from_the_standard_library_and_go_back() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    // Wrapped before any `run`, used in two of them.
    let stream = TcpStream::from(client);
    run(async {
        let mut buffer = [0; 4];
        let mut receive = Box::pin(stream.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        peer.write_all(b"one").unwrap();
        assert_eq!(receive.await.unwrap(), 3);
    });
    peer.write_all(b"two").unwrap();
    run(async {
        let mut buffer = [0; 4];
        assert_eq!(stream.receive(&mut buffer).await.unwrap(), 3);
        assert_eq!(&buffer[..3], b"two");
    });
    let mut back = stream.into_std().unwrap();
    peer.write_all(b"three").unwrap();
    drop(peer);
    let mut rest = String::new();
    back.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "three");
}

/// `call`, which would wait, on a stream whose mode is set by who borrows the socket, and on one whose mode its clone sets.
async fn in_blocking_mode(call: impl AsyncFn(&TcpStream)) {
    let (client, _server) = narrow_pair().await;
    SockRef::from(&client).set_nonblocking(false).unwrap();
    assert!(move_on_after(SOON, call(&client)).await.is_none());
    let client = client.into_std().unwrap();
    let clone = TcpStream::from(client.try_clone().unwrap());
    let client = TcpStream::from(client);
    let _clone = clone.into_std().unwrap(); // both are in blocking mode now
    assert!(move_on_after(SOON, call(&client)).await.is_none());
}

#[test]
fn a_clone_in_blocking_mode_does_not_block_the_loop() {
    let (done, is_done) = std::sync::mpsc::channel();
    thread::spawn(move || {
        run(async {
            let data = vec![0; 2 << 20];
            in_blocking_mode(async |client| {
                assert_eq!(kind(client.try_receive(&mut [0])), Some(ErrorKind::WouldBlock));
                pending().await
            })
            .await;
            in_blocking_mode(async |client| drop(client.peek(&mut [0]).await)).await;
            in_blocking_mode(async |client| drop(client.receive(&mut [0]).await)).await;
            in_blocking_mode(async |client| {
                let (one, two) = (&mut [0], &mut [0]);
                drop(client.receive_vectored(&mut [IoSliceMut::new(one), IoSliceMut::new(two)]).await);
            })
            .await;
            in_blocking_mode(async |mut client| drop(client.read(&mut [0]).await)).await;
            in_blocking_mode(async |client| {
                while client.try_send(&data).is_ok() {}
                pending().await
            })
            .await;
            in_blocking_mode(async |client| drop(client.send_all(&data).await)).await;
            let twice = [IoSlice::new(&data), IoSlice::new(&data)];
            in_blocking_mode(async |client| while client.send_vectored(&twice).await.is_ok() {}).await;
            in_blocking_mode(async |mut client| drop(client.write_all(&data).await)).await;
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("a call blocks the loop's thread");
}

#[test]
fn options_are_what_they_were_set_to() {
    run(async {
        let (client, _server) = pair().await;
        for on in [true, false] {
            client.set_nodelay(on).unwrap();
            assert_eq!(client.nodelay().unwrap(), on);
            client.set_keepalive(on.then_some(Duration::from_secs(30))).unwrap();
            assert_eq!(client.keepalive().unwrap(), on);
            let linger = on.then_some(Duration::from_secs(3));
            client.set_linger(linger).unwrap();
            assert_eq!(client.linger().unwrap(), linger);
        }
        client.set_ttl(42).unwrap();
        assert_eq!(client.ttl().unwrap(), 42);
        client.set_send_buffer_size(65_536).unwrap();
        assert!(client.send_buffer_size().unwrap() >= 65_536);
        client.set_receive_buffer_size(65_536).unwrap();
        assert!(client.receive_buffer_size().unwrap() >= 65_536);
        assert!(client.take_error().unwrap().is_none());
    });
}

/// Zero seconds to linger would throw data away.
#[test]
fn parts_of_a_second_to_linger_are_rounded_up() {
    run(async {
        let (client, _server) = pair().await;
        for (millis, seconds) in [(0, 0), (1, 1), (500, 1), (1000, 1), (1001, 2)] {
            client.set_linger(Some(Duration::from_millis(millis))).unwrap();
            assert_eq!(client.linger().unwrap(), Some(Duration::from_secs(seconds)), "{millis} ms");
        }
        for long in [Duration::from_secs(1 << 16), Duration::from_secs(1 << 32), Duration::MAX] {
            client.set_linger(Some(long)).unwrap();
            let linger = client.linger().unwrap().unwrap();
            assert!(linger >= Duration::from_secs(300), "{long:?} became {linger:?}");
        }
        client.set_linger(None).unwrap();
    });
}

#[test]
fn parts_of_a_second_until_probes_are_rounded_up_and_what_is_refused_changes_nothing() {
    run(async {
        let (client, _server) = pair().await;
        let client = client.into_std().unwrap();
        #[cfg(not(any(windows, target_os = "openbsd")))] // they do not say
        let clone = socket2::Socket::from(client.try_clone().unwrap());
        let client = TcpStream::from(client);
        for idle in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(500), Duration::from_millis(1500)] {
            client.set_keepalive(Some(idle)).unwrap();
            assert!(client.keepalive().unwrap());
            #[cfg(not(any(windows, target_os = "openbsd")))]
            assert_eq!(clone.tcp_keepalive_time().unwrap(), Duration::from_secs(idle.as_secs() + 1));
        }
        for on in [true, false] {
            client.set_keepalive(on.then_some(Duration::from_secs(30))).unwrap();
            if client.set_keepalive(Some(Duration::MAX)).is_err() {
                assert_eq!(client.keepalive().unwrap(), on);
            }
        }
    });
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android"))] // elsewhere there is no such option
fn a_time_for_acknowledgements_is_rounded_up_and_what_is_refused_changes_nothing() {
    run(async {
        let (client, _server) = pair().await;
        assert_eq!(client.user_timeout().unwrap(), None);
        for (given, millis) in [(0, 1), (1, 1), (1_000_000, 1), (1_000_001, 2), (30_000_000_000, 30_000)] {
            client.set_user_timeout(Some(Duration::from_nanos(given))).unwrap();
            assert_eq!(client.user_timeout().unwrap(), Some(Duration::from_millis(millis)), "{given} ns");
        }
        let longest = Duration::from_millis(i32::MAX as u64);
        client.set_user_timeout(Some(longest)).unwrap();
        for too_long in [longest + Duration::from_nanos(1), Duration::from_secs(1 << 40), Duration::MAX] {
            assert_eq!(kind(client.set_user_timeout(Some(too_long))), Some(ErrorKind::InvalidInput), "{too_long:?}");
            assert_eq!(client.user_timeout().unwrap(), Some(longest));
        }
        client.set_user_timeout(None).unwrap();
        assert_eq!(client.user_timeout().unwrap(), None);
        client.close();
        assert!(Closed::is_cause_of(&client.user_timeout().unwrap_err()));
    });
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn a_peer_that_takes_nothing_is_given_up_after_the_time_for_acknowledgements() {
    run(async {
        let (client, _server) = pair().await;
        client.set_user_timeout(Some(Duration::from_millis(300))).unwrap();
        let sends = client.send_all(&[0; 32 << 20]);
        let end = move_on_after(Duration::from_secs(60), sends).await.expect("it waits for ever");
        assert_eq!(kind(end), Some(ErrorKind::TimedOut));
    });
}

#[test]
fn a_stream_dropped_by_another_future_while_one_waits_elsewhere_harms_nobody() {
    run(async {
        let (client, server) = pair().await;
        let slot = Rc::new(RefCell::new(Some(pair().await)));
        let mut buffer = [0; 4];
        let (received, ()) = zip(server.receive(&mut buffer), async {
            settle().await;
            drop(slot.take());
            let fresh = pair().await; // takes the freed places
            client.send_all(b"x").await.unwrap();
            drop(fresh);
        })
        .await;
        assert_eq!(received.unwrap(), 1);
    });
}

/// It gets no further, and is dropped only when the clean-up is done.
#[test]
fn who_receives_or_sends_in_cancelled_code_has_the_stream_no_more() {
    run(async {
        let (one, other) = pair().await;
        let cleaned_up = Cell::new(false);
        let work = zip(
            async { one.receive(&mut [0; 8]).await },
            finally(pending::<()>(), async || {
                other.send_all(b"end").await.unwrap();
                let mut buffer = [0; 8];
                assert_eq!(one.receive(&mut buffer).await.unwrap(), 3);
                cleaned_up.set(true);
            }),
        );
        assert!(move_on_after(SOON, work).await.is_none());
        assert!(cleaned_up.get());
    });
    run(async {
        let (client, server) = narrow_pair().await;
        let cleaned_up = Cell::new(false);
        let much = vec![0; 16 << 20];
        let work = zip(
            client.send_all(&much),
            finally(pending::<()>(), async || {
                let mut buffer = vec![0; 1 << 20];
                let takes = async { while server.receive(&mut buffer).await.is_ok() {} };
                or(async { client.send_all(b"end").await.unwrap() }, takes).await;
                cleaned_up.set(true);
            }),
        );
        assert!(move_on_after(SOON, work).await.is_none());
        assert!(cleaned_up.get());
    });
}

#[test]
fn a_thousand_connections_are_served_by_one_thread() -> io::Result<()> {
    const MANY: usize = 1000;
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut pairs = Vec::new();
        for _ in 0..MANY {
            let client = TcpStream::connect(address).await?;
            pairs.push((client, listener.accept().await?.0));
        }
        for round in 0..3_u8 {
            for (client, _) in &pairs {
                client.send_all(&[round]).await?;
            }
            for (_, server) in pairs.iter().rev() {
                let mut buffer = [0; 2];
                assert_eq!(server.receive(&mut buffer).await?, 1);
                assert_eq!(buffer[0], round);
            }
        }
        Ok(())
    })
}

#[cfg(windows)]
#[test]
fn a_mode_that_is_set_by_the_raw_socket_makes_no_call_wait() {
    use std::os::windows::io::{AsRawSocket, BorrowedSocket};
    run(async {
        let (client, _server) = pair().await;
        // SAFETY: it is open as long as `client` is there, which is not closed.
        let borrowed = unsafe { BorrowedSocket::borrow_raw(client.as_raw_socket()) };
        let socket = SockRef::from(&borrowed);
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap(); // what waits says `TimedOut`
        socket.set_nonblocking(false).unwrap();
        assert_eq!(kind(client.try_receive(&mut [0])), Some(ErrorKind::WouldBlock));
    });
}
