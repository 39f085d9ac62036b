//! Programs that are forgotten half-way: what they borrow is freed, while their timers run on, their
//! wakers are fired, and the scopes around them are cancelled.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use giambio_core::{
    Next, Runtime, Until, VirtualClock, cancel_scope, checkpoint, finally, move_on_after, nursery, shield, sleep,
};

use crate::common::{FIRST_PROGRAM, PROGRAMS, Rng, audit, itself, poll_once, secs};
use crate::maker::make_apart;
use crate::real::{World, run};

/// Polls a program for a while and forgets it; then nothing is left of what it could borrow.
async fn forget(seed: u64) {
    let mut rng = Rng(seed);
    let world = Box::new(World::new(None, Some(Rng(seed))));
    let code = Box::new(make_apart(seed));
    {
        let mut program = run(&world, &code);
        for _ in 0..rng.below(8) {
            if poll_once(program.as_mut()).await.is_ready() {
                return;
            }
            match rng.below(3) {
                0 => checkpoint().await,
                1 => sleep(std::time::Duration::from_nanos(rng.below(1 << 29))).await,
                _ => world.make_noise(),
            }
        }
        mem::forget(program);
    }
    drop(code);
    drop(world);
    // All that was due in it comes due, and wakes nobody.
    for _ in 0..10 {
        sleep(secs(2)).await;
        noise(seed);
    }
}

fn noise(seed: u64) {
    World::new(None, Some(Rng(seed))).make_noise();
}

/// The same in different surroundings, which are cancelled, fail or end around it.
async fn forget_somewhere(seed: u64) {
    let deadline = std::time::Duration::from_nanos(Rng(seed).below(1 << 32));
    match seed % 7 {
        0 => forget(seed).await,
        1 => {
            let _ = move_on_after(deadline, forget(seed)).await;
        }
        2 => {
            let scope = cancel_scope(async |scope| {
                forget(seed).await;
                scope.cancel();
                checkpoint().await;
            });
            let _ = scope.await;
        }
        3 => {
            let inner = nursery(async |n| {
                n.spawn(async {
                    forget(seed).await;
                    Err("enough")
                });
                n.spawn(async { Ok(forget(seed + 1).await) });
                Ok(sleep(secs(3)).await)
            });
            let _ = inner.await;
        }
        4 => drop(move_on_after(deadline, shield(forget(seed))).await),
        5 => {
            let cleans = finally(forget(seed), async || forget(seed + 1).await);
            let _ = move_on_after(deadline, cleans).await;
        }
        _ => {
            let inner = nursery(async |n| {
                let task = n.spawn(async { Ok(forget(seed).await) });
                n.child().daemon().spawn(async { Ok(forget(seed + 1).await) });
                sleep(deadline).await;
                task.cancel();
                mem::forget(task);
                Ok::<_, ()>(())
            });
            let _ = inner.await;
        }
    }
}

/// The program of a seed, and what is left of it.
fn forget_one(seed: u64) {
    let time: VirtualClock = VirtualClock::new();
    // A program may panic, and a forgotten shield may hold the scopes around it for ever.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let mut runtime = pin!(Runtime::new(&time, forget_somewhere(seed)));
        for _ in 0..20_000 {
            let next = runtime.as_mut().turn();
            assert_eq!(audit(runtime.as_mut(), false), Ok(()), "program {seed}");
            match next {
                Next::Wait(Until::At(tick)) => time.advance_to(tick),
                Next::Wait(Until::Now) => {}
                Next::Finished(()) | Next::Wait(Until::OnWake) => return,
            }
        }
        panic!("program {seed} never ends");
    }))
    .inspect_err(|payload| assert!(payload.is::<crate::real::Boom>(), "program {seed}"));
    noise(seed);
}

/// What was forgotten is freed by the end of the process alone, some KB a program: of many, each process has so many.
const PROGRAMS_PER_PROCESS: u64 = 10_000;

#[test]
fn random_programs_forgotten_half_way_are_never_touched_again() {
    const THIS: &str = "forgotten::random_programs_forgotten_half_way_are_never_touched_again";
    let seeds = crate::seeds();
    if seeds.end - seeds.start <= PROGRAMS_PER_PROCESS {
        return seeds.for_each(forget_one);
    }
    for first in seeds.clone().step_by(PROGRAMS_PER_PROCESS as usize) {
        let count = PROGRAMS_PER_PROCESS.min(seeds.end - first);
        let mut this = itself();
        this.args(["--exact", THIS]).env(FIRST_PROGRAM, first.to_string()).env(PROGRAMS, count.to_string());
        let output = this.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{count} programs from {first} on: {}\n{said}", output.status);
    }
}
