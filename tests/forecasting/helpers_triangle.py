"""A simulated reporting triangle whose truth is known."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.surveillance.series import Series, read_series

FIRST = dt.date(2022, 1, 3)
WEEKS = 110
Floats = NDArray[np.float64]


@cache
def simulated(places: int = 6, seed: int = 5) -> tuple[Floats, pl.DataFrame]:
    """Final counts (places, weeks), and the table of what was known at the end of each week.

    Each place reports a share of its own in the first week, which varies from week to week; the rest comes in the three
    weeks after. Counts are overdispersed around a mean that wanders.
    """
    chance = np.random.default_rng(seed)
    wander = np.cumsum(0.15 * chance.standard_normal((places, WEEKS)), axis=1)
    mean = 60 * np.linspace(0.1, 3, places)[:, None] * np.exp(wander - wander.mean(axis=1, keepdims=True))
    final = chance.negative_binomial(60, 60 / (60 + mean)).astype(float)
    first = chance.beta(*(18 * np.stack([x := np.linspace(0.4, 0.8, places), 1 - x]))[..., None], (places, WEEKS))
    rows = []
    for p in range(places):
        for t in range(WEEKS):
            shares = np.cumsum(np.concatenate([[first[p, t]], (1 - first[p, t]) * np.array([0.6, 0.3, 0.1])]))
            part = chance.multinomial(int(final[p, t]), np.diff(shares, prepend=0.0)).cumsum()
            start = FIRST + dt.timedelta(weeks=t)
            rows += [(f"P{p}", start, start + dt.timedelta(days=6 + 7 * a), float(part[a])) for a in range(4)]
    frame = pl.DataFrame(rows, schema=["location", "date", "as_of", "value"], orient="row")
    return final, frame.with_columns(disease=pl.lit("Influenza"), signal=pl.lit("cases"))


def day(week: int) -> dt.date:
    return FIRST + dt.timedelta(days=7 * week + 6)


@cache
def series() -> Series:
    return read_series(simulated()[1])
