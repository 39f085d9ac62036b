#![no_std]
#![no_main]
use core::convert::Infallible;

use bench_common as b;
use giambio_core::Arena;

static ARENA: Arena<{ b::N }, 96> = Arena::new();

async fn worker(i: usize) -> Result<(), Infallible> {
    b::hop_body!(i)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    fw_giambio::run_tasks(&ARENA, worker)
}
