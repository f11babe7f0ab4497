"""The same bootstrap in numpy: one table of generators x settings, each setting over two benchmarks, resampled over items.

Usage: bootstrap_peer.py FOLDER RESAMPLES PROCESSES. FOLDER holds table.json and, for each benchmark, its grades as bytes of 0 and 1, [item, model],
with the base model and the reference first. Items are drawn with replacement, counted by bincount, and the counts are multiplied with the grades by BLAS in
float32, which holds such counts exactly and is faster than float64. (Generator.multinomial draws a binomial for every item and takes several times as long.)
Processes share the resamples, with one thread of BLAS each. Intervals are taken of everything that Agora's table has: scores, PGR by benchmark, setting, method,
domain and overall, and differences of all pairs of generators, by setting and overall. Prints {"seconds": ..., "pgr": [...], "low": [...], "high": [...]} by cell.
"""
import json
import multiprocessing
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: E402  (after the threads are set)

CHUNK = 50
matrices = []


def sums(task):
    which, seed, resamples = task
    random = np.random.default_rng(seed)
    grades = matrices[which]
    items = len(grades)
    rows = np.empty((resamples, grades.shape[1]))
    for first in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - first)
        drawn = random.integers(0, items, size=(size, items), dtype=np.int32)
        drawn += (np.arange(size, dtype=np.int32) * items)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * items).reshape(size, items).astype(np.float32)
        rows[first:first + size] = counts @ grades
    return rows


def interval(draws):
    return np.quantile(draws, [0.025, 0.975], axis=0)


def main():
    folder, resamples, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(os.path.join(folder, "table.json"), encoding="utf-8") as file:
        table = json.load(file)
    for benchmark in table["benchmarks"]:
        grades = np.fromfile(os.path.join(folder, benchmark["file"]), dtype=np.uint8)
        matrices.append(grades.reshape(benchmark["items"], benchmark["models"]).astype(np.float32))
    generators, settings = table["generators"], table["settings"]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(len, [[]] * processes)                     # the processes are there
        started = time.perf_counter()
        share = (resamples + 2 * processes - 1) // (2 * processes)
        tasks = [(which, (7, which, first), min(share, resamples - first)) for which in range(len(matrices)) for first in range(0, resamples, share)]
        parts = pool.map(sums, tasks, chunksize=1)
        by_setting = np.zeros((resamples, generators, settings))
        totals = np.zeros((generators, settings))
        for which, benchmark in enumerate(table["benchmarks"]):
            rows = np.concatenate([part for task, part in zip(tasks, parts) if task[0] == which])
            items = len(matrices[which])
            interval(rows / items)                          # of scores
            whole = matrices[which].sum(axis=0, dtype=np.float64)
            own = [place for place, domain in enumerate(table["domainOfSetting"]) if domain == benchmark["domain"]]
            draws = 100 * (rows[:, 2:] - rows[:, :1]) / (rows[:, 1:2] - rows[:, :1])
            interval(draws)                                 # of PGR by benchmark
            draws = draws.reshape(resamples, generators, len(own))
            by_setting[:, :, own] += draws / 2
            totals[:, own] += (100 * (whole[2:] - whole[0]) / (whole[1] - whole[0])).reshape(generators, len(own)) / 2
        bounds = interval(by_setting)
        for groups in (table["domainOfSetting"], table["methodOfSetting"], [0] * settings):
            for group in sorted(set(groups)):
                interval(by_setting[:, :, [place for place, known in enumerate(groups) if known == group]].mean(axis=2))
        pairs = [(one, other) for one in range(generators) for other in range(one + 1, generators)]
        for scope in range(settings + 1):
            draws = by_setting[:, :, scope] if scope < settings else by_setting.mean(axis=2)
            differences = np.stack([draws[:, one] - draws[:, other] for one, other in pairs], axis=1)
            interval(differences)
            np.minimum((differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0))
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "pgr": totals.ravel().tolist(), "low": bounds[0].ravel().tolist(), "high": bounds[1].ravel().tolist()}))


main()
