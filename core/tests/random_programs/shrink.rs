//! A program that goes wrong, made smaller.

use crate::code::{Code, Handle, Kid};
use crate::maker::make;

impl Code {
    /// Programs that are a little smaller.
    fn smaller(&self) -> Vec<Code> {
        let mut all: Vec<Code> = self.parts().into_iter().cloned().collect();
        for (i, part) in self.parts().into_iter().enumerate() {
            for smaller in part.smaller() {
                let mut code = self.clone();
                *code.parts_mut()[i] = smaller;
                all.push(code);
            }
        }
        match self {
            Code::Fail(_) | Code::Panic(_) | Code::Remote | Code::Yield | Code::Use(..) => {
                all.push(Code::Seq(Vec::new()))
            }
            Code::Seq(steps) | Code::Set(steps) => {
                for i in 0..steps.len() {
                    let mut steps = steps.clone();
                    steps.remove(i);
                    all.push(if matches!(self, Code::Seq(_)) { Code::Seq(steps) } else { Code::Set(steps) });
                }
            }
            Code::Nursery { body, kids, places, race } => {
                let with = |kids: Vec<Kid>, places| Code::Nursery { body: body.clone(), kids, places, race: *race };
                for i in 0..kids.len() {
                    let mut fewer = kids.clone();
                    let kid = fewer.remove(i);
                    all.push(with(fewer, *places));
                    let simpler = [
                        Kid { after: None, ..kid.clone() },
                        Kid { then: None, ..kid.clone() },
                        Kid { daemon: false, ..kid.clone() },
                        Kid { handle: Handle::Dropped, ..kid.clone() },
                    ];
                    for simple in simpler {
                        let mut kids = kids.clone();
                        kids[i] = simple;
                        all.push(with(kids, *places));
                    }
                }
                all.push(with(kids.clone(), None));
                all.push(Code::Nursery { body: body.clone(), kids: kids.clone(), places: *places, race: false });
            }
            _ => {}
        }
        all
    }

    /// How much there is to read.
    fn length(&self) -> usize {
        format!("{self:?}").len()
    }
}

/// Checks a program; if it goes wrong, finds a small one that does, and panics with it.
#[track_caller]
pub(crate) fn check_or_shrink(seed: u64, check: impl Fn(&Code) -> Result<(), String>) {
    let mut code = make(seed);
    let Err(mut error) = check(&code) else { return };
    while let Some((smaller, its_error)) = code
        .smaller()
        .into_iter()
        .filter(|smaller| smaller.is_fair() && smaller.length() < code.length())
        .find_map(|smaller| check(&smaller).err().map(|error| (smaller, error)))
    {
        (code, error) = (smaller, its_error);
    }
    panic!("program {seed}, made smaller: {code:#?}\n{error}");
}
