"""Columns of Parquet files of others, as Spark opens them: the text and the day that DuckDB reads of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import functions as spark

from salus.data import duck, parquet_columns
from salus.data.parquet_columns import Column

FILE = "file"
"""Column of the answer that has the name of the file."""

_SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_TYPES = {"string": "string", "date": "date", "int32": "int"}
_NS_A_DAY = 86_400_000_000_000


def opened(wanted: Mapping[str, Column], schema: Mapping[str, str]) -> list[Any]:
    """Columns of the answer.

    Parameters
    ----------
    wanted, schema
        As for :meth:`salus.data.spark.SparkSteps.columns`.

    Returns
    -------
    list of pyspark.sql.Column
        In the order of the schema.
    """
    zone = duck.zone()
    return [_opened(name, kind, wanted.get(name), zone).alias(name) for name, kind in schema.items()]


def _opened(name: str, kind: str, column: Column | None, zone: str) -> Any:
    if name == FILE:
        # a name comes with its blanks as %20; a plus is a plus
        written = spark.replace(spark.col("_metadata.file_name"), spark.lit("+"), spark.lit("%2B"))
        return spark.url_decode(written)
    if column is None or column.kind == parquet_columns.NOTHING:
        return spark.lit(None).cast(_TYPES[kind])
    held = spark.col("`" + column.name.replace("`", "``") + "`")
    if kind == "date":
        return _day(held, column.kind, zone)
    if kind == "int32":
        return held.try_cast("int")
    # text that is none is refused, as DuckDB refuses it
    text = spark.validate_utf8(held) if column.kind == parquet_columns.TEXT else held.cast("string")
    return spark.btrim(text, spark.lit(_SPACES)) if column.trimmed else text


def _day(held: Any, kind: str, zone: str) -> Any:
    """The day of a date or time; of an instant at this computer's clock, as DuckDB has it."""
    if kind == parquet_columns.TIMESTAMP_NS:
        return spark.date_from_unix_date(_floor(held, _NS_A_DAY).cast("int"))
    if kind == parquet_columns.INSTANT_NS:
        held = spark.timestamp_micros(_floor(held, 1000))
    if kind in (parquet_columns.INSTANT, parquet_columns.INSTANT_NS):
        held = spark.from_utc_timestamp(held, zone)
    return held.cast("date")


def _floor(held: Any, by: int) -> Any:
    """Whole-number division towards minus infinity; `/` would go through floating point."""
    return spark.call_function("div", held - spark.pmod(held, spark.lit(by)), spark.lit(by))
