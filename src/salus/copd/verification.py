"""Weights for an outcome that was looked for in some people only.

In NHANES a bronchodilator was offered to those whose first blow showed obstruction, and about half of them have a
readable second one. Leaving the others out would make obstruction rarer and healthier than it is; each person with a
second blow therefore stands for those like him without one (Begg and Greenes, Biometrics 1983, 39, 207-215).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.copd.design import Floats
from salus.copd.fitting import expit, fit

LEAST_PROBABILITY = 0.1
"""A probability of verification below this counts as this, so that nobody stands for more than ten."""
_PENALTY = 10.0


@dataclass(frozen=True)
class Verified:
    """Who was verified, and what weight each gets for it.

    Attributes
    ----------
    known : ndarray of bool, shape (n,)
        Whether the outcome after a bronchodilator is known.
    factor : ndarray of float, shape (n,)
        Factor of the survey weight: 1 where the first blow was normal, else 1 over the probability of verification.
    obstructed, verified : int
        People whose first blow was below .70, and how many of them have a readable second one.
    """

    known: NDArray[np.bool_]
    factor: Floats
    obstructed: int
    verified: int


def verification(frame: pl.DataFrame, x: Floats, weights: Floats) -> Verified:
    """Inverse probability of verification after a bronchodilator.

    Parameters
    ----------
    frame : polars.DataFrame
        `y_070`, before, and `y_post070`, null where obstructed before and not verified.
    x : ndarray of float, shape (n, p)
        Standardised columns of the model, without nan: what the probability may depend on. That it depends on nothing
        else is an assumption.
    weights : ndarray of float, shape (n,)
        Survey weights.
    """
    before = (frame["y_070"] == 1).fill_null(False).to_numpy()
    known = frame["y_post070"].is_not_null().to_numpy()
    factor = np.ones(frame.height)
    seen = known[before].astype(float)
    if 0 < seen.sum() < len(seen):
        found = fit(x[before], seen, weights[before], np.full(x.shape[1], _PENALTY))
        probability = expit(found.intercept + x[before] @ found.coefficients)
        factor[before] = 1 / np.maximum(probability, LEAST_PROBABILITY)
    return Verified(known, np.where(known, factor, 0.0), int(before.sum()), int(seen.sum()))
