//! Many jobs, so many at once: with their results in order, as they come, or the first that is good.
//!
//! ```text
//! in order: [1, 4, 9, 16, 25, 36], never more than 2 at once
//! as they come: job 3, job 2, and that was enough
//! the first good one: mirror 2
//! none is good: none of 2 succeeded; the first: mirror 1 is down
//! ```

use std::cell::Cell;
use std::time::Duration;

use giambio::results::{as_completed, first_ok, map_all};
use giambio::sleep;

const MOMENT: Duration = Duration::from_millis(20);

async fn main_task() {
    let (running, most) = (Cell::new(0), Cell::new(0));
    let square = async |number: u32| {
        running.set(running.get() + 1);
        most.set(most.get().max(running.get()));
        sleep(MOMENT).await;
        running.set(running.get() - 1);
        Ok::<_, String>(number * number)
    };
    let squares = map_all(1..=6, 2, square).await.expect("no job fails");
    println!("in order: {squares:?}, never more than {} at once", most.get());

    let jobs = (1..=3).map(|number| async move {
        sleep((4 - number) * 3 * MOMENT).await;
        number
    });
    as_completed(jobs, async |results| {
        print!("as they come: ");
        for _ in 0..2 {
            if let Some((_, number)) = results.next().await {
                print!("job {number}, ");
            }
        }
        println!("and that was enough"); // the third is cancelled
    })
    .await;

    let ask = |mirror: u32, is_up: bool| async move {
        sleep(mirror * MOMENT).await;
        if is_up { Ok(mirror) } else { Err(format!("mirror {mirror} is down")) }
    };
    if let Ok(mirror) = first_ok([ask(1, false), ask(2, true), ask(3, true)]).await {
        println!("the first good one: mirror {mirror}");
    }
    if let Err(error) = first_ok([ask(1, false), ask(2, false)]).await {
        println!("none is good: {error}");
    }
}

fn main() {
    giambio::run(main_task());
}
