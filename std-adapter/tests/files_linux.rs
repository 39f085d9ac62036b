//! Files on Linux, which has a disk that is always full, leases, and who tells of what is opened.
#![cfg(target_os = "linux")]

mod common;

use std::fs as std_fs;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;
use std::time::Duration;

use common::kind;
use giambio::fs::{self, OpenOptions};
use giambio::{move_on_after, run, sleep};
use rustix::fs::inotify;
use rustix::io::Errno;

#[test]
fn a_full_disk_is_told_with_the_path_each_time() {
    run(async {
        for _ in 0..2 {
            let error = fs::write("/dev/full", "x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            assert!(error.to_string().starts_with("can't write \"/dev/full\": "), "{error}");
        }
        // tokio#6325: a second attempt after a failure that reports success.
        let mut options = OpenOptions::new();
        let file = options.write(true).open("/dev/full").await.unwrap();
        for _ in 0..2 {
            assert_eq!(kind(file.write_at(b"x".to_vec(), 0).await.1), Some(ErrorKind::StorageFull));
        }
    });
}

/// A lease of a file, as those have it who cache it for others.
struct Lease(std_fs::File);

impl Lease {
    /// `None`: there are none here, as in some containers.
    fn of(file: std_fs::File) -> Option<Lease> {
        // Who is to give it up is told by a signal, which would end the process. SAFETY: no conditions.
        unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
        let lease = Lease(file);
        (lease.control(libc::F_SETLEASE, libc::F_WRLCK) == 0).then_some(lease)
    }

    fn control(&self, what: libc::c_int, how: libc::c_int) -> libc::c_int {
        // SAFETY: the descriptor is open, and what is asked for takes a number.
        unsafe { libc::fcntl(self.0.as_raw_fd(), what, how) }
    }

    fn is_to_be_given_up(&self) -> bool {
        self.control(libc::F_GETLEASE, 0) != libc::F_WRLCK
    }

    fn give_up(self) {
        assert_eq!(self.control(libc::F_SETLEASE, libc::F_UNLCK), 0);
    }
}

#[test]
fn a_file_under_a_lease_is_waited_for_until_that_is_given_up() {
    run(fs::in_temporary_folder(async |folder| {
        let path = folder.join("file");
        std_fs::write(&path, "text").unwrap();
        let Some(lease) = Lease::of(std_fs::File::open(&path).unwrap()) else { return };
        // It is given up on no account, and nobody waits for that.
        assert!(move_on_after(Duration::from_millis(30), fs::write(&path, "lost")).await.is_none());
        assert!(lease.is_to_be_given_up());
        lease.give_up();

        let lease = Lease::of(std_fs::File::open(&path).unwrap()).unwrap();
        let holder = thread::spawn(move || {
            while !lease.is_to_be_given_up() {
                thread::sleep(Duration::from_millis(1));
            }
            lease.give_up();
        });
        assert_eq!(fs::read_to_string(&path).await.unwrap(), "text");
        holder.join().unwrap();
    }))
    .unwrap();
}

/// Who waits for its other end would be let go, and find nobody.
#[test]
fn a_fifo_is_refused_without_being_opened() {
    run(fs::in_temporary_folder(async |folder| {
        let path = folder.join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let events = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&events, &path, inotify::WatchFlags::OPEN).unwrap();
        assert_eq!(kind(fs::read(&path).await), Some(ErrorKind::Unsupported));
        assert_eq!(kind(fs::write(&path, "x").await), Some(ErrorKind::Unsupported));
        let mut buffer = [MaybeUninit::uninit(); 512];
        assert_eq!(inotify::Reader::new(&events, &mut buffer).next().err(), Some(Errno::AGAIN));
    }))
    .unwrap();
}

/// What a file of this process says by that name, in bytes.
fn number(file: &str, name: &str) -> u64 {
    let text = std_fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// Waits until nobody here has `/dev/zero` open.
async fn until_closed() {
    let is_zero = |entry: std::io::Result<std_fs::DirEntry>| {
        std_fs::read_link(entry.unwrap().path()).is_ok_and(|path| path.as_os_str() == "/dev/zero")
    };
    while std_fs::read_dir("/proc/self/fd").unwrap().any(is_zero) {
        sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_read_that_is_given_up_stops() {
    const MUCH: usize = 1 << 30;
    run(async {
        let (soon, long) = (Duration::from_millis(10), Duration::from_secs(10));
        let read = || number("/proc/self/io", "rchar");
        let file = fs::File::open("/dev/zero").await.unwrap();
        let before = read();
        assert!(move_on_after(soon, file.read_at(vec![0; MUCH], 0)).await.is_none());
        drop(file);
        move_on_after(long, until_closed()).await.expect("it reads on");
        assert!(read() - before < MUCH as u64, "it has read all");
        assert!(move_on_after(soon, fs::read("/dev/zero")).await.is_none());
        move_on_after(long, until_closed()).await.expect("it reads on");
        assert!(move_on_after(soon, fs::read_to_string("/dev/zero")).await.is_none());
        move_on_after(long, until_closed()).await.expect("it reads on");
    });
}

#[test]
fn a_file_that_says_it_has_no_bytes_is_read_and_copied_whole() {
    run(fs::in_temporary_folder(async |folder| {
        let (from, to) = ("/proc/self/status", folder.join("copy"));
        assert_eq!(std_fs::metadata(from).unwrap().len(), 0);
        assert!(fs::read_to_string(from).await.unwrap().contains("Name:"));
        let copied = fs::copy(from, &to).await.unwrap();
        let copy = fs::read_to_string(&to).await.unwrap();
        assert!(copy.len() as u64 == copied && copy.starts_with("Name:") && copy.ends_with('\n'), "{copy}");
    }))
    .unwrap();
}
