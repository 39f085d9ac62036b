//! From a future to a child and its handle.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use super::in_place::Moving;
use super::nursery::cell::{NurseryCell, Owner};
use super::storage::Claim;
use super::task::cell::{claim, fill, give_back, room};
use super::task::handle::Handle;
use super::task::lifecycle::start;
use crate::gate::is_cancelled;
use crate::name::{Label, Name};

/// Starts a child. `None`, and the future stays, when the storage has no room.
pub(crate) fn spawn<'scope, O, F, T, N>(
    nursery: &'scope NurseryCell<'scope, O>,
    future: &mut Moving<F>,
    label: Label<N>,
    daemon: bool,
) -> Option<Handle<T>>
where
    O: Owner,
    F: Future<Output = Result<T, O::Error>> + 'scope,
    T: 'scope,
    N: Name,
{
    let claim = claim::<O, F, T, N>(&nursery.owner)?;
    Some(spawn_in(claim, nursery, future, label, daemon))
}

/// Starts a child as soon as the storage has room for it; `done` makes of its handle what is
/// wanted (`None`: the nursery takes no more). The future that waits holds the child once: each
/// `async fn` around it would hold it two times more.
pub(crate) fn spawn_wait<'scope, O, F, T, N, R>(
    nursery: &'scope NurseryCell<'scope, O>,
    future: F,
    label: Label<N>,
    daemon: bool,
    done: impl FnOnce(Option<Handle<T>>) -> R,
) -> impl Future<Output = R>
where
    O: Owner,
    F: Future<Output = Result<T, O::Error>> + 'scope,
    T: 'scope,
    N: Name,
{
    let mut future = Moving::Here(future);
    async move {
        if nursery.refuses() {
            return done(None);
        }
        let mut room = pin!(room::<O, F, T, N>(&nursery.owner, label.place()));
        let claim = poll_fn(|cx| match room.as_mut().poll(cx) {
            Poll::Ready(claim) => Poll::Ready(Some(claim)),
            // What is cancelled itself gets no further.
            Poll::Pending if !is_cancelled() && nursery.refuses() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let Some(claim) = claim.await else { return done(None) };
        if nursery.refuses() {
            // Meanwhile it takes no more children.
            give_back::<O, F, T, N>(&nursery.owner, claim);
            return done(None);
        }
        done(Some(spawn_in(claim, nursery, &mut future, label, daemon)))
    }
}

fn spawn_in<'scope, O, F, T, N>(
    claim: Claim,
    nursery: &'scope NurseryCell<'scope, O>,
    future: &mut Moving<F>,
    label: Label<N>,
    daemon: bool,
) -> Handle<T>
where
    O: Owner,
    F: Future<Output = Result<T, O::Error>> + 'scope,
    T: 'scope,
    N: Name,
{
    let task = fill::<O, F, T, N>(claim, future, label);
    // SAFETY: the type of this child's result. There from the start: a foreign waker may panic in there.
    let handle = unsafe { Handle::new(task) };
    start(task, nursery.pinned(), daemon);
    handle
}
