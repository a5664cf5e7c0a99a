#!/usr/bin/python3
"""Measures what the constants of weights.go and fuser.go stand for, on the tiles that fit.py learns from.

    constants.py DIR

The scene is known, so the errors of a picture are, and those of its neighbours, as they are seen by it: what is off by alignment is among
them. Only tiles are counted whose luma the flow is trusted in.
"""

import sys
from pathlib import Path

import numpy as np

import fit

DETAIL = slice(1, None)  # all coefficients but the first: light that changes is no error
PER_PIXEL = 1 / (fit.WINDOW**2).mean() ** 2  # what the window leaves of squares


def main():
    groups = fit.read(sorted(Path(sys.argv[1]).glob("*.tiles")))
    tables = {name: {} for name in ["coding", "chroma", "key", "other", "noise", "apart", "gops"]}

    def add(table, key, over, under):
        sums = tables[table].setdefault(key, [0.0, 0.0, 0])
        sums[0], sums[1], sums[2] = sums[0] + over, sums[1] + under, sums[2] + 1

    for g in groups:
        for p in np.unique(g.picture):
            t = g[g.picture == p]
            errors = t.truth[:, DETAIL]
            predicted = t.variance[0]
            noise = 2 ** t.facts[0, 1] * predicted
            of_target = (errors * errors).mean() * PER_PIXEL
            if noise < predicted / 4:
                if t.luma[0]:
                    step = np.sqrt(max(0, predicted - noise - 2) * 24)
                    add("coding", round(6 * np.log2(max(step, 1e-3)) + 4), of_target, predicted)
                else:
                    add("chroma", "", of_target, predicted)
            if not t.luma[0]:
                continue
            for k in range(t.trust.shape[1]):
                sure = t.trust[:, k] > 0.7
                if sure.sum() < 20:
                    continue
                of_other = t.difference[sure, k, DETAIL] - errors[sure]
                mine, its, both = (errors[sure] ** 2).mean(), (of_other**2).mean(), (-errors[sure] * of_other).mean()
                if min(mine, its) == 0:  # what is drawn has tiles without errors
                    continue
                key, same, apart = t.facts_of_neighbours[0, k, 3:]
                ratio = its / mine * predicted / t.variances[0, k]
                if key:
                    add("key", "its own GOP" if same else "another", np.log(ratio), 1)
                else:
                    add("other", "its own GOP" if same else "another", np.log(ratio), 1)
                alike = both / np.sqrt(mine * its)
                if same and not key:
                    add("apart", round(apart * 8) / 8, alike, 1)
                elif not same:
                    add("gops", "", alike, 1)

    print("coding in fuser.go: mean square error of luma over the variance that is told, by quantiser")
    for qp, (over, under, n) in sorted(tables["coding"].items()):
        print(f"  {qp:3}: {over / n:7.1f} over {under / n:7.1f} in {n} pictures: {over / under:.2f}")
    for _, (over, under, n) in tables["chroma"].items():
        print(f"ofChroma in fuser.go: the same of chroma: {over / under:.2f} in {n} planes")
    for name, title in [("key", "keyError"), ("other", "otherError")]:
        for what, (over, _, n) in tables[name].items():
            print(f"{title} in weights.go: error of a neighbour of {what}, where the target's is 1: {np.exp(over / n):.2f} in {n}")
    print("alikeAtOnce and halfAlike in weights.go: correlation of errors, by seconds apart in a GOP")
    for apart, (over, _, n) in sorted(tables["apart"].items()):
        print(f"  {apart:.3f}: {over / n:.2f} in {n}")
    times, alike, counts = np.array([(a, o / n, n) for a, (o, _, n) in tables["apart"].items() if a < 1.5 and o > 0]).T
    slope, begin = np.polyfit(times, np.log2(alike), 1, w=np.sqrt(counts))
    print(f"  nearest: {2**begin:.2f} at once, half of it after {-1 / slope:.2f} s")
    for _, (over, _, n) in tables["gops"].items():
        print(f"between GOPs: {over / n:.2f} in {n}")


if __name__ == "__main__":
    main()
