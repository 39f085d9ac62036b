//! Programs from seeds.

use crate::between::Use;
use crate::code::{Code, Handle, Kid, Way};
use crate::common::Rng;

/// The program of a seed.
pub(crate) fn make(seed: u64) -> Code {
    made(seed, true)
}

/// One whose pieces share nothing: polled in the middle of itself, what is shared would rightly panic.
#[allow(dead_code, reason = "of two programs one makes these")]
pub(crate) fn make_apart(seed: u64) -> Code {
    made(seed, false)
}

fn made(seed: u64, shares: bool) -> Code {
    let size = 2 + (seed % 60) as u32;
    let mut maker = Maker { rng: Rng(seed ^ 0x6769_616d_6269_6f00), size, next: 0, shares };
    loop {
        maker.size = size;
        let code = maker.code();
        if code.is_fair() {
            return code;
        }
    }
}

struct Maker {
    rng: Rng,
    /// How many more nodes there may be.
    size: u32,
    next: u32,
    /// Do its pieces use what all of them share?
    shares: bool,
}

impl Maker {
    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn span(&mut self) -> u64 {
        self.rng.below(1 << 30) + 1
    }

    fn nap(&mut self) -> Code {
        Code::Sleep(self.number(), self.span())
    }

    /// Code that takes time before it does anything else: else it matters who is polled first.
    fn after_a_nap(&mut self) -> Code {
        Code::Seq(vec![self.nap(), self.code()])
    }

    fn boxed(&mut self) -> Box<Code> {
        Box::new(self.code())
    }

    fn fail(&mut self) -> Code {
        Code::Seq(vec![self.nap(), Code::Fail(self.number())])
    }

    /// Code whose failure a clean-up may delay until much else has happened.
    fn may_fail(&mut self) -> Box<Code> {
        if self.rng.one_in(4) { Box::new(self.fail()) } else { self.boxed() }
    }

    fn several(&mut self, below: u64) -> Vec<Code> {
        let count = self.rng.below(below);
        (0..count).map(|_| self.code()).collect()
    }

    fn code(&mut self) -> Code {
        if self.size == 0 {
            return self.nap();
        }
        self.size -= 1;
        match self.rng.below(46) {
            0..3 => self.nap(),
            3 => Code::Yield,
            4 => Code::Remote,
            5 => self.fail(),
            // Where panics can't be caught they end the program.
            6 if cfg!(not(feature = "std")) => self.nap(),
            6 if self.rng.one_in(2) => Code::Seq(vec![self.nap(), Code::Panic(self.number())]),
            6 => Code::Guarded(self.number(), self.boxed()),
            7..12 => Code::Seq(self.several(4)),
            12 | 13 => Code::Deadline(self.span() * 2, self.boxed()),
            14 => {
                let after = self.span();
                Code::Moved { first: self.span() * 2, after, second: after + self.span(), body: self.boxed() }
            }
            15 | 16 => Code::Scope(self.span() * 2, self.boxed()),
            17 | 18 => Code::Shield(self.boxed()),
            19 => Code::ShieldFor(self.span(), self.boxed()),
            20 | 21 => Code::Finally(self.number(), self.may_fail(), self.boxed()),
            22 => Code::FinallyFor(self.number(), self.span(), self.may_fail(), self.boxed()),
            23 | 24 => Code::Join(self.boxed(), self.boxed()),
            25 | 26 => Code::Select(Box::new(self.after_a_nap()), Box::new(self.after_a_nap())),
            27 => Code::Set(self.several(5)),
            28..32 => Code::Through(self.way(), self.boxed()),
            32 | 33 => self.nursery_in_an_arena(),
            34 => self.race(),
            35..39 if !self.shares => Code::Yield,
            35..39 => Code::Use(self.number(), Use::ALL[self.rng.below(Use::ALL.len() as u64) as usize]),
            // Else most programs would end with their first failure.
            _ if self.rng.one_in(2) => Code::Catch(Box::new(self.nursery())),
            _ => self.nursery(),
        }
    }

    fn way(&mut self) -> Way {
        let ways = [Way::Set, Way::OwnWaker, Way::Twice, Way::Noisy, Way::Late, Way::Moves];
        ways[self.rng.below(ways.len() as u64) as usize]
    }

    fn nursery(&mut self) -> Code {
        let count = self.rng.below(5);
        let mut awaited = false;
        let mut kids = Vec::new();
        for _ in 0..count {
            let daemon = self.rng.one_in(5);
            let handle = match self.rng.below(8) {
                0 => Handle::CancelledAfter(self.span() * 2),
                1 => Handle::Kept,
                2 => Handle::Forgotten,
                3 if !daemon && !awaited => Handle::Awaited,
                4 if !daemon => Handle::AwaitedBySibling,
                _ => Handle::Dropped,
            };
            awaited |= handle == Handle::Awaited;
            kids.push(Kid {
                number: self.number(),
                code: self.code(),
                daemon,
                after: self.rng.one_in(5).then(|| self.span()),
                handle,
                then: (!daemon && self.rng.one_in(6)).then(|| Box::new(self.after_a_nap())),
                only_if_room: false,
            });
        }
        Code::Nursery { body: Box::new(self.after_a_nap()), kids, places: None, race: false }
    }

    fn nursery_in_an_arena(&mut self) -> Code {
        let places = 1 + self.rng.below(4) as usize;
        let count = self.rng.below(7);
        let mut room = places - 1;
        let mut awaited = false;
        let mut kids = Vec::new();
        for _ in 0..count {
            let daemon = self.rng.one_in(5);
            let mut handle = Handle::Dropped;
            if room > 0 && self.rng.one_in(2) {
                handle = match self.rng.below(3) {
                    0 => Handle::Kept,
                    1 if !daemon && !awaited => Handle::Awaited,
                    _ => Handle::Forgotten,
                };
                awaited |= handle == Handle::Awaited;
                room -= 1;
            }
            kids.push(Kid {
                number: self.number(),
                code: self.after_a_nap(),
                daemon,
                after: None,
                handle,
                then: None,
                only_if_room: self.rng.one_in(3),
            });
        }
        Code::Nursery { body: Box::new(self.after_a_nap()), kids, places: Some(places), race: false }
    }

    fn race(&mut self) -> Code {
        let count = 1 + self.rng.below(4);
        let kids = (0..count)
            .map(|_| Kid {
                number: self.number(),
                code: self.after_a_nap(),
                daemon: self.rng.one_in(5),
                after: self.rng.one_in(5).then(|| self.span()),
                handle: if self.rng.one_in(3) { Handle::Kept } else { Handle::Dropped },
                then: None,
                only_if_room: false,
            })
            .collect();
        Code::Nursery { body: Box::new(self.after_a_nap()), kids, places: None, race: true }
    }
}
