"""Rounding of what is shown: counts to a multiple, rates to the digits that their count supports.

A count n of cases that come independently varies by about the square root of n (Poisson). So the digits of a rate that
lie below that say nothing of the place, and tell the count more finely than the rate does.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from salus.privacy.policy import Policy

RATES_FILE = "rates.csv"
"""Rates of a release, for people to read."""


def rounded(values: np.ndarray, to: int) -> np.ndarray:
    """Counts as the nearest multiple.

    Parameters
    ----------
    values : numpy.ndarray
        Counts; NaN stays NaN.
    to : int
        Odd, so that no count lies halfway; 1 changes nothing.

    Examples
    --------
    >>> rounded(np.array([0, 11, 12, 13, 17]), 5).tolist()
    [0, 10, 10, 15, 15]
    """
    if to == 1:
        return values
    done = to * np.floor(values / to + 0.5)
    return done.astype(values.dtype)


def shown(table: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """A table whose counts are rounded as a policy says.

    Parameters
    ----------
    table : polars.DataFrame
        With ``value``; null is left out.
    policy : Policy
        Under which it is released.
    """
    values = table["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return table.with_columns(value=pl.Series(rounded(values, policy.round_to)).fill_nan(None))


def digits(count: float) -> int:
    """Significant digits of a rate that its count supports.

    Parameters
    ----------
    count : float
        Cases.

    Returns
    -------
    int
        1 below 100 cases, 2 below 10,000, 3 below a million ...

    Examples
    --------
    >>> [digits(n) for n in (0, 11, 99, 100, 12_000)]
    [1, 1, 1, 2, 3]
    """
    return 1 + int(math.log10(max(count, 1.0)) // 2)


def rate(count: float, population: float, per: int) -> str:
    """A rate as text, no finer than its count.

    Parameters
    ----------
    count : float
        Cases, as they are shown.
    population : float
        Inhabitants.
    per : int
        Such as 100,000.

    Examples
    --------
    >>> rate(47, 120_000, 100_000), rate(4_730, 120_000, 100_000), rate(15, 9_000_000, 100_000)
    ('40', '3900', '0.2')
    """
    exact = count / population * per
    if exact == 0:
        return "0"
    place = digits(count) - 1 - math.floor(math.log10(exact))
    return f"{round(exact, place):.{max(place, 0)}f}"


def rates(series: pl.DataFrame, policy: Policy) -> str:
    """Rates of a release as CSV, made of the counts shown alone.

    Parameters
    ----------
    series : polars.DataFrame
        As released, with ``population``.
    policy : Policy
        With ``rates_per`` above 0.

    Returns
    -------
    str
        ``location``, ``disease``, ``date``, ``cases``, ``population``, ``rate_per_N``; a count left out has no rate,
        nor has a place whose population is not known.
    """
    table = series.select("location", "disease", "date", "value", "population")
    written = [f"location,disease,date,cases,population,rate_per_{policy.rates_per}"]
    for place, disease, date, value, people in table.iter_rows():
        told = "" if value is None or not people else rate(value, people, policy.rates_per)
        cases, inhabitants = (f"{v:.0f}" if v is not None else "" for v in (value, people))
        written.append(",".join([_quoted(place), _quoted(disease), date.isoformat(), cases, inhabitants, told]))
    return "\n".join(written) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text
