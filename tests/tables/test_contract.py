"""The check of one contract."""

import datetime as dt

import polars as pl
import pytest

from salus.errors import TableError
from salus.tables.contract import Column, Contract, column_rows
from salus.tables.contracts import ALL, FORECASTS, SERIES

ROWS = pl.DataFrame(
    {
        "location": ["A", "B"],
        "disease": ["x", "x"],
        "signal": ["cases", "cases"],
        "date": ["2024-01-01", "2024-01-01"],
        "value": ["1", "2.5"],
    }
)


def kinds(frame: pl.DataFrame, contract: Contract = SERIES) -> list[tuple[str, str | None, tuple[int, ...]]]:
    return [(f.kind, f.column, f.rows) for f in contract.inspect(frame)[1]]


def test_a_good_table_is_typed_and_ordered() -> None:
    table = SERIES.check(ROWS.select(reversed(ROWS.columns)).with_columns(extra=pl.lit(1)))
    assert table.columns == SERIES.names[:5]
    assert table.schema["date"] == pl.Date
    assert table["value"].to_list() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("column", "values", "kind", "rows"),
    [
        ("value", [float("inf"), 1.0], "infinite", (1,)),
        ("value", ["1", "-inf"], "infinite", (2,)),
        ("value", ["1", "-2"], "negative", (2,)),
        ("value", ["1", "1,000"], "type", (2,)),
        ("value", ["1", "-"], "type", (2,)),
        ("value", [[1.0], [2.0]], "type", (1, 2)),
        ("location", ["A", None], "missing value", (2,)),
        ("location", [" ", "A"], "missing value", (1,)),
        ("date", ["2024-01-01", "monday"], "type", (2,)),
        ("date", [45000, 45007], "type", (1, 2)),
        ("location", ["A", "A"], "duplicate", (1, 2)),
    ],
)
def test_each_fault_is_named_by_row_and_column(column: str, values: list, kind: str, rows: tuple[int, ...]) -> None:
    frame = ROWS.with_columns(pl.Series(column, values))
    found = kinds(frame)
    assert found[0][0] == kind
    assert found[0][1] == (None if kind == "duplicate" else column)
    assert found[0][2] == rows


@pytest.mark.parametrize("missing", [None, float("nan"), "NaN", "NA", "N/A", "", " ", "null"])
def test_missing_values_are_null(missing: object) -> None:
    frame = ROWS.with_columns(pl.Series("value", [missing, "3" if isinstance(missing, str) else 3.0]))
    assert SERIES.check(frame)["value"].to_list() == [None, 3.0]


def test_missing_numbers_are_a_fault_where_one_is_needed() -> None:
    strict = Contract("t", "", (Column("x", pl.Float64, ""),))
    assert kinds(pl.DataFrame({"x": [1.0, float("nan"), None]}), strict) == [("missing value", "x", (2, 3))]


def test_whole_numbers_stay_whole() -> None:
    strict = Contract("t", "", (Column("n", pl.Int64, "", minimum=0, maximum=9), Column("t", pl.String, "")))
    typed, faults = strict.inspect(pl.DataFrame({"n": [1.0, 1.5, 12.0], "t": [1.0, 2.5, 3.0]}))
    assert typed["n"].to_list() == [1, None, 12]
    assert typed["t"].to_list() == ["1", "2.5", "3"]
    assert [(f.kind, f.rows) for f in faults] == [("type", (2,)), ("too large", (3,))]


def test_full_width_digits_and_categories() -> None:
    frame = ROWS.with_columns(pl.Series("value", ["１２", "3"]), pl.col("location").cast(pl.Categorical))
    assert SERIES.check(frame)["value"].to_list() == [12.0, 3.0]


def test_rows_without_a_key_are_no_duplicates() -> None:
    frame = ROWS.with_columns(pl.lit(None, pl.String).alias("location"))
    assert kinds(frame) == [("missing value", "location", (1, 2))]


def test_vintages_make_a_row_another() -> None:
    frame = ROWS.with_columns(location=pl.lit("A"), as_of=pl.Series([dt.date(2024, 2, 1), dt.date(2024, 2, 8)]))
    assert kinds(frame) == []


def test_all_faults_at_once_with_the_files_row_numbers() -> None:
    frame = ROWS.drop("signal").with_columns(pl.Series("value", ["x", "-1"]))
    with pytest.raises(TableError) as caught:
        SERIES.check(frame, "cases.csv", rows=pl.Series([10, 20]))
    assert [(f.kind, f.rows) for f in caught.value.faults] == [
        ("missing column", ()),
        ("type", (10,)),
        ("negative", (20,)),
    ]
    assert "cases.csv can't be used" in str(caught.value)


def test_words_are_checked() -> None:
    frame = FORECASTS.empty().clear(1).with_columns(output_type=pl.lit("median"))
    assert ("unknown word", "output_type", (1,)) in kinds(frame, FORECASTS)


@pytest.mark.parametrize("contract", ALL, ids=lambda c: c.name)
def test_every_contract_accepts_its_own_empty_table(contract: Contract) -> None:
    empty = contract.empty()
    assert contract.check(empty).schema == empty.schema
    assert len(column_rows(contract)) == len(contract.columns)
    assert all(key in contract.names for key in contract.key)
