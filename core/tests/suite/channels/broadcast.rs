//! The same values to everybody.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::poll;
use crate::common::{Rng, Woken, alone, seeds};
use giambio_core::channel::{Broadcast, BroadcastError, SendError};
use giambio_core::sync::{Access, Shared};

#[test]
fn all_who_subscribe_get_what_is_sent_from_then_on() {
    let _alone = alone();
    static NEWS: Broadcast<u32, 4, Shared> = Broadcast::shared();
    let (woken, waker) = Woken::new();
    NEWS.send(0).unwrap(); // nobody listens
    let mut first = NEWS.subscribe();
    NEWS.send(1).unwrap();
    let mut second = NEWS.subscribe();
    let mut third = first.clone();
    assert_eq!(first.try_receive(), Ok(Some(1)));
    assert_eq!(third.try_receive(), Ok(Some(1)));
    assert_eq!((second.try_receive(), first.try_receive()), (Ok(None), Ok(None)));
    let mut waits = [Box::pin(first.receive()), Box::pin(second.receive()), Box::pin(third.receive())];
    assert!(waits.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    NEWS.send(2).unwrap();
    assert_eq!(woken.take(), 3);
    assert!(waits.iter_mut().all(|wait| poll(wait.as_mut(), &waker) == Poll::Ready(Ok(2))));
    assert_eq!((NEWS.capacity(), format!("{NEWS:?}")), (4, "Broadcast(3 were sent)".into()));
}

#[test]
fn who_is_too_slow_is_told_how_many_it_missed_and_keeps_nobody_waiting() {
    let _alone = alone();
    let news = Broadcast::<_, 2>::new();
    let (mut slow, mut quick) = (news.subscribe(), news.subscribe());
    for number in 1..=5 {
        news.send(number).unwrap();
        assert_eq!(quick.try_receive(), Ok(Some(number)));
    }
    let lagged = slow.try_receive().unwrap_err();
    assert_eq!((lagged, lagged.to_string()), (BroadcastError::Lagged(3), "too slow: 3 values were missed".into()));
    assert_eq!([slow.try_receive(), slow.try_receive(), slow.try_receive()], [Ok(Some(4)), Ok(Some(5)), Ok(None)]);
}

#[test]
fn closing_tells_all_who_wait_and_what_is_kept_is_still_received() {
    let _alone = alone();
    let news = Broadcast::<_, 2>::new();
    let (woken, waker) = Woken::new();
    let (mut slow, mut quick) = (news.subscribe(), news.subscribe());
    news.send(1).unwrap();
    assert_eq!(quick.try_receive(), Ok(Some(1)));
    let mut wait = pin!(quick.receive());
    assert!(poll(wait.as_mut(), &waker).is_pending());
    news.close();
    assert_eq!((woken.take(), news.is_closed(), news.send(2)), (1, true, Err(SendError(2))));
    assert_eq!(poll(wait, &waker), Poll::Ready(Err(BroadcastError::Closed)));
    assert_eq!((slow.try_receive(), slow.try_receive()), (Ok(Some(1)), Err(BroadcastError::Closed)));
}

#[test]
fn a_receive_that_is_dropped_has_received_nothing() {
    let _alone = alone();
    let news = Broadcast::<_, 2>::new();
    let (_, waker) = Woken::new();
    let mut listener = news.subscribe();
    {
        let mut wait = pin!(listener.receive());
        assert!(poll(wait.as_mut(), &waker).is_pending());
        news.send(1).unwrap();
    } // told, and never polled again
    assert_eq!(listener.try_receive(), Ok(Some(1)));
}

#[test]
fn a_clone_that_panics_loses_nothing() {
    /// Panics when it is cloned, where it is told to.
    struct Touchy(Rc<Cell<bool>>);
    impl Clone for Touchy {
        fn clone(&self) -> Self {
            assert!(!self.0.get(), "on purpose");
            Touchy(self.0.clone())
        }
    }
    let _alone = alone();
    let panics = Rc::new(Cell::new(true));
    let news = Broadcast::<_, 2>::new();
    let mut listener = news.subscribe();
    assert!(news.send(Touchy(panics.clone())).is_ok());
    let received = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| listener.try_receive().is_ok()));
    assert!(received.is_err());
    panics.set(false);
    assert!(matches!(listener.try_receive(), Ok(Some(_))));
}

#[test]
fn random_listeners_agree_with_a_list_of_all_that_was_sent() {
    const KEPT: u64 = 3;
    let _alone = alone();
    for seed in seeds(300) {
        let (mut rng, news) = (Rng(seed), Broadcast::<u64, { KEPT as usize }>::new());
        let mut listeners = Vec::new();
        let mut sent = 0;
        for _ in 0..200 {
            match rng.below(4) {
                0 => {
                    news.send(sent).unwrap();
                    sent += 1;
                }
                1 if listeners.len() < 5 => listeners.push((news.subscribe(), sent)),
                _ if listeners.is_empty() => {}
                _ => {
                    let who = rng.below(listeners.len() as u64) as usize;
                    let (listener, next) = &mut listeners[who];
                    let oldest = sent.saturating_sub(KEPT);
                    let expected = if *next < oldest {
                        Err(BroadcastError::Lagged(oldest - std::mem::replace(next, oldest)))
                    } else if *next < sent {
                        *next += 1;
                        Ok(Some(*next - 1))
                    } else {
                        Ok(None)
                    };
                    assert_eq!(listener.try_receive(), expected);
                    if rng.one_in(20) {
                        listeners.swap_remove(who);
                    }
                }
            }
        }
    }
}

/// A value whose `clone` calls somebody.
struct Calls(Rc<RefCell<Option<Call>>>);

type Call = Rc<dyn Fn()>;

impl Clone for Calls {
    fn clone(&self) -> Self {
        let call = self.0.take();
        if let Some(call) = call {
            call();
        }
        Calls(self.0.clone())
    }
}

fn comes_back_to_it<K: Access>(news: Broadcast<Calls, 2, K>) {
    let (call, news) = (Rc::new(RefCell::new(None)), Rc::new(news));
    let calls = |f: fn(&Broadcast<Calls, 2, K>, &Calls)| {
        let (news, own) = (news.clone(), Calls(call.clone()));
        *call.borrow_mut() = Some(Rc::new(move || f(&news, &own)));
    };
    let mut listener = news.subscribe();
    news.send(Calls(call.clone())).ok().unwrap();
    // To look, to listen and to receive.
    calls(|news, _| {
        assert!(!news.is_closed());
        let mut another = news.subscribe().clone();
        assert!(matches!(another.try_receive(), Ok(None)));
        assert_eq!(format!("{news:?}"), "Broadcast(1 were sent)");
    });
    assert!(matches!(listener.clone().try_receive(), Ok(Some(_))));
    assert!(call.borrow().is_none(), "it was called");
    // To send, or to close it.
    let sends = |news: &Broadcast<_, 2, K>, own: &Calls| drop(news.send(Calls(own.0.clone())));
    for closes in [false, true] {
        if closes {
            calls(|news, _| news.close())
        } else {
            calls(sends)
        }
        let panic = catch_unwind(AssertUnwindSafe(|| listener.try_receive().map(drop))).unwrap_err();
        let said = "giambio: a `Broadcast` is changed by the `clone` of a value in it";
        assert_eq!(panic.downcast_ref(), Some(&said));
    }
    assert!(matches!(listener.try_receive(), Ok(Some(_))), "it was not received");
    assert!(matches!(listener.try_receive(), Ok(None)));
    news.send(Calls(call.clone())).ok().unwrap();
    assert!(matches!(listener.try_receive(), Ok(Some(_))));
}

#[test]
fn a_clone_that_comes_back_to_its_broadcast_may_listen_and_to_send_is_a_panic_that_says_so() {
    let _alone = alone();
    comes_back_to_it(Broadcast::new());
    comes_back_to_it(Broadcast::shared());
}

#[test]
fn a_broadcast_knows_how_many_subscribe() {
    let _alone = alone();
    let (_, waker) = Woken::new();
    let news = Broadcast::<u32, 2, Shared>::shared();
    assert_eq!(news.subscribers(), 0);
    let mut first = news.subscribe();
    let copy = first.clone();
    assert_eq!(news.subscribers(), 2);
    {
        let mut waits = pin!(first.receive());
        assert!(poll(waits.as_mut(), &waker).is_pending());
        assert_eq!(news.subscribers(), 2);
    }
    drop(first);
    news.close();
    drop(news.subscribe());
    assert_eq!(news.subscribers(), 1, "one has come and gone");
    drop(copy);
    assert_eq!(news.subscribers(), 0);
    std::mem::forget(news.subscribe());
    assert_eq!(news.subscribers(), 1, "for ever");
}
