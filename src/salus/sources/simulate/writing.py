"""Line lists and truth tables on disk, piece by piece, every file marked as simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet

MARK = {"simulated": "true", "source": "Salus simulator: no real person, place or visit"}
"""Key-values in the metadata of every Parquet file."""


class Writer(Protocol):
    """Takes the line list in pieces, in order of the day of the visit."""

    def write(self, rows: pl.DataFrame, person: np.ndarray) -> None:
        """Write some rows of one month.

        Parameters
        ----------
        rows : polars.DataFrame
            As :func:`salus.sources.simulate.encounters.line_list` gives them; at least one, all of one month.
        person : numpy.ndarray of int
            Number of the person of each row.
        """

    def close(self) -> list[Path]:
        """Finish, and say which files there are.

        Returns
        -------
        list of Path
            In the order in which they were begun.
        """


class MarkedParquet:
    """One Parquet file, written in row groups, with the mark in its metadata.

    Parameters
    ----------
    path : Path
        File to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: pyarrow.parquet.ParquetWriter | None = None

    def write(self, rows: pl.DataFrame) -> None:
        """Add a row group.

        Parameters
        ----------
        rows : polars.DataFrame
            The same columns every time.
        """
        table = rows.to_arrow()
        plain = [f.with_type(pa.string()) if _is_text(f.type) else f for f in table.schema]
        table = table.cast(pa.schema(plain, metadata=MARK))
        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(
                self.path, table.schema, compression="zstd", compression_level=1
            )
        self._writer.write_table(table)

    def close(self) -> None:
        """Write the footer."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class ParquetLineList:
    """A Parquet file a month: ``line_list_simulated/2024-03.parquet``.

    Parameters
    ----------
    folder : Path
        Folder of the simulation.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "line_list_simulated"
        self._folder.mkdir()
        self._month = ""
        self._file: MarkedParquet | None = None
        self._paths: list[Path] = []

    def write(self, rows: pl.DataFrame, person: np.ndarray) -> None:
        """Add rows to the file of their month.

        Parameters
        ----------
        rows : polars.DataFrame
            Rows of one month, never an earlier one than before.
        person : numpy.ndarray of int
            Not needed here.
        """
        month = f"{rows['visit_date'][0]:%Y-%m}"
        if month != self._month or self._file is None:
            self.close()
            self._month = month
            self._file = MarkedParquet(self._folder / f"{month}.parquet")
            self._paths.append(self._file.path)
        self._file.write(rows)

    def close(self) -> list[Path]:
        """Close the file of the last month.

        Returns
        -------
        list of Path
            All files.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._paths


class CsvLineList:
    """One CSV file: ``line_list_simulated.csv``, UTF-8, with a column ``simulated``.

    Parameters
    ----------
    folder : Path
        Folder of the simulation.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "line_list_simulated.csv"
        self._handle = self._path.open("wb")
        self._begun = False

    def write(self, rows: pl.DataFrame, person: np.ndarray) -> None:
        """Add rows.

        Parameters
        ----------
        rows : polars.DataFrame
            Rows of the line list.
        person : numpy.ndarray of int
            Not needed here.
        """
        rows.write_csv(self._handle, include_header=not self._begun)
        self._begun = True

    def close(self) -> list[Path]:
        """Close the file.

        Returns
        -------
        list of Path
            The one file.
        """
        self._handle.close()
        return [self._path]


def write_truth(frame: pl.DataFrame, path: Path) -> None:
    """Write a small truth table as one marked Parquet file.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    path : Path
        File to write.
    """
    file = MarkedParquet(path)
    file.write(frame)
    file.close()


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
