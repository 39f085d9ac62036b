//! Servers: a listener, a nursery, a handler for each connection, and an end in order.

mod accept;
mod answers;
mod connection;
mod counts;
mod hooks;
mod server;
mod shared;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use giambio_core::TaskName;

pub use self::accept::Accept;
pub use self::answers::{Handled, ServerError, Unheard, Verdict};
pub use self::counts::Counts;
use self::hooks::OnError;
use self::server::{Ending, Plan, run};

/// Serves: accepts connections from `listener`, and runs `handler` for each of them, all at once, until it is asked to stop.
///
/// It is awaited; before, it can be told more:
///
/// ```
/// use giambio::net::{TcpListener, TcpStream, serve};
/// use giambio::{nursery, stopping, until_stopped};
/// use std::io;
/// use std::time::Duration;
///
/// # fn main() -> io::Result<()> {
/// giambio::run(async {
///     let listener = TcpListener::bind("localhost:0").await?;
///     let address = listener.local_addr()?;
///     nursery(async |n| {
///         n.spawn(async {
///             let client = TcpStream::connect(address).await?;
///             client.send_all(b"hello").await?;
///             client.receive_exact(&mut [0; 5]).await?;
///             n.ask_to_stop(); // the client stays: the server says goodbye
///             assert_eq!(client.receive(&mut [0]).await?, 0);
///             Ok(())
///         });
///         serve(listener, async |stream: TcpStream, _peer| {
///             let mut buffer = [0; 1024];
///             while let Some(received) = until_stopped(stream.receive(&mut buffer)).await {
///                 match received? {
///                     0 => break,
///                     count => stream.send_all(&buffer[..count]).await?,
///                 }
///             }
///             Ok::<_, io::Error>(())
///         })
///         .limit(1000)
///         .grace(Duration::from_secs(30))
///         .on_error(|peer, error| eprintln!("{peer}: {error}"))
///         .await
///     })
///     .await
/// })
/// # }
/// ```
///
/// A handler is a function or closure of a connection and its peer's address, may borrow what is outside, and returns `()` or a
/// `Result`, whose error goes to [`on_error`](Serve::on_error).
///
/// **A stop** is asked of a scope around ([`stopping`](crate::stopping), as by
/// [`run_until_stopped`](crate::run_until_stopped())), or comes by [`stop_when`](Serve::stop_when). Then the listener is
/// closed, handlers that look for it see that the server is [`stopping`](crate::stopping), and the server ends when the last
/// of them has, or they are cancelled after the [`grace`](Serve::grace). A handler that waits for an idle client should do so
/// in [`until_stopped`](crate::until_stopped). A connection that the system has established, but that wasn't accepted when
/// the listener closed, is reset.
///
/// **Errors** of a connection that breaks before it is accepted are passed over. Want of descriptors or memory is waited out,
/// while those that are served go on ([`on_shortage`](Serve::on_shortage)).
///
/// **A handler that panics** ends the server, as in any nursery: the others are dropped, and the panic comes out.
///
/// # Errors
/// When it is awaited: what the system says about the listener itself; what [`on_error`](Serve::on_error) makes the
/// server's. The handlers are cancelled, and their clean-ups are over before this returns. If there are several it is the
/// first.
///
/// # Cancellation
/// Closes the listener and cancels the handlers; what they do then is theirs. A connection is with the listener or has its
/// handler begun: none is accepted and lost.
pub fn serve<'a, A, H, R>(listener: A, handler: H) -> Serve<'a, A, H, R, R::Unless>
where
    A: Accept,
    H: AsyncFn(A::Stream, A::Peer) -> R,
    R: Handled,
{
    let end = Ending { stop: None, grace: None };
    let plan = Plan { limit: usize::MAX, time: None, end, on_shortage: None, counts: None, name: None };
    // There are no errors, or this is never called: no server ends with `Unheard`.
    let on_error: OnError<'a, _, _, _> = Box::new(|_, _| Ok(()));
    Serve(State::Set(Setup { listener, handler, on_error, plan, handled: PhantomData }))
}

/// A server: [`serve`] makes it, its methods say how it is to be, and it begins when it is polled first.
///
/// # Errors
/// As [`serve`].
///
/// # Cancellation
/// As [`serve`].
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve<'a, A: Accept, H, R: Handled, X>(State<'a, A, H, R, X>);

enum State<'a, A: Accept, H, R: Handled, X> {
    Set(Setup<'a, A, H, R, X>),
    /// On the heap, so that a server that is set up can be moved, and moves little.
    Begun(Pin<Box<dyn Future<Output = Result<(), X>> + 'a>>),
    /// Between the two.
    Begins,
}

/// All that was said.
struct Setup<'a, A: Accept, H, R: Handled, X> {
    listener: A,
    handler: H,
    on_error: OnError<'a, A::Peer, R::Error, X>,
    plan: Plan<'a, A::Peer>,
    handled: PhantomData<R>,
}

impl<'a, A: Accept, H, R: Handled, X> State<'a, A, H, R, X> {
    #[track_caller]
    fn setup(self) -> Setup<'a, A, H, R, X> {
        match self {
            State::Set(setup) => setup,
            _ => panic!("giambio: a server has begun, and it is too late to say how it is to be"),
        }
    }
}

/// Nothing in it is pinned but what is on the heap.
impl<A: Accept, H, R: Handled, X> Unpin for Serve<'_, A, H, R, X> {}

/// # How it is to be
///
/// All of this is said before.
///
/// # Panics
/// Each of these does, when the server has been polled.
impl<'a, A: Accept, H, R: Handled, X> Serve<'a, A, H, R, X> {
    /// Serves at most so many at once. With so many it accepts nobody: others wait in the system's
    /// [backlog](crate::net::ListenOptions::backlog), and are refused when that is full.
    ///
    /// # Panics
    /// With zero: it would serve nobody.
    #[track_caller]
    pub fn limit(self, connections: usize) -> Self {
        assert!(connections > 0, "giambio: a server with `limit(0)` would serve nobody");
        self.with(|plan| plan.limit = connections)
    }

    /// How long after a stop handlers may go on. Then they are cancelled, which leaves them their clean-ups. With zero they are
    /// cancelled at once; without this they may take as long as they like.
    #[track_caller]
    pub fn grace(self, grace: Duration) -> Self {
        self.with(|plan| plan.end.grace = Some(grace))
    }

    /// How long one connection may take in all, from when it is accepted. Then its handler is cancelled, which is no error, and
    /// [counted](Counts::timed_out). How long a client may be silent is the handler's to say, by
    /// [`fail_after`](crate::fail_after()) around a `receive`.
    ///
    /// ```
    /// use giambio::net::{TcpListener, TcpStream, serve};
    /// use std::time::Duration;
    ///
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let handler = async |stream: TcpStream, _| drop(stream.receive(&mut [0; 8]).await); // a client that says nothing
    /// let server = serve(listener, handler)
    ///     .time_limit(Duration::from_millis(10))
    ///     .on_shortage(|error| eprintln!("no more connections for now: {error}"));
    /// # let closed = async { drop(client.receive(&mut [0; 8]).await) };
    /// # server.stop_when(closed).await?;
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn time_limit(self, time: Duration) -> Self {
        self.with(|plan| plan.time = Some(time))
    }

    /// Has `hook` told of each error that a handler returns. The server goes on if the hook returns `()` or `Ok`, and ends with
    /// what is in its `Err`.
    ///
    /// A handler that has errors needs it: none is passed over in silence.
    ///
    /// ```
    /// use giambio::net::{TcpListener, TcpStream, serve};
    /// use std::io;
    ///
    /// async fn shop(_: TcpStream, _: std::net::SocketAddr) -> io::Result<()> {
    ///     Err(io::ErrorKind::StorageFull.into())
    /// }
    ///
    /// # fn main() -> io::Result<()> {
    /// # giambio::run(async {
    /// let listener = TcpListener::bind("localhost:0").await?;
    /// let _client = TcpStream::connect(listener.local_addr()?).await?;
    /// let ended = serve(listener, shop).on_error(|peer, error| match error.kind() {
    ///     io::ErrorKind::StorageFull => Err(error), // it will be so for all others
    ///     _ => Ok(eprintln!("{peer}: {error}")),
    /// });
    /// assert_eq!(ended.await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    /// # Ok(()) })
    /// # }
    /// ```
    #[track_caller]
    pub fn on_error<V: Verdict>(self, hook: impl Fn(A::Peer, R::Error) -> V + 'a) -> Serve<'a, A, H, R, V::Error> {
        let Setup { listener, handler, on_error: _, plan, handled } = self.0.setup();
        let on_error: OnError<'a, _, _, _> = Box::new(move |peer, error| hook(peer, error).into_result());
        Serve(State::Set(Setup { listener, handler, on_error, plan, handled }))
    }

    /// Stops when `future` is ready, too. It is dropped when the server stops for another reason.
    ///
    /// ```
    /// # use giambio::net::{TcpListener, TcpStream, serve};
    /// use giambio::sync::Event;
    ///
    /// # giambio::run(async {
    /// let enough = Event::new();
    /// let listener = TcpListener::bind("localhost:0").await?;
    /// let _client = TcpStream::connect(listener.local_addr()?).await?;
    /// serve(listener, async |_, _| enough.set()).stop_when(enough.wait()).await
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn stop_when(self, future: impl Future<Output = ()> + 'a) -> Self {
        self.with(|plan| plan.end.stop = Some(Box::pin(future)))
    }

    /// Has `hook` told when a connection can't be accepted for want of descriptors or memory: once a minute at most, for a
    /// log. The server tries again soon, and [counts](Counts::shortages) how often.
    #[track_caller]
    pub fn on_shortage(self, hook: impl Fn(&io::Error) + 'a) -> Self {
        self.with(|plan| plan.on_shortage = Some(Box::new(hook)))
    }

    /// What the task of a connection is called, `"connection"` unless it is said: for a [`Debugger`](crate::Debugger), a
    /// [`Watchdog`](crate::Watchdog), a dump. It is asked when the connection is accepted, before its handler begins.
    ///
    /// ```
    /// # use giambio::net::{TcpListener, TcpStream, serve};
    /// # use giambio::sync::Event;
    /// # giambio::run(async {
    /// # let done = Event::new();
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let _client = TcpStream::connect(listener.local_addr()?).await?;
    /// # let handler = async |_, _| done.set();
    /// let server = serve(listener, handler).name(|peer| format!("client {peer}"));
    /// # server.stop_when(done.wait()).await
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn name<T: Into<TaskName>>(self, name: impl Fn(&A::Peer) -> T + 'a) -> Self {
        self.with(|plan| plan.name = Some(Box::new(move |peer| name(peer).into())))
    }

    /// Counts in `counts`, which others may look at meanwhile and afterwards.
    ///
    /// ```
    /// # use giambio::net::{TcpListener, TcpStream, serve};
    /// # use giambio::sync::Event;
    /// use giambio::net::Counts;
    ///
    /// # giambio::run(async {
    /// # let done = Event::new();
    /// # let listener = TcpListener::bind("localhost:0").await?;
    /// # let _client = TcpStream::connect(listener.local_addr()?).await?;
    /// let counts = Counts::new();
    /// # let handler = async |_, _| done.set();
    /// # let server = serve(listener, handler).stop_when(done.wait());
    /// server.counts(&counts).await?;
    /// println!("{} were served, {} at once", counts.accepted(), counts.peak());
    /// # assert_eq!((counts.accepted(), counts.peak(), counts.finished(), counts.now()), (1, 1, 1, 0));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn counts(self, counts: &'a Counts) -> Self {
        self.with(|plan| plan.counts = Some(counts))
    }

    #[track_caller]
    fn with(self, say: impl FnOnce(&mut Plan<'a, A::Peer>)) -> Self {
        let mut setup = self.0.setup();
        say(&mut setup.plan);
        Serve(State::Set(setup))
    }
}

impl<'a, A, H, R, X> Future for Serve<'a, A, H, R, X>
where
    A: Accept + 'a,
    A::Stream: 'a,
    A::Peer: Clone + 'a,
    H: AsyncFn(A::Stream, A::Peer) -> R + 'a,
    R: Handled + 'a,
    X: ServerError + 'a,
{
    type Output = Result<(), X>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), X>> {
        let state = &mut self.get_mut().0;
        if let State::Set(_) = state {
            let Setup { listener, handler, on_error, plan, handled: _ } = mem::replace(state, State::Begins).setup();
            *state = State::Begun(Box::pin(run(listener, handler, on_error, plan)));
        }
        match state {
            State::Begun(server) => server.as_mut().poll(cx),
            _ => Poll::Pending, // a panic has come from the allocator, and it never began
        }
    }
}

impl<A: Accept, H, R: Handled, X> fmt::Debug for Serve<'_, A, H, R, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}
