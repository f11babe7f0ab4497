"""Writes published_reference.json: the paper's analyses by numpy 1.24 and scipy 1.10, which share no code with Agora.

Usage: python3 published_reference.py FOLDER_OF_THE_PUBLISHED_TABLES > published_reference.json
"""
import csv
import json
import sys

import numpy as np
import scipy.stats as st
from scipy.optimize import brentq

folder = sys.argv[1]
rows = lambda name: list(csv.DictReader(open(f"{folder}/{name}")))
pgr = {(r["generator"], r["method"], r["domain"]): float(r["pgr_percent"]) for r in rows("table2_pgr.csv")}
keys = list(pgr)
generators = list(dict.fromkeys(k[0] for k in keys))
intrinsic = {(r["metric"], r["generator"], r["method"], r["domain"]): float(r["value"]) for r in rows("table8_intrinsic.csv")}
metrics = list(dict.fromkeys(k[0] for k in intrinsic))
scores = {r["generator"]: {c: float(v) for c, v in r.items() if c != "generator"} for r in rows("table7_problem_solving.csv")}
columns = {"math": ["gsm8k", "math"], "code": ["mbpp", "humaneval"], "instruction_following": ["alpacaeval2", "arena_hard"]}
six = [c for d in columns.values() for c in d]
average = {g: np.mean([scores[g][c] for c in six]) for g in generators}
y = np.array([pgr[k] for k in keys])


def fit(x, y):
    x = np.column_stack([np.ones(len(y)), x])
    n, p = x.shape
    b, *_ = np.linalg.lstsq(x, y, rcond=None)
    residual = y - x @ b
    sse, sst = residual @ residual, ((y - y.mean()) ** 2).sum()
    r2, df = 1 - sse / sst, n - p
    f = (r2 / (p - 1)) / ((1 - r2) / df)
    se = np.sqrt(np.diag(sse / df * np.linalg.inv(x.T @ x)))
    t = st.t.ppf(0.975, df)
    return {"r2": r2, "f": f, "p": st.f.sf(f, p - 1, df), "coefficients": list(b), "low": list(b - t * se), "high": list(b + t * se)}


x = np.array([[average[k[0]]] + [intrinsic[(m,) + k] for m in metrics] for k in keys])


def components(x):
    values, vectors = np.linalg.eigh(np.corrcoef(x.T))
    order = np.argsort(-values)
    vectors = vectors[:, order]
    vectors = vectors * np.where(vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])] < 0, -1, 1)
    return values[order], vectors, x.mean(0), x.std(0)


values, vectors, mean, deviation = components(x)
five = ((x - mean) / deviation) @ vectors[:, :5]
strength = (np.abs(vectors) * np.sqrt(values)).mean(1)


def held_out(group, predict):
    guesses = np.zeros(len(y))
    for held in dict.fromkeys(group):
        test = np.array([g == held for g in group])
        guesses[test] = predict(~test, test)
    return 1 - ((y - guesses) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def by_components(train, test):
    _, v, m, s = components(x[train])
    one = lambda part: np.column_stack([np.ones(len(part)), ((part - m) / s) @ v[:, :5]])
    return one(x[test]) @ np.linalg.lstsq(one(x[train]), y[train], rcond=None)[0]


def by_group(place):
    return lambda train, test: [np.mean([y[j] for j in np.where(train)[0] if keys[j][place] == keys[i][place]]) for i in np.where(test)[0]]


by_setting = lambda train, test: [np.mean([y[j] for j in np.where(train)[0] if keys[j][1:] == keys[i][1:]]) for i in np.where(test)[0]]
of_generator, of_setting = [k[0] for k in keys], [k[1:] for k in keys]
prompts = {(r["generator"], r["method"], r["meta_prompt"], r["domain"]): float(r["pgr_percent"]) for r in rows("table5_meta_prompts.csv")}


def paired(variant, method=None, generator=None):
    d = np.array([v - prompts[(k[0], k[1], variant, k[3])] for k, v in prompts.items() if k[2] == "agorabench" and method in (None, k[1]) and generator in (None, k[0])])
    n = len(d)
    t, p = st.ttest_1samp(d, 0)
    low, high = [brentq(lambda nc: st.nct.cdf(t, n - 1, nc) - tail, t - 30, t + 30, xtol=1e-12) / np.sqrt(n) for tail in (0.975, 0.025)]
    return {"difference": d.mean(), "effect": d.mean() / d.std(ddof=1), "effectLow": low, "effectHigh": high, "p": p}


json.dump({
    "coarse": fit(np.array([average[g] for g in generators]), np.array([np.mean([pgr[k] for k in keys if k[0] == g]) for g in generators])),
    "fineByDomain": fit(np.array([np.mean([scores[k[0]][c] for c in columns[k[2]]]) for k in keys]), y),
    "fineByAverage": fit(np.array([average[k[0]] for k in keys]), y),
    "explained": list(values / 9),
    "loadings": [list(vectors[:, c]) for c in range(9)],
    "strengths": list(strength),
    "onComponents": fit(five, y),
    "componentsGeneratorsOut": held_out(of_generator, by_components),
    "componentsSettingsOut": held_out(of_setting, by_components),
    "settingMeanGeneratorsOut": held_out(of_generator, by_setting),
    "generatorMeanSettingsOut": held_out(of_setting, by_group(0)),
    "unoptimized": paired("unoptimized", None),
    "unoptimizedInstances": paired("unoptimized", "instance_generation"),
    "jsonFormat": paired("json_format", None),
    "jsonFormatOfMini": paired("json_format", generator="GPT-4o-mini"),
}, sys.stdout, indent=1)
print()
