//! Law NOTHING-OUTLIVES, at length: children that are started and cut off at random moments leave no process, no zombie, no
//! descriptor and no thread. Alone in its process, in which everything is counted.
#![cfg(unix)]

use std::cell::Cell;
use std::fs;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use giambio::process::{Spawn, output, run_in, status};
use giambio::{fail_after, move_on_after, nursery, run};
use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

/// Ten times as many where the build is fast.
const CHILDREN: u32 = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
/// So many threads reap.
const REAPERS: usize = 4;
/// So many at once.
const AT_ONCE: u32 = 20;

/// What a number of steps of splitmix64 make of a seed.
fn random(seed: &Cell<u64>) -> u64 {
    seed.set(seed.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
    let mut x = seed.get();
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// How many entries a folder of /proc has, where there is one.
fn entries(folder: &str) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Is there any child, running or a zombie? Here nobody else has one.
#[cfg(not(target_os = "openbsd"))]
fn has_children() -> bool {
    use rustix::process::{WaitIdOptions, waitid};

    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    waitid(rustix::process::WaitId::All, look).map_or_else(|error| error != Errno::CHILD, |_| true)
}

/// The same where to look is to reap.
#[cfg(target_os = "openbsd")]
fn has_children() -> bool {
    wait(WaitOptions::NOHANG).err() != Some(Errno::CHILD)
}

/// A child of some kind: one that ends by itself, one that talks, one that does not want to end, one with a child of its own.
async fn child(kind: u64) -> io::Result<()> {
    let sleeps = |grace| Spawn::new("sleep").arg("1000").grace(grace);
    match kind % 5 {
        0 => status(Spawn::new("true")).await.map(drop),
        1 => output(Spawn::new("echo").arg("hello")).await.map(|said| assert_eq!(said.stdout, b"hello\n")),
        2 => run_in(sleeps(Duration::from_secs(20)), async |child| child.wait().await.map(drop)).await?.0,
        3 => run_in(sleeps(Duration::ZERO).group(true), async |child| child.wait().await.map(drop)).await?.0,
        _ => {
            let cat = Spawn::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            run_in(cat, async |child| child.communicate(&[7; 100_000]).await.map(drop)).await?.0
        }
    }
}

/// Polls it so often at most, and drops it then, as a `select!` does.
async fn dropped_after(polls: u64, work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let mut left = polls;
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Pending if left == 0 => Poll::Ready(Ok(())),
        polled => {
            left = left.saturating_sub(1);
            polled
        }
    })
    .await
}

async fn all_kinds(children: u32, seed: &Cell<u64>) {
    let next = &Cell::new(0);
    nursery(async |n| {
        for _ in 0..AT_ONCE {
            n.spawn(async move {
                while next.get() < children {
                    next.set(next.get() + 1);
                    let (kind, micros, polls) = (random(seed), random(seed) % 4_000, random(seed) % 4);
                    match random(seed) % 2 {
                        0 => move_on_after(Duration::from_micros(micros), child(kind)).await.unwrap_or(Ok(()))?,
                        _ => dropped_after(polls, not_for_long(child(kind))).await?,
                    }
                }
                Ok::<(), io::Error>(())
            });
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// A child that does not end by itself has to be cut off.
async fn not_for_long(work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    move_on_after(Duration::from_millis(4), work).await.unwrap_or(Ok(()))
}

#[test]
fn children_that_are_cut_off_at_random_moments_leave_nothing() {
    let (threads, descriptors) = (entries("/proc/self/task"), {
        run(async {}); // the reactor keeps its own
        run(async { status(Spawn::new("true")).await.unwrap() });
        entries("/proc/self/fd")
    });
    let seed = Cell::new(1);
    run(fail_after(Duration::from_secs(600), all_kinds(CHILDREN, &seed))).expect("nothing hangs");
    assert_eq!(entries("/proc/self/fd"), descriptors, "descriptors are left");
    // Those that were dropped are reaped by threads, which end when they have had nothing to do for 10 s: to see that takes
    // too long for each day.
    let began = Instant::now();
    while has_children() {
        assert!(began.elapsed() < Duration::from_secs(20), "a child is left");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(wait(WaitOptions::NOHANG).err(), Some(Errno::CHILD));
    // Where no pidfd tells, each child had one.
    assert!(entries("/proc/self/task") <= threads + REAPERS + 2 * AT_ONCE as usize, "a thread is left");
    while !cfg!(debug_assertions) && entries("/proc/self/task") > threads {
        assert!(began.elapsed() < Duration::from_secs(40), "a thread is left");
        thread::sleep(Duration::from_millis(50));
    }
}
