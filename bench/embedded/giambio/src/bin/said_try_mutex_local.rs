#![no_std]
#![no_main]
use core::hint::black_box;

use giambio_core::sync::Mutex;

fw_giambio::said!({
    let mutex = Mutex::new(0);
    let mutex = black_box(&mutex);
    bench_common::said_body!({
        if let Some(mut guard) = black_box(mutex.try_lock()) {
            *guard += 1;
        }
    })
});
