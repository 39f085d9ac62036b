//! Outside of `run`: nobody looks at sockets there, so to wait for one is a mistake that is told; what needs no socket works.

use std::io::{IoSlice, Read, Write};
use std::net::TcpListener as StdListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::common::{narrow_pair, pair, poll_once};
use futures_lite::future::block_on;
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use giambio::net::{ListenOptions, TcpListener, TcpStream, lookup};
use giambio::{Idle, StdClock, Until, Wait, run, sleep, testing, unblock};

/// What polling `future` to its end by somebody else's executor says.
fn advice<F: Future>(future: F) -> String {
    advice_of(|| drop(block_on(future)))
}

fn advice_of(wrong: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(wrong)).expect_err("it should not end");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().expect("a message").to_string(),
    }
}

#[track_caller]
fn assert_is_told<F: Future>(future: F) {
    let advice = advice(future);
    assert!(advice.contains("outside a runtime") && advice.contains("`giambio::run`"), "{advice}");
}

#[test]
fn to_wait_for_a_stream_is_a_panic_that_says_where_to_run() {
    let (client, _server) = run(narrow_pair());
    let (data, mut buffer) = (vec![0; 4 << 20], [0; 8]);
    assert_is_told(client.receive(&mut buffer));
    assert_is_told(client.peek(&mut buffer));
    assert_is_told(client.receive_exact(&mut buffer));
    assert_is_told(client.readable());
    assert_is_told((&client).read(&mut buffer));
    assert_is_told(client.send_all(&data));
    assert_is_told(client.send(&data));
    assert_is_told(client.send_vectored(&[IoSlice::new(&data)]));
    assert_is_told(client.writable());
    assert_is_told((&client).write(&data));
    assert_is_told(sleep(Duration::ZERO));
}

#[test]
fn to_wait_for_a_listener_or_a_connection_is_a_panic_that_says_where_to_run() {
    let listener = run(TcpListener::bind("127.0.0.1:0")).unwrap();
    assert_is_told(listener.accept());

    // A full backlog keeps further connections waiting.
    let listener = run(ListenOptions::new().backlog(1).bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let mut made = Vec::new();
    let advice = advice_of(|| {
        for _ in 0..100 {
            made.push(block_on(TcpStream::connect(address)).unwrap());
        }
    });
    assert!(advice.contains("outside a runtime"), "{advice}");
}

#[cfg(unix)] // on Windows another thread tells of it
#[test]
fn to_wait_for_ctrl_c_is_a_panic_that_says_where_to_run() {
    assert_is_told(giambio::ctrl_c());
}

#[test]
fn virtual_time_looks_at_no_socket_either() {
    let listener = run(TcpListener::bind("127.0.0.1:0")).unwrap();
    let advice = advice_of(|| drop(testing::run(listener.accept())));
    assert!(advice.contains("a runtime that looks at this thread's"), "{advice}");
}

#[test]
fn what_was_begun_in_a_run_is_told_too_and_goes_on_in_the_next() {
    let (client, server) = run(pair());
    let mut buffer = [0; 8];
    {
        let mut receive = pin!(client.receive(&mut buffer));
        run(async { assert!(poll_once(&mut receive).await.is_none()) });
        assert_is_told(&mut receive);
        run(async {
            server.send_all(b"x").await.unwrap();
            assert_eq!(receive.await.unwrap(), 1);
        });
    }
    assert_eq!(buffer[0], b'x');
}

#[test]
fn what_does_not_wait_works_anywhere() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = block_on(TcpStream::connect(address)).unwrap();
    let (mut server, peer) = listener.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    block_on(client.send_all(b"ping")).unwrap();
    server.write_all(b"pong").unwrap();
    server.read_exact(&mut [0; 4]).unwrap();
    while client.try_receive(&mut [0; 1]).is_err() {}
    assert_eq!(block_on(client.receive(&mut [0; 8])).unwrap(), 3);
    assert!(block_on(TcpListener::bind(address)).is_err(), "in use");
    block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
}

#[test]
fn what_waits_for_another_thread_works_in_any_executor() {
    assert_eq!(block_on(unblock(|| 7)), 7);
    assert!(block_on(lookup("localhost:80")).unwrap().iter().all(|address| address.ip().is_loopback()));
}

#[test]
fn a_loop_of_ones_own_over_an_idle_will_do() {
    let (client, server) = run(pair());
    block_on(server.send_all(b"x")).unwrap();
    let mut idle = Idle::new(StdClock::new()).unwrap();
    let waker = idle.waker();
    let mut buffer = [0; 8];
    let mut receive = pin!(async {
        client.receive(&mut buffer[..1]).await.unwrap();
        client.receive(&mut buffer).await.unwrap()
    });
    let mut polls = 0;
    let received = loop {
        polls += 1;
        match receive.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(count) => break count,
            Poll::Pending if polls == 1 => server.try_send(b"more").map(drop).unwrap(),
            Poll::Pending => idle.wait(Until::OnWake),
        }
    };
    assert_eq!(received, 4);
    drop(idle);
    assert_is_told(client.receive(&mut [0]));
}
