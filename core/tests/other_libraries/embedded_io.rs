//! Pipes for libraries that are written for `embedded-io-async`.

use std::pin::pin;

use embedded_io_async::{Error, ErrorKind, Read, ReadExactError, ReadReady, Write, WriteReady};
use futures::join;

use crate::common::{run_virtual, secs};
use giambio_core::channel::{Closed, Pipe};
use giambio_core::{move_on_after, sleep};

/// A driver that knows nothing of pipes: sends a message with its length before it, and receives one.
async fn ask<W: Write, R: Read>(out: &mut W, input: &mut R, question: &[u8], answer: &mut [u8]) -> usize {
    out.write_all(&[question.len() as u8]).await.unwrap();
    out.write_all(question).await.unwrap();
    out.flush().await.unwrap();
    let mut length = [0];
    input.read_exact(&mut length).await.unwrap();
    let answer = &mut answer[..usize::from(length[0])];
    input.read_exact(answer).await.unwrap();
    answer.len()
}

#[test]
fn a_driver_talks_through_two_pipes_by_their_ends_or_by_reference() {
    let echo = async |input: &Pipe<16>, out: &Pipe<16>| {
        let mut buffer = [0; 8];
        loop {
            match input.receive(&mut buffer).await {
                0 => return,
                count => out.send_all(&buffer[..count]).await.unwrap(),
            }
        }
    };
    run_virtual(async {
        let (there, back) = (Pipe::<16>::new(), Pipe::<16>::new());
        let mut answer = [0; 32];
        let asks = async {
            let count = ask(&mut &there, &mut &back, b"by reference", &mut answer).await;
            assert_eq!(answer[..count], *b"by reference");
            let (mut sender, mut receiver) = (there.sender(), back.receiver());
            let count = ask(&mut sender, &mut receiver, b"by its ends", &mut answer).await;
            assert_eq!(answer[..count], *b"by its ends");
        };
        join!(asks, echo(&there, &back)); // the last end closes what the other one reads
    });
}

#[test]
fn the_end_and_what_is_closed_are_told_as_those_traits_do() {
    run_virtual(async {
        let pipe = Pipe::<4>::new();
        let (mut reads, mut writes) = (&pipe, &pipe);
        assert_eq!((reads.read_ready(), writes.write_ready()), (Ok(false), Ok(true)));
        assert_eq!(writes.write(b"abcdef").await, Ok(4));
        assert_eq!((reads.read_ready(), writes.write_ready()), (Ok(true), Ok(false)));
        pipe.close();
        assert_eq!(writes.write_ready(), Err(Closed));
        assert_eq!((writes.write(b"g").await, Closed.kind()), (Err(Closed), ErrorKind::BrokenPipe));
        let mut buffer = [0; 3];
        assert_eq!(reads.read(&mut buffer).await, Ok(3));
        assert_eq!(reads.read_exact(&mut buffer).await, Err(ReadExactError::UnexpectedEof));
        assert_eq!((reads.read(&mut buffer).await, reads.read_ready()), (Ok(0), Ok(true)));
    });
}

#[test]
fn a_read_that_is_dropped_loses_no_byte() {
    run_virtual(async {
        let pipe = Pipe::<4>::new();
        let mut reads = &pipe;
        let mut buffer = [0; 4];
        assert_eq!(move_on_after(secs(1), pin!(reads.read(&mut buffer))).await, None);
        let sends = async {
            sleep(secs(1)).await;
            pipe.try_send(b"ab")
        };
        assert_eq!(join!(reads.read(&mut buffer), sends), (Ok(2), Ok(2)));
    });
}
