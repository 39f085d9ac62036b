//! Pipes for libraries that are written over `futures-io`.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::task::Poll;

use futures::{AsyncRead, AsyncReadExt, AsyncWriteExt, join};

use crate::common::{run_virtual, secs};
use giambio_core::channel::Pipe;
use giambio_core::{move_on_after, sleep};

#[test]
fn other_libraries_copy_through_a_pipe_to_its_end() {
    let all: Vec<u8> = (0..=255).collect();
    run_virtual(async {
        let pipe = Pipe::<7>::new();
        let (mut writer, reader) = (Box::pin(pipe.sender().into_writer()), Box::pin(pipe.receiver().into_reader()));
        let mut copied = Vec::new();
        let writes = async {
            futures::io::copy(&all[..], &mut writer).await.unwrap();
            writer.flush().await.unwrap();
            writer.close().await.unwrap();
            assert_eq!(writer.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        };
        let reads = futures::io::copy(reader, &mut copied);
        let ((), read) = join!(writes, reads);
        assert_eq!((read.unwrap(), copied), (256, all.clone()));
    });
}

#[test]
fn who_waits_is_woken_and_what_is_closed_is_told() {
    run_virtual(async {
        let pipe = Pipe::<2>::new();
        let (mut writer, mut reader) = (Box::pin(pipe.sender().into_writer()), Box::pin(pipe.receiver().into_reader()));
        let mut buffer = [0; 4];
        assert_eq!(reader.read(&mut []).await.unwrap(), 0); // waits for nothing
        // Cut off while it waits: nothing is lost.
        assert!(move_on_after(secs(1), reader.read(&mut buffer)).await.is_none());
        let late = async {
            sleep(secs(1)).await;
            writer.write(b"abc").await.unwrap()
        };
        let (read, written) = join!(reader.read(&mut buffer), late);
        assert_eq!((read.unwrap(), written, &buffer[..2]), (2, 2, &b"ab"[..]));
        writer.write_all(b"cd").await.unwrap();
        assert!(move_on_after(secs(1), writer.write(b"e")).await.is_none());
        let room = async {
            sleep(secs(1)).await;
            reader.read(&mut buffer).await.unwrap()
        };
        let (written, read) = join!(writer.write(b"e"), room);
        assert_eq!((written.unwrap(), read), (1, 2));
        // The last end that reads closes it.
        drop(reader);
        assert_eq!(writer.write(b"f").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_reader_that_is_dropped_in_line_hands_its_turn_on_and_reads_with_another_buffer_each_time() {
    run_virtual(async {
        let pipe = Pipe::<4>::new();
        let mut first = Box::pin(pipe.receiver().into_reader());
        let mut second = Box::pin(pipe.receiver().into_reader());
        poll_fn(|cx| {
            assert!(first.as_mut().poll_read(cx, &mut [0; 1]).is_pending());
            assert!(second.as_mut().poll_read(cx, &mut [0; 1]).is_pending());
            Poll::Ready(())
        })
        .await;
        pipe.try_send(b"xyz").unwrap(); // promised to the first
        drop(first);
        let mut buffer = [0; 4];
        assert_eq!((second.read(&mut buffer).await.unwrap(), &buffer[..3]), (3, &b"xyz"[..]));
    });
}
