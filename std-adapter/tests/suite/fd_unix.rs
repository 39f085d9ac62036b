//! What waits for any descriptor, and descriptors that only Unix has.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::common::{kind, poll_once, settle};
use giambio::fd::Fd;
use giambio::{fail_after, run};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

const LONG: Duration = Duration::from_secs(5);

fn is_nonblocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

#[test]
fn a_file_and_a_folder_are_refused_with_advice() {
    for path in ["Cargo.toml", "src"] {
        let file = File::open(path).unwrap();
        let error = Fd::new(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("unblock"), "{error}");
        assert!(!is_nonblocking(&file), "its mode is as it was");
    }
}

#[test]
fn a_pipe_is_read_and_written_and_its_end_is_seen() {
    run(async {
        let (reader, writer) = io::pipe().unwrap();
        let (reader, writer) = (Fd::new(OwnedFd::from(reader)).unwrap(), Fd::new(writer).unwrap());
        let data = vec![7; 1 << 20];
        let send = async {
            let mut rest = &data[..];
            while !rest.is_empty() {
                let count = writer.write_with(|mut pipe| pipe.write(rest)).await.unwrap();
                rest = &rest[count..];
            }
            drop(writer);
        };
        let receive = async {
            let (mut all, mut buffer) = (0, [0; 5000]);
            loop {
                reader.readable().await.unwrap();
                match reader.try_read_with(|pipe| Ok(rustix::io::read(pipe, &mut buffer)?)).unwrap() {
                    0 => return all,
                    count => all += count,
                }
            }
        };
        let ((), all) = fail_after(LONG, futures_lite::future::zip(send, receive)).await.unwrap();
        assert_eq!(all, data.len());
    });
}

#[test]
fn who_has_gone_ends_the_wait_to_write() {
    run(async {
        let (reader, writer) = io::pipe().unwrap();
        let writer = Fd::new(writer).unwrap();
        while writer.try_write_with(|mut pipe| pipe.write(&[0; 4096])).is_ok() {}
        let mut writable = Box::pin(writer.writable());
        assert!(poll_once(&mut writable).await.is_none());
        settle().await;
        drop(reader);
        fail_after(LONG, writable).await.unwrap().unwrap();
        assert_eq!(kind(writer.try_write_with(|mut pipe| pipe.write(b"x"))), Some(ErrorKind::BrokenPipe));
    });
}

#[test]
fn a_terminal_is_waited_for_at_both_ends() {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    // SAFETY: the descriptor is open, and nobody else asks here, which would change the text that this leads to.
    let name = unsafe { CStr::from_ptr(libc::ptsname(controller.as_raw_fd())) }.to_str().unwrap();
    let terminal = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name).unwrap();
    let mut raw = tcgetattr(&terminal).unwrap();
    raw.make_raw();
    tcsetattr(&terminal, OptionalActions::Now, &raw).unwrap();
    run(async {
        let (controller, terminal) = (Fd::new(controller).unwrap(), Fd::new(terminal).unwrap());
        for text in [&b"typed"[..], b"and more"] {
            let mut buffer = [0; 16];
            let mut read = Box::pin(terminal.read_with(|mut file| file.read(&mut buffer)));
            assert!(poll_once(&mut read).await.is_none());
            settle().await;
            controller.write_with(|fd| Ok(rustix::io::write(fd, text)?)).await.unwrap();
            let count = fail_after(LONG, read).await.unwrap().unwrap();
            assert_eq!(&buffer[..count], text);
        }
        terminal.write_with(|mut file| file.write(b"shown")).await.unwrap();
        fail_after(LONG, controller.readable()).await.unwrap().unwrap();
    });
}

#[test]
fn the_mode_is_what_it_was_when_it_is_given_back() {
    run(async {
        let (one, _other) = UnixStream::pair().unwrap();
        let fd = Fd::in_its_mode(&one).unwrap();
        assert!(!is_nonblocking(&one), "it is left alone");
        drop(fd);
        let fd = Fd::new(&one).unwrap();
        assert!(is_nonblocking(&one));
        fd.close();
        fd.into_inner().unwrap();
        assert!(!is_nonblocking(&one));
        one.set_nonblocking(true).unwrap();
        Fd::new(&one).unwrap().into_inner().unwrap();
        assert!(is_nonblocking(&one), "it came in this mode");
    });
}
