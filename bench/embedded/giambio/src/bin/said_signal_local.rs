#![no_std]
#![no_main]
use core::hint::black_box;

use giambio_core::sync::Event;

fw_giambio::said!({
    let event = Event::new();
    let event = black_box(&event);
    bench_common::said_body!({
        event.set();
        event.wait_and_clear().await;
    })
});
