#![no_std]
#![no_main]
use core::hint::black_box;

use giambio_core::channel::Channel;

fw_giambio::said!({
    let channel = Channel::<u32, 4>::new();
    let channel = black_box(&channel);
    bench_common::said_body!({
        let _ = channel.send(black_box(7)).await;
        let _ = black_box(channel.receive().await);
    })
});
