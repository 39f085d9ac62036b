//! Unix: the reactor has a descriptor, which another loop can wait for.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use giambio_core::{Clock, Until};

use super::{Idle, left, waited};

impl<C: Clock> Idle<C> {
    /// For a loop that waits elsewhere, for the descriptor of this among others: between a turn, which said `until`, and that
    /// wait. For how long may it wait at most? `None`: without end.
    ///
    /// From here to the next [`look`](Idle::look) the descriptor is readable when a socket is ready, or whatever else the
    /// reactor watches, and when another thread or a signal handler wakes a task. Then look, and turn; also when
    /// the time is over. The order is always: look, turn, arm, wait. A turn that ends with
    /// [`Until::Now`] makes it a wait of no time.
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    /// use giambio::{Idle, Next, Runtime, StdClock, sleep};
    /// use rustix::event::{PollFd, PollFlags, Timespec, poll};
    ///
    /// let clock = StdClock::new();
    /// let mut idle = Idle::new(clock)?;
    /// let mut runtime = pin!(Runtime::new(clock, async { sleep(Duration::from_millis(1)).await; 7 }).with_notify(idle.waker()));
    /// let value = loop {
    ///     idle.look();
    ///     let until = match runtime.as_mut().turn() {
    ///         Next::Finished(value) => break value,
    ///         Next::Wait(until) => until,
    ///     };
    ///     let limit = idle.arm(until).and_then(|limit| Timespec::try_from(limit).ok());
    ///     let mut sources = [PollFd::new(&idle, PollFlags::IN)]; // and what else the loop waits for
    ///     poll(&mut sources, limit.as_ref())?;
    /// };
    /// assert_eq!(value, 7);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// Another loop of this thread may look or wait meanwhile, a nested [`run()`](crate::run()) too: what such a one takes
    /// from the system that may be for your tasks is told by the descriptor, which is readable once more. Who is told and
    /// does not look is not told again, so that a loop that is put aside keeps no other one awake. But where the loop is not
    /// your own, and code of it runs between this and the next turn that wakes tasks itself, that is told by
    /// [`turn_in`](crate::Runtime::turn_in) alone, with a waker that wakes your loop.
    ///
    /// # Panics
    /// As [`wait`](crate::Wait::wait).
    pub fn arm(&mut self, until: Until) -> Option<Duration> {
        let may_wait = waited(self.reactor.may_wait_elsewhere(&mut self.events));
        match until {
            Until::OnWake if may_wait => None,
            Until::At(tick) if may_wait => {
                let tick = self.stretched(tick);
                Some(left(&self.clock, tick))
            }
            _ => Some(Duration::ZERO),
        }
    }
}

/// The descriptor of this thread's reactor: an epoll, a kqueue, an event port. Wait for it to be readable, after
/// [`arm`](Idle::arm), and do nothing else with it. It is closed when the thread ends, or later if this is kept.
///
/// All `Idle`s of a thread have the same. Where a poller takes each descriptor once, as tokio's and smol's do, give it a
/// duplicate ([`try_clone_to_owned`](BorrowedFd::try_clone_to_owned)). In a child of a fork make an `Idle` of its own.
impl<C> AsFd for Idle<C> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use std::io;
    use std::net::{Ipv4Addr, UdpSocket as StdSocket};
    use std::num::NonZeroUsize;
    use std::pin::pin;

    use giambio_core::{Next, Runtime, checkpoint, nursery};

    use super::*;
    use crate::clock::StdClock;
    use crate::net::UdpSocket;

    #[test]
    fn a_look_says_when_there_may_be_more() {
        let one = NonZeroUsize::MIN;
        let clock = StdClock::new();
        let mut idle = Idle::with(clock, true, one, Duration::ZERO).unwrap();
        let peer = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut main = pin!(Runtime::new(clock, async {
            nursery(async |n| {
                let mut addresses = Vec::new();
                for _ in 0..3 {
                    let socket = UdpSocket::bind("127.0.0.1:0").await?;
                    addresses.push(socket.local_addr()?);
                    n.spawn(async move {
                        socket.receive_from(&mut [0; 8]).await?;
                        Ok::<_, io::Error>(())
                    });
                }
                checkpoint().await; // now all of them wait
                for address in addresses {
                    peer.send_to(b"x", address)?;
                }
                Ok(())
            })
            .await
        }));
        let mut looks = 0;
        loop {
            match main.as_mut().turn() {
                Next::Finished(ended) => break ended.unwrap(),
                Next::Wait(_) => {
                    while idle.look() {
                        looks += 1;
                    }
                }
            }
        }
        assert!(looks >= 3, "one event each: {looks}");
    }
}
