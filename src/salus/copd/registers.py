"""Registered prevalence of an area from the registers of other conditions, judged on neighbours left out together.

Ridge regression of log-odds on log-odds. Areas near each other are alike, so that leaving out one at a time would
flatter the model: whole blocks of neighbours are left out, and the penalty and the width of the intervals are found
within the rest, again by blocks. A register counts who was diagnosed, not who is ill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from salus.errors import InputError

Floats = NDArray[np.float64]
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
BLOCK = 16
"""Areas of a block, where they are taken in the order of their codes."""
FEWEST_BLOCKS = 5


@dataclass(frozen=True)
class CrossValidated:
    """Predictions of areas that were left out, and how good they are.

    Attributes
    ----------
    table : polars.DataFrame
        `location`, `block`, `prevalence`, `predicted`, `lower`, `upper`.
    summary : dict
        `areas`, `blocks`, `correlation`, `rank_correlation`, `mean_absolute_error`, that of the mean of the others
        (`mean_absolute_error_of_the_mean`), `coverage` of intervals of `level`, and their mean width.
    """

    table: pl.DataFrame
    summary: dict[str, Any]


def cross_validated(
    areas: pl.DataFrame,
    *,
    conditions: Sequence[str] | None = None,
    block: str | None = None,
    level: float = 0.9,
) -> CrossValidated:
    """Judge how well the other registers tell an area's registered prevalence.

    Parameters
    ----------
    areas : polars.DataFrame
        A row an area: `location` (a code), `prevalence` and the shares of other conditions, all between 0 and 1.
    conditions : sequence of str, optional
        Columns of the shares; all but `location`, `prevalence` and the blocks where left out.
    block : str, optional
        Column that names the block of neighbours; where left out, blocks are runs of :data:`BLOCK` codes that begin
        alike (the first three characters), since codes are given out in the order of the map.
    level : float
        Share that the intervals are to hold.

    Raises
    ------
    InputError
        A share is missing or not between 0 and 1, or there are too few blocks.

    Examples
    --------
    >>> chance = np.random.default_rng(1)
    >>> ill = chance.normal(-4, 0.3, 160)
    >>> made = pl.DataFrame({"location": [f"E07{k:06}" for k in range(160)], "prevalence": 1 / (1 + np.exp(-ill)),
    ...                      "asthma": 1 / (1 + np.exp(-(ill + 1 + chance.normal(0, 0.1, 160))))})
    >>> found = cross_validated(made).summary
    >>> found["blocks"], found["correlation"] > 0.9, 0.8 < found["coverage"] < 1
    (10, True, True)
    """
    used = list(conditions or [c for c in areas.columns if c not in ("location", "prevalence", block)])
    shares = areas.select("prevalence", *used)
    bad = shares.select(pl.any_horizontal(pl.all().is_null() | (pl.all() <= 0) | (pl.all() >= 1))).to_series()
    if bad.any():
        name = areas["location"].filter(bad)[0]
        raise InputError(
            f"area '{name}' has a share that is missing, or not between 0 and 1. Correct it, or leave it out"
        )
    sorted_areas = areas.sort("location")
    blocks = sorted_areas[block].cast(pl.String).to_list() if block else _runs(sorted_areas["location"].to_list())
    number = np.unique(blocks, return_inverse=True)[1]
    if number.max() + 1 < FEWEST_BLOCKS:
        raise InputError(f"there are {number.max() + 1} blocks of neighbours; {FEWEST_BLOCKS} are wanted")
    y = _log_odds(sorted_areas["prevalence"].to_numpy())
    x = _log_odds(sorted_areas.select(used).to_numpy())
    predicted, low, high = (np.empty(y.size) for _ in range(3))
    null = np.empty(y.size)
    for held in range(int(number.max()) + 1):
        rest = number != held
        penalty, residuals = _inner(x[rest], y[rest], number[rest])
        at = _predict(x[rest], y[rest], x[~rest], penalty)
        reach = np.quantile(np.abs(residuals), min(1.0, level * (1 + 1 / residuals.size)))
        predicted[~rest], low[~rest], high[~rest] = at, at - reach, at + reach
        null[~rest] = y[rest].mean()
    table = pl.DataFrame(
        {
            "location": sorted_areas["location"],
            "block": blocks,
            "prevalence": sorted_areas["prevalence"],
            "predicted": _expit(predicted),
            "lower": _expit(low),
            "upper": _expit(high),
        }
    )
    return CrossValidated(table, _summary(table, _expit(null), level))


def _runs(codes: Sequence[str]) -> list[str]:
    """Blocks of codes that follow each other and begin alike; a short last one joins the one before."""
    found: list[str] = []
    for start in dict.fromkeys(code[:3] for code in codes):
        size = sum(code[:3] == start for code in codes)
        count = max(1, round(size / BLOCK))
        found += [f"{start} {k * count // size + 1}" for k in range(size)]
    return found


def _log_odds(share: Floats) -> Floats:
    return np.log(share / (1 - share))


def _expit(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-log_odds))
    return found


def _predict(x: Floats, y: Floats, new: Floats, penalty: float) -> Floats:
    mean, scale = x.mean(axis=0), x.std(axis=0)
    z = (x - mean) / scale
    slopes = np.linalg.solve(z.T @ z + penalty * np.eye(z.shape[1]), z.T @ (y - y.mean()))
    found: Floats = y.mean() + (new - mean) / scale @ slopes
    return found


def _inner(x: Floats, y: Floats, number: NDArray[np.int64]) -> tuple[float, Floats]:
    """The penalty with the smallest error on blocks left out, and the errors under it."""
    errors = {
        penalty: np.concatenate(
            [
                y[number == b] - _predict(x[number != b], y[number != b], x[number == b], penalty)
                for b in np.unique(number)
            ]
        )
        for penalty in PENALTIES
    }
    best = min(errors, key=lambda penalty: float((errors[penalty] ** 2).mean()))
    return best, errors[best]


def _summary(table: pl.DataFrame, null: Floats, level: float) -> dict[str, Any]:
    true, said = table["prevalence"].to_numpy(), table["predicted"].to_numpy()
    low, high = table["lower"].to_numpy(), table["upper"].to_numpy()
    return {
        "areas": table.height,
        "blocks": table["block"].n_unique(),
        "correlation": round(float(np.corrcoef(true, said)[0, 1]), 3),
        "rank_correlation": round(float(spearmanr(true, said).statistic), 3),
        "mean_absolute_error": round(float(np.abs(true - said).mean()), 5),
        "mean_absolute_error_of_the_mean": round(float(np.abs(true - null).mean()), 5),
        "level": level,
        "coverage": round(float(((low <= true) & (true <= high)).mean()), 3),
        "mean_width": round(float((high - low).mean()), 5),
    }
