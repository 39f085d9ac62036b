//! Arenas of any size, with children and waiters that come, end, are cancelled and give up in any order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use arbitrary::Unstructured;
use giambio::{Arena, Nursery, SpawnError, Task, nursery_in, testing};

const BYTES: usize = 256;

/// A place is taken by one child at a time, waiters are served in their order, and in the end all
/// places are free.
pub fn arenas(data: &[u8]) {
    static ONE: Arena<1, BYTES> = Arena::new();
    static TWO: Arena<2, BYTES> = Arena::new();
    static FIVE: Arena<5, BYTES> = Arena::new();
    static MANY: Arena<64, BYTES> = Arena::new();
    // They are statics, and the tests of a program run side by side.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some((size, data)) = data.split_first() else { return };
    match size % 4 {
        0 => play(&ONE, data),
        1 => play(&TWO, data),
        2 => play(&FIVE, data),
        _ => play(&MANY, data),
    }
}

type Child<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>;

/// Ends when it is told to.
#[derive(Default)]
struct Switch {
    off: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Switch {
    fn turn_off(&self) {
        self.off.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn child(&self) -> Child<'_> {
        Box::pin(std::future::poll_fn(|cx| {
            let go = std::task::ready!(giambio::poll_proceed(cx));
            if self.off.get() {
                go.made_progress();
                return Poll::Ready(Ok(()));
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        }))
    }
}

fn play<const TASKS: usize>(arena: &'static Arena<TASKS, BYTES>, data: &[u8]) {
    let switches: Vec<Switch> = (0..300).map(|_| Switch::default()).collect();
    testing::run(async {
        let result = nursery_in(arena, async |n| {
            game(n, arena, &switches, Unstructured::new(data)).await;
            Ok(())
        });
        assert_eq!(result.await, Ok(()));
    });
    assert_eq!(arena.used(), 0);
}

async fn game<'scope, 'env, const TASKS: usize>(
    n: Nursery<'scope, 'env, (), &'static Arena<TASKS, BYTES>>,
    arena: &'static Arena<TASKS, BYTES>,
    switches: &'env [Switch],
    mut input: Unstructured<'_>,
) {
    type Waiting<'a> = Pin<Box<dyn Future<Output = Task<'a, ()>> + 'a>>;
    let mut fresh = switches.iter();
    let mut running: Vec<(&Switch, Option<Task<'scope, ()>>)> = Vec::new();
    let mut waiting: VecDeque<(&Switch, Waiting<'scope>)> = VecDeque::new();
    while !input.is_empty() {
        let choice = input.int_in_range(0..=5).unwrap_or(0);
        match choice {
            0 => {
                let Some(switch) = fresh.next() else { break };
                match n.try_spawn(switch.child()) {
                    Ok(task) => running.push((switch, Some(task))),
                    Err(SpawnError::Full { capacity, .. }) => {
                        assert_eq!((capacity, arena.used()), (TASKS, TASKS));
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            1 => {
                let Some(switch) = fresh.next() else { break };
                waiting.push_back((switch, Box::pin(n.spawn_wait(switch.child()))));
            }
            2 if !running.is_empty() => {
                let which = input.choose_index(running.len()).unwrap_or(0);
                let (switch, task) = running.swap_remove(which);
                switch.turn_off();
                drop(task);
            }
            3 if !running.is_empty() => {
                let which = input.choose_index(running.len()).unwrap_or(0);
                match running[which].1.take() {
                    Some(task) => {
                        task.cancel();
                        running.swap_remove(which);
                    }
                    None => running.swap_remove(which).0.turn_off(),
                }
            }
            // Detached: its place is free when it ends.
            4 if !running.is_empty() => {
                let which = input.choose_index(running.len()).unwrap_or(0);
                running[which].1 = None;
            }
            5 if !waiting.is_empty() => {
                let which = input.choose_index(waiting.len()).unwrap_or(0);
                drop(waiting.remove(which));
            }
            _ => {}
        }
        // All get as far as they can.
        for _ in 0..3 {
            giambio::checkpoint().await;
            let mut still = VecDeque::new();
            let mut somebody_waits = false;
            while let Some((switch, mut future)) = waiting.pop_front() {
                match poll_once(future.as_mut()).await {
                    Poll::Ready(task) => {
                        assert!(!somebody_waits, "it was served before one who came earlier");
                        running.push((switch, Some(task)));
                    }
                    Poll::Pending => {
                        somebody_waits = true;
                        still.push_back((switch, future));
                    }
                }
            }
            waiting = still;
        }
        assert!(arena.used() <= TASKS);
        assert!(waiting.is_empty() || arena.used() == TASKS, "they wait, and there is room");
        assert!(running.len() <= TASKS, "more children than places");
    }
    drop(waiting);
    for (switch, _) in running {
        switch.turn_off();
    }
}

async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx: &mut Context<'_>| Poll::Ready(future.as_mut().poll(cx))).await
}
