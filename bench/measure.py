#!/usr/bin/env python3
"""Measures Agora's commands as whole processes and holds the figures against their goals.

    bench/measure.py startup      # agora --help, median of 20 runs
    bench/measure.py quickstart   # the quickstart from an empty store: wall time and peak resident memory
    bench/measure.py grid         # the full nano grid from an empty store, and the pipeline's own share of the time

Needs python3 and a built Agora (run ./agora once before). Run it on an otherwise idle machine.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AGORA = os.path.join(HOME, "agora")


def run(arguments, quiet=True):
    """Runs agora; returns wall seconds and the peak resident size of the largest process in MiB."""
    started = time.perf_counter()
    subprocess.run([AGORA, *arguments], check=True, cwd=HOME, stdout=subprocess.DEVNULL if quiet else None,
                   stderr=subprocess.DEVNULL if quiet else None)
    wall = time.perf_counter() - started
    return wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def report(name, value, unit, goal):
    verdict = "within" if value <= goal else "OVER"
    print(f"{name:<28} {value:>9.3f} {unit:<4} goal <= {goal:g} {unit}  {verdict}  ({value / goal:.2f} of the goal)")
    return value <= goal


def startup():
    run(["--help"])
    walls = [run(["--help"])[0] for _ in range(20)]
    return report("agora --help, median", 1000 * statistics.median(walls), "ms", 150)


def whole(arguments, name, seconds, mebibytes):
    with tempfile.TemporaryDirectory() as folder:
        store = ["--runs", os.path.join(folder, "runs")]
        wall, peak = run([*arguments, *store], quiet=False)
        good = report(f"{name}, wall", wall, "s", seconds)
        if mebibytes:
            good &= report(f"{name}, peak resident", peak, "MiB", mebibytes)
        subprocess.run([AGORA, "runs", "show", "--timing", *store], check=True, cwd=HOME)
    return good


BENCHMARKS = {
    "startup": startup,
    "quickstart": lambda: whole(["quickstart"], "quickstart", 180, 2048),
    "grid": lambda: whole(["run", os.path.join("experiments", "nano-grid.yaml")], "full nano grid", 3600, None),
}

if __name__ == "__main__":
    names = sys.argv[1:] or ["startup", "quickstart"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"unknown benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    sys.exit(0 if all([BENCHMARKS[name]() for name in names]) else 1)
