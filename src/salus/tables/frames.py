"""Frames of other libraries (pandas, Arrow, lazy Polars) brought into Polars."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl

from salus.errors import InputError


def to_polars(source: Any, label: str = "the table") -> pl.DataFrame:
    """A table of any common library as a Polars table.

    Parameters
    ----------
    source : frame
        Polars (eager or lazy), pandas, Arrow, or another eager or lazy frame that narwhals knows.
    label : str
        What messages call it.

    Returns
    -------
    polars.DataFrame
        The same columns and rows in the same order; a pandas index that has a name becomes a column.

    Raises
    ------
    InputError
        It is no table, or a column holds values of several types.

    Examples
    --------
    >>> import pyarrow as pa
    >>> to_polars(pa.table({"location": ["A"], "value": [3.0]})).shape
    (1, 2)
    """
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    try:
        frame = nw.from_native(source)
    except TypeError as error:
        raise InputError(
            f"{label} is a {type(source).__module__}.{type(source).__qualname__}, which is no table. "
            "Give a path, or a pandas, Polars or Arrow frame."
        ) from error
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    native = eager.to_native()
    if eager.implementation.is_pandas() and any(native.index.names):
        eager = nw.from_native(native.reset_index(), eager_only=True)
    try:
        return eager.to_polars()
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise InputError(f"{label} can't be read as a table: {error}. Give every column values of one type.") from error
