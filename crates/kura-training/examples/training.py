"""Time and AUC of scikit-learn on the table of training.rs (same numbers, made the same way)."""

import time

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = 100


def uniform(seed, count):
    """The first outputs of SplitMix64 as numbers on [0, 1)."""
    with np.errstate(over="ignore"):
        x = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def table(seed, rows):
    full = uniform(seed, rows * FEATURES).reshape(rows, FEATURES)
    u = full[:, :7].astype(float) - 0.5
    signal = (
        6 * (u[:, 0] + 0.5) * u[:, 1]
        + 2 * u[:, 2]
        + np.where(u[:, 3] > 0.1, 1, -0.5)
        - 3 * u[:, 4] * u[:, 4] * 4
        + u[:, 5]
        - u[:, 6]
    )
    outcome = uniform(seed + 2, rows).astype(float) < 1 / (1 + np.exp(-signal))
    missing = uniform(seed + 1, rows * FEATURES).reshape(rows, FEATURES) < np.float32(0.05)
    return np.where(missing, np.float32(np.nan), full), outcome


def main():
    x, y = table(1, 100_000)
    x_test, y_test = table(11, 20_000)
    print("scikit-learn", sklearn.__version__, "rows with the outcome", y.sum())
    models = {
        "HistGradientBoosting, 100 trees": HistGradientBoostingClassifier(
            max_iter=100, max_leaf_nodes=31, learning_rate=0.1, early_stopping=False
        ),
        "ridge": make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True),
            StandardScaler(),
            LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-8),
        ),
    }
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(x, y)
        trained = time.perf_counter() - start
        start = time.perf_counter()
        p = model.predict_proba(x_test)[:, 1]
        asked = time.perf_counter() - start
        area = roc_auc_score(y_test, p)
        print(f"{name}: trained in {trained:.2f} s, 20,000 rows asked in {asked:.3f} s, AUC {area:.4f}")


main()
