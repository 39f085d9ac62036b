#![no_std]
#![no_main]
fw_giambio::said!({
    bench_common::said_body!({
        core::hint::black_box(7);
    })
});
