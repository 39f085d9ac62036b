//! Bytes: in order, none lost, in one piece where that is asked for, and the end is told.

use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, join, select};

use super::poll;
use crate::common::{Log, Woken, alone, run_foreign, run_virtual};
use giambio_core::channel::{Closed, EndedEarly, Pipe, TrySendError};
use giambio_core::{Arena, cancel_scope, checkpoint, move_on_after, nursery_in, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// What is in it, which is taken out.
fn rest<const N: usize>(pipe: &Pipe<N>) -> Vec<u8> {
    let mut buffer = [0; N];
    let count = pipe.try_receive(&mut buffer).unwrap_or(0);
    buffer[..count].to_vec()
}

// -------------------------------------------------------------------------------- without waiting

#[test]
fn bytes_come_out_as_they_went_in_round_and_round() {
    let _alone = alone();
    let pipe = Pipe::<5>::new();
    let (mut sent, mut received) = (0_u8, 0_u8);
    for step in 1..200_usize {
        let data: Vec<u8> = (0..step % 7).map(|at| sent.wrapping_add(at as u8)).collect();
        match pipe.try_send(&data) {
            Ok(count) => sent = sent.wrapping_add(count as u8),
            Err(full) => assert_eq!(full, TrySendError::Full { value: (), capacity: 5 }),
        }
        let mut buffer = vec![0; step % 4];
        if let Some(count) = pipe.try_receive(&mut buffer) {
            for byte in &buffer[..count] {
                assert_eq!(*byte, received);
                received = received.wrapping_add(1);
            }
        }
        assert_eq!(pipe.len(), usize::from(sent.wrapping_sub(received)));
    }
    assert_eq!((pipe.capacity(), pipe.peak()), (5, 5));
}

#[test]
fn what_does_not_fit_is_not_sent_and_the_count_says_so() {
    let _alone = alone();
    let pipe = Pipe::<4>::new();
    assert_eq!((pipe.try_receive(&mut [0; 2]), pipe.is_empty()), (None, true));
    assert_eq!(pipe.try_send(b"abc"), Ok(3));
    assert_eq!(pipe.try_send(b"def"), Ok(1));
    let full = pipe.try_send(b"ef").unwrap_err();
    assert_eq!(full.to_string(), "all 4 places of the channel are taken");
    assert_eq!((pipe.try_send(b""), pipe.try_receive(&mut [])), (Ok(0), Some(0)), "nothing is asked for");
    assert_eq!(format!("{pipe:?}"), "Pipe(4 of 4)");
    assert_eq!((rest(&pipe), pipe.is_empty()), (b"abcd".to_vec(), true));
}

// ------------------------------------------------------------------------------------ who waits

#[test]
fn both_sides_wait_and_are_woken_when_there_is_something_to_do() {
    let _alone = alone();
    let pipe = Pipe::<2>::new();
    let (woken, waker) = Woken::new();
    let mut buffer = [0; 8];
    {
        let mut receive = pin!(pipe.receive(&mut buffer));
        assert_eq!(poll(receive.as_mut(), &waker), Poll::Pending);
        assert_eq!(pipe.try_send(b"a"), Ok(1));
        assert_eq!(woken.take(), 1);
        assert_eq!(pipe.try_receive(&mut [0]), None, "it is promised");
        assert_eq!(pipe.try_send(b"b"), Ok(1));
        assert_eq!(woken.take(), 0, "it knows");
        assert_eq!(poll(receive, &waker), Poll::Ready(2));
    }
    assert_eq!(buffer[..2], *b"ab");
    assert_eq!(pipe.try_send(b"cd"), Ok(2));
    let mut send = pin!(pipe.send(b"efg"));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert_eq!(pipe.try_receive(&mut buffer[..1]), Some(1));
    assert_eq!(woken.take(), 1);
    assert_eq!(pipe.try_send(b"x"), Err(TrySendError::Full { value: (), capacity: 2 }), "it is promised");
    assert_eq!(poll(send, &waker), Poll::Ready(Ok(1)));
    assert_eq!(rest(&pipe), b"de");
}

#[test]
fn those_who_receive_do_so_in_the_order_in_which_they_came() {
    static ARENA: Arena<3, 512> = Arena::new();
    let (pipe, log) = (&Pipe::<8>::new(), &Log::new());
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for name in ["first", "second", "third"] {
                n.spawn_wait(async move {
                    let mut buffer = [0; 2];
                    let count = pipe.receive(&mut buffer).await;
                    log.add(format!("{name} got {}", std::str::from_utf8(&buffer[..count]).unwrap()));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            sleep(SECOND).await;
            assert_eq!(pipe.try_send(b"abcde"), Ok(5));
            Ok(())
        })
        .await;
    });
    assert_eq!(log.take(), ["first got ab", "second got cd", "third got e"]);
}

#[test]
fn a_turn_whose_owner_is_dropped_goes_to_the_next() {
    let _alone = alone();
    let pipe = Pipe::<2>::new();
    let (woken, waker) = Woken::new();
    let (first_woken, first_waker) = Woken::new();
    let (mut one, mut two) = ([0; 2], [0; 2]);
    let mut second = pin!(pipe.receive(&mut two));
    {
        drop(pipe.receive(&mut [0])); // never polled
        let mut first = pin!(pipe.receive(&mut one));
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
        assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
        assert_eq!(pipe.try_send(b"a"), Ok(1));
        assert_eq!((first_woken.take(), woken.take()), (1, 0));
    } // its turn had come
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(second, &waker), Poll::Ready(1));

    assert_eq!(pipe.try_send(b"ab"), Ok(2));
    let mut second = pin!(pipe.send(b"d"));
    {
        let mut first = pin!(pipe.send(b"c"));
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
        assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
        assert_eq!(pipe.try_receive(&mut one), Some(2));
        assert_eq!((first_woken.take(), woken.take()), (1, 0));
    }
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(second, &waker), Poll::Ready(Ok(1)));
    assert_eq!(rest(&pipe), b"d");
}

#[test]
fn a_receiver_that_leaves_some_wakes_the_next_and_a_sender() {
    let _alone = alone();
    let pipe = Pipe::<3>::new();
    let (woken, waker) = Woken::new();
    let (other_woken, other_waker) = Woken::new();
    let (mut one, mut two) = ([0; 1], [0; 8]);
    let (mut first, mut second) = (pin!(pipe.receive(&mut one)), pin!(pipe.receive(&mut two)));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    assert_eq!(pipe.try_send(b"abc"), Ok(3));
    let mut send = pin!(pipe.send(b"d"));
    assert_eq!(poll(send.as_mut(), &other_waker), Poll::Pending);
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(first, &waker), Poll::Ready(1));
    assert_eq!((woken.take(), other_woken.take()), (1, 1));
    assert_eq!(poll(send, &other_waker), Poll::Ready(Ok(1)));
    assert_eq!(poll(second, &waker), Poll::Ready(3));
}

// ----------------------------------------------------------------------------------- in one piece

#[test]
fn what_is_sent_whole_comes_out_in_one_piece_though_it_is_larger_than_the_pipe() {
    static ARENA: Arena<4, 512> = Arena::new();
    let pipe = &Pipe::<3>::new();
    let all = run_virtual(async {
        let mut all = Vec::new();
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for letter in [b'a', b'b', b'c'] {
                let sender = pipe.sender();
                n.spawn_wait(async move {
                    sender.send_all(&[letter; 10]).await.unwrap();
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            let mut buffer = [0; 2];
            loop {
                match pipe.receive(&mut buffer).await {
                    0 => return Ok(()),
                    count => all.extend_from_slice(&buffer[..count]),
                }
                assert_ne!(pipe.try_send(b"x"), Ok(1), "somebody is at it, or is next");
            }
        })
        .await;
        all
    });
    assert_eq!(all, [[b'a'; 10], [b'b'; 10], [b'c'; 10]].concat());
}

#[test]
fn what_is_received_whole_follows_one_another_and_others_wait() {
    let _alone = alone();
    let pipe = Pipe::<4>::new();
    let (woken, waker) = Woken::new();
    let (mut whole, mut part) = ([0; 6], [0; 6]);
    let mut exact = pin!(pipe.receive_exact(&mut whole));
    assert_eq!(poll(exact.as_mut(), &waker), Poll::Pending);
    assert_eq!(pipe.try_send(b"ab"), Ok(2));
    assert_eq!(poll(exact.as_mut(), &waker), Poll::Pending);
    assert_eq!(exact.received(), b"ab");
    assert_eq!(format!("{exact:?}"), "ReceiveExact { received: 2, of: 6, .. }");
    let mut other = pin!(pipe.receive(&mut part));
    assert_eq!(poll(other.as_mut(), &waker), Poll::Pending);
    woken.take();
    assert_eq!(pipe.try_send(b"cdef"), Ok(4));
    assert_eq!(pipe.try_receive(&mut [0]), None, "somebody is at it");
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(exact.as_mut(), &waker), Poll::Ready(Ok(())));
    assert_eq!(woken.take(), 0, "nothing is left for the other one");
    assert_eq!(pipe.try_send(b"gh"), Ok(2));
    assert_eq!(poll(other, &waker), Poll::Ready(2));
    assert_eq!(exact.received(), b"abcdef");
    assert_eq!(poll(exact, &waker), Poll::Ready(Ok(())), "it has all");
}

#[test]
fn one_that_is_dropped_half_way_leaves_the_rest_to_the_next_and_says_how_far_it_got() {
    let _alone = alone();
    let pipe = Pipe::<4>::new();
    let (woken, waker) = Woken::new();
    let mut next = pin!(pipe.send_all(b"xyz"));
    {
        let mut send = pin!(pipe.send_all(b"abcdef"));
        assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(next.as_mut(), &waker), Poll::Pending);
        assert_eq!(format!("{send:?}"), "SendAll { sent: 4, of: 6, .. }");
        assert_eq!(rest(&pipe), b"abcd");
        assert_eq!(woken.take(), 1, "it is the first one's turn still");
        assert_eq!(send.sent(), 4);
    }
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(next.as_mut(), &waker), Poll::Ready(Ok(())));
    assert_eq!(next.sent(), 3);
    let mut buffer = [0; 5];
    {
        let mut exact = pin!(pipe.receive_exact(&mut buffer));
        assert_eq!(poll(exact.as_mut(), &waker), Poll::Pending);
        assert_eq!(exact.received(), b"xyz");
    }
    assert_eq!(pipe.try_send(b"q"), Ok(1));
    assert_eq!(rest(&pipe), b"q");
}

#[test]
fn a_count_outlives_a_deadline_and_the_rest_may_follow() {
    run_virtual(async {
        let pipe = Pipe::<4>::new();
        let mut send = pin!(pipe.send_all(b"hello world"));
        assert_eq!(move_on_after(SECOND, send.as_mut()).await, None);
        assert_eq!(send.sent(), 4);
        let mut buffer = [0; 11];
        let mut exact = pin!(pipe.receive_exact(&mut buffer));
        assert_eq!(move_on_after(SECOND, exact.as_mut()).await, None);
        assert_eq!(exact.received(), b"hell");
        assert_eq!(join(send.as_mut(), exact.as_mut()).await, (Ok(()), Ok(())));
        assert_eq!((send.sent(), exact.received()), (11, &b"hello world"[..]));
    });
}

#[test]
fn cancelled_code_moves_no_byte() {
    let pipe = Pipe::<4>::new();
    run_virtual(async {
        pipe.send_all(b"ab").await.unwrap();
        let none = cancel_scope(async |scope| {
            scope.cancel();
            join(pipe.send_all(b"c"), pipe.receive(&mut [0; 2])).await
        });
        assert!(none.await.is_err());
    });
    assert_eq!(rest(&pipe), b"ab");
}

// ------------------------------------------------------------------------------- the end is told

#[test]
fn what_is_in_a_closed_pipe_is_received_and_then_comes_the_end() {
    let _alone = alone();
    let pipe = Pipe::<4>::new();
    let (_, waker) = Woken::new();
    assert_eq!(pipe.try_send(b"abc"), Ok(3));
    pipe.close();
    pipe.close();
    assert_eq!(format!("{pipe:?}"), "Pipe(3 of 4, closed)");
    assert_eq!(pipe.try_send(b"d"), Err(TrySendError::Closed(())));
    assert_eq!(poll(pin!(pipe.send(b"d")), &waker), Poll::Ready(Err(Closed)));
    assert_eq!(poll(pin!(pipe.send_all(b"d")), &waker), Poll::Ready(Err(Closed)));
    let mut buffer = [0; 8];
    assert_eq!(poll(pin!(pipe.receive(&mut buffer[..1])), &waker), Poll::Ready(1));
    let ended = EndedEarly { received: 2, wanted: 8 };
    assert_eq!(poll(pin!(pipe.receive_exact(&mut buffer)), &waker), Poll::Ready(Err(ended)));
    assert_eq!((ended.to_string(), &buffer[..2]), ("the pipe was closed after 2 of 8 bytes".into(), &b"bc"[..]));
    assert_eq!(poll(pin!(pipe.receive(&mut buffer)), &waker), Poll::Ready(0));
    assert_eq!((pipe.try_receive(&mut buffer), pipe.is_closed()), (Some(0), true));
}

#[test]
fn closing_tells_all_who_wait_and_those_who_are_half_way() {
    let _alone = alone();
    let pipe = Pipe::<2>::new();
    let (woken, waker) = Woken::new();
    let (mut send, mut next) = (pin!(pipe.send_all(b"abcd")), pin!(pipe.send(b"e")));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(next.as_mut(), &waker), Poll::Pending);
    pipe.close();
    assert_eq!(woken.take(), 2);
    assert_eq!(poll(send.as_mut(), &waker), Poll::Ready(Err(Closed)));
    assert_eq!((poll(next, &waker), send.sent()), (Poll::Ready(Err(Closed)), 2));
    assert_eq!(rest(&pipe), b"ab");

    let pipe = Pipe::<2>::new();
    let (mut whole, mut one, mut two) = ([0; 3], [0; 3], [0; 3]);
    let mut exact = pin!(pipe.receive_exact(&mut whole));
    let (mut first, mut second) = (pin!(pipe.receive(&mut one)), pin!(pipe.receive(&mut two)));
    assert_eq!(pipe.try_send(b"a"), Ok(1));
    assert_eq!(poll(exact.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    pipe.close();
    assert_eq!(woken.take(), 3);
    assert_eq!(poll(exact, &waker), Poll::Ready(Err(EndedEarly { received: 1, wanted: 3 })));
    assert_eq!((poll(first, &waker), poll(second, &waker)), (Poll::Ready(0), Poll::Ready(0)));
}

#[test]
fn all_hear_of_the_end_though_bytes_were_left_when_it_was_closed() {
    let _alone = alone();
    let pipe = Pipe::<4>::new();
    let (woken, waker) = Woken::new();
    let (mut one, mut two, mut three, mut four) = ([0; 1], [0; 4], [0; 4], [0; 4]);
    let (mut first, mut second) = (pin!(pipe.receive(&mut one)), pin!(pipe.receive(&mut two)));
    let (mut third, mut fourth) = (pin!(pipe.receive_exact(&mut three)), pin!(pipe.receive(&mut four)));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(third.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(fourth.as_mut(), &waker), Poll::Pending);
    assert_eq!(pipe.try_send(b"ab"), Ok(2));
    pipe.close();
    // What is left is the first one's.
    woken.take();
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(third.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(fourth.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(first, &waker), Poll::Ready(1));
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(second, &waker), Poll::Ready(1));
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(third, &waker), Poll::Ready(Err(EndedEarly { received: 0, wanted: 4 })));
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(fourth, &waker), Poll::Ready(0));
}

#[test]
fn the_last_end_of_a_side_closes_it() {
    let _alone = alone();
    let (woken, waker) = Woken::new();
    let pipe = Pipe::<4>::new();
    let (sender, receiver) = (pipe.sender(), pipe.receiver());
    let second = sender.clone();
    let mut buffer = [0; 4];
    drop(sender);
    assert_eq!(second.try_send(b"ab"), Ok(2));
    drop(second);
    assert!(pipe.is_closed());
    assert_eq!(poll(pin!(receiver.receive(&mut buffer)), &waker), Poll::Ready(2));
    assert_eq!(receiver.try_receive(&mut buffer), Some(0));
    assert_eq!(format!("{receiver:?}"), "Receiver(Pipe(0 of 4, closed))");

    let pipe = Pipe::<2>::new();
    let (sender, receiver) = (pipe.sender(), pipe.receiver());
    assert_eq!(poll(pin!(sender.send(b"ab")), &waker), Poll::Ready(Ok(2)));
    let mut send = pin!(sender.send_all(b"c"));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(pin!(receiver.receive_exact(&mut buffer[..1])), &waker), Poll::Ready(Ok(())));
    assert_eq!(woken.take(), 1);
    drop(receiver);
    assert_eq!(poll(send, &waker), Poll::Ready(Err(Closed)));
}

// ------------------------------------------------------------------------------------- neighbours

#[test]
fn a_turn_that_is_promised_to_a_future_put_aside_goes_to_the_one_that_its_task_awaits() {
    run_virtual(async {
        let pipe = &Pipe::<1>::new();
        let (mut one, mut two) = ([0; 1], [0; 1]);
        {
            let mut aside = pin!(pipe.receive(&mut one));
            assert!(matches!(select(&mut aside, pin!(checkpoint())).await, Either::Right(_)));
            let sends = async {
                sleep(SECOND).await;
                pipe.send_all(b"a").await
            };
            assert_eq!(join(pipe.receive_exact(&mut two), sends).await, (Ok(()), Ok(())));
        }
        assert_eq!(two, *b"a");
        pipe.send_all(b"b").await.unwrap();
        let mut aside = pin!(pipe.send_all(b"c"));
        assert!(matches!(select(&mut aside, pin!(checkpoint())).await, Either::Right(_)));
        let receives = async {
            sleep(SECOND).await;
            pipe.try_receive(&mut two)
        };
        assert_eq!(join(pipe.send(b"d"), receives).await, (Ok(1), Some(1)));
    });
}

#[test]
fn both_sides_wait_in_an_executor_that_is_not_ours() {
    let pipe = Pipe::<3>::new();
    let received = run_foreign(async {
        let sends = async {
            pipe.send_all(&[7; 20]).await.unwrap();
            pipe.close();
        };
        let receives = async {
            let mut all = [0; 20];
            pipe.receive_exact(&mut all).await.unwrap();
            (all, pipe.receive(&mut [0]).await)
        };
        join(sends, receives).await.1
    });
    assert_eq!(received, ([7; 20], 0));
}

#[cfg(feature = "std")]
#[test]
fn threads_send_and_receive_whole_messages_and_no_byte_is_lost_or_doubled() {
    use super::block_on;
    use giambio_core::sync::Shared;
    use std::task::{Context, Waker};
    static PIPE: Pipe<5, Shared> = Pipe::shared();
    const EACH: u32 = 500;
    let mut got: Vec<u32> = std::thread::scope(|threads| {
        let receivers = [(); 2].map(|()| {
            threads.spawn(|| {
                let mut got = Vec::new();
                loop {
                    // Gives up before it has begun, perhaps when it is its turn.
                    let mut nothing = [0; 0];
                    let _ = pin!(PIPE.receive(&mut nothing)).poll(&mut Context::from_waker(Waker::noop()));
                    let mut bytes = [0; 4];
                    match block_on(PIPE.receive_exact(&mut bytes)) {
                        Ok(()) => got.push(u32::from_le_bytes(bytes)),
                        Err(EndedEarly { received: 0, .. }) => return got,
                        Err(torn) => panic!("{torn}"),
                    }
                }
            })
        });
        let senders = [0, 1, 2].map(|first| (first, PIPE.sender()));
        for (first, sender) in senders {
            threads.spawn(move || {
                for number in (first..3 * EACH).step_by(3) {
                    block_on(sender.send_all(&number.to_le_bytes())).unwrap();
                }
            });
        }
        receivers.into_iter().flat_map(|receiver| receiver.join().unwrap()).collect()
    });
    got.sort_unstable();
    assert!(got.into_iter().eq(0..3 * EACH));
}
