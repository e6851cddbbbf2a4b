"""Everything that is wrong with a series file, at once: by row and column, with the remedy.

First the door's own checks (columns, types, dates, negatives, duplicates, the future, two populations), then those that
need whole series (:mod:`salus.surveillance.findings`) and those of the places. An error keeps the table out of every
command; what a person should look at is a warning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import Fault, TableError
from salus.surveillance import diseases, places
from salus.surveillance.findings import findings
from salus.surveillance.totals import totals
from salus.tables import door
from salus.tables.contract import MAX_ROWS_NAMED
from salus.tables.contracts import SERIES
from salus.tables.names import fold, near, resolve


@dataclass(frozen=True)
class Examination:
    """What was found out about a series file.

    Attributes
    ----------
    label : str
        What messages call it.
    faults : list of Fault
        Errors first.
    rows, places : int
        How many were looked at; a total of the places is none of them.
    first, last : datetime.date or None
        First days of the first and the last period.
    encoding : str or None
        Of a text file.
    header : list of str
        The file's columns.
    """

    label: str
    faults: list[Fault]
    rows: int = 0
    places: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    encoding: str | None = None
    header: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Fault]:
        """The faults that keep the table out."""
        return [f for f in self.faults if f.severity == "error"]

    @property
    def warnings(self) -> list[Fault]:
        """The faults that a person should look at."""
        return [f for f in self.faults if f.severity != "error"]


def check_series(source: Any, **options: Any) -> list[Fault]:
    """All faults of a series file.

    Parameters
    ----------
    source : path or frame
        CSV, Parquet, Excel, JSON lines, or a pandas, Polars or Arrow frame.
    **options
        As for :func:`examine`: `disease`, `signal`, `today`, `known`, `mapping`, `encoding`, `profiles`.

    Returns
    -------
    list of Fault
        Errors first. Row 1 is the first data row.

    Raises
    ------
    InputError
        The file can't be read at all, or has no such disease or signal.

    Examples
    --------
    >>> rows = pl.DataFrame({"location": "A", "disease": "Influenza", "signal": "cases",
    ...                      "date": ["2024-01-01", "2024-01-08", "2024-01-22"], "value": [3, -1, 5]})
    >>> for fault in check_series(rows, today=dt.date(2024, 2, 1), known=()):
    ...     print(fault.kind, fault.column, fault.rows)
    negative value (2,)
    gap date (3,)
    """
    return examine(source, **options).faults


def examine(
    source: Any,
    *,
    disease: str | None = None,
    signal: str | None = None,
    today: dt.date | None = None,
    known: Collection[str] | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    profiles: Path | None = None,
) -> Examination:
    """All faults of a series file, with what was found out about it.

    Parameters
    ----------
    source : path or frame
        CSV, Parquet, Excel, JSON lines, or a pandas, Polars or Arrow frame.
    disease, signal : str, optional
        Look at these rows only.
    today : datetime.date, optional
        The day from which late and future are told; the machine's date when left out.
    known : collection of str, optional
        Names of the places that may occur; the built-in places when left out, an empty one to allow any.
    mapping : mapping of str to str, optional
        Column of the file -> column of the contract (see :mod:`salus.tables.columns`).
    encoding : str, optional
        Encoding of a text file, where it can't be told.
    profiles : Path, optional
        Folder of remembered column mappings.

    Returns
    -------
    Examination
        Faults and a few figures.

    Raises
    ------
    InputError
        The file can't be read at all, or has no such disease or signal.
    """
    day = today or dt.datetime.now().astimezone().date()
    try:
        found = door.inspect(
            source,
            SERIES,
            mapping=mapping,
            select=_selector(disease, signal),
            encoding=encoding,
            today=day,
            profiles=profiles,
        )
    except TableError as error:
        return Examination(error.table, list(error.faults))
    table, names = found.table, found.columns.columns
    if table.height:
        numbered = table.with_columns(found.rows.alias("_row"))
        deeper = _places(numbered, known) + findings(numbered, day)
    else:
        deeper = [Fault("empty", "there is no row to look at", "Give a table with at least one row of data")]
    faults = found.faults + [replace(f, column=names.get(f.column or "", f.column)) for f in deeper]
    labels = table["location"].drop_nulls().to_list()
    first, last = (table["date"].min(), table["date"].max()) if table.height else (None, None)
    return Examination(
        found.label,
        sorted(faults, key=lambda f: f.severity != "error"),
        table.height,
        len(set(labels)) - len(totals(labels)),
        first if isinstance(first, dt.date) else None,
        last if isinstance(last, dt.date) else None,
        found.encoding,
        found.header,
    )


def _selector(disease: str | None, signal: str | None) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def select(frame: pl.DataFrame) -> pl.DataFrame:
        if disease is not None and "disease" in frame.columns:
            labels = frame["disease"].cast(pl.String).unique().drop_nulls().sort().to_list()
            frame = frame.filter(pl.col("disease").is_in(diseases.match(disease, labels)))
        if signal is not None and "signal" in frame.columns:
            signals = frame["signal"].cast(pl.String).unique().drop_nulls().sort().to_list()
            frame = frame.filter(pl.col("signal") == resolve("signal", signal, signals))
        return frame

    return select


def _places(frame: pl.DataFrame, known: Collection[str] | None) -> list[Fault]:
    found = frame.drop_nulls("location").group_by("location", maintain_order=True).agg(pl.col("_row").min())
    labels = [str(x) for x in found["location"]]
    rows = dict(zip(labels, found["_row"].to_list(), strict=True))
    meant = places.harmonise(labels) if known is None else {x: fold(x) for x in labels}
    spellings: dict[str, list[str]] = {}
    for label in labels:
        spellings.setdefault(meant[label], []).append(label)
    double = [" and ".join(f"'{x}'" for x in alike) for alike in spellings.values() if len(alike) > 1]
    faults = []
    whole = totals(labels)
    if whole:
        shown = " and ".join(f"'{x}'" for x in whole)
        faults.append(
            Fault(
                "total",
                f"{shown} stands among {len(labels) - len(whole)} places and is read as the total of them: it is "
                "forecast and shown as the whole, and not counted as a place",
                "Leave it if that is so; if it is a place of its own, write its full name",
                "location",
                tuple(sorted(rows[x] for x in whole)),
                len(whole),
                "warning",
            )
        )
    if double:
        at = tuple(sorted(rows[x] for alike in spellings.values() if len(alike) > 1 for x in alike)[:MAX_ROWS_NAMED])
        faults.append(
            Fault(
                "two spellings",
                f"one place is written in several ways: {'; '.join(double[:3])}{_more(double)}",
                "Write each place in one way",
                "location",
                at,
                len(at),
                "warning",
            )
        )
    if known is not None and not known:
        return faults
    names = set(places.known()["location"]) if known is None else {fold(k) for k in known}
    strange = [x for x in labels if meant[x] not in names and x not in whole]
    if strange:
        candidates = places.spoken(places.country(labels)) if known is None else known
        shown = ", ".join(_meant(x, candidates) for x in strange[:5])
        shown += f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        faults.append(
            Fault(
                "unknown place",
                f"{len(strange)} of {len(labels) - len(whole)} places are not known: {shown}",
                "Correct the name, or give a table of your places; a place that is not known is shown by its own name",
                "location",
                tuple(sorted(rows[x] for x in strange)[:MAX_ROWS_NAMED]),
                len(strange),
                "warning",
            )
        )
    return faults


def _meant(label: str, candidates: Collection[str]) -> str:
    """The label, with the known names near to it."""
    close = near(label, candidates)
    return f"'{label}'" + (f" (did you mean {' or '.join(repr(c) for c in close)}?)" if close else "")


def _more(names: list[str]) -> str:
    return f" and {len(names) - 3} more" if len(names) > 3 else ""
