//! Linux beside this one: another C library, 32 bits, the big end first.

use crate::foreign::{Foreign, compiler};
use crate::machine::{self, Source, Tool};

/// Debian's compiler has no C library of its own for it, so musl's linker brings one; the unwinder is LLVM's, which was
/// built for glibc. What it wants of that, it calls before it aborts.
pub(crate) const MUSL: Foreign = Foreign {
    target: "x86_64-unknown-linux-musl",
    linker: "musl-gcc",
    rustflags: "-Clink-self-contained=no -Lnative=/usr/lib/llvm-14/lib -Clink-arg=-Wl,--defsym=__fprintf_chk=abort",
    files: &["/usr/lib/llvm-14/lib/libunwind.a"],
    compiler: compiler("a compiler for musl", || machine::compiler_for(&[MUSL.target]).is_some()),
    tools: Tool {
        name: "musl's linker, and LLVM's unwinder",
        is_here: || MUSL.is_complete(),
        from: Source::Packages("musl-tools libunwind-14-dev"),
    },
    ..Foreign::PLAIN
};

/// This kernel runs it; being static, it needs no loader of 32 bits.
pub(crate) const I686: Foreign = Foreign {
    target: "i686-unknown-linux-gnu",
    linker: "i686-linux-gnu-gcc",
    rustflags: "-Ctarget-feature=+crt-static",
    compiler: compiler("a compiler for Linux with 32 bits", || machine::compiler_for(&[I686.target]).is_some()),
    tools: Tool {
        name: "a linker for 32 bits",
        is_here: || I686.is_complete(),
        from: Source::Packages("gcc-i686-linux-gnu libc6-dev-i386-cross"),
    },
    ..Foreign::PLAIN
};

pub(crate) const S390X: Foreign = Foreign {
    target: "s390x-unknown-linux-gnu",
    linker: "s390x-linux-gnu-gcc",
    rustflags: "-Ctarget-feature=+crt-static",
    runner: Some("qemu-s390x"),
    compiler: compiler("a compiler for s390x", || machine::compiler_for(&[S390X.target]).is_some()),
    tools: Tool {
        name: "a linker for s390x, and QEMU's user emulation",
        is_here: || S390X.is_complete(),
        from: Source::Packages("gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user"),
    },
    left_out: "--skip a_million --skip a_hundred_thousand --skip a_send_that_was_given_up_can_be_resumed",
    ..Foreign::PLAIN
};
