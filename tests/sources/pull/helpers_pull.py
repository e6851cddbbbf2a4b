"""What the tests of several sources share."""

from __future__ import annotations

import datetime as dt

import polars as pl

DAY = dt.date(2024, 11, 20)
"""Day of every pull."""


def picked(frame: pl.DataFrame, *columns: str, **where: object) -> list[tuple]:
    """Some columns of the rows that match."""
    for column, value in where.items():
        frame = frame.filter(pl.col(column) == value)
    return frame.select(columns).rows()
