//! What is said of what is missing where a process has no descriptors left. Alone in its process, for the limit is the
//! process's.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use giambio::net::lookup;
use giambio::net::unix::{UnixDatagram, UnixStream};
use giambio::run;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn descriptors_without_a_number_are_said_to_be_missing_and_no_name_is_said_to_be_unknown() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let (left, right) = UnixDatagram::pair().unwrap();
        let spare = File::open("/dev/null").unwrap();
        one.send_with_fds(b"two", &[spare.as_fd(); 2]).await.unwrap();
        left.send_with_fds(b"two", &[spare.as_fd(); 2]).await.unwrap();
        let one_more = u64::try_from(spare.as_raw_fd()).unwrap() + 1;
        drop(spare);
        let limit = Rlimit { current: Some(one_more), maximum: getrlimit(Resource::Nofile).maximum };
        setrlimit(Resource::Nofile, limit).unwrap();

        let mut buffer = [0; 8];
        let (count, by_stream) = other.receive_with_fds(&mut buffer, 2).await.unwrap();
        assert_eq!((count, by_stream.fds.len(), by_stream.were_more), (3, 1, true));
        let (received, by_datagram) = right.receive_with_fds(&mut buffer, 2).await.unwrap();
        assert_eq!((received.length, by_datagram.fds.len(), by_datagram.were_more), (3, 0, true));

        let error = lookup("localhost:80").await.unwrap_err();
        assert!(error.to_string().contains(&Errno::MFILE.to_string()), "{error}");
    });
}
