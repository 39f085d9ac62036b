//! All there is, and what each task waits for.

use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::panic::Location;
use core::task::{Poll, ready};

use super::{Kind, visit};
use crate::gate::poll_proceed;
use crate::kernel::roll_call::RollCall;
use crate::kernel::task::id::id_of;
use crate::kernel::walk::wake_all;
use crate::reason::Reason;
use crate::task_info::{Status, TaskId, Waits};
use crate::time::Instant;

/// All tasks and scopes there were, from the outermost on, and what each task waited for.
///
/// It is data, and prints as a tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dump {
    /// From the outside in: a scope or a task, then what is in it.
    pub nodes: Vec<Node>,
    /// All there was is in it; false, and it is empty, where no task was asking.
    pub is_whole: bool,
}

/// A task or a scope, as an [`Entry`](super::Entry) that can be kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// In how many others it is.
    pub depth: usize,
    /// What it is.
    pub kind: NodeKind,
    /// Why it was cancelled, if it was itself. Words of [`cancel_because`](crate::CancelScope::cancel_because) are told to
    /// who awaits the scope alone: here it [was asked for](Reason::Requested).
    pub cancelled: Option<Reason>,
    /// Is it a shield, or a clean-up that runs?
    pub is_shielded: bool,
    /// When it ends at the latest, if it has a deadline.
    pub deadline: Option<Instant>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeKind {
    /// A task.
    Task(TaskNode),
    /// A nursery. Its children follow, after what is in its body.
    Nursery {
        /// How many run.
        children: usize,
    },
    /// Another scope.
    Scope,
}

/// A task in a [`Dump`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskNode {
    /// Which task.
    pub id: TaskId,
    /// What it is called.
    pub name: String,
    /// Where in the program it was spawned; `None` for the root task.
    pub spawned_at: Option<&'static Location<'static>>,
    /// What it was doing.
    pub status: Status,
    /// What it waited for: all of it, where that is several things at once. Empty where it waits for its children alone, or
    /// for what does not [say](crate::Proceed::waits_for) what it is. `None` if it was not polled, so that nothing is known.
    pub waits: Option<Vec<Waits>>,
}

/// Finds out what there is, and what each task waits for, of the runtime whose code is running.
///
/// No task has to keep a note of that: they are asked. All of them are woken, and polled once as they would be anyway, in the
/// order of their wakes; each leaf future that has to wait says for what, in its poll; and then the tree is looked at. So it
/// takes a turn or some, and it is made by a task. Where nothing asks, nothing is kept, and nothing is spent. It is for a
/// moment of need: a signal, a test that hangs, an operator's question.
///
/// What a foreign set of futures holds back, which polls only those that were woken themselves, is not asked. What has a name
/// is told by it: see [`Mutex::named`](crate::sync::Mutex::named).
///
/// # Cancellation
/// [**Restartable.**](crate#cancellation) It has no effect of its own but that tasks are polled.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::sync::Mutex;
/// use giambio_core::{introspect, nursery, sleep, testing};
///
/// let tree = testing::run(async {
///     let till = Mutex::new(0).named("till");
///     nursery(async |n| {
///         n.child().name("clerk").spawn(async {
///             let _till = till.lock().await;
///             Ok::<_, ()>(sleep(Duration::from_secs(60)).await)
///         });
///         n.child().name("thief").spawn(async { Ok(*till.lock().await = 0) });
///         sleep(Duration::from_secs(1)).await;
///         Ok(introspect::dump().await.to_string())
///     })
///     .await
/// });
/// let tree = tree.unwrap();
/// assert!(tree.contains(r#"waits for mutex "till" at "#), "{tree}");
/// ```
pub async fn dump() -> Dump {
    let roll = RollCall::begin();
    let mut missing = VecDeque::new();
    wake_all(|task| {
        roll.call(task);
        missing.push_back(id_of(task));
    });
    // So often nobody answers, before those who are left are given up: nobody polls them. Where others are busy, a turn is
    // too short for one round of all.
    let patience = 8 + missing.len() / 16;
    let mut in_vain = 0;
    while !missing.is_empty() && in_vain < patience {
        give_way().await;
        in_vain = if hear(&roll, &mut missing) { 0 } else { in_vain + 1 };
    }
    // Those around the running code have begun their answer by now; this lets them come to its end.
    give_way().await;
    look(&roll)
}

/// Takes out those that have answered. Were there any?
///
/// They answer in the order in which they were called, some in a turn. To look at all of them after each would take the
/// square of their number; so this looks until it has seen some that have not, twice as many as a turn has polls, and goes on
/// with the others next time.
fn hear(roll: &RollCall, missing: &mut VecDeque<TaskId>) -> bool {
    const ENOUGH: usize = 128;
    let before = missing.len();
    let mut silent = 0;
    while silent < ENOUGH.min(missing.len())
        && let Some(task) = missing.pop_front()
    {
        if roll.has_to_answer(task) {
            missing.push_back(task);
            silent += 1;
        }
    }
    missing.len() < before
}

/// Has the task polled again, after those that are ready.
async fn give_way() {
    let mut has_been = false;
    poll_fn(|cx| {
        let _go = ready!(poll_proceed(cx));
        if core::mem::replace(&mut has_been, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn look(roll: &RollCall) -> Dump {
    let mut nodes = Vec::new();
    let is_whole = visit(|entry| {
        let kind = match entry.kind {
            Kind::Task(task, status) => NodeKind::Task(TaskNode {
                id: task.id,
                name: task.name.to_owned(),
                spawned_at: task.spawned_at,
                status,
                waits: roll.answer(task.id, status == Status::Running),
            }),
            Kind::Nursery { children } => NodeKind::Nursery { children },
            Kind::Scope => NodeKind::Scope,
        };
        nodes.push(Node {
            depth: entry.depth,
            kind,
            cancelled: entry.cancelled,
            is_shielded: entry.is_shielded,
            deadline: entry.deadline,
        });
    });
    Dump { nodes, is_whole }
}
