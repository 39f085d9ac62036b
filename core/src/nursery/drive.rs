//! The future of a nursery: polls body and children until both are over.

use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::books::{Nest, is_there};
use crate::cancel::poll_cut_short;
use crate::gate;
use crate::kernel::emit::{self as hooks, Told};
use crate::kernel::in_place::clear;
use crate::kernel::nursery::drive::{Body, Driven, drive};
use crate::panics::{self, Payload};
use crate::storage::Storage;

pin_project! {
    /// Polls a nursery's body and children.
    pub(super) struct Drive<'scope, 'env, 'body, E, S, B, T> {
        nursery: &'scope Nest<'scope, 'env, E, S>,
        body: Pin<&'body mut Option<B>>,
        value: Option<T>,
        has_begun: bool,
        // Has waited at least once: even an empty nursery is a checkpoint, unless it fails.
        has_waited: bool,
    }
}

impl<'scope, 'env: 'scope, 'body, E: 'env, S, B, T> Drive<'scope, 'env, 'body, E, S, B, T> {
    pub(super) fn new(nursery: &'scope Nest<'scope, 'env, E, S>, body: Pin<&'body mut Option<B>>) -> Self {
        Drive { nursery, body, value: None, has_begun: false, has_waited: false }
    }
}

impl<'scope, 'env: 'scope, E: 'env, S, B, T> Future for Drive<'scope, 'env, '_, E, S, B, T>
where
    S: Storage + 'env,
    B: Future<Output = Result<T, E>>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let nursery = *this.nursery;
        let is_first = !*this.has_begun;
        if is_first && gate::must_yield(cx) {
            return Poll::Pending;
        }
        *this.has_begun = true;
        let mut body = Code { nursery, body: this.body.as_mut(), value: this.value };
        let driven = drive(nursery.pinned(), &mut body, is_first, cx);
        if driven == Driven::Pending {
            *this.has_waited = true;
            return Poll::Pending;
        }
        if is_first && driven == Driven::OverInCancelled {
            // Its checkpoint is not passed there.
            nursery.children().cut_short.set(true);
        }
        if let Some(outcome) = nursery.outcome(this.value, *this.has_waited) {
            hooks::step_begins();
            return Poll::Ready(outcome);
        }
        let is_first_wait = !core::mem::replace(this.has_waited, true);
        if is_first_wait {
            cx.waker().wake_by_ref();
        }
        poll_cut_short(is_first_wait || driven == Driven::OverInCancelled)
    }
}

/// The body of a nursery, and where its value goes.
pub(super) struct Code<'a, 'scope, 'env, E, S, B, T> {
    pub(super) nursery: &'scope Nest<'scope, 'env, E, S>,
    pub(super) body: Pin<&'a mut Option<B>>,
    pub(super) value: &'a mut Option<T>,
}

impl<'env, E, S, B, T> Body for Code<'_, '_, 'env, E, S, B, T>
where
    S: Storage + 'env,
    B: Future<Output = Result<T, E>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(future) = self.body.as_mut().as_pin_mut() else { return true };
        hooks::step_begins();
        match panics::catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(result)) => {
                Body::drop(self);
                match result {
                    Ok(value) => *self.value = Some(value),
                    Err(error) => {
                        let told = hooks::current();
                        if let Err(payload) = panics::catch(|| self.nursery.failed(error, told)) {
                            self.nursery.panicked(payload, None);
                        }
                    }
                }
            }
            Err(payload) => {
                self.nursery.panicked(payload, None);
                Body::drop(self);
            }
        }
        true
    }

    fn drop(&mut self) {
        if let Err(payload) = panics::catch(|| clear(self.body.as_mut())) {
            self.nursery.panicked(payload, None);
        }
    }

    fn panicked(&mut self, payload: Payload, child: Option<Told>) {
        self.nursery.panicked(payload, child);
    }

    fn closed(&mut self) {
        if let Err(payload) = panics::catch(|| self.nursery.owner.storage.wake_waiting()) {
            self.nursery.panicked(payload, None);
        }
    }

    fn has_failed(&self) -> bool {
        is_there(&self.nursery.owner.failure) || is_there(&self.nursery.owner.panic)
    }
}
