#![no_std]
#![no_main]
use giambio_core::sync::Event;

fw_giambio::said!({
    let event = Event::new();
    bench_common::said_body!({
        event.set();
        event.wait_and_clear().await;
    })
});
