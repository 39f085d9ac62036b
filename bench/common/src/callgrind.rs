//! Has callgrind count the measured part alone: run under `valgrind --tool=callgrind --collect-atstart=no`.
//! Outside of valgrind these are a few instructions without effect.

/// Callgrind starts to count, or stops.
#[cfg(target_arch = "x86_64")]
pub fn toggle() {
    const TOGGLE_COLLECT: u64 = (b'C' as u64) << 24 | (b'T' as u64) << 16 | 2;
    let request: [u64; 6] = [TOGGLE_COLLECT, 0, 0, 0, 0, 0];
    // SAFETY: this is the sequence that valgrind's manual calls a client request; it changes `rdx` only.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") 0u64 => _, in("rax") &request, options(nostack),
        );
    }
}

/// Not known how on this processor: callgrind counts nothing.
#[cfg(not(target_arch = "x86_64"))]
pub fn toggle() {}
