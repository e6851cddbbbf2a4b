"""Logistic regression with a ridge penalty and survey weights, and its covariance over the survey's design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def fit(x: Floats, y: Floats, weights: Floats, penalty: Floats) -> Fit:
    """Fit by Newton's method.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Columns, without a constant; no nan.
    y : ndarray of float, shape (n,)
        0 or 1.
    weights : ndarray of float, shape (n,)
        Survey weights; they are scaled to a mean of 1.
    penalty : ndarray of float, shape (p,)
        Half of it times the square of the coefficient is taken from the log-likelihood; the intercept has none.

    Raises
    ------
    InputError
        There are not both outcomes, or the method does not settle.
    """
    if not 0 < y.sum() < len(y):
        raise InputError(f"all {len(y):,} people have the same outcome; a model needs both")
    w = weights / weights.mean()
    one = np.column_stack([np.ones(len(x)), x])
    ridge = np.concatenate([[0.0], penalty])
    beta = np.zeros(one.shape[1])
    share = float(np.average(y, weights=w))
    beta[0] = np.log(share / (1 - share))
    height = -np.inf
    for _ in range(_STEPS):
        p = expit(one @ beta)
        score = one.T @ (w * (y - p)) - ridge * beta
        information = (one * (w * p * (1 - p))[:, None]).T @ one + np.diag(ridge)
        step = np.linalg.solve(information, score)
        size = 1.0
        while _likelihood(one @ (beta + size * step), y, w) - ridge @ (beta + size * step) ** 2 / 2 < height:
            size /= 2
            if size < _SMALLEST_STEP:
                break
        beta = beta + size * step
        gained = _likelihood(one @ beta, y, w) - float(ridge @ beta**2) / 2
        settled, height = abs(gained - height) < _CLOSE, gained
        if settled:
            return Fit(float(beta[0]), beta[1:], np.linalg.inv(information), y - expit(one @ beta))
    raise InputError("the fit does not settle: an answer may belong to one outcome only. Raise the penalty")


def _likelihood(log_odds: Floats, y: Floats, weights: Floats) -> float:
    return float(np.sum(weights * (y * log_odds - np.logaddexp(0, log_odds))))


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
