//! Pipes: a kind of stream whose ends go one way each.
#![cfg(unix)]

mod common;

use std::future::pending;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use common::{kind, settle};
use futures_lite::AsyncWriteExt;
use giambio::net::Closed;
use giambio::stream::{PipeReceiver, PipeSender, pipe};
use giambio::{fail_after, move_on_after, nursery, run};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd};

#[test]
fn a_pipe_carries_a_megabyte_and_then_ends() {
    let data: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let (receiver, mut sender) = pipe().unwrap();
    let work = nursery(async |n| {
        let data = &data;
        n.spawn(async move {
            sender.send_all(data).await?;
            sender.send_vectored(&[IoSlice::new(b"th"), IoSlice::new(b"at")]).await?;
            AsyncWriteExt::close(&mut sender).await?;
            assert!(Closed::is_cause_of(&sender.try_send(b"x").unwrap_err()));
            Ok(())
        });
        let mut got = vec![0; data.len()];
        receiver.receive_exact(&mut got).await?;
        assert!(got == *data);
        let (mut one, mut two) = ([0; 1], [0; 3]);
        let mut pieces = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!(receiver.receive_vectored(&mut pieces).await?, 4);
        assert_eq!((&one, &two), (b"t", b"hat"));
        assert_eq!(receiver.receive(&mut [0]).await?, 0);
        Ok::<(), io::Error>(())
    });
    run(fail_after(Duration::from_secs(60), work)).unwrap().unwrap();
}

#[test]
fn what_a_full_pipe_took_is_known_and_what_an_empty_one_waits_for_is_not_lost() {
    run(async {
        let (receiver, sender) = pipe().unwrap();
        let data = vec![7; 1 << 20];
        let mut sending = sender.send_all(&data);
        assert!(move_on_after(Duration::from_millis(5), &mut sending).await.is_none());
        let sent = sending.sent();
        assert!(0 < sent && sent < data.len());
        drop(sending);
        let mut got = vec![0; sent];
        receiver.receive_exact(&mut got).await.unwrap();
        assert_eq!(receiver.try_receive(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(move_on_after(Duration::from_millis(5), receiver.receive(&mut [0])).await.is_none());
        sender.send_all(b"x").await.unwrap();
        receiver.readable().await.unwrap();
        assert_eq!(receiver.receive(&mut [0; 2]).await.unwrap(), 1);
        drop(receiver);
        assert_eq!(sender.send_all(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_program_that_is_started_gets_no_end_and_the_ends_do_not_block() {
    let (receiver, sender) = pipe().unwrap();
    assert!(fcntl_getfd(receiver.as_fd()).unwrap().contains(FdFlags::CLOEXEC));
    assert!(fcntl_getfd(sender.as_fd()).unwrap().contains(FdFlags::CLOEXEC));
    assert!(fcntl_getfl(receiver.as_fd()).unwrap().contains(OFlags::NONBLOCK));
    assert!(fcntl_getfl(sender.as_fd()).unwrap().contains(OFlags::NONBLOCK));
}

#[test]
fn ends_go_to_the_standard_library_in_blocking_mode_and_back() {
    let (receiver, sender) = pipe().unwrap();
    let (mut reader, mut writer) = (receiver.into_std().unwrap(), sender.into_std().unwrap());
    assert!(!fcntl_getfl(&reader).unwrap().contains(OFlags::NONBLOCK));
    writer.write_all(b"ab").unwrap();
    reader.read_exact(&mut [0]).unwrap();
    // A clone that changes the mode back must not have a call wait.
    let clone = reader.try_clone().unwrap();
    let (receiver, sender) = (PipeReceiver::from(reader), PipeSender::from(writer));
    run(async {
        assert_eq!(receiver.receive(&mut [0; 8]).await.unwrap(), 1);
        rustix::io::ioctl_fionbio(&clone, false).unwrap();
        assert!(move_on_after(Duration::from_millis(1), receiver.receive(&mut [0])).await.is_none());
        drop(sender);
        assert_eq!(receiver.receive(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn closing_an_end_wakes_who_waits_for_it_and_tells_the_other_end() {
    run(fail_after(Duration::from_secs(20), async {
        let (idle, _sender) = pipe().unwrap();
        let (receiver, sender) = pipe().unwrap();
        nursery(async |n| {
            n.spawn(async {
                assert!(Closed::is_cause_of(&idle.receive(&mut [0]).await.unwrap_err()));
                Ok::<_, ()>(())
            });
            n.spawn(async {
                // Until there is no receiver.
                let error = loop {
                    if let Err(error) = sender.send(&[0; 4096]).await {
                        break error;
                    }
                };
                assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                Ok(())
            });
            settle().await;
            idle.close();
            receiver.close();
            Ok(())
        })
        .await
        .unwrap();
        let (receiver, sender) = pipe().unwrap();
        let late = async {
            settle().await;
            sender.close();
            pending::<()>().await;
        };
        let end = futures_lite::future::or(async { receiver.receive(&mut [0]).await.unwrap() }, async {
            late.await;
            1
        });
        assert_eq!(end.await, 0);
    }))
    .unwrap();
}

/// Who has borrowed it sees that there is nobody at the other end.
#[test]
fn an_end_that_was_borrowed_is_closed_for_the_other_end() {
    run(fail_after(Duration::from_secs(20), async {
        let (receiver, sender) = pipe().unwrap();
        let lent = sender.as_fd();
        sender.close();
        assert_eq!(receiver.receive(&mut [0]).await.unwrap(), 0);
        assert_eq!(rustix::io::write(lent, b"x"), Err(rustix::io::Errno::PIPE));
        assert!(fcntl_getfd(lent).unwrap().contains(FdFlags::CLOEXEC));
        assert!(sender.into_std().is_err());
        let (receiver, sender) = pipe().unwrap();
        let lent = receiver.as_fd();
        sender.send_all(b"x").await.unwrap();
        receiver.close();
        assert_eq!(kind(sender.send(b"x").await), Some(ErrorKind::BrokenPipe));
        assert_eq!(rustix::io::read(lent, &mut [0; 8]), Ok(0));
    }))
    .unwrap();
}

/// Whoever takes a short count for an empty pipe waits for ever.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn packets_that_stop_each_call_are_all_received() {
    run(fail_after(Duration::from_secs(20), async {
        let (receiver, sender) = pipe().unwrap();
        let mut buffer = [0; 64];
        assert!(move_on_after(Duration::ZERO, receiver.receive(&mut buffer)).await.is_none());
        rustix::fs::fcntl_setfl(sender.as_fd(), OFlags::NONBLOCK | OFlags::DIRECT).unwrap();
        sender.send_all(b"one").await.unwrap();
        sender.send_all(b"three").await.unwrap();
        assert_eq!(receiver.receive(&mut buffer).await.unwrap(), 3);
        assert_eq!(receiver.receive(&mut buffer).await.unwrap(), 5);
    }))
    .unwrap();
}

#[test]
fn two_that_receive_at_once_are_told() {
    run(async {
        let (receiver, _sender) = pipe().unwrap();
        let (mut one, mut two) = ([0], [0]);
        let mut first = Box::pin(receiver.receive(&mut one));
        assert!(move_on_after(Duration::ZERO, &mut first).await.is_none());
        assert_eq!(kind(receiver.receive(&mut two).await), Some(ErrorKind::ResourceBusy));
    });
}
