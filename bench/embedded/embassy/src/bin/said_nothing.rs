#![no_std]
#![no_main]
fw_embassy::said!({
    bench_common::said_body!({
        core::hint::black_box(7);
    })
});
