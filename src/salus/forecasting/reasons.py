"""Why a forecast points up or down: the share of each kind of evidence in the expected change.

The features of the pooled models fall into a few kinds that an official knows by name. Their shares are Shapley values
of the median forecast: the mean, over all orders in which the kinds could be told to the model, of what telling one
adds, where what has not been told stands at its typical value. They add up to the whole difference between the forecast
and that of a typical week. Source: Shapley (1953), doi:10.1515/9781400881970-018; Lundberg & Lee (2017),
arXiv:1705.07874.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Table = NDArray[np.float32]

KINDS: dict[str, tuple[str, ...]] = {
    "holidays": ("holidays", "target_holidays"),
    "season": ("season_", "days_from_christmas", "target_", "past_", "last_year_"),
    "neighbours": ("neighbours_",),
    "nation": ("nation_", "share_rising"),
    "height": ("level", "below_", "above_", "since_", "year_mass", "half_year_mass"),
    "course": ("change_", "step_", "mean_", "slope_", "curve_", "growth_"),
    "nature": ("jerk_", "roughness_", "log_"),
    "drivers": ("driver_",),
}
"""Kinds of evidence, with the beginnings of the names of their features; the first that fits counts."""
ASKED = ("ahead",)
"""Features that are the question, not evidence."""


def kind(feature: str) -> str | None:
    """Which kind of evidence a feature is.

    Parameters
    ----------
    feature : str
        Name of the feature.

    Returns
    -------
    str or None
        A key of :data:`KINDS`; None for what is part of the question.

    Raises
    ------
    ValueError
        A feature that belongs to no kind: a new one must be given its place here.

    Examples
    --------
    >>> kind("target_holidays"), kind("past_change"), kind("ahead")
    ('holidays', 'season', None)
    """
    if feature in ASKED:
        return None
    for name, beginnings in KINDS.items():
        if feature.startswith(beginnings):
            return name
    raise ValueError(f"the feature '{feature}' belongs to no kind of evidence; add its name to KINDS")


def shares(
    names: Sequence[str], table: Table, typical: Table, forecast: Callable[[Table], Floats]
) -> tuple[list[str], Floats]:
    """How much each kind of evidence moves the forecast.

    Parameters
    ----------
    names : sequence of str
        Of the features.
    table : numpy.ndarray, shape (rows, features)
        What is known in each case.
    typical : numpy.ndarray, shape (features,)
        Typical values; what is part of the question keeps its own.
    forecast : callable
        Expected change, shape (rows,), of rows of features.

    Returns
    -------
    kinds : list of str
        Of :data:`KINDS`, those that have a feature.
    shares : numpy.ndarray, shape (rows, kinds)
        On the scale of the forecast; the sum of a row is its forecast less that of a typical case.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([[3.0, 1.0, 2.0]], dtype=np.float32)
    >>> kinds, found = shares(["change_1", "past_change", "ahead"], table, np.zeros(3, np.float32),
    ...                       lambda x: x[:, 0] + x[:, 0] * x[:, 1])
    >>> dict(zip(kinds, found[0].tolist()))  # the product of the two is shared
    {'season': 1.5, 'course': 4.5}
    """
    of = [kind(name) for name in names]
    kinds = [name for name in KINDS if name in of]
    number = np.array([-1 if name is None else kinds.index(name) for name in of])
    told: dict[frozenset[int], Floats] = {}
    for size in range(len(kinds) + 1):
        for some in combinations(range(len(kinds)), size):
            shown = np.where(np.isin(number, (-1, *some)), table, typical)
            told[frozenset(some)] = forecast(shown.astype(np.float32))
    found = np.zeros((len(table), len(kinds)))
    for i in range(len(kinds)):
        for known, before in told.items():
            if i not in known:
                weight = factorial(len(known)) * factorial(len(kinds) - len(known) - 1) / factorial(len(kinds))
                found[:, i] += weight * (told[known | {i}] - before)
    return kinds, found
