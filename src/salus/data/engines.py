"""Engines for steps on tables too large for memory: each step is one Ibis expression, and an engine carries it out.

The steps are written once, as Ibis expressions, and Ibis writes them in the SQL of the engine
(:mod:`salus.data.expressions`). DuckDB (:mod:`salus.data.duck`) is the default and runs inside this process; Spark
(:mod:`salus.data.spark`) runs the same steps on a cluster, and reads and writes the same Parquet. What the engines do
not share is not used: a suite of golden data compares them step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from salus.data.engine import EngineError
from salus.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

DUCKDB = "duckdb"
"""Name of the default engine."""

_SPARK = ("local", "spark://", "yarn", "k8s://")


class StepError(EngineError):
    """An engine gave up.

    Attributes
    ----------
    kind : {'disk', 'memory', 'input'}
        No space is left, the memory given is not enough, or an input can't be read to its end.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class StepEngine(Protocol):
    """Something that carries out steps; tables have names of their own and are gone with the engine."""

    @property
    def passes_rows(self) -> int:
        """Rows for which a question that must hold one entry a row fits in memory; more are asked in passes."""
        ...

    def parquet(self, files: Sequence[Path]) -> ir.Table:
        """Parquet files (or folders of such) of the same columns, as one table.

        Parameters
        ----------
        files : sequence of Path
            At least one.
        """
        ...

    def frame(self, rows: pl.DataFrame) -> ir.Table:
        """A small table of this process, given to the engine.

        Parameters
        ----------
        rows : polars.DataFrame
            Rows.
        """
        ...

    def secret(self, values: Mapping[str, bytes]) -> ir.Table:
        """Secret bytes as a table of one row, so that they stand in no question and no log.

        Parameters
        ----------
        values : mapping of str to bytes
            Column -> value.
        """
        ...

    def keep(self, step: ir.Table) -> ir.Table:
        """Carry a step out once, and keep what it gives for further steps.

        Parameters
        ----------
        step : ibis.expr.types.Table
            Made of this engine's tables.
        """
        ...

    def answer(self, step: ir.Table) -> pl.DataFrame:
        """Carry a step out and bring what it gives into this process.

        Parameters
        ----------
        step : ibis.expr.types.Table
            Made of this engine's tables.

        Returns
        -------
        polars.DataFrame
            With the column types of the step; the order of rows is not defined unless the step sorts.
        """
        ...

    def write(self, step: ir.Table, path: Path, compression: str = "zstd", *, single: bool = False) -> None:
        """Carry a step out and write what it gives as Parquet.

        Parameters
        ----------
        step : ibis.expr.types.Table
            Made of this engine's tables.
        path : Path
            File that must not be there; Spark makes a folder of files of it.
        compression : {'zstd', 'lz4'}
            How pages are packed.
        single : bool
            Whether it must be a file on every engine.
        """
        ...


def files_of(part: Path) -> list[Path]:
    """The files of a table on disk, which one engine writes as a file and another as a folder.

    Parameters
    ----------
    part : Path
        File, or folder of Parquet files.

    Returns
    -------
    list of Path
        Sorted.
    """
    return sorted(part.glob("*.parquet")) if part.is_dir() else [part]


def check_name(name: str) -> None:
    """Refuse the name of an engine that there is not.

    Raises
    ------
    InputError
        It is neither ``duckdb`` nor a Spark master.
    """
    if name != DUCKDB and not name.startswith(_SPARK):
        raise InputError(
            f"there is no engine '{name}'. Give duckdb, or a Spark master such as local[*] or spark://host:7077."
        )


@contextmanager
def open_engine(
    name: str, work: Path, readable: Sequence[Path], *, memory_limit: str = "1200MB", threads: int = 0
) -> Iterator[StepEngine]:
    """An engine for one piece of work.

    Parameters
    ----------
    name : str
        ``duckdb``, or a Spark master such as ``local[2]`` or ``spark://host:7077``.
    work : Path
        Folder for what is kept and what does not fit in memory; DuckDB makes it when it must; removed by the caller.
    readable : sequence of Path
        Folders whose files the engine may read.
    memory_limit : str
        Memory for DuckDB, or for the driver of a Spark session that is begun here.
    threads : int
        Processor threads of DuckDB; 0 for one a processor.

    Yields
    ------
    StepEngine
        Closed at the end of the block.

    Raises
    ------
    InputError
        There is no such engine here.
    """
    if name == DUCKDB:
        from salus.data import duck  # it takes its names from here

        with duck.duck_engine(work, readable, memory_limit=memory_limit, threads=threads) as engine:
            yield engine
        return
    check_name(name)
    from salus.data import spark  # Spark is an extra, and its import takes a second

    with spark.spark_engine(name, work, memory_limit=memory_limit) as cluster:
        yield cluster
