"""LightGBM beside the spline models: the same answers, the same people, trained on the other cycle."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import polars as pl

from salus.copd.cohort import design_of
from salus.copd.model import RiskModel

PLAIN = {"num_leaves": 12, "min_data_in_leaf": 40, "feature_fraction": 0.5, "lambda_l2": 10.0}
ADDITIVE = {"num_leaves": 2, "max_depth": 1, "min_data_in_leaf": 40, "feature_fraction": 0.7, "lambda_l2": 5.0}
KINDS = {"lightgbm": PLAIN, "additive lightgbm": ADDITIVE}
SHARED = {"objective": "binary", "learning_rate": 0.03, "bagging_fraction": 0.7, "bagging_freq": 1, "verbosity": -1,
          "deterministic": True, "force_row_wise": True, "seed": 1, "num_threads": 1}  # fmt: skip
MOST_ROUNDS = 600


def features(people: pl.DataFrame, tier: str) -> pl.DataFrame:
    """The items of the packaged model as numbers; those that follow from another filled in."""
    asked = [item.name for item in RiskModel.load("y_mod", tier).items()]
    status = pl.col("smk_status").replace_strict({"never": 0, "former": 1, "current": 2}, return_dtype=pl.Float64)
    return people.select(
        (status if name == "smk_status" else pl.col(name).cast(pl.Float64)).alias(name) for name in asked
    )


def scores(people: pl.DataFrame, outcome: str) -> dict[str, np.ndarray]:
    """Probability by each kind and tier; the number of rounds is chosen over sampling units of the training cycle."""
    y = people[outcome].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known, design = ~np.isnan(y), design_of(people)
    found = {}
    for kind, own in KINDS.items():
        for tier in "AB":
            x = features(people, tier).to_numpy()
            p = np.empty(len(y))
            for cycle in sorted(people["cycle"].unique()):
                test = (people["cycle"] == cycle).to_numpy()
                rows = ~test & known
                data = lgb.Dataset(x[rows], y[rows], weight=design.weights[rows] / design.weights[rows].mean(),
                                   free_raw_data=False)  # fmt: skip
                parts = np.unique(design.unit[rows], return_inverse=True)[1] % 5
                folds = [(np.flatnonzero(parts != k), np.flatnonzero(parts == k)) for k in range(5)]
                tried = lgb.cv(SHARED | own, data, MOST_ROUNDS, folds=folds, metrics="binary_logloss")
                rounds = int(np.argmin(tried["valid binary_logloss-mean"])) + 1
                p[test] = lgb.train(SHARED | own, data, rounds).predict(x[test])
            found[f"{kind} {tier}"] = p
    return found
