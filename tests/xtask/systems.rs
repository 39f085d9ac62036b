//! The systems beside this one that programs are built for and run here: Windows in Wine, and Linux with another C library, 32
//! bits, the big end first, an ARM.

use std::fs;
use std::path::Path;

use crate::foreign::{Environment, Foreign, PROGRAMS, compiler};
use crate::machine::{self, Source, Tool};
use crate::shell::{self, Shell, root, target_folder};

const WINE: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";

pub(crate) const WINDOWS: Foreign = Foreign {
    target: "x86_64-pc-windows-gnu",
    linker: COMPILER,
    runner: Some(WINE),
    // What all programs of Windows find at one address. Wine's loader lies below it, and by chance its heap on it, once in some
    // thousand starts: the program dies before its first instruction, which its starter is told as an internal error.
    needs_fixed_addresses: true,
    compiler: compiler("a compiler for Windows", || machine::compiler_for(&[WINDOWS.target]).is_some()),
    tools: Tool {
        name: "MinGW and Wine",
        is_here: || WINDOWS.is_complete(),
        from: Source::Packages("gcc-mingw-w64-x86-64-win32 wine64"),
    },
    files: &[SERVER],
    prepare,
    ..Foreign::PLAIN
};

/// Makes a Windows of our own, and gives it the library that Wine 8 lacks.
fn prepare() -> Result<Environment, String> {
    let prefix = root().join(target_folder("wine"));
    let made = prefix.join("made");
    if !made.exists() {
        // In one that was left half-made each program waits for minutes.
        shell::remove("wine");
    }
    fs::create_dir_all(&prefix).map_err(|error| format!("{}: {error}", prefix.display()))?;
    let environment = vec![
        ("WINEPREFIX", prefix.display().to_string()),
        ("WINEDEBUG", "-all".to_owned()),
        ("WINEDLLOVERRIDES", "mscoree,mshtml=".to_owned()), // what it would like to download
    ];
    let with = |line| Shell::new(line).envs(environment.clone());
    // The server of this Windows ends seconds after its last program, and one that starts just then is refused. So it
    // stays for ten minutes more; that one is there already is no error.
    let _ = with(SERVER).arg("--persistent=600").output();
    if !made.exists() {
        with(WINE).args("wineboot --init").with_fixed_addresses().run()?;
        let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
        let source = Path::new("tests/xtask/bcryptprimitives.c");
        Shell::new(COMPILER).args("-shared -o").arg(&library).arg(source).arg("-ladvapi32").run()?;
        fs::write(&made, "").map_err(|error| format!("{}: {error}", made.display()))?;
    }
    Ok(environment)
}

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
    left_out: NOT_EMULATED,
    prepare: emulated,
    ..Foreign::PLAIN
};

/// Most boards and phones, and many servers; with a weaker order of memory than this machine's, which QEMU does not show.
pub(crate) const AARCH64: Foreign = Foreign {
    target: "aarch64-unknown-linux-gnu",
    linker: "aarch64-linux-gnu-gcc",
    rustflags: "-Ctarget-feature=+crt-static",
    runner: Some("qemu-aarch64"),
    compiler: compiler("a compiler for 64-bit ARM", || machine::compiler_for(&[AARCH64.target]).is_some()),
    tools: Tool {
        name: "a linker for 64-bit ARM, and QEMU's user emulation",
        is_here: || AARCH64.is_complete(),
        from: Source::Packages("gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"),
    },
    left_out: NOT_EMULATED,
    prepare: emulated,
    ..Foreign::PLAIN
};

/// What is too large for an emulator, and what this one can't do:
/// * A child that is forked beside other threads starts none of its own: QEMU ends by an assertion.
/// * A child that shares its parent's memory until it starts (`vfork`) has a copy of it, so its error is not seen there.
/// * There is no call to make a terminal raw, and none to choose the interface of a group.
const NOT_EMULATED: &str = "\
    --skip a_million --skip a_hundred_thousand --skip a_send_that_was_given_up_can_be_resumed --skip hostile_code_ \
    --skip a_child_has_threads \
    --skip what_can_not_be_started_is_named --skip a_program_that_was_written_just_now_is_started \
    --skip a_terminal_is_waited_for_at_both_ends --skip a_group_is_joined_and_left";

/// No test forks beside another one, and random programs take ten times as long.
fn emulated() -> Result<Environment, String> {
    Ok(vec![("RUST_TEST_THREADS", "1".to_owned()), (PROGRAMS, "50".to_owned())])
}
