"""What a release costs whoever forecasts from it, by the size of the place: a plain forecast from both tables.

The forecast is "no change": the last value, and around it what the changes of the last half year have been on the
square-root scale. It is made every second week from the counts released and from the exact ones, and both are scored
against the exact counts that came (weighted interval score: Bracher, Ray, Gneiting and Reich, PLOS Computational
Biology 17, 2021). Whoever has the release alone fills a gap with the last count shown where that is far above the
minimum cell, else with the middle of what is not shown.

The ratio is made of exact counts. Under differential privacy it stays inside; under suppression it is stated in whole
per cent, and only where many counts left out are in it, so that it can pin none of them down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.privacy.policy import Policy

BANDS = ((0.0, 1.0), (1.0, 3.0), (3.0, 10.0), (10.0, 30.0), (30.0, 100.0), (100.0, float("inf")))
"""Bounds of the exact mean weekly count of a place and disease; the upper end does not belong to it."""

NAMES = ("under_1", "1_to_3", "3_to_10", "10_to_30", "30_to_100", "over_100")
CLAIMS = tuple(f"forecast_cost_{name}" for name in NAMES)
"""What a certificate calls the cost in each band."""

HORIZONS = (1, 4)
"""Weeks ahead."""

LEVELS = (0.025, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.975)
"""Quantiles of the forecast."""

ENOUGH = 100
"""Fewest counts left out in a band of which a cost is stated."""

_WINDOW, _ORIGINS, _STEP = 26, 104, 2
_KEYS = ["location", "disease"]


@dataclass(frozen=True)
class Cost:
    """Cost of a release in one band.

    Attributes
    ----------
    band : str
        One of :data:`NAMES`.
    series : int
        Places and diseases in it, all with a count above zero.
    left_out : int
        Their counts that are not shown.
    wis_exact, wis_released : float or None
        Mean weighted interval score of the forecast from exact and from released counts, in persons; None where there
        are too few weeks for a forecast.
    """

    band: str
    series: int
    left_out: int
    wis_exact: float | None
    wis_released: float | None

    @property
    def ratio(self) -> float | None:
        """Score from released counts as a multiple of that from exact ones."""
        if self.wis_exact is None or self.wis_released is None:
            return None
        return self.wis_released / self.wis_exact if self.wis_exact else 1.0


def costs(exact: pl.DataFrame, released: pl.DataFrame, policy: Policy) -> list[Cost]:
    """Cost by size of the place.

    Parameters
    ----------
    exact : polars.DataFrame
        Exact counts: ``location``, ``disease``, ``date``, ``value``, every week of each.
    released : polars.DataFrame
        The same as released; ``value`` is null where left out.
    policy : Policy
        Under which they were.

    Returns
    -------
    list of Cost
        Bands in which there are places, smallest first.
    """
    both = exact.select(*_KEYS, "date", _true="value").join(
        released.select(*_KEYS, "date", _shown="value"), on=[*_KEYS, "date"]
    )
    rows = both.group_by(_KEYS).agg(pl.col("_true", "_shown").sort_by("date")).sort(_KEYS)
    if not rows.height:
        return []
    true = np.array(rows["_true"].to_list(), dtype=float)
    shown = np.array(rows["_shown"].to_list(), dtype=float)
    size = true.mean(axis=1)
    scores = [_scores(history, true) for history in (true, filled(shown, policy))]
    found = []
    for name, (low, high) in zip(NAMES, BANDS, strict=True):
        here = (size >= low) & (size < high) & (size > 0)
        if here.any():
            means = [float(s[here].mean()) if s is not None else None for s in scores]
            found.append(Cost(name, int(here.sum()), int(np.isnan(shown[here]).sum()), means[0], means[1]))
    return found


def stated(found: list[Cost]) -> dict[str, str]:
    """Claims of a certificate under suppression.

    Parameters
    ----------
    found : list of Cost
        As :func:`costs` gives them.

    Returns
    -------
    dict of str to str
        Claim -> ``+3 %``, ``none`` where nothing is left out, ``too few`` where that is of fewer than :data:`ENOUGH`
        counts left out or of too few weeks.

    Examples
    --------
    >>> stated([Cost("3_to_10", 9, 250, 2.0, 2.08), Cost("30_to_100", 4, 3, 9.0, 9.9)])
    {'forecast_cost_3_to_10': '+4 %', 'forecast_cost_30_to_100': 'too few'}
    """
    said = {}
    for cost in found:
        value = "none" if not cost.left_out else "too few"
        if cost.left_out >= ENOUGH and cost.ratio is not None:
            value = f"{round(100 * (cost.ratio - 1)):+d} %"
        said[f"forecast_cost_{cost.band}"] = value
    return said


def filled(shown: np.ndarray, policy: Policy) -> np.ndarray:
    """Counts as a reader of the release has them, with gaps filled in.

    Parameters
    ----------
    shown : numpy.ndarray of float, shape (N, W)
        Counts by week; NaN where left out.
    policy : Policy
        Under which they were.

    Examples
    --------
    >>> filled(np.array([[np.nan, 80.0, np.nan, 12.0, np.nan]]), Policy()).tolist()
    [[5.5, 80.0, 80.0, 12.0, 5.5]]
    """
    middle = (policy.lowest_hidden + policy.minimum_cell - 1) / 2
    there = ~np.isnan(shown)
    last = np.maximum.accumulate(np.where(there, np.arange(shown.shape[1]), -1), axis=1)
    before = np.where(last >= 0, np.take_along_axis(shown, last.clip(0), axis=1), 0.0)
    guess = np.where(before >= 2 * policy.minimum_cell, before, middle)
    return np.where(there, shown, guess)


def _scores(history: np.ndarray, true: np.ndarray) -> np.ndarray | None:
    """Mean score of each series over origins and horizons; None where no week can be forecast."""
    weeks = history.shape[1]
    root = np.sqrt(history.clip(0))
    total, number = np.zeros(history.shape[0]), 0
    level = np.array(LEVELS)
    place = np.abs(2 * level - 1) * (_WINDOW - 1)  # changes either way: a quantile is one of their sizes
    below = np.floor(place).astype(int).clip(0, _WINDOW - 2)
    for ahead in HORIZONS:
        change = root[:, ahead:] - root[:, :-ahead]
        for origin in range(max(_WINDOW + ahead, weeks - ahead - _ORIGINS), weeks - ahead, _STEP):
            past = np.sort(np.abs(change[:, origin - ahead - _WINDOW + 1 : origin - ahead + 1]), axis=1)
            size = past[:, below] + (place - below) * (past[:, below + 1] - past[:, below])
            quantiles = (root[:, [origin]] + np.sign(level - 0.5) * size).clip(0) ** 2
            miss = true[:, [origin + ahead]] - quantiles
            total += 2 * np.maximum(level * miss, (level - 1) * miss).mean(axis=1)
            number += 1
    return total / number if number else None
