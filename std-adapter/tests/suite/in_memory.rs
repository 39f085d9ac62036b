//! Streams without a system: two ends in memory, and those of other libraries. In virtual time.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use crate::common::{kind, poll_once};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use giambio::stream::{Buffered, Duplex, Foreign, Incoming, Outgoing, copy, copy_both, duplex};
use giambio::{cancel_scope, checkpoint, clock, move_on_after, nursery, sleep, testing};

const SECOND: Duration = Duration::from_secs(1);

fn in_time(work: impl Future<Output = io::Result<()>>) {
    testing::run(work).unwrap();
}

#[test]
fn who_sends_more_than_there_is_room_for_waits_until_it_is_received() {
    let ((one, other), sent) = (duplex(4), Cell::new(None));
    in_time(nursery(async |n| {
        n.spawn(async {
            one.send_all(b"123456789").await?;
            sent.set(Some(clock()));
            one.finish().await
        });
        let (mut all, mut buffer) = (Vec::<u8>::new(), [0; 16]);
        let began = clock();
        loop {
            sleep(SECOND).await;
            match other.receive(&mut buffer).await? {
                0 => break,
                count => all.extend(&buffer[..count]),
            }
            assert!(all.len() % 4 == 0 || all.len() == 9, "as much as there is room for, each second");
        }
        assert_eq!(all, b"123456789");
        assert_eq!(sent.get().unwrap() - began, 2 * SECOND);
        Ok(())
    }));
}

#[test]
fn each_direction_ends_by_itself_and_an_end_that_is_dropped_ends_both() {
    in_time(async {
        let (one, other) = duplex(64);
        one.send_all(b"the last words").await?;
        one.finish().await?;
        assert_eq!(kind(one.send(b"x").await), Some(ErrorKind::BrokenPipe));
        assert_eq!(other.receive_to_end(100).await?, b"the last words");
        other.send_all(b"still").await?;
        drop(other);
        assert_eq!(one.receive_to_end(100).await?, b"still");

        // Who waits is told.
        let (one, other) = duplex(1);
        other.send_all(b"x").await?;
        nursery(async |n| {
            let sending = n.spawn_value(async { Ok(kind(other.send(b"y").await)) });
            let receiving = n.spawn_value(async { Ok(other.receive(&mut [0]).await.unwrap()) });
            sleep(SECOND).await;
            drop(one);
            assert_eq!((sending.await, receiving.await), (Ok(Some(ErrorKind::BrokenPipe)), Ok(0)));
            Ok(())
        })
        .await
    });
}

#[test]
fn a_second_task_in_a_direction_is_told_so_and_one_that_gave_up_is_in_nobodys_way() {
    in_time(async {
        let (one, other) = duplex(0); // that is 1
        let mut buffer = [0; 4];
        let mut waits = Box::pin(one.receive(&mut buffer));
        assert!(poll_once(&mut waits).await.is_none());
        assert_eq!(kind(one.receive(&mut [0]).await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind((&one).read(&mut [0]).await), Some(ErrorKind::ResourceBusy));
        drop(waits);
        assert!(move_on_after(SECOND, one.receive(&mut [0])).await.is_none());
        assert_eq!(other.send(b"xy").await?, 1);
        assert!(move_on_after(SECOND, other.send(b"y")).await.is_none());
        assert_eq!((one.receive(&mut [0; 4]).await?, other.send(b"y").await?), (1, 1));
        assert_eq!((one.receive(&mut []).await?, other.send(b"").await?), (0, 0), "that waits for nothing");
        assert_eq!((&one).read(&mut [0; 4]).await?, 1);
        // Cancelled code gets no further.
        let cancelled = cancel_scope(async |scope| {
            scope.cancel();
            other.send(b"lost").await
        });
        assert!(cancelled.await.is_err() && format!("{one:?}").contains("incoming: 0"));
        (&other).close().await?;
        assert_eq!(one.receive(&mut [0]).await?, 0);
        Ok(())
    });
}

/// As a library that keeps what is sent until it is flushed.
struct Keeps {
    stream: Duplex,
    kept: Vec<u8>,
}

impl Keeps {
    fn over(stream: Duplex) -> Keeps {
        Keeps { stream, kept: Vec::new() }
    }
}

impl AsyncRead for Keeps {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Keeps {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.kept.extend(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Keeps { stream, kept } = self.get_mut();
        while !kept.is_empty() {
            let count = ready!(Pin::new(&mut *stream).poll_write(cx, kept))?;
            kept.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[test]
fn a_proxy_in_memory_passes_on_all_and_both_ends() {
    in_time(nursery(async |n| {
        let ((client, proxy), (proxied, server)) = (duplex(3), duplex(5));
        n.spawn(async move { copy_both(&proxy, &Foreign::new(Keeps::over(proxied))).await.map(drop) });
        n.spawn(async move {
            let question = server.receive_to_end(1000).await?;
            server.send_frame(&question).await?;
            server.finish().await
        });
        let text = [7; 500];
        client.send_all(&text).await?;
        client.finish().await?;
        let mut answer = Buffered::new(&client);
        assert_eq!(answer.receive_frame().await?.unwrap(), text);
        assert_eq!(answer.receive_frame().await?, None);
        Ok(())
    }));
}

/// A proxy in memory, whose upstream answers at once and closes, and a client that goes on to send for a while: what copying
/// ended with, and what the client received.
fn answered_early(room: usize, receives: bool, limit: Duration) -> (io::Result<(u64, u64)>, io::Result<Vec<u8>>) {
    let copied = Cell::new(None);
    let received = testing::run(nursery(async |n| {
        let ((client, front), (back, upstream)) = (duplex(room), duplex(64));
        let copied = &copied;
        n.spawn(async move {
            copied.set(Some(copy_both(&front, &back).idle_limit(limit).await));
            Ok(())
        });
        n.spawn(async move { upstream.send_all(b"413 too large, go away").await });
        sleep(SECOND).await;
        client.send_all(b"more").await?; // its upload
        sleep(SECOND).await;
        if !receives {
            sleep(100 * SECOND).await;
        }
        client.receive_to_end(100).await
    }));
    (copied.take().unwrap(), received)
}

#[test]
fn an_answer_of_one_that_closes_before_all_is_sent_to_it_gets_through_a_proxy_whole() {
    let (copied, received) = answered_early(4, true, 60 * SECOND);
    assert_eq!(received.unwrap(), b"413 too large, go away");
    let error = copied.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert!(error.to_string().starts_with("sending to the second: "), "{error}");
    let cause = std::error::Error::source(error.get_ref().unwrap()).unwrap();
    assert_eq!(cause.downcast_ref::<io::Error>().map(io::Error::kind), Some(ErrorKind::BrokenPipe));
}

#[test]
fn which_direction_has_ended_in_order_is_known_after_an_error() {
    in_time(async {
        let ((client, front), (back, server)) = (duplex(4), duplex(4));
        let mut copying = copy_both(&front, &back);
        assert_eq!(copying.ended(), (false, false));
        server.send_all(b"bye").await?;
        server.finish().await?;
        client.send_all(b"more").await?;
        assert!(move_on_after(SECOND, &mut copying).await.is_none());
        assert_eq!(client.receive_to_end(100).await?, b"bye");
        assert_eq!(copying.ended(), (false, true));
        drop(server); // nobody takes the rest
        client.send_all(b"more").await?;
        assert_eq!((&mut copying).await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(copying.ended(), (false, true));
        Ok(())
    });
}

#[test]
fn a_direction_that_is_left_after_a_send_failed_may_not_be_idle_for_ever() {
    let (copied, received) = answered_early(4, false, 10 * SECOND);
    // What the other direction could still move was moved; the send that failed is why there is no more of it.
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(received.unwrap(), b"413 ");
}

/// A question that is kept for later is never answered.
#[test]
fn what_a_library_keeps_is_sent_before_its_answer_is_waited_for() {
    in_time(nursery(async |n| {
        let (one, other) = duplex(2);
        n.spawn(async move {
            let mut from = Buffered::new(&other);
            while let Some(line) = from.receive_line().await? {
                other.send_all(format!("{line}?\n").as_bytes()).await?;
            }
            Ok(())
        });
        let stream = Foreign::new(Keeps::over(one));
        let mut answers = Buffered::new(&stream);
        for text in ["short", "quite a bit longer"] {
            let line = format!("{text}\n");
            assert_eq!(stream.send(line.as_bytes()).await?, line.len());
            assert_eq!(answers.receive_line().await?.unwrap(), format!("{text}?"));
            stream.send_all(line.as_bytes()).await?;
            assert_eq!(answers.receive_line().await?.unwrap(), format!("{text}?"));
        }
        let (from, to) = duplex(100);
        to.send_all(b"copied\n").await?;
        drop(to);
        copy(&from, &stream).await?;
        assert_eq!(answers.receive_line().await?.unwrap(), "copied?");
        stream.finish().await?;
        assert_eq!(answers.receive_line().await?, None);
        Ok(())
    }));
}

#[test]
fn what_a_library_keeps_is_sent_though_its_flush_was_given_up_or_put_off() {
    in_time(async {
        let (one, other) = duplex(2);
        let stream = Foreign::new(Keeps::over(one));
        assert!(move_on_after(SECOND, stream.send_all(b"12345")).await.is_none());
        nursery(async |n| {
            n.spawn(async { other.receive_exact(&mut [0; 5]).await });
            move_on_after(SECOND, stream.send_all(b"")).await.expect("there is room")
        })
        .await
    });
    // However many operations the task has left.
    for count in 1..300 {
        in_time(nursery(async |n| {
            let (one, other) = duplex(1);
            let stream = Foreign::new(Keeps::over(one));
            n.spawn(async move {
                let mut all = vec![0; count];
                let received = move_on_after(SECOND, other.receive_exact(&mut all)).await;
                received.unwrap_or_else(|| panic!("the last of {count} never comes"))
            });
            for _ in 0..count {
                stream.send(b"x").await?;
            }
            stream.send_all(b"").await
        }));
    }
}

#[test]
fn who_waits_to_send_hears_that_another_task_has_ended_the_stream() {
    let (one, _other) = duplex(2);
    in_time(nursery(async |n| {
        n.spawn(async {
            assert_eq!(kind(one.send_all(b"12345").await), Some(ErrorKind::BrokenPipe));
            Ok(())
        });
        sleep(SECOND).await;
        one.finish().await
    }));
}

/// As a library with one place for a waker, which is what the traits ask of it: that of the last poll is woken.
struct OnePlace {
    stream: Duplex,
    waker: Rc<RefCell<Waker>>,
    is_open: Rc<Cell<bool>>,
}

impl OnePlace {
    fn may(&mut self, cx: &mut Context<'_>) -> bool {
        self.waker.borrow_mut().clone_from(cx.waker());
        self.is_open.get()
    }
}

impl AsyncRead for OnePlace {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !self.may(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for OnePlace {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if !self.may(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[test]
fn both_tasks_go_on_though_the_library_wakes_the_one_that_polled_last() {
    for sends_last in [true, false] {
        in_time(async {
            let (stream, other) = duplex(10);
            let (waker, is_open) = (Rc::new(RefCell::new(Waker::noop().clone())), Rc::new(Cell::new(false)));
            let stream = &Foreign::new(OnePlace { stream, waker: waker.clone(), is_open: is_open.clone() });
            other.send_all(b"x").await?;
            let both = nursery(async |n| {
                let receives = async { stream.receive_exact(&mut [0]).await };
                let sends = async { stream.send_all(b"y").await };
                if sends_last {
                    n.spawn(receives);
                    n.spawn(sends);
                } else {
                    n.spawn(sends);
                    n.spawn(receives);
                }
                checkpoint().await;
                sleep(SECOND).await;
                is_open.set(true);
                let last = waker.borrow().clone();
                last.wake();
                Ok(())
            });
            move_on_after(SECOND * 10, both).await.expect("one was never woken")
        });
    }
}

#[test]
fn a_library_is_not_polled_in_cancelled_code_and_is_given_back() {
    in_time(async {
        let (stream, other) = duplex(10);
        let mut stream = Foreign::new(stream);
        let cancelled = cancel_scope(async |scope| {
            scope.cancel();
            stream.send_all(b"lost").await
        });
        assert!(cancelled.await.is_err());
        assert!(move_on_after(SECOND, stream.receive(&mut [0])).await.is_none());
        stream.get_mut().send_all(b"kept").await?;
        assert!(format!("{stream:?}").starts_with("Foreign("));
        drop(stream.into_inner());
        assert_eq!(other.receive_to_end(10).await?, b"kept");
        assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut &other).poll_write(cx, b"x"))).await.is_ready());
        Ok(())
    });
}
