//! Sockets under nurseries and scopes: each task waits with a waker of its own.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::common::{narrow_pair, pair, settle};
use giambio::net::{Closed, TcpListener, TcpStream};
use giambio::{Debugger, TaskInfo, builder, finally, nursery, run, sleep};

async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.receive(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.send_all(&buffer[..count]).await?,
        }
    }
}

#[test]
fn a_nursery_serves_many_clients_at_once() -> io::Result<()> {
    const CLIENTS: usize = 50;
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        nursery(async |n| {
            n.child().daemon().spawn(async {
                loop {
                    let (stream, _) = listener.accept().await?;
                    n.spawn(echo(stream));
                }
            });
            for number in 0..CLIENTS {
                n.spawn(async move {
                    let stream = TcpStream::connect(address).await?;
                    for round in 0..20_u8 {
                        let message = [number as u8, round];
                        stream.send_all(&message).await?;
                        let mut answer = [0; 2];
                        stream.receive_exact(&mut answer).await?;
                        assert_eq!(answer, message);
                    }
                    Ok(())
                });
            }
            Ok(())
        })
        .await
    })
}

#[test]
fn one_task_receives_while_another_sends() -> io::Result<()> {
    run(async {
        let (client, server) = pair().await;
        let data: Vec<u8> = (0..8 << 20).map(|n: u32| (n % 251) as u8).collect();
        nursery(async |n| {
            n.spawn(echo(server));
            n.spawn(async {
                client.send_all(&data).await?;
                client.shutdown(std::net::Shutdown::Write)
            });
            let mut got = vec![0; data.len()];
            client.receive_exact(&mut got).await?;
            assert!(got == data);
            assert_eq!(client.receive(&mut got).await?, 0);
            Ok(())
        })
        .await
    })
}

#[test]
fn a_task_that_waits_is_woken_when_another_closes_the_socket() {
    run(async {
        let (client, _server) = narrow_pair().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let data = vec![0; 4 << 20];
        let ended: Result<(), io::Error> = nursery(async |n| {
            let receiving = n.spawn_value(async { Ok(client.receive(&mut [0; 8]).await.unwrap_err()) });
            let sending = n.spawn_value(async { Ok(client.send_all(&data).await.unwrap_err()) });
            let accepting = n.spawn_value(async { Ok(listener.accept().await.unwrap_err()) });
            settle().await;
            client.close();
            listener.close();
            for task in [receiving, sending, accepting] {
                assert!(Closed::is_cause_of(&task.await.unwrap()));
            }
            Ok(())
        })
        .await;
        ended.unwrap();
    });
}

#[test]
fn a_panic_in_a_task_unwinds_all_of_them_and_closes_their_sockets() {
    let (mut outside, address) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (Some(listener), address)
    };
    let dropped = Rc::new(());
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let listener = TcpListener::from(outside.take().unwrap());
            let client = TcpStream::connect(address).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            let ended: io::Result<()> = nursery(async |n| {
                for _ in 0..3 {
                    let dropped = dropped.clone();
                    n.spawn(async move {
                        sleep(Duration::from_secs(1000)).await;
                        drop(dropped);
                        Ok(())
                    });
                }
                n.spawn(echo(server));
                n.spawn(async { panic!("a child panics") });
                client.receive(&mut [0; 8]).await?;
                Ok(())
            })
            .await;
            ended.unwrap();
        })
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"a child panics"));
    assert_eq!(Rc::strong_count(&dropped), 1);
    std::net::TcpListener::bind(address).expect("the listener was closed");
    run(async { sleep(Duration::from_millis(1)).await });
}

#[test]
fn a_clean_up_of_a_cancelled_task_may_still_use_its_socket() {
    run(async {
        let (client, server) = pair().await;
        let said = giambio::move_on_after(
            Duration::from_millis(5),
            finally(sleep(Duration::from_secs(1000)), async || {
                client.send_all(b"bye").await.unwrap();
                let mut answer = [0; 4];
                client.receive_exact(&mut answer).await.unwrap();
                assert_eq!(&answer, b"ok..");
            }),
        );
        let answer = async {
            let mut bye = [0; 3];
            server.receive_exact(&mut bye).await.unwrap();
            settle().await;
            server.send_all(b"ok..").await.unwrap();
            assert_eq!(&bye, b"bye");
        };
        let (said, ()) = futures_lite::future::zip(said, answer).await;
        assert!(said.is_none());
    });
}

#[test]
fn a_task_that_always_finds_data_lets_others_run() {
    run(async {
        let (client, server) = pair().await;
        let ticks = std::cell::Cell::new(0);
        let received = std::cell::Cell::new(0_usize);
        let ended: io::Result<()> = nursery(async |n| {
            n.child().daemon().spawn(async {
                let block = [0; 65_536];
                loop {
                    client.send_all(&block).await?;
                }
            });
            n.child().daemon().spawn(async {
                let mut byte = [0; 64];
                loop {
                    received.set(received.get() + server.receive(&mut byte).await?);
                }
            });
            for _ in 0..10 {
                sleep(Duration::from_millis(1)).await;
                ticks.set(ticks.get() + 1);
            }
            Ok(())
        })
        .await;
        ended.unwrap();
        assert_eq!(ticks.get(), 10);
        assert!(received.get() > 0);
    });
}

/// What a debugger is told of I/O and steps.
#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Log {
    fn push(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }
}

impl Debugger for Log {
    fn before_task_step(&self, task: TaskInfo<'_>) {
        self.push(format!("step {}", task.name));
    }
    fn after_sleep(&self, task: TaskInfo<'_>, _: Duration) {
        self.push(format!("slept {}", task.name));
    }
    fn before_io(&self, timeout: Option<Duration>) {
        self.push(match timeout {
            None => "io...".to_owned(),
            Some(Duration::ZERO) => "io 0".to_owned(),
            Some(_) => "io t".to_owned(),
        });
    }
    fn after_io(&self, _: Option<Duration>) {
        self.push("io done");
    }
}

#[test]
fn a_debugger_sees_one_look_at_io_between_the_end_of_a_sleep_and_the_sleeper() {
    let log = Rc::new(Log::default());
    builder().debugger(log.clone()).run(async { sleep(Duration::from_millis(3)).await });
    assert_eq!(*log.0.borrow(), ["step main", "slept main", "io 0", "io done", "step main"]);
}

#[test]
fn a_debugger_sees_each_look_at_sockets() {
    let log = Rc::new(Log::default());
    builder().debugger(log.clone()).run(async {
        let (client, server) = pair().await;
        log.0.borrow_mut().clear();
        let mut buffer = [0; 8];
        // Both ends are in this task, so the first look finds the message.
        let (received, ()) = futures_lite::future::zip(server.receive(&mut buffer), async {
            client.send_all(b"x").await.unwrap();
        })
        .await;
        assert_eq!(received.unwrap(), 1);
    });
    let log = log.0.borrow();
    assert!(log.chunks(2).filter(|pair| pair[0].starts_with("io")).all(|pair| pair == ["io...", "io done"]), "{log:?}");
    assert!(log.iter().any(|line| line == "io..."), "{log:?}");
}

/// What functions of a network program are full of: all of it goes up by `?`.
#[test]
fn timeouts_handles_and_cancellations_are_io_errors() {
    async fn quiet() -> io::Result<usize> {
        let (_client, server) = pair().await;
        giambio::fail_after(Duration::from_millis(1), server.receive(&mut [0])).await?
    }
    async fn cancelled() -> io::Result<usize> {
        let (_client, server) = pair().await;
        nursery(async |n| {
            let child = n.spawn_value(async { server.receive(&mut [0]).await });
            child.cancel();
            Ok(child.await?)
        })
        .await
    }
    async fn leaves() -> io::Result<usize> {
        let (_client, server) = pair().await;
        nursery(async |n| {
            n.spawn(async { Ok(n.cancel()) });
            server.receive(&mut [0]).await
        })
        .await
    }
    let error = run(quiet()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.downcast::<giambio::TimedOut>().unwrap().given, Duration::from_millis(1));
    for error in [run(cancelled()).unwrap_err(), run(leaves()).unwrap_err()] {
        assert!(error.downcast::<giambio::Cancelled>().is_ok());
    }

    fn interrupted() -> io::Result<()> {
        Ok(Err(giambio::Interrupted)?)
    }
    fn nested() -> io::Result<()> {
        run(async { Ok(builder().try_run(async {})?) })
    }
    assert!(interrupted().unwrap_err().downcast::<giambio::Interrupted>().is_ok());
    assert!(matches!(nested().unwrap_err().downcast(), Ok(giambio::RunError::Nested)));
}
