//! Where tasks wait until all of them are there, and where they are counted when they leave: what lies between is measured.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::Meter;

/// A gate for so many tasks, which belongs to no library.
#[derive(Clone, Debug)]
pub struct Gate(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    operations: u64,
    missing: Cell<usize>,
    inside: Cell<usize>,
    wakers: RefCell<Vec<Waker>>,
    meter: RefCell<Meter>,
}

impl Gate {
    /// For so many tasks, which do so many operations together.
    pub fn new(tasks: usize, operations: u64) -> Gate {
        Gate(Rc::new(Inner {
            operations,
            missing: Cell::new(tasks),
            inside: Cell::new(tasks),
            wakers: RefCell::new(Vec::with_capacity(tasks)),
            meter: RefCell::new(Meter::new()),
        }))
    }

    /// Waits for the others; the last starts the meter.
    pub async fn enter(&self) {
        let Inner { missing, wakers, meter, .. } = &*self.0;
        missing.set(missing.get() - 1);
        if missing.get() == 0 {
            let wakers = wakers.take();
            meter.borrow_mut().start();
            wakers.into_iter().for_each(Waker::wake);
            return;
        }
        let mut is_here = false;
        poll_fn(|cx| {
            if missing.get() == 0 {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut is_here, true) {
                wakers.borrow_mut().push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// The last stops the meter.
    pub fn leave(&self) {
        let Inner { inside, meter, operations, .. } = &*self.0;
        inside.set(inside.get() - 1);
        if inside.get() == 0 {
            meter.borrow_mut().stop(*operations);
        }
    }

    /// Have all left?
    pub fn is_over(&self) -> bool {
        self.0.inside.get() == 0
    }

    /// One more number, by name.
    pub fn tell(&self, name: &'static str, value: f64) {
        self.0.meter.borrow_mut().tell(name, value);
    }

    /// Prints what the meter says.
    pub fn print(&self) {
        self.0.meter.borrow().print();
    }
}
