"""The public tools' ways with NumPy and scikit-learn (1.2.1 made the published figures): AlpacaEval's length-controlled fit, Arena-Hard's bootstrap of ratings.

Reads one JSON object on standard input and prints one. Only fitting is timed; data lie in arrays beforehand, without pandas, which the tools use and which is slower.
"""
import json
import math
import sys
import time
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression


def length_controlled(task):
    """Each row is a win of weight w*y and a loss of weight w*(1-y); L1, C of ten by cross-validation over the given folds, then a fit on all rows."""
    x = np.column_stack([task["length"], task["difficulty"], task["model"]]).astype(float)
    y, w, folds = (np.array(task[key], dtype=float) for key in ("target", "weight", "folds"))
    strengths = np.logspace(-4, 4, 10)

    def fit(rows, c):
        model = LogisticRegression(C=c, penalty="l1", solver="liblinear", fit_intercept=False)
        model.fit(np.vstack([x[rows], x[rows]]), np.repeat([1, 0], rows.sum()), sample_weight=np.concatenate([w[rows] * y[rows], w[rows] * (1 - y[rows])]))
        return model.coef_[0]

    def score(b, rows):
        q = np.clip(1 / (1 + np.exp(-x[rows] @ b)), 1e-15, 1 - 1e-15)
        return np.mean(w[rows] * (y[rows] * np.log(q) + (1 - y[rows]) * np.log(1 - q)))

    times = []
    for _ in range(task["repeats"]):
        started = time.perf_counter()
        scores = [np.mean([score(fit(folds != fold, c), folds == fold) for fold in range(5)]) for c in strengths]
        chosen = int(np.argmax(scores))
        b = fit(np.ones(len(y), dtype=bool), strengths[chosen])
        times.append(time.perf_counter() - started)
    own = x[:, 2] == 1
    rate = 100 * float(np.mean(1 / (1 + np.exp(-(b[1] * x[own, 1] + b[2])))))
    return {"seconds": sorted(times)[len(times) // 2], "win_rate": rate, "strength": chosen}


def arena(task):
    """Each round draws the battles anew and fits one dense logistic regression without penalty, a column a model, each battle twice so that ties count half."""
    model, share = np.array(task["battle_model"]), np.array(task["battle_share"])
    battles, columns = len(model), 1 + task["models"]
    times, ratings = [], None
    random = np.random.default_rng(1)
    for round_number in range(-1, task["rounds"]):
        started = time.perf_counter()
        drawn = np.arange(battles) if round_number < 0 else random.integers(0, battles, battles)
        x = np.zeros((2 * battles, columns))
        x[:, 0] = math.log(10)
        x[np.arange(2 * battles), 1 + np.tile(model[drawn], 2)] = -math.log(10)
        twice = np.tile(share[drawn], 2)
        y = (twice == 0).astype(float)
        y[:battles][twice[:battles] == 0.5] = 1.0
        fitted = LogisticRegression(fit_intercept=False, penalty=None, tol=1e-8).fit(x, y)
        if round_number < 0:
            ratings = [float(400 * (r - fitted.coef_[0][0]) + 1000) for r in fitted.coef_[0][1:]]
        else:
            times.append(time.perf_counter() - started)
    return {"seconds_a_round": sum(times) / len(times), "ratings": ratings}


def main():
    warnings.simplefilter("ignore")
    task = json.load(sys.stdin)
    json.dump({"length_control": length_controlled(task["length_control"]), "arena": arena(task["arena"])}, sys.stdout)


main()
