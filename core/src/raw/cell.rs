//! A nursery's children: their cells, and all that polls, drops and frees them.
//!
//! ```text
//!            spawn                poll: ready, or kill                  no handle, not queued
//! (memory) ────────► FUTURE ──────────────────────────► DONE [OUTPUT] ─────────────────────────► (memory)
//! ```
//!
//! A cell is a [`Header`] and a place that holds the future first and its result later. It stays
//! where it is from `spawn` on, and its memory goes back to the storage only from [`free`].

use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, offset_of};
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll, Waker};

use super::block::{Block, LIVE, QUEUED, ReadyList, WOKEN};
use super::node::{CANCELLED, CUT_OFF, Entered, Head, NURSERY, Node, POLLING, Scoped, TASK};
use super::place::Claim;
use super::port::with;
use super::state::{BUDGET, State};
use super::waker;
use crate::cancel::Reason;
use crate::hooks;
use crate::nursery::Scope;
use crate::panics::{self, Payload};
use crate::storage::Storage;
use crate::task::{Status, TaskId};

/// The future is in the cell.
const FUTURE: u8 = 1;
/// The result is in the cell.
const OUTPUT: u8 = 1 << 1;
/// A [`Task`](crate::Task) refers to the cell.
const HANDLE: u8 = 1 << 2;
/// Doesn't keep its nursery open.
const DAEMON: u8 = 1 << 3;
/// Over, one way or another.
const DONE: u8 = 1 << 4;
/// Was dropped before it ended by itself, or failed.
const KILLED: u8 = 1 << 5;

/// What all cells start with. The node comes first (WHOLE-POINTER).
#[repr(C)]
pub(crate) struct Header {
    pub(crate) node: Node,
    queued_at: Cell<u32>,
    state: Cell<u8>,
    reason: Cell<Reason8>,
    pub(crate) block: Cell<Option<&'static Block>>,
    vtable: &'static VTable,
}

const _: () = assert!(offset_of!(Header, queued_at) == offset_of!(Head, queued_at));

/// A reason without its text.
type Reason8 = u8;

/// What depends on the type of the future.
struct VTable {
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<Outcome>,
    drop_future: unsafe fn(NonNull<Header>),
    drop_output: unsafe fn(NonNull<Header>),
    release: unsafe fn(NonNull<Header>, NonNull<Children>),
    name: unsafe fn(NonNull<Header>) -> &'static str,
    output: usize,
}

/// How a child ended by itself.
#[derive(PartialEq)]
enum Outcome {
    Value,
    Error,
}

/// Where a task's name comes from.
pub trait Name {
    /// `F` is the type of the future.
    fn get<F>(&self) -> &'static str;
}

/// Unnamed tasks are called by the type of their future, which costs no memory.
impl Name for () {
    fn get<F>(&self) -> &'static str {
        core::any::type_name::<F>()
    }
}

impl Name for &'static str {
    fn get<F>(&self) -> &'static str {
        self
    }
}

#[repr(C)]
struct TaskCell<F, T, N> {
    header: Header,
    name: N,
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
                scope.failed(error, info(this));
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
            scope.storage().release::<TaskCell<F, T, N>>(this.cast());
        }
    }

    unsafe fn name(this: NonNull<Header>) -> &'static str {
        // SAFETY: by contract of the table: a cell of this type.
        unsafe { (*this.as_ptr().cast::<TaskCell<F, T, N>>()).name.get::<F>() }
    }
}

impl Header {
    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.state.get() & flag != 0
    }

    fn set(&self, flag: u8) {
        self.state.set(self.state.get() | flag);
    }

    fn clear(&self, flag: u8) {
        self.state.set(self.state.get() & !flag);
    }

    fn id(&self) -> TaskId {
        TaskId::new(self.block.get().map_or(0, |block| with(|state| waker::name(state, block))))
    }
}

/// Id and name for hooks and handles.
pub(crate) fn info(task: NonNull<Header>) -> hooks::TaskInfo<'static> {
    // SAFETY: the callers' cell is alive.
    let header = unsafe { task.as_ref() };
    // SAFETY: the table belongs to the cell.
    hooks::TaskInfo { id: header.id(), name: unsafe { (header.vtable.name)(task) } }
}

/// The task whose code is running.
pub(crate) fn current_id() -> Option<TaskId> {
    with(|state| {
        // SAFETY: STATIC-BLOCKS.
        let block = unsafe { state.block.get().as_ref() }?;
        // SAFETY: PINNED: the task that is being polled is alive.
        let node = unsafe { block.cell.get().as_ref() }?;
        if node.has(super::node::ROOT) {
            return Some(TaskId::MAIN);
        }
        Some(TaskId::new(waker::name(state, block)))
    })
}

/// A nursery's node, its ready list and its counts.
#[repr(C)]
pub(crate) struct Children {
    pub(crate) node: Node,
    pub(crate) ready: ReadyList,
    /// Children that have a future.
    running: Cell<u32>,
    /// Those of them that keep the nursery open.
    keeping: Cell<u32>,
    /// The task's count of direct wakes when the body was last polled.
    seen: Cell<u16>,
    race: Cell<bool>,
    closed: Cell<bool>,
    /// The idle children were dropped since the nursery is cancelled.
    dropped_idle: Cell<bool>,
    /// Something was dropped for a scope around the nursery: there is no result to return.
    pub(crate) cut_short: Cell<bool>,
}

impl Children {
    pub(crate) const fn new() -> Self {
        Children {
            node: Node::new(NURSERY),
            ready: ReadyList::new(),
            running: Cell::new(0),
            keeping: Cell::new(0),
            seen: Cell::new(0),
            race: Cell::new(false),
            closed: Cell::new(false),
            dropped_idle: Cell::new(false),
            cut_short: Cell::new(false),
        }
    }

    /// How many children have not ended.
    pub(crate) fn running(&self) -> u32 {
        self.running.get()
    }

    /// How many of them keep the nursery open.
    pub(crate) fn keeping(&self) -> u32 {
        self.keeping.get()
    }

    /// From now on the first child to finish ends the nursery.
    pub(crate) fn race(&self) {
        self.race.set(true);
    }

    /// Is the nursery cancelled, by itself or from outside?
    pub(crate) fn is_cancelled(&self) -> bool {
        with(|_| self.node.is_cancelled())
    }

    /// Does it take no more children?
    pub(crate) fn is_closing(&self) -> bool {
        self.closed.get() || self.is_cancelled()
    }
}

/// Starts a child. Gives the future back when the storage has no room.
pub(crate) fn spawn<'scope, 'env, F, T, E, S, N>(
    scope: &'scope Scope<'scope, 'env, E, S>,
    future: F,
    name: N,
    daemon: bool,
) -> Result<Handle<T>, F>
where
    F: Future<Output = Result<T, E>> + 'scope,
    T: 'scope,
    E: 'env,
    S: Storage + 'env,
    N: Name,
{
    match scope.storage().claim::<TaskCell<F, T, N>>() {
        Some(claim) => Ok(spawn_in(claim, scope, future, name, daemon)),
        None => Err(future),
    }
}

/// Starts a child as soon as the storage has room for it.
pub(crate) async fn spawn_wait<'scope, 'env, F, T, E, S, N>(
    scope: &'scope Scope<'scope, 'env, E, S>,
    future: F,
    name: N,
    daemon: bool,
) -> Option<Handle<T>>
where
    F: Future<Output = Result<T, E>> + 'scope,
    T: 'scope,
    E: 'env,
    S: Storage + 'env,
    N: Name,
{
    let claim = scope.storage().room::<TaskCell<F, T, N>>().await;
    if scope.children().is_closing() {
        // Meanwhile it takes no more children.
        unclaim(claim.block);
        // SAFETY: claimed above for this, and not used.
        unsafe { scope.storage().release::<TaskCell<F, T, N>>(claim.memory) };
        return None;
    }
    Some(spawn_in(claim, scope, future, name, daemon))
}

/// Gives a block back that no task had.
fn unclaim(block: &'static Block) {
    #[cfg(feature = "alloc")]
    with(|state| state.table().release(block));
    #[cfg(not(feature = "alloc"))]
    let _ = block;
}

fn spawn_in<'scope, 'env, F, T, E, S, N>(
    claim: Claim,
    scope: &'scope Scope<'scope, 'env, E, S>,
    future: F,
    name: N,
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
    // SAFETY: `claim` gave memory of that size and alignment to us alone.
    unsafe {
        cell.write(TaskCell {
            header: Header {
                node: Node::new(TASK),
                queued_at: Cell::new(0),
                block: Cell::new(Some(block)),
                vtable: Typed::<'scope, 'env, F, T, E, S, N>::VTABLE,
                state: Cell::new(FUTURE | HANDLE | if daemon { DAEMON } else { 0 }),
                reason: Cell::new(0),
            },
            name,
            place: UnsafeCell::new(Place { future: ManuallyDrop::new(future) }),
        });
    }
    let task: NonNull<Header> = cell.cast();
    let whole: *const Node = ptr::from_ref(scope).cast();
    let children = scope.children();
    let foreign = with(|state| {
        block.claim(task.as_ptr().cast_const().cast());
        drop_none(state.relink(task.as_ptr().cast_const().cast(), whole));
        children.running.set(children.running.get() + 1);
        if !daemon {
            children.keeping.set(children.keeping.get() + 1);
        }
        state.queue(block)
    });
    if let Some(foreign) = foreign {
        foreign.wake();
    }
    hooks::spawned(|| info(task));
    Handle(task, PhantomData)
}

/// Frees the cell if nothing needs it any more (NEVER-REUSED-UNDROPPED).
fn free(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: the callers' cell is alive until we release it.
    let header = unsafe { task.as_ref() };
    if !header.has(DONE) || header.has(FUTURE | HANDLE) {
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
    with(|state| state.table().claim())
}

pub(crate) fn release_block(state: &State, block: &'static Block) {
    debug_assert!(block.has(LIVE));
    block.release();
    #[cfg(feature = "alloc")]
    state.table().release(block);
    #[cfg(not(feature = "alloc"))]
    let _ = state;
}

/// While this lives, `task` is the current task and scope.
struct Current {
    outer_node: *const Node,
    outer_block: *const Block,
    outer_since: u32,
    outer_budget: u32,
    task: NonNull<Header>,
}

impl Current {
    #[inline]
    fn new(state: &State, task: NonNull<Header>, block: &'static Block) -> Self {
        // SAFETY: the callers' cell is alive.
        let header = unsafe { task.as_ref() };
        header.node.set(POLLING);
        Current {
            outer_node: state.node.replace(task.as_ptr().cast_const().cast()),
            outer_block: state.block.replace(block),
            outer_since: state.since.replace(header.queued_at.get()),
            outer_budget: state.budget.replace(BUDGET),
            task,
        }
    }
}

impl Drop for Current {
    #[inline]
    fn drop(&mut self) {
        with(|state| {
            // SAFETY: cells are freed only after this is gone.
            unsafe { self.task.as_ref() }.node.clear(POLLING);
            state.leave(self.task.as_ptr().cast(), self.outer_node);
            state.block.set(self.outer_block);
            state.since.set(self.outer_since);
            state.budget.set(self.outer_budget);
        });
    }
}

/// Drops a child's future where it is, and ends it as cancelled.
fn kill(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: the callers' cell is alive, and nobody else frees it: NESTED-POLL.
    let header = unsafe { task.as_ref() };
    debug_assert!(!header.has(DONE));
    let Some(block) = header.block.get() else { return };
    // Finishes even if the destructor panics.
    struct Finish(NonNull<Header>, NonNull<Children>);
    impl Drop for Finish {
        fn drop(&mut self) {
            finish(self.0, self.1);
        }
    }
    let who = hooks::is_on().then(|| info(task));
    if let Some(who) = who {
        hooks::before_cancel(who);
    }
    let reason = with(|state| {
        // SAFETY: the nursery is alive: NESTED-POLL.
        let kids = unsafe { children.as_ref() };
        if header.node.has(CUT_OFF) && !kids.node.has(CANCELLED) {
            kids.cut_short.set(true);
        }
        state.reason_at(task.as_ptr().cast_const().cast())
    });
    header.reason.set(reason.unwrap_or(Reason::Requested).code());
    header.set(KILLED);
    let finish = Finish(task, children);
    if header.has(FUTURE) {
        let _current = with(|state| Current::new(state, task, block));
        // SAFETY: FUTURE says that it is there; NESTED-POLL: only its nursery calls `kill`, and
        // not from inside the child's poll.
        unsafe { (header.vtable.drop_future)(task) };
    }
    drop(finish);
    if let Some(who) = who {
        hooks::after_cancel(who);
    }
}

/// A child is over: counts, wakes its awaiter, frees the cell if nobody needs it.
fn finish(task: NonNull<Header>, children: NonNull<Children>) {
    // SAFETY: both alive: NESTED-POLL.
    let (header, kids) = unsafe { (task.as_ref(), children.as_ref()) };
    let who = hooks::is_on().then(|| info(task));
    header.set(DONE);
    let (awaiter, foreign) = with(|state| {
        kids.running.set(kids.running.get() - 1);
        if !header.has(DAEMON) {
            kids.keeping.set(kids.keeping.get() - 1);
        }
        let waker = header.node.waker.take();
        let awaiter = match waker.as_ref().and_then(|waker| waker::block_of(state, waker)) {
            Some(block) => state.wake_block(block),
            None => waker,
        };
        let foreign = state.retire(&header.node);
        let queued = header.block.get().is_some_and(|block| block.has(QUEUED));
        if queued || header.has(HANDLE) {
            // Stays where the end of the nursery finds it.
            drop_none(state.relink(task.as_ptr().cast_const().cast(), children.as_ptr().cast()));
        }
        (awaiter, foreign)
    });
    // The cell first: what is called after this may panic.
    free(task, children);
    if let Some(who) = who {
        hooks::exited(who);
    }
    for waker in [awaiter, foreign].into_iter().flatten() {
        waker.wake();
    }
}

/// While this lives, the nursery is being polled: the proof that its children may be (NESTED-POLL).
pub(crate) struct Polling<'a> {
    pub(crate) entered: Entered<'a>,
    children: NonNull<Children>,
    /// Entries of the ready list that this pass may still take.
    left: Cell<u32>,
    /// A child was taken already.
    began: Cell<bool>,
    /// Children that were woken later than this wait for the body.
    until: Cell<Option<u32>>,
    /// The child whose code is on the stack.
    current: Cell<Option<NonNull<Header>>>,
    _nursery: PhantomData<&'a Children>,
}

impl<'a> Polling<'a> {
    /// Starts a poll of the nursery.
    #[inline]
    pub(crate) fn new<'scope, 'env: 'scope, E: 'env, S: Storage + 'env>(
        scope: Pin<&'a Scope<'scope, 'env, E, S>>,
        cx: &mut Context<'_>,
    ) -> Self {
        let entered = Entered::new(scope, cx);
        Polling {
            entered,
            children: NonNull::from(scope.get_ref()).cast(),
            left: Cell::new(0),
            began: Cell::new(false),
            until: Cell::new(None),
            current: Cell::new(None),
            _nursery: PhantomData,
        }
    }

    fn children(&self) -> &'a Children {
        // SAFETY: borrowed for `'a`, and a `Scope` starts with it (WHOLE-POINTER).
        unsafe { self.children.as_ref() }
    }

    /// May the body have been woken since it was last polled?
    #[inline]
    pub(crate) fn body_may_be_ready(&self, cx: &Context<'_>) -> bool {
        let count = with(|state| {
            if !waker::is_of_current(state, cx.waker()) {
                return None;
            }
            state.look_at_wakes()
        });
        let Some(count) = count else { return true };
        self.children().seen.replace(count) != count || self.entered.fresh_waker
    }

    /// Was the body's task woken before every child that is still ready?
    #[inline]
    pub(crate) fn body_is_next(&self) -> bool {
        with(|state| {
            let Some(first) = self.children().ready.first() else { return true };
            // SAFETY: STATIC-BLOCKS; the task being polled is alive, and starts with a `Head`.
            let task = unsafe { state.block.get().as_ref().and_then(|b| b.cell.get().cast::<Head>().as_ref()) };
            // SAFETY: a queued block's cell is alive (`free`), and starts with a `Head`.
            let child = unsafe { first.cell.get().cast::<Head>().as_ref() };
            task.zip(child)
                .is_some_and(|(task, child)| (task.queued_at.get().wrapping_sub(child.queued_at.get()) as i32) < 0)
        })
    }

    /// Counts what is ready now: one pass polls that and no more (law FAIR).
    #[inline]
    pub(crate) fn start_pass(&self) {
        self.left.set(with(|_| self.children().ready.len()));
    }

    /// Counts anew, with what the body has spawned, if no child was polled yet.
    #[inline]
    pub(crate) fn start_pass_unless_begun(&self) {
        if !self.began.get() {
            self.start_pass();
        }
    }

    /// Stops the pass at the first child that was woken after the task around the nursery was; the
    /// body's turn comes before it.
    #[inline]
    pub(crate) fn stop_at_the_bodys_turn(&self) {
        self.until.set(Some(with(|state| state.since.get())));
    }

    /// Lets the pass go on to its end.
    #[inline]
    pub(crate) fn go_on(&self) {
        self.until.set(None);
    }

    /// Polls the ready children in the order of their wakes. Stops at a panic, which is returned;
    /// the child that panicked is gone then, and the pass may be continued.
    #[inline]
    pub(crate) fn pass(&self) -> Result<(), Payload> {
        if self.left.get() == 0 {
            return Ok(());
        }
        let result = panics::catch(|| {
            while let Some(task) = self.next() {
                self.step(task);
            }
        });
        if let (Err(_), Some(task)) = (&result, self.current.take()) {
            // What its destructor has to add to the panic is second to it.
            let _ = panics::catch(|| kill(task, self.children));
        }
        result
    }

    /// The next child to poll.
    #[inline]
    fn next(&self) -> Option<NonNull<Header>> {
        loop {
            let block = with(|state| {
                let left = self.left.get();
                // Each nursery that is polled polls at least one child, so that the way down to a
                // deep one doesn't use up the turn.
                if left == 0 || (state.polls_left.get() == 0 && self.began.get()) {
                    return None;
                }
                let ready = &self.children().ready;
                if let Some(until) = self.until.get() {
                    // SAFETY: a queued block's cell is alive (`free`), and starts with a `Head`.
                    let head = unsafe { ready.first()?.cell.get().cast::<Head>().as_ref() }?;
                    if (head.queued_at.get().wrapping_sub(until) as i32) > 0 {
                        return None;
                    }
                }
                self.began.set(true);
                self.left.set(left - 1);
                ready.pop()
            })?;
            let task = NonNull::new(block.cell.get().cast_mut())?.cast::<Header>();
            // SAFETY: a queued block's cell is alive (`free`).
            if !unsafe { task.as_ref() }.has(DONE) {
                return Some(task);
            }
            free(task, self.children);
        }
    }

    /// Polls one child once.
    #[inline]
    fn step(&self, task: NonNull<Header>) {
        // SAFETY: alive: NESTED-POLL.
        let header = unsafe { task.as_ref() };
        let Some(block) = header.block.get() else { return };
        let start = with(|state| {
            state.polls_left.set(state.polls_left.get().saturating_sub(1));
            if header.node.must_drop() {
                return None;
            }
            Some((waker::waker(state, block), Current::new(state, task, block)))
        });
        let Some((waker, current)) = start else { return self.kill(task) };
        self.current.set(Some(task));
        if with(|_| block.take(WOKEN)) {
            hooks::step_begins(|| info(task));
        }
        // SAFETY: not DONE, so FUTURE is set; NESTED-POLL: `self` is the proof.
        let outcome = unsafe { (header.vtable.poll)(task, &mut Context::from_waker(&waker)) };
        drop(current);
        self.current.set(None);
        match outcome {
            Poll::Pending => {
                hooks::step_ends();
                if with(|_| header.node.must_drop()) {
                    self.kill(task);
                }
            }
            Poll::Ready(outcome) => {
                if outcome == Outcome::Error {
                    header.set(KILLED);
                    header.reason.set(Reason::Failed.code());
                }
                let ends_race = self.children().race.get() && !header.has(DAEMON);
                finish(task, self.children);
                if ends_race {
                    self.children().closed.set(true);
                    cancel_children(self.children, Reason::RaceWon);
                }
            }
        }
    }

    fn kill(&self, task: NonNull<Header>) {
        kill(task, self.children);
    }

    /// Cancels the nursery itself.
    pub(crate) fn cancel(&self, reason: Reason) {
        // SAFETY: alive while it is polled, and made from the whole.
        unsafe { Node::cancel(self.children.as_ptr().cast_const().cast(), reason) };
    }

    /// The nursery is cancelled: drops all children but those in which a shield is at work.
    pub(crate) fn drop_idle(&self) -> Result<(), Payload> {
        let mut first_panic = Ok(());
        let node = &self.children().node;
        // Once is enough: a child whose shields end later is woken and dropped in its own turn.
        if self.children().dropped_idle.replace(true) && node.is_active() {
            return first_panic;
        }
        for _ in 0..with(|_| node.count()) {
            let task = with(|_| {
                let first = node.first();
                node.rotate();
                idle_task(first)
            });
            let Some(task) = task else { continue };
            let result = panics::catch(|| self.kill(task));
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        first_panic
    }

    /// Is a shield at work in the body (not in a child)?
    pub(crate) fn body_is_active(&self) -> bool {
        with(|_| {
            let node = &self.children().node;
            (0..node.count()).any(|_| {
                // SAFETY: PINNED: links lead to live nodes.
                let first = unsafe { node.first().as_ref() };
                let found = first.is_some_and(|inner| !inner.has(TASK) && inner.contributes());
                // What was found stays in front, where the next look finds it at once.
                if !found {
                    node.rotate();
                }
                found
            })
        })
    }

    /// Asks for another poll if children are ready.
    #[inline]
    pub(crate) fn requeue(&self) {
        let foreign = with(|state| {
            // In one step with the look at the list: a wake by an interrupt either is seen here, or
            // sees that nobody polls.
            self.entered.node.clear(POLLING);
            if self.children().ready.is_empty() {
                return None;
            }
            match state.up_from(&self.children().node) {
                Ok(block) => state.queue(block),
                Err(foreign) => foreign,
            }
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
    }
}

/// Cancels each child that runs; the nursery itself isn't cancelled.
fn cancel_children(children: NonNull<Children>, reason: Reason) {
    // SAFETY: the callers' nursery is alive, though a foreign waker may have ended its children.
    let node = &unsafe { children.as_ref() }.node;
    for _ in 0..with(|_| node.count()) {
        let task = with(|_| {
            let first = node.first();
            node.rotate();
            running_task(first)
        });
        if let Some(task) = task {
            // SAFETY: alive: just found in the list; a whole cell's pointer.
            unsafe { Node::cancel(task.as_ptr().cast_const().cast(), reason) };
        }
    }
}

impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scope<'scope, 'env, E, S> {
    /// Cancels the nursery itself.
    pub(crate) fn cancel_self(&self, reason: Reason) {
        // SAFETY: alive, pinned by `nursery` before anyone sees it, and made from the whole.
        unsafe { Node::cancel(ptr::from_ref(self).cast(), reason) };
    }

    /// Why the nursery takes no more children.
    pub(crate) fn closing_reason(&self) -> Reason {
        with(|state| state.reason_at(ptr::from_ref(self).cast())).unwrap_or(Reason::RaceWon)
    }

    /// Cancels each child that runs.
    pub(crate) fn cancel_each_child(&self, reason: Reason) {
        cancel_children(NonNull::from(self).cast(), reason);
    }
}

/// The task that this node starts, if it is one that may be dropped now.
fn idle_task(node: *const Node) -> Option<NonNull<Header>> {
    let task = running_task(node)?;
    // SAFETY: see there.
    if unsafe { task.as_ref() }.node.is_active() { None } else { Some(task) }
}

/// The task that this node starts, if it is one and not over.
fn running_task(node: *const Node) -> Option<NonNull<Header>> {
    let node = NonNull::new(node.cast_mut())?;
    // SAFETY: PINNED: the callers take it from a list.
    if !unsafe { node.as_ref() }.has(TASK) {
        return None;
    }
    // SAFETY: a task's node starts its header (WHOLE-POINTER).
    let header = unsafe { node.cast::<Header>().as_ref() };
    if header.has(DONE) { None } else { Some(node.cast()) }
}

/// Ends a nursery that is dropped: at the end of its future, or with it. Each child is dropped,
/// even if destructors panic.
pub(crate) struct Close<'scope>(&'scope Children, NonNull<Children>);

impl<'scope> Close<'scope> {
    pub(crate) fn new<'env, E, S>(scope: &'scope Scope<'scope, 'env, E, S>) -> Self {
        Close(scope.children(), NonNull::from(scope).cast())
    }
}

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let children = self.0;
        if children.closed.get() && children.node.first().is_null() && children.ready.is_empty() {
            return;
        }
        children.closed.set(true);
        // The destructors run inside the code that drops the nursery, not where it was last polled:
        // else one that polls a scope from there would make a cycle of the tree.
        let foreign = with(|state| {
            let outer = state.node.get();
            if children.node.parent.get() == outer {
                return None;
            }
            state.relink(self.1.as_ptr().cast_const().cast(), outer)
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
        let mut first_panic = Ok(());
        // Without `std` a panic can't be caught: the rest is dropped while it unwinds.
        struct Rest<'a>(&'a Close<'a>);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                drop(Close(self.0.0, self.0.1));
            }
        }
        let rest = Rest(self);
        while children.running.get() > 0 {
            let task = with(|_| {
                let first = children.node.first();
                children.node.rotate();
                running_task(first)
            });
            let Some(task) = task else { continue };
            let result = panics::catch(|| kill(task, self.1));
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        while let Some(block) = with(|_| children.ready.pop()) {
            if let Some(task) = NonNull::new(block.cell.get().cast_mut()) {
                free(task.cast(), self.1);
            }
        }
        // What is left is over, but has a handle. Results first: a handle in one of them is the last
        // that may look at another cell.
        let find = |wanted: fn(&Header) -> bool| {
            with(|_| {
                let node = &children.node;
                (0..node.count()).find_map(|_| {
                    let first = NonNull::new(node.first().cast_mut())?;
                    node.rotate();
                    // SAFETY: PINNED.
                    if !unsafe { first.as_ref() }.has(TASK) {
                        return None;
                    }
                    let task = first.cast::<Header>();
                    // SAFETY: as above; a task's node starts its header (WHOLE-POINTER).
                    wanted(unsafe { task.as_ref() }).then_some(task)
                })
            })
        };
        while let Some(task) = find(|header| header.has(OUTPUT)) {
            // SAFETY: alive: in the list; OUTPUT says that it is there.
            let result = panics::catch(|| unsafe { (task.as_ref().vtable.drop_output)(task) });
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        // Handles that were forgotten: `'scope` ends here.
        while let Some(task) = find(|_| true) {
            // SAFETY: alive: in the list.
            unsafe { task.as_ref() }.clear(HANDLE);
            let result = panics::catch(|| free(task, self.1));
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        core::mem::forget(rest);
        if let Err(payload) = first_panic {
            panics::resume_unless_panicking(payload);
        }
    }
}

/// What a [`Task`](crate::Task) is made of: keeps the cell. `T` is the type that the child was
/// spawned with, since only `spawn` makes one.
pub(crate) struct Handle<T>(NonNull<Header>, PhantomData<T>);

impl<T> Handle<T> {
    fn header(&self) -> &Header {
        // SAFETY: HANDLE keeps the cell.
        unsafe { self.0.as_ref() }
    }

    /// Is it over? Else the waker is kept for when it will be.
    pub(crate) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<()> {
        let header = self.header();
        if header.has(DONE) {
            return Poll::Ready(());
        }
        waker::keep(&header.node.waker, cx.waker());
        Poll::Pending
    }

    /// The result of a child that is over; the reason, if it was cancelled or has failed.
    pub(crate) fn take(&self) -> Result<T, Reason> {
        let header = self.header();
        if !header.has(OUTPUT) {
            return Err(Reason::from_code(header.reason.get()));
        }
        header.clear(OUTPUT);
        // SAFETY: the place lies at that offset of the cell, and OUTPUT says that a `T` is in it.
        Ok(unsafe { self.0.byte_add(header.vtable.output).cast::<T>().read() })
    }

    pub(crate) fn cancel(&self) {
        if !self.header().has(DONE) {
            // SAFETY: alive, and made from the whole cell.
            unsafe { Node::cancel(self.0.as_ptr().cast_const().cast(), Reason::Requested) };
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.header().has(DONE)
    }

    pub(crate) fn id(&self) -> TaskId {
        self.header().id()
    }

    pub(crate) fn name(&self) -> &'static str {
        info(self.0).name
    }

    pub(crate) fn status(&self) -> Status {
        let header = self.header();
        if header.has(DONE) {
            return if header.has(KILLED) { Status::Cancelled } else { Status::Finished };
        }
        if header.node.has(POLLING) {
            return Status::Running;
        }
        if with(|_| header.node.is_cancelled()) {
            return Status::Cancelling;
        }
        match header.block.get() {
            Some(block) if block.has(QUEUED) => Status::Ready,
            _ => Status::Waiting,
        }
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let header = self.header();
        header.clear(HANDLE);
        if header.has(DONE) {
            // SAFETY: a cell that is over and has a handle stays linked under its nursery, made
            // from the whole; and `'scope` has not ended, or we would not be dropped.
            let children = header.node.parent.get().cast_mut().cast::<Children>();
            if let Some(children) = NonNull::new(children) {
                free(self.0, children);
            }
        } else {
            drop(with(|_| header.node.waker.take()));
        }
    }
}

// SAFETY: `repr(C)`, and `Children`, which starts with a node, comes first; a `Scope` is handed
// out only pinned, by `nursery`.
unsafe impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scoped for Scope<'scope, 'env, E, S> {}

impl core::fmt::Debug for Children {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Children").field("running", &self.running.get()).finish_non_exhaustive()
    }
}
