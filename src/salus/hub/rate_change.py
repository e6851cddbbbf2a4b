"""Rate-change categories of FluSight: will weekly admissions be stable, rise or fall, and how much.

The change is the admissions of the target week minus those of the week that ended seven days before the reference
date. It is *stable* when it is under 10 admissions, or under the horizon's first threshold per 100,000 people; beyond
the second threshold it is *large*. Definitions: model-output/README.md of github.com/cdcepi/FluSight-forecast-hub, by
season.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from salus.hub.distribution import cumulative

CATEGORIES = ("large_decrease", "decrease", "stable", "increase", "large_increase")
"""The five categories, from the lowest."""

STABLE_COUNT = 10.0
"""Changes of fewer admissions are stable whatever their rate."""

THRESHOLDS: dict[int, tuple[tuple[float, float], ...]] = {
    2023: ((1.0, 2.0), (1.0, 3.0), (2.0, 4.0), (2.5, 5.0)),
    2024: ((0.3, 1.7), (0.5, 3.0), (0.7, 4.0), (1.0, 5.0)),
}
"""First season (by its first year) -> for horizons 0 to 3, where *stable* ends and *large* begins, per 100,000."""

BASELINE_DAYS = 7
"""Days from the end of the baseline week to the reference date."""


def thresholds(reference_date: dt.date) -> tuple[tuple[float, float], ...]:
    """Where *stable* ends and *large* begins in the season of a day, by horizon from 0.

    Parameters
    ----------
    reference_date : datetime.date
        Seasons change on 1 August; seasons before the first definition take that one.

    Returns
    -------
    tuple of (float, float)
        Per 100,000 people.

    Examples
    --------
    >>> thresholds(dt.date(2025, 1, 4))[0]
    (0.3, 1.7)
    """
    season = reference_date.year - (reference_date.month < 8)
    known = [first for first in THRESHOLDS if first <= season]
    return THRESHOLDS[max(known, default=min(THRESHOLDS))]


def probabilities(
    levels: Sequence[float], q: np.ndarray, baseline: np.ndarray, population: np.ndarray, cuts: np.ndarray
) -> np.ndarray:
    """Probability of each category, from the quantiles of the target week's admissions.

    The predictive distribution is :func:`salus.hub.distribution.cumulative`; the baseline is taken as known for sure.

    Parameters
    ----------
    levels : sequence of float
        Shape (levels,): ascending, in (0, 1).
    q : numpy.ndarray
        Shape (tasks, levels): admissions.
    baseline : numpy.ndarray
        Shape (tasks,): admissions of the baseline week.
    population : numpy.ndarray
        Shape (tasks,): people, above 0.
    cuts : numpy.ndarray
        Shape (tasks, 2): where *stable* ends and *large* begins, per 100,000.

    Returns
    -------
    numpy.ndarray
        Shape (tasks, 5), in the order of :data:`CATEGORIES`; rows sum to 1.

    Examples
    --------
    >>> some = np.linspace(100.0, 300.0, 9)[None, :]
    >>> levels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    >>> one = probabilities(levels, some, np.array([200.0]), np.array([1e6]), np.array([[1.0, 5.0]]))
    >>> one.round(2).tolist()
    [[0.3, 0.16, 0.08, 0.16, 0.3]]
    """
    stable = np.maximum(cuts[:, 0] * population / 1e5, STABLE_COUNT)
    large = np.maximum(cuts[:, 1] * population / 1e5, stable)
    down = cumulative(levels, q, np.column_stack([baseline - large, baseline - stable]))
    up = cumulative(levels, q, np.column_stack([baseline + stable, baseline + large]), below=True)
    edges = np.column_stack([np.zeros(len(q)), down, up, np.ones(len(q))])
    return np.diff(edges, axis=1)
