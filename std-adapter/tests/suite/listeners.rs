//! Listening, connecting, and the names of hosts.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{self, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use crate::common::{kind, poll_once, settle};
use futures_lite::future::zip;
use giambio::net::{AddressErrors, Closed, ConnectOptions, ListenOptions, TcpListener, TcpStream, lookup};
use giambio::sync::Event;
use giambio::{cancel_scope, move_on_after, nursery, run, shield};
use socket2::SockRef;

fn std_client(listener: &TcpListener) -> net::TcpStream {
    net::TcpStream::connect(listener.local_addr().unwrap()).unwrap()
}

/// Polls `future` only when it was woken itself, beside others in one task.
async fn woken<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Mark(AtomicBool, Waker);
    impl Wake for Mark {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
            self.1.wake_by_ref();
        }
    }
    let mut mark = None;
    poll_fn(|cx| {
        let mark = mark.get_or_insert_with(|| Arc::new(Mark(AtomicBool::new(true), cx.waker().clone())));
        if !mark.0.swap(false, Ordering::Relaxed) {
            return std::task::Poll::Pending;
        }
        std::pin::Pin::new(&mut future).poll(&mut Context::from_waker(&Waker::from(mark.clone())))
    })
    .await
}

/// An address at which nobody listens.
fn refused() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn an_accept_waits_for_connections_that_come_later() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(kind(listener.try_accept()), Some(ErrorKind::WouldBlock));
        for _ in 0..3 {
            let mut accept = Box::pin(listener.accept());
            assert!(poll_once(&mut accept).await.is_none());
            let client = TcpStream::connect(address).await.unwrap();
            let (_, peer) = accept.await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}

#[test]
fn all_that_came_at_once_are_accepted() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(&mut accept).await.is_none());
        let clients: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let mut peers = vec![accept.await.unwrap().1];
        for _ in 1..clients.len() {
            peers.push(listener.accept().await.unwrap().1);
        }
        assert!(peers.iter().eq(clients.iter().map(|client| client.local_addr().unwrap()).collect::<Vec<_>>().iter()));
    });
}

#[test]
fn a_cancelled_accept_leaks_no_connection() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(&mut accept).await.is_none());
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        settle().await;
        drop(accept); // woken, not polled
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

/// Three futures that wait to accept, in this order.
macro_rules! three_wait {
    ($listener:ident: $($name:ident)*) => {
        $(
            let mut $name = Box::pin($listener.accept());
            assert!(poll_once(&mut $name).await.is_none());
        )*
    };
}

#[test]
fn several_tasks_accept_in_the_order_in_which_they_came() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let order = RefCell::new(Vec::new());
        let all: Result<(), io::Error> = nursery(async |n| {
            for task in 0..5 {
                let (listener, order) = (&listener, &order);
                n.spawn(async move {
                    for _ in 0..3 {
                        let (_, peer) = listener.accept().await?;
                        order.borrow_mut().push((task, peer));
                    }
                    Ok(())
                });
            }
            for round in 0..3 {
                settle().await;
                // One by one, and all at once.
                let mut clients = Vec::new();
                for _ in 0..5 {
                    clients.push(TcpStream::connect(address).await?);
                    if round == 1 {
                        settle().await;
                    }
                }
                settle().await;
                let peers = clients.iter().map(|client| client.local_addr().unwrap());
                assert_eq!(order.take(), (0..5).zip(peers).collect::<Vec<_>>());
            }
            Ok(())
        })
        .await;
        all.unwrap();
    });
}

#[test]
fn who_comes_later_overtakes_nobody() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        three_wait!(listener: first second third);
        let clients: Vec<_> = (0..3).map(|_| std_client(&listener)).collect();
        settle().await;
        assert_eq!(kind(listener.try_accept()), Some(ErrorKind::WouldBlock), "they are for those who wait");
        assert!(poll_once(&mut third).await.is_none(), "polled before its turn");
        assert!(poll_once(&mut Box::pin(listener.accept())).await.is_none());
        for (accept, client) in [first, second, third].into_iter().zip(clients) {
            assert_eq!(accept.await.unwrap().1, client.local_addr().unwrap());
        }
        let client = std_client(&listener);
        assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    });
}

#[test]
fn a_cancelled_accept_hands_its_turn_on() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Whose turn it is, woken and not; one in the middle; the last.
        for (given_up, comes_before) in [(0, true), (0, false), (1, true), (2, false)] {
            three_wait!(listener: first second third);
            let mut waiting = VecDeque::from([first, second, third]);
            let mut clients = Vec::new();
            if comes_before {
                clients.push(std_client(&listener));
                settle().await;
            }
            drop(waiting.remove(given_up));
            while clients.len() < 2 {
                clients.push(std_client(&listener));
            }
            // Each is polled only when it was woken, as by its task.
            let (second, first) = (waiting.pop_back().unwrap(), waiting.pop_front().unwrap());
            let (one, two) = move_on_after(Duration::from_secs(10), zip(woken(first), woken(second))).await.unwrap();
            let peers = [one, two].map(|accepted| accepted.unwrap().1);
            assert!(
                peers.iter().eq(clients.iter().map(|client| client.local_addr().unwrap()).collect::<Vec<_>>().iter())
            );
        }
    });
}

/// A shield beside it holds the scope, and it is not dropped; nor is it ever to get a connection.
#[test]
fn an_accept_in_cancelled_code_hands_its_turn_on() {
    for is_first in [true, false] {
        run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (cancels, done) = (Event::new(), Event::new());
            nursery(async |n| {
                let mut other = Box::pin(listener.accept());
                if !is_first {
                    assert!(poll_once(&mut other).await.is_none());
                }
                let held = n.spawn_value(async {
                    let ended = cancel_scope(async |scope| {
                        let held = async {
                            cancels.wait().await;
                            scope.cancel();
                            done.wait().await;
                        };
                        zip(listener.accept(), shield(held)).await.0
                    });
                    Ok(ended.await.is_err())
                });
                settle().await;
                assert!(poll_once(&mut other).await.is_none());
                cancels.set();
                let clients = [(); 2].map(|()| std_client(&listener));
                let accepts = async { io::Result::Ok([other.await?.1, listener.accept().await?.1]) };
                let accepted = move_on_after(Duration::from_secs(10), accepts).await;
                done.set();
                let peers = accepted.expect("it keeps its turn")?;
                assert_eq!(peers, clients.map(|client| client.local_addr().unwrap()));
                assert_eq!(held.await, Ok(true));
                io::Result::Ok(())
            })
            .await
            .unwrap();
        });
    }
}

#[test]
fn acceptors_that_give_up_at_any_moment_lose_no_connection() {
    const CONNECTIONS: usize = 300;
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepted = RefCell::new(HashSet::new());
        let all: Result<(), io::Error> = nursery(async |n| {
            for task in 1..=8 {
                let (listener, accepted) = (&listener, &accepted);
                n.spawn(async move {
                    while accepted.borrow().len() < CONNECTIONS {
                        let patience = Duration::from_micros(37 * task);
                        if let Some(got) = move_on_after(patience, listener.accept()).await {
                            assert!(accepted.borrow_mut().insert(got?.1), "accepted twice");
                        }
                    }
                    Ok(())
                });
            }
            let mut clients = HashSet::new();
            for _ in 0..CONNECTIONS {
                let client = TcpStream::connect(listener.local_addr()?).await?;
                clients.insert(client.local_addr()?);
                n.spawn(async move { client.receive(&mut [0]).await.map(drop) });
            }
            while accepted.borrow().len() < CONNECTIONS {
                settle().await;
            }
            assert!(*accepted.borrow() == clients);
            Ok(())
        })
        .await;
        all.unwrap();
    });
}

#[test]
fn closing_a_listener_tells_all_who_accept_even_those_behind_one_that_is_not_polled() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        three_wait!(listener: first second third);
        let closing = async {
            settle().await;
            listener.close();
        };
        let ((second, third), ()) = zip(zip(woken(second), woken(third)), closing).await;
        for told in [second, third, listener.accept().await, first.await, listener.accept().await] {
            assert!(Closed::is_cause_of(&told.unwrap_err()));
        }
    });
}

#[test]
fn a_clone_in_blocking_mode_does_not_block_who_accepts() {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
            let clone = TcpListener::from(listener.try_clone().unwrap());
            let listener = TcpListener::from(listener);
            drop(clone.into_std().unwrap()); // both were in blocking mode
            assert_eq!(kind(listener.try_accept()), Some(ErrorKind::WouldBlock));
            assert!(move_on_after(Duration::from_millis(20), listener.accept()).await.is_none());
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("accepting blocks the loop's thread");
}

#[test]
fn closing_a_listener_wakes_who_accepts_and_frees_the_port() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, ()) = zip(listener.accept(), async {
            settle().await;
            listener.close();
        })
        .await;
        assert!(Closed::is_cause_of(&accepted.unwrap_err()));
        assert_eq!(kind(TcpStream::connect(address).await), Some(ErrorKind::ConnectionRefused));
        let again = TcpListener::bind(address).await.unwrap();
        assert_eq!(again.local_addr().unwrap(), address);
        assert!(Closed::is_cause_of(&listener.local_addr().unwrap_err()));
    });
}

#[test]
fn other_libraries_borrow_the_descriptor_of_a_listener_which_is_closed_when_it_is_dropped() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let borrowed = SockRef::from(&listener);
        borrowed.set_ttl_v4(17).unwrap();
        assert_eq!(listener.ttl().unwrap(), 17);
        let (accepted, ()) = zip(listener.accept(), async {
            settle().await;
            listener.close();
        })
        .await;
        assert!(Closed::is_cause_of(&accepted.unwrap_err()));
        assert!(Closed::is_cause_of(&listener.try_accept().unwrap_err()));
        assert!(borrowed.local_addr().is_ok());
        if cfg!(target_os = "linux") {
            assert_eq!(kind(TcpStream::connect(address).await), Some(ErrorKind::ConnectionRefused));
        }
        drop(listener);
        assert_eq!(TcpListener::bind(address).await.unwrap().local_addr().unwrap(), address);
    });
}

#[test]
fn a_port_in_use_is_an_error() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let taken = listener.local_addr().unwrap();
        assert_eq!(kind(TcpListener::bind(taken).await), Some(ErrorKind::AddrInUse));
        let other = TcpListener::bind(&[taken, "127.0.0.1:0".parse().unwrap()][..]).await.unwrap();
        assert_ne!(other.local_addr().unwrap(), taken);
    });
}

#[test]
fn a_refused_connection_is_an_error() {
    run(async {
        assert_eq!(kind(TcpStream::connect(refused()).await), Some(ErrorKind::ConnectionRefused));
    });
}

#[test]
fn addresses_are_tried_in_turn() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect([refused(), address, refused()]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert_eq!(kind(TcpStream::connect(vec![refused(), refused()]).await), Some(ErrorKind::ConnectionRefused));
        assert_eq!(kind(TcpStream::connect([]).await), Some(ErrorKind::InvalidInput));
    });
}

#[test]
fn of_several_addresses_each_error_is_told() {
    run(async {
        let all = [refused(), refused()];
        let error = TcpStream::connect(all).await.unwrap_err();
        let errors = AddressErrors::of(&error).unwrap();
        assert!(errors.iter().all(|(_, error)| error.kind() == ErrorKind::ConnectionRefused));
        assert!(errors.iter().map(|(address, _)| address).eq(all));
        for address in all {
            assert!(error.to_string().contains(&address.to_string()), "{error}");
        }
        // One alone is the system's, with its number.
        assert!(TcpStream::connect(refused()).await.unwrap_err().raw_os_error().is_some());

        let held = StdListener::bind("127.0.0.1:0").unwrap();
        let taken = held.local_addr().unwrap();
        let error = TcpListener::bind([taken, taken]).await.unwrap_err();
        assert_eq!(AddressErrors::of(&error).unwrap().iter().count(), 2);
        drop(held);
    });
}

#[test]
fn all_addresses_of_a_name_are_listened_to_at_one_port() {
    run(async {
        let listeners = ListenOptions::new().bind_all("localhost:0").await.unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        for listener in &listeners {
            let address = listener.local_addr().unwrap();
            assert_eq!(address.port(), port);
            let client = std::net::TcpStream::connect(address).unwrap();
            assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
        }
        let found = lookup(("localhost", port)).await.unwrap();
        assert!(listeners.iter().all(|listener| found.contains(&listener.local_addr().unwrap())));
    });
}

#[test]
fn all_addresses_that_are_given_are_listened_to_or_none_is() {
    run(async {
        let any = "127.0.0.1:0".parse().unwrap();
        let two: [SocketAddr; 2] = [any, "127.0.0.3:0".parse().unwrap()];
        let listeners = ListenOptions::new().bind_all(two).await.unwrap();
        let at: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        assert!(at.iter().map(SocketAddr::ip).eq(two.iter().map(SocketAddr::ip)));
        assert_eq!(at[0].port(), at[1].port());

        let free = StdListener::bind("127.0.0.9:0").unwrap().local_addr().unwrap();
        let error = ListenOptions::new().bind_all([free, at[1]]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert_eq!(AddressErrors::of(&error).unwrap().iter().next().unwrap().0, at[1]);
        TcpListener::bind(free).await.expect("the first one listens no longer");

        let not_ours = "192.0.2.1:0".parse().unwrap();
        assert_eq!(kind(ListenOptions::new().bind_all([any, not_ours]).await), Some(ErrorKind::AddrNotAvailable));
        assert_eq!(kind(ListenOptions::new().bind_all([]).await), Some(ErrorKind::InvalidInput));
    });
}

/// Where the system would have the one take the other's connections.
#[test]
fn both_families_may_be_listened_to_at_one_port() {
    run(async {
        let any = ["[::]:0".parse().unwrap(), "0.0.0.0:0".parse().unwrap()];
        let listeners = match ListenOptions::new().bind_all(any).await {
            Err(error) if TcpListener::bind(any[0]).await.is_err() => return drop(error), // no IPv6 here
            bound => bound.unwrap(),
        };
        assert!(listeners[0].only_v6().unwrap());
        assert_eq!(listeners[0].local_addr().unwrap().port(), listeners[1].local_addr().unwrap().port());
    });
}

#[test]
fn a_cancelled_connect_closes_what_it_began() {
    run(async {
        // A full backlog keeps further connections waiting.
        let listener = ListenOptions::new().backlog(1).bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut made = Vec::new();
        let mut given_up = false;
        for _ in 0..10 {
            match move_on_after(Duration::from_millis(20), TcpStream::connect(address)).await {
                Some(connected) => made.push(connected.unwrap()),
                None => {
                    given_up = true;
                    break;
                }
            }
        }
        assert!(given_up);
        let peers: Vec<_> = made.iter().map(|stream| stream.local_addr().unwrap()).collect();
        for _ in &peers {
            assert!(peers.contains(&listener.accept().await.unwrap().1));
        }
    });
}

#[test]
fn names_are_looked_up_and_both_families_listened_to() {
    run(async {
        let found = lookup("localhost:80").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connected, accepted) = zip(TcpStream::connect(("localhost", port)), listener.accept()).await;
        assert_eq!(connected.unwrap().local_addr().unwrap(), accepted.unwrap().1);
    });
}

/// What is in brackets once went to the name server, brackets and all.
#[test]
#[cfg(target_os = "linux")]
fn an_address_with_an_interface_is_the_same_with_brackets_and_without() {
    run(async {
        let beside = lookup(("fe80::1%lo", 80)).await.unwrap();
        assert_eq!(lookup("[fe80::1%lo]:80").await.unwrap(), beside);
        assert_eq!(lookup("[fe80::1%1]:80").await.unwrap(), beside, "the loopback interface is the first");
        assert!(matches!(beside[..], [SocketAddr::V6(address)] if address.scope_id() == 1));
        assert!(lookup("[fe80::1%no-such-interface]:80").await.is_err());
    });
}

#[test]
fn what_is_no_address_is_an_error_at_once() {
    run(async {
        assert_eq!(kind(TcpStream::connect("localhost").await), Some(ErrorKind::InvalidInput));
        assert_eq!(kind(TcpListener::bind("127.0.0.1:99999").await), Some(ErrorKind::InvalidInput));
        let error = lookup("no such host:1").await.unwrap_err();
        assert!(error.to_string().starts_with("\"no such host\": "), "{error}");
    });
}

#[test]
fn options_are_settled_before_a_socket_opens() {
    run(async {
        let listener = ListenOptions::new().ttl(17).bind("127.0.0.1:0").await.unwrap();
        assert_eq!(listener.ttl().unwrap(), 17);
        listener.set_ttl(18).unwrap();
        assert_eq!(listener.ttl().unwrap(), 18);
        let local = "127.0.0.3:0".parse().unwrap();
        let options = ConnectOptions::new().local_address(local).send_buffer_size(32_768).receive_buffer_size(32_768);
        let stream = options.connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip().to_string(), "127.0.0.3");
        assert!((32_768..=65_536).contains(&stream.receive_buffer_size().unwrap()));
    });
}

#[test]
fn listeners_of_several_threads_share_a_port_where_there_is_such_a_thing() {
    let shared = || ListenOptions::new().reuse_port(true);
    run(async {
        let first = match shared().bind("127.0.0.1:0").await {
            Err(error) if cfg!(windows) => return assert_eq!(error.kind(), ErrorKind::Unsupported),
            bound => bound.unwrap(),
        };
        let address = first.local_addr().unwrap();
        let second = std::thread::spawn(move || run(async move { shared().bind(address).await.is_ok() }));
        assert!(second.join().unwrap());
        assert_eq!(kind(TcpListener::bind(address).await), Some(ErrorKind::AddrInUse));
    });
}

#[test]
fn listeners_come_from_the_standard_library_and_go_back() {
    let listener = TcpListener::from(StdListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    run(async {
        let (connected, accepted) = zip(TcpStream::connect(address), listener.accept()).await;
        assert!(connected.is_ok() && accepted.is_ok());
    });
    let back = listener.into_std().unwrap();
    let client = std::net::TcpStream::connect(address).unwrap();
    assert_eq!(back.accept().unwrap().1, client.local_addr().unwrap());
}
