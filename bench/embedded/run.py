#!/usr/bin/env python3
"""Builds the same firmware for giambio, embassy and lilos, runs each under QEMU and prints what it cost.

    run.py                      every figure for every one (about 3 minutes; later runs 1)
    run.py giambio              giambio alone
    run.py giambio size hop     these figures alone
    run.py --opt z              another opt-level; the default is s

README.md beside this file says what is measured and how. `cargo xtask bench-embedded` starts this with the
toolchain that the machine has; without it: QEMU for Arm with plugins, a C compiler, nm and size of binutils, and a
rustc that builds for thumbv7m-none-eabi.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = "thumbv7m-none-eabi"

# name -> folder, more arguments for cargo
PEERS = {
    "super-loop": ("bare", []),
    "least executor": ("mini", []),
    "giambio": ("giambio", []),
    "giambio, nested": ("giambio", ["--features=nested"]),
    "giambio, joined": ("giambio", ["--features=joined"]),
    "embassy": ("embassy", []),
    "lilos": ("lilos", []),
    "lilos, no timer": ("lilos", ["--no-default-features"]),
}
FIGURES = ["size", "never", "types", "nests", "switch", "hop", "wake", "event", "channel", "said", "timers", "ram"]
# What a folder does not have.
OWN = {"never", "types", "nests"}
LACKS = {peer: OWN | {"event", "channel"} for peer in PEERS if not peer.startswith("giambio")}
LACKS["giambio, nested"] = OWN | {"said", "ram"}
LACKS["giambio, joined"] = OWN | {"said", "ram"}
for peer in set(PEERS) - {"giambio", "embassy"}:
    LACKS.setdefault(peer, set()).add("said")
LACKS["super-loop"] |= {"hop", "ram"}
LACKS["lilos, no timer"] |= {"size", "timers", "ram"}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", nargs="*", help=f"of {', '.join(PEERS)}; of {', '.join(FIGURES)}")
parser.add_argument("--opt", default="s", help="opt-level")
parser.add_argument("--repeat", type=int, default=2, help="runs of each firmware: all must count the same")
parser.add_argument("--target-dir", default=os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "target")))
args = parser.parse_args()
if unknown := set(args.what) - set(PEERS) - set(FIGURES):
    parser.error(f"unknown: {', '.join(sorted(unknown))}")
peers = [p for p in PEERS if p in args.what] or list(PEERS)
figures = [f for f in FIGURES if f in args.what] or FIGURES

TARGET_DIR = os.path.abspath(args.target_dir)
PLUGIN = os.path.join(TARGET_DIR, "icount.so")
ELVES = os.path.join(TARGET_DIR, "elf")
os.makedirs(ELVES, exist_ok=True)
subprocess.run(
    ["gcc", "-O2", "-shared", "-fPIC", "-Wall", "-o", PLUGIN, os.path.join(HERE, "plugin", "icount.c")], check=True)


def toolchain():
    """The toolchain in use, if it has the target; or else Debian's compiler, which builds `core` on the way."""
    env = dict(os.environ)
    if TARGET in output(["rustup", "target", "list", "--installed"]).split():
        return env, []
    env["RUSTC"], env["RUSTC_BOOTSTRAP"] = "/usr/bin/rustc", "1"
    return env, ["-Zbuild-std=core"]


def output(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


ENV, BUILD_STD = toolchain()
ENV["CARGO_TARGET_DIR"] = TARGET_DIR
ENV["CARGO_PROFILE_RELEASE_OPT_LEVEL"] = args.opt
ENV["CARGO_TARGET_THUMBV7M_NONE_EABI_RUSTFLAGS"] = f"-Clink-arg=-Tlink.x -Clink-arg=-L{HERE}/common"
if "CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER" not in ENV:
    host = re.search(r"host: (\S+)", output(["rustc", "-vV"])).group(1)
    ENV["CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER"] = os.path.join(
        output(["rustc", "--print", "sysroot"]).strip(), "lib", "rustlib", host, "bin", "rust-lld")


def cargo(peer, firmware, env):
    folder, more = PEERS[peer]
    command = ["cargo", "build", "--release", "--locked", "--target", TARGET, "--bin", firmware] + BUILD_STD + more
    return subprocess.run(command, cwd=os.path.join(HERE, folder), env=dict(ENV, **env), capture_output=True, text=True)


def build(peer, firmware, n=2, idle=False):
    result = cargo(peer, firmware, {"BENCH_N": str(n), "BENCH_IDLE": str(int(idle))})
    if result.returncode:
        sys.exit(f"{peer}, {firmware}, n={n}: does not build\n{result.stderr[-4000:]}")
    name = "-".join([peer, firmware, str(n)] + (["idle"] if idle else [])).replace(" ", "").replace(",", "-")
    return shutil.copy(os.path.join(TARGET_DIR, TARGET, "release", firmware), os.path.join(ELVES, name))


def symbols(elf):
    lines = (line.split() for line in output(["nm", elf]).splitlines())
    return {line[2]: int(line[0], 16) for line in lines if len(line) == 3}


def qemu(elf, shift, plugin):
    """What the firmware printed (name=number), and the lines of the plugin; the same in every run."""
    seen = None
    for _ in range(args.repeat):
        trace = elf + ".trace"
        result = subprocess.run(
            ["timeout", "120", "qemu-system-arm", "-cpu", "cortex-m3", "-machine", "mps2-an385", "-nographic",
             "-monitor", "none", "-serial", "none", "-semihosting-config", "enable=on,target=native",
             "-icount", f"shift={shift},sleep=off", "-plugin", ",".join([PLUGIN, f"out={trace}"] + plugin),
             "-kernel", elf],
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if result.returncode not in (0, 1):
            sys.exit(f"{elf}: QEMU ended with {result.returncode}\n{result.stdout}{result.stderr}")
        printed = {k: int(v) for k, v in re.findall(r"^(\w+)=(\d+)", result.stdout + result.stderr, re.M)}
        with open(trace) as file:
            lines = [line.split() for line in file]
        os.remove(trace)
        if seen and seen != (printed, lines):
            sys.exit(f"{elf}: two runs differ")
        seen = (printed, lines)
    return seen


def sections(elf):
    lines = (line.split() for line in output(["size", "-A", elf]).splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) == 3 and line[0].startswith(".")}


def flash_of(elf):
    sizes = sections(elf)
    return sizes.get(".text", 0) + sizes.get(".rodata", 0) + sizes.get(".data", 0)


def never(peer):
    """The same in a nursery that can't end."""
    return size(peer, "never")


def types(peer):
    """Flash of each further type of child."""
    return {"each": (flash_of(build(peer, "types", 8)) - flash_of(build(peer, "types", 2))) / 6}


def nests(peer):
    """Flash of each further nursery, with a body and a child of types of their own."""
    return {"each": (flash_of(build(peer, "nests", 4)) - flash_of(build(peer, "nests", 2))) / 2}


def size(peer, firmware="size"):
    """Two tasks, 10 ms and 25 ms: flash without the vector table, and RAM with the deepest stack."""
    elf = build(peer, firmware)
    sizes, at = sections(elf), symbols(elf)
    # 40 toggles of B are 1,000 ticks, and 100 toggles of A; clearing .bss stores once to each.
    _, lines = qemu(elf, 3, [
        f"count=0x{at['LED_A']:x}:A", f"count=0x{at['LED_B']:x}:B", f"stop=0x{at['LED_B']:x}:41",
        f"pc=0x{at['SysTick']:x}:1", f"stack=0x{at['__ebss']:x}:0x{at['_stack_start']:x}"])
    toggles = {line[1]: int(line[2]) - 1 for line in lines if line[0] == "C"}
    ticks = sum(line[0] == "P" for line in lines)
    if toggles["B"] != 40 or toggles["A"] not in (99, 100) or not 990 <= ticks <= 1010:
        sys.exit(f"{peer}: the tasks did not run as they should: {toggles}, {ticks} ticks")
    stack = next(int(line[1]) for line in lines if line[0] == "S")
    data, bss = sizes.get(".data", 0), sizes.get(".bss", 0)
    flash = sizes.get(".text", 0) + sizes.get(".rodata", 0) + data
    return {"flash": flash, "data": data, "bss": bss, "stack": stack, "RAM": data + bss + stack}


def switch(peer, firmware="switch"):
    result = {}
    for n in (2, 8, 32):
        elf = build(peer, firmware, n)
        printed, lines = qemu(elf, 6, [f"mark=0x{symbols(elf)['BENCH_MARK']:x}"])
        mark = {int(line[1]): int(line[2]) for line in lines if line[0] == "M"}
        result[n] = (mark[2] - mark[1]) / printed["yields"]
    return result


def hop(peer):
    return switch(peer, "hop")


def wake(peer, firmware="wake"):
    """From the first instruction of the handler to the first after `.await`, the largest of 99."""
    result = {}
    for n in (2, 32):
        elf = build(peer, firmware, n)
        at = symbols(elf)
        _, lines = qemu(elf, 6, [f"mark=0x{at['BENCH_MARK']:x}", f"pc=0x{at['TIMER0']:x}:1"])
        began, spans = None, []
        for line in lines:
            if line[0] == "P":
                began = int(line[2])
            elif line[:2] == ["M", "2"] and began is not None:
                spans.append(int(line[2]) - began)
                began = None
        spans = spans[1:]  # the first may find the task not waiting yet
        result[n] = max(spans)
        if statistics.median(spans) != max(spans):
            result[f"{n}, median"] = statistics.median(spans)
    return result


def event(peer):
    """The same by `sync::Event`, for any number of waiters, instead of one waker and a flag."""
    return wake(peer, "event")


def channel(peer):
    """The same with a value, through a `Channel`."""
    return wake(peer, "channel")


SAID = ["channel", "channel_local", "mutex", "mutex_local", "signal", "signal_local", "try_channel", "try_channel_local",
        "try_mutex", "try_mutex_local"]


def said(peer):
    """What a task says to itself: instructions of a round, and flash, beside a program that says nothing."""
    def counts(what):
        elf = build(peer, "said_" + what, 1)
        sizes = sections(elf)
        _, lines = qemu(elf, 6, [f"mark=0x{symbols(elf)['BENCH_MARK']:x}"])
        mark = {int(line[1]): int(line[2]) for line in lines if line[0] == "M"}
        return (mark[2] - mark[1]) / 100, sum(sizes.get(name, 0) for name in (".text", ".rodata", ".data"))
    rounds, flash = counts("nothing")
    result = {"flash": flash}
    for what in SAID:
        with_it = counts(what)
        result[what], result[what + ", flash"] = with_it[0] - rounds, with_it[1] - flash
    return result


def timers(peer):
    """n tasks that sleep 3 to 31 ticks, for 1,000 ticks; less what the same takes when nothing fires."""
    result = {}
    for n in (8, 32):
        spans = {}
        for idle in (False, True):
            elf = build(peer, "timers", n, idle)
            at = symbols(elf)
            _, lines = qemu(elf, 3, [f"pc=0x{at['SysTick']:x}:1", f"count=0x{at['FIRES']:x}:F"])
            tick = [int(line[2]) for line in lines if line[0] == "P"]
            first, last = tick[99], tick[1099]
            fires = sum(line[0] == "W" and first <= int(line[2]) < last for line in lines)
            spans[idle] = last - first, fires
        (busy, fires), (idle, none) = spans[False], spans[True]
        assert none == 0, f"{peer}: {none} timers fired that should not"
        result[n] = (busy - idle) / fires
        result[f"{n}, an idle tick"] = idle / 1000
    return result


def ram(peer):
    """Bytes of what one more task takes beside its future."""
    if peer != "giambio":
        return qemu(build(peer, "ram"), 6, [])[0]
    # How many bytes a child takes in an arena is what the compiler says when it does not fit.
    complaint = cargo(peer, "ram", {"BENCH_BYTES": "1"}).stderr
    child = re.search(r"`1_usize - (\d+)_usize`", complaint)
    if not child:
        sys.exit(f"giambio, ram: the compiler should have said how large a child is\n{complaint[-4000:]}")
    printed, _ = qemu(build(peer, "ram"), 6, [])
    header = int(child.group(1)) - printed["sleep_loop_body"] + printed.pop("slot")
    printed["header"] = header
    for body in ("periodic", "sleep_loop"):
        printed[f"{body}_total"] = printed[f"{body}_body"] + header
    return printed


results = {}
for peer in peers:
    for figure in figures:
        if figure in LACKS.get(peer, ()):
            continue
        print(f"{peer}: {figure}", file=sys.stderr, flush=True)
        results.setdefault(figure, {})[peer] = globals()[figure](peer)


# (title, figure, its part, the bar: design's "ahead of both")
TABLE = [
    ("flash, two periodic tasks, bytes", "size", "flash"),
    ("    in a nursery that can't end", "never", "flash"),
    ("flash of each further type of child", "types", "each"),
    ("flash of each further nursery", "nests", "each"),
    ("RAM, two periodic tasks, with stack, bytes", "size", "RAM"),
    ("    of it .data", "size", "data"),
    ("    of it .bss", "size", "bss"),
    ("    of it stack", "size", "stack"),
    *((f"instructions a yield, {n} tasks", "switch", n) for n in (2, 8, 32)),
    *((f"instructions a hand-off, {n} tasks", "hop", n) for n in (2, 8, 32)),
    *((f"instructions, interrupt to task, {n} tasks", "wake", n) for n in (2, 32)),
    *((f"    by an event, {n} tasks", "event", n) for n in (2, 32)),
    *((f"    by a channel, {n} tasks", "channel", n) for n in (2, 32)),
    *((f"instructions, {what.replace('_local', ' of one executor')}, nobody waits", "said", what) for what in SAID),
    *((f"    its flash, bytes", "said", what + ", flash") for what in SAID),
    *((f"instructions a timer fire, net, {n} tasks", "timers", n) for n in (8, 32)),
    *((f"instructions an idle tick, {n} sleepers", "timers", f"{n}, an idle tick") for n in (8, 32)),
    ("bytes a task, beside its future", "ram", "header"),
    ("bytes of a sleep", "ram", "sleep_future"),
    ("bytes of a task that sleeps in a loop", "ram", "sleep_loop_total"),
    ("bytes of a periodic task", "ram", "periodic_total"),
    ("bytes of the executor", "ram", "executor"),
    ("bytes of a waker slot", "ram", "waker_slot"),
    ("bytes of an event", "ram", "event"),
    ("bytes of a channel, beside its values", "ram", "channel"),
]
width = max(len(title) for title, *_ in TABLE)
print(f"\nthumbv7m, opt-level {args.opt}, {output([ENV.get('RUSTC', 'rustc'), '--version']).strip()}, "
      f"{output(['qemu-system-arm', '--version']).splitlines()[0]}\n")
print(" " * width + "".join(f"{peer:>17}" for peer in peers))
for title, figure, part in TABLE:
    if figure in results:
        values = (results[figure].get(peer, {}).get(part) for peer in peers)
        cells = ("-" if v is None else f"{v:.2f}" if isinstance(v, float) else str(v) for v in values)
        print(f"{title:{width}}" + "".join(f"{cell:>17}" for cell in cells))
