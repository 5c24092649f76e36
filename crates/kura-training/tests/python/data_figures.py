"""data_figures.py SHARED_DATA: prints the figures that the tests on real data expect, by
scikit-learn."""

import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = Path(sys.argv[1])
print("scikit-learn", sklearn.__version__, "numpy", np.__version__)


def report(name, y, p):
    print(f"{name}: AUC {roc_auc_score(y, p):.5f} Brier {brier_score_loss(y, p):.5f}")


def ridge(strength):
    return make_pipeline(
        StandardScaler(),
        LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-8),
    )


# PneumoniaMNIST: a probe on the pixels.
images = np.load(data / "ai/pneumoniamnist/pneumoniamnist.npz")
x = {part: images[f"{part}_images"].reshape(-1, 784) / 255.0 for part in ("train", "test")}
y = {part: images[f"{part}_labels"][:, 0] for part in ("train", "test")}
for strength in (1.0, 100.0):
    model = ridge(strength).fit(x["train"], y["train"])
    report(f"pneumonia, ridge {strength}", y["test"], model.predict_proba(x["test"])[:, 1])

# Adult: categories as numbers in alphabetical order; every fourth row is for testing.
lines = (data / "tables/adult/adult.csv").read_text().split("\n")[1:]
rows = [line.split(";") for line in lines if line]
columns = list(zip(*rows))
outcome = np.array([value == ">50K" for value in columns[8]])
table = []
for number, column in enumerate(columns[:8]):
    if number == 1:
        table.append([float(value) for value in column])
    else:
        codes = {value: code for code, value in enumerate(sorted(set(column)))}
        table.append([float(codes[value]) for value in column])
table = np.array(table).T
test = np.arange(len(rows)) % 4 == 3
model = HistGradientBoostingClassifier(
    max_iter=100, learning_rate=0.1, max_leaf_nodes=31, early_stopping=False
)
model.fit(table[~test], outcome[~test])
report("adult, HistGradientBoosting", outcome[test], model.predict_proba(table[test])[:, 1])
model = ridge(1.0).fit(table[~test], outcome[~test])
report("adult, ridge 1", outcome[test], model.predict_proba(table[test])[:, 1])

# Colonoscopy: two rows per lesion, five folds of lesions, the mean over ten divisions.
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict  # noqa: E402

lines = (data / "ai/colonoscopy/feature_data.csv").read_text("utf-8-sig").split("\n")
rows = [line.split(",") for line in lines if line]
group = np.array([row[0] for row in rows])
neoplastic = np.array([row[1] != "1" for row in rows])
values = np.array([[float(cell) for cell in row[3:]] for row in rows])
for name, model in {
    "trees": HistGradientBoostingClassifier(
        max_iter=60, max_depth=3, min_samples_leaf=5, early_stopping=False
    ),
    "ridge": ridge(100.0),
}.items():
    areas = []
    for seed in range(10):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        p = cross_val_predict(
            model, values, neoplastic, groups=group, cv=folds, method="predict_proba"
        )
        areas.append(roc_auc_score(neoplastic, p[:, 1]))
    print(f"colonoscopy, {name}: AUC {np.mean(areas):.4f} ({min(areas):.4f} to {max(areas):.4f})")
