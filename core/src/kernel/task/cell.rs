//! The cells of children: from `spawn` to the last use of their memory.
//!
//! ```text
//!            spawn                poll: ready, or kill                  no handle, not queued
//! (memory) ────────► FUTURE ──────────────────────────► DONE [OUTPUT] ─────────────────────────► (memory)
//! ```
//!
//! A cell is a [`Head`], which starts with the header, and a place that holds the future first and its result later. It stays
//! where it is from `spawn` on, and its memory goes back to the storage only from [`free`](super::lifecycle::free). Who polls
//! and drops them is in [`drive`](crate::kernel::nursery::drive), who awaits them in [`handle`](super::handle).

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::header::{Header, Outcome, TaskRef, VTable};
use crate::call_site::CallSite;
use crate::kernel::in_place::Moving;
use crate::kernel::nursery::cell::{NurseryCell, Owner};
use crate::kernel::scope::node::Node;
use crate::kernel::storage::{Claim, Place, Slot};
use crate::kernel::used::{ENDS, RESULTS};
use crate::kernel::waker_cell::WakerCell;
#[cfg(feature = "hooks")]
use crate::name::TaskName;
use crate::name::{Label, Name};

/// The future is in the cell.
pub(crate) const FUTURE: u8 = 1;
/// The result is in the cell.
pub(crate) const OUTPUT: u8 = 1 << 1;
/// A [`Task`](crate::Task) refers to the cell.
pub(crate) const HANDLE: u8 = 1 << 2;
/// Doesn't keep its nursery open.
pub(crate) const DAEMON: u8 = 1 << 3;
/// Was dropped before it ended by itself, or failed.
pub(crate) const KILLED: u8 = 1 << 4;
/// The body of its nursery awaits it, and needs no waker.
pub(crate) const BODY_AWAITS: u8 = 1 << 5;

/// What all cells start with.
#[repr(C)]
pub(crate) struct Head<N> {
    header: Header,
    /// Whom to tell when it is over.
    awaiter: WakerCell,
    label: Label<N>,
}

#[repr(C)]
pub(crate) union Value<F, T> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<T>,
}

/// The functions of a table, for one type of child in one type of nursery.
struct Typed<O, F, T, N>(PhantomData<(O, F, T, N)>);

impl<O, F, T, N> Typed<O, F, T, N>
where
    O: Owner,
    F: Future<Output = Result<T, O::Error>>,
    N: Name,
{
    const VTABLE: &'static VTable = &VTable {
        poll: Self::poll,
        drop_future: Self::drop_future,
        drop_output: Self::drop_output,
        release: Self::release,
        name: Self::name,
        #[cfg(feature = "hooks")]
        copy_label: Self::copy_label,
        output: Self::output,
    };

    /// # Safety
    /// A task of this type.
    unsafe fn value(task: TaskRef) -> *mut Value<F, T> {
        // SAFETY: by contract.
        unsafe { O::Storage::place::<Head<N>, Value<F, T>>(Slot(task)) }.as_ptr()
    }

    unsafe fn poll(task: TaskRef, cx: &mut Context<'_>) -> Poll<Outcome> {
        // SAFETY: the table belongs to this type.
        let value = unsafe { Self::value(task) };
        // SAFETY: FUTURE is set, so the future is there; NESTED-POLL: nobody else reaches it; the cell doesn't move, so the
        // future is pinned until it is dropped in place.
        let future = unsafe { Pin::new_unchecked(&mut *value.cast::<F>()) };
        let Poll::Ready(result) = future.poll(cx) else { return Poll::Pending };
        ENDS.note();
        match result {
            Ok(output) => {
                // SAFETY: as above; the future is dropped once, FUTURE is cleared in there first.
                unsafe { Self::drop_future(task) };
                if task.has(HANDLE) {
                    // SAFETY: the place is empty now.
                    unsafe { value.cast::<T>().write(output) };
                    RESULTS.note();
                    task.set(OUTPUT);
                }
                Poll::Ready(Outcome::Value)
            }
            Err(error) => {
                // SAFETY: the parent of a task that is polled is its nursery, of the type that spawned it (WHOLE-POINTER,
                // NESTED-POLL).
                let nursery = unsafe { &*task.node.parent.get().cast::<NurseryCell<'_, O>>() };
                O::child_failed(nursery, error, task);
                // SAFETY: as above.
                unsafe { Self::drop_future(task) };
                Poll::Ready(Outcome::Error)
            }
        }
    }

    unsafe fn drop_future(task: TaskRef) {
        // SAFETY: by contract of the table: a task of this type, with FUTURE set.
        unsafe {
            task.clear(FUTURE);
            ptr::drop_in_place(Self::value(task).cast::<F>());
        }
    }

    unsafe fn drop_output(task: TaskRef) {
        // SAFETY: by contract of the table: a task of this type, with OUTPUT set.
        unsafe {
            task.clear(OUTPUT);
            ptr::drop_in_place(Self::value(task).cast::<T>());
        }
    }

    unsafe fn output(task: TaskRef) -> *mut () {
        // SAFETY: by contract of the table: a task of this type.
        unsafe { Self::value(task) }.cast()
    }

    unsafe fn release(task: TaskRef, nursery: *const Node) {
        // SAFETY: the node's nursery is of this type (WHOLE-POINTER), and nothing refers to the cell any more
        // (NEVER-REUSED-UNDROPPED, checked by `free`).
        unsafe {
            // The last of the cell: what a child is called.
            ptr::drop_in_place(&raw mut (*Self::head(task)).label);
            (*nursery.cast::<NurseryCell<'_, O>>()).owner.storage().release::<Head<N>, Value<F, T>>(Slot(task));
        }
    }

    fn head(task: TaskRef) -> *mut Head<N> {
        task.as_ptr().cast_mut().cast()
    }

    unsafe fn name(task: TaskRef) -> *const str {
        // SAFETY: by contract of the table: a task of this type.
        unsafe { (*Self::head(task)).label.name.get::<F>() }
    }

    #[cfg(feature = "hooks")]
    unsafe fn copy_label(task: TaskRef) -> Label<TaskName> {
        // SAFETY: as above.
        let label = unsafe { &(*Self::head(task)).label };
        Label { name: label.name.copy::<F>(), spawned_at: label.spawned_at }
    }
}

/// Room for a child of this type, if there is.
pub(crate) fn claim<O, F, T, N>(owner: &O) -> Option<Claim>
where
    O: Owner,
{
    // SAFETY: it starts with its header.
    unsafe { owner.storage().claim::<Head<N>, Value<F, T>>() }
}

/// The same, as soon as there is.
pub(crate) fn room<O, F, T, N>(owner: &O, place: CallSite) -> impl Future<Output = Claim>
where
    O: Owner,
{
    // SAFETY: it starts with its header.
    unsafe { owner.storage().room::<Head<N>, Value<F, T>>(place) }
}

/// Gives room back that was not used.
pub(crate) fn give_back<O, F, T, N>(owner: &O, claim: Claim)
where
    O: Owner,
{
    // SAFETY: claimed for this, and not used.
    unsafe { owner.storage().release::<Head<N>, Value<F, T>>(Slot(claim.task)) };
}

/// Moves a child to its place. It is no task yet.
pub(crate) fn fill<O, F, T, N>(claim: Claim, future: &mut Moving<F>, label: Label<N>) -> TaskRef
where
    O: Owner,
    F: Future<Output = Result<T, O::Error>>,
    N: Name,
{
    let Claim { task, place } = claim;
    let head = Typed::<O, F, T, N>::head(task);
    // SAFETY: `claim` gave memory for these to us alone; all parts are written but the header, which is there.
    unsafe {
        (&raw mut (*head).awaiter).write(WakerCell::new());
        (&raw mut (*head).label).write(label);
        future.move_to(place.as_ptr().cast());
    }
    task.vtable.set(Some(Typed::<O, F, T, N>::VTABLE));
    task
}

/// Whom to tell when a child is over.
pub(crate) fn awaiter(task: &TaskRef) -> &WakerCell {
    // SAFETY: a child's, not a root's: what all cells start with has it behind the header (`Head`), and it is there until the
    // cell is freed.
    unsafe { &(*task.as_ptr().cast::<Head<()>>()).awaiter }
}

/// The table of a child.
///
/// # Safety
/// It is a child whose cell is not freed.
pub(crate) unsafe fn vtable(task: TaskRef) -> &'static VTable {
    // SAFETY: by contract; a child has one, from `fill` on. (Each look would be two instructions of the three that a spawn
    // and its end take, `bench/counts.sh spawn_batch`.)
    unsafe { task.vtable.get().unwrap_unchecked() }
}

/// What a child is called: good for as long as its cell is.
///
/// # Safety
/// It is a child whose cell is not freed for `'a`.
pub(crate) unsafe fn name_of<'a>(task: TaskRef) -> &'a str {
    // SAFETY: by contract, the table belongs to the cell, and the name is in it or for ever.
    unsafe { &*(vtable(task).name)(task) }
}
