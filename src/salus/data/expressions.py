"""Steps as expressions of Ibis: their SQL for an engine, their types, and the functions that every engine has."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow
import pyarrow.parquet

if TYPE_CHECKING:
    import ibis.expr.types as ir

SURROGATE = "salus_surrogate"
"""Function that every engine has: 64 bits of an HMAC-SHA256 from the two padded keys and a text."""

VISIT = "salus_visit"
"""Function that every engine has: 64 bits of the SHA-256 of a secret prefix and a text."""


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

    written = pyarrow.parquet.read_schema(file).remove_metadata()
    # DuckDB marks a column as required where this file has no blank in it; another file of the table may have one
    return ibis.Schema.from_pyarrow(pyarrow.schema([field.with_nullable(True) for field in written]))


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
