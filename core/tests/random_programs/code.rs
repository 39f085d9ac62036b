//! What a random program is made of.

use crate::between::Use;

/// A piece of a program. The numbers tell its events apart; spans are nanoseconds.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    /// Sleeps, and says so with its number.
    Sleep(u32, u64),
    Yield,
    /// Uses something that all pieces share, and says so with its number.
    Use(u32, Use),
    /// Waits for another thread to wake it, which takes no virtual time.
    Remote,
    /// Fails with its number.
    Fail(u32),
    /// Panics with its number.
    Panic(u32),
    /// While its code is at work, something is alive that panics when it is dropped.
    Guarded(u32, Box<Code>),
    Seq(Vec<Code>),
    /// Goes on when its code has failed.
    Catch(Box<Code>),
    Deadline(u64, Box<Code>),
    /// Has a deadline, which is moved to another time after a while.
    Moved {
        first: u64,
        after: u64,
        second: u64,
        body: Box<Code>,
    },
    /// Cancels itself after a while, through a neighbour in a `join!`.
    Scope(u64, Box<Code>),
    Shield(Box<Code>),
    ShieldFor(u64, Box<Code>),
    Finally(u32, Box<Code>, Box<Code>),
    FinallyFor(u32, u64, Box<Code>, Box<Code>),
    Nursery {
        body: Box<Code>,
        kids: Vec<Kid>,
        /// In an arena with so many places.
        places: Option<usize>,
        race: bool,
    },
    Join(Box<Code>, Box<Code>),
    Select(Box<Code>, Box<Code>),
    /// In somebody else's set of futures, which has wakers of its own.
    Set(Vec<Code>),
    /// Polled in an unusual way, which must make no difference.
    Through(Way, Box<Code>),
}

#[derive(Clone, Debug)]
pub(crate) struct Kid {
    pub(crate) number: u32,
    pub(crate) code: Code,
    pub(crate) daemon: bool,
    pub(crate) after: Option<u64>,
    pub(crate) handle: Handle,
    /// Spawns this one as its last act.
    pub(crate) then: Option<Box<Code>>,
    /// In an arena: gives up at once if there is no room.
    pub(crate) only_if_room: bool,
}

/// What becomes of a child's handle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Handle {
    Dropped,
    /// Lives as long as the body.
    Kept,
    Forgotten,
    /// By the body, before it does anything else.
    Awaited,
    AwaitedBySibling,
    CancelledAfter(u64),
}

/// How code is polled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// In a set of one, which has wakers of its own.
    Set,
    /// With a waker that forwards to the task's, a new one each time.
    OwnWaker,
    /// Twice each time.
    Twice,
    /// Beside a neighbour that wakes the task for nothing.
    Noisy,
    /// One poll later than it could be.
    Late,
    /// First by one task, then by another.
    Moves,
}

/// The pieces that code consists of, shared or to be changed.
macro_rules! parts {
    ($code:expr, $iter:ident, $as_deref:ident $(, $mut:ident)?) => {
        match $code {
            Code::Sleep(..) | Code::Yield | Code::Use(..) | Code::Remote | Code::Fail(_) | Code::Panic(_) => Vec::new(),
            Code::Seq(steps) | Code::Set(steps) => steps.$iter().collect(),
            Code::Guarded(_, body)
            | Code::Catch(body)
            | Code::Deadline(_, body)
            | Code::Moved { body, .. }
            | Code::Scope(_, body)
            | Code::Shield(body)
            | Code::ShieldFor(_, body)
            | Code::Through(_, body) => vec![body],
            Code::Finally(_, left, right)
            | Code::FinallyFor(_, _, left, right)
            | Code::Join(left, right)
            | Code::Select(left, right) => vec![left, right],
            Code::Nursery { body, kids, .. } => {
                let mut all = vec![& $($mut)? **body];
                for kid in kids {
                    all.push(& $($mut)? kid.code);
                    all.extend(kid.then.$as_deref());
                }
                all
            }
        }
    };
}

impl Code {
    /// The pieces it consists of.
    pub(crate) fn parts(&self) -> Vec<&Code> {
        parts!(self, iter, as_deref)
    }

    pub(crate) fn parts_mut(&mut self) -> Vec<&mut Code> {
        parts!(self, iter_mut, as_deref_mut, mut)
    }

    /// Is this so for the code or for any piece of it?
    pub(crate) fn any(&self, what: &dyn Fn(&Code) -> bool) -> bool {
        what(self) || self.parts().into_iter().any(|part| part.any(what))
    }

    /// Does it begin by taking time?
    fn naps(&self) -> bool {
        match self {
            Code::Sleep(..) => true,
            Code::Seq(steps) => steps.first().is_some_and(Code::naps),
            _ => false,
        }
    }

    fn has_bombs(&self) -> bool {
        self.any(&|code| matches!(code, Code::Guarded(..)))
    }

    /// Does its outcome depend on nothing that the model doesn't know, as who is polled first?
    pub(crate) fn is_fair(&self) -> bool {
        let here = match self {
            Code::Fail(_) | Code::Panic(_) => false,
            Code::Seq(steps) => {
                return steps.iter().enumerate().all(|(i, step)| match step {
                    Code::Fail(_) | Code::Panic(_) => i > 0 && matches!(steps[i - 1], Code::Sleep(..)),
                    step => step.is_fair(),
                });
            }
            Code::Select(left, right) => left.naps() && right.naps(),
            // Dropping a foreign set stops at the first destructor that panics: the rest leaks.
            Code::Set(_) | Code::Through(Way::Set, _) => !self.has_bombs(),
            // A scope in a foreign set that has moved is known there only when the set polls it again.
            Code::Through(Way::Moves, body) => {
                !body.any(&|code| matches!(code, Code::Set(_) | Code::Through(Way::Set, _)))
            }
            Code::Moved { after, second, .. } => after < second,
            Code::Nursery { body, kids, places, race } => {
                let held = kids
                    .iter()
                    .filter(|kid| matches!(kid.handle, Handle::Kept | Handle::Forgotten | Handle::Awaited))
                    .count();
                body.naps()
                    && kids.iter().filter(|kid| kid.handle == Handle::Awaited).count() <= 1
                    && kids.iter().all(|kid| !(kid.daemon && (kid.then.is_some() || kid.awaited())))
                    && kids.iter().all(|kid| kid.then.as_ref().is_none_or(|code| code.naps()))
                    && places.is_none_or(|places| {
                        held < places && kids.iter().all(|kid| kid.code.naps() && kid.may_be_in_an_arena())
                    })
                    && (!race
                        || (!self.has_bombs()
                            && places.is_none()
                            && kids.iter().all(|kid| {
                                kid.code.naps()
                                    && kid.then.is_none()
                                    && !kid.awaited()
                                    && !matches!(kid.handle, Handle::CancelledAfter(_))
                            })))
            }
            _ => true,
        };
        here && self.parts().into_iter().all(Code::is_fair)
    }
}

impl Kid {
    /// Needs neither a heap nor a place for another task.
    pub(crate) fn may_be_in_an_arena(&self) -> bool {
        self.then.is_none()
            && self.after.is_none()
            && !matches!(self.handle, Handle::CancelledAfter(_) | Handle::AwaitedBySibling)
    }

    fn awaited(&self) -> bool {
        matches!(self.handle, Handle::Awaited | Handle::AwaitedBySibling)
    }
}
