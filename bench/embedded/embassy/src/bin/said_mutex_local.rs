#![no_std]
#![no_main]
use core::hint::black_box;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;

fw_embassy::said!({
    let mutex = Mutex::<NoopRawMutex, u32>::new(0);
    let mutex = black_box(&mutex);
    bench_common::said_body!({
        *black_box(mutex.lock().await) += 1;
    })
});
