//! What waits for any descriptor leaves nothing behind. Alone in its process, whose descriptors it counts.
#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use common::poll_once;
use giambio::fd::Fd;
use giambio::{fail_after, move_on_after, run};

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(5);

/// How many descriptors the epolls of this process know, and how many descriptors it has.
fn census() -> (usize, usize) {
    let list = |path| fs::read_dir(path).unwrap().count();
    let known = fs::read_dir("/proc/self/fdinfo").unwrap();
    let known = known.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    (known.map(|text| text.lines().filter(|line| line.starts_with("tfd:")).count()).sum(), list("/proc/self/fd"))
}

#[test]
fn nothing_stays_registered_or_open_on_any_path() {
    run(async {
        let (one, _other) = UnixStream::pair().unwrap();
        let before = census();
        for _ in 0..3 {
            let fd = Fd::new(&one).unwrap();
            assert_eq!(census(), (before.0 + 1, before.1 + 1));
            assert!(move_on_after(SOON, fd.readable()).await.is_none());
            assert!(move_on_after(SOON, fd.priority()).await.is_none());
            assert_eq!(census(), (before.0 + 2, before.1 + 2));
            fd.close();
            assert_eq!(census(), before);
            drop(fd);

            let fd = Fd::new(&one).unwrap();
            assert!(
                move_on_after(SOON, fd.priority_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into()))).await.is_none()
            );
            fd.into_inner().unwrap();
            assert_eq!(census(), before);

            drop(Fd::new(&one).unwrap());
            assert!(Fd::new(File::open("Cargo.toml").unwrap()).is_err());
            assert!(Fd::new(File::open("/dev/null").unwrap()).is_err());
            assert_eq!(census(), before);
        }
        // Forgotten: what was borrowed may be closed, and its number used again.
        std::mem::forget(Fd::new(&one).unwrap());
        drop(one);
        let (again, other) = UnixStream::pair().unwrap();
        let fd = Fd::new(&again).unwrap();
        let mut readable = Box::pin(fd.readable());
        assert!(poll_once(&mut readable).await.is_none());
        (&other).write_all(b"x").unwrap();
        fail_after(LONG, readable).await.unwrap().unwrap();
    });
}
