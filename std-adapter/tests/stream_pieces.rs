//! Copies, lines, frames and whole streams, over sockets.

mod common;

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use common::{kind, narrow_pair, pair, reset_of_the_system, settle};
use futures_lite::{AsyncBufReadExt, AsyncReadExt};
use giambio::net::TcpStream;
use giambio::stream::{Buffered, ByteStream, Connection, copy, copy_both};
use giambio::{fail_after, move_on_after, nursery, run};

const LONG: Duration = Duration::from_secs(60);

fn noise(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A connection through a proxy that is `copy_both`: the client's end, the proxy's two, and the server's.
async fn proxied() -> (TcpStream, (TcpStream, TcpStream), TcpStream) {
    let ((client, front), (back, server)) = (pair().await, pair().await);
    (client, (front, back), server)
}

/// The client says all it has to say, and only its end makes the server answer.
async fn ask<A: Connection, B: Connection>(client: &ByteStream<A>, server: &ByteStream<B>, data: &[u8]) {
    let asked = nursery(async |n| {
        n.spawn(async {
            let asked = server.receive_to_end(data.len()).await?;
            assert!(asked == data);
            server.send_all(&asked).await?;
            server.shutdown(Shutdown::Write)
        });
        client.send_all(data).await?;
        client.shutdown(Shutdown::Write)?;
        assert!(client.receive_to_end(data.len()).await? == data);
        Ok::<(), io::Error>(())
    });
    fail_after(LONG, asked).await.unwrap().unwrap();
}

#[test]
fn a_proxy_passes_on_the_end_of_each_direction_by_itself() {
    run(async {
        let (client, (front, back), server) = proxied().await;
        let data = noise(1 << 18);
        let counts = nursery(async |n| {
            let proxy = n.spawn_value(async { copy_both(&front, &back).await });
            ask(&client, &server, &data).await;
            Ok::<_, io::Error>(proxy.await.unwrap())
        });
        assert_eq!(counts.await.unwrap(), (1 << 18, 1 << 18));
    });
}

#[cfg(unix)]
#[test]
fn streams_of_two_kinds_are_copied_to_each_other() {
    use giambio::net::unix::UnixStream;
    run(async {
        let ((client, front), (back, server)) = (pair().await, UnixStream::pair().unwrap());
        let data = noise(100_000);
        let counts = nursery(async |n| {
            let proxy = n.spawn_value(async { copy_both(&front, &&back).idle_limit(LONG).await });
            ask(&client, &server, &data).await;
            Ok::<_, io::Error>(proxy.await.unwrap())
        });
        assert_eq!(counts.await.unwrap(), (100_000, 100_000));
    });
}

#[test]
fn a_copy_goes_on_where_it_was_given_up() {
    run(async {
        let (client, (front, back), server) = proxied().await;
        let data = noise(1 << 18);
        let copied = nursery(async |n| {
            n.spawn(async {
                let mut copying = copy(&front, &back);
                while move_on_after(Duration::from_micros(300), &mut copying).await.is_none() {}
                assert_eq!((copying.sent(), copying.rest()), (1 << 18, &[][..]));
                back.shutdown(Shutdown::Write)
            });
            n.spawn(async {
                client.send_all(&data).await?;
                client.shutdown(Shutdown::Write)
            });
            assert!(server.receive_to_end(usize::MAX).await? == data);
            Ok::<(), io::Error>(())
        });
        fail_after(LONG, copied).await.unwrap().unwrap();
    });
}

#[test]
fn a_silent_connection_is_given_up_after_the_idle_limit() {
    run(async {
        let (_client, (front, back), _server) = proxied().await;
        let idle = copy_both(&front, &back).idle_limit(Duration::from_millis(5));
        assert_eq!(kind(fail_after(LONG, idle).await.unwrap()), Some(io::ErrorKind::TimedOut));
        // Nobody is left over in the sockets.
        assert!(move_on_after(Duration::from_millis(1), front.receive(&mut [0])).await.is_none());
    });
}

#[test]
fn a_peer_that_resets_ends_a_copy_both_ways_with_its_error() {
    if reset_of_the_system().is_none() {
        return; // the other way would go on
    }
    run(async {
        let (client, (front, back), server) = proxied().await;
        client.set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        let ended = fail_after(LONG, copy_both(&front, &back)).await.unwrap();
        assert_eq!(kind(ended), Some(io::ErrorKind::ConnectionReset));
        drop((front, back));
        assert_eq!(server.receive_to_end(0).await.unwrap(), b"");
    });
}

#[test]
fn while_one_copies_nobody_else_receives() {
    run(async {
        let (client, (front, back), _server) = proxied().await;
        let outcome = nursery(async |n| {
            n.child().daemon().spawn(async { copy(&front, &back).await.map(|_| ()) });
            settle().await;
            assert_eq!(kind(front.receive(&mut [0]).await), Some(io::ErrorKind::ResourceBusy));
            client.shutdown(Shutdown::Write)?;
            settle().await;
            Ok::<(), io::Error>(())
        });
        outcome.await.unwrap();
        assert_eq!(front.receive(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn frames_arrive_as_they_were_sent() {
    run(async {
        let (client, server) = narrow_pair().await;
        let frames = [noise(0), noise(1), noise(70_000), noise(3)];
        let outcome = nursery(async |n| {
            let frames = &frames;
            n.spawn(async move {
                for frame in frames {
                    // Given up now and then, and gone on with.
                    let mut sending = client.send_frame(frame);
                    while move_on_after(Duration::from_micros(200), &mut sending).await.is_none() {}
                    assert_eq!(sending.sent(), 4 + frame.len());
                }
                client.shutdown(Shutdown::Write)
            });
            let mut from = Buffered::new(&server);
            for frame in frames {
                assert!(from.receive_frame().await?.as_ref() == Some(frame));
            }
            assert_eq!(from.receive_frame().await?, None);
            Ok::<(), io::Error>(())
        });
        fail_after(LONG, outcome).await.unwrap().unwrap();
    });
}

/// As what libraries do over `futures-io`.
#[test]
fn what_is_buffered_serves_the_traits_of_others_too() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"one\ntwo\nthree").await.unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (receiving, _) = server.into_split();
        let mut from = Buffered::new(receiving);
        assert_eq!(from.receive_line().await.unwrap().unwrap(), "one");
        let mut line = String::new();
        AsyncBufReadExt::read_line(&mut from, &mut line).await.unwrap();
        assert_eq!(line, "two\n");
        let mut rest = String::new();
        from.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "three");
    });
}

#[test]
fn a_half_receives_to_the_end_and_what_is_left_is_known() {
    run(async {
        let (client, server) = pair().await;
        client.send_all(b"12345").await.unwrap();
        let (receiving, sending) = server.split();
        let mut all = receiving.receive_to_end(4);
        assert_eq!(kind((&mut all).await), Some(io::ErrorKind::InvalidData));
        assert_eq!(all.received(), b"12345");
        sending.shutdown().unwrap();
        assert_eq!(client.receive_to_end(0).await.unwrap(), b"");
    });
}
