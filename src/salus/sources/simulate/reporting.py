"""What becomes of a visit before it reaches the department: missed, late, or held back by a silent district."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

REPORTED = (0.88, 0.98)
"""Bounds of the share of visits that a district reports."""

MEDIAN_DELAY = (1.6, 3.2)
"""Bounds of the median delay of a district in quiet weeks, in days."""

DELAY_SPREAD = 0.75
"""Standard deviation of the log of the delay."""

SLOW_DOWN = 0.9
"""Rise of the median delay (as a multiple) for each doubling of influenza and HFMD over the district's busy week."""

LONGEST_DELAY = 60
"""Days after which nothing is reported any more."""

SILENCES_PER_DISTRICT_YEAR = 0.10
"""How often a district reports nothing for some weeks; 4 in 10 of these times are never made up for."""

SILENT_WEEKS = (2, 5)
"""Bounds of the length of a silence."""


@dataclass(frozen=True)
class Reporting:
    """How each district reports.

    Attributes
    ----------
    share : numpy.ndarray, shape (D,)
        Chance that a visit is ever reported.
    median : numpy.ndarray, shape (T, D)
        Median delay in days of a visit on that day, before rounding down.
    silent_until : numpy.ndarray of int, shape (T, D)
        Day number on which a silent district speaks again; -1 where it isn't silent.
    lost : numpy.ndarray of bool, shape (T, D)
        Whether the visits of a silent time are never reported.
    silences : polars.DataFrame
        Columns ``district``, ``first_day``, ``last_day``, ``lost``.
    """

    share: np.ndarray
    median: np.ndarray
    silent_until: np.ndarray
    lost: np.ndarray
    silences: pl.DataFrame

    def reported_share(self) -> np.ndarray:
        """Chance that a visit is ever reported, by day and district.

        Returns
        -------
        numpy.ndarray, shape (T, D)
            0 where a silence loses everything.
        """
        return np.where(self.lost, 0.0, self.share[None, :])

    def arrive(self, day: int, district: np.ndarray, chance: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Day number on which each visit is reported.

        Parameters
        ----------
        day : int
            Day number of the visits.
        district : numpy.ndarray of int
            District numbers.
        chance : numpy.ndarray
            Numbers in [0, 1).
        normal : numpy.ndarray
            Standard normal numbers.

        Returns
        -------
        numpy.ndarray of int64
            -1 for a visit that is never reported.
        """
        delay = np.floor(self.median[day, district] * np.exp(DELAY_SPREAD * normal)).astype(np.int64)
        arrival = np.maximum(day, self.silent_until[day, district]) + delay
        missed = (chance >= self.share[district]) | self.lost[day, district] | (delay > LONGEST_DELAY)
        return np.where(missed, -1, arrival)


def make_reporting(codes: tuple[str, ...], days: np.ndarray, load: np.ndarray, rng: np.random.Generator) -> Reporting:
    """Draw the habits, slow weeks and silences of each district.

    Parameters
    ----------
    codes : tuple of str
        Codes of the D districts.
    days : numpy.ndarray of datetime64[D], shape (T,)
        Days with visits.
    load : numpy.ndarray, shape (T, D)
        Expected visits for influenza and HFMD.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Reporting
        For every day and district.
    """
    size, districts = load.shape
    week = np.arange(size) // 7
    sums = np.stack([np.bincount(week, weights=load[:, d]) for d in range(districts)], axis=1)
    weekly = sums / np.bincount(week)[:, None]
    busy = np.quantile(weekly, 0.75, axis=0)
    slow = 1 + SLOW_DOWN * np.log2(np.maximum(weekly / np.where(busy > 0, busy, 1.0), 1.0))
    median = rng.uniform(*MEDIAN_DELAY, districts) * slow[week]
    share = np.asarray(rng.uniform(*REPORTED, districts))
    silent_until = np.full((size, districts), -1)
    lost = np.zeros((size, districts), dtype=bool)
    rows = []
    for _ in range(int(rng.poisson(SILENCES_PER_DISTRICT_YEAR * districts * size / 365.25))):
        district = int(rng.integers(districts))
        length = 7 * int(rng.integers(SILENT_WEEKS[0], SILENT_WEEKS[1] + 1))
        begin = int(rng.integers(0, max(1, size // 7))) * 7
        gone = bool(rng.random() < 0.4)
        end = min(begin + length, size)
        if (silent_until[begin:end, district] >= 0).any():
            continue  # one silence at a time
        silent_until[begin:end, district] = begin + length
        lost[begin:end, district] = gone
        rows.append((codes[district], days[begin].item(), days[end - 1].item(), gone))
    schema = {"district": pl.String, "first_day": pl.Date, "last_day": pl.Date, "lost": pl.Boolean}
    silences = pl.DataFrame(rows, schema=schema, orient="row").sort("first_day", "district")
    return Reporting(share, median, silent_until, lost, silences)
