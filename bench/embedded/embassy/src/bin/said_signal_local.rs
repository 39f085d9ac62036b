#![no_std]
#![no_main]
use core::hint::black_box;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;

fw_embassy::said!({
    let signal = Signal::<NoopRawMutex, ()>::new();
    let signal = black_box(&signal);
    bench_common::said_body!({
        signal.signal(());
        signal.wait().await;
    })
});
