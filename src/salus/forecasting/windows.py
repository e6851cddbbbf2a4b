"""Sums over the past: what the features are made of, unknown values left out.

All take arrays whose last axis is time, and look at a period and earlier ones alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shifted(values: Floats, periods: int) -> Floats:
    """Values so many periods earlier, NaN where there were none.

    Parameters
    ----------
    values : numpy.ndarray, shape (..., periods)
        Any values.
    periods : int
        How far back; at least 0.
    """
    if periods == 0:
        return values
    moved = np.full_like(values, np.nan)
    if periods < values.shape[-1]:
        moved[..., periods:] = values[..., :-periods]
    return moved


def trailing_mean(values: Floats, width: int) -> Floats:
    """Mean of the last ``width`` periods, of those known; NaN where fewer than half are.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Any values.
    width : int
        Periods, this one included.
    """
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=-1)
    count = np.cumsum(known, axis=-1).astype(float)
    total[..., width:] = total[..., width:] - total[..., :-width]
    count[..., width:] = count[..., width:] - count[..., :-width]
    return np.where(count * 2 >= width, total / np.maximum(count, 1), np.nan)


def trailing_max(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Greatest of the last ``width`` periods, of those known, and how long ago it was.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Any values.
    width : int
        Periods, this one included.

    Returns
    -------
    greatest, since : numpy.ndarray, shape (places, periods)
        NaN where nothing is known in the window; ``since`` in periods, to the latest of equal ones.
    """
    greatest, since = np.full_like(values, -np.inf), np.full_like(values, np.nan)
    for back in range(min(width, values.shape[-1])):
        past = shifted(values, back)
        higher = past > greatest
        greatest = np.where(higher, past, greatest)
        since = np.where(higher, float(back), since)
    return np.where(np.isfinite(greatest), greatest, np.nan), since


def quadratic(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Slope at the end, and curvature, of a parabola through the last ``width`` periods.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Any values; a window with a gap gives NaN.
    width : int
        Periods, this one included; at least 3.

    Returns
    -------
    slope, curvature : numpy.ndarray, shape (places, periods)
        Per period, and per period squared.
    """
    x = np.arange(-width + 1, 1.0)
    solve = np.linalg.pinv(np.stack([np.ones(width), x, x**2], axis=1))
    slope, curve = np.zeros_like(values), np.zeros_like(values)
    for back in range(width):
        past = shifted(values, back)
        slope += solve[1, width - 1 - back] * past
        curve += solve[2, width - 1 - back] * past
    return slope, curve


def known_mean(values: Floats, axis: int) -> Floats:
    """Mean of the known values along an axis; NaN where none is known.

    Parameters
    ----------
    values : numpy.ndarray
        Any values.
    axis : int
        Axis that is averaged away.
    """
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def known_spread(values: Floats, axis: int) -> Floats:
    """Standard deviation of the known values along an axis; NaN where none is known.

    Parameters
    ----------
    values : numpy.ndarray
        Any values.
    axis : int
        Axis that is taken away.
    """
    mean = np.expand_dims(known_mean(values, axis), axis)
    return np.sqrt(known_mean((values - mean) ** 2, axis))


def known_max(values: Floats, axis: int) -> Floats:
    """Greatest of the known values along an axis; NaN where none is known.

    Parameters
    ----------
    values : numpy.ndarray
        Any values.
    axis : int
        Axis that is taken away.
    """
    known = np.isfinite(values)
    greatest = np.where(known, values, -np.inf).max(axis=axis)
    return np.where(known.any(axis=axis), greatest, np.nan)
