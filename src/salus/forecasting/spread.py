"""How much wider the ranges must be than the members say: learned from years that the members have not seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from salus.forecasting.features import FURTHEST
from salus.forecasting.learning import Rows

Floats = NDArray[np.float64]
FOLDS = 3
"""Parts into which the years are dealt out; each is forecast by members that have not seen it."""
BAND = 0.95
"""Central range that must hold as much as it promises."""
WIDEST = 2.0
"""Greatest widening."""
FEWEST = 40
"""Unseen changes at a horizon from which its widening is told; with fewer, nothing is widened."""

Forecaster = Callable[[Rows, Rows], Floats]


def learn(rows: Rows, forecast: Forecaster, low: int, middle: int, high: int) -> Floats:
    """Widening of the central 95 % range at each horizon.

    Parameters
    ----------
    rows : Rows
        Everything that is learned from.
    forecast : callable
        Learns from its first argument and gives quantiles of change, shape (rows, levels), for its second.
    low, middle, high : int
        Columns of the lower bound, the median and the upper bound.

    Returns
    -------
    numpy.ndarray, shape (FURTHEST,)
        Factors from 1 (never narrower than the members say) to :data:`WIDEST`, not falling with the horizon.
    """
    needed: list[list[Floats]] = [[] for _ in range(FURTHEST)]
    for fold in range(FOLDS):
        hidden = (rows.panel == 0) & (rows.year % FOLDS == fold)
        seen = (rows.year % FOLDS != fold) & (rows.target_year % FOLDS != fold)
        if not hidden.any() or not seen.any():
            continue
        asked = rows.where(hidden)
        quantiles = np.maximum(forecast(rows.where(seen), asked), -asked.level[:, None])  # nothing falls below zero
        centre = quantiles[:, middle]
        error = asked.change - centre
        half = np.where(error > 0, quantiles[:, high] - centre, centre - quantiles[:, low])
        ratio = np.abs(error) / np.maximum(half, 1e-3)
        for ahead in range(1, FURTHEST + 1):
            needed[ahead - 1].append(ratio[asked.ahead == ahead])
    every = [np.concatenate(parts) if parts else np.empty(0) for parts in needed]
    factors = [float(np.quantile(r, BAND)) if r.size >= FEWEST else 1.0 for r in every]
    return np.maximum.accumulate(np.clip(factors, 1.0, WIDEST))


def widened(quantiles: Floats, levels: Floats, factor: Floats) -> Floats:
    """Quantiles with wider tails: the factor at the 95 % range, little of it at the middle half.

    Parameters
    ----------
    quantiles : numpy.ndarray, shape (rows, levels)
        Ascending, with the median among them.
    levels : numpy.ndarray, shape (levels,)
        Quantile levels.
    factor : numpy.ndarray, shape (rows,)
        Widening of the 95 % range.

    Returns
    -------
    numpy.ndarray, shape (rows, levels)
        The median stays.
    """
    centre = quantiles[:, [int(np.argmin(np.abs(levels - 0.5)))]]
    reach = np.minimum((norm.ppf(levels) / norm.ppf(0.5 + BAND / 2)) ** 2, 1.4)
    return np.asarray(centre + (quantiles - centre) * (1 + (factor[:, None] - 1) * reach))
