//! What belongs to sockets between programs of one machine alone: descriptors that are passed, who is there, paths that come
//! and go.

use std::fs::{self, File};
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::os::unix::net as std_net;
use std::time::Duration;

use crate::common::{Place, kind, poll_once, settle};
use giambio::net::Closed;
use giambio::net::unix::{UnixDatagram, UnixListener, UnixStream};
use giambio::{fail_after, run};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::{getegid, geteuid};

const LONG: Duration = Duration::from_secs(5);

fn write(fd: OwnedFd, text: &[u8]) {
    PipeWriter::from(fd).write_all(text).unwrap();
}

fn read(mut reader: PipeReader) -> Vec<u8> {
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    all
}

#[test]
fn descriptors_come_with_the_bytes_they_were_sent_with() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let ((first, a), (second, b)) = (pipe().unwrap(), pipe().unwrap());
        let mut buffer = [0; 64];
        let mut receive = Box::pin(other.receive_with_fds(&mut buffer, 8));
        assert!(poll_once(&mut receive).await.is_none());
        assert_eq!(one.send_with_fds(b"two", &[a.as_fd(), b.as_fd()]).await.unwrap(), 3);
        let (count, passed) = fail_after(LONG, receive).await.unwrap().unwrap();
        assert!(count == 3 && !passed.were_more);
        drop((a, b));
        let mut fds = passed.fds.into_iter();
        for (reader, text) in [(first, b"to the first"), (second, b"to 2nd, also")] {
            let fd = fds.next().unwrap();
            assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC), "no program that is started inherits it");
            write(fd, text);
            assert_eq!(read(reader), text);
        }
        // What is received ends before the next ones; what has none has none.
        let (reader, writer) = pipe().unwrap();
        one.send_all(b"plain").await.unwrap();
        one.send_with_fds(b"one", &[writer.as_fd()]).await.unwrap();
        drop(writer);
        let (count, passed) = other.receive_with_fds(&mut buffer, 8).await.unwrap();
        assert!(passed.fds.len() <= 1 && count >= 5);
        if passed.fds.is_empty() {
            assert_eq!(count, 5);
            assert_eq!(other.receive(&mut buffer).await.unwrap(), 3, "who does not ask for descriptors gets bytes");
        }
        drop(passed);
        assert_eq!(read(reader), b"", "and the descriptor was closed");
        drop(one);
        let (count, passed) = other.receive_with_fds(&mut buffer, 8).await.unwrap();
        assert!(count == 0 && passed.fds.is_empty(), "the end");
    });
}

#[test]
fn what_there_is_no_room_for_is_closed_and_said() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let (left, right) = UnixDatagram::pair().unwrap();
        for most in [0, 1, 2, 3] {
            let pipes: Vec<_> = (0..4).map(|_| pipe().unwrap()).collect();
            let (readers, writers): (Vec<_>, Vec<_>) = pipes.into_iter().unzip();
            let fds: Vec<_> = writers.iter().map(AsFd::as_fd).collect();
            one.send_with_fds(b"four", &fds).await.unwrap();
            left.send_with_fds(b"", &fds).await.unwrap();
            drop(writers);
            let mut buffer = [0; 8];
            let (count, by_stream) = other.receive_with_fds(&mut buffer, most).await.unwrap();
            let (received, by_datagram) = right.receive_with_fds(&mut buffer, most).await.unwrap();
            assert!(count == 4 && received.length == 0 && !received.is_cut);
            for passed in [&by_stream, &by_datagram] {
                assert!(passed.fds.len() == most && passed.were_more, "{most}: {passed:?}");
            }
            let mut readers = readers.into_iter();
            let kept: Vec<_> = readers.by_ref().take(most).collect();
            for surplus in readers {
                assert_eq!(read(surplus), b"", "nobody has the other end");
            }
            drop((by_stream, by_datagram));
            for reader in kept {
                assert_eq!(read(reader), b"");
            }
        }
    });
}

#[test]
fn what_cannot_be_passed_says_why() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let file = File::open("Cargo.toml").unwrap();
        let error = one.send_with_fds(b"", &[file.as_fd()]).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("at least one"), "{error}");
        let many = vec![file.as_fd(); 300];
        let error = one.send_with_fds(b"x", &many).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("253"), "{error}");
        assert_eq!(kind(other.receive_with_fds(&mut [], 1).await), Some(ErrorKind::InvalidInput));
        one.send_with_fds(b"x", &many[..253]).await.unwrap();
        let (_, passed) = other.receive_with_fds(&mut [0; 8], 1000).await.unwrap();
        assert!(passed.fds.len() == 253 && !passed.were_more);
        other.close();
        assert!(Closed::is_cause_of(&other.receive_with_fds(&mut [0], 1).await.unwrap_err()));
        assert!(Closed::is_cause_of(&other.send_with_fds(b"x", &[]).await.unwrap_err()));
    });
}

#[test]
fn who_gives_up_at_any_moment_loses_no_descriptor() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let file = File::open("Cargo.toml").unwrap();
        for polls in 0..3 {
            let mut buffer = [0; 8];
            let mut receive = Box::pin(other.receive_with_fds(&mut buffer, 4));
            for _ in 0..polls {
                assert!(poll_once(&mut receive).await.is_none());
                settle().await;
            }
            one.send_with_fds(b"with", &[file.as_fd()]).await.unwrap();
            settle().await; // woken, and given up before it is polled
            drop(receive);
            let (count, passed) = fail_after(LONG, other.receive_with_fds(&mut buffer, 4)).await.unwrap().unwrap();
            assert_eq!((count, passed.fds.len()), (4, 1));
        }
    });
}

#[test]
fn who_is_at_the_other_end_is_known() {
    run(async {
        let (one, _other) = UnixStream::pair().unwrap();
        let peer = one.peer_credentials().unwrap();
        assert_eq!((peer.uid, peer.gid), (geteuid().as_raw(), getegid().as_raw()));
        assert!(peer.pid.is_none_or(|pid| pid == std::process::id()));
        one.close();
        assert!(Closed::is_cause_of(&one.peer_credentials().unwrap_err()));
    });
}

#[test]
fn a_listener_with_a_path_of_its_own_removes_what_is_stale_and_its_own() {
    let folder = Place::folder("fresh");
    let path = folder.0.join("socket");
    run(async {
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = UnixListener::bind_fresh(&path).unwrap();
        let client = UnixStream::connect(&path).await.unwrap();
        client.send_all(b"x").await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        server.receive_exact(&mut [0]).await.unwrap();

        // Somebody is there, whoever asks.
        let error = UnixListener::bind_fresh(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(kind(UnixDatagram::bind_fresh(&path)), Some(ErrorKind::AddrInUse), "of another kind");

        drop(listener);
        assert!(!path.exists(), "its path has gone with it");
        let listener = UnixListener::bind_fresh(&path).unwrap();
        listener.close();
        assert!(!path.exists());

        // Not its own any more: another one has taken the place.
        let listener = UnixListener::bind_fresh(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let other = std_net::UnixListener::bind(&path).unwrap();
        drop(listener);
        assert!(path.exists());
        drop(other);
    });
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = Place::folder("left-alone");
    let (file, link, inner) = (folder.0.join("file"), folder.0.join("link"), folder.0.join("folder"));
    fs::write(&file, "precious").unwrap();
    symlink(&file, &link).unwrap();
    fs::create_dir(&inner).unwrap();
    for path in [&file, &link, &inner] {
        let error = UnixListener::bind_fresh(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains("no socket"), "{error}");
    }
    assert_eq!(fs::read(&link).unwrap(), b"precious");
    let error = UnixListener::bind_fresh(folder.0.join("none").join("socket")).unwrap_err();
    assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("none"), "{error}");
}

#[test]
fn a_path_that_cannot_be_an_address_is_named() {
    let long = std::env::temp_dir().join("x".repeat(200));
    run(async {
        for (path, why) in
            [(&*long, "bytes"), (std::path::Path::new(""), "empty"), (std::path::Path::new("a\0b"), "NUL")]
        {
            let client = UnixDatagram::unbound().unwrap();
            for error in [
                UnixListener::bind(path).unwrap_err(),
                UnixListener::bind_fresh(path).unwrap_err(),
                UnixStream::connect(path).await.unwrap_err(),
                UnixDatagram::bind(path).unwrap_err(),
                UnixDatagram::bind_fresh(path).unwrap_err(),
                client.connect(path).unwrap_err(),
                client.send_to(b"x", path).await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains(why), "{error}");
                assert!(
                    path != long || error.to_string().contains("xxx") && error.to_string().contains("10"),
                    "{error}"
                );
            }
        }
    });
}
