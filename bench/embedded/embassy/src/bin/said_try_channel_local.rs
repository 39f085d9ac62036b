#![no_std]
#![no_main]
use core::hint::black_box;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

fw_embassy::said!({
    let channel = Channel::<NoopRawMutex, u32, 4>::new();
    let channel = black_box(&channel);
    bench_common::said_body!({
        let _ = channel.try_send(black_box(7));
        let _ = black_box(channel.try_receive());
    })
});
