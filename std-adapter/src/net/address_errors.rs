//! The error of several addresses.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// What was wrong with each of several addresses, when none of them would do, or not each of them would that had to.
///
/// It comes inside an [`io::Error`] of the kind that the last one had:
///
/// ```
/// use giambio::net::{AddressErrors, TcpStream};
/// use std::io::ErrorKind;
///
/// giambio::run(async {
///     let nobody = ["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()];
///     let error = TcpStream::connect(nobody).await.unwrap_err();
///     assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
///     println!("{error}"); // 127.0.0.1:1: Connection refused (os error 111); 127.0.0.1:2: ...
///     let errors = AddressErrors::of(&error).unwrap();
///     assert!(errors.iter().map(|(address, _)| address).eq(nobody));
/// });
/// ```
///
/// If there was only one address, its error comes as it is.
#[derive(Debug)]
pub struct AddressErrors(Vec<(SocketAddr, io::Error)>);

impl AddressErrors {
    /// Those that are inside an error, if they are.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&AddressErrors> {
        error.get_ref()?.downcast_ref()
    }

    /// Each address with its error, in the order in which they failed.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &io::Error)> {
        self.0.iter().map(|(address, error)| (*address, error))
    }

    /// One error of all, when so many addresses were asked for.
    pub(super) fn into_one(asked: usize, mut errors: Vec<(SocketAddr, io::Error)>) -> io::Error {
        let Some((address, last)) = errors.pop() else {
            return io::Error::new(io::ErrorKind::InvalidInput, "no address was given, or the name has none");
        };
        if asked == 1 {
            return last;
        }
        let kind = last.kind();
        errors.push((address, last));
        io::Error::new(kind, AddressErrors(errors))
    }
}

impl fmt::Display for AddressErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (address, error)) in self.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            write!(f, "{between}{address}: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for AddressErrors {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.first().map(|(_, error)| error as _)
    }
}
