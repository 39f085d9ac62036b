#![no_std]
#![no_main]
use giambio_core::sync::{Event, Shared};

static EVENT: Event<Shared> = Event::shared();

fw_giambio::said!({
    bench_common::said_body!({
        EVENT.set();
        EVENT.wait_and_clear().await;
    })
});
