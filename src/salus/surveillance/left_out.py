"""Counts left out to protect persons: they were reported, so they are neither zero nor late.

A release of counts leaves small ones out, and further ones that would give those away (:mod:`salus.privacy`). Where
many are left out, those that are shown say too little: they are the large ones and the zeros.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from salus.surveillance.panel import Panel
from salus.surveillance.series import Series

MOST = 0.75
"""Share of the last year's counts over zero left out above which a place is not forecast."""

_YEAR = {"day": 365, "week": 52, "month": 12}

NEWEST = ("its latest counts are left out to protect persons", "最新计数为保护个人而未公布")
"""Why a place that has shown no count for long is not forecast, in English and Chinese."""


def left_out(series: Series, day: dt.date) -> pl.DataFrame:
    """The counts of a series that are left out to protect persons.

    Parameters
    ----------
    series : Series
        With the column ``left_out`` where it is a release of counts.
    day : datetime.date
        The reference date.

    Returns
    -------
    polars.DataFrame
        ``location``, ``date``, sorted; periods that the usual lag makes known on the day.
    """
    if "left_out" not in series.table.columns:
        return pl.DataFrame(schema={"location": pl.String, "date": pl.Date})
    rows = series.known_on(day).filter(pl.col("date") <= series.last_period(day))
    marked = rows.filter(pl.col("left_out").fill_null(value=False) & pl.col("value").is_null())
    return marked.select("location", "date").sort("location", "date")


def unforecastable(panel: Panel, hidden: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Places that show too few of their counts to be forecast, and why.

    Parameters
    ----------
    panel : Panel
        What was known.
    hidden : polars.DataFrame
        ``location``, ``date`` of the counts left out, as :func:`left_out` gives them.

    Returns
    -------
    dict of str to (str, str)
        Reason in English and Chinese by place.
    """
    periods = panel.starts[-_YEAR[panel.cadence.kind] :]
    hidden = hidden.filter(pl.col("location").is_in(list(panel.locations)))
    recent = dict(hidden.filter(pl.col("date") >= periods[0]).group_by("location").len().iter_rows())
    found = {}
    for place, count in sorted(recent.items()):
        shown = (panel.values[panel.locations.index(place), -len(periods) :] > 0).sum()
        part = count / (count + shown)
        if part > MOST:
            share = f"{100 * part:.0f}"
            found[place] = (
                f"{share} % of its counts over zero of the last year are left out to protect persons",
                f"最近一年的非零计数中有{share}%为保护个人而未公布",
            )
    return found
