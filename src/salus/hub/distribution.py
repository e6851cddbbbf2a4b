"""A whole distribution from its quantiles: straight lines between them, their slope kept outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cumulative(levels: Sequence[float], q: np.ndarray, x: np.ndarray, *, below: bool = False) -> np.ndarray:
    """Probability of a value up to a point, from quantiles.

    Between two quantiles the distribution function is a straight line; below the first and above the last it goes on
    with the slope of its neighbour until 0 and 1; where no quantile is negative, no value is, and what would be is 0.
    Quantiles that are equal are a jump: the value itself has their probability.

    Parameters
    ----------
    levels : sequence of float
        Shape (levels,): ascending, in (0, 1).
    q : numpy.ndarray
        Shape (tasks, levels): quantiles, not decreasing along a row.
    x : numpy.ndarray
        Shape (tasks, points).
    below : bool
        Probability of a value strictly under the point, instead of up to it.

    Returns
    -------
    numpy.ndarray
        Shape (tasks, points), in [0, 1], not decreasing with the point.

    Examples
    --------
    >>> cumulative([0.25, 0.5, 0.75], np.array([[0.0, 10.0, 20.0]]), np.array([[5.0, 20.0, 25.0, 30.0]])).tolist()
    [[0.375, 0.75, 0.875, 1.0]]
    >>> cumulative([0.25, 0.75], np.array([[0.0, 0.0]]), np.array([[0.0]]), below=True).tolist()
    [[0.0]]
    """
    knots, heights = _knots(levels, q)
    found = np.empty(x.shape)
    for row in range(len(q)):
        at = np.searchsorted(knots[row], x[row], side="left" if below else "right")
        left, right = np.clip(at - 1, 0, len(heights) - 1), np.clip(at, 0, len(heights) - 1)
        width = knots[row, right] - knots[row, left]
        share = np.where(width > 0, (x[row] - knots[row, left]) / np.where(width > 0, width, 1.0), 0.0)
        found[row] = heights[left] + np.clip(share, 0.0, 1.0) * (heights[right] - heights[left])
        found[row] = np.where(at == 0, 0.0, np.where(at == len(heights), 1.0, found[row]))
    return found


def mean(levels: Sequence[float], q: np.ndarray) -> np.ndarray:
    """Mean of the distribution that :func:`cumulative` describes.

    Parameters
    ----------
    levels : sequence of float
        Shape (levels,): ascending, in (0, 1).
    q : numpy.ndarray
        Shape (tasks, levels): quantiles.

    Returns
    -------
    numpy.ndarray
        Shape (tasks,), in the unit of the quantiles.

    Examples
    --------
    >>> mean([0.25, 0.5, 0.75], np.array([[20.0, 30.0, 40.0]])).tolist()
    [30.0]
    """
    knots, heights = _knots(levels, q)
    return np.asarray(((knots[:, 1:] + knots[:, :-1]) / 2) @ np.diff(heights))


def _knots(levels: Sequence[float], q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the distribution function: values of each task, and the heights that they share."""
    tau = np.asarray(levels, dtype=float)
    first = q[:, 0] - tau[0] * (q[:, 1] - q[:, 0]) / (tau[1] - tau[0])
    first = np.where(q[:, 0] >= 0, np.maximum(first, 0.0), first)
    last = q[:, -1] + (1 - tau[-1]) * (q[:, -1] - q[:, -2]) / (tau[-1] - tau[-2])
    return np.column_stack([first, q, last]), np.concatenate([[0.0], tau, [1.0]])
