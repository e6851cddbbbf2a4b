"""What is to be imported: where rows come from, and how they are laid out in a workspace's files."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from importlib.metadata import version

import polars as pl

from salus.data.manifest import Import
from salus.data.provenance import InputFile, short_id, utc_text
from salus.errors import Fault, InputError
from salus.tables.contracts import SERIES

STORED = {c.name: c.dtype for c in SERIES.columns} | {"period_end": pl.Date, "import_id": pl.String}
"""Columns of every Parquet file of a workspace: those of the `series` contract, the period's last day, the import."""


@dataclass(frozen=True)
class Origin:
    """Where imported rows come from, and how they were read; together they make the id of the import.

    Attributes
    ----------
    source : InputFile
        The file, by name and hash.
    as_of : datetime.date or None
        Day with which to stamp all rows; only for a file that does not say it itself.
    mapping : dict of str to str
        Column of the file -> column of the contract.
    filters : dict of str to str
        Part of the file that was read: ``disease``, ``signal``.
    profile : str or None
        Name of the saved mapping profile; no part of the id.
    command : str or None
        The command; no part of the id.
    encoding : str or None
        Encoding that a text file was read in; UTF-8, the usual one, is no part of the id.
    """

    source: InputFile
    as_of: dt.date | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)
    profile: str | None = None
    command: str | None = None
    encoding: str | None = None

    @property
    def import_id(self) -> str:
        """Id of the import: the same file read in the same way has the same."""
        parts = ["series", self.source.sha256, self.mapping, self.filters, self.as_of]
        return short_id(parts if self.encoding in (None, "utf-8", "utf-8-sig") else [*parts, self.encoding])


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    record : Import
        The import as the manifest holds it.
    added : bool
        False where it was already there, so that nothing was changed.
    warnings : tuple of Fault
        What the file has that is worth a look and did not keep it out.
    """

    record: Import
    added: bool
    warnings: tuple[Fault, ...] = ()


def stored_rows(frame: pl.DataFrame, origin: Origin, today: dt.date) -> pl.DataFrame:
    """Rows in the columns of a workspace, stamped where the origin asks for it.

    Parameters
    ----------
    frame : polars.DataFrame
        Checked rows of the `series` contract, and ``period_end``.
    origin : Origin
        Where they come from.
    today : datetime.date
        Day of the import.

    Returns
    -------
    polars.DataFrame
        Columns :data:`STORED` without ``import_id``.

    Raises
    ------
    InputError
        There are no rows, or they can't be stamped with the day asked for.
    """
    name = origin.source.name
    if frame.height == 0:
        raise InputError(f"{name} has no rows to import. Check --disease and --signal.")
    if origin.as_of is not None:
        if "as_of" in frame.columns:
            raise InputError(f"{name} has a column 'as_of' of its own. Leave out --as-of.")
        if origin.as_of > today:
            raise InputError(f"the as-of day {origin.as_of} lies in the future (today is {today}). Correct --as-of.")
        late = frame.filter(pl.col("date") > origin.as_of)
        if late.height:
            raise InputError(
                f"{name} has {late.height} rows that begin after the as-of day {origin.as_of}, the first on "
                f"{late['date'].sort()[0]}: they can't have been known then. Give a later --as-of."
            )
        frame = frame.with_columns(pl.lit(origin.as_of).alias("as_of"))
    columns = [
        (pl.col(n) if n in frame.columns else pl.lit(None)).cast(t).alias(n)
        for n, t in STORED.items()
        if n != "import_id"
    ]
    return frame.select(columns)


def record(origin: Origin, rows: int, imported_on: dt.date) -> Import:
    """What the manifest is to hold of an import.

    Parameters
    ----------
    origin : Origin
        Where the rows come from.
    rows : int
        How many there are.
    imported_on : datetime.date
        Day of the import.
    """
    return Import(
        id=origin.import_id,
        source=origin.source.name,
        sha256=origin.source.sha256,
        bytes=origin.source.bytes,
        imported_at=utc_text(),
        imported_on=imported_on,
        as_of=origin.as_of,
        rows=rows,
        mapping=dict(origin.mapping),
        filters=dict(origin.filters),
        profile=origin.profile,
        command=origin.command,
        salus=version("salus"),
    )
