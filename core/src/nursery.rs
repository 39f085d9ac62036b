//! Nurseries: a scope that owns its children, and ends when all of them have ended.
//!
//! The children are polled inside the nursery's own poll and nowhere else (law NESTED-POLL). That
//! is why they may borrow what lives outside the nursery; and the price: they run concurrently,
//! not in parallel, and only while somebody polls the nursery.
//!
//! The first error, of a child or of the body, cancels the rest and is what the caller gets (law
//! NOTHING-LOST). A panic does the same, and then goes on in the caller.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::poll_cut_short;
use crate::debugger::Event;
use crate::errors::Others;
use crate::fault::fault;
use crate::gate;
use crate::kernel::emit::{self as hooks, Told};
use crate::kernel::in_place::clear;
use crate::kernel::nursery::cell::{NurseryCell, Owner};
use crate::kernel::nursery::drive::{Body, Driven, drive};
use crate::kernel::nursery::teardown::Close;
use crate::kernel::task::header::TaskRef;
use crate::panics::{self, Payload};
use crate::reason::{Cancelled, Reason};
use crate::storage::{Heap, Storage};
use crate::task_info::{ErrorText, TaskError};

/// A nursery, as its body and its children see it: `n`.
///
/// People write the alias, [`Nursery`]: `async fn serve(n: Nursery<'_, '_, MyError>)`.
///
/// * `'scope`: as long as the nursery lives; children and handles live in it;
/// * `'env`: what is outside; children may borrow from it;
/// * `E`: the error of the children and the body;
/// * `S`: where the children live.
pub struct Scope<'scope, 'env: 'scope, E: 'env, S: 'env = Heap> {
    cell: NurseryCell<'scope, Books<'env, E, S>>,
    scope: PhantomData<(&'scope mut &'scope (), &'env mut &'env ())>,
}

/// What a nursery keeps for its caller.
pub(crate) struct Books<'env, E, S> {
    storage: S,
    failure: Cell<Option<E>>,
    panic: Cell<Option<Payload>>,
    others: Others<'env, E>,
}

type Nest<'n, 'env, E, S> = NurseryCell<'n, Books<'env, E, S>>;

/// A reference to a [`Scope`]: what a nursery's body is given, and what it hands to children.
///
/// Children borrow for `'env`, or longer. So a method whose children use `self` says that `self` lives that long; with
/// `Nursery<'_, '_, E>` it does not compile, and what the compiler advises then fails at the caller (E0521).
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use core::cell::Cell;
/// use giambio_core::{Nursery, nursery};
/// use std::io;
///
/// #[derive(Default)]
/// struct Server {
///     served: Cell<u32>,
/// }
///
/// impl Server {
///     fn start<'env>(&'env self, n: Nursery<'_, 'env, io::Error>) {
///         n.spawn(self.serve());
///     }
///
///     async fn serve(&self) -> io::Result<()> {
///         Ok(self.served.set(self.served.get() + 1))
///     }
/// }
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result: io::Result<()> = pin!(Runtime::new(&clock, async {
/// let server = Server::default(); // outside of the nursery
/// nursery(async |n| {
///     server.start(n);
///     Ok(())
/// })
/// .await?;
/// assert_eq!(server.served.get(), 1);
/// # Ok(()) })).run(&mut |_| {});
/// # result.unwrap();
/// ```
pub type Nursery<'scope, 'env, E, S = Heap> = &'scope Scope<'scope, 'env, E, S>;

impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scope<'scope, 'env, E, S> {
    fn new(storage: S, others: Others<'env, E>) -> Self {
        let books = Books { storage, failure: Cell::new(None), panic: Cell::new(None), others };
        Scope { cell: NurseryCell::new(books), scope: PhantomData }
    }

    pub(crate) fn cell(&self) -> &Nest<'scope, 'env, E, S> {
        &self.cell
    }

    pub(crate) fn storage(&self) -> &S {
        &self.cell.owner.storage
    }

    /// Ends the nursery with an error, as if a child had failed with it.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::{nursery, checkpoint};
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), &str> =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| {
    ///     n.fail("no power");
    ///     checkpoint().await; // the body is dropped here
    ///     Ok(())
    /// })
    /// .await
    /// # })).run(&mut |_| {});
    /// # assert_eq!(result, Err("no power"));
    /// ```
    pub fn fail(&'scope self, error: E) {
        self.cell.record(error);
    }

    /// Cancels the nursery, body and children: it ends with [`Cancelled`] as its error, unless it
    /// has failed before. To end it without an error, let the body return after
    /// [`cancel_children`](Scope::cancel_children).
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::{Cancelled, Reason, nursery};
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), Cancelled> =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| {
    ///     n.spawn(async { n.cancel(); Ok(()) });
    ///     core::future::pending().await
    /// })
    /// .await
    /// # })).run(&mut |_| {});
    /// # assert_eq!(result, Err(Cancelled { reason: Reason::Requested }));
    /// ```
    pub fn cancel(&'scope self)
    where
        E: From<Cancelled>,
    {
        let failure = &self.cell.owner.failure;
        match failure.take() {
            None => failure.set(Some(Cancelled { reason: Reason::Requested }.into())),
            first => failure.set(first),
        }
        self.cell.cancel(Reason::Requested);
    }

    /// Cancels the children there are now. The body goes on, and may spawn others.
    pub fn cancel_children(&'scope self) {
        self.cell.cancel_children(Reason::Requested);
    }

    /// Makes the nursery a race: when the first child (no daemon) ends by itself, the others are
    /// cancelled, and no more can be spawned. The body goes on; it has the handles.
    ///
    /// A child that fails has ended by itself, too: the nursery fails then. Where the first *success* is to win, as in the
    /// second example, children keep their errors to themselves, and the one that succeeds cancels the others.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, Until, VirtualClock};
    /// use core::time::Duration;
    /// use giambio_core::{Cancelled, nursery, sleep};
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), Cancelled> =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| {
    ///     n.race();
    ///     for server in 1..=3 {
    ///         n.spawn(async move {
    ///             sleep(Duration::from_secs(server)).await; // ask that server
    ///             Ok(())
    ///         });
    ///     }
    ///     Ok(()) // the nursery ends after one second
    /// })
    /// .await
    /// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
    /// # assert_eq!(result, Ok(()));
    /// ```
    ///
    /// The first success; without one, the last error:
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use core::cell::RefCell;
    /// use giambio_core::{Cancelled, checkpoint, nursery};
    ///
    /// async fn ask(server: u8) -> Result<u8, String> {
    ///     checkpoint().await;
    ///     if server < 3 { Err("refused".into()) } else { Ok(server) }
    /// }
    ///
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # pin!(Runtime::new(&clock, async {
    /// let outcome = RefCell::new(Err("nobody was asked".into()));
    /// let _: Result<(), Cancelled> = nursery(async |n| {
    ///     for server in 1..=4 {
    ///         let outcome = &outcome;
    ///         n.spawn(async move {
    ///             let answer = ask(server).await;
    ///             if answer.is_ok() {
    ///                 n.cancel_children(); // this one too, but it waits for nothing more
    ///             }
    ///             let mut outcome = outcome.borrow_mut();
    ///             if outcome.is_err() {
    ///                 *outcome = answer;
    ///             }
    ///             Ok(())
    ///         });
    ///     }
    ///     Ok(())
    /// })
    /// .await;
    /// assert_eq!(outcome.into_inner(), Ok(3));
    /// # })).run(&mut |_| {});
    /// ```
    pub fn race(&self) {
        self.cell.children().race.set(true);
    }

    /// Sets where the second and later errors go. Without it, or a
    /// [group](crate::nursery_group), they are dropped, and only the debugger is told.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use core::cell::Cell;
    /// use giambio_core::nursery;
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), u8> =
    /// # pin!(Runtime::new(&clock, async {
    /// let second = Cell::new(0);
    /// let log = |error| second.set(error);
    /// let result = nursery(async |n| {
    ///     n.on_other_error(&log);
    ///     n.fail(1);
    ///     n.fail(2);
    ///     Ok(())
    /// })
    /// .await;
    /// assert_eq!(second.get(), 2);
    /// # result
    /// # })).run(&mut |_| {});
    /// # assert_eq!(result, Err(1));
    /// ```
    pub fn on_other_error(&self, sink: &'env dyn Fn(E)) {
        self.cell.owner.others.set_sink(sink);
    }

    /// Lets the debugger read what the errors of this nursery say, all that have a text: it comes with
    /// [`TaskError`]. Errors of the types that most programs use are read without it; it is for a program's own.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::{Debugger, TaskError, TaskInfo, nursery};
    /// use std::{fmt, sync::Mutex};
    ///
    /// #[derive(Default)]
    /// struct Log(Mutex<Vec<String>>);
    ///
    /// impl Debugger for Log {
    ///     fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError<'_>) {
    ///         self.0.lock().unwrap().push(format!("{}: {error}", task.name));
    ///     }
    /// }
    ///
    /// struct TooHot(u32);
    ///
    /// impl fmt::Display for TooHot {
    ///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    ///         write!(f, "{} degrees", self.0)
    ///     }
    /// }
    ///
    /// # let (clock, log) = (VirtualClock::<1000>::new(), Log::default());
    /// # let result =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| {
    ///     n.show_errors();
    ///     n.child().name("pump").spawn(async { Err(TooHot(81)) });
    ///     Ok(())
    /// })
    /// .await
    /// # }).with_debugger(&log)).run(&mut |_| {});
    /// # assert!(result.is_err());
    /// # if cfg!(feature = "hooks") {
    /// assert_eq!(*log.0.lock().unwrap(), ["pump: 81 degrees"]);
    /// # }
    /// ```
    pub fn show_errors(&self)
    where
        E: fmt::Display,
    {
        self.cell.owner.others.show();
    }

    /// Was the nursery cancelled, itself or from outside, or has it failed?
    pub fn is_cancelled(&self) -> bool {
        self.cell.children().is_cancelled()
    }

    /// How many children have not ended yet, daemons included.
    pub fn live(&self) -> usize {
        self.cell.children().running.get() as usize
    }
}

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
    fn failed(&'n self, error: E, who: Option<Told>) {
        hooks::tell_of(&who, |task| Event::TaskError(task, self.describe(&error)));
        self.record(error);
    }

    /// The first error is the nursery's, the others go where they may be had.
    fn record(&'n self, error: E) {
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
    fn panicked(&'n self, payload: Payload, child: Option<Told>) {
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
        self.cancel(Reason::Failed);
    }

    /// What the caller gets, once all is over. An error or a panic comes out at once, even out of cancelled code: a poll
    /// later that code may be gone. A value that isn't whole, or that came without a wait, does not.
    fn outcome<T>(&self, value: &mut Option<T>, has_waited: bool) -> Option<Result<T, E>> {
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

fn is_there<T>(cell: &Cell<Option<T>>) -> bool {
    let value = cell.take();
    let is_there = value.is_some();
    cell.set(value);
    is_there
}

impl<E, S> fmt::Debug for Scope<'_, '_, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("live", &self.live())
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// Opens a nursery: runs `body`, which may spawn children into it, and returns when the body and
/// all children have ended.
///
/// # Errors
/// The first error, of the body or of a child; it cancels the rest. Later ones:
/// [`Scope::on_other_error`], [`nursery_group`](crate::nursery_group).
///
/// # Cancellation
/// Cancelling a scope around it cancels the body and all children, which are dropped at their next
/// suspension; their shields and clean-ups are waited for. An error or a panic comes out all the same,
/// a value only if nothing was cut short. Dropping it drops them at once.
/// Forgetting it stops them for ever: they are never polled again and never dropped.
///
/// # Size
/// The future of the body is held once, and what an `async move` body takes along beside it: much of that belongs in a
/// `Box`.
///
/// # Panics
/// If the body or a child panics: with the first panic, when all others are gone. And if it is polled on by reference after
/// it was cut short, see [`move_on_after`](crate::move_on_after).
///
/// # The type of the error
/// It comes from where the result goes, or from a child. Where neither says it, name it at the front:
/// `nursery::<_, io::Error, _>(async |n| …)`.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::nursery;
/// use std::collections::HashMap;
/// use std::io;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// // Handles kept by number, to cancel one sibling.
/// let ended = nursery::<_, io::Error, _>(async |n| {
///     let mut sessions = HashMap::new();
///     for number in 1..=3 {
///         sessions.insert(number, n.spawn(core::future::pending()));
///     }
///     for number in [2, 1, 3] {
///         if let Some(session) = sessions.remove(&number) {
///             session.cancel();
///         }
///     }
///     Ok(())
/// })
/// .await;
/// assert!(ended.is_ok());
/// # })).run(&mut |_| {});
/// ```
///
/// Children that borrow, and hand back values:
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::nursery;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let words = ["structured", "concurrency"];
/// let lengths: Result<usize, std::io::Error> = nursery(async |n| {
///     let handles = words.each_ref().map(|word| {
///         n.spawn_value(async move {
///             sleep(Duration::from_millis(1)).await;
///             Ok(word.len()) // borrowed from outside
///         })
///     });
///     let mut sum = 0;
///     for handle in handles {
///         sum += handle.await.unwrap_or(0);
///     }
///     Ok(sum)
/// })
/// .await;
/// assert_eq!(lengths.unwrap(), 21);
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[cfg(feature = "alloc")]
pub async fn nursery<'env, T, E: 'env, F>(body: F) -> Result<T, E>
where
    F: for<'scope> AsyncFnOnce(&'scope Scope<'scope, 'env, E>) -> Result<T, E>,
{
    let scope = pin!(Scope::new(Heap, Others::new()));
    let scope = scope.into_ref();
    let _close = Close::new(scope.get_ref().cell());
    let body = pin!(Some(body(scope.get_ref())));
    Drive::new(scope, body).await
}

/// As [`nursery`](crate::nursery()), with the children in an arena instead of on the heap. Without
/// feature `alloc` nothing is allocated at all; with it the headers of tasks are, which are used again.
/// Spawn with [`try_spawn`](Scope::try_spawn) or [`spawn_wait`](Scope::spawn_wait); there is no
/// `spawn`, since an arena may be full.
///
/// # Errors
/// As [`nursery`](crate::nursery()).
///
/// # Cancellation
/// As [`nursery`](crate::nursery()).
///
/// # Panics
/// As [`nursery`](crate::nursery()).
///
/// An example is at [`Arena`](crate::Arena).
pub async fn nursery_in<'env, const TASKS: usize, const BYTES: usize, T, E: 'env, F>(
    arena: &'static crate::kernel::storage::arena::Arena<TASKS, BYTES>,
    body: F,
) -> Result<T, E>
where
    F: for<'scope> AsyncFnOnce(
        &'scope Scope<'scope, 'env, E, &'static crate::kernel::storage::arena::Arena<TASKS, BYTES>>,
    ) -> Result<T, E>,
{
    let scope = pin!(Scope::new(arena, Others::new()));
    let scope = scope.into_ref();
    let _close = Close::new(scope.get_ref().cell());
    let body = pin!(Some(body(scope.get_ref())));
    Drive::new(scope, body).await
}

/// As [`nursery`](crate::nursery()), but keeps every error: the first and those that came while
/// the rest was being cancelled.
///
/// # Errors
/// [`ErrorGroup`](crate::ErrorGroup), if the body or any child failed.
///
/// # Cancellation
/// As [`nursery`](crate::nursery()).
///
/// # Panics
/// As [`nursery`](crate::nursery()).
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::nursery_group;
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result: Result<(), _> =
/// # pin!(Runtime::new(&clock, async {
/// nursery_group(async |n| {
///     n.spawn(async { n.fail("second"); Err("third") });
///     Err("first")
/// })
/// .await
/// # })).run(&mut |_| {});
/// # // The child is cancelled before its first poll: its errors never happen.
/// # assert_eq!(result.unwrap_err().into_first(), "first");
/// ```
#[cfg(feature = "alloc")]
pub async fn nursery_group<'env, T, E: 'env, F>(body: F) -> Result<T, crate::errors::ErrorGroup<E>>
where
    F: for<'scope> AsyncFnOnce(&'scope Scope<'scope, 'env, E>) -> Result<T, E>,
{
    let scope = pin!(Scope::new(Heap, Others::keeping()));
    let scope = scope.into_ref();
    let _close = Close::new(scope.get_ref().cell());
    let body = pin!(Some(body(scope.get_ref())));
    let result = Drive::new(scope, body).await;
    result.map_err(|first| scope.get_ref().cell.owner.others.group(first))
}

pin_project! {
    /// Polls a nursery's body and children.
    struct Drive<'scope, 'env, 'body, E, S, B, T> {
        scope: Pin<&'scope Scope<'scope, 'env, E, S>>,
        body: Pin<&'body mut Option<B>>,
        value: Option<T>,
        has_begun: bool,
        // Has waited at least once: even an empty nursery is a checkpoint, unless it fails.
        has_waited: bool,
    }
}

impl<'scope, 'env: 'scope, 'body, E: 'env, S, B, T> Drive<'scope, 'env, 'body, E, S, B, T> {
    fn new(scope: Pin<&'scope Scope<'scope, 'env, E, S>>, body: Pin<&'body mut Option<B>>) -> Self {
        Drive { scope, body, value: None, has_begun: false, has_waited: false }
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
        let nursery = this.scope.get_ref().cell();
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
struct Code<'a, 'scope, 'env, E, S, B, T> {
    nursery: &'scope Nest<'scope, 'env, E, S>,
    body: Pin<&'a mut Option<B>>,
    value: &'a mut Option<T>,
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
                    Err(error) => self.nursery.failed(error, hooks::current()),
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

    fn has_failed(&self) -> bool {
        is_there(&self.nursery.owner.failure) || is_there(&self.nursery.owner.panic)
    }
}
