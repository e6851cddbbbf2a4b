"""Shapes of a series that betray a fault of the source: running totals, flat lines, a change of unit.

Each function looks at one place's values alone, in order of time, and is deliberately slow to accuse: an epidemic that
takes off, or a disease that is rare, must pass.
"""

from __future__ import annotations

import numpy as np

FLAT_PERIODS = 6
"""Equal values at the end of a series from which it counts as flat."""

_YEAR_PERIODS = 8
_RISING = 0.98
_GROWING = 0.4
_RESET = 0.25
_BEGUN = 0.75
_BESIDE = 2
_WINDOW = 8
_TOLERANCE = 0.12
_QUIET = 0.4
_UNITS = (10.0, 100.0, 1000.0, 10_000.0, 100_000.0)


def is_cumulative(values: np.ndarray, years: np.ndarray) -> bool:
    """Whether values are running totals that start anew each year.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        In order of time, without missing ones.
    years : ndarray of int, shape (n,)
        Year of each value.

    Returns
    -------
    bool
        True when, over at least two years, values hardly ever fall within a year, often grow, and fall to under a
        quarter about nearly every turn of the year.

    Examples
    --------
    >>> weekly = np.tile([4.0, 9, 2, 0, 5, 3, 8, 6, 1, 2], 3)
    >>> years = np.repeat([2021, 2022, 2023], 10)
    >>> is_cumulative(weekly, years), is_cumulative(np.concatenate([np.cumsum(w) for w in np.split(weekly, 3)]), years)
    (False, True)
    """
    steps = np.diff(values)
    turns = np.flatnonzero(np.diff(years) != 0)
    turns = turns[turns >= _YEAR_PERIODS - 1]
    if turns.size == 0 or steps.size < 2 * _YEAR_PERIODS:
        return False
    falls = np.flatnonzero(steps < 0)
    beside = np.abs(falls[:, None] - turns[None, :]).min(axis=1) <= _BESIDE if falls.size else np.zeros(0, dtype=bool)
    reset = beside & (values[falls + 1] <= _RESET * values[falls])
    grown = [t for t in turns if values[max(t - _BESIDE, 0) : t + 1].max() > 0]
    begun = [t for t in grown if (np.abs(falls[reset] - t) <= _BESIDE).any()]
    stray = (falls.size - reset.sum()) / steps.size
    return bool(grown and len(begun) >= _BEGUN * len(grown) and stray <= 1 - _RISING and (steps > 0).mean() >= _GROWING)


def is_running_total(values: np.ndarray, years: np.ndarray) -> bool:
    """Whether the values within one year never fall and mostly grow, as running totals do.

    One place may do so in an epidemic; when nearly all places of a file do, it holds running totals.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        In order of time, without missing ones.
    years : ndarray of int, shape (n,)
        Year of each value.

    Returns
    -------
    bool
        True when at least twelve values of the last year never fall and half of the steps grow.
    """
    last = values[years == years[-1]] if values.size else values
    steps = np.diff(last)
    return bool(last.size >= 12 and (steps >= 0).all() and (steps > 0).mean() >= 0.5)


def flat_end(values: np.ndarray) -> int:
    """Length of a suspicious run of equal values at the end of a series.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        In order of time, without missing ones.

    Returns
    -------
    int
        0 when the end is not suspicious. A run of zeros is suspicious only right after values of twenty or more; a run
        of another value only when it is at least five and the series used to vary.

    Examples
    --------
    >>> flat_end(np.array([5.0, 9, 7, 8, 6, 9, 12, 31, 31, 31, 31, 31, 31]))
    6
    >>> flat_end(np.array([5.0, 2, 1, 0, 0, 0, 0, 0, 0, 0]))
    0
    """
    if values.size <= FLAT_PERIODS:
        return 0
    differs = np.flatnonzero(values != values[-1])
    run = values.size - 1 - int(differs[-1]) if differs.size else values.size
    if run < FLAT_PERIODS or run == values.size:
        return 0
    before = values[: values.size - run][-2 * FLAT_PERIODS :]
    if values[-1] == 0:
        return run if before.size >= FLAT_PERIODS and before[-1] >= 20 and np.median(before) >= 20 else 0
    earlier = np.diff(before)
    varied = before.size >= FLAT_PERIODS and (earlier != 0).mean() > 0.8
    return run if values[-1] >= 5 and varied else 0


def unit_jump(values: np.ndarray) -> tuple[int, float] | None:
    """Where the level of a series changes at one step by ten, a hundred, a thousand ..., and stays.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        In order of time, without missing ones.

    Returns
    -------
    tuple of int and float, or None
        Index of the first value in the new unit, and the factor; None when there is no such step.

    Examples
    --------
    >>> quiet = np.array([12.0, 14, 13, 12, 15, 13, 14, 12])
    >>> unit_jump(np.concatenate([quiet, 10 * quiet]))
    (8, 10.0)
    """
    if values.size < 2 * _WINDOW:
        return None
    logs = np.log10(np.where(values > 0, values, np.nan))
    steps = np.abs(np.diff(logs))
    with np.errstate(invalid="ignore"):
        places = np.flatnonzero(steps > 1 - 3 * _TOLERANCE)
    for at in places + 1:
        before, after = logs[max(at - _WINDOW, 0) : at], logs[at : at + _WINDOW]
        if before.size < _WINDOW or after.size < _WINDOW or np.isnan(before).any() or np.isnan(after).any():
            continue
        shift = float(np.median(after) - np.median(before))
        near = round(abs(shift))
        sudden = abs(abs(float(logs[at] - logs[at - 1])) - near) < 2 * _TOLERANCE
        quiet = max(np.ptp(before), np.ptp(after)) < _QUIET
        if 1 <= near <= len(_UNITS) and abs(abs(shift) - near) < _TOLERANCE and sudden and quiet:
            factor = _UNITS[near - 1]
            return int(at), factor if shift > 0 else 1 / factor
    return None
