//! The handle to a cancel scope.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;

use super::state::ScopeState;
use crate::kernel::scope::node::Node;
use crate::reason::Reason;
use crate::time::Instant;

/// The handle to a [`cancel_scope`](crate::cancel_scope); a copy is as good.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{Cancelled, Reason, cancel_scope, checkpoint};
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result =
/// # pin!(Runtime::new(&clock, async {
/// cancel_scope(async |scope| {
///     scope.cancel_because("enough");
///     checkpoint().await; // the scope is left here
///     unreachable!()
/// })
/// .await
/// # })).run(&mut |_| {});
/// # let result: Result<(), Cancelled> = result;
/// # assert_eq!(result, Err(Cancelled { reason: Reason::Because("enough") }));
/// ```
#[derive(Clone, Copy)]
pub struct CancelScope<'s, 'env> {
    scope: Pin<&'s ScopeState>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'s> CancelScope<'s, '_> {
    pub(super) fn new(scope: Pin<&'s ScopeState>) -> Self {
        CancelScope { scope, env: PhantomData }
    }

    /// Cancels the scope: its code is dropped at its next suspension. Again: no effect.
    ///
    /// ```
    /// use giambio_core::{Reason, cancel_scope, testing};
    ///
    /// let ended = testing::run(cancel_scope(async |scope| {
    ///     scope.cancel();
    ///     core::future::pending::<()>().await // the scope is left here
    /// }));
    /// assert_eq!(ended.unwrap_err().reason, Reason::Requested);
    /// ```
    pub fn cancel(&self) {
        self.scope.cancel(Reason::Requested);
    }

    /// The same with a reason for the one who awaits the scope.
    pub fn cancel_because(&self, why: &'static str) {
        self.scope.cancel_because(why);
    }

    /// The same with [`Reason::Interrupted`]: for Ctrl+C and its like.
    ///
    /// ```
    /// use giambio_core::{Reason, cancel_scope, testing};
    ///
    /// let ended = testing::run(cancel_scope(async |scope| {
    ///     scope.interrupt();
    ///     core::future::pending::<()>().await
    /// }));
    /// assert_eq!(ended.unwrap_err().reason, Reason::Interrupted);
    /// ```
    pub fn interrupt(&self) {
        self.scope.cancel(Reason::Interrupted);
    }

    pub(crate) fn node(&self) -> &Node {
        self.scope.get_ref().node()
    }

    /// Was the scope itself cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.scope.is_cancelled()
    }

    /// Why it was cancelled, if it was.
    pub fn reason(&self) -> Option<Reason> {
        self.is_cancelled().then(|| self.scope.reason())
    }

    /// Sets, moves or takes away the scope's deadline. One that has passed counts at the code's
    /// next suspension.
    ///
    /// ```
    /// use core::time::Duration;
    /// use giambio_core::{cancel_scope, clock, sleep, testing};
    ///
    /// let ended = testing::run(cancel_scope(async |scope| {
    ///     scope.set_deadline(Some(clock() + Duration::from_secs(1)));
    ///     sleep(Duration::from_millis(900)).await;
    ///     scope.set_deadline(None); // it was quick enough: from now on it may take its time
    ///     sleep(Duration::from_secs(60)).await;
    ///     "done"
    /// }));
    /// assert_eq!(ended, Ok("done"));
    /// ```
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.scope.set_deadline(deadline);
    }

    /// The scope's own deadline; a scope around it may have a sooner one, see
    /// [`effective_deadline`](crate::effective_deadline).
    pub fn deadline(&self) -> Option<Instant> {
        self.scope.deadline()
    }
}

impl fmt::Debug for CancelScope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope").field("reason", &self.reason()).field("deadline", &self.deadline()).finish()
    }
}
