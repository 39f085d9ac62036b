//! Linux and Android: epoll, edge-triggered, with nothing but `epoll_wait` in the path of a message.
//!
//! * A source is added once for everything and never changed.
//! * The bell is an eventfd. It is edge-triggered too, so a ring makes an event though nobody reads the counter.
//! * `epoll_wait` counts milliseconds, and the kernel's slack adds 50 µs. Deadlines go to a timerfd instead, which is
//!   exact. It is set only for a deadline that comes *before* the one it is set to: deadlines that keep moving
//!   away, as timeouts of busy connections do, cost nothing. If it goes off too early for what is then the next
//!   deadline, the loop turns once more in vain and it is set again. By a clock that may jump, what was set is compared
//!   with what that clock says now, at the price of reading it, and ours, for each wait: 50 ns.

use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;
pub(crate) use std::os::fd::AsFd as AsSource;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use giambio_core::__fault as fault;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use super::limit::Limit;
use super::readiness::Signal;
use super::registry::{Event, Key};
use super::{descriptor, notifier};

const BELL: u64 = u64::MAX;
const ALARM: u64 = u64::MAX - 1;

#[derive(Debug)]
pub(super) struct Poller {
    epoll: Rc<OwnedFd>,
    timer: OwnedFd,
    bell: Bell,
    /// When the timer goes off, and for whom.
    alarm: Cell<Option<Alarm>>,
    users: Cell<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Alarm {
    user: u32,
    moment: u64,
    /// The same in our own time, if the user's clock may jump. `None` there: beyond reckoning.
    at: Option<Instant>,
}

impl Poller {
    /// Must the system be told of each wait for a source?
    pub(super) const MUST_BE_ARMED: bool = false;

    pub(super) fn new() -> io::Result<Poller> {
        Poller::with(Bell::new()?)
    }

    fn with(bell: Bell) -> io::Result<Poller> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &timer, EventData::new_u64(ALARM), EventFlags::IN | EventFlags::ET)?;
        epoll::add(&epoll, &bell.0, EventData::new_u64(BELL), EventFlags::IN | EventFlags::ET)?;
        Ok(Poller { epoll: Rc::new(epoll), timer, bell, alarm: Cell::new(None), users: Cell::new(0) })
    }

    /// Starts afresh in a process that was forked: closing our copies of the parent's descriptors leaves them as they are.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        self.bell.renew()?;
        let new = Poller::with(self.bell.clone())?;
        // The loops know it by its number.
        descriptor::replace(&self.epoll, &new.epoll)?;
        *self = Poller { epoll: self.epoll.clone(), users: self.users.clone(), ..new };
        Ok(())
    }

    /// Room for the events of one wait.
    pub(super) fn events(&self, capacity: NonZeroUsize) -> Events {
        let user = self.users.get();
        self.users.set(user.wrapping_add(1));
        Events { list: Vec::with_capacity(capacity.get()), user, epoll: self.epoll.clone() }
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    pub(super) fn add(&self, source: &impl AsSource, key: Key) -> io::Result<()> {
        let everything = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::PRI | EventFlags::ET;
        Ok(epoll::add(&*self.epoll, source, EventData::new_u64(u64::from(key.0)), everything)?)
    }

    /// Never called: edges are reported whether someone waits or not.
    pub(super) fn arm(&self, _: &impl AsSource, _: Key, _read: bool, _write: bool) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn remove(&self, source: &impl AsSource) -> io::Result<()> {
        Ok(epoll::delete(&*self.epoll, source)?)
    }

    /// Waits for events. May return early and without any.
    pub(super) fn wait(&self, events: &mut Events, limit: Limit<'_>) -> io::Result<()> {
        let timeout = match limit {
            Limit::Now => Some(Timespec::default()),
            Limit::Never => None,
            Limit::At { moment, is_steady, left } => self.set_alarm(events.user, moment, is_steady, left)?,
        };
        events.list.clear();
        match epoll::wait(&*self.epoll, spare_capacity(&mut events.list), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if events.list.iter().any(|event| event.data.u64() == ALARM) {
            self.alarm.set(None);
        }
        Ok(())
    }

    /// Sees to it that the timer goes off at `moment` or before; the timeout for the wait itself.
    fn set_alarm(
        &self,
        user: u32,
        moment: u64,
        is_steady: bool,
        left: &dyn Fn() -> Duration,
    ) -> io::Result<Option<Timespec>> {
        let is_steady = is_steady || fault!("jump-of-the-clock-unseen");
        let known = self.alarm.get().filter(|alarm| alarm.user == user && alarm.moment <= moment);
        if known.is_some() && is_steady {
            return Ok(None);
        }
        let left = left();
        if left.is_zero() {
            return Ok(Some(Timespec::default()));
        }
        let at = if is_steady { None } else { Instant::now().checked_add(left) };
        if known.is_some_and(|alarm| at.is_none() || alarm.at.is_some_and(|known| Some(known) <= at)) {
            return Ok(None);
        }
        let it_value = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.alarm.set(Some(Alarm { user, moment, at }));
        Ok(None)
    }
}

/// Where the system puts the events of one wait.
pub(super) struct Events {
    list: Vec<epoll::Event>,
    /// Tells apart the loops that take turns on one thread and its timer.
    user: u32,
    /// Where they come from.
    epoll: Rc<OwnedFd>,
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl Events {
    /// Was there no room for more?
    pub(super) fn is_full(&self) -> bool {
        self.list.len() == self.list.capacity()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().filter_map(|event| {
            let key = Key(u32::try_from(event.data.u64()).ok()?);
            let flags = event.flags;
            let over = flags.intersects(EventFlags::HUP | EventFlags::ERR);
            let ending = over || flags.intersects(EventFlags::RDHUP | EventFlags::PRI);
            let read = Signal { ready: ending || flags.contains(EventFlags::IN), lasting: ending };
            let write = Signal { ready: over || flags.contains(EventFlags::OUT), lasting: over };
            Some(Event { key, read, write })
        })
    }
}

/// Ends a wait from any thread.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<OwnedFd>);

impl Bell {
    fn new() -> io::Result<Bell> {
        Ok(Bell(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// From now on it is not the one of the process that this was forked from.
    fn renew(&self) -> io::Result<()> {
        descriptor::replace(&self.0, &Bell::new()?.0)
    }
}

impl notifier::Bell for Bell {
    fn ring(&self) {
        // It fails only if 2^64 rings are outstanding, and then the descriptor is readable anyway.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}
