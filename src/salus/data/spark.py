"""Spark as an engine: the same steps on a cluster, or on this machine's cores (``local[2]``), through the same Parquet.

The records, and the key in memory, are seen by every worker: the cluster belongs inside the wall. Files lie where all
workers see them under the same path.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from salus.data.engines import StepError, files_of
from salus.data.expressions import SURROGATE, VISIT, schema_of, sql_of, typed
from salus.data.parquet_columns import Column
from salus.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

_DIALECT = "pyspark"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",  # columns of a file may differ in nothing but case
    "spark.sql.legacy.parquet.nanosAsLong": "true",  # there is no other way to read them
    "spark.sql.parquet.compression.codec": "zstd",
}


class SparkSteps:
    """Steps carried out by Spark; see :class:`salus.data.engines.StepEngine`.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
        Running session.
    work : Path
        Folder that all workers see, for what is kept.
    """

    passes_rows = 1 << 62  # Spark divides the work itself

    def __init__(self, session: Any, work: Path) -> None:
        self.session, self.work = session, work
        self._views: list[str] = []
        number = "CAST(CAST(conv(left({}, 16), 16, 10) AS DECIMAL(20, 0)) - 9223372036854775808 AS BIGINT)"
        keyed = "sha2(concat(outer_pad, unhex(sha2(concat(inner_pad, encode(identifier, 'UTF-8')), 256))), 256)"
        derived = "sha2(concat(prefix, encode(identifier, 'UTF-8')), 256)"
        session.sql(
            f"CREATE OR REPLACE TEMPORARY FUNCTION {SURROGATE}(inner_pad BINARY, outer_pad BINARY, identifier STRING) "
            f"RETURNS BIGINT RETURN {number.format(keyed)}"
        )
        session.sql(
            f"CREATE OR REPLACE TEMPORARY FUNCTION {VISIT}(prefix BINARY, identifier STRING) RETURNS BIGINT "
            f"RETURN {number.format(derived)}"
        )

    def parquet(self, files: Sequence[Path]) -> ir.Table:
        """Parquet files as one table; see :meth:`salus.data.engines.StepEngine.parquet`."""
        found = [f for part in files for f in files_of(part)]
        rows = self.session.read.parquet(*map(_readable, found))
        return self._named(rows, schema_of(found[0]))

    def columns(self, files: Sequence[Path], wanted: Mapping[str, Column], schema: Mapping[str, str]) -> ir.Table:
        """Columns of Parquet files that somebody else made, opened by the workers: text, days and whole numbers.

        Parameters
        ----------
        files : sequence of Path
            Parquet files in which the columns are of the same kinds.
        wanted : mapping of str to Column
            Name in the answer -> column of the files.
        schema : mapping of str to str
            Name -> type of every column of the answer, in order: ``string``, ``date`` or ``int32``; ``file`` is the
            name of the file; a column that is not wanted is null.

        Returns
        -------
        ibis.expr.types.Table
        """
        from salus.data import spark_columns  # its import takes a second

        with _said():
            rows = self.session.read.parquet(*map(_readable, files))
            return self._named(rows.select(*spark_columns.opened(wanted, schema)), schema)

    def frame(self, rows: pl.DataFrame) -> ir.Table:
        """A small table; see :meth:`salus.data.engines.StepEngine.frame`."""
        path = self._file()
        rows.write_parquet(path)
        return self.parquet([path])

    def secret(self, values: Mapping[str, bytes]) -> ir.Table:
        """Secret bytes; see :meth:`salus.data.engines.StepEngine.secret`."""
        schema = ", ".join(f"{column} binary" for column in values)
        rows = self.session.createDataFrame([tuple(bytearray(v) for v in values.values())], schema)
        return self._named(rows, dict.fromkeys(values, "binary"))

    def keep(self, step: ir.Table) -> ir.Table:
        """Parquet in the working folder; see :meth:`salus.data.engines.StepEngine.keep`."""
        path = self._file()
        with _said():
            rows = self._asked(step)
            rows.write.parquet(_place(path))
            kept = self.session.read.schema(rows.schema).parquet(_readable(path))
        return self._named(kept, step.schema())

    def answer(self, step: ir.Table) -> pl.DataFrame:
        """What a step gives; see :meth:`salus.data.engines.StepEngine.answer`."""
        with _said():
            return typed(self._asked(step).toArrow(), step)

    def write(self, step: ir.Table, path: Path, compression: str = "zstd", *, single: bool = False) -> None:
        """A folder of Parquet files; see :meth:`salus.data.engines.StepEngine.write`."""
        folder = self._file() if single else path
        with _said():
            rows = self._asked(step)
            (rows.coalesce(1) if single else rows).write.parquet(_place(folder), compression="zstd")
        for extra in (*folder.glob("_SUCCESS"), *folder.glob(".*.crc")):
            extra.unlink()
        if single:
            os.replace(files_of(folder)[0], path)  # one system call

    def pieces(self, pieces: pa.Table, work: Any, schema: str) -> list[dict[str, Any]]:
        """Carry out a function of Python once for each row of a small table, the rows shared out among the workers.

        Parameters
        ----------
        pieces : pyarrow.Table
            A row a piece of work.
        work : callable
            From an iterator of Arrow batches of rows to one of batches of answers, as for Spark's `mapInArrow`.
        schema : str
            Columns of the answers, such as ``told string``.

        Returns
        -------
        list of dict
            The answers, in no order.

        Raises
        ------
        StepError
            A worker failed.
        """
        if not pieces.num_rows:
            return []
        with _said():
            rows = self.session.createDataFrame(pieces.to_pylist())
            spread = rows.repartitionByRange(pieces.num_rows, pieces.column_names[0])
            return [row.asDict() for row in spread.mapInArrow(work, schema).collect()]

    def close(self) -> None:
        """Forget the tables; the session goes on."""
        for name in self._views:
            self.session.catalog.dropTempView(name)

    def _asked(self, step: ir.Table) -> Any:
        return self.session.sql(sql_of(step, _DIALECT))

    def _file(self) -> Path:
        return self.work / f"{uuid.uuid4().hex}.parquet"

    def _named(self, rows: Any, schema: Any) -> ir.Table:
        import ibis

        name = f"t_{uuid.uuid4().hex}"
        rows.createOrReplaceTempView(name)
        self._views.append(name)
        return ibis.table(schema, name=name)


@contextmanager
def spark_engine(master: str, work: Path, *, memory_limit: str = "1200MB") -> Iterator[SparkSteps]:
    """Spark for one piece of work; a session that runs already is used, and one begun here is stopped.

    Parameters
    ----------
    master : str
        Such as ``local[2]`` or ``spark://host:7077``.
    work : Path
        Folder that all workers see; also for what does not fit in memory where the master is local.
    memory_limit : str
        Memory of the driver.

    Yields
    ------
    SparkSteps

    Raises
    ------
    InputError
        PySpark or Java is missing, or the master does not answer.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise InputError(
            "the engine Spark needs PySpark, which is not installed. Run `pip install salus[spark]`; Java comes from "
            "your system (Debian: default-jre-headless)."
        ) from error
    running = SparkSession.getActiveSession()
    try:
        session = running or begin(master, work, memory_limit)
    except (PySparkException, OSError) as error:
        raise InputError(
            f"Spark can't be started on {master}: {type(error).__name__}. Check that Java 17 or newer is installed and "
            "that the master is running."
        ) from error
    engine = SparkSteps(session, work)
    try:
        yield engine
    finally:
        engine.close()
        if running is None:
            session.stop()


def begin(master: str, work: Path, memory_limit: str, settings: Mapping[str, str] | None = None) -> Any:
    """A new Spark session.

    Parameters
    ----------
    master : str
        Such as ``local[2]``.
    work : Path
        Folder for what does not fit in memory.
    memory_limit : str
        Such as ``1200MB``.
    settings : mapping of str to str, optional
        Further settings of Spark.

    Returns
    -------
    pyspark.sql.SparkSession
    """
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("salus").master(master)
    memory = memory_limit.lower().replace("gb", "g").replace("mb", "m")
    local = {
        "spark.local.dir": str(work.absolute()),
        "spark.sql.warehouse.dir": (work.absolute() / "warehouse").as_uri(),  # else it is made where one stands
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
    }
    if master.startswith("local"):
        # as many pieces as cores, not 200
        local["spark.sql.shuffle.partitions"] = "4"
    else:
        del local["spark.driver.host"]
    for name, value in (_SETTINGS | local | dict(settings or {})).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if master.startswith("local"):
        session.sparkContext.pythonExec = sys.executable  # workers run our functions: the Python that has Salus
    return session


def _place(path: Path) -> str:
    """A path as Hadoop takes it: nothing in it stands for something else, so no sign is written with a percent."""
    return "file://" + path.absolute().as_posix()


def _readable(path: Path) -> str:
    """The same for what is read, where signs for many files must be taken as they are."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", _place(path))


@contextmanager
def _said() -> Iterator[None]:
    """Errors of Spark in the words of engines."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        text = str(error)
        kind = "disk" if "No space left" in text else "memory" if "OutOfMemory" in text else "input"
        raise StepError(kind, text) from error
