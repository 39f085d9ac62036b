#![no_std]
#![no_main]
use core::hint::black_box;

use giambio_core::channel::Channel;
use giambio_core::sync::Shared;

static CHANNEL: Channel<u32, 4, Shared> = Channel::shared();

fw_giambio::said!({
    bench_common::said_body!({
        let _ = CHANNEL.try_send(black_box(7));
        let _ = black_box(CHANNEL.try_receive());
    })
});
