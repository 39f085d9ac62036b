#!/usr/bin/env python3
"""giambio beside trio, curio and asyncio: CPU time of an operation, in one run.

    pip install trio curio
    python3 bench/python/compare.py

Each program runs in a process of its own, three times, one library after the other; the least of three counts. The time is that of the
process, user and system. The client of the echo server is this program; its time is not counted.
"""

import platform
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUST = HERE.parent / "target" / "release" / "giambio-beside-python"
LIBRARIES = ["giambio", "asyncio", "curio", "trio"]
# What is done, and how often by Python; Rust does it twenty times as often, but for the server.
PROGRAMS = {"spawn": 20_000, "sleep0": 50_000, "echo": 10_000}
NAMES = {
    "spawn": "a task, spawned and waited for (100 at a time)",
    "sleep0": "`sleep(0)`",
    "echo": "a message of 32 bytes, received and sent back",
}


def cost(library, what):
    count = PROGRAMS[what]
    if library == "giambio":
        command = [str(RUST), what, str(count if what == "echo" else 20 * count)]
    else:
        command = [sys.executable, str(HERE / "programs.py"), library, what, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        if what == "echo":
            port = int(program.stdout.readline())
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for _ in range(count):
                    client.sendall(b"x" * 32)
                    client.recv(64)
        answer = int(program.stdout.readline())
    if program.returncode != 0:
        sys.exit(f"{command} ended with {program.returncode}")
    return answer


def main():
    subprocess.run(
        ["cargo", "build", "--release", "--package", "giambio-beside-python", "--manifest-path", str(HERE.parent / "Cargo.toml")],
        check=True,
    )
    least = {}
    for _ in range(3):
        for what in PROGRAMS:
            for library in LIBRARIES:
                here = cost(library, what)
                least[what, library] = min(here, least.get((what, library), here))
    versions = {"giambio": "", "asyncio": f" (Python {platform.python_version()})"}
    headings = [library + versions.get(library, "") if library in versions else f"{library} {version(library)}" for library in LIBRARIES]
    print("| ns of CPU time | " + " | ".join(headings) + " |")
    print("| --- |" + " --- |" * len(LIBRARIES))
    for what in PROGRAMS:
        row = [f"{least[what, library]:,}" for library in LIBRARIES]
        print(f"| {NAMES[what]} | " + " | ".join(row) + " |")


main()
