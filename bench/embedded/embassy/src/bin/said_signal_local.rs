#![no_std]
#![no_main]
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;

fw_embassy::said!({
    let signal = Signal::<NoopRawMutex, ()>::new();
    bench_common::said_body!({
        signal.signal(());
        signal.wait().await;
    })
});
