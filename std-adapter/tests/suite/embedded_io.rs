//! Streams for drivers that are written for `embedded-io-async`.
#![cfg(feature = "embedded-io-async")]

use std::io;
use std::time::Duration;

use embedded_io_async::{Read, ReadExactError, Write};
use giambio::net::TcpStream;
use giambio::{move_on_after, nursery, run};

use crate::common::pair;

/// A driver that knows nothing of sockets: sends a message with its length before it, and receives one.
async fn ask<R: Read, W: Write>(input: &mut R, out: &mut W, question: &[u8]) -> Vec<u8> {
    out.write_all(&[question.len() as u8]).await.unwrap();
    out.write_all(question).await.unwrap();
    out.flush().await.unwrap();
    let mut length = [0];
    input.read_exact(&mut length).await.unwrap();
    let mut answer = vec![0; usize::from(length[0])];
    input.read_exact(&mut answer).await.unwrap();
    answer
}

async fn echo(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 8];
    loop {
        match stream.receive(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.send_all(&buffer[..count]).await?,
        }
    }
}

#[test]
fn a_driver_talks_through_a_stream_by_itself_by_reference_or_by_its_halves() {
    run(async {
        let (mut client, server) = pair().await;
        let echoed: io::Result<()> = nursery(async |scope| {
            scope.spawn(echo(&server));
            assert_eq!(ask(&mut &client, &mut &client, b"by reference").await, b"by reference");
            let (mut receive, mut send) = client.split();
            assert_eq!(ask(&mut receive, &mut send, b"by its halves").await, b"by its halves");
            client.write_all(b"by itself").await?;
            let mut answer = [0; 9];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, *b"by itself");
            drop(client);
            Ok(())
        })
        .await;
        echoed.unwrap();
    });
}

#[test]
fn the_end_and_what_is_closed_are_told_as_those_traits_do() {
    run(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"ab").await.unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut buffer = [0; 3];
        assert!(matches!(server.read_exact(&mut buffer).await, Err(ReadExactError::UnexpectedEof)));
        assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
        server.close();
        assert!(matches!(server.read_exact(&mut buffer).await, Err(ReadExactError::Other(_))));
        assert!(server.write(b"c").await.is_err());
    });
}

#[test]
fn a_read_that_is_dropped_loses_no_byte() {
    run(async {
        let (client, mut server) = pair().await;
        let mut buffer = [0; 4];
        let given_up = move_on_after(Duration::from_millis(1), Box::pin(server.read(&mut buffer))).await;
        assert!(given_up.is_none());
        client.send_all(b"ab").await.unwrap();
        server.read_exact(&mut buffer[..2]).await.unwrap();
        assert_eq!(buffer[..2], *b"ab");
    });
}
