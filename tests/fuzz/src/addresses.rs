//! Text that is to be an address.

use std::io;
use std::net::{IpAddr, SocketAddr};

use giambio::net::{Target, ToAddresses};

/// Any text is an address, a name with a port, or an error that says why not; and what is an address
/// for the standard library is the same one here.
pub fn addresses(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.to_target_of() {
        Ok(Target::Known(addresses)) => {
            assert_eq!(addresses.len(), 1, "{text:?}");
            // Written down and read again it is the same.
            assert_eq!(addresses[0].to_string().to_target_of().unwrap(), Target::Known(addresses), "{text:?}");
        }
        Ok(Target::Name(host, port)) => {
            assert!(!host.is_empty(), "{text:?}");
            assert!(host.parse::<IpAddr>().is_err(), "{text:?} is no name but an address");
            assert_eq!((host.as_str(), port).to_target().unwrap(), Target::Name(host.clone(), port));
            assert!(text.starts_with(&host) || text.starts_with(&format!("[{host}]")), "{text:?}");
        }
        Ok(other) => panic!("{text:?} became {other:?}"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text:?}: {error}"),
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        assert_eq!(text.to_target_of().unwrap(), Target::Known(vec![address]));
    }
    // With the port beside it.
    match (&*text, 80).to_target() {
        Ok(Target::Known(addresses)) => assert_eq!(addresses[0].port(), 80),
        Ok(Target::Name(host, port)) => assert_eq!((host.as_str(), port), (without_brackets(&text), 80)),
        Ok(other) => panic!("{text:?} became {other:?}"),
        Err(error) => assert!(text.is_empty() || without_brackets(&text) != text, "{text:?}: {error}"),
    }
}

fn without_brackets(text: &str) -> &str {
    text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text)
}

trait Text {
    fn to_target_of(&self) -> io::Result<Target>;
}

impl<T: AsRef<str>> Text for T {
    fn to_target_of(&self) -> io::Result<Target> {
        self.as_ref().to_target()
    }
}
