//! What waits for any descriptor, and descriptors that only Linux has.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::common::{Place, kind, poll_once, settle};
use giambio::fd::{Closed, Fd};
use giambio::{fail_after, run, testing, unblock};
use rustix::event::Timespec;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{FileType, Mode, mknodat};
use rustix::net::{RecvFlags, recv};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use socket2::SockRef;

const LONG: Duration = Duration::from_secs(5);

#[test]
fn an_inotify_tells_of_a_new_file() {
    let folder = Place::folder("inotify");
    run(async {
        let watch = inotify::init(CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&watch, &folder.0, WatchFlags::CREATE).unwrap();
        let watch = Fd::new(watch).unwrap();
        let mut wait = Box::pin(watch.read_with(|fd| {
            let mut room = [MaybeUninit::uninit(); 512];
            let mut events = inotify::Reader::new(fd, &mut room);
            let event = events.next()?;
            Ok(event.file_name().unwrap().to_str().unwrap().to_owned())
        }));
        assert!(poll_once(&mut wait).await.is_none());
        settle().await;
        File::create(folder.0.join("new")).unwrap();
        assert_eq!(fail_after(LONG, wait).await.unwrap().unwrap(), "new");
    });
}

#[test]
fn a_fifo_waits_for_who_writes() {
    let Place(path) = &Place::new("fifo");
    mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    run(async {
        let open = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
        let fd = Fd::new(open).unwrap();
        let mut readable = Box::pin(fd.readable());
        assert!(poll_once(&mut readable).await.is_none(), "without a writer a read would say that it is over");
        settle().await;
        let writer = path.clone();
        unblock(move || fs::write(writer, "hello")).await.unwrap();
        fail_after(LONG, readable).await.unwrap().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(fd.read_with(|mut file| file.read(&mut buffer)).await.unwrap(), 5);
    });
}

#[test]
fn a_timer_of_the_kernel_goes_off_again_and_again() {
    run(async {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).unwrap();
        let often = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
        let set = Itimerspec { it_interval: often, it_value: often };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &set).unwrap();
        let timer = Fd::new(timer).unwrap();
        for _ in 0..5 {
            let mut count = [0; 8];
            fail_after(LONG, timer.read_with(|fd| Ok(rustix::io::read(fd, &mut count)?))).await.unwrap().unwrap();
            assert!(u64::from_ne_bytes(count) > 0);
        }
    });
}

#[test]
fn what_is_urgent_is_waited_for_apart_from_what_is_not() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let fd = Fd::new(listener.accept().unwrap().0).unwrap();
        let mut byte = [0];
        let mut urgent = Box::pin(fd.priority());
        assert!(poll_once(&mut urgent).await.is_none());
        peer.write_all(b"plain").unwrap();
        fail_after(LONG, fd.readable()).await.unwrap().unwrap();
        settle().await;
        assert!(poll_once(&mut urgent).await.is_none(), "plain data is not urgent");
        assert_eq!(kind(fd.priority().await), Some(ErrorKind::ResourceBusy));
        SockRef::from(&peer).send_out_of_band(b"!").unwrap();
        fail_after(LONG, urgent).await.unwrap().unwrap();
        let mut oob = |socket: &TcpStream| {
            Ok(recv(socket, &mut byte, RecvFlags::OOB)
                .map_err(|error| match error {
                    rustix::io::Errno::INVAL => ErrorKind::WouldBlock.into(), // there is nothing
                    error => std::io::Error::from(error),
                })?
                .1)
        };
        assert_eq!(fd.priority_with(&mut oob).await.unwrap(), 1);
        assert_eq!(kind(fd.try_priority_with(&mut oob)), Some(ErrorKind::WouldBlock));

        let mut next = Box::pin(fd.priority_with(&mut oob));
        assert!(poll_once(&mut next).await.is_none());
        SockRef::from(&peer).send_out_of_band(b"?").unwrap();
        assert_eq!(fail_after(LONG, next).await.unwrap().unwrap(), 1);
        assert_eq!(byte, *b"?");

        let mut wait = Box::pin(fd.priority_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into())));
        assert!(poll_once(&mut wait).await.is_none());
        fd.close();
        assert!(Closed::is_cause_of(&wait.await.unwrap_err()));
        assert!(Closed::is_cause_of(&fd.priority().await.unwrap_err()));
    });
}

#[test]
fn what_the_kernel_will_not_tell_about_is_refused() {
    let error = Fd::new(File::open("/dev/null").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("unblock"), "{error}");
}

#[test]
#[should_panic(expected = "giambio::run")]
fn to_wait_where_nobody_looks_is_a_panic_that_says_so() {
    let (one, _other) = UnixStream::pair().unwrap();
    let fd = Fd::new(one).unwrap();
    testing::run(async { fd.readable().await }).unwrap();
}
