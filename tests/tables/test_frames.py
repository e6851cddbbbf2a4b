"""Frames of other libraries."""

import datetime as dt

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from salus.errors import InputError
from salus.tables import door
from salus.tables.contracts import SERIES
from salus.tables.frames import to_polars

ROWS = {
    "location": ["A", "A"],
    "disease": ["Influenza", "Influenza"],
    "signal": ["cases", "cases"],
    "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 8)],
    "value": [3.0, None],
}


@pytest.mark.parametrize(
    "make",
    [
        pl.DataFrame,
        lambda rows: pl.DataFrame(rows).lazy(),
        lambda rows: pa.table(rows),
        pd.DataFrame,
        lambda rows: pd.DataFrame(rows).assign(date=lambda d: pd.to_datetime(d["date"])),
        lambda rows: pd.DataFrame(rows).set_index("date"),
        lambda rows: pd.DataFrame(rows).astype({"location": "category"}),
    ],
)
def test_every_frame_becomes_the_same_table(make) -> None:
    table = door.read(make(ROWS), SERIES)
    assert table.equals(pl.DataFrame(ROWS).cast({"date": pl.Date, "value": pl.Float64}).select(SERIES.names[:5]))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"which is no table. Give a path, or a pandas, Polars or Arrow frame"):
        to_polars({"location": ["A"]})


def test_a_column_of_mixed_types_is_refused() -> None:
    with pytest.raises(InputError, match="values of one type"):
        to_polars(pd.DataFrame({"value": [1, "x", dt.date(2024, 1, 1)]}))
