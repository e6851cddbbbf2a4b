"""Engines for steps on tables too large for memory: each step is one Ibis expression, and an engine carries it out.

The steps are written once, as Ibis expressions, and Ibis writes them in the SQL of the engine. DuckDB is the default
and runs inside this process; Spark (:mod:`salus.data.spark`) runs the same steps on a cluster, and reads and writes the
same Parquet. What the engines do not share is not used: a suite of golden data compares them step by step.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import polars as pl
import pyarrow.parquet

from salus.data.engine import EngineError
from salus.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

DUCKDB = "duckdb"
"""Name of the default engine."""

SURROGATE = "salus_surrogate"
"""Function that every engine has: 64 bits of an HMAC-SHA256 from the two padded keys and a text."""

VISIT = "salus_visit"
"""Function that every engine has: 64 bits of the SHA-256 of a secret prefix and a text."""

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
        with duck_engine(work, readable, memory_limit=memory_limit, threads=threads) as engine:
            yield engine
        return
    check_name(name)
    from salus.data import spark  # Spark is an extra, and its import takes a second

    with spark.spark_engine(name, work, memory_limit=memory_limit) as cluster:
        yield cluster


class DuckSteps:
    """Steps carried out by DuckDB inside this process; see :class:`StepEngine`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Open connection, its limits set.
    """

    passes_rows = 10_000_000

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._tables = 0
        number = "CAST(CAST(CAST('0x' || left({}, 16) AS UBIGINT) AS HUGEINT) - 9223372036854775808 AS BIGINT)"
        keyed = "sha256(outer_pad || unhex(sha256(inner_pad || encode(identifier))))"
        connection.execute(
            f"CREATE OR REPLACE TEMP MACRO {SURROGATE}(inner_pad, outer_pad, identifier) AS {number.format(keyed)}"
        )
        derived = "sha256(prefix || encode(identifier))"
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {VISIT}(prefix, identifier) AS {number.format(derived)}")

    def query(self, sql: str, schema: Mapping[str, str]) -> ir.Table:
        """A question of DuckDB's own as a table, which may be asked only once.

        Parameters
        ----------
        sql : str
            SELECT statement.
        schema : mapping of str to str
            Column -> DuckDB type, in order.
        """
        import ibis

        name = self._name()
        self._run(f"CREATE TEMP VIEW {name} AS {sql}")
        types = {"VARCHAR": "string", "DATE": "date", "INTEGER": "int32", "BIGINT": "int64"}
        return ibis.table({column: types[kind] for column, kind in schema.items()}, name=name)

    def parquet(self, files: Sequence[Path]) -> ir.Table:
        """Parquet files as one table; see :meth:`StepEngine.parquet`."""
        import ibis

        found = [f for part in files for f in files_of(part)]
        listed = ", ".join(f"'{f.absolute().as_posix().replace(chr(39), chr(39) * 2)}'" for f in found)
        name = self._name()
        self._run(f"CREATE TEMP VIEW {name} AS SELECT * FROM read_parquet([{listed}])")  # noqa: S608 (paths are quoted)
        return ibis.table(schema_of(found[0]), name=name)

    def frame(self, rows: pl.DataFrame) -> ir.Table:
        """A small table; see :meth:`StepEngine.frame`."""
        import ibis

        name = self._name()
        self.connection.register(name, rows.to_arrow())
        return ibis.table(ibis.Schema.from_polars(rows.schema), name=name)

    def secret(self, values: Mapping[str, bytes]) -> ir.Table:
        """Secret bytes; see :meth:`StepEngine.secret`."""
        import ibis

        name = self._name()
        columns = ", ".join(f"${column}::BLOB AS {column}" for column in values)
        self.connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {columns}", dict(values))
        return ibis.table(dict.fromkeys(values, "binary"), name=name)

    def keep(self, step: ir.Table) -> ir.Table:
        """A temporary table; see :meth:`StepEngine.keep`."""
        import ibis

        name = self._name()
        self._run(f"CREATE TEMP TABLE {name} AS {sql_of(step, DUCKDB)}")
        return ibis.table(step.schema(), name=name)

    def answer(self, step: ir.Table) -> pl.DataFrame:
        """What a step gives; see :meth:`StepEngine.answer`."""
        try:
            return typed(self.connection.sql(sql_of(step, DUCKDB)).to_arrow_table(), step)
        except duckdb.Error as error:
            raise _step_error(error) from error

    def write(self, step: ir.Table, path: Path, compression: str = "zstd", *, single: bool = False) -> None:
        """One Parquet file; see :meth:`StepEngine.write`."""
        target = path.absolute().as_posix().replace("'", "''")
        self._run(f"COPY ({sql_of(step, DUCKDB)}) TO '{target}' (FORMAT parquet, COMPRESSION {compression})")

    def _name(self) -> str:
        """A name of this connection; the same work gives the same names, and so the same SQL."""
        self._tables += 1
        return f"t_{self._tables}"

    def _run(self, sql: str) -> None:
        try:
            self.connection.execute(sql)
        except duckdb.Error as error:
            raise _step_error(error) from error


@contextmanager
def duck_engine(
    work: Path, readable: Sequence[Path], *, memory_limit: str = "1200MB", threads: int = 0
) -> Iterator[DuckSteps]:
    """DuckDB, which may read and write in some folders only; see :func:`open_engine`.

    Parameters
    ----------
    work, readable, memory_limit, threads
        As for :func:`open_engine`.

    Yields
    ------
    DuckSteps
        Closed at the end of the block.
    """
    folders = sorted({f.absolute().as_posix() + "/" for f in (work, *readable)})
    allowed = ", ".join("'" + f.replace("'", "''") + "'" for f in folders)
    spill = (work / "spill" if work.exists() else work).absolute().as_posix().replace("'", "''")
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"SET threads = {threads or os.cpu_count() or 1}")
        connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute(f"SET temp_directory = '{spill}'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield DuckSteps(connection)
    finally:
        connection.close()


def sql_of(step: ir.Table, dialect: str) -> str:
    """A step in the SQL of an engine.

    Parameters
    ----------
    step : ibis.expr.types.Table
        Step.
    dialect : {'duckdb', 'pyspark'}
        Engine's name in Ibis.
    """
    return _sql(step.op(), dialect)


@functools.lru_cache(maxsize=256)
def _sql(operation: Any, dialect: str) -> str:
    """The SQL of an expression that may have been asked before, on tables of the same names."""
    import ibis

    # a column that is used twice is computed once
    ibis.options.sql.fuse_selects = False
    return str(ibis.to_sql(operation.to_expr(), dialect=dialect, pretty=False))


def schema_of(file: Path) -> Any:
    """Columns of a Parquet file as Ibis has them.

    Parameters
    ----------
    file : Path
        Parquet file.
    """
    import ibis

    return ibis.Schema.from_pyarrow(pyarrow.parquet.read_schema(file).remove_metadata())


def typed(rows: Any, step: ir.Table) -> pl.DataFrame:
    """An engine's answer with the column types of the step: engines differ in those of sums and counts.

    Parameters
    ----------
    rows : pyarrow.Table
        Answer.
    step : ibis.expr.types.Table
        What was asked.
    """
    frame = pl.from_arrow(rows)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"the engine answered with {type(frame).__name__}, a table was wanted")
    return frame.cast(dict(step.schema().to_polars()))


@functools.cache
def surrogate_function() -> Any:
    """The function :data:`SURROGATE` for use in Ibis expressions: ``(inner_pad, outer_pad, identifier)``."""
    import ibis

    @ibis.udf.scalar.builtin(name=SURROGATE)
    def surrogate(inner_pad: bytes, outer_pad: bytes, identifier: str) -> int:  # type: ignore[empty-body] # the engine's
        """See :data:`SURROGATE`."""

    return surrogate


@functools.cache
def visit_function() -> Any:
    """The function :data:`VISIT` for use in Ibis expressions: ``(prefix, identifier)``."""
    import ibis

    @ibis.udf.scalar.builtin(name=VISIT)
    def visit(prefix: bytes, identifier: str) -> int:  # type: ignore[empty-body] # the engine's
        """See :data:`VISIT`."""

    return visit


def _step_error(error: duckdb.Error) -> StepError:
    text = str(error)
    if "No space left" in text:
        return StepError("disk", text)
    return StepError("memory" if isinstance(error, duckdb.OutOfMemoryException) else "input", text)
