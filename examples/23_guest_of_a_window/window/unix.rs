//! The window, its loop, and a program that hears of its keys.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use giambio::channel::Unbounded;
use giambio::{Idle, Next, Runtime, StdClock, TimedOut, fail_after};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The connection to a window system, which tells of keys.
fn open_window() -> io::Result<UnixStream> {
    let (window, mut keyboard) = UnixStream::pair()?;
    thread::spawn(move || {
        for (pause, key) in [(200, b'a'), (200, b'b'), (1_200, b'c'), (200, b'q')] {
            thread::sleep(Duration::from_millis(pause));
            keyboard.write_all(&[key]).expect("the window is open");
        }
    });
    println!("[window] opened");
    Ok(window)
}

async fn program(keys: &Unbounded<u8>, text: &RefCell<String>) -> String {
    println!("[task] waits for keys");
    loop {
        match fail_after(Duration::from_millis(800), keys.receive()).await {
            Ok(Ok(key)) => {
                text.borrow_mut().push(key.into());
                println!("[task] so far: {}", text.borrow());
            }
            Ok(Err(_closed)) => return text.take(),
            Err(TimedOut { .. }) => println!("[task] no key for 800 ms"),
        }
    }
}

pub(crate) fn main() -> io::Result<()> {
    let (keys, text) = (Unbounded::new(), RefCell::default());
    let clock = StdClock::new();
    let mut idle = Idle::new(clock)?;
    let mut runtime = pin!(Runtime::new(clock, program(&keys, &text)).with_notify(idle.waker()));
    let mut window = open_window()?;
    let ended = loop {
        // The tasks' turn.
        idle.look();
        let until = match runtime.as_mut().turn() {
            Next::Finished(value) => break value,
            Next::Wait(until) => until,
        };
        // One wait for everything.
        let limit = idle.arm(until).and_then(|limit| Timespec::try_from(limit).ok());
        let mut sources = [PollFd::new(&idle, PollFlags::IN), PollFd::new(&window, PollFlags::IN)];
        poll(&mut sources, limit.as_ref())?;
        let has_event = !sources[1].revents().is_empty();
        // The window's turn.
        if has_event {
            let mut key = [0];
            window.read_exact(&mut key)?;
            if key == *b"q" {
                println!("[window] closed");
                keys.close();
            } else {
                println!("[window] key {}", char::from(key[0]));
                keys.send(key[0]).expect("it is open");
            }
        }
    };
    println!("the program has ended with {ended:?}");
    Ok(())
}
