"""Questions in SQL to Parquet files. One engine today, DuckDB; the protocol lets a cluster engine come beside it.

The SQL that Salus sends keeps to what DuckDB and Spark share: common table expressions, window functions, `greatest`.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl

_SPILL = ".spill-"
_STALE_SECONDS = 24 * 3600.0


def connect() -> duckdb.DuckDBPyConnection:
    """A new DuckDB in memory that says nothing: by itself it draws a bar into the standard output after two seconds.

    Examples
    --------
    >>> with connect() as connection:
    ...     connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    [(False,)]
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET enable_progress_bar = false")
    return connection


class EngineError(Exception):
    """The engine could not answer; its text is the engine's own. The workspace turns it into a sentence for people."""


class Engine(Protocol):
    """Something that answers SQL over lists of Parquet files."""

    def query(
        self,
        sql: str,
        *,
        files: Mapping[str, Sequence[Path]],
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        tables: Mapping[str, pl.DataFrame] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> pl.DataFrame:
        """Answer one question.

        Parameters
        ----------
        sql : str
            Question; a parameter is written ``$name``.
        files : mapping of str to sequence of Path
            Name of a table in the question -> Parquet files that hold its rows; a column that some of them lack is
            null in these.
        columns : mapping of str to mapping of str to type, optional
            Columns that a table of `files` has in any case, with their Polars types; null where no file has one.
        tables : mapping of str to polars.DataFrame, optional
            Further small tables by name.
        parameters : mapping of str to Any, optional
            Values of the parameters.

        Returns
        -------
        polars.DataFrame
            The answer.

        Raises
        ------
        EngineError
            A file can't be read, or the question can't be answered within the limits.
        """
        ...


@dataclass(frozen=True)
class DuckEngine:
    """DuckDB inside this process: no server, no network, no extension but those built in.

    Files outside ``folder`` can't be read by any question.

    Attributes
    ----------
    folder : Path
        Folder under which all files lie; what does not fit in memory goes to a hidden folder in it, made only then.
    memory_limit : str
        Memory for one question, such as ``2GB``.
    threads : int
        Processor threads; 0 for one a processor.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.parquet"
    ...     pl.DataFrame({"x": [1, 2, 3]}).write_parquet(file)
    ...     DuckEngine(Path(folder)).query("SELECT max(x) AS m FROM a WHERE x > $low",
    ...                                    files={"a": [file]}, parameters={"low": 1})["m"].item()
    3
    """

    folder: Path
    memory_limit: str = "4GB"
    threads: int = 0

    def query(
        self,
        sql: str,
        *,
        files: Mapping[str, Sequence[Path]],
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        tables: Mapping[str, pl.DataFrame] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> pl.DataFrame:
        """Answer one question; see :meth:`Engine.query`."""
        try:
            with self._connection() as connection:
                for name, paths in files.items():
                    listed = ", ".join(_quoted(p.absolute().as_posix()) for p in paths)
                    rows = f"SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608 (paths are quoted)
                    if columns and name in columns:
                        connection.register(f"columns of {name}", pl.DataFrame(schema=columns[name]).to_arrow())
                        rows += f' UNION ALL BY NAME SELECT * FROM "columns of {name}"'  # noqa: S608 (a name of our own)
                    connection.execute(f'CREATE TEMP VIEW "{name}" AS {rows}')
                for name, table in (tables or {}).items():
                    connection.register(name, table.to_arrow())
                answer = connection.sql(sql, params=dict(parameters or {})).to_arrow_table()
        except duckdb.Error as error:
            raise EngineError(str(error)) from error
        frame = pl.from_arrow(answer)
        if not isinstance(frame, pl.DataFrame):
            raise TypeError(f"the engine answered with {type(frame).__name__}, a table was wanted")
        return frame

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        root = self.folder.absolute()
        # a folder for each question: two DuckDB processes that spill into one folder overwrite each other
        spill = root / f"{_SPILL}{uuid.uuid4().hex}"
        connection = connect()
        try:
            connection.execute(f"SET threads = {self.threads or os.cpu_count() or 1}")
            connection.execute(f"SET memory_limit = {_quoted(self.memory_limit)}")
            connection.execute(f"SET temp_directory = {_quoted(spill.as_posix())}")
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET autoload_known_extensions = false")
            connection.execute(f"SET allowed_directories = [{_quoted(root.as_posix() + '/')}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection
        finally:
            connection.close()
            shutil.rmtree(spill, ignore_errors=True)


def remove_stale_spill(folder: Path) -> None:
    """Remove what questions that were killed left behind, a day after.

    Parameters
    ----------
    folder : Path
        Folder of a :class:`DuckEngine`.
    """
    for left in folder.glob(f"{_SPILL}*"):
        if left.is_dir() and time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
