"""One place under two labels, such as `China` and `Total`: one of them is used, and it is said."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from salus.surveillance import places
from salus.surveillance.series import Series

Note = tuple[str, str]


def one_spelling(series: Series, day: dt.date) -> tuple[Series, tuple[Note, ...]]:
    """The series with one label a place, as far as it was known on a day.

    Two labels of one place whose values lie in the same periods are two counts of the same people: the one that
    reaches further is used, then the usual one, then the one with more values. Where they follow each other they are
    put together.

    Parameters
    ----------
    series : Series
        Of places by any label.
    day : datetime.date
        The reference date; nothing later is looked at.

    Returns
    -------
    series : Series
        With one label a place.
    notes : tuple of (str, str)
        What was done, in English and Chinese.
    """
    rows = series.known_on(day)
    known = rows.drop_nulls("value")
    meant = places.harmonise(rows["location"].unique().sort().to_list())
    labels: dict[str, list[str]] = {}
    for label, place in meant.items():
        labels.setdefault(place, []).append(label)
    dates = {label: set(known.filter(pl.col("location") == label)["date"]) for label in meant}
    dropped: list[str] = []
    renamed: dict[str, str] = {}
    notes: list[Note] = []
    for place, found in labels.items():
        if len(found) < 2:
            continue
        best = max(found, key=lambda x: (max(dates[x], default=dt.date.min), x == place, len(dates[x]), x))
        for other in sorted(set(found) - {best}):
            if dates[other] & dates[best]:
                dropped.append(other)
                notes.append(
                    (
                        f"'{other}' is '{best}' once more, counted in another way; only '{best}' is used",
                        f"“{other}”与“{best}”是同一地区的两种统计，仅采用“{best}”",
                    )
                )
            else:
                renamed[other] = best
                notes.append(
                    (
                        f"'{other}' and '{best}' are one place and were put together",
                        f"“{other}”与“{best}”是同一地区，已合并",
                    )
                )
    if not notes:
        return series, ()

    def one(table: pl.DataFrame) -> pl.DataFrame:
        kept = table.filter(~pl.col("location").is_in(dropped))
        return kept.with_columns(pl.col("location").replace(renamed)).unique(
            [c for c in ("location", "disease", "signal", "date", "as_of") if c in kept.columns],
            keep="first",
            maintain_order=True,
        )

    companions = None if series.companions is None else one(series.companions)
    said = series.notes + tuple(english for english, _ in notes)
    return replace(series, table=one(series.table), companions=companions, notes=said), tuple(notes)
