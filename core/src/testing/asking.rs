//! When all tasks wait, and nobody is left to wake one: asking them for what. With feature `introspect`; without it nobody is
//! asked.

#[cfg(feature = "introspect")]
mod imp {
    use core::cell::{Cell, RefCell};
    use core::pin::Pin;
    use core::task::{Context, Poll, Waker};
    use std::boxed::Box;
    use std::string::{String, ToString};
    use std::vec;
    use std::vec::Vec;

    use crate::introspect::{Dump, Node, NodeKind, dump};
    use crate::task_info::Status;
    use crate::testing::stuck::Stuck;
    use crate::wait::Until;

    /// The loop's part.
    pub(in crate::testing) struct Asking {
        /// The root task's.
        waker: Cell<Option<Waker>>,
        /// What the loop has found, while the tasks are asked.
        stuck: RefCell<Option<Stuck>>,
        answer: RefCell<Option<Dump>>,
    }

    impl Asking {
        pub(in crate::testing) fn new() -> Self {
            Asking { waker: Cell::new(None), stuck: RefCell::new(None), answer: RefCell::new(None) }
        }

        /// The main future, and beside it who asks.
        pub(in crate::testing) fn watch<F: Future>(&self, main: Pin<Box<F>>) -> impl Future<Output = F::Output> {
            Watched { main, asking: self, dump: None }
        }

        /// The tasks are being asked already: is the answer there?
        pub(in crate::testing) fn is_answered(&self, until: Until) -> Option<Result<(), Stuck>> {
            self.stuck.borrow().as_ref()?;
            if until == Until::Now && self.answer.borrow().is_none() {
                return Some(Ok(()));
            }
            let stuck = self.stuck.take()?;
            let chains = self.answer.take().map_or(Vec::new(), |dump| dump.chains());
            Some(Err(stuck.told(chains)))
        }

        /// All wait: has them asked, or says that this can't be.
        pub(in crate::testing) fn ask(&self, stuck: Stuck) -> Result<(), Stuck> {
            match self.waker.take() {
                Some(waker) if matches!(stuck, Stuck::Deadlock { .. }) => {
                    self.stuck.replace(Some(stuck));
                    waker.wake();
                    Ok(())
                }
                _ => Err(stuck),
            }
        }

        /// The main future has come to its end; but not if that was in being asked.
        pub(in crate::testing) fn ended<T>(&self, value: T) -> Result<T, Stuck> {
            const WHY: &str = "when it was polled once more, to ask what it waits for, the main future came to its end: what it waited for \
                               was there, and nobody had woken it";
            match self.stuck.take() {
                Some(stuck) => Err(stuck.told(vec![WHY.to_string()])),
                None => Ok(value),
            }
        }
    }

    struct Watched<'a, F> {
        main: Pin<Box<F>>,
        asking: &'a Asking,
        dump: Option<Pin<Box<dyn Future<Output = Dump>>>>,
    }

    impl<F: Future> Future for Watched<'_, F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
            let value = self.main.as_mut().poll(cx);
            let asking = self.asking;
            if value.is_pending() && asking.stuck.borrow().is_some() && asking.answer.borrow().is_none() {
                let dump = self.dump.get_or_insert_with(|| Box::pin(dump()));
                if let Poll::Ready(mut dump) = dump.as_mut().poll(cx) {
                    // It is only this that runs in it.
                    if let Some(Node { kind: NodeKind::Task(main), .. }) = dump.nodes.first_mut() {
                        main.status = Status::Waiting;
                    }
                    asking.answer.replace(Some(dump));
                }
            } else {
                asking.waker.set(Some(cx.waker().clone()));
            }
            value
        }
    }

    impl Stuck {
        fn told(mut self, who: Vec<String>) -> Self {
            if let Stuck::Deadlock { chains, .. } = &mut self {
                *chains = who;
            }
            self
        }
    }
}

#[cfg(not(feature = "introspect"))]
mod imp {
    use core::pin::Pin;
    use std::boxed::Box;

    use crate::testing::stuck::Stuck;
    use crate::wait::Until;

    pub(in crate::testing) struct Asking;

    impl Asking {
        pub(in crate::testing) fn new() -> Self {
            Asking
        }

        pub(in crate::testing) fn watch<F: Future>(&self, main: Pin<Box<F>>) -> Pin<Box<F>> {
            main
        }

        pub(in crate::testing) fn is_answered(&self, _: Until) -> Option<Result<(), Stuck>> {
            None
        }

        pub(in crate::testing) fn ask(&self, stuck: Stuck) -> Result<(), Stuck> {
            Err(stuck)
        }

        pub(in crate::testing) fn ended<T>(&self, value: T) -> Result<T, Stuck> {
            Ok(value)
        }
    }
}

pub(super) use imp::Asking;
