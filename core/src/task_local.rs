//! Values that a task and all that runs inside it can look up, without being handed them.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::fault::fault;
use crate::kernel::in_place::clear;
use crate::kernel::locals::Key;

/// A key, by which a value is found from the code inside of the future that it was [set](TaskLocal::set) around: the number
/// of a request, for a log; a user's rights; a budget.
///
/// The value lies in that future, without a heap. It is there while the future is polled, and while it is dropped. So the
/// children of nurseries *inside* find it too, as what is in a cancel scope is cancelled with it: what counts is where a
/// nursery is, not from where a child was spawned into it. Of two values that are set for a key the inner one is found.
///
/// Not inside are other threads ([`unblock`]'s calls among them), and what an interrupt does. Without feature `std` all the
/// same they find what is set where tasks are polled at that moment; and if that poll ends while another thread or core looks
/// at a value, the program ends with a panic that says so. (With feature `one-context` they must not look.)
///
/// `tracing`'s spans and other things that are entered with each poll of a future are inherited in the same way: a span
/// around a nursery is the current one in all of its children.
///
/// Most programs want a `static`; a key that is borrowed from around works as well, and may have values that borrow.
///
/// [`unblock`]: https://docs.rs/giambio/latest/giambio/fn.unblock.html
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{TaskLocal, nursery};
///
/// static REQUEST: TaskLocal<u32> = TaskLocal::new();
///
/// async fn log(text: &str) -> String {
///     match REQUEST.get() {
///         Some(number) => format!("request {number}: {text}"),
///         None => text.to_owned(),
///     }
/// }
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let handled = REQUEST.set(7, nursery(async |n| {
///     n.spawn(async {
///         assert_eq!(log("from a child").await, "request 7: from a child");
///         Ok::<_, ()>(())
///     });
///     Ok(())
/// }));
/// handled.await.unwrap();
/// assert_eq!(log("done").await, "done");
/// # })).run(&mut |_| {});
/// ```
pub struct TaskLocal<T> {
    key: Key<T>,
}

impl<T> TaskLocal<T> {
    /// A key for which nothing is set.
    pub const fn new() -> Self {
        TaskLocal { key: Key::new() }
    }

    /// Has `value` be found by this key in `future`, and in all that is polled or dropped inside it.
    ///
    /// # Cancellation
    /// As `future`: dropping this drops it, with the value still set, and then the value.
    ///
    /// # Panics
    /// As `future`; the value is not set any longer outside of it.
    pub fn set<F: Future>(&self, value: T, future: F) -> impl Future<Output = F::Output> {
        Set { key: &self.key, value, future: Some(future) }
    }

    /// Looks at the value that is set around the running code, if one is.
    ///
    /// ```
    /// # use giambio_core::TaskLocal;
    /// static NAMES: TaskLocal<Vec<String>> = TaskLocal::new();
    ///
    /// let count = || NAMES.with(|names| names.map_or(0, Vec::len));
    /// assert_eq!(count(), 0);
    /// ```
    pub fn with<R>(&self, f: impl FnOnce(Option<&T>) -> R) -> R {
        self.key.with_found(f)
    }

    /// A copy of the value that is set around the running code, if one is.
    ///
    /// ```
    /// # use giambio_core::TaskLocal;
    /// static USER: TaskLocal<&str> = TaskLocal::new();
    /// assert_eq!(USER.get(), None);
    /// ```
    pub fn get(&self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }
}

impl<T> Default for TaskLocal<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|value| f.debug_tuple("TaskLocal").field(&value).finish())
    }
}

pin_project! {
    struct Set<'k, T, F> {
        key: &'k Key<T>,
        value: T,
        // Always there until it is dropped.
        #[pin]
        future: Option<F>,
    }

    impl<T, F> PinnedDrop for Set<'_, T, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !fault!("local-unset-in-a-drop") {
                this.key.with_value(this.value, || clear(this.future));
            }
        }
    }
}

impl<T, F: Future> Future for Set<'_, T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut();
        this.key.with_value(this.value, || future.map_or(Poll::Pending, |future| future.poll(cx)))
    }
}
