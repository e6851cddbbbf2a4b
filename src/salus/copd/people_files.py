"""Files of people: read in batches, written so that they stay inside."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from salus.copd import answers as given
from salus.data.output import replaced_file
from salus.errors import InputError, WallError
from salus.privacy.zones import zone_of
from salus.tables.reading import read_raw

BATCH = 250_000
"""People in one batch."""


def write_rows(out: str | Path, tables: Iterable[pl.DataFrame], *, on_batch: Any = None) -> None:
    """Rows about persons into a file that replaces atomically and that only its owner can read.

    Parameters
    ----------
    out : path
        ``.parquet`` or ``.csv``.
    tables : iterable of polars.DataFrame
        Tables with the same columns, one after the other.
    on_batch : callable, optional
        Called with the number of rows written.

    Raises
    ------
    InputError
        The name ends in something else.
    OutputError
        The file can't be written.
    """
    done = 0
    with replaced_file(out) as temporary:
        if os.name == "posix":
            temporary.chmod(0o600)
        writer = _Writer(temporary, str(out))
        for table in tables:
            writer.write(table)
            done += table.height
            if on_batch is not None:
                on_batch(done)
        writer.close()


def guard_output(out: str | Path, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse a place where rows about persons may not stand.

    Parameters
    ----------
    out : path
        File to be written.
    inputs : iterable of path
        What it is made from.

    Raises
    ------
    WallError
        `out` lies in the count or release zone or the vault; or an input lies in a wall, and `out` outside of its
        record zone.
    """
    zone = zone_of(out)
    if zone is not None and zone != "record":
        raise WallError(
            f"{out} lies in the zone '{zone}', where no row about a person may stand. Write it into record/, or "
            "outside the wall where its owner alone can read."
        )
    for path in inputs:
        inner = zone_of(path)
        if inner is not None and zone != "record":
            raise WallError(
                f"{path} lies in the zone '{inner}' of a wall, and {out} does not: rows about persons don't leave. "
                "Write the result into record/."
            )


def batches(path: str | Path) -> Iterator[pl.DataFrame]:
    """The rows of a file of people, a batch at a time; of Parquet only the columns that are read at all.

    Parameters
    ----------
    path : path
        CSV, Excel, JSON lines or Parquet.

    Raises
    ------
    InputError
        It can't be read.
    """
    source = Path(path)
    if source.suffix.casefold() in (".parquet", ".pq") and source.is_file():
        file, wanted = open_people(source)
        if not file.metadata.num_rows:
            yield _frame(pl.from_arrow(file.read(columns=wanted)))
        for batch in file.iter_batches(BATCH, columns=wanted):
            yield _frame(pl.from_arrow(batch))
        return
    yield from slices(read_raw(source))


def slices(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A table in batches; one of no row for an empty table."""
    for start in range(0, max(frame.height, 1), BATCH):
        yield frame.slice(start, BATCH)


def open_people(path: Path) -> tuple[Any, list[str]]:
    """A Parquet file of people, and the columns of it that are read.

    Raises
    ------
    InputError
        It can't be read.
    """
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is not a readable Parquet file: {error}. Export it again.") from error
    names = file.schema_arrow.names
    return file, given.columns_of(names) or names


def _frame(found: pl.DataFrame | pl.Series) -> pl.DataFrame:
    return found if isinstance(found, pl.DataFrame) else found.to_frame()


class _Writer:
    """Rows into a Parquet or CSV file, batch by batch."""

    def __init__(self, path: Path, name: str) -> None:
        ending = Path(name).suffix.casefold()
        if ending not in (".parquet", ".csv"):
            raise InputError(f"--out {name} ends in '{ending}'; .parquet or .csv is wanted")
        self._path, self._csv = path, ending == ".csv"
        self._parquet: Any = None
        self._first = True

    def write(self, table: pl.DataFrame) -> None:
        if self._csv:
            with self._path.open("ab") as handle:
                table.write_csv(handle, include_header=self._first)
        else:
            arrow = table.to_arrow(compat_level=pl.CompatLevel.oldest())
            if self._parquet is None:
                own = ("row", "person")  # each value once: no dictionary pays
                words = [f.name for f in arrow.schema if not pa.types.is_floating(f.type) and f.name not in own]
                self._parquet = pyarrow.parquet.ParquetWriter(
                    self._path, arrow.schema, compression="zstd", use_dictionary=words
                )
            self._parquet.write_table(arrow)
        self._first = False

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()
