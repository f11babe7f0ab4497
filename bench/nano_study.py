#!/usr/bin/env python3
"""Runs the study of docs/prediction.md: experiments/nano-predictors.yaml in full, its probes, and a few sizes of data set.

    bench/nano_study.py [--agora PROGRAM] [--runs FOLDER] [--only PART...]

Every part is one "agora run", so that the script continues where it was stopped. About 45 minutes of processor time on two cores.
"""
import argparse
import pathlib
import subprocess
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
EXPERIMENT = HOME / "experiments/nano-predictors.yaml"
SMALL = "students=[{name: nano, base: sprout, reference: nano-instruct}]"
ONE_PER_DOMAIN = "settings=[math/response_generation, code/response_generation, instruction_following/response_generation]"


def size(instances):
    return ["generators=[coder, tutor]", ONE_PER_DOMAIN, f"generation.instances={instances}", "problemSolving=false"]


# Probes have a training seed of their own: they may not share the luck of what they predict.
PROBE = ["trainingSeeds=[3]", "problemSolving=false"]
PARTS = {
    "early": ["name=nano-probe-early", "recipe.epochs=2", *PROBE],
    "subset": ["name=nano-probe-subset", "generation.instances=60", *PROBE],
    "small": ["name=nano-probe-small", SMALL, "recipe.epochs=4", *PROBE],
    "full": [],
    "size-60": ["name=nano-size-60", *size(60)],
    "size-120": ["name=nano-size-120", *size(120)],
    "size-480": ["name=nano-size-480", *size(480)],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agora", default=str(HOME / "agora"))
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    for part in arguments.only:
        sets = [word for value in PARTS[part] for word in ("--set", value)]
        print(f"== {part}", file=sys.stderr, flush=True)
        code = subprocess.run([arguments.agora, "run", str(EXPERIMENT), "--runs", arguments.runs, *sets]).returncode
        if code not in (0, 3):      # 3: a generator wrote fewer instances than wanted, which the study keeps as it is
            sys.exit(code)


if __name__ == "__main__":
    main()
