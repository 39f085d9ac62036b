//! The network goes away under live connections, and comes back.
//!
//! Each test has a network of its own, with nothing but a loopback interface, which it takes down. Linux gives one to
//! root only; without, nothing is tested here, and a line on the standard error says so.
#![cfg(target_os = "linux")]

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::thread;
use std::time::Duration;

use giambio::net::{TcpListener, TcpStream};
use giambio::{fail_after, move_on_after, nursery, sleep};
use rustix::ioctl::{Updater, ioctl};
use rustix::net::{AddressFamily, SocketType, socket, sockopt};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// How long anything may take. Only a test that fails takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on a thread that has a network to itself.
fn with_a_network(test: impl AsyncFnOnce() -> io::Result<()> + Send) {
    let run = || {
        // SAFETY: no descriptors are taken away from other threads.
        if let Err(error) = unsafe { unshare_unsafe(UnshareFlags::NEWNET) } {
            let who = thread::current().name().unwrap_or_default().to_owned();
            // Past the harness, which keeps for itself what a test prints that passes.
            let _ = writeln!(io::stderr(), "\nNOT TESTED: {who}: no network of its own, which takes root: {error}");
            return;
        }
        set_loopback(true);
        giambio::run(fail_after(PATIENCE, test())).expect("it hangs").unwrap();
    };
    let name = thread::current().name().unwrap_or_default().to_owned();
    thread::scope(|threads| {
        let thread = thread::Builder::new().name(name).spawn_scoped(threads, run).unwrap();
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Takes the loopback interface up or down.
fn set_loopback(up: bool) {
    /// What the system calls `ifreq`, or a little more: it looks at no more than that.
    #[repr(C)]
    struct Request {
        name: [u8; 16],
        flags: u16,
        rest: [u8; 22],
    }
    const GET_FLAGS: u32 = 0x8913;
    const SET_FLAGS: u32 = 0x8914;
    const UP: u16 = 1;

    let mut request = Request { name: [0; 16], flags: 0, rest: [0; 22] };
    request.name[..2].copy_from_slice(b"lo");
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).unwrap();
    // SAFETY: SIOCGIFFLAGS takes such a request, and sets its flags.
    unsafe { ioctl(&any, Updater::<GET_FLAGS, Request>::new(&mut request)) }.unwrap();
    request.flags = if up { request.flags | UP } else { request.flags & !UP };
    // SAFETY: SIOCSIFFLAGS takes such a request.
    unsafe { ioctl(&any, Updater::<SET_FLAGS, Request>::new(&mut request)) }.unwrap();
    assert_eq!(request.rest, [0; 22]);
}

/// A listener, and a connection to it: the client's end, the server's end.
async fn connected() -> io::Result<(TcpListener, TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _) = listener.accept().await?;
    Ok((listener, client, server))
}

#[test]
fn a_connection_outlives_an_interface_that_is_down_for_a_while() {
    with_a_network(async || {
        let (listener, client, server) = connected().await?;
        let address = listener.local_addr()?;
        nursery(async |n| {
            n.spawn(async {
                let mut got = [0; 5];
                server.receive_exact(&mut got).await?;
                assert_eq!(&got, b"later");
                server.send_all(b"thanks").await
            });
            // Someone waits for a connection all the time.
            n.spawn(async { listener.accept().await?.0.send_all(b"welcome").await });
            set_loopback(false);
            client.send_all(b"later").await?;
            // What is sent is lost without a word, and that somebody gives up waiting as well.
            assert!(move_on_after(Duration::from_millis(50), TcpStream::connect(address)).await.is_none());
            let connecting = n.spawn_value(TcpStream::connect(address));
            sleep(Duration::from_millis(50)).await;
            assert_eq!(n.live(), 3, "who waits goes on waiting");
            set_loopback(true);
            let mut got = [0; 7];
            connecting.await.unwrap().receive_exact(&mut got).await?;
            assert_eq!(&got, b"welcome");
            client.receive_exact(&mut got[..6]).await?;
            assert_eq!(&got[..6], b"thanks");
            Ok(())
        })
        .await
    });
}

#[test]
fn a_dead_interface_ends_a_connection_with_a_time_out_and_all_who_wait_on_it_are_told() {
    with_a_network(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = StdStream::connect(listener.local_addr()?)?;
        sockopt::set_tcp_user_timeout(&client, 200)?;
        let client = TcpStream::from(client);
        let (server, _) = listener.accept().await?;
        set_loopback(false);
        let told = nursery(async |n| {
            let receiver = n.spawn_value(async { Ok(client.receive(&mut [0; 1]).await) });
            let sender = n.spawn_value(async {
                // More than the system keeps, so that it waits.
                Ok(client.send_all(&[0; 16 << 20]).await)
            });
            Ok::<_, io::Error>((receiver.await.unwrap(), sender.await.unwrap()))
        });
        let (received, sent) = told.await?;
        let kinds = [received.map(drop).err(), sent.err()].map(|error| error.map(|error| error.kind()));
        // The system tells its reason once; after that the stream has ended.
        assert!(kinds.contains(&Some(ErrorKind::TimedOut)), "{kinds:?}");
        assert!(kinds[1].is_some(), "what can't be sent is an error: {kinds:?}");
        // The other side has nothing to send, so it is told nothing, and can still be left.
        assert!(move_on_after(Duration::from_millis(50), server.receive(&mut [0; 1])).await.is_none());
        drop((server, client));
        set_loopback(true);
        let again = TcpStream::connect(listener.local_addr()?).await?;
        listener.accept().await?.0.send_all(b"!").await?;
        assert_eq!(again.receive(&mut [0; 1]).await?, 1, "the listener is unharmed");
        Ok(())
    });
}

#[test]
fn connecting_where_no_way_leads_is_an_error_at_once_and_the_next_address_is_tried() {
    with_a_network(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // An address that is nobody's (RFC 5737): this network has no way out.
        let far: SocketAddr = "192.0.2.1:80".parse().unwrap();
        let error = TcpStream::connect(far).await.expect_err("no way leads there");
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{error}");
        let stream = TcpStream::connect([far, listener.local_addr()?]).await?;
        assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        Ok(())
    });
}
