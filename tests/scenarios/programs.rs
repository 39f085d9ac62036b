//! Programs that a user may write: sockets, nurseries, deadlines and clean-ups together.
#![cfg(unix)]

mod common;

use std::cell::Cell;
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::programs::Running;
use common::server::Server;
use common::{Client, PATIENCE, WELCOME, without_decoration};
use giambio::net::{TcpListener, TcpStream};
use giambio::{checkpoint, fail_after, finally_for, nursery, run, run_or_ctrl_c, sleep};
use rustix::process::{Pid, Signal, kill_process};

/// Ends a program with an error when its test is over.
#[derive(Debug, PartialEq)]
struct Over;

async fn over(end: net::TcpStream) -> Result<(), Over> {
    TcpStream::from(end).receive(&mut [0]).await.unwrap();
    Err(Over)
}

/// Runs `program` on a thread of its own, listening; returns where, and a way to end it and get its result.
fn start<F, T>(program: F) -> (SocketAddr, impl FnOnce() -> T)
where
    F: AsyncFnOnce(TcpListener, net::TcpStream) -> T + Send + 'static,
    T: Send + 'static,
{
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ends = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let end = net::TcpStream::connect(ends.local_addr().unwrap()).unwrap();
    let (ended, _) = ends.accept().unwrap();
    let thread = thread::spawn(move || run(program(TcpListener::from(listener), ended)));
    let finish = move || {
        drop(end);
        thread.join().unwrap()
    };
    (address, finish)
}

async fn copy(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match from.receive(&mut buffer).await? {
            0 => return to.shutdown(Shutdown::Write),
            count => to.send_all(&buffer[..count]).await?,
        }
    }
}

async fn proxy(client: TcpStream, target: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    nursery(async |n| {
        n.spawn(copy(&client, &server));
        copy(&server, &client).await
    })
    .await
}

#[test]
fn a_proxy_passes_everything_both_ways() {
    let server = Server::start_quiet(&[]);
    let target = server.address;
    let (address, finish) = start(async move |listener, end| {
        nursery(async |n| {
            n.spawn(over(end));
            loop {
                let (client, _) = listener.accept().await.unwrap();
                n.spawn(async move {
                    let _ = proxy(client, target).await; // a reset is the end like any other
                    Ok(())
                });
            }
        })
        .await
    });
    let mut idle = Client::greeted(address);
    let clients: Vec<_> = (0..4)
        .map(|number| {
            thread::spawn(move || {
                let mut client = Client::greeted(address);
                let text: String = ('a'..='z').cycle().skip(number).take(1 << 20).collect();
                let mut socket = client.socket.try_clone().unwrap();
                let sent = text.clone();
                let sender = thread::spawn(move || {
                    socket.write_all(sent.as_bytes()).unwrap();
                    socket.shutdown(Shutdown::Write).unwrap();
                });
                let answer = client.rest();
                sender.join().unwrap();
                assert!(without_decoration(&answer) == text, "client {number} got something else");
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    Client::greeted(address).reset_after("x");
    idle.echo("still here\n");
    let result: Result<(), Over> = finish();
    assert_eq!(result, Err(Over));
    assert_eq!(idle.rest(), "", "whoever was connected is disconnected");
    server.assert_serves();
}

impl Client {
    /// Sends something and breaks off with the answer unread.
    fn reset_after(mut self, message: &str) {
        self.send(message);
        self.reset();
    }
}

#[test]
fn a_deadline_lets_go_of_the_socket() {
    let silent = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut socket, _) = silent.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut question = String::new();
        socket.read_to_string(&mut question).unwrap(); // ends when the other side closes
        question
    });
    let answer = run(async {
        fail_after(Duration::from_millis(50), async {
            let stream = TcpStream::connect(address).await?;
            stream.send_all(b"anybody there?").await?;
            stream.receive(&mut [0; 16]).await
        })
        .await
    });
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(peer.join().unwrap(), "anybody there?");
}

#[test]
fn one_failure_closes_all_connections() {
    const CLIENTS: usize = 100;
    let server = Server::start();
    let address = server.address;
    let greeted = Cell::new(0);
    let talk = async |number: usize| -> io::Result<()> {
        let stream = TcpStream::connect(address).await?;
        let mut welcome = [0; WELCOME.len()];
        stream.receive_exact(&mut welcome).await?;
        greeted.set(greeted.get() + 1);
        while greeted.get() < CLIENTS {
            sleep(Duration::from_millis(1)).await;
        }
        if number == 42 {
            return Err(io::Error::other("out of luck"));
        }
        stream.receive(&mut [0]).await.map(drop) // the server has nothing more to say
    };
    let result = run(nursery(async |n| {
        for number in 0..CLIENTS {
            n.spawn(talk(number));
        }
        Ok(())
    }));
    assert_eq!(result.unwrap_err().to_string(), "out of luck");
    let closed = || server.log().iter().filter(|line| line.contains("closed")).count();
    common::eventually("all connections are closed", || closed() == CLIENTS);
}

#[test]
fn a_panic_in_a_child_unwinds_all_and_reaches_the_caller() {
    let (sender, receiver) = mpsc::channel();
    let program = thread::spawn(move || {
        run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let shared = Rc::new(());
            let result: Result<(), io::Error> = nursery(async |n| {
                loop {
                    let (stream, _) = listener.accept().await?;
                    let shared = Rc::clone(&shared);
                    n.spawn(async move {
                        let mut byte = [0];
                        stream.receive(&mut byte).await?;
                        assert_ne!(byte, [b'!'], "somebody shouted");
                        drop(shared);
                        Ok(())
                    });
                }
            })
            .await;
            unreachable!("the nursery panicked, it didn't return {result:?}");
        })
    });
    let address = receiver.recv().unwrap();
    let mut clients: Vec<Client> = (0..10).map(|_| Client::connect(address)).collect();
    clients[5].send("!");
    for client in &mut clients {
        assert_eq!(client.rest(), "");
    }
    let payload = program.join().unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("somebody shouted"), "{message}");
}

#[test]
fn each_thread_serves_by_itself() {
    const THREADS: usize = 4;
    let servers: Vec<_> = (0..THREADS)
        .map(|number| {
            start(async move |listener, end| {
                nursery(async |n| {
                    n.spawn(over(end));
                    loop {
                        let (stream, _) = listener.accept().await.unwrap();
                        n.spawn(async move {
                            let _ = stream.send_all(format!("thread {number}").as_bytes()).await;
                            Ok(())
                        });
                    }
                })
                .await
            })
        })
        .collect();
    for round in 0..20 {
        for (number, (address, _)) in servers.iter().enumerate() {
            assert_eq!(Client::connect(*address).rest(), format!("thread {number}"), "round {round}");
        }
    }
    for (_, finish) in servers {
        let result: Result<(), Over> = finish();
        assert_eq!(result, Err(Over));
    }
}

/// A server that says goodbye: the program of the test below, which starts it as another process.
async fn polite_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening at {}", listener.local_addr().unwrap());
    let result: Result<(), io::Error> = nursery(async |n| {
        loop {
            let (stream, _) = listener.accept().await?;
            n.spawn(async move {
                let serve = async {
                    stream.send_all(b"hello\n").await?;
                    stream.receive(&mut [0]).await.map(drop)
                };
                let goodbye = async || {
                    let _ = stream.send_all(b"goodbye\n").await;
                    checkpoint().await;
                    if stream.receive(&mut [0]).await.is_ok() {
                        println!("somebody said goodbye, too");
                    }
                };
                finally_for(Duration::from_millis(500), serve, goodbye).await
            });
        }
    })
    .await;
    unreachable!("cancelled before it returned {result:?}");
}

#[test]
fn ctrl_c_lets_a_server_say_goodbye() {
    const CASE: &str = "ctrl_c_lets_a_server_say_goodbye";
    if env::var("SCENARIO").is_ok_and(|case| case == CASE) {
        let result = run_or_ctrl_c(polite_server());
        println!("ended: {}", result.unwrap_err());
        return;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([CASE, "--exact", "--nocapture"]).env("SCENARIO", CASE).stdout(Stdio::piped());
    let mut process = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("listening at ")).unwrap();
    let address: SocketAddr = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.expect("hello\n");
    }
    kill_process(Pid::from_child(&process.0), Signal::INT).unwrap();
    for client in &mut clients {
        client.expect("goodbye\n");
    }
    clients[0].send("x"); // the others never answer, and the grace period ends
    for client in &mut clients {
        assert_eq!(client.rest(), "");
    }
    let rest: Vec<String> = lines.collect();
    let said = |text: &str| rest.iter().position(|line| line.contains(text));
    assert!(said("somebody said goodbye, too").unwrap() < said("ended: interrupted by Ctrl+C").unwrap(), "{rest:?}");
    assert!(process.0.wait().unwrap().success());
}
