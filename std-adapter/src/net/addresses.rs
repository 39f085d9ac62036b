//! Where to connect or listen: literal addresses at once, names on another thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::resolve::resolve;

/// What an address turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Addresses, to be tried in this order.
    Known(Vec<SocketAddr>),
    /// A host's name and a port; the name has to be looked up. So has that of an interface: `fe80::1%eth0`.
    Name(String, u16),
}

/// Anything that says where to connect or listen: `"localhost:1500"`, `"[fe80::1%eth0]:80"`, `("::1", 0)`, a [`SocketAddr`],
/// a slice of them.
///
/// The standard library's [`ToSocketAddrs`](std::net::ToSocketAddrs) does the same, but may block the thread for a name
/// without saying so.
pub trait ToAddresses {
    /// The addresses, or the name to look up. Never blocks.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): the text is neither an address with a port nor a name with one.
    fn to_target(&self) -> io::Result<Target>;
}

/// Looks up a name: on another thread, of which a process has 512 for this, or by whom
/// [`with_resolver`](super::with_resolver) says.
///
/// ```
/// use giambio::net::lookup;
///
/// giambio::run(async {
///     let addresses = lookup("localhost:1500").await?;
///     assert!(addresses.iter().all(|address| address.ip().is_loopback()));
///     assert_eq!(lookup("[::1]:80").await?, ["[::1]:80".parse().unwrap()]);
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no address; the system's error if the name is not known;
/// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) if the system has no thread left to ask on.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation) The thread that asks goes on until it has an answer, which is thrown away.
#[track_caller]
pub fn lookup(addresses: impl ToAddresses) -> impl Future<Output = io::Result<Vec<SocketAddr>>> {
    async move { addresses.to_target()?.look_up().await }
}

impl Target {
    /// As [`lookup`].
    pub(super) async fn look_up(self) -> io::Result<Vec<SocketAddr>> {
        match self {
            Target::Known(known) => Ok(known),
            Target::Name(host, port) => resolve(&host, port).await.map(each_once),
        }
    }
}

/// Some systems find an address twice, as where a file says the same in two lines.
fn each_once(found: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    for address in found {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

fn known(address: impl Into<SocketAddr>) -> io::Result<Target> {
    Ok(Target::Known(vec![address.into()]))
}

impl ToAddresses for SocketAddr {
    fn to_target(&self) -> io::Result<Target> {
        known(*self)
    }
}

impl ToAddresses for SocketAddrV4 {
    fn to_target(&self) -> io::Result<Target> {
        known(*self)
    }
}

impl ToAddresses for SocketAddrV6 {
    fn to_target(&self) -> io::Result<Target> {
        known(*self)
    }
}

impl ToAddresses for (IpAddr, u16) {
    fn to_target(&self) -> io::Result<Target> {
        known(*self)
    }
}

impl ToAddresses for (Ipv4Addr, u16) {
    fn to_target(&self) -> io::Result<Target> {
        known(*self)
    }
}

impl ToAddresses for (Ipv6Addr, u16) {
    fn to_target(&self) -> io::Result<Target> {
        known(*self)
    }
}

impl ToAddresses for (&str, u16) {
    fn to_target(&self) -> io::Result<Target> {
        let (host, port) = *self;
        match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(v6) if is_v6(v6) => of_host(v6, port),
            Some(_) => Err(invalid("what stands in brackets is no IPv6 address")),
            None => of_host(host, port),
        }
    }
}

/// Is it an address of IPv6, with the scope that it belongs to or without?
fn is_v6(text: &str) -> bool {
    let (address, scope) = text.split_once('%').unwrap_or((text, "none"));
    address.parse::<Ipv6Addr>().is_ok() && !scope.is_empty()
}

fn of_host(host: &str, port: u16) -> io::Result<Target> {
    if host.is_empty() {
        return Err(invalid("the name of the host is empty"));
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return known((ip, port));
    }
    // A scope that is a number is part of the address. One that is an interface's name has to be looked up.
    match format!("[{host}]:{port}").parse::<SocketAddrV6>() {
        Ok(address) => known(address),
        Err(_) => Ok(Target::Name(host.to_owned(), port)),
    }
}

impl ToAddresses for (String, u16) {
    fn to_target(&self) -> io::Result<Target> {
        (self.0.as_str(), self.1).to_target()
    }
}

impl ToAddresses for str {
    fn to_target(&self) -> io::Result<Target> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return known(address);
        }
        let (host, port) = self.rsplit_once(':').ok_or_else(|| invalid("the port is missing: HOST:PORT"))?;
        // A sign is none of its digits, though `parse` takes it.
        let port = if port.starts_with('+') { None } else { port.parse().ok() };
        let port = port.ok_or_else(|| invalid("the port is not a number from 0 to 65535"))?;
        (host, port).to_target()
    }
}

impl ToAddresses for String {
    fn to_target(&self) -> io::Result<Target> {
        self.as_str().to_target()
    }
}

impl ToAddresses for [SocketAddr] {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Known(self.to_vec()))
    }
}

impl<const N: usize> ToAddresses for [SocketAddr; N] {
    fn to_target(&self) -> io::Result<Target> {
        self.as_slice().to_target()
    }
}

impl ToAddresses for Vec<SocketAddr> {
    fn to_target(&self) -> io::Result<Target> {
        self.as_slice().to_target()
    }
}

impl<A: ToAddresses + ?Sized> ToAddresses for &A {
    fn to_target(&self) -> io::Result<Target> {
        (**self).to_target()
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_known_and_names_are_not() {
        let known = |text: &str| Target::Known(vec![text.parse().unwrap()]);
        assert_eq!("127.0.0.1:80".to_target().unwrap(), known("127.0.0.1:80"));
        assert_eq!("[::1]:80".to_target().unwrap(), known("[::1]:80"));
        assert_eq!(("::1", 80).to_target().unwrap(), known("[::1]:80"));
        assert_eq!("localhost:1500".to_target().unwrap(), Target::Name("localhost".into(), 1500));
        assert_eq!(String::from("a.b:0").to_target().unwrap(), Target::Name("a.b".into(), 0));
        for port in ["+80", "-1", " 80", "65536", "0x50", ""] {
            assert_eq!(format!("localhost:{port}").to_target().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn what_is_found_twice_counts_once() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(each_once([2, 1, 2, 3, 1].map(address)), [2, 1, 3].map(address));
    }

    #[test]
    fn an_address_may_say_its_scope() {
        let address = Target::Known(vec![SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 7).into()]);
        assert_eq!("[fe80::1%7]:80".to_target().unwrap(), address);
        assert_eq!(("fe80::1%7", 80).to_target().unwrap(), address);
        assert_eq!(("[fe80::1%7]", 80).to_target().unwrap(), address);
        let named = Target::Name("fe80::1%lo".into(), 80);
        assert_eq!("[fe80::1%lo]:80".to_target().unwrap(), named);
        assert_eq!(("fe80::1%lo", 80).to_target().unwrap(), named);
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("localhost", "port is missing"),
            ("localhost:http", "not a number"),
            (":80", "empty"),
            ("[localhost]:80", "brackets"),
            ("[127.0.0.1]:80", "brackets"),
            ("[fe80::1%]:80", "brackets"),
            ("[]:80", "brackets"),
        ] {
            let error = text.to_target().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }
}
