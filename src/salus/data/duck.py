"""DuckDB as an engine: steps carried out inside this process, in bounded memory, with files of some folders only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from salus.data.engine import connect
from salus.data.engines import DUCKDB, StepError, files_of
from salus.data.expressions import SURROGATE, VISIT, schema_of, sql_of, typed

if TYPE_CHECKING:
    import ibis.expr.types as ir


class DuckSteps:
    """Steps carried out by DuckDB inside this process; see :class:`~salus.data.engines.StepEngine`.

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
        """Parquet files as one table; see :meth:`~salus.data.engines.StepEngine.parquet`."""
        import ibis

        found = [f for part in files for f in files_of(part)]
        listed = ", ".join(f"'{f.absolute().as_posix().replace(chr(39), chr(39) * 2)}'" for f in found)
        name = self._name()
        self._run(f"CREATE TEMP VIEW {name} AS SELECT * FROM read_parquet([{listed}])")  # noqa: S608 (paths are quoted)
        return ibis.table(schema_of(found[0]), name=name)

    def frame(self, rows: pl.DataFrame) -> ir.Table:
        """A small table; see :meth:`~salus.data.engines.StepEngine.frame`."""
        import ibis

        name = self._name()
        self.connection.register(name, rows.to_arrow())
        return ibis.table(ibis.Schema.from_polars(rows.schema), name=name)

    def secret(self, values: Mapping[str, bytes]) -> ir.Table:
        """Secret bytes; see :meth:`~salus.data.engines.StepEngine.secret`."""
        import ibis

        name = self._name()
        columns = ", ".join(f"${column}::BLOB AS {column}" for column in values)
        self.connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {columns}", dict(values))
        return ibis.table(dict.fromkeys(values, "binary"), name=name)

    def keep(self, step: ir.Table) -> ir.Table:
        """A temporary table; see :meth:`~salus.data.engines.StepEngine.keep`."""
        import ibis

        name = self._name()
        self._run(f"CREATE TEMP TABLE {name} AS {sql_of(step, DUCKDB)}")
        return ibis.table(step.schema(), name=name)

    def answer(self, step: ir.Table) -> pl.DataFrame:
        """What a step gives; see :meth:`~salus.data.engines.StepEngine.answer`."""
        try:
            return typed(self.connection.sql(sql_of(step, DUCKDB)).to_arrow_table(), step)
        except duckdb.Error as error:
            raise _step_error(error) from error

    def write(self, step: ir.Table, path: Path, compression: str = "zstd", *, single: bool = False) -> None:
        """One Parquet file; see :meth:`~salus.data.engines.StepEngine.write`."""
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
    """DuckDB, which may read and write in some folders only; see :func:`~salus.data.engines.open_engine`.

    Parameters
    ----------
    work, readable, memory_limit, threads
        As for :func:`~salus.data.engines.open_engine`.

    Yields
    ------
    DuckSteps
        Closed at the end of the block.
    """
    folders = sorted({f.absolute().as_posix() + "/" for f in (work, *readable)})
    allowed = ", ".join("'" + f.replace("'", "''") + "'" for f in folders)
    spill = (work / "spill" if work.exists() else work).absolute().as_posix().replace("'", "''")
    connection = connect()
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


def zone() -> str:
    """Time zone in which DuckDB reads the day of an instant: this computer's.

    Examples
    --------
    >>> isinstance(zone(), str)
    True
    """
    with connect() as connection:
        return str(connection.execute("SELECT current_setting('TimeZone')").fetchall()[0][0])


def _step_error(error: duckdb.Error) -> StepError:
    text = str(error)
    if "No space left" in text:
        return StepError("disk", text)
    return StepError("memory" if isinstance(error, duckdb.OutOfMemoryException) else "input", text)
