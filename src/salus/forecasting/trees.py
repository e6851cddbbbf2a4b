"""Gradient-boosted trees (LightGBM), one ensemble a quantile level."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
TREES = 150
SETTINGS: dict[str, Any] = {
    "objective": "quantile",
    "num_leaves": 31,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 127,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # the levels are fitted side by side instead: threads inside a tree stall on a busy machine
    "verbose": -1,
}


@dataclass
class QuantileTrees:
    """Quantiles of a change from features.

    Parameters
    ----------
    levels : numpy.ndarray, shape (levels,)
        Quantile levels, ascending.
    seed : int
        Of the rows and features that each tree sees.
    trees : int, optional
        Trees of each ensemble; :data:`TREES` by default.
    rate : float
        Rate of learning: with fewer trees a higher one comes as far.
    """

    levels: Floats
    seed: int = 1
    trees: int | None = None
    rate: float = 0.06
    _boosters: list[lightgbm.Booster] = field(default_factory=list, repr=False)

    def fit(self, table: Table, change: Floats, weight: Floats) -> None:
        """Learn.

        Parameters
        ----------
        table : numpy.ndarray, shape (rows, features)
            Features; NaN where unknown.
        change : numpy.ndarray, shape (rows,)
            What followed.
        weight : numpy.ndarray, shape (rows,)
            Weight of each row, positive.
        """
        leaf = int(np.clip(change.size / 800, 10, 150))
        settings = SETTINGS | {"seed": self.seed, "learning_rate": self.rate, "min_data_in_leaf": leaf}
        data = lightgbm.Dataset(table, change, weight=weight, params=settings, free_raw_data=False).construct()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self._boosters = list(
                pool.map(
                    lambda tau: lightgbm.train(settings | {"alpha": float(tau)}, data, self.trees or TREES), self.levels
                )
            )

    def predict(self, table: Table) -> Floats:
        """Quantiles of the change.

        Parameters
        ----------
        table : numpy.ndarray, shape (rows, features)
            Features; NaN where unknown.

        Returns
        -------
        numpy.ndarray, shape (rows, levels)
            Ascending along the last axis.
        """
        return np.sort(np.stack([booster.predict(table) for booster in self._boosters], axis=-1), axis=-1)

    def state(self) -> dict[str, Any]:
        """What was learned: LightGBM's own text of each ensemble.

        Returns
        -------
        dict
            ``boosters``, a text a level.
        """
        return {"boosters": [booster.model_to_string() for booster in self._boosters]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what was learned before.

        Parameters
        ----------
        state : dict
            From :meth:`state`.
        """
        self._boosters = [lightgbm.Booster(model_str=text) for text in state["boosters"]]
