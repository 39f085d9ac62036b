//! Who looks up names: the system, unless somebody else was put in its place.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::rc::Rc;

use giambio_core::{__fault as fault, TaskLocal};

use crate::call::Awaited;
use crate::pool::Pool;

/// For names alone: whatever else blocks, they are looked up. A lookup can't be stopped, and goes on after who asked has
/// given up, for as long as name servers are waited for; there have to be many such before others wait.
static LOOKUPS: Pool = Pool::new("giambio lookup", 512);

static RESOLVER: TaskLocal<Rc<dyn ResolveBoxed>> = TaskLocal::new();

/// Who looks up names: for [`with_resolver`].
pub trait Resolve {
    /// The addresses of a host, each with `port`, in the order in which they are to be tried. None: it has none.
    ///
    /// # Errors
    /// The name is not known, or nobody answers. Who asked gets it as it is.
    ///
    /// # Cancellation
    /// [**Restartable**](giambio_core#cancellation), as [`lookup`](super::lookup) is: who asked may be gone at any time.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>>;
}

/// The system's own: on another thread, of which a process has 512 for this; more lookups wait their turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    /// # Errors
    /// The system's, with the host; [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) if it has no thread left to ask on.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = host.to_owned();
        let look = move || match (host.as_str(), port).to_socket_addrs() {
            Ok(found) => Ok(found.collect()),
            Err(unknown) => {
                // Some systems know no name at all where they have no descriptor left to ask with.
                let without = if fault!("unknown-for-want-of-descriptors") { None } else { io::pipe().err() };
                let error = without.unwrap_or(unknown);
                Err(io::Error::new(error.kind(), format!("{host:?}: {error}")))
            }
        };
        Awaited::start(&LOOKUPS, look)?.outcome().await
    }
}

impl<R: Resolve + ?Sized> Resolve for &R {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (**self).resolve(host, port).await
    }
}

impl<R: Resolve + ?Sized> Resolve for Rc<R> {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (**self).resolve(host, port).await
    }
}

/// Has `resolver` look up each name that is looked up in `future`, and in the nurseries inside it: by
/// [`lookup`](super::lookup), and by whatever connects or binds by a name. Addresses are none.
///
/// A whole program has it around its first future; a test has a fake one:
///
/// ```
/// use giambio::net::{Resolve, SystemResolver, TcpListener, TcpStream, with_resolver};
/// use std::{io, net::SocketAddr};
///
/// /// Finds everything at home.
/// struct Home;
/// impl Resolve for Home {
///     async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
///         match host.strip_suffix(".test") {
///             Some(_) => Ok(vec![([127, 0, 0, 1], port).into()]),
///             None => SystemResolver.resolve(host, port).await,
///         }
///     }
/// }
///
/// giambio::run(with_resolver(Home, async {
///     let listener = TcpListener::bind("server.test:0").await?;
///     let port = listener.local_addr()?.port();
///     TcpStream::connect(("server.test", port)).await?;
///     # Ok::<(), io::Error>(())
/// }))?;
/// # Ok::<(), io::Error>(())
/// ```
///
/// # Cancellation
/// As `future`.
pub fn with_resolver<F: Future>(resolver: impl Resolve + 'static, future: F) -> impl Future<Output = F::Output> {
    RESOLVER.set(Rc::new(resolver), future)
}

/// Has whoever is there for it look up a name.
pub(super) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    match RESOLVER.get() {
        Some(resolver) => resolver.resolve_boxed(host, port).await,
        None => SystemResolver.resolve(host, port).await,
    }
}

/// [`Resolve`], for who doesn't know of which type it is.
trait ResolveBoxed {
    fn resolve_boxed<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + 'a>>;
}

impl<R: Resolve> ResolveBoxed for R {
    fn resolve_boxed<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + 'a>> {
        Box::pin(self.resolve(host, port))
    }
}
