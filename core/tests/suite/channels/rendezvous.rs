//! From hand to hand: who has sent knows that somebody has it, and nothing is ever in between.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, join, select};

use super::poll;
use crate::common::{Log, OnDrop, Woken, alone, now, on_drop, run_foreign, run_virtual, secs};
use giambio_core::channel::{Closed, Rendezvous, SendError, TryReceiveError, TrySendError};
use giambio_core::{Arena, cancel_scope, checkpoint, move_on_after, nursery_in, sleep};

const SECOND: Duration = Duration::from_secs(1);

// ------------------------------------------------------------------------------- both are there

#[test]
fn a_send_ends_when_somebody_has_the_value_and_not_before() {
    let counter = Rendezvous::new();
    let log = Log::new();
    run_virtual(async {
        let sends = async {
            counter.send(1).await.unwrap();
            log.at("sent 1");
            counter.send(2).await.unwrap();
            log.at("sent 2");
        };
        let receives = async {
            sleep(SECOND).await;
            log.at(&format!("received {}", counter.receive().await.unwrap()));
            sleep(SECOND).await;
            log.at(&format!("received {}", counter.receive().await.unwrap()));
        };
        join(sends, receives).await;
    });
    assert_eq!(log.take(), ["1 received 1", "1 sent 1", "2 received 2", "2 sent 2"]);
}

#[test]
fn both_sides_come_in_the_order_in_which_they_began_to_wait() {
    static ARENA: Arena<6, 512> = Arena::new();
    let (counter, log) = (&Rendezvous::new(), &Log::new());
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for number in 1..=3 {
                n.spawn_wait(async move {
                    counter.send(number).await.unwrap();
                    log.add(format!("{number} is gone"));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            checkpoint().await;
            for name in ["first", "second", "third"] {
                n.spawn_wait(async move {
                    let value = counter.receive().await.unwrap();
                    log.add(format!("{name} got {value}"));
                    Ok(())
                })
                .await;
            }
            Ok(())
        })
        .await;
    });
    let log = log.take();
    let of = |what: &str| log.iter().filter(|line| line.contains(what)).cloned().collect::<Vec<_>>();
    assert_eq!(of("got"), ["first got 1", "second got 2", "third got 3"]);
    assert_eq!(of("gone"), ["1 is gone", "2 is gone", "3 is gone"]);
}

#[test]
fn who_wakes_whom_is_who_has_to() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (sender, waker) = Woken::new();
    let (next, next_waker) = Woken::new();
    let (receiver, receiver_waker) = Woken::new();
    let mut receive = pin!(counter.receive());
    assert_eq!(poll(receive.as_mut(), &receiver_waker), Poll::Pending);
    let (mut first, mut second) = (pin!(counter.send(1)), pin!(counter.send(2)));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &next_waker), Poll::Pending);
    assert_eq!((sender.take(), next.take(), receiver.take()), (0, 0, 1));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending, "a wake for nothing");
    assert_eq!(poll(receive, &receiver_waker), Poll::Ready(Ok(1)));
    assert_eq!((sender.take(), next.take(), receiver.take()), (1, 1, 0));
    assert_eq!(poll(first, &waker), Poll::Ready(Ok(())));
    assert_eq!(poll(second.as_mut(), &next_waker), Poll::Pending);
    assert_eq!(counter.try_receive(), Ok(2));
    assert_eq!((sender.take(), next.take(), receiver.take()), (0, 1, 0));
    assert_eq!(poll(second, &next_waker), Poll::Ready(Ok(())));
}

#[test]
fn a_sender_that_moved_to_another_task_is_woken_there() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (old, old_waker) = Woken::new();
    let (new, new_waker) = Woken::new();
    let mut send = pin!(counter.send(1));
    assert_eq!(poll(send.as_mut(), &old_waker), Poll::Pending);
    assert_eq!(poll(send.as_mut(), &new_waker), Poll::Pending);
    assert_eq!(counter.try_receive(), Ok(1));
    assert_eq!((old.take(), new.take()), (0, 1));
    assert_eq!(poll(send, &new_waker), Poll::Ready(Ok(())));
}

// --------------------------------------------------------------------------------- without waiting

#[test]
fn nothing_is_sent_where_nobody_waits_and_nothing_received_where_nobody_sends() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let nobody = counter.try_send(1).unwrap_err();
    assert_eq!(nobody, TrySendError::Full { value: 1, capacity: 0 });
    assert_eq!(nobody.to_string(), "nobody waits to receive");
    assert_eq!(counter.try_receive(), Err(TryReceiveError::Empty));
    let (woken, waker) = Woken::new();
    let mut receive = pin!(counter.receive());
    assert_eq!(poll(receive.as_mut(), &waker), Poll::Pending);
    assert_eq!(counter.try_send(1), Ok(()));
    assert_eq!(counter.try_send(2), Err(TrySendError::Full { value: 2, capacity: 0 }), "one waits, and has one");
    assert_eq!(counter.try_receive(), Err(TryReceiveError::Empty), "it is promised");
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(receive, &waker), Poll::Ready(Ok(1)));
}

#[test]
fn what_was_tried_is_kept_for_the_next_if_its_receiver_goes() {
    let _alone = alone();
    let (woken, waker) = Woken::new();
    for closes in [false, true] {
        let counter = Rendezvous::new();
        {
            let mut receive = pin!(counter.receive());
            assert_eq!(poll(receive.as_mut(), &waker), Poll::Pending);
            assert_eq!(counter.try_send(1), Ok(()));
        }
        let mut send = pin!(counter.send(2));
        assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
        woken.take();
        if closes {
            counter.close();
            assert_eq!(woken.take(), 1);
            assert_eq!(poll(send, &waker), Poll::Ready(Err(SendError(2))));
            assert_eq!(counter.try_receive(), Ok(1));
            assert_eq!(counter.try_receive(), Err(TryReceiveError::Closed));
        } else {
            assert_eq!(poll(pin!(counter.receive()), &waker), Poll::Ready(Ok(1)));
            assert_eq!(woken.take(), 1, "it is the sender's turn now");
            assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
            assert_eq!(counter.try_receive(), Ok(2));
            assert_eq!(poll(send, &waker), Poll::Ready(Ok(())));
        }
    }
}

// ------------------------------------------------------------------------------ whose the value is

#[test]
fn who_sends_and_leaves_takes_its_value_along_at_each_moment() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (woken, waker) = Woken::new();
    let (next_woken, next_waker) = Woken::new();
    let mut next = pin!(counter.send("next"));
    drop(counter.send("never polled"));
    {
        let mut send = Box::pin(counter.send("mine"));
        assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(next.as_mut(), &next_waker), Poll::Pending);
        assert_eq!(send.as_mut().into_value(), Some("mine"));
        assert_eq!(send.as_mut().into_value(), None);
    } // it was offered
    assert_eq!(next_woken.take(), 1, "it is the next one's turn");
    {
        let mut third = pin!(counter.send("third"));
        assert_eq!(poll(third.as_mut(), &waker), Poll::Pending);
        assert_eq!(third.into_value(), Some("third"));
    } // in line
    assert_eq!(poll(next.as_mut(), &next_waker), Poll::Pending);
    assert_eq!(counter.try_receive(), Ok("next"));
    assert_eq!((next_woken.take(), woken.take()), (1, 0));
    assert_eq!(next.into_value(), None, "somebody has it, and it has not heard of it");
    assert_eq!(counter.try_receive(), Err(TryReceiveError::Empty));
}

#[test]
fn a_value_that_was_promised_is_its_senders_until_it_is_taken() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (woken, waker) = Woken::new();
    let (other_woken, other_waker) = Woken::new();
    let (mut receive, mut other) = (pin!(counter.receive()), pin!(counter.receive()));
    assert_eq!(poll(receive.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(other.as_mut(), &other_waker), Poll::Pending);
    {
        let mut send = pin!(counter.send(1));
        assert_eq!(poll(send.as_mut(), &other_waker), Poll::Pending);
        assert_eq!((woken.take(), other_woken.take()), (1, 0));
        assert_eq!(send.into_value(), Some(1));
    }
    // The promise stands: the next value is the first one's, if it comes before that one has looked.
    let mut send = pin!(counter.send(2));
    assert_eq!(poll(send.as_mut(), &other_waker), Poll::Pending);
    assert_eq!((woken.take(), other_woken.take()), (0, 0));
    assert_eq!(poll(other.as_mut(), &other_waker), Poll::Pending);
    assert_eq!(poll(receive.as_mut(), &waker), Poll::Ready(Ok(2)));
    assert_eq!(other_woken.take(), 1);
    assert_eq!(poll(send, &other_waker), Poll::Ready(Ok(())));
    // And it waits on where that one has looked, and found it gone.
    let mut late = Box::pin(counter.send(3));
    assert_eq!(poll(late.as_mut(), &waker), Poll::Pending);
    assert_eq!(other_woken.take(), 1);
    drop(late);
    assert_eq!(poll(other.as_mut(), &other_waker), Poll::Pending);
    assert_eq!(counter.try_send(4), Ok(()));
    assert_eq!(poll(other, &other_waker), Poll::Ready(Ok(4)));
}

#[test]
fn a_receiver_that_leaves_takes_nothing_at_each_moment() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (woken, waker) = Woken::new();
    let (sent, sender_waker) = Woken::new();
    let mut other = pin!(counter.receive());
    drop(counter.receive()); // never polled
    let mut send = pin!(counter.send(7));
    {
        let mut first = pin!(counter.receive());
        assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(other.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(send.as_mut(), &sender_waker), Poll::Pending);
        assert_eq!(woken.take(), 1);
    } // its turn had come
    assert_eq!((woken.take(), sent.take()), (1, 0), "it goes to the next");
    assert_eq!(poll(other, &waker), Poll::Ready(Ok(7)));
    assert_eq!(poll(send, &sender_waker), Poll::Ready(Ok(())));

    let mut send = pin!(counter.send(8));
    {
        let mut first = pin!(counter.receive());
        assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(send.as_mut(), &sender_waker), Poll::Pending);
    } // and there is no next
    assert_eq!(send.as_mut().into_value(), Some(8));
}

#[test]
fn a_turn_whose_sender_is_dropped_goes_to_the_next() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (woken, waker) = Woken::new();
    let mut first = pin!(counter.send(1));
    let mut second = Box::pin(counter.send(2));
    let mut third = pin!(counter.send(3));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(third.as_mut(), &waker), Poll::Pending);
    assert_eq!(counter.try_receive(), Ok(1));
    assert_eq!(woken.take(), 2, "who is done, and whose turn it is");
    drop(second);
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(third.as_mut(), &waker), Poll::Pending);
    assert_eq!(counter.try_receive(), Ok(3));
    assert_eq!(poll(first, &waker), Poll::Ready(Ok(())));
}

#[test]
fn cancelled_code_hands_nothing_over() {
    let counter = Rendezvous::new();
    run_virtual(async {
        let received = cancel_scope(async |scope| {
            scope.cancel();
            counter.receive().await
        });
        let (received, sent) = join(received, move_on_after(SECOND, counter.send(1))).await;
        assert!(received.is_err() && sent.is_none());
        let mut send = pin!(counter.send(2));
        assert!(move_on_after(SECOND, send.as_mut()).await.is_none());
        assert_eq!(send.into_value(), Some(2));
        assert_eq!(counter.try_receive(), Err(TryReceiveError::Empty));
    });
}

// ------------------------------------------------------------------------------- the end is told

#[test]
fn closing_tells_all_who_wait_and_gives_values_back() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (woken, waker) = Woken::new();
    let mut sends = [Box::pin(counter.send(1)), Box::pin(counter.send(2)), Box::pin(counter.send(3))];
    assert!(sends.iter_mut().all(|send| poll(send.as_mut(), &waker).is_pending()));
    counter.close();
    counter.close();
    assert_eq!((woken.take(), counter.is_closed()), (3, true));
    assert_eq!(counter.try_receive(), Err(TryReceiveError::Closed), "it is its sender's again");
    let [mut first, mut second, mut third] = sends;
    assert_eq!(poll(first.as_mut(), &waker), Poll::Ready(Err(SendError(1))));
    assert_eq!(poll(second.as_mut(), &waker), Poll::Ready(Err(SendError(2))));
    assert_eq!(third.as_mut().into_value(), Some(3));
    assert_eq!(counter.try_send(4), Err(TrySendError::Closed(4)));
    assert_eq!(poll(pin!(counter.send(5)), &waker), Poll::Ready(Err(SendError(5))));
    assert_eq!(poll(pin!(counter.receive()), &waker), Poll::Ready(Err(Closed)));

    let counter = Rendezvous::new();
    let mut receives = [Box::pin(counter.receive()), Box::pin(counter.receive())];
    assert!(receives.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    let mut send = pin!(counter.send(1));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert_eq!(woken.take(), 1, "it is promised");
    counter.close();
    assert_eq!(woken.take(), 2);
    assert!(receives.iter_mut().all(|wait| poll(wait.as_mut(), &waker) == Poll::Ready(Err(Closed))));
    assert_eq!(poll(send, &waker), Poll::Ready(Err(SendError(1))));
}

#[test]
fn the_last_end_of_a_side_closes_it() {
    let _alone = alone();
    let (woken, waker) = Woken::new();
    let counter = Rendezvous::<u8>::new();
    let (sender, receiver) = (counter.sender(), counter.receiver());
    let second = sender.clone();
    let mut receive = pin!(receiver.receive());
    assert_eq!(poll(receive.as_mut(), &waker), Poll::Pending);
    drop(sender);
    assert!(!counter.is_closed());
    assert_eq!(second.try_send(1), Ok(()));
    assert_eq!(poll(receive, &waker), Poll::Ready(Ok(1)));
    drop(second);
    assert_eq!((counter.is_closed(), receiver.try_receive()), (true, Err(TryReceiveError::Closed)));
    assert_eq!(format!("{receiver:?}"), "Receiver(Rendezvous(nothing is offered, closed))");

    let counter = Rendezvous::new();
    let (sender, receiver) = (counter.sender(), counter.receiver());
    let mut send = pin!(sender.send(1));
    woken.take();
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert_eq!(format!("{sender:?}"), "Sender(Rendezvous(a value is offered))");
    drop(receiver);
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(send, &waker), Poll::Ready(Err(SendError(1))));
}

#[test]
fn the_end_is_told_when_no_value_can_come_any_more() {
    let _alone = alone();
    let (woken, waker) = Woken::new();
    let (next_woken, next_waker) = Woken::new();
    let (last_woken, last_waker) = Woken::new();
    for first_comes in [true, false] {
        let counter = Rendezvous::new();
        let mut first = Box::pin(counter.receive());
        let (mut next, mut last) = (pin!(counter.receive()), pin!(counter.receive()));
        assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(next.as_mut(), &next_waker), Poll::Pending);
        assert_eq!(poll(last.as_mut(), &last_waker), Poll::Pending);
        assert_eq!(counter.try_send(1), Ok(()));
        counter.close();
        assert_eq!((woken.take(), next_woken.take(), last_woken.take()), (1, 0, 0));
        assert_eq!(poll(next.as_mut(), &next_waker), Poll::Pending, "a value is promised to another, who may leave");
        assert_eq!(poll(pin!(counter.receive()), &waker), Poll::Pending);
        assert_eq!(counter.try_receive(), Err(TryReceiveError::Empty));
        if first_comes {
            assert_eq!(poll(first.as_mut(), &waker), Poll::Ready(Ok(1)));
            assert_eq!(next_woken.take(), 1, "it was the last");
            assert_eq!(poll(next.as_mut(), &next_waker), Poll::Ready(Err(Closed)));
        } else {
            drop(first);
            assert_eq!((next_woken.take(), last_woken.take()), (1, 0));
            assert_eq!(poll(next.as_mut(), &next_waker), Poll::Ready(Ok(1)));
        }
        assert_eq!(last_woken.take(), 1);
        assert_eq!(poll(last.as_mut(), &last_waker), Poll::Ready(Err(Closed)));
        assert_eq!(counter.try_receive(), Err(TryReceiveError::Closed));
    }
}

#[test]
fn who_is_told_the_end_and_does_not_come_keeps_nobody_waiting() {
    let _alone = alone();
    let (_, waker) = Woken::new();
    let (last_woken, last_waker) = Woken::new();
    let counter = Rendezvous::new();
    let mut first = pin!(counter.receive());
    let (mut next, mut last) = (Box::pin(counter.receive()), pin!(counter.receive()));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(next.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(last.as_mut(), &last_waker), Poll::Pending);
    assert_eq!(counter.try_send(1), Ok(()));
    counter.close();
    assert_eq!(poll(first, &waker), Poll::Ready(Ok(1)));
    drop(next);
    assert_eq!(last_woken.take(), 1);
    assert_eq!(poll(last, &last_waker), Poll::Ready(Err(Closed)));
}

// ------------------------------------------------------------------------------------- neighbours

#[test]
fn a_value_that_is_promised_to_a_future_put_aside_goes_to_the_one_that_its_task_awaits() {
    run_virtual(async {
        let counter = &Rendezvous::new();
        let mut aside = pin!(counter.receive());
        assert!(matches!(select(&mut aside, pin!(checkpoint())).await, Either::Right(_)));
        let (sent, received) = join(
            async {
                sleep(SECOND).await;
                counter.send('a').await.unwrap();
                now()
            },
            counter.receive(),
        )
        .await;
        assert_eq!((sent, received), (secs(1), Ok('a')));
    });
}

#[test]
fn a_turn_to_send_that_is_promised_to_a_future_put_aside_goes_to_the_one_that_its_task_awaits() {
    run_virtual(async {
        let counter = &Rendezvous::new();
        let mut first = pin!(counter.send('a'));
        let mut aside = pin!(counter.send('b'));
        assert!(matches!(select(&mut first, pin!(checkpoint())).await, Either::Right(_)));
        assert!(matches!(select(&mut aside, pin!(checkpoint())).await, Either::Right(_)));
        let receives = async {
            sleep(SECOND).await;
            assert_eq!(counter.try_receive(), Ok('a'));
            counter.receive().await
        };
        assert_eq!(join(receives, counter.send('c')).await, (Ok('c'), Ok(())));
        assert_eq!(aside.into_value(), Some('b'));
    });
}

#[test]
fn a_sender_that_is_put_aside_keeps_nobody_from_its_value() {
    run_virtual(async {
        let counter = &Rendezvous::new();
        let mut aside = pin!(counter.send('a'));
        assert!(matches!(select(&mut aside, pin!(checkpoint())).await, Either::Right(_)));
        assert_eq!(counter.receive().await, Ok('a'));
        assert_eq!(join(counter.send('b'), counter.receive()).await, (Ok(()), Ok('b')));
        assert_eq!(aside.await, Ok(()));
    });
}

#[test]
fn the_destructor_of_a_value_may_use_what_it_was_on_the_way_through() {
    type Value = OnDrop<Box<dyn FnOnce()>>;
    let _alone = alone();
    let counter = Rc::new(Rendezvous::<Value>::new());
    let looks = Rc::new(Cell::new(0));
    let value = || {
        let (inside, looks) = (counter.clone(), looks.clone());
        on_drop(
            Box::new(move || looks.set(looks.get() + usize::from(inside.try_receive().is_err()))) as Box<dyn FnOnce()>
        )
    };
    let (_, waker) = Woken::new();
    {
        let mut send = pin!(counter.send(value()));
        assert!(poll(send.as_mut(), &waker).is_pending());
    }
    {
        let mut send = pin!(counter.send(value()));
        assert!(poll(send.as_mut(), &waker).is_pending());
        drop(counter.try_receive());
    }
    counter.close();
    drop(counter.try_send(value()));
    assert_eq!(looks.get(), 3);
    assert_eq!(Rc::strong_count(&counter), 1);
}

#[test]
fn both_sides_wait_in_an_executor_that_is_not_ours() {
    let counter = Rendezvous::new();
    let sum = run_foreign(async {
        let sends = async {
            for number in 1..=10 {
                counter.send(number).await.unwrap();
            }
            counter.close();
        };
        let receives = async {
            let mut sum = 0;
            while let Ok(number) = counter.receive().await {
                sum += number;
            }
            sum
        };
        join(sends, receives).await.1
    });
    assert_eq!(sum, 55);
}

#[test]
#[should_panic = "giambio: a `HandOver` is polled whose value was received or handed back"]
fn to_poll_what_was_handed_back_is_a_panic_that_says_so() {
    let _alone = alone();
    let counter = Rendezvous::new();
    let (_, waker) = Woken::new();
    let mut send = pin!(counter.send(1));
    assert_eq!(send.as_mut().into_value(), Some(1));
    let _ = poll(send, &waker);
}

#[cfg(feature = "std")]
#[test]
fn threads_meet_and_nothing_is_lost_or_doubled() {
    use super::{block_on, threads::meet};
    use giambio_core::sync::Shared;
    use std::task::Waker;
    static COUNTER: Rendezvous<u32, Shared> = Rendezvous::shared();
    meet(
        1_000,
        || COUNTER.receive(),
        [(); 3].map(|()| COUNTER.sender()),
        |sender, number| {
            let mut send = pin!(sender.send(number));
            // Gives up, perhaps when the value was taken.
            if poll(send.as_mut(), Waker::noop()).is_pending()
                && let Some(number) = send.into_value()
            {
                block_on(sender.send(number)).unwrap();
            }
        },
    );
}
