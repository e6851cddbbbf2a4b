"""Logistic regression with a ridge penalty, survey weights and signs, and its covariance over the survey's design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from salus.copd.cohort import FEWEST_DRAWN, Design
from salus.copd.design import Floats
from salus.errors import InputError

_STEPS, _CLOSE, _SMALLEST_STEP = 100, 1e-9, 1e-6


@dataclass(frozen=True)
class Fit:
    """A fitted logistic regression.

    Attributes
    ----------
    intercept : float
        Log-odds where every column is 0.
    coefficients : ndarray, shape (p,)
        Per unit of a column.
    bread : ndarray, shape (p + 1, p + 1)
        Inverse of the penalised information.
    residuals : ndarray, shape (n,)
        Outcome less probability.
    """

    intercept: float
    coefficients: Floats
    bread: Floats
    residuals: Floats


def expit(log_odds: Floats) -> Floats:
    """Probability of log-odds."""
    found: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    return found


def fit(x: Floats, y: Floats, weights: Floats, penalty: Floats, signs: NDArray[np.int64] | None = None) -> Fit:
    """Fit by Newton's method; with signs, each step is the best one that keeps to them.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Columns, without a constant; no nan.
    y : ndarray of float, shape (n,)
        0 or 1.
    weights : ndarray of float, shape (n,)
        Survey weights; they are scaled to a mean of 1.
    penalty : ndarray of float, shape (p,) or (p, p)
        Half of it times the square of the coefficients is taken from the log-likelihood; the intercept has none.
    signs : ndarray of int, shape (p,), optional
        1 where a coefficient may not be below 0, -1 where it may not be above, 0 where it is free.

    Raises
    ------
    InputError
        There are not both outcomes, or the method does not settle.
    """
    if not 0 < y.sum() < len(y):
        raise InputError(f"all {len(y):,} people have the same outcome; a model needs both")
    w = weights / weights.mean()
    one = np.column_stack([np.ones(len(x)), x])
    ridge = np.zeros((one.shape[1], one.shape[1]))
    ridge[1:, 1:] = np.diag(penalty) if penalty.ndim == 1 else penalty
    sides = np.zeros(one.shape[1], dtype=np.int64)
    sides[1:] = 0 if signs is None else signs
    beta = np.zeros(one.shape[1])
    share = float(np.average(y, weights=w))
    beta[0] = np.log(share / (1 - share))
    height = -np.inf
    for _ in range(_STEPS):
        p = expit(one @ beta)
        score = one.T @ (w * (y - p)) - ridge @ beta
        information = (one * (w * p * (1 - p))[:, None]).T @ one + ridge
        best = _summit(information, information @ beta + score, sides)
        size = 1.0
        while (gained := _height(one, beta + size * (best - beta), y, w, ridge)) < height:
            size /= 2
            if size < _SMALLEST_STEP:
                break
        beta = beta + size * (best - beta)
        settled, height = abs(gained - height) < _CLOSE, gained
        if settled:
            return Fit(float(beta[0]), beta[1:], np.linalg.inv(information), y - expit(one @ beta))
    raise InputError("the fit does not settle: an answer may belong to one outcome only. Raise the penalty")


def _height(one: Floats, beta: Floats, y: Floats, weights: Floats, ridge: Floats) -> float:
    """Log-likelihood less the penalty."""
    log_odds = one @ beta
    return float(np.sum(weights * (y * log_odds - np.logaddexp(0, log_odds))) - beta @ ridge @ beta / 2)


def _summit(curvature: Floats, slope: Floats, sides: NDArray[np.int64]) -> Floats:
    """Where slope'b - b'curvature b / 2 is largest while the bounded coefficients keep to their side of 0.

    The free ones are eliminated, so that what is left is a least-squares problem in coefficients of at least 0
    (Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23).
    """
    bounded, free = np.flatnonzero(sides), np.flatnonzero(sides == 0)
    if not len(bounded):
        return np.asarray(np.linalg.solve(curvature, slope))
    turned = np.where(sides < 0, -1.0, 1.0)
    curvature, slope = curvature * np.outer(turned, turned), slope * turned
    across = curvature[np.ix_(free, bounded)]
    solved = np.linalg.solve(curvature[np.ix_(free, free)], np.column_stack([across, slope[free]]))
    root = np.linalg.cholesky(curvature[np.ix_(bounded, bounded)] - across.T @ solved[:, :-1])
    found = np.empty(len(slope))
    found[bounded] = nnls(root.T, np.linalg.solve(root, slope[bounded] - across.T @ solved[:, -1]))[0]
    found[free] = solved[:, -1] - solved[:, :-1] @ found[bounded]
    return found * turned


def sandwich(x: Floats, found: Fit, design: Design) -> Floats:
    """Covariance of intercept and coefficients by linearisation over the survey's design.

    The design has few degrees of freedom beside the number of columns, so that in some directions no variance would be
    left. It is therefore averaged with the covariance that takes each person as drawn alone.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Columns that were fitted on.
    found : Fit
        What :func:`fit` gave.
    design : Design
        Weights, strata and units of the same people.

    Returns
    -------
    ndarray of float, shape (p + 1, p + 1)
        Binder, International Statistical Review 1983, 51, 279-292, averaged as said.
    """
    w = design.weights / design.weights.mean()
    scores = np.column_stack([np.ones(len(x)), x]) * (w * found.residuals)[:, None]
    alone = scores.T @ scores
    sums = np.zeros((int(design.unit.max()) + 1, scores.shape[1]))
    np.add.at(sums, design.unit, scores)
    drawn = np.zeros_like(alone)
    for stratum in np.unique(design.stratum):
        units = np.unique(design.unit[design.stratum == stratum])
        if (size := len(units)) < FEWEST_DRAWN:
            continue
        away = sums[units] - sums[units].mean(axis=0)
        drawn += away.T @ away * size / (size - 1)
    return found.bread @ ((alone + drawn) / 2) @ found.bread
