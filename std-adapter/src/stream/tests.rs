//! A third kind, beside the sockets: the ends of a pipe, each of which goes one way. So nothing here is for sockets alone.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, PipeReader, PipeWriter};
use std::pin::Pin;
use std::time::Duration;

use futures_io::AsyncWrite;
use giambio_core::{fail_after, move_on_after, nursery};
use rustix::io::{ioctl_fionbio, read, readv, write, writev};

use super::{ByteStream, Receives, Sends};
use crate::reactor::{Closed, Descriptor, Done, Source};

macro_rules! an_end_of_a_pipe {
    ($end:ty) => {
        impl Descriptor for $end {
            const RELIES_ON_MODE: bool = true;

            fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
                Ok(ioctl_fionbio(self, nonblocking)?)
            }

            fn end(&self) {}
        }
    };
}

an_end_of_a_pipe!(PipeReader);
an_end_of_a_pipe!(PipeWriter);

impl Receives for PipeReader {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        Ok(Done::more(read(self, buffer)?))
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], _: usize) -> io::Result<Done<usize>> {
        Ok(Done::more(readv(self, buffers)?))
    }
}

impl Sends for PipeWriter {
    fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>> {
        Ok(Done::more(write(self, data)?))
    }

    fn send_vectored_now(&self, data: &[IoSlice<'_>], _: usize) -> io::Result<Done<usize>> {
        Ok(Done::more(writev(self, data)?))
    }

    fn finish(source: &Source<Self>) -> io::Result<()> {
        source.close();
        Ok(())
    }
}

fn pipe() -> (ByteStream<PipeReader>, ByteStream<PipeWriter>) {
    let (receiver, sender) = io::pipe().unwrap();
    (receiver.into(), sender.into())
}

#[test]
fn a_pipe_carries_a_megabyte_and_then_ends() {
    let data: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let (receiver, mut sender) = pipe();
    let work = nursery(async |n| {
        let data = &data;
        n.spawn(async move {
            sender.send_all(data).await?;
            sender.send_vectored(&[IoSlice::new(b"th"), IoSlice::new(b"at")]).await?;
            poll_fn(|cx| Pin::new(&mut sender).poll_close(cx)).await?;
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
    crate::run(fail_after(Duration::from_secs(60), work)).unwrap().unwrap();
}

#[test]
fn what_a_full_pipe_took_is_known_and_what_an_empty_one_waits_for_is_not_lost() {
    crate::run(async {
        let (receiver, sender) = pipe();
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
