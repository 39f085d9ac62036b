//! Which types may cross threads, and what some of it costs.
#![cfg(feature = "std")]
use crate::common::*;
use giambio_core::*;
use std::time::{Duration, Instant as Wall};

trait AmbiguousIfSend<A> {
    fn some() {}
}
impl<T: ?Sized> AmbiguousIfSend<()> for T {}
#[allow(dead_code)]
struct IsSend;
impl<T: ?Sized + Send> AmbiguousIfSend<IsSend> for T {}
trait AmbiguousIfSync<A> {
    fn some() {}
}
impl<T: ?Sized> AmbiguousIfSync<()> for T {}
#[allow(dead_code)]
struct IsSync;
impl<T: ?Sized + Sync> AmbiguousIfSync<IsSync> for T {}
macro_rules! stays { ($($t:ty),* $(,)?) => { $( let _ = <$t as AmbiguousIfSend<_>>::some; let _ = <$t as AmbiguousIfSync<_>>::some; )* } }

#[test]
fn what_leads_to_the_state_of_a_thread_stays_on_it() {
    stays!(
        NurseryScope<'static, 'static, ()>,
        Nursery<'static, 'static, ()>,
        NurseryScope<'static, 'static, (), &'static Arena<1, 64>>,
        Task<'static, ()>,
        CancelScope<'static, 'static>,
        Sleep,
        Child<'static, 'static, ()>,
        Child<'static, 'static, (), Heap, TaskName, Duration>,
        Runtime<std::future::Ready<()>, &'static VirtualClock>,
    );
}

fn wind_down(children: u64) -> std::time::Duration {
    let start = Wall::now();
    run_virtual(async {
        move_on_after(
            secs(1),
            nursery(async |n| {
                for i in 0..children {
                    n.spawn(finally(forever::<Result<(), ()>>(), async move || sleep(millis(1 + i)).await));
                }
                Ok(())
            }),
        )
        .await
    });
    start.elapsed()
}

#[test]
fn winding_down_costs_in_proportion_to_the_children() {
    // In proportion it is 8 times as much, with the square 64 times. A busy machine may spoil a measurement, not all.
    let measure = || (wind_down(1_000), wind_down(8_000));
    let spoilt: Vec<_> = (0..10).map(|_| measure()).take_while(|(few, many)| *many > *few * 24).collect();
    assert!(spoilt.len() < 10, "1,000 and 8,000 children with clean-ups took {spoilt:?}");
}
