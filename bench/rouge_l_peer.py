"""The plain programme: ROUGE-L by dynamic programming, every new instruction against every kept one.

Reads one JSON object {"new": [...], "kept": [...], "threshold": 0.7, "seconds": 20} on standard input and compares new instructions one after
the other with all kept ones until the seconds are over. Prints {"pairs": ..., "seconds": ..., "verdicts": [[F of the first kept one that reaches the threshold or null, its number], ...]}.
Only comparing is timed; words are split beforehand.
"""
import json
import re
import sys
import time


def words(text):
    return [word for word in re.split(r"\s+", re.sub(r"[^a-z0-9]+", " ", text.lower())) if word]


def common_length(one, other):
    above = [0] * (len(other) + 1)
    for a in one:
        row = [0]
        for j, b in enumerate(other):
            row.append(above[j] + 1 if a == b else max(above[j + 1], row[j]))
        above = row
    return above[-1]


def f_measure(one, other):
    common = common_length(one, other)
    if common == 0:
        return 0.0
    precision, recall = common / len(one), common / len(other)
    return 2 * precision * recall / (precision + recall)


def main():
    task = json.load(sys.stdin)
    kept = [words(text) for text in task["kept"]]
    new = [words(text) for text in task["new"]]
    pairs, verdicts = 0, []
    started = time.perf_counter()
    for one in new:
        first = [None, None]
        for number, other in enumerate(kept):
            score = f_measure(one, other)
            if first[0] is None and score >= task["threshold"]:
                first = [score, number]
        pairs += len(kept)
        verdicts.append(first)
        if time.perf_counter() - started > task["seconds"]:
            break
    print(json.dumps({"pairs": pairs, "seconds": time.perf_counter() - started, "verdicts": verdicts}))


if __name__ == "__main__":
    main()
