#![no_std]
#![no_main]
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;

static SIGNAL: Signal<CriticalSectionRawMutex, ()> = Signal::new();

fw_embassy::said!({
    bench_common::said_body!({
        SIGNAL.signal(());
        SIGNAL.wait().await;
    })
});
