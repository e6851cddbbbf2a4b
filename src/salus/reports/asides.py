"""What stands around a forecast, as a bulletin says it of each place: nowcast, peak, a person's word, no history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import polars as pl

from salus.tables.contracts import MILESTONES, NOWCASTS

OUTER = 0.1
"""Share of the probability on each side of the weeks between which the peak is said to lie."""


@dataclass(frozen=True)
class Nowcast:
    """What the last known period will read once all reports are in.

    Attributes
    ----------
    end : datetime.date
        Last day of the period.
    value, median, lower95, upper95 : float
        As known now, and its likely final value.
    """

    end: dt.date
    value: float
    median: float
    lower95: float
    upper95: float


@dataclass(frozen=True)
class Peak:
    """The season's highest period.

    Attributes
    ----------
    passed : float
        Probability that it lies behind.
    end : datetime.date
        Last day of the likeliest period: of those behind where it is more likely behind, else of those ahead.
    first, last : datetime.date
        Last days of the periods between which it lies 8 times in 10.
    size, lower95, upper95 : float
        Highest value, in the signal's unit.
    """

    passed: float
    end: dt.date
    first: dt.date
    last: dt.date
    size: float
    lower95: float
    upper95: float


@dataclass(frozen=True)
class Override:
    """A person's word on some periods of a place.

    Attributes
    ----------
    name, reason : str
        Who, and why.
    times : str or None
        How many times wider; None where the forecast was replaced.
    ends : tuple of datetime.date
        Last days of the periods.
    """

    name: str
    reason: str
    times: str | None
    ends: tuple[dt.date, ...]


@dataclass(frozen=True)
class Aside:
    """What is said of one place beside its forecast.

    Attributes
    ----------
    nowcast : Nowcast or None
        Where its last figures were revised before.
    peak : Peak or None
        Where enough past seasons are known.
    overrides : tuple of Override
        What persons said.
    borrowed : bool
        It has no history: the forecast is from the rates of other places.
    """

    nowcast: Nowcast | None = None
    peak: Peak | None = None
    overrides: tuple[Override, ...] = field(default=())
    borrowed: bool = False


NOTHING = Aside()
"""Nothing to say."""


def asides(
    last_known: dt.date,
    nowcasts: pl.DataFrame | None = None,
    milestones: pl.DataFrame | None = None,
    overrides: Mapping[str, Sequence[Override]] | None = None,
    borrowed: Sequence[str] = (),
) -> dict[str, Aside]:
    """What is to be said of each place.

    Parameters
    ----------
    last_known : datetime.date
        Last day of the last period that is due.
    nowcasts : polars.DataFrame, optional
        `nowcasts` contract; of each place the last row counts.
    milestones : polars.DataFrame, optional
        `milestones` contract, of one season.
    overrides : mapping of str to sequence of Override, optional
        By place.
    borrowed : sequence of str
        Places without a history.

    Returns
    -------
    dict of str to Aside
        Places of which nothing is to be said are not in it.
    """
    now: dict[str, Nowcast] = {}
    if nowcasts is not None:
        for row in NOWCASTS.check(nowcasts).sort("target_end_date").iter_rows(named=True):
            now[row["location"]] = Nowcast(
                row["target_end_date"], row["value"], row["median"], row["lower95"], row["upper95"]
            )
    peaks = {} if milestones is None else _peaks(MILESTONES.check(milestones), last_known)
    said = overrides or {}
    return {
        place: Aside(now.get(place), peaks.get(place), tuple(said.get(place, ())), place in set(borrowed))
        for place in sorted({*now, *peaks, *said, *borrowed})
    }


def _peaks(milestones: pl.DataFrame, last_known: dt.date) -> dict[str, Peak]:
    weeks = milestones.filter(pl.col("target") == "peak", pl.col("output_type") == "pmf")
    sizes = milestones.filter(pl.col("target") == "peak size", pl.col("output_type") == "quantile")
    size: dict[str, dict[str, float]] = {}
    for place, level, value in sizes.select("location", "output_type_id", "value").iter_rows():
        size.setdefault(place, {})[level] = value
    chances: dict[str, list[tuple[dt.date, float]]] = {}
    for place, end, p in weeks.select("location", "output_type_id", "value").iter_rows():
        chances.setdefault(place, []).append((dt.date.fromisoformat(end), p))
    found = {}
    for place, told in chances.items():
        told.sort()
        ends, shares = [end for end, _ in told], [p for _, p in told]
        passed = sum(p for end, p in told if end <= last_known)
        side = [(p, end) for end, p in told if (end <= last_known) == (passed >= 0.5)]
        best = max(side, key=lambda pair: (pair[0], -pair[1].toordinal()))[1]
        upto = list(accumulate(shares))
        first = ends[next(i for i, total in enumerate(upto) if total >= OUTER)]
        last = ends[next((i for i, total in enumerate(upto) if total >= 1 - OUTER), -1)]
        q = size[place]
        found[place] = Peak(passed, best, first, last, q["0.5"], q["0.025"], q["0.975"])
    return found
