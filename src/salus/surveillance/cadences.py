"""A signal whose places do not keep one cadence: which of them keep the usual one, and which rows do not.

A table is forecast on one grid of periods, so that a second cadence keeps it out; but that is no reason to say nothing
else of it. The parts told apart here are each looked at in their own cadence.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from salus.errors import Fault, TableError
from salus.surveillance.weeks import WEEKDAYS, Cadence, recognise
from salus.tables.contract import MAX_ROWS_NAMED

_TELLING = 2
"""Different dates from which a place's own dates say what its cadence is."""


@dataclass(frozen=True)
class Parts:
    """The rows of one signal by cadence.

    Attributes
    ----------
    parts : list of (polars.DataFrame, Cadence)
        The usual cadence first; each place is in one of them.
    faults : list of Fault
        The places and rows that do not keep the usual one.
    """

    parts: list[tuple[pl.DataFrame, Cadence]]
    faults: list[Fault]


def parts(rows: pl.DataFrame, name: str) -> Parts:
    """The rows of one disease and signal in parts of one cadence each.

    Parameters
    ----------
    rows : polars.DataFrame
        ``location``, ``date`` (not null) and ``_row``, the number of each row in the person's file.
    name : str
        What messages call the signal.

    Returns
    -------
    Parts
        A row of a place that mostly keeps the usual cadence is put into the period that its date falls in.

    Examples
    --------
    >>> import datetime as dt
    >>> weeks = pl.date_range(dt.date(2024, 1, 1), dt.date(2024, 3, 25), "1w", eager=True)
    >>> a = pl.DataFrame({"location": "A", "date": weeks})
    >>> b = pl.DataFrame({"location": "B", "date": weeks.dt.offset_by("1d").head(9)})
    >>> found = parts(pl.concat([a, b]).with_row_index("_row", offset=1), "Influenza, cases")
    >>> [(part.height, cadence.weekday) for part, cadence in found.parts]
    [(13, 0), (9, 1)]
    >>> found.faults[0].rows[:3]
    (14, 15, 16)
    """
    try:
        return Parts([(rows, recognise(rows["date"], name, rows["location"]))], [])
    except TableError:
        own = _own(rows)
    usual = _usual(rows, own)
    others: dict[Cadence, list[str]] = {}
    for place, cadence in own.items():
        if cadence not in (None, usual):
            others.setdefault(cadence, []).append(place)
    strange = [place for names in others.values() for place in names]
    mine = rows.filter(~pl.col("location").is_in(strange))
    starts = pl.Series([usual.start(d) for d in mine["date"]], dtype=pl.Date)
    stray = mine["date"] != starts
    whole = pl.concat([mine.with_columns(date=starts).filter(stray), mine.filter(~stray)])  # the exact ones last
    faults = _strange_places(rows, others, usual, name) + _stray_rows(mine.filter(stray), usual, name)
    split = [(whole, usual)] if whole.height else []
    split += [(rows.filter(pl.col("location").is_in(names)), cadence) for cadence, names in others.items()]
    return Parts(split, faults)


def words(cadence: Cadence) -> str:
    """A cadence in words.

    Parameters
    ----------
    cadence : Cadence
        Any.

    Examples
    --------
    >>> words(Cadence("week", 6)), words(Cadence("month"))
    ('weeks from Sunday', 'months')
    """
    return f"weeks from {WEEKDAYS[cadence.weekday]}" if cadence.kind == "week" else cadence.name()


def _own(rows: pl.DataFrame) -> dict[str, Cadence | None]:
    """Each place's own cadence; None where its dates are too few or do not agree."""
    own: dict[str, Cadence | None] = {}
    for (place,), one in (
        rows.select("location", "date").unique().sort("location", "date").group_by(["location"], maintain_order=True)
    ):
        try:
            own[str(place)] = recognise(one["date"]) if one.height >= _TELLING else None
        except TableError:
            own[str(place)] = None
    return own


def _usual(rows: pl.DataFrame, own: dict[str, Cadence | None]) -> Cadence:
    """The cadence of most rows of places that have one; else weeks from the commonest weekday."""
    sizes = dict(rows.group_by("location").len().iter_rows())
    weight: dict[Cadence, int] = {}
    for place, cadence in own.items():
        if cadence is not None:
            weight[cadence] = weight.get(cadence, 0) + sizes[place]
    if weight:
        return max(weight, key=lambda c: (weight[c], -c.weekday, c.kind))
    weekdays = (rows["date"].dt.weekday() - 1).value_counts().sort("count", "date", descending=[True, False])
    return Cadence("week", int(weekdays["date"][0]))


def _strange_places(rows: pl.DataFrame, others: dict[Cadence, list[str]], usual: Cadence, name: str) -> list[Fault]:
    strange = [f"{place} ({words(cadence)})" for cadence, names in others.items() for place in names]
    if not strange:
        return []
    at = rows.filter(pl.col("location").is_in([p for names in others.values() for p in names]))["_row"].sort()
    more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
    plural = "places keep" if len(strange) > 1 else "place keeps"
    return [
        Fault(
            "mixed cadence",
            f"{name}: {len(strange)} {plural} another cadence than the {words(usual)} of the others: "
            f"{', '.join(strange[:5])}{more}",
            _remedy(usual) + ", or put these places into a file of their own",
            "date",
            tuple(at.head(MAX_ROWS_NAMED).to_list()),
            at.len(),
        )
    ]


def _stray_rows(stray: pl.DataFrame, usual: Cadence, name: str) -> list[Fault]:
    if stray.height == 0:
        return []
    stray = stray.sort("_row")
    shown = [f"{r['location']} {r['date']} ({WEEKDAYS[r['date'].weekday()]})" for r in stray.head(3).to_dicts()]
    more = f" and {stray.height - 3} more" if stray.height > 3 else ""
    plural = "dates are" if stray.height > 1 else "date is"
    return [
        Fault(
            "mixed cadence",
            f"{name}: {stray.height} {plural} no first day of the {words(usual)}: {', '.join(shown)}{more}",
            _remedy(usual),
            "date",
            tuple(stray["_row"].head(MAX_ROWS_NAMED).to_list()),
            stray.height,
        )
    ]


def _remedy(usual: Cadence) -> str:
    first = {"week": f"the {WEEKDAYS[usual.weekday]} that it starts on", "month": "its first day", "day": "its day"}
    return f"Date each {usual.kind} by {first[usual.kind]}"
