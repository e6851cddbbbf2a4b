"""Education and income where schools and money are not those of the United States.

The models learned from US schooling (five steps) and from household income over the US poverty threshold. Neither means
the same elsewhere. What carries over is a person's place among people of the same country: the share of adults aged 40
to 79 who have less. A person at the 30th percentile of income of his country is given the ratio that the 30th
percentile of the training survey has; the same for schooling. Local shares come from a census or a household survey.
Where nothing is known, leave both out: the models then do without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from salus.copd.design import Floats
from salus.errors import InputError

PERCENTILES = tuple(range(0, 101, 5))
INCOME, EDUCATION = "income_percentile", "education_percentile"
"""Columns that stand for `poverty_ratio` and `education`: percent of the country's people of 40 to 79 who have less."""


def places(frame: pl.DataFrame, weights: Floats) -> dict[str, Any]:
    """Where answers lie in the training survey.

    Parameters
    ----------
    frame : polars.DataFrame
        `poverty_ratio` and `education`, where there are any.
    weights : ndarray of float, shape (n,)
        Survey weights.

    Returns
    -------
    dict
        `poverty_ratio`: its weighted quantiles at :data:`PERCENTILES`; `education`: percent of people below each of the
        five steps.
    """
    found: dict[str, Any] = {}
    if "poverty_ratio" in frame.columns:
        values = frame["poverty_ratio"].cast(pl.Float64).to_numpy()
        known = ~np.isnan(values)
        order = np.argsort(values[known])
        w = weights[known][order]
        share = (np.cumsum(w) - w / 2) / w.sum() * 100
        found["poverty_ratio"] = [round(float(v), 3) for v in np.interp(PERCENTILES, share, values[known][order])]
    if "education" in frame.columns:
        values = frame["education"].cast(pl.Float64).to_numpy()
        known = ~np.isnan(values)
        total = weights[known].sum()
        found["education"] = [
            round(float(weights[known][values[known] < step].sum() / total * 100), 2) for step in range(1, 6)
        ]
    return found


def localised(frame: pl.DataFrame, where: Mapping[str, Sequence[float]]) -> pl.DataFrame:
    """Fill `poverty_ratio` and `education` from people's places in their own country.

    Parameters
    ----------
    frame : polars.DataFrame
        May have `income_percentile` and `education_percentile`, 0 to 100: the percent of the country's people of 40 to
        79 who have less; take the middle of a band (the lowest of three equal bands is 17). Where `poverty_ratio` or
        `education` is given too, that stands.
    where : mapping
        :attr:`salus.copd.model.RiskModel.places`.

    Raises
    ------
    InputError
        A percentile is outside 0 to 100.

    Examples
    --------
    >>> where = {"poverty_ratio": [0.0] * 10 + [3.0] + [5.0] * 10, "education": [0, 7, 18, 43, 72]}
    >>> localised(pl.DataFrame({"income_percentile": [50.0], "education_percentile": [50.0]}), where).row(0)[2:]
    (3.0, 4.0)
    """
    for column, target in ((INCOME, "poverty_ratio"), (EDUCATION, "education")):
        if column not in frame.columns or target not in where or frame[column].null_count() == frame.height:
            continue
        given = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        outside = given[(given < 0) | (given > 100)]
        if len(outside):
            raise InputError(f"{column} is {outside[0]:g}: 0 to 100 is wanted, the percent of people who have less")
        if target == "poverty_ratio":
            values = np.interp(given, PERCENTILES, where[target])
        else:
            values = np.where(np.isnan(given), np.nan, np.searchsorted(where[target], given, side="right"))
            values = np.maximum(values, np.where(np.isnan(values), np.nan, 1.0))
        made = pl.Series(target, values).fill_nan(None)
        old = frame[target].cast(pl.Float64) if target in frame.columns else pl.Series(target, [None] * frame.height)
        frame = frame.with_columns(pl.select(pl.coalesce(old.cast(pl.Float64), made)).to_series().alias(target))
    return frame
