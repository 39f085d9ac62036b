#![no_std]
#![no_main]
use core::hint::black_box;

use giambio_core::sync::{Mutex, Shared};

static MUTEX: Mutex<u32, Shared> = Mutex::shared(0);

fw_giambio::said!({
    bench_common::said_body!({
        if let Some(mut guard) = black_box(MUTEX.try_lock()) {
            *guard += 1;
        }
    })
});
