//! The cells of children: from `spawn` to the last use of their memory.
//!
//! ```text
//!            spawn                poll: ready, or kill                  no handle, not queued
//! (memory) ────────► FUTURE ──────────────────────────► DONE [OUTPUT] ─────────────────────────► (memory)
//! ```
//!
//! A cell is a [`Header`] and a place that holds the future first and its result later. It stays
//! where it is from `spawn` on, and its memory goes back to the storage only from [`free`]. Who
//! polls and drops them is in [`children`](super::children), who awaits them in
//! [`handle`](super::handle).

use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, offset_of};
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll, Waker};

use super::block::{Block, QUEUED};
use super::children::Children;
use super::current::Current;
use super::foreign;
use super::handle::Handle;
use super::in_place::Moving;
use super::node::{CANCELLED, CUT_OFF, DONE, Node, ROOT};
use super::place::Claim;
use super::port::{now, with};
use super::state::State;
use super::waker;
use crate::cancel::Reason;
use crate::debugger::Event;
use crate::hooks::{self, told};
#[cfg(feature = "hooks")]
use crate::name::TaskName;
use crate::name::{Label, Name};
use crate::nursery::Scope;
use crate::panics::First;
use crate::storage::Storage;
use crate::task_info::TaskId;

/// The future is in the cell.
pub(super) const FUTURE: u8 = 1;
/// The result is in the cell.
pub(super) const OUTPUT: u8 = 1 << 1;
/// A [`Task`](crate::Task) refers to the cell.
pub(super) const HANDLE: u8 = 1 << 2;
/// Doesn't keep its nursery open.
pub(super) const DAEMON: u8 = 1 << 3;
/// Was dropped before it ended by itself, or failed.
pub(super) const KILLED: u8 = 1 << 4;

/// What all cells start with. The node comes first (WHOLE-POINTER).
#[repr(C)]
pub(crate) struct Header {
    pub(crate) node: Node,
    pub(crate) block: Cell<Option<&'static Block>>,
    pub(super) vtable: &'static VTable,
}

/// What depends on the type of the future.
pub(super) struct VTable {
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<Outcome>,
    drop_future: unsafe fn(NonNull<Header>),
    pub(super) drop_output: unsafe fn(NonNull<Header>),
    release: unsafe fn(NonNull<Header>, NonNull<Children>),
    /// Good for as long as the cell is.
    pub(super) name: unsafe fn(NonNull<Header>) -> *const str,
    #[cfg(feature = "hooks")]
    pub(super) copy_label: unsafe fn(NonNull<Header>) -> Label<TaskName>,
    pub(super) output: usize,
}

/// How a child ended by itself.
#[derive(PartialEq)]
pub(super) enum Outcome {
    Value,
    Error,
}

#[repr(C)]
struct TaskCell<F, T, N> {
    header: Header,
    label: Label<N>,
    place: UnsafeCell<Place<F, T>>,
}

#[repr(C)]
union Place<F, T> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<T>,
}

impl<F, T, N> TaskCell<F, T, N> {
    /// # Safety
    /// `this` leads to a cell of this type.
    unsafe fn place(this: NonNull<Header>) -> *mut Place<F, T> {
        // SAFETY: by contract, and the pointer was made from the whole cell.
        unsafe { UnsafeCell::raw_get(&raw const (*this.as_ptr().cast::<Self>()).place) }
    }
}

/// The functions of a table, for one type of cell in one type of nursery.
struct Typed<'scope, 'env, F, T, E, S, N>(PhantomData<(&'scope (), &'env (), F, T, E, S, N)>);

impl<'scope, 'env: 'scope, F, T, E, S, N> Typed<'scope, 'env, F, T, E, S, N>
where
    F: Future<Output = Result<T, E>>,
    E: 'env,
    S: Storage + 'env,
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
        output: offset_of!(TaskCell<F, T, N>, place),
    };

    unsafe fn poll(this: NonNull<Header>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // SAFETY: the vtable belongs to this type of cell.
        let place = unsafe { TaskCell::<F, T, N>::place(this) };
        // SAFETY: FUTURE is set, so the future is there; NESTED-POLL: nobody else reaches it; the
        // cell doesn't move, so the future is pinned until it is dropped in place.
        let future = unsafe { Pin::new_unchecked(&mut *(&raw mut (*place).future).cast::<F>()) };
        let Poll::Ready(result) = future.poll(cx) else { return Poll::Pending };
        // SAFETY: as above.
        let header = unsafe { this.as_ref() };
        match result {
            Ok(value) => {
                // SAFETY: as above; the future is dropped once, FUTURE is cleared in there first.
                unsafe { Self::drop_future(this) };
                if header.has(HANDLE) {
                    // SAFETY: the place is empty now.
                    unsafe { (*place).output = ManuallyDrop::new(value) };
                    header.set(OUTPUT);
                }
                Poll::Ready(Outcome::Value)
            }
            Err(error) => {
                // SAFETY: the parent of a task that is polled is its nursery, a `Scope` of the
                // types that spawned it (WHOLE-POINTER, NESTED-POLL).
                let scope = unsafe { &*header.node.parent.get().cast::<Scope<'scope, 'env, E, S>>() };
                scope.failed(error, told(this));
                // SAFETY: as above.
                unsafe { Self::drop_future(this) };
                Poll::Ready(Outcome::Error)
            }
        }
    }

    unsafe fn drop_future(this: NonNull<Header>) {
        // SAFETY: by contract of the table: a cell of this type, with FUTURE set.
        unsafe {
            this.as_ref().clear(FUTURE);
            let place = TaskCell::<F, T, N>::place(this);
            ptr::drop_in_place((&raw mut (*place).future).cast::<F>());
        }
    }

    unsafe fn drop_output(this: NonNull<Header>) {
        // SAFETY: by contract of the table: a cell of this type, with OUTPUT set.
        unsafe {
            this.as_ref().clear(OUTPUT);
            let place = TaskCell::<F, T, N>::place(this);
            ptr::drop_in_place((&raw mut (*place).output).cast::<T>());
        }
    }

    unsafe fn release(this: NonNull<Header>, children: NonNull<Children>) {
        // SAFETY: the children's nursery is a `Scope` of these types (WHOLE-POINTER), and nothing
        // refers to the cell any more (NEVER-REUSED-UNDROPPED, checked by `free`).
        unsafe {
            let scope = children.cast::<Scope<'scope, 'env, E, S>>().as_ref();
            // The last of the cell: what a child is called.
            ptr::drop_in_place(&raw mut (*this.as_ptr().cast::<TaskCell<F, T, N>>()).label);
            scope.storage().release::<TaskCell<F, T, N>>(this.cast());
        }
    }

    unsafe fn name(this: NonNull<Header>) -> *const str {
        // SAFETY: by contract of the table: a cell of this type.
        unsafe { (*this.as_ptr().cast::<TaskCell<F, T, N>>()).label.name.get::<F>() }
    }

    #[cfg(feature = "hooks")]
    unsafe fn copy_label(this: NonNull<Header>) -> Label<TaskName> {
        // SAFETY: as above.
        let label = unsafe { &(*this.as_ptr().cast::<TaskCell<F, T, N>>()).label };
        Label { name: label.name.copy::<F>(), spawned_at: label.spawned_at }
    }
}

impl Header {
    #[inline]
    pub(super) fn has(&self, flag: u8) -> bool {
        self.node.task.get() & flag != 0
    }

    #[inline]
    pub(super) fn set(&self, flag: u8) {
        self.node.task.set(self.node.task.get() | flag);
    }

    #[inline]
    pub(super) fn clear(&self, flag: u8) {
        self.node.task.set(self.node.task.get() & !flag);
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.node.has(DONE)
    }

    pub(super) fn id(&self) -> TaskId {
        TaskId::new(self.block.get().map_or(0, waker::name))
    }
}

/// The task whose code is running.
pub(crate) fn current_id() -> Option<TaskId> {
    with(|state| {
        // SAFETY: STATIC-BLOCKS.
        let block = unsafe { state.now.block.get().as_ref() }?;
        // SAFETY: PINNED: the task that is being polled is alive.
        let node = unsafe { block.cell.get().as_ref() }?;
        if node.has(ROOT) {
            return Some(TaskId::MAIN);
        }
        Some(TaskId::new(waker::name(block)))
    })
}

/// Starts a child. `None`, and the future stays, when the storage has no room.
pub(crate) fn spawn<'scope, 'env, F, T, E, S, N>(
    scope: &'scope Scope<'scope, 'env, E, S>,
    future: &mut Moving<F>,
    label: Label<N>,
    daemon: bool,
) -> Option<Handle<T>>
where
    F: Future<Output = Result<T, E>> + 'scope,
    T: 'scope,
    E: 'env,
    S: Storage + 'env,
    N: Name,
{
    let claim = scope.storage().claim::<TaskCell<F, T, N>>()?;
    Some(spawn_in(claim, scope, future, label, daemon))
}

/// Starts a child as soon as the storage has room for it; `done` makes of its handle what is
/// wanted (`None`: the nursery takes no more). The future that waits holds the child once: each
/// `async fn` around it would hold it two times more.
pub(crate) fn spawn_wait<'scope, 'env, F, T, E, S, N, R>(
    scope: &'scope Scope<'scope, 'env, E, S>,
    future: F,
    label: Label<N>,
    daemon: bool,
    done: impl FnOnce(Option<Handle<T>>) -> R,
) -> impl Future<Output = R>
where
    F: Future<Output = Result<T, E>> + 'scope,
    T: 'scope,
    E: 'env,
    S: Storage + 'env,
    N: Name,
{
    let mut future = Moving::Here(future);
    async move {
        if scope.children().is_closing() {
            return done(None);
        }
        let claim = scope.storage().room::<TaskCell<F, T, N>>().await;
        if scope.children().is_closing() {
            // Meanwhile it takes no more children.
            #[cfg(feature = "alloc")]
            with(|state| state.table().release(claim.block));
            // SAFETY: claimed above for this, and not used.
            unsafe { scope.storage().release::<TaskCell<F, T, N>>(claim.memory) };
            return done(None);
        }
        done(Some(spawn_in(claim, scope, &mut future, label, daemon)))
    }
}

fn spawn_in<'scope, 'env, F, T, E, S, N>(
    claim: Claim,
    scope: &'scope Scope<'scope, 'env, E, S>,
    future: &mut Moving<F>,
    label: Label<N>,
    daemon: bool,
) -> Handle<T>
where
    F: Future<Output = Result<T, E>> + 'scope,
    T: 'scope,
    E: 'env,
    S: Storage + 'env,
    N: Name,
{
    let Claim { memory, block } = claim;
    let cell = memory.cast::<TaskCell<F, T, N>>();
    // SAFETY: `claim` gave memory of that size and alignment to us alone; all three parts are written.
    unsafe {
        (&raw mut (*cell.as_ptr()).header).write(Header {
            node: Node::new_task(FUTURE | HANDLE | if daemon { DAEMON } else { 0 }),
            block: Cell::new(Some(block)),
            vtable: Typed::<'scope, 'env, F, T, E, S, N>::VTABLE,
        });
        (&raw mut (*cell.as_ptr()).label).write(label);
        future.move_to(TaskCell::<F, T, N>::place(cell.cast()).cast());
    }
    // There from the start: a foreign waker may panic in there.
    let handle = Handle(cell.cast(), PhantomData);
    start(cell.cast(), block, NonNull::from(scope).cast(), daemon);
    handle
}

/// Makes a cell a child: what is the same for all types.
#[cfg_attr(feature = "std", inline)]
#[cfg_attr(not(feature = "std"), inline(never))]
fn start(task: NonNull<Header>, block: &'static Block, scope: NonNull<Children>, daemon: bool) {
    let this: *const Node = task.as_ptr().cast_const().cast();
    // SAFETY: the caller's nursery is alive, and starts with it (WHOLE-POINTER).
    let children = unsafe { scope.as_ref() };
    children.running.set(children.running.get() + 1);
    if !daemon {
        children.keeping.set(children.keeping.get() + 1);
    }
    let foreign = with(|state| {
        block.claim(this);
        state.adopt(this, &children.node, scope.as_ptr().cast_const().cast());
        state.queue_first(children, block)
    });
    if let Some(foreign) = foreign {
        foreign.wake();
    }
    hooks::tell_of(&told(task), Event::TaskSpawn);
}

/// Frees the cell if nothing needs it any more (NEVER-REUSED-UNDROPPED).
pub(super) fn free(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: the callers' cell is alive until we release it.
    let header = unsafe { task.as_ref() };
    if !header.is_done() || header.has(FUTURE | HANDLE) {
        return;
    }
    // In one step with the check, so that no interrupt queues the block in between.
    let freed = with(|state| match header.block.get() {
        Some(block) if !block.has(QUEUED) => {
            drop_none(state.retire(&header.node));
            header.block.set(None);
            release_block(state, block);
            true
        }
        _ => false,
    });
    if !freed {
        return;
    }
    // Gives the memory back even if the destructor of the result panics.
    struct Release(NonNull<Header>, NonNull<Children>);
    impl Drop for Release {
        fn drop(&mut self) {
            // SAFETY: the future is gone, and by now the result too; so is the handle; the node is
            // unlinked, the block released and in no list.
            unsafe { (self.0.as_ref().vtable.release)(self.0, self.1) };
        }
    }
    let _release = Release(task, children);
    if header.has(OUTPUT) {
        // SAFETY: OUTPUT says that it is there.
        unsafe { (header.vtable.drop_output)(task) };
    }
}

/// A node that is over contributes nothing, so that taking it out wakes nobody.
fn drop_none(waker: Option<Waker>) {
    debug_assert!(waker.is_none());
}

#[cfg(feature = "alloc")]
pub(crate) fn claim_block() -> Option<&'static Block> {
    with(|state| state.table().claim(&state.index))
}

pub(crate) fn release_block(state: &State, block: &'static Block) {
    block.release();
    #[cfg(feature = "alloc")]
    state.table().release(block);
    #[cfg(not(feature = "alloc"))]
    let _ = state;
}

/// What was current before a task's code runs; current again when this is dropped.
pub(super) struct Around {
    pub(super) node: *const Node,
    pub(super) block: *const Block,
    since: u32,
    spent: u32,
}

impl Around {
    #[inline]
    pub(super) fn new(now: &Current) -> Self {
        Around { node: now.node.get(), block: now.block.get(), since: now.since.get(), spent: now.spent.get() }
    }

    /// Makes it current again.
    #[inline]
    pub(super) fn restore(&self, now: &Current) {
        now.node.set(self.node);
        now.block.set(self.block);
        now.since.set(self.since);
        now.spent.set(self.spent);
    }
}

impl Drop for Around {
    #[inline]
    fn drop(&mut self) {
        now(|now| self.restore(now));
    }
}

/// Makes a task the current one, with a fresh budget.
#[inline]
pub(super) fn make_current(now: &Current, task: *const Node, block: &'static Block, since: u32) {
    now.node.set(task);
    now.block.set(block);
    now.since.set(since);
    now.spent.set(0);
}

/// Drops a child's future where it is, and ends it as cancelled.
pub(super) fn kill(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: the callers' cell is alive, and nobody else frees it: NESTED-POLL.
    let header = unsafe { task.as_ref() };
    debug_assert!(!header.is_done());
    let Some(block) = header.block.get() else { return };
    // Finishes even if the destructor panics.
    struct Finish(NonNull<Header>, NonNull<Children>);
    impl Drop for Finish {
        fn drop(&mut self) {
            finish(self.0, self.1);
        }
    }
    let who = told(task);
    hooks::tell_of(&who, Event::BeforeCancel);
    // SAFETY: the nursery is alive: NESTED-POLL.
    let kids = unsafe { children.as_ref() };
    if header.node.has(CUT_OFF) && !kids.node.has(CANCELLED) {
        kids.cut_short.set(true);
    }
    let reason = with(|state| state.reason_at(task.as_ptr().cast_const().cast()));
    header.node.set_end(reason.unwrap_or(Reason::Requested));
    header.set(KILLED);
    let finish = Finish(task, children);
    if header.has(FUTURE) {
        let since = with(|_| block.queued_at.get());
        let _around = now(|now| {
            let around = Around::new(now);
            make_current(now, task.as_ptr().cast_const().cast(), block, since);
            around
        });
        // SAFETY: FUTURE says that it is there; NESTED-POLL: only its nursery calls `kill`, and
        // not from inside the child's poll.
        unsafe { (header.vtable.drop_future)(task) };
        now(|now| now.check(task.as_ptr().cast_const().cast()));
    }
    drop(finish);
    hooks::tell_of(&who, Event::AfterCancel);
}

/// A child is over: counts, wakes its awaiter, frees the cell if nobody needs it.
#[inline]
pub(super) fn finish(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: alive: NESTED-POLL.
    let header = unsafe { task.as_ref() };
    // Without `std` the other way does for all: it is slower, but code costs as well.
    if cfg!(not(feature = "std")) || hooks::is_on() || !with(|state| state.is_leaf(&header.node)) {
        return finish_at_length(task, children);
    }
    let awaiter = with(|state| end(state, task, children));
    // The cell first: what is called after this may panic.
    if !header.has(HANDLE) {
        free(task, children);
    }
    foreign::wake(awaiter);
}

/// The same with a debugger, or with scopes that the child leaves behind.
#[inline(never)]
fn finish_at_length(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: alive: NESTED-POLL.
    let header = unsafe { task.as_ref() };
    let who = told(task);
    let (awaiter, holder) = with(|state| {
        let awaiter = end(state, task, children);
        state.orphan(&header.node);
        (awaiter, state.calm(&header.node))
    });
    free(task, children);
    hooks::tell_of(&who, Event::TaskExit);
    let mut first = First::new();
    for waker in [awaiter, holder].into_iter().flatten() {
        first.catch(|| waker.wake());
    }
    first.resume();
}

/// Marks a child as over, and counts it. Its cell stays in the list where the end of the nursery finds it, until it is
/// freed. Returns the waker of who awaits it, if it isn't one of ours.
#[inline]
fn end(state: &State, task: NonNull<Header>, children: NonNull<Children>) -> Option<Waker> {
    // SAFETY: both alive: NESTED-POLL.
    let (header, kids) = unsafe { (task.as_ref(), children.as_ref()) };
    header.node.set(DONE);
    kids.running.set(kids.running.get() - 1);
    if !header.has(DAEMON) {
        kids.keeping.set(kids.keeping.get() - 1);
    }
    let node = &header.node;
    match node.waker.take_foreign(state) {
        Ok(block) => {
            drop(node.waker.take());
            state.wake_block(block)
        }
        Err(foreign) => foreign,
    }
}
