//! What a nursery's body and its children have of it: `n`.

use core::fmt;
use core::marker::PhantomData;

use super::books::{Books, Nest};
use crate::errors::Others;
use crate::kernel::nursery::cell::NurseryCell;
use crate::kernel::used::RACES;
use crate::reason::{Cancelled, Reason};
use crate::storage::Heap;
#[cfg(doc)]
use crate::task_info::TaskError;

/// A nursery, as its body and its children see it: `n`.
///
/// People write the alias, [`Nursery`]: `async fn serve(n: Nursery<'_, '_, MyError>)`.
///
/// * `'scope`: as long as the nursery lives; children and handles live in it;
/// * `'env`: what is outside; children may borrow from it;
/// * `E`: the error of the children and the body;
/// * `S`: where the children live.
pub struct NurseryScope<'scope, 'env: 'scope, E: 'env, S: 'env = Heap> {
    cell: NurseryCell<'scope, Books<'env, E, S>>,
    scope: PhantomData<(&'scope mut &'scope (), &'env mut &'env ())>,
}

/// A reference to a [`NurseryScope`]: what a nursery's body is given, and what it hands to children.
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
pub type Nursery<'scope, 'env, E, S = Heap> = &'scope NurseryScope<'scope, 'env, E, S>;

impl<'scope, 'env: 'scope, E: 'env, S: 'env> NurseryScope<'scope, 'env, E, S> {
    pub(super) fn new(storage: S, others: Others<'env, E>) -> Self {
        NurseryScope { cell: NurseryCell::new(Books::new(storage, others)), scope: PhantomData }
    }

    pub(crate) fn cell(&self) -> &Nest<'scope, 'env, E, S> {
        &self.cell
    }

    pub(super) fn storage(&self) -> &S {
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
    /// [`cancel_children`](NurseryScope::cancel_children).
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
        RACES.note();
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

impl<E, S> fmt::Debug for NurseryScope<'_, '_, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NurseryScope")
            .field("live", &self.live())
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
