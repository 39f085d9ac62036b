#!/usr/bin/env python3
"""What the programs of examples/bare-metal need on a board: flash, static RAM, and the deepest stack, in bytes.

Run it after `cargo xtask step bare-metal-examples` and `cargo xtask bench-embedded giambio size`, which build the
programs and the plugin of the emulator that finds the deepest stack. Names of boards choose.
"""
import os
import socket
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
PLUGIN = os.path.join(TARGET, "bench-embedded", "icount.so")
OPTIONS = "-display none -monitor none -serial stdio -semihosting-config enable=on,target=native"
JUMPS = "-icount shift=4,sleep=off"

# name -> target, emulator, network card before and after the network
BOARDS = {
    "mps2-an385": ("thumbv7m-none-eabi", "qemu-system-arm -cpu cortex-m3 -machine mps2-an385", None),
    "lm3s6965evb": ("thumbv7m-none-eabi", "qemu-system-arm -cpu cortex-m3 -machine lm3s6965evb",
                    ("-nic", ",model=stellaris")),
    "microbit": ("thumbv6m-none-eabi", "qemu-system-arm -machine microbit", None),
    "riscv-virt": ("riscv32imac-unknown-none-elf", "qemu-system-riscv32 -machine virt -bios none",
                   ("-device virtio-net-device,netdev=n0 -global virtio-mmio.force-legacy=false -netdev", "")),
}
TYPED = {"serial": b"hello\n\x04", "echo": b"hello\nexit\n"}


def lines(command):
    return [line.split() for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]


def visit(port):
    """A conversation and 100 KB of echo with the server, then its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.recv(1000)
        for _ in range(100):
            client.sendall(b"x" * 1000)
            client.recv(4000)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.recv(1000)
        client.sendall(b"exit\n")
        while client.recv(1000):
            pass


def stack(board, program, elf):
    _, emulator, card = BOARDS[board]
    at = {line[2]: int(line[0], 16) for line in lines(["nm", elf]) if len(line) == 3}
    low = next(at[name] for name in ("__ebss", "_ebss", "_stack_end") if name in at)
    trace = elf + ".trace"
    command = f"{emulator} {OPTIONS} -plugin {PLUGIN},out={trace},stack={low:#x}:{at['_stack_start']:#x} -kernel {elf}"
    port = None
    if program == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        command += f" {card[0]} user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:1500{card[1]}"
    elif program not in TYPED:
        command += f" {JUMPS}"
    with subprocess.Popen(command.split(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        time.sleep(1 if port or program in TYPED else 0)
        process.stdin.write(TYPED.get(program, b""))
        process.stdin.flush()
        if port:
            try:
                visit(port)
            except OSError:
                process.kill()
                raise
        try:
            process.wait(60)
        finally:
            process.kill()
    with open(trace) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("S"))


print(f"{'':24}{'flash':>8}{'static RAM':>12}{'stack':>8}")
for board in sys.argv[1:] or ["lm3s6965evb", "microbit", "riscv-virt"]:
    for program in ["blinky", "siblings", "timeouts", "interrupt", "embassy", "serial", "echo", "tcp"]:
        elf = os.path.join(TARGET, "firmware", BOARDS[board][0], "release", program)
        if program == "tcp" and not BOARDS[board][2]:
            continue
        size = {line[0]: int(line[1]) for line in lines(["size", "-A", elf]) if len(line) == 3 and line[0][0] == "."}
        flash = sum(size.get(name, 0) for name in (".text", ".rodata", ".data"))
        ram = sum(size.get(name, 0) for name in (".data", ".bss"))
        print(f"{board:12}{program:12}{flash:8}{ram:12}{stack(board, program, elf):8}", flush=True)
