"""Chances by area and traits: a logistic regression with random effects, drawn from its posterior.

A random effect for each level of the person's traits, for each pair of them and for each area (Gelman and Little,
Survey Methodology 1997, 23(2), 127-135; Park, Gelman and Bafumi, Political Analysis 2004, 12(4), 375-385). Variances
of the traits are found by EM around the penalised fit (Schall, Biometrika 1991, 78, 719-727). That of areas, on which
the intervals hang, is averaged over: normal draws around the fit at each spread are weighted by the posterior itself
(importance resampling: Rubin, Bayesian Statistics 3, 1988, 395-402). The normal alone sits too high where cases are
few, and its intervals too. The prior of that spread is flat in the variance, which keeps intervals honest where areas
are few (Morris and Tang, Statistical Science 2011, 26(2), 271-287).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS = 2000
"""Draws of each chance."""
_ROUNDS, _STEPS, _CLOSE, _SETTLED = 100, 30, 1e-6, 1e-3
_LEAST_VARIANCE, _FLAT = 1e-4, 1e-6
_SPREADS = np.geomspace(0.03, 1.5, 24)
"""Standard deviations of the areas' effects, in log-odds, that are averaged over."""
_USUAL_SPREAD = 1.0
"""Where the prior of that standard deviation begins to fall; below it is flat in the variance."""
_TRIED = 500
"""Draws at each of them, from which the posterior draws are taken by their weight."""


@dataclass(frozen=True)
class Chances:
    """Draws of the chance of each cell, and the spread of the random effects.

    Attributes
    ----------
    drawn : array of float, (cells, draws)
        Between 0 and 1, in the order of the census' rows. Draws of two models are independent of each other.
    spread : dict of str to float
        Standard deviation of the random effects, in log-odds, by trait, pair and area.
    """

    drawn: Floats
    spread: dict[str, float]


@dataclass(frozen=True)
class _Block:
    """Columns that share one variance: a trait, a pair of traits joined by ``:``, or the area; a column a level."""

    name: str
    levels: tuple[str, ...]


def chances(
    tallies: pl.DataFrame,
    cells: pl.DataFrame,
    traits: Sequence[str],
    chance: np.random.Generator,
    covariates: Sequence[str] = (),
) -> Chances:
    """Fit the survey's tallies and draw the chance of each cell of the census.

    Parameters
    ----------
    tallies : polars.DataFrame
        `location`, the traits, `tried` and `found`, with at least one found and one not.
    cells : polars.DataFrame
        `location`, the traits and the covariates; every level of the tallies.
    traits : sequence of str
        Names of columns.
    chance : numpy.random.Generator
        For the draws.
    covariates : sequence of str
        Columns of the cells that are the same all over an area.

    Returns
    -------
    Chances

    Examples
    --------
    >>> made = pl.DataFrame({"location": ["a", "b"], "sex": ["male"] * 2, "tried": [400.0, 400.0],
    ...                      "found": [40.0, 80.0]})
    >>> cells = pl.DataFrame({"location": ["a", "b", "c"], "sex": ["male"] * 3})
    >>> found = chances(made, cells, ("sex",), np.random.default_rng(1)).drawn
    >>> a, b, c = found.mean(axis=1)
    >>> found.shape, bool(a < c < b)
    ((3, 2000), True)
    """
    blocks = _blocks(cells, traits)
    fixed_cells, scale = _fixed(cells, covariates)
    by_area = cells.group_by("location", maintain_order=True).first()
    here = tallies.join(by_area.select("location", *covariates), on="location", how="left", maintain_order="left")
    x, z = _fixed(here, covariates, scale)[0], _random(tallies, blocks)
    tried, found = tallies["tried"].to_numpy(), tallies["found"].to_numpy()
    draws, variances = _draws(np.hstack([x, z]), tried, found, blocks, x.shape[1], chance)
    spread = {block.name: float(np.sqrt(v)) for block, v in zip(blocks, variances, strict=True)}
    return Chances(expit(np.hstack([fixed_cells, _random(cells, blocks)]) @ draws.T), spread)


def expit(log_odds: Floats) -> Floats:
    """Chance of log-odds.

    Examples
    --------
    >>> expit(np.array([0.0])).tolist()
    [0.5]
    """
    found: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    return found


# ---- the columns ----------------------------------------------------------------------------------------------------


def _blocks(cells: pl.DataFrame, traits: Sequence[str]) -> list[_Block]:
    """Each trait, each pair of traits, and the area."""
    single = [_Block(name, tuple(cells[name].unique(maintain_order=True))) for name in traits]
    pairs = [
        _Block(f"{a.name}:{b.name}", tuple(f"{x}:{y}" for x, y in itertools.product(a.levels, b.levels)))
        for a, b in itertools.combinations(single, 2)
    ]
    return [*single, *pairs, _Block("location", tuple(cells["location"].unique(maintain_order=True)))]


def _random(frame: pl.DataFrame, blocks: Sequence[_Block]) -> Floats:
    parts = []
    for block in blocks:
        names = block.name.split(":")
        at = frame.select(pl.concat_str(names, separator=":").alias("at"))["at"]
        place = {level: k for k, level in enumerate(block.levels)}
        columns = np.zeros((frame.height, len(block.levels)))
        columns[np.arange(frame.height), [place[level] for level in at]] = 1
        parts.append(columns)
    return np.hstack(parts)


def _fixed(
    frame: pl.DataFrame, covariates: Sequence[str], scale: tuple[Floats, Floats] | None = None
) -> tuple[Floats, tuple[Floats, Floats]]:
    """A one, and the covariates on the scale of the census' areas."""
    values = frame.select(covariates).to_numpy().astype(float) if covariates else np.zeros((frame.height, 0))
    if scale is None:
        spread = values.std(axis=0)
        scale = values.mean(axis=0), np.where(spread > 0, spread, 1.0)
    return np.hstack([np.ones((frame.height, 1)), (values - scale[0]) / scale[1]]), scale


# ---- the fit --------------------------------------------------------------------------------------------------------


def _solve(x: Floats, tried: Floats, found: Floats, penalty: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Coefficients of a penalised fit and their information, by Newton's method from a start."""
    at = theta.copy()
    information: Floats = np.eye(at.size)
    for _ in range(_STEPS):
        p = expit(x @ at)
        information = (x * (tried * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(information, x.T @ (found - tried * p) - penalty * at)
        at += step
        if np.abs(step).max() < _CLOSE:
            break
    return at, information


def _penalty(variances: Floats, sizes: Sequence[int], fixed: int) -> Floats:
    return np.concatenate([np.full(fixed, _FLAT), np.repeat(1 / variances, sizes)])


def _fit(x: Floats, tried: Floats, found: Floats, blocks: Sequence[_Block], fixed: int) -> tuple[Floats, Floats]:
    """Coefficients and the variance of each block, by EM around the penalised fit."""
    sizes = [len(block.levels) for block in blocks]
    starts = fixed + np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    variances: Floats = np.full(len(blocks), 0.25)
    theta: Floats = np.zeros(x.shape[1])
    share = found.sum() / tried.sum()
    theta[0] = np.log(share / (1 - share))
    for _ in range(_ROUNDS):
        theta, information = _solve(x, tried, found, _penalty(variances, sizes, fixed), theta)
        inverse = np.linalg.inv(information)
        new = [
            (theta[a : a + n] @ theta[a : a + n] + np.trace(inverse[a : a + n, a : a + n])) / n
            for a, n in zip(starts, sizes, strict=True)
        ]
        before, variances = variances, np.maximum(np.array(new), _LEAST_VARIANCE)
        if np.abs(np.log(variances / before)).max() < _SETTLED:
            break
    return theta, variances


def _draws(
    x: Floats,
    tried: Floats,
    found: Floats,
    blocks: Sequence[_Block],
    fixed: int,
    chance: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draws of the coefficients, over what the spread of areas may be, and the variances that they rest on."""
    sizes = [len(block.levels) for block in blocks]
    theta, variances = _fit(x, tried, found, blocks, fixed)
    drawn, weights = [], []
    for spread, step in zip(_SPREADS, np.gradient(_SPREADS), strict=True):
        penalty = _penalty(np.append(variances[:-1], spread**2), sizes, fixed)
        centre, information = _solve(x, tried, found, penalty, theta)
        root = np.linalg.cholesky(information)
        normal = chance.standard_normal((_TRIED, theta.size))
        at = centre + np.linalg.solve(root.T, normal.T).T
        log_odds = at @ x.T
        likelihood = log_odds @ found - np.logaddexp(0, log_odds) @ tried
        prior = 0.5 * (np.log(penalty).sum() - at**2 @ penalty)
        of_spread = np.log(spread * step) - 0.5 * (spread / _USUAL_SPREAD) ** 2
        proposal = np.log(np.diag(root)).sum() - 0.5 * (normal**2).sum(axis=1)
        drawn.append(at)
        weights.append(likelihood + prior - proposal + of_spread)
    weight = np.exp(np.array(weights) - np.max(weights))
    variances[-1] = float(weight.sum(axis=1) @ _SPREADS**2 / weight.sum())
    every = np.vstack(drawn)
    return every[chance.choice(len(every), DRAWS, p=weight.ravel() / weight.sum())], variances
