#![no_std]
#![no_main]
use core::hint::black_box;

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;

static CHANNEL: Channel<CriticalSectionRawMutex, u32, 4> = Channel::new();

fw_embassy::said!({
    bench_common::said_body!({
        let _ = CHANNEL.try_send(black_box(7));
        let _ = black_box(CHANNEL.try_receive());
    })
});
