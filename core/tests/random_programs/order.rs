//! Law ONE-SCHEDULE: whoever turns the runtime, whether a debugger looks on, and wherever children live, the pieces of a
//! program are polled in the same order.

use std::future::Future;
use std::pin::pin;

use giambio_core::{Clock, Next, Runtime, Until, VirtualClock, move_on_after};

use crate::check::{Onlooker, catch};
use crate::code::Code;
use crate::common::{Rng, alone};
use crate::model::NEVER;
use crate::real::{Record, World, run, suspends};

#[derive(Clone, Copy, Debug)]
enum Driver {
    Run,
    RunMasked,
    TurnsByHand,
    #[cfg(feature = "std")]
    Testing,
}

const DRIVERS: &[Driver] = &[
    Driver::Run,
    Driver::RunMasked,
    Driver::TurnsByHand,
    #[cfg(feature = "std")]
    Driver::Testing,
];

impl Driver {
    /// To its end. `chance`: by which the order of each pass is chosen, if it is.
    fn drive<F: Future>(self, main: F, is_watched: bool, chance: Option<u64>) -> F::Output {
        #[cfg(feature = "std")]
        if let Driver::Testing = self {
            use giambio_core::testing::Simulation;
            let simulation = chance.map_or(Simulation::new(), |seed| Simulation::new().seed(seed));
            return simulation.run(main);
        }
        let time = VirtualClock::<1_000_000_000>::new();
        let runtime = Runtime::new(&time, main).with_debugger(Onlooker(is_watched));
        #[cfg(feature = "std")]
        let runtime = runtime.__seed(chance);
        #[cfg(not(feature = "std"))]
        assert_eq!(chance, None);
        let mut runtime = pin!(runtime);
        let mut wait = |until| match until {
            Until::Now => {}
            Until::At(tick) => time.advance_to(tick),
            Until::OnWake => panic!("deadlock at {:?}", time.now()),
        };
        match self {
            Driver::Run => runtime.run(&mut wait),
            Driver::RunMasked => runtime.run_masked(&mut wait),
            _ => loop {
                match runtime.as_mut().turn() {
                    Next::Finished(value) => break value,
                    Next::Wait(until) => wait(until),
                }
            },
        }
    }
}

/// When which piece is polled, cancelled at that moment, with wakers fired for nothing.
fn order(
    code: &Code,
    cancel: u64,
    driver: Driver,
    is_watched: bool,
    in_arenas: bool,
    chance: Option<u64>,
) -> Vec<(u64, *const Code)> {
    let record = Some(Record::new(in_arenas));
    // Without `std` wakers have no generations: one of the past may wake who has its task's place now, which is another one
    // where children live elsewhere.
    let noise = cfg!(feature = "std").then_some(Rng(cancel));
    let world = World { record, ..World::new(None, noise) };
    let main = async {
        match cancel {
            NEVER => drop(run(&world, code).await),
            _ => drop(move_on_after(world.span(cancel), suspends(run(&world, code))).await),
        }
    };
    // However it ends.
    let _ = catch(|| driver.drive(main, is_watched, chance));
    world.record.map(|record| record.polls.take()).unwrap_or_default()
}

/// Says in which way a program, cancelled at that moment, is polled in another order than in the others.
pub(crate) fn check_order(code: &Code, cancel: u64, chance: Option<u64>) -> Result<(), String> {
    let _alone = alone();
    let expected = order(code, cancel, Driver::Run, false, false, chance);
    for &driver in DRIVERS {
        for (is_watched, in_arenas) in [(false, false), (false, true), (true, false), (true, true)] {
            let seen = order(code, cancel, driver, is_watched, in_arenas, chance);
            if let Some(at) = (0..seen.len().max(expected.len())).find(|at| seen.get(*at) != expected.get(*at)) {
                let tell = |order: &[(u64, *const Code)]| match order.get(at) {
                    None => "nothing".into(),
                    Some((when, piece)) => format!("at {when}: {:?}", find(code, *piece)),
                };
                return Err(format!(
                    "by {driver:?}, watched: {is_watched}, in arenas: {in_arenas}, poll {at} is of\n{}\nand not of\n{}",
                    tell(&seen),
                    tell(&expected),
                ));
            }
        }
    }
    Ok(())
}

fn find(code: &Code, piece: *const Code) -> Option<&Code> {
    if std::ptr::eq(code, piece) { Some(code) } else { code.parts().into_iter().find_map(|part| find(part, piece)) }
}
