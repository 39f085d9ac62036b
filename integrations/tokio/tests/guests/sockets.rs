//! giambio's sockets in a guest: tokio waits for them.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::io::{self, Write};
use std::mem;
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use giambio::net::{TcpListener, TcpStream};
use giambio::{checkpoint, nursery, sleep, unblock};
use giambio_tokio::guest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{LocalSet, spawn_local};

use crate::hosts::{Counted, Failure, MS, current_thread, in_each_host, multi_thread};

/// Answers so many connections, one after the other, with what they send.
async fn echo(listener: &TcpListener, connections: u32) -> Result<(), Failure> {
    for _ in 0..connections {
        let (stream, _) = listener.accept().await?;
        let mut buffer = [0; 64];
        loop {
            let count = stream.receive(&mut buffer).await?;
            if count == 0 {
                break;
            }
            stream.send_all(&buffer[..count]).await?;
        }
    }
    Ok(())
}

#[test]
fn sockets_of_both_worlds_talk_to_each_other_in_one_nursery() {
    in_each_host(|| async {
        let listener = &TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        nursery(async |n| {
            n.spawn(echo(listener, 2));
            n.spawn(async move {
                let mut theirs = tokio::net::TcpStream::connect(address).await?;
                for i in 0..20 {
                    theirs.write_all(&[i; 10]).await?;
                    let mut answer = [0; 10];
                    theirs.read_exact(&mut answer).await?;
                    assert_eq!(answer, [i; 10]);
                }
                Ok(())
            });
            n.spawn(async move {
                let ours = TcpStream::connect(address).await?;
                for i in 0..20 {
                    ours.send_all(&[i; 10]).await?;
                    let mut answer = [0; 10];
                    ours.receive_exact(&mut answer).await?;
                    assert_eq!(answer, [i; 10]);
                    sleep(Duration::from_micros(100)).await;
                }
                Ok::<_, Failure>(())
            });
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_guest_that_waits_for_a_socket_is_polled_when_something_comes() {
    for runtime in [current_thread(), multi_thread()] {
        let (polls, ready, (sender, receiver)) =
            (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)), tokio::sync::oneshot::channel());
        let (local, is_ready) = (LocalSet::new(), ready.clone());
        let server = guest(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            is_ready.set(true);
            echo(&listener, 1).await.unwrap();
        });
        local.block_on(&runtime, async {
            let server = spawn_local(Counted(server, polls.clone()));
            let address = receiver.await.unwrap();
            let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
            for i in 0..10 {
                tokio::time::sleep(5 * MS).await;
                client.write_all(&[i]).await.unwrap();
                assert_eq!(client.read_u8().await.unwrap(), i);
            }
            let before = polls.get();
            for _ in 0..50 {
                tokio::time::sleep(MS).await; // nothing comes
            }
            assert!(polls.get() <= before + 1, "{} polls for nothing", polls.get() - before);
            drop(client);
            server.await.unwrap();
        });
        assert!(polls.get() <= 40, "{} polls", polls.get());
    }
}

#[test]
fn sockets_are_served_while_other_tasks_are_always_ready() {
    in_each_host(|| async {
        let listener = &TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = &Cell::new(false);
        nursery(async |n| {
            n.spawn(async {
                while !stop.get() {
                    checkpoint().await;
                }
                Ok(())
            });
            n.spawn(echo(listener, 1));
            let stream = TcpStream::connect(address).await?;
            for i in 0..10 {
                stream.send_all(&[i]).await?;
                stream.receive_exact(&mut [0]).await?;
            }
            stop.set(true);
            Ok::<_, Failure>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn two_guests_in_a_thread_have_sockets_each() {
    for runtime in [current_thread(), multi_thread()] {
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let server = spawn_local(guest(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                echo(&listener, 3).await.unwrap();
            }));
            let address = receiver.await.unwrap();
            for _ in 0..3 {
                // One after the other: each ends while the server waits.
                let client = guest(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    for i in 0..10 {
                        stream.send_all(&[i]).await.unwrap();
                        let mut answer = [0];
                        stream.receive_exact(&mut answer).await.unwrap();
                        assert_eq!(answer, [i]);
                        unblock(|| ()).await;
                    }
                });
                spawn_local(client).await.unwrap();
            }
            server.await.unwrap();
        });
    }
}

#[test]
fn sockets_go_on_in_another_host() {
    let (first, second) = (current_thread(), multi_thread());
    let mut program = guest(async {
        let listener = &TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        nursery(async |n| {
            n.spawn(echo(listener, 1));
            let stream = TcpStream::connect(address).await?;
            for i in 0..10 {
                sleep(3 * MS).await;
                stream.send_all(&[i]).await?;
                stream.receive_exact(&mut [0]).await?;
            }
            Ok::<_, Failure>(())
        })
        .await
        .unwrap();
    });
    first.block_on(async { tokio::time::timeout(10 * MS, &mut program).await }).unwrap_err();
    drop(first);
    second.block_on(program);
}

#[test]
fn a_dropped_guest_has_closed_its_sockets() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut client = guest(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.receive(&mut [0]).await.unwrap();
            });
            let (mut peer, _) = tokio::select! {
                accepted = listener.accept() => accepted.unwrap(),
                () = &mut client => panic!("nothing was sent"),
            };
            let _ = tokio::time::timeout(2 * MS, &mut client).await;
            drop(client);
            assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
        });
    }
}

/// What its look at the system wakes is for this poll, and no reason for another one.
#[test]
fn a_message_costs_one_poll() {
    const MESSAGES: u8 = 20;
    for runtime in [current_thread(), multi_thread()] {
        let polls = Rc::new(Cell::new(0));
        let receives = guest(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let sends = thread::spawn(move || {
                let mut stream = std::net::TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                for byte in 0..MESSAGES {
                    thread::sleep(3 * MS);
                    stream.write_all(&[byte])?;
                }
                io::Result::Ok(())
            });
            let (stream, _) = listener.accept().await?;
            for byte in 0..MESSAGES {
                let mut message = [0];
                stream.receive_exact(&mut message).await?;
                assert_eq!(message, [byte]);
            }
            sends.join().unwrap()
        });
        runtime.block_on(Counted(receives, polls.clone())).unwrap();
        assert!(polls.get() <= u32::from(MESSAGES) + 10, "{} polls", polls.get());
    }
}

/// One that was polled once and is kept, or forgotten, is told of what comes, and keeps nobody awake by not looking.
#[test]
fn a_guest_that_is_put_aside_or_forgotten_keeps_no_other_one_busy() {
    for runtime in [current_thread(), multi_thread()] {
        for is_forgotten in [false, true] {
            let (local, polls) = (LocalSet::new(), Rc::new(Cell::new(0)));
            local.block_on(&runtime, async {
                let mut aside = Box::pin(guest(unblock(|| thread::sleep(2 * MS))));
                poll_fn(|cx| Poll::Ready(assert!(aside.as_mut().poll(cx).is_pending()))).await;
                if is_forgotten {
                    mem::forget(aside);
                } else {
                    spawn_local(async move {
                        pending::<()>().await;
                        drop(aside);
                    });
                }
                let works = guest(async {
                    for _ in 0..10 {
                        unblock(|| thread::sleep(MS)).await;
                        sleep(2 * MS).await;
                    }
                });
                spawn_local(Counted(works, polls.clone())).await.unwrap();
            });
            assert!(polls.get() <= 50, "{} polls", polls.get());
        }
    }
}
