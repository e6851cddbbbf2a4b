"""How much wider the ranges must be than the members say: learned from years, and last weeks, they have not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from salus.forecasting.features import FURTHEST
from salus.forecasting.learning import Rows

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
FOLDS = 3
"""Parts into which the years are dealt out; each is forecast by members that have not seen it."""
BAND = 0.95
"""Central range that must hold as much as it promises."""
WIDEST = 2.0
"""Greatest widening."""
FEWEST = 40
"""Unseen changes at a horizon from which its widening is told; with fewer, nothing is widened."""

LOOK_BACK = 20
"""Periods whose outcomes tell how the ranges have held of late."""
HALF_LIFE = 6.0
"""Periods after which an outcome counts half."""
DOUBT = 3.0
"""Periods of outcomes that weigh as much as the belief that the ranges hold."""

Forecaster = Callable[[Table], Floats]
"""Quantiles of change, shape (rows, levels), of rows of features."""
Fit = Callable[[Rows], Forecaster]


@dataclass(frozen=True)
class Band:
    """Which quantiles are the central 95 % range.

    Attributes
    ----------
    low, middle, high : int
        Columns of the lower bound, the median and the upper bound.
    """

    low: int
    middle: int
    high: int

    def needed(self, quantiles: Floats, rows: Rows) -> Floats:
        """By how much each row's range would have had to be wider, or narrower, to just hold what came.

        Parameters
        ----------
        quantiles : numpy.ndarray, shape (rows, levels)
            Of the change.
        rows : Rows
            What came.

        Returns
        -------
        numpy.ndarray, shape (rows,)
            Distance from the median over the half width on that side.
        """
        quantiles = np.maximum(quantiles, -rows.level[:, None])  # nothing falls below zero
        centre = quantiles[:, self.middle]
        error = rows.change - centre
        half = np.where(error > 0, quantiles[:, self.high] - centre, centre - quantiles[:, self.low])
        return np.asarray(np.abs(error) / np.maximum(half, 1e-3))


def learn(rows: Rows, fit: Fit, band: Band) -> tuple[Floats, Forecaster | None]:
    """Widening of the central 95 % range at each horizon.

    Parameters
    ----------
    rows : Rows
        Everything that is learned from.
    fit : callable
        Learns from rows and gives what forecasts others.
    band : Band
        Which quantiles are meant.

    Returns
    -------
    factors : numpy.ndarray, shape (FURTHEST,)
        From 1 (never narrower than the members say) to :data:`WIDEST`, not falling with the horizon.
    witness : callable or None
        The forecaster that has not seen the latest year; None where there is but one year.
    """
    needed: list[list[Floats]] = [[] for _ in range(FURTHEST)]
    witness: Forecaster | None = None
    for fold in range(FOLDS):
        hidden = (rows.panel == 0) & (rows.year % FOLDS == fold)
        seen = (rows.year % FOLDS != fold) & (rows.target_year % FOLDS != fold)
        if not hidden.any() or not seen.any():
            continue
        asked, forecast = rows.where(hidden), fit(rows.where(seen))
        witness = forecast if fold == 0 else witness
        ratio = band.needed(forecast(asked.table), asked)
        for ahead in range(1, FURTHEST + 1):
            needed[ahead - 1].append(ratio[asked.ahead == ahead])
    every = [np.concatenate(parts) if parts else np.empty(0) for parts in needed]
    factors = [float(np.quantile(r, BAND)) if r.size >= FEWEST else 1.0 for r in every]
    return np.maximum.accumulate(np.clip(factors, 1.0, WIDEST)), witness


def lately(ratio: Floats, ahead: NDArray[np.int64], since: NDArray[np.int64]) -> Floats:
    """Widening that the last periods ask for: an epidemic that surprised the model last week may do so again.

    Parameters
    ----------
    ratio : numpy.ndarray, shape (rows,)
        From :meth:`Band.needed`, of forecasts that had not seen what came.
    ahead : numpy.ndarray, shape (rows,)
        Periods ahead.
    since : numpy.ndarray, shape (rows,)
        Periods from the outcome to now.

    Returns
    -------
    numpy.ndarray, shape (FURTHEST,)
        From 1 to :data:`WIDEST`, not falling with the horizon; recent outcomes count more, few of them little.

    Examples
    --------
    >>> import numpy as np
    >>> ahead, since = np.repeat([1, 2], 200), np.tile(np.repeat(np.arange(20), 10), 2)
    >>> lately(np.full(400, 1.8), ahead, since).round(2).tolist()
    [1.59, 1.59, 1.59, 1.59]
    """
    factors = np.ones(FURTHEST)
    weight = 0.5 ** (since / HALF_LIFE)
    for step in range(1, FURTHEST + 1):
        these = ahead == step
        if these.sum() < FEWEST:
            continue
        order = np.argsort(ratio[these], kind="stable")
        passed = np.cumsum(weight[these][order])
        asked = ratio[these][order][np.searchsorted(passed, BAND * passed[-1])]
        evidence = (0.5 ** (np.unique(since[these]) / HALF_LIFE)).sum()
        factors[step - 1] = 1 + (asked - 1) * evidence / (evidence + DOUBT)
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
