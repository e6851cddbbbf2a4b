"""What columns of Parquet files hold, where DuckDB and Spark read the same of them.

Engines agree on text, whole numbers (signed or not), dates and timestamps. They write floating-point numbers, decimals
and bytes as different texts, and not every reader knows every packing; of those nothing is said here, and such files
are opened by one engine only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

TEXT, WHOLE, DATE, NOTHING = "text", "whole", "date", "nothing"
TIMESTAMP, TIMESTAMP_NS, INSTANT, INSTANT_NS = "timestamp", "timestamp_ns", "instant", "instant_ns"

DAYS = (DATE, TIMESTAMP, TIMESTAMP_NS, INSTANT, INSTANT_NS, NOTHING)
"""Kinds of columns that tell a day: of an instant it is the day at this computer's clock, of INT96 as it stands."""

WORDS = (TEXT, WHOLE, NOTHING)
"""Kinds of columns whose text is the same on every engine."""

_PACKINGS = {"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"}
_WHOLE = {"INT32", "INT64"}


@dataclass(frozen=True)
class Column:
    """A column of Parquet files.

    Attributes
    ----------
    name : str
        As the files have it.
    kind : str
        One of :data:`DAYS` or :data:`WORDS`.
    trimmed : bool
        Whether text is wanted without the blanks around it, those of any script.
    """

    name: str
    kind: str
    trimmed: bool = False


def kinds(files: Sequence[Path], names: Collection[str]) -> dict[str, str] | None:
    """What columns hold.

    Parameters
    ----------
    files : sequence of Path
        Parquet files.
    names : collection of str
        Columns.

    Returns
    -------
    dict of str to str or None
        Column -> kind, where all files have the same; None where a column is of a kind that engines read differently,
        or a file is packed or named so that one of them passes over it.

    Examples
    --------
    >>> import tempfile, polars as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.parquet"
    ...     pl.DataFrame({"id": [1, 2], "share": [0.5, 1.0]}).write_parquet(file)
    ...     kinds([file], ["id"]), kinds([file], ["share"])
    ({'id': 'whole'}, None)
    """
    found: dict[str, str] | None = None
    for file in files:
        if file.name.startswith(("_", ".")):  # Spark takes such files for its own, and passes over them
            return None
        here = _of_one(pyarrow.parquet.read_metadata(file), names)
        if here is None or (found is not None and here != found):
            return None
        found = here
    return found


def _of_one(foot: Any, names: Collection[str]) -> dict[str, str] | None:
    places = {foot.schema.column(n).path: n for n in range(len(foot.schema)) if foot.schema.column(n).path in names}
    held = {name: _kind(foot.schema.column(place)) for name, place in places.items()}
    packed = {
        foot.row_group(group).column(place).compression
        for group in range(foot.num_row_groups)
        for place in places.values()
    }
    told = {name: kind for name, kind in held.items() if kind is not None}
    return told if len(told) == len(names) and packed <= _PACKINGS else None


def _kind(column: Any) -> str | None:
    if column.max_repetition_level or column.max_definition_level > 1:
        return None
    meaning = json.loads(column.logical_type.to_json())
    match column.physical_type, meaning["Type"]:
        case "BYTE_ARRAY", "String":
            return TEXT
        case physical, "None" | "Int" if physical in _WHOLE:
            return WHOLE
        case _, "Null":
            return NOTHING
        case "INT32", "Date":
            return DATE
        case "INT96", _:
            return TIMESTAMP
        case "INT64", "Timestamp" if not meaning["is_from_converted_type"]:
            zoned, fine = meaning["isAdjustedToUTC"], meaning["timeUnit"] == "nanoseconds"
            return (INSTANT_NS if fine else INSTANT) if zoned else (TIMESTAMP_NS if fine else TIMESTAMP)
    return None
