//! What a nursery keeps for its caller: the first error, the first panic, and where the others go.

use core::cell::Cell;

use crate::debugger::Event;
use crate::errors::Others;
use crate::fault::fault;
use crate::gate;
use crate::kernel::emit::{self as hooks, Told};
use crate::kernel::nursery::cell::{NurseryCell, Owner};
use crate::kernel::task::header::TaskRef;
use crate::panics::{self, Payload};
use crate::reason::Reason;
use crate::storage::Storage;
use crate::task_info::{ErrorText, TaskError};

/// What a nursery keeps for its caller.
pub(crate) struct Books<'env, E, S> {
    pub(super) storage: S,
    pub(super) failure: Cell<Option<E>>,
    pub(super) panic: Cell<Option<Payload>>,
    pub(super) others: Others<'env, E>,
}

impl<'env, E, S> Books<'env, E, S> {
    pub(super) const fn new(storage: S, others: Others<'env, E>) -> Self {
        Books { storage, failure: Cell::new(None), panic: Cell::new(None), others }
    }
}

/// A nursery with its books.
pub(super) type Nest<'n, 'env, E, S> = NurseryCell<'n, Books<'env, E, S>>;

impl<'env, E: 'env, S: Storage + 'env> Owner for Books<'env, E, S> {
    type Error = E;
    type Storage = S;

    fn storage(&self) -> &S {
        &self.storage
    }

    fn child_failed<'n>(nursery: &'n NurseryCell<'n, Self>, error: E, child: TaskRef) {
        nursery.failed(error, hooks::told(child));
    }
}

impl<'n, 'env: 'n, E: 'env, S: 'env> Nest<'n, 'env, E, S> {
    /// A child, or the body, has ended with an error.
    pub(super) fn failed(&'n self, error: E, who: Option<Told>) {
        hooks::tell_of(&who, |task| Event::TaskError(task, self.describe(&error)));
        self.record(error);
    }

    /// The first error is the nursery's, the others go where they may be had.
    pub(super) fn record(&'n self, error: E) {
        match self.owner.failure.take() {
            None => {
                self.owner.failure.set(Some(error));
                self.cancel(Reason::Failed);
            }
            Some(first) if fault!("first-error-dropped") => {
                self.owner.failure.set(Some(error));
                self.owner.others.push(first);
            }
            first => {
                self.owner.failure.set(first);
                if !fault!("other-errors-dropped") {
                    self.owner.others.push(error);
                }
            }
        }
    }

    /// An error that is about to be recorded, as a debugger sees it.
    fn describe<'e>(&self, error: &'e E) -> TaskError<'e> {
        let first = !is_there(&self.owner.failure);
        let text = self.owner.others.text(error).map(ErrorText::new);
        TaskError::Error { type_name: core::any::type_name::<E>(), text, first }
    }

    /// A child has panicked, if it is known which; else something in the nursery.
    pub(super) fn panicked(&'n self, payload: Payload, child: Option<Told>) {
        let earlier = self.owner.panic.take();
        let error = TaskError::Panic { text: panics::text(&payload), first: earlier.is_none() };
        hooks::tell_of(&child.or_else(hooks::current), |task| Event::TaskError(task, error));
        match earlier {
            None => self.owner.panic.set(Some(payload)),
            earlier => {
                // Its message was printed when it happened.
                self.owner.panic.set(earlier);
                panics::dispose(payload);
            }
        }
        if let Err(second) = panics::catch(|| self.cancel(Reason::Failed)) {
            panics::dispose(second);
        }
    }

    /// What the caller gets, once all is over. An error or a panic comes out at once, even out of cancelled code: a poll
    /// later that code may be gone. A value that isn't whole, or that came without a wait, does not.
    pub(super) fn outcome<T>(&self, value: &mut Option<T>, has_waited: bool) -> Option<Result<T, E>> {
        if !has_waited && fault!("outcome-behind-a-checkpoint") {
            return None;
        }
        if let Some(payload) = self.owner.panic.take()
            && !fault!("panic-swallowed")
        {
            panics::resume(payload);
        }
        match self.owner.failure.take() {
            Some(_) if self.children().cut_short.get() && fault!("error-after-cancel-lost") => None,
            Some(error) => {
                if !has_waited {
                    // Else a loop around it would leave nobody else a turn (law FAIR).
                    gate::spend();
                }
                Some(Err(error))
            }
            None if self.children().cut_short.get() || !has_waited => None,
            None => value.take().map(Ok),
        }
    }
}

/// Is there something in it?
pub(super) fn is_there<T>(cell: &Cell<Option<T>>) -> bool {
    let value = cell.take();
    let is_there = value.is_some();
    cell.set(value);
    is_there
}
