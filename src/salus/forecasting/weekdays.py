"""The day of the week in daily figures: taken out before a model looks, put back into what it says.

Fewer people see a doctor on a Sunday, and fewer reports are written. What a day of the week is beside the seven days
around it is told by the last weeks of the place, and by those of all places where its own are few.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from salus.forecasting.model import Floats
from salus.surveillance.panel import Panel

WEEKS = 12
"""Last weeks that are looked at."""
FEWEST = 3
"""Weeks below which nothing is told."""
BELIEF = 2.0
"""Weeks of a place's own that weigh as much as all places together."""
CLOSED = 0.05
"""Share of a usual day below which nothing is reported on a day of the week: such days tell nothing."""


def levelled(panel: Panel) -> tuple[Panel, Floats]:
    """A panel without its days of the week, and what they were.

    Parameters
    ----------
    panel : Panel
        What was known; of another cadence than days it is the answer itself.

    Returns
    -------
    panel : Panel
        Each value over the factor of its day of the week; NaN on days on which nothing is ever reported. The panels it
        carries are levelled alike.
    factors : numpy.ndarray, shape (places, 7)
        From Monday; their mean is 1.
    """
    if panel.cadence.kind != "day":
        return panel, np.ones((len(panel.locations), 7))
    found = factors(panel)
    at = found[:, _weekdays(panel.starts)]
    values = np.where(at < CLOSED, np.nan, panel.values / np.maximum(at, CLOSED))
    return replace(panel, values=values, also=tuple(levelled(other)[0] for other in panel.also)), found


def factors(panel: Panel) -> Floats:
    """What each day of the week is beside the seven days around it.

    Parameters
    ----------
    panel : Panel
        Of days.

    Returns
    -------
    numpy.ndarray, shape (places, 7)
        From Monday; all 1 where under :data:`FEWEST` weeks are known.

    Examples
    --------
    >>> from salus.surveillance.weeks import Cadence
    >>> days = tuple(dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(70))
    >>> values = np.array([[12.0, 11, 10, 10, 10, 9, 8] * 10])
    >>> panel = Panel("Influenza", "cases", Cadence("day"), days[-1], days, ("A",), values, np.array([np.nan]))
    >>> factors(panel).round(2).tolist()
    [[1.2, 1.1, 1.0, 1.0, 1.0, 0.9, 0.8]]
    """
    places = len(panel.locations)
    values = panel.values[:, -(7 * WEEKS + 6) :]
    days = values.shape[1] - 6
    if days < 7 * FEWEST or places == 0:
        return np.ones((places, 7))
    around = np.lib.stride_tricks.sliding_window_view(values, 7, axis=1).mean(axis=2)
    middle = values[:, 3:-3]
    known = np.isfinite(around) & (around > 0)
    weekday = _weekdays(panel.starts)[-values.shape[1] :][3:-3]
    over, under = np.zeros((places, 7)), np.zeros((places, 7))
    for day in range(7):
        these = known & (weekday == day)
        over[:, day] = np.where(these, middle / np.where(known, around, 1.0), 0.0).sum(axis=1)
        under[:, day] = these.sum(axis=1)
    if under.sum(axis=0).min() < FEWEST:
        return np.ones((places, 7))
    together = over.sum(axis=0) / under.sum(axis=0)
    found = (over + BELIEF * together) / (under + BELIEF)
    return np.asarray(found / found.mean(axis=1, keepdims=True))


def at(found: Floats, panel: Panel, horizons: Sequence[int]) -> Floats:
    """The factors of the days that are forecast.

    Parameters
    ----------
    found : numpy.ndarray, shape (places, 7)
        From :func:`levelled`.
    panel : Panel
        What was known.
    horizons : sequence of int
        Days ahead.

    Returns
    -------
    numpy.ndarray, shape (places, horizons)
        1 in any other cadence.
    """
    return found[:, _weekdays([panel.target_end(h) for h in horizons])]


def _weekdays(days: Sequence[dt.date]) -> np.ndarray:
    return np.array([day.weekday() for day in days], dtype=np.int64)
