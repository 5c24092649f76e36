"""Prints the coefficients that tests/it/reference.rs expects, by scikit-learn.

The table is that of tests/it/support.rs `generated(7, 400, 0.1)`. Filling by the median, a
"was missing" column, standardising with weights, then LogisticRegression with C = 1 / strength.
"""

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

MASK = (1 << 64) - 1


class Stream:
    def __init__(self, seed):
        self.state = seed

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        x = self.state
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
        return x ^ (x >> 31)

    def uniform(self):
        return np.float32((self.bits() >> 40) / (1 << 24))


def generated(seed, rows, gaps):
    scale = np.array([1.0, 10.0, 0.1, 1000.0, 1.0, 1.0], dtype=np.float32)
    shift = np.array([0.0, 5.0, -0.05, 4096.0, 0.0, 0.0], dtype=np.float32)
    stream = Stream(seed)
    values, outcome, weight = [], [], []
    for _ in range(rows):
        uniform = np.array([stream.uniform() for _ in range(6)], dtype=np.float32)
        missing = np.array([stream.uniform() < np.float32(gaps) for _ in range(6)])
        u = uniform.astype(float)
        signal = (
            3 * (u[0] - 0.5)
            - 2 * (u[1] - 0.5)
            + 4 * (u[2] - 0.5) * (u[0] - 0.25)
            + (0.75 if missing[1] else 0)
        )
        outcome.append(float(stream.uniform()) < 1 / (1 + np.exp(-signal)))
        weight.append(np.float32(0.5) + stream.uniform())
        values.append(np.where(missing, np.float32(np.nan), uniform * scale + shift))
    return np.array(values, dtype=np.float32), np.array(outcome), np.array(weight, dtype=float)


def main():
    x, y, w = generated(7, 400, 0.1)
    median = np.nanmedian(x.astype(float), axis=0)
    gaps = np.isnan(x)
    design = np.hstack([np.where(gaps, median, x), gaps]).astype(float)
    mean = np.average(design, axis=0, weights=w)
    deviation = np.sqrt(np.average((design - mean) ** 2, axis=0, weights=w))
    design = (design - mean) / deviation
    print("scikit-learn", sklearn.__version__, "rows with the outcome", int(y.sum()))
    settings = {
        "none": dict(C=np.inf, solver="newton-cg"),
        "l2 3": dict(C=1 / 3, solver="newton-cg"),
        "l1 6": dict(C=1 / 6, l1_ratio=1.0, solver="saga"),
        "elastic_net 8, 0.5": dict(C=1 / 8, l1_ratio=0.5, solver="saga"),
    }
    for name, setting in settings.items():
        model = LogisticRegression(tol=1e-12, max_iter=200_000, **setting)
        model.fit(design, y, sample_weight=w)
        numbers = [model.intercept_[0], *model.coef_[0]]
        print(name, ", ".join(f"{n:.8f}" for n in numbers))


main()
