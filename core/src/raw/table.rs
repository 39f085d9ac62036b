//! The table of a thread: its control blocks by number, in leaked chunks that double in size.
//!
//! A chunk never moves and is never freed (STATIC-BLOCKS), so a reference to a block stays good,
//! and another thread may look a block up while the owner adds chunks. When a thread ends with
//! no task alive, the next new thread takes its table over.

use alloc::boxed::Box;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::block::Block;
#[cfg(feature = "std")]
use super::inbox::{Bits, Pending};

/// Blocks in the first chunk; a multiple of the width of a word.
pub(super) const FIRST: usize = 64;

/// How many bits of a waker name the slot.
///
/// Slots are numbered from `FIRST` on, so that the highest bit of a number says in which chunk the slot lies and the
/// bits below it where: a number of this form lies in its chunk, whatever it is.
#[cfg(target_pointer_width = "64")]
pub(crate) const SLOT_BITS: u32 = 28;
/// How many bits of a waker name the slot.
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const SLOT_BITS: u32 = 18;

/// How many bits of a waker name the generation, above slot and thread.
#[cfg(target_pointer_width = "64")]
const GENERATION_BITS: u32 = 24;
/// How many bits of a waker name the generation, above slot and thread.
#[cfg(not(target_pointer_width = "64"))]
const GENERATION_BITS: u32 = 8;

/// How many bits of a waker name the thread, above the slot.
pub(crate) const THREAD_BITS: u32 = usize::BITS - SLOT_BITS - GENERATION_BITS;

/// What a name grows by from one task in a slot to the next.
pub(crate) const GENERATION: usize = 1 << (SLOT_BITS + THREAD_BITS);

const CHUNKS: usize = SLOT_BITS as usize;

/// How many blocks there can be on one thread.
pub(crate) const CAPACITY: usize = (1 << SLOT_BITS) - FIRST;

/// The slot that a name says.
#[inline]
pub(crate) const fn slot_of(name: usize) -> usize {
    name & ((1 << SLOT_BITS) - 1)
}

/// The thread that a name says.
#[cfg(feature = "std")]
#[inline]
pub(crate) const fn thread_of(name: usize) -> usize {
    (name >> SLOT_BITS) & ((1 << THREAD_BITS) - 1)
}

/// In which chunk a slot lies. The first chunks, of slots below `FIRST`, don't exist.
#[inline]
const fn chunk_of(slot: usize) -> usize {
    (slot | 1).ilog2() as usize
}

/// How many blocks a chunk has, which is also the number of its first slot.
const fn chunk_size(chunk: usize) -> usize {
    1 << chunk
}

/// One thread's control blocks.
pub(crate) struct Table {
    thread: usize,
    chunks: [AtomicPtr<Block>; CHUNKS],
    /// The slot that will be used for the first time next.
    fresh: Cell<usize>,
    free: Cell<*const Block>,
    live: Cell<u32>,
    #[cfg(feature = "std")]
    remote: Remote,
}

// SAFETY: the cells are touched by the owner alone (ONE-CONTEXT), and so are the blocks but for
// their names; `chunks` and `remote` are atomic. A table changes hands under a lock.
unsafe impl Sync for Table {}
// SAFETY: as above.
unsafe impl Send for Table {}

/// Where the owner looks blocks up: for each chunk the place where its slot 0 would lie, null for one that doesn't
/// exist. It is a part of [`State`](super::state::State), so that a wake has no table to go through.
pub(crate) struct Index([Cell<*const Block>; CHUNKS]);

impl Index {
    pub(crate) const fn new() -> Self {
        Index([const { Cell::new(ptr::null()) }; CHUNKS])
    }

    /// The block that a name of this thread says, unless the name is stale or another thread's.
    #[inline]
    pub(crate) fn find(&self, name: usize) -> Option<&'static Block> {
        let slot = slot_of(name);
        let zero = self.0[chunk_of(slot)].get();
        if zero.is_null() {
            return None;
        }
        let at = zero.wrapping_add(slot);
        // SAFETY: STATIC-BLOCKS; the chunk exists, and a slot lies within the chunk that its highest bit says.
        let block: &'static Block = unsafe {
            core::hint::assert_unchecked(!at.is_null()); // the compiler forgets it, and looks again
            &*at
        };
        if block.name() == name { Some(block) } else { None }
    }

    fn add(&self, chunk: usize, first: *const Block) {
        self.0[chunk].set(first.wrapping_sub(chunk_size(chunk)));
    }

    #[cfg(feature = "std")]
    fn clear(&self) {
        self.0.iter().for_each(|zero| zero.set(ptr::null()));
    }
}

impl Table {
    fn new(thread: usize) -> Self {
        Table {
            thread,
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
            fresh: Cell::new(FIRST),
            free: Cell::new(ptr::null()),
            live: Cell::new(0),
            #[cfg(feature = "std")]
            remote: Remote::new(),
        }
    }

    /// The block of a slot that was handed out at some time; `None` for a number never used.
    #[cfg(feature = "std")]
    fn block(&self, slot: usize) -> Option<&'static Block> {
        let chunk = chunk_of(slot);
        let first = self.chunks[chunk].load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: STATIC-BLOCKS; a slot lies within the chunk that its highest bit says.
        Some(unsafe { &*first.add(slot - chunk_size(chunk)) })
    }

    /// A free block, or `None` when all numbers are in use.
    #[inline]
    pub(crate) fn claim(&self, index: &Index) -> Option<&'static Block> {
        // SAFETY: STATIC-BLOCKS; the list holds blocks of this table.
        let block: &'static Block = match unsafe { self.free.get().as_ref() } {
            Some(block) => {
                self.free.set(block.next.get());
                block
            }
            None => self.fresh(index)?,
        };
        self.live.set(self.live.get() + 1);
        Some(block)
    }

    #[cold]
    fn fresh(&self, index: &Index) -> Option<&'static Block> {
        let slot = self.fresh.get();
        let chunk = chunk_of(slot);
        let place = self.chunks.get(chunk)?;
        if place.load(Ordering::Relaxed).is_null() {
            let blocks = Box::<[Block]>::new_zeroed_slice(chunk_size(chunk));
            // SAFETY: null pointers and zeros are what `Block::new` makes. Pages that no task has used yet are thus
            // not even touched.
            let first = Box::leak(unsafe { blocks.assume_init() }).as_mut_ptr();
            #[cfg(feature = "std")]
            self.remote.add_chunk(chunk);
            place.store(first, Ordering::Release);
            index.add(chunk, first);
        }
        self.fresh.set(slot + 1);
        // SAFETY: STATIC-BLOCKS; a slot lies within the chunk that its highest bit says.
        let block: &'static Block = unsafe { &*place.load(Ordering::Relaxed).add(slot - chunk_size(chunk)) };
        block.christen((self.thread << SLOT_BITS) | slot);
        Some(block)
    }

    /// Takes a released block back.
    #[inline]
    pub(crate) fn release(&'static self, block: &'static Block) {
        block.next.set(self.free.replace(block));
        self.live.set(self.live.get() - 1);
        #[cfg(feature = "std")]
        if self.live.get() == 0 && self.remote.ownerless.load(Ordering::Relaxed) {
            self.retire();
        }
    }

    /// How many blocks are in use.
    pub(crate) fn live(&self) -> u32 {
        self.live.get()
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::*;

    /// The one table of the program.
    pub(crate) fn create() -> Option<&'static Table> {
        Some(Box::leak(Box::new(Table::new(0))))
    }
}

#[cfg(feature = "std")]
mod imp {
    use super::*;
    use crate::fault::fault;
    use crate::panics::{self, First};
    use crate::raw::foreign;
    use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use core::task::Waker;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::thread::{self, ThreadId};
    use std::vec::Vec;

    /// How many threads there can be with a table.
    pub(crate) const THREADS: usize = 1 << THREAD_BITS;

    /// All tables by thread number, for wakes from other threads and from signal handlers: no
    /// lock is taken on that way.
    static TABLES: [AtomicPtr<Table>; THREADS] = [const { AtomicPtr::new(ptr::null_mut()) }; THREADS];
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    /// Tables whose thread has ended.
    static RETIRED: Mutex<Vec<&'static Table>> = Mutex::new(Vec::new());
    /// Tables whose thread is ending or has ended, with tasks alive.
    static LEAVING: Mutex<Vec<(ThreadId, &'static Table)>> = Mutex::new(Vec::new());

    /// What other threads touch of a table.
    pub(super) struct Remote {
        bits: [AtomicPtr<Bits>; CHUNKS],
        pub(super) pending: Pending,
        notify: AtomicPtr<Waker>,
        /// How many threads are calling `notify` right now.
        callers: AtomicUsize,
        /// Which runtime's waker `notify` is.
        notify_of: Cell<*const ()>,
        /// What `notify` was, and what a thread may be calling still. The owner's.
        former: Cell<Vec<*mut Waker>>,
        /// Tasks of other executors that poll nurseries on this thread.
        executors: Mutex<Vec<Waker>>,
        /// The thread has ended, with tasks alive: the table retires when they are gone.
        pub(super) ownerless: AtomicBool,
    }

    /// How many tasks of other executors are kept; then all are woken, and come again if they live.
    const EXECUTORS: usize = 256;

    impl Remote {
        pub(super) fn new() -> Self {
            Remote {
                bits: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
                pending: Pending::new(),
                notify: AtomicPtr::new(ptr::null_mut()),
                callers: AtomicUsize::new(0),
                notify_of: Cell::new(ptr::null()),
                former: Cell::new(Vec::new()),
                executors: Mutex::new(Vec::new()),
                ownerless: AtomicBool::new(false),
            }
        }

        pub(super) fn add_chunk(&self, chunk: usize) {
            let words = chunk_size(chunk) / Bits::WIDTH;
            let bits: Box<[Bits]> = (0..words).map(|_| Bits::new()).collect();
            self.bits[chunk].store(Box::leak(bits).as_mut_ptr(), Ordering::Release);
        }

        /// The word that holds the bit of a slot whose chunk exists.
        fn word(&self, slot: usize) -> Option<(&'static Bits, usize)> {
            let chunk = chunk_of(slot);
            let offset = slot - chunk_size(chunk);
            let first = self.bits[chunk].load(Ordering::Acquire);
            if first.is_null() {
                return None;
            }
            // SAFETY: STATIC-BLOCKS holds for the words as well: leaked, one for `WIDTH` blocks.
            Some((unsafe { &*first.add(offset / Bits::WIDTH) }, offset % Bits::WIDTH))
        }

        fn notify_runtime(&self) {
            struct Caller<'a>(&'a AtomicUsize);
            impl Drop for Caller<'_> {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, SeqCst);
                }
            }
            self.callers.fetch_add(1, SeqCst);
            let caller = Caller(&self.callers);
            // SAFETY: the waker is freed only after `callers` was seen at 0 with the pointer
            // already taken away (`set_notify`); we are counted since before the load.
            if let Some(waker) = unsafe { self.notify.load(SeqCst).as_ref() } {
                waker.wake_by_ref();
            }
            drop(caller);
        }

        fn notify_executors(&self) {
            let executors = self.take_executors();
            let _held = fault!("executors-woken-under-the-lock").then(|| self.executors());
            foreign::wake_all(executors);
        }

        /// Under the lock they are only moved: cloning, waking and dropping one is its executor's code, which may wait for
        /// this very thread.
        fn executors(&self) -> MutexGuard<'_, Vec<Waker>> {
            self.executors.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn take_executors(&self) -> Vec<Waker> {
            core::mem::take(&mut *self.executors())
        }
    }

    impl Table {
        /// Sets what ends the owner's wait when another thread wakes a task.
        ///
        /// Another thread may be calling the old one, which may wait for this thread: so it is not waited for, and freed
        /// the next time that nobody calls.
        pub(crate) fn set_notify(&self, waker: Option<Waker>) {
            let new = waker.map_or(ptr::null_mut(), |waker| Box::into_raw(Box::new(waker)));
            let old = self.remote.notify.swap(new, SeqCst);
            let mut former = self.remote.former.take();
            if !old.is_null() {
                former.push(old);
            }
            if self.remote.callers.load(SeqCst) != 0 {
                return self.remote.former.set(former);
            }
            let mut first = First::new();
            for old in former {
                // SAFETY: made by `Box::into_raw` above; it was taken away before the look at `callers`, so no caller can
                // still see it.
                first.catch(|| drop(unsafe { Box::from_raw(old) }));
            }
            first.resume();
        }

        /// The same for a runtime that begins its turn.
        #[inline]
        pub(crate) fn set_notify_of(&self, runtime: *const (), notify: &Option<Waker>) {
            if self.remote.notify_of.get() != runtime {
                self.set_another_notify(runtime, notify);
            }
        }

        #[cold]
        fn set_another_notify(&self, runtime: *const (), notify: &Option<Waker>) {
            let notify = notify.clone();
            self.remote.notify_of.set(runtime);
            self.set_notify(notify);
        }

        /// The runtime is gone.
        pub(crate) fn forget_notify_of(&self, runtime: *const ()) {
            if self.remote.notify_of.get() == runtime {
                self.remote.notify_of.set(ptr::null());
                self.set_notify(None);
            }
        }

        /// A task of another executor polls a nursery: wakes from other threads have to reach it.
        pub(crate) fn add_executor(&self, waker: &Waker) {
            if self.remote.executors().iter().rev().take(16).any(|known| known.will_wake(waker)) {
                return;
            }
            let new = waker.clone();
            let count = {
                let mut executors = self.remote.executors();
                executors.push(new);
                executors.len()
            };
            if count > EXECUTORS {
                self.remote.notify_executors();
            }
        }

        /// Gives the table to the next thread that needs one.
        pub(super) fn retire(&'static self) {
            self.remote.ownerless.store(false, Ordering::Relaxed);
            leaving(|tables| tables.retain(|(_, table)| !ptr::eq(*table, self)));
            crate::raw::port::with(|state| state.forget_table());
            RETIRED.lock().unwrap_or_else(PoisonError::into_inner).push(self);
        }

        /// Has another thread woken something?
        pub(crate) fn is_pending(&self) -> bool {
            self.remote.pending.is_set()
        }

        /// Takes the wakes of other threads: calls `wake` for each block.
        #[inline]
        pub(crate) fn take_remote(&self, wake: impl FnMut(&'static Block)) {
            if self.remote.pending.take() {
                self.take_bits(wake);
            }
        }

        #[inline(never)]
        fn take_bits(&self, mut wake: impl FnMut(&'static Block)) {
            // If a foreign waker panics in between, the rest isn't forgotten.
            struct Rest<'a>(&'a Table);
            impl Drop for Rest<'_> {
                fn drop(&mut self) {
                    self.0.remote.pending.set();
                }
            }
            let rest = Rest(self);
            for start in (FIRST..self.fresh.get()).step_by(Bits::WIDTH) {
                let Some((word, _)) = self.remote.word(start) else { break };
                while let Some(bit) = word.take_one() {
                    if let Some(block) = self.block(start | bit) {
                        wake(block);
                    }
                }
            }
            core::mem::forget(rest);
        }
    }

    /// Posts a wake to another thread's inbox. Harmless when all is gone.
    pub(crate) fn wake_remote(name: usize) {
        if let Some(remote) = post(name) {
            let mut first = First::new();
            first.catch(|| remote.notify_runtime());
            first.catch(|| remote.notify_executors());
            first.resume();
        }
    }

    /// The same with nothing but atomics and the runtime's own notifier, so that a signal handler
    /// may do it.
    pub(crate) fn wake_by_signal(name: usize) {
        if let Some(remote) = post(name) {
            remote.notify_runtime();
        }
    }

    /// Sets the bit of a block, unless the name is stale. Who must be notified?
    fn post(name: usize) -> Option<&'static Remote> {
        // SAFETY: null or a leaked table.
        let table: &'static Table = unsafe { TABLES[thread_of(name)].load(Ordering::Acquire).as_ref() }?;
        let slot = slot_of(name);
        if table.block(slot)?.name() != name {
            return None;
        }
        let (word, bit) = table.remote.word(slot)?;
        word.post(bit, &table.remote.pending).then_some(&table.remote)
    }

    fn leaving<R>(look: impl FnOnce(&mut Vec<(ThreadId, &'static Table)>) -> R) -> R {
        look(&mut LEAVING.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The table that this thread has had all the time.
    ///
    /// Where thread-locals are kept by keys of the operating system (Windows with the GNU toolchain, OpenBSD, Android,
    /// illumos), they are all freed when a thread ends, in any order, and a destructor that asks for one again
    /// gets a new one. The thread's [`State`](super::super::state::State) may forget its table this way, but
    /// must not get another: there are tasks in this one.
    fn former() -> Option<&'static Table> {
        if let Ok(Some((_, table))) = RETIRE.try_with(|retire| retire.0.get()) {
            return Some(table);
        }
        leaving(|tables| {
            if tables.is_empty() {
                return None;
            }
            let this = thread::current().id();
            tables.iter().find(|(thread, _)| *thread == this).map(|(_, table)| *table)
        })
    }

    /// A table for this thread: the one it had, one of a thread that has ended, or a new one. `None`: all numbers of
    /// threads are in use.
    pub(crate) fn create() -> Option<&'static Table> {
        if let Some(table) = former() {
            return Some(table);
        }
        let retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let table = match retired {
            Some(table) => table,
            None => {
                let thread = COUNT.fetch_add(1, SeqCst);
                let place = TABLES.get(thread)?;
                let table: &'static Table = Box::leak(Box::new(Table::new(thread)));
                place.store(ptr::from_ref(table).cast_mut(), Ordering::Release);
                table
            }
        };
        let owned = (thread::current().id(), table);
        // Fails while the thread ends: then it retires with its last task.
        if RETIRE.try_with(|retire| retire.0.set(Some(owned))).is_err() {
            leaving(|tables| tables.push(owned));
            table.remote.ownerless.store(true, Ordering::Relaxed);
        }
        Some(table)
    }

    struct Retire(Cell<Option<(ThreadId, &'static Table)>>);

    std::thread_local! {
        static RETIRE: Retire = const { Retire(Cell::new(None)) };
    }

    impl Drop for Retire {
        fn drop(&mut self) {
            let Some((thread, table)) = self.0.get() else { return };
            leaving(|tables| tables.push((thread, table)));
            crate::raw::port::with(|state| state.spare.close());
            table.remote.notify_of.set(ptr::null());
            // Foreign wakers are dropped, and a panic here would end the process.
            panics::is_fine(|| table.set_notify(None));
            for executor in table.remote.take_executors() {
                panics::is_fine(|| drop(executor));
            }
            if table.live() == 0 {
                table.retire();
            } else {
                // Tasks in other thread-locals, or forgotten.
                table.remote.ownerless.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(feature = "std")]
use imp::Remote;
use imp::create;
#[cfg(feature = "std")]
pub(crate) use imp::{THREADS, wake_by_signal, wake_remote};

impl super::state::State {
    /// This thread's table, made when first needed.
    ///
    /// # Panics
    /// If there are too many.
    #[inline]
    pub(crate) fn table(&self) -> &'static Table {
        match self.table.get() {
            Some(table) => table,
            None => self.create_table_or_panic(),
        }
    }

    #[cold]
    fn create_table_or_panic(&self) -> &'static Table {
        match self.create_table() {
            Some(table) => table,
            #[cfg(feature = "std")]
            None => panic!("giambio: {}", crate::runtime::TooManyThreads(())),
            #[cfg(not(feature = "std"))]
            None => unreachable!("there is one for all threads"),
        }
    }

    /// The same; `None` if there are too many.
    #[cfg(feature = "std")]
    pub(crate) fn try_table(&self) -> Option<&'static Table> {
        self.table.get().or_else(|| self.create_table())
    }

    fn create_table(&self) -> Option<&'static Table> {
        let table = create()?;
        for (chunk, first) in table.chunks.iter().enumerate() {
            let first = first.load(Ordering::Relaxed);
            if !first.is_null() {
                self.index.add(chunk, first);
            }
        }
        self.table.set(Some(table));
        Some(table)
    }

    /// Is this a name of this thread, be it stale?
    #[cfg(feature = "std")]
    pub(crate) fn is_mine(&self, name: usize) -> bool {
        self.table.get().is_some_and(|table| table.thread == thread_of(name))
    }

    /// The thread ends and gives its table away.
    #[cfg(feature = "std")]
    fn forget_table(&self) {
        self.table.set(None);
        self.index.clear();
    }
}
