#![no_std]
#![no_main]
use core::hint::black_box;

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::mutex::Mutex;

static MUTEX: Mutex<CriticalSectionRawMutex, u32> = Mutex::new(0);

fw_embassy::said!({
    bench_common::said_body!({
        if let Ok(mut guard) = black_box(MUTEX.try_lock()) {
            *guard += 1;
        }
    })
});
