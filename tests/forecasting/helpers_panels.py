"""Panels for the tests of single models."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK, MONTH, DAY = Cadence("week", 0), Cadence("month"), Cadence("day")
FIRST = {"week": dt.date(2019, 12, 30), "month": dt.date(2008, 1, 1), "day": dt.date(2023, 1, 2)}


def panel_of(values: NDArray[np.float64], cadence: Cadence = WEEK) -> Panel:
    """A panel of given values (places, periods); places are P0, P1 ..."""
    starts = tuple(cadence.shift(FIRST[cadence.kind], k) for k in range(values.shape[1]))
    names = tuple(f"P{i}" for i in range(values.shape[0]))
    return Panel("D", "cases", cadence, cadence.end(starts[-1]), starts, names, values, np.full(len(names), np.nan))


def autoregressive(periods: int, coefficient: float = 0.8, noise: float = 0.1, seed: int = 1) -> NDArray[np.float64]:
    """An AR(1) around 2 on the fourth-root scale, shape (1, periods), in the signal's unit."""
    chance = np.random.default_rng(seed)
    u = np.zeros(periods)
    for t in range(1, periods):
        u[t] = coefficient * u[t - 1] + noise * chance.standard_normal()
    return np.asarray(((u + 2.0) ** 4)[None])
