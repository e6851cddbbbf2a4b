"""Several predictive distributions as one: the linear opinion pool of quantile forecasts.

Averaging the probabilities, not the quantiles, keeps the doubt: where members disagree the pool is wider than any.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from salus.forecasting.learning import Rows

Floats = NDArray[np.float64]
HALF_LIFE = 8.0
"""Periods after which a loss counts half."""
DOUBT = 4.0
"""Periods of losses that weigh as much as the belief that the weights are right."""
FAVOUR = 4.0
"""Power of the loss by which a weight is divided, after evidence without end."""
_EDGES = np.concatenate([[0.0, 0.005], np.arange(1, 100) / 100, [0.995, 1.0]])
_MASS = np.diff(_EDGES)
FINE = (_EDGES[1:] + _EDGES[:-1]) / 2
"""Levels at which each member is laid out before pooling: the middles of equal shares, halved at both ends."""


def pool(members: Sequence[Floats], weights: Sequence[float] | Floats, levels: Floats, wanted: Floats) -> Floats:
    """Quantiles of the weighted mixture of several distributions.

    Parameters
    ----------
    members : sequence of numpy.ndarray, shape (rows, levels)
        Quantiles of each member, ascending.
    weights : sequence of float
        Weight of each member; they need not sum to one.
    levels : numpy.ndarray, shape (levels,)
        Quantile levels of the members, ascending. Between them the quantiles are interpolated on the normal scale,
        beyond them the outermost slope is kept.
    wanted : numpy.ndarray, shape (wanted,)
        Levels of the answer.

    Returns
    -------
    numpy.ndarray, shape (rows, wanted)
        Ascending.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([0.1, 0.5, 0.9])
    >>> one, other = np.array([[-1.0, 0.0, 1.0]]), np.array([[9.0, 10.0, 11.0]])
    >>> pool([one, other], [1, 1], levels, np.array([0.3, 0.8])).round(1).tolist()
    [[0.2, 10.2]]
    """
    laid = np.concatenate([_fine(member, levels) for member in members], axis=-1)
    mass = np.concatenate([_MASS * weight for weight in weights]) / float(np.sum(weights))
    order = np.argsort(laid, axis=-1, kind="stable")
    values = np.take_along_axis(laid, order, axis=-1)
    middle = np.cumsum(mass[order], axis=-1) - mass[order] / 2
    rows = np.arange(values.shape[0])
    answer = np.empty((rows.size, wanted.size))
    for j, level in enumerate(wanted):
        above = np.clip((middle < level).sum(axis=-1), 1, values.shape[1] - 1)
        low, high = middle[rows, above - 1], middle[rows, above]
        share = np.clip((level - low) / np.maximum(high - low, 1e-12), 0, 1)
        answer[:, j] = values[rows, above - 1] + share * (values[rows, above] - values[rows, above - 1])
    return answer


def favoured(
    weights: Floats, said: NDArray[np.float64], levels: Floats, rows: Rows, since: NDArray[np.int64]
) -> Floats:
    """Weights of members after a look at how they have done of late.

    Each weight is divided by a power of the member's recent loss beside that of all, as far as there is evidence:
    little changes after a week, and a member that is a tenth worse for months loses a third of its weight.

    Parameters
    ----------
    weights : numpy.ndarray, shape (members,)
        Before.
    said : numpy.ndarray, shape (members, rows, levels)
        Quantiles of change that each member gave without having seen what came.
    levels : numpy.ndarray, shape (levels,)
        Their levels.
    rows : Rows
        What came.
    since : numpy.ndarray, shape (rows,)
        Periods since it came; recent losses count more.

    Returns
    -------
    numpy.ndarray, shape (members,)
        Of the same sum; all zero only if ``weights`` are.
    """
    if not since.size:
        return weights
    fading = 0.5 ** (since / HALF_LIFE)
    gap = rows.change[None, :, None] - said
    pinball = np.maximum(levels * gap, (levels - 1) * gap).mean(axis=-1)
    loss = (pinball * fading * rows.weight).sum(axis=1)
    if not (loss > 0).all():
        return weights
    evidence = (0.5 ** (np.unique(since) / HALF_LIFE)).sum()
    power = FAVOUR * evidence / (evidence + DOUBT)
    shifted = weights * (loss / loss.mean()) ** -power
    return np.asarray(shifted * weights.sum() / shifted.sum())


def _fine(quantiles: Floats, levels: Floats) -> Floats:
    known, asked = norm.ppf(levels), norm.ppf(FINE)
    with np.errstate(over="ignore"):  # of quantiles that are all but equal the slope is nothing, whatever it overflows
        inside = PchipInterpolator(known, quantiles, axis=-1)(np.clip(asked, known[0], known[-1]))
    below = (quantiles[:, [1]] - quantiles[:, [0]]) / (known[1] - known[0])
    above = (quantiles[:, [-1]] - quantiles[:, [-2]]) / (known[-1] - known[-2])
    return np.asarray(inside + np.minimum(asked - known[0], 0) * below + np.maximum(asked - known[-1], 0) * above)
