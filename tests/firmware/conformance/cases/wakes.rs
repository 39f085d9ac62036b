use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Poll, Waker};

use giambio_core::{Next, Runtime, Until, VirtualClock, checkpoint, nursery_in, sleep};

use super::cases;
use crate::world::{INNER, Never, OUTER, SECOND, forever, run};

cases! {
    a_waker_of_a_task_that_has_ended_does_nothing,
    a_waker_of_a_runtime_that_has_ended_does_nothing,
    a_wake_during_the_tasks_own_poll_is_seen,
    two_wakes_are_one_poll,
    each_ready_task_is_polled_once_in_a_pass,
    nurseries_work_inside_of_others_combinators,
    nobody_is_polled_without_a_wake,
}

/// Keeps its waker and waits once.
async fn leave_waker(place: &RefCell<Option<Waker>>) {
    let mut polled = false;
    poll_fn(|cx| {
        *place.borrow_mut() = Some(cx.waker().clone());
        if core::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

fn wake(place: &RefCell<Option<Waker>>) {
    let waker = place.borrow().clone();
    waker.expect("it was left").wake();
}

fn a_waker_of_a_task_that_has_ended_does_nothing() {
    let waker = RefCell::new(None);
    let polls = Cell::new(0);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        let task = n
            .child()
            .spawn_value_wait(async {
                leave_waker(&waker).await;
                Ok::<_, Never>(())
            })
            .await;
        checkpoint().await;
        wake(&waker);
        assert!(task.await.is_ok());
        wake(&waker);
        // The next child may get the place of the first; an old waker costs it a poll at most.
        n.spawn_wait(async {
            poll_fn(|_| {
                polls.set(polls.get() + 1);
                if polls.get() > 3 { Poll::Ready(()) } else { Poll::<()>::Pending }
            })
            .await;
            Ok(())
        })
        .await;
        checkpoint().await;
        wake(&waker);
        checkpoint().await;
        n.cancel_children();
        Ok(())
    }));
    assert!(polls.get() <= 2);
}

fn a_waker_of_a_runtime_that_has_ended_does_nothing() {
    let waker = RefCell::new(None);
    {
        let clock = VirtualClock::<1000>::new();
        let mut runtime = pin!(Runtime::new(&clock, leave_waker(&waker)));
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    }
    wake(&waker);
    run(checkpoint());
    wake(&waker);
}

fn a_wake_during_the_tasks_own_poll_is_seen() {
    let clock = VirtualClock::<1000>::new();
    let mut polls = 0;
    let mut runtime = pin!(Runtime::new(
        &clock,
        poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
        })
    ));
    assert_eq!(runtime.as_mut().turn(), Next::Finished(3));
}

fn two_wakes_are_one_poll() {
    let waker = RefCell::new(None);
    let polls = Cell::new(0);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            poll_fn(|cx| {
                *waker.borrow_mut() = Some(cx.waker().clone());
                polls.set(polls.get() + 1);
                Poll::<()>::Pending
            })
            .await;
            Ok::<(), Never>(())
        })
        .await;
        checkpoint().await;
        assert_eq!(polls.get(), 1);
        wake(&waker);
        wake(&waker);
        checkpoint().await;
        checkpoint().await;
        assert_eq!(polls.get(), 2);
        n.cancel_children();
        Ok(())
    }));
}

fn each_ready_task_is_polled_once_in_a_pass() {
    let order = RefCell::new(heapless::Vec::<u8, 12>::new());
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for task in 0..4 {
            let order = &order;
            n.spawn_wait(async move {
                for _ in 0..3 {
                    order.borrow_mut().push(task).expect("12 polls");
                    checkpoint().await;
                }
                Ok::<(), Never>(())
            })
            .await;
        }
        Ok(())
    }));
    assert_eq!(order.borrow().as_slice(), [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

fn nurseries_work_inside_of_others_combinators() {
    let count = Cell::new(0);
    let one = nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            sleep(SECOND).await;
            count.set(count.get() + 1);
            Ok::<(), Never>(())
        })
        .await;
        Ok(())
    });
    let other = nursery_in(&INNER, async |n| {
        n.spawn_wait(async {
            sleep(2 * SECOND).await;
            count.set(count.get() + 1);
            Ok::<(), Never>(())
        })
        .await;
        Ok(())
    });
    run(async {
        let (mut one, mut other) = (pin!(one), pin!(other));
        let (mut one_ended, mut other_ended) = (false, false);
        poll_fn(|cx| {
            one_ended = one_ended || one.as_mut().poll(cx).is_ready();
            other_ended = other_ended || other.as_mut().poll(cx).is_ready();
            if one_ended && other_ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    });
    assert_eq!(count.get(), 2);
}

fn nobody_is_polled_without_a_wake() {
    let clock = VirtualClock::<1000>::new();
    let mut runtime = pin!(Runtime::new(&clock, forever()));
    assert!(runtime.is_ready());
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    assert!(!runtime.is_ready());
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
}
