"""How well probabilities, scores and rules find an outcome, with survey weights.

Rows of a batch of weights are bootstrap samples: each function takes weights of shape (n,) or (b, n) and answers a
number or b numbers, so that bounds cost one sort.
"""

from __future__ import annotations

import numpy as np

from salus.copd.design import Floats
from salus.copd.fitting import expit, fit
from salus.errors import InputError

_NEAREST = 1e-15
"""Probabilities nearer to 0 or 1 count as this, so that they have log-odds."""
THRESHOLDS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
"""Probabilities from which on spirometry would be offered, for net benefit."""


def auroc(y: Floats, score: Floats, weights: Floats) -> Floats:
    """Probability that a person with the outcome has the higher score; ties count half.

    Parameters
    ----------
    y : ndarray of float, shape (n,)
        0 or 1.
    score : ndarray of float, shape (n,)
        Higher is likelier.
    weights : ndarray of float, shape (n,) or (b, n)
        Weights of people.

    Returns
    -------
    ndarray of float, shape () or (b,)
        nan where a sample lacks one of the outcomes.

    Examples
    --------
    >>> float(auroc(np.array([0, 0, 1, 1]), np.array([1, 2, 2, 3]), np.ones(4)))
    0.875
    """
    with_it, without = _by_value(y, score, weights)
    before = np.cumsum(without, axis=-1) - without / 2
    total = with_it.sum(axis=-1) * without.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(total > 0, (with_it * before).sum(axis=-1) / total, np.nan)
    return found


def auprc(y: Floats, score: Floats, weights: Floats) -> float:
    """Average precision: mean of the precision at each score, weighted by the people found there."""
    with_it, without = (side[..., ::-1] for side in _by_value(y, score, weights))
    found, flagged = np.cumsum(with_it), np.cumsum(with_it + without)
    return float(np.sum(with_it * found / np.where(flagged > 0, flagged, 1)) / found[-1])


def brier(y: Floats, p: Floats, weights: Floats) -> float:
    """Weighted mean of the squared error of a probability."""
    return float(np.average((y - p) ** 2, weights=weights))


def observed_expected(y: Floats, p: Floats, weights: Floats) -> float:
    """People with the outcome over the number that the probabilities promise."""
    return float((weights * y).sum() / (weights * p).sum())


def log_odds(p: Floats) -> Floats:
    """Log-odds of probabilities; those of 0 and 1 are taken as nearly so."""
    near = np.clip(p, _NEAREST, 1 - _NEAREST)
    found: Floats = np.log(near / (1 - near))
    return found


def parted(y: Floats, score: Floats) -> bool:
    """Whether a threshold of the score parts those with the outcome from the others, or all scores are alike.

    No slope can be fitted then: it would be without end, or any.

    Examples
    --------
    >>> parted(np.array([0, 0, 1]), np.array([.1, .2, .3])), parted(np.array([0, 1, 0]), np.array([.1, .2, .3]))
    (True, False)
    """
    with_it, without = score[y > 0], score[y == 0]
    return bool(with_it.min() >= without.max() or with_it.max() <= without.min())


def calibration(y: Floats, p: Floats, weights: Floats) -> tuple[float, float]:
    """Slope of the outcome's log-odds on those promised, and the intercept at slope 1.

    Returns
    -------
    tuple of (float, float)
        Slope (1 is right, under 1 too extreme) and calibration in the large (0 is right, above 0 too low promises);
        nan where the people at hand allow no estimate.
    """
    at = log_odds(p)
    return _slope(y, at, weights), _in_the_large(y, at, weights)


def _slope(y: Floats, at: Floats, weights: Floats) -> float:
    if not 0 < y.sum() < len(y) or parted(y, at):
        return float("nan")
    try:
        return float(fit(at[:, None], y, weights, np.zeros(1)).coefficients[0])
    except (InputError, np.linalg.LinAlgError):
        return float("nan")


def _in_the_large(y: Floats, at: Floats, weights: Floats) -> float:
    if not 0 < y.sum() < len(y):
        return float("nan")
    intercept = 0.0
    w = weights / weights.sum()
    for _ in range(50):
        now = expit(intercept + at)
        if (spread := float((w * now * (1 - now)).sum())) <= 0:
            return float("nan")
        step = float((w * (y - now)).sum() / spread)
        intercept += step
        if abs(step) < 1e-10:
            break
    return intercept


def sensitivity_at(y: Floats, score: Floats, weights: Floats, specificity: float = 0.9) -> float:
    """Share of people with the outcome found where this share of the others is left alone.

    People of one score are taken in part where the threshold falls on it, so that coarse scores are comparable.
    """
    with_it, without = (side[..., ::-1] for side in _by_value(y, score, weights))
    false = np.concatenate([[0.0], np.cumsum(without) / without.sum()])
    true = np.concatenate([[0.0], np.cumsum(with_it) / with_it.sum()])
    return float(np.interp(1 - specificity, false, true))


def flagged_at(y: Floats, score: Floats, weights: Floats, sensitivity: float) -> float:
    """Share of all people who would be sent to spirometry to find this share of those with the outcome."""
    with_it, without = (side[..., ::-1] for side in _by_value(y, score, weights))
    true = np.concatenate([[0.0], np.cumsum(with_it) / with_it.sum()])
    sent = np.concatenate([[0.0], np.cumsum(with_it + without)]) / (with_it + without).sum()
    return float(np.interp(sensitivity, true, sent))


def net_benefit(y: Floats, chosen: Floats, weights: Floats, threshold: float) -> Floats:
    """Net benefit of sending the chosen people to spirometry, beside sending nobody.

    Parameters
    ----------
    y : ndarray of float, shape (n,)
        0 or 1.
    chosen : ndarray, shape (n,)
        1 or True for those who are sent.
    weights : ndarray of float, shape (n,) or (b, n)
        Weights of people.
    threshold : float
        Probability at which sending and not sending are worth the same.

    Returns
    -------
    ndarray of float, shape () or (b,)
        True positives less false positives times t / (1 - t), a share of all (Vickers and Elkin, Medical Decision
        Making 2006, 26, 565-574).
    """
    worth = chosen * np.where(y > 0, 1.0, -threshold / (1 - threshold))
    found: Floats = (weights * worth).sum(axis=-1) / weights.sum(axis=-1)
    return found


def _by_value(y: Floats, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of people with and without the outcome at each value of the score, ascending."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sorted_weights = weights[..., order]
    with_it = np.add.reduceat(sorted_weights * y[order], starts, axis=-1)
    without = np.add.reduceat(sorted_weights * (1 - y[order]), starts, axis=-1)
    return with_it, without
