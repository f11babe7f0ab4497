#!/usr/bin/env python3
"""Measures "agora data pull" against curl on the same loopback server, in turns, and the memory that it takes.

    bench/hub_download.py [MEBIBYTES [ROUNDS [RATE]]]     # 1024 MiB, 5 rounds; RATE: MiB a second that a connection of the server's brings, else as many as it can

Every round times curl, curl whose bytes go to the file and to "openssl dgst -sha256" at the same time (Agora checks every byte, so that is the like-for-like figure) and the whole
Agora process as ./agora starts it; a file of 1 MiB tells what of that is the process's start. Needs curl, openssl and built projects: ./agora --version; dotnet build -c Release
tests/HubServer. Run it on an otherwise idle machine.
"""

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLI = os.path.join(HOME, "src/Agora.Cli/bin/agora/Agora.Cli")
SERVER = os.path.join(HOME, "tests/HubServer/bin/Release/net10.0/HubServer.dll")
GOAL = 0.8
LARGEST_GROWTH = 64     # MiB that a large file may take above a small one


def timed(arguments, environment=None):
    """Wall seconds, processor seconds and the peak resident size in MiB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        sys.exit(f"failed: {' '.join(arguments)}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Server:
    def __init__(self, size, rate=None):
        self.process = subprocess.Popen(["dotnet", "exec", SERVER, str(size), *([str(rate << 20)] if rate else [])], stdout=subprocess.PIPE, text=True)
        self.hub = self.process.stdout.readline().strip()
        self.contents = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def pull(server, folder):
    shutil.rmtree(os.path.join(folder, "hf"), ignore_errors=True)
    shutil.rmtree(os.path.join(folder, "agora"), ignore_errors=True)
    environment = {**os.environ, "HF_ENDPOINT": server.hub, "HF_HOME": os.path.join(folder, "hf"), "AGORA_DATA": os.path.join(folder, "agora")}
    environment.pop("HF_TOKEN", None)
    return timed([CLI, "data", "pull", "hf://datasets/test/large/large.bin"], environment)


def main(mebibytes=1024, rounds=5, rate=None):
    size = mebibytes << 20
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        target = os.path.join(folder, "curl.bin")
        with Server(1 << 20) as small:
            starts = [pull(small, folder) for _ in range(3)]
            start, base = min(wall for wall, _, _ in starts), min(memory for _, _, memory in starts)
        with Server(size, rate) as server:
            pull(server, folder)
            walls = {"curl": [], "curl and checksum": [], "agora data pull": []}
            used = {"curl": [], "agora data pull": []}
            peak, checksums = 0, []
            for _ in range(rounds):
                curl, seconds, _ = timed(["curl", "--silent", "--fail", "--location", "--output", target, server.contents])
                walls["curl"].append(curl)
                digest = hashlib.sha256()
                block = bytes(1 << 18)
                began = time.perf_counter()
                for _ in range(size >> 18):
                    digest.update(block)
                checksums.append(time.perf_counter() - began)
                used["curl"].append(seconds)
                os.remove(target)
                walls["curl and checksum"].append(timed(["bash", "-c", f"set -o pipefail; curl --silent --fail --location {server.contents} | tee {target} | openssl dgst -sha256"])[0])
                os.remove(target)
                wall, seconds, memory = pull(server, folder)
                walls["agora data pull"].append(wall)
                used["agora data pull"].append(seconds)
                peak = max(peak, memory)
    checksum = min(checksums)
    medians = {name: statistics.median(values) for name, values in walls.items()}
    for name, seconds in medians.items():
        print(f"{name:<20} {seconds:7.3f} s  {mebibytes / seconds:7.0f} MiB/s   (all: {', '.join(f'{wall:.2f}' for wall in walls[name])})")
    ours = medians["agora data pull"]
    print(f"rate against curl             {medians['curl'] / ours:5.2f}   goal >= {GOAL}")
    print(f"rate against curl + checksum  {medians['curl and checksum'] / ours:5.2f}")
    print(f"a file of 1 MiB takes {start:.3f} s; without that, {medians['curl'] / (ours - start):.2f} of curl's rate")
    print(f"SHA-256 alone, on one core: {checksum:.3f} s, so {medians['curl'] / max(checksum, medians['curl']):.2f} of curl's rate is the most that any program can reach that checks what it fetched")
    print(f"peak resident: {peak:.0f} MiB for {mebibytes} MiB, {base:.0f} MiB for 1 MiB; growth {peak - base:.0f} MiB, goal <= {LARGEST_GROWTH}")
    print(f"processor time: {', '.join(f'{name} {statistics.median(seconds):.2f} s' for name, seconds in used.items())} (checksum included for Agora)")
    return medians["curl"] / ours >= GOAL and peak - base <= LARGEST_GROWTH


if __name__ == "__main__":
    sys.exit(0 if main(*(int(argument) for argument in sys.argv[1:4])) else 1)
