"""Which columns of Parquet files engines read alike, and which files are left to one of them."""

import datetime as dt

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.data import parquet_columns
from salus.sources.linelist import open_linelist

DAY = pa.array([dt.date(2024, 1, 4)])
READ = {"person_id": pa.array(["p"]), "visit_date": DAY, "district": pa.array(["A1"]), "icd10": pa.array(["J10.1"])}


def write(path, **other):
    pq.write_table(pa.table(READ | other), path)
    return path


def test_a_line_list_of_text_days_and_whole_numbers_is_read_alike(tmp_path):
    found = open_linelist([write(tmp_path / "a.parquet", age=pa.array([7], pa.uint8()))]).columns()
    assert {name: column.kind for name, column in found.items()} == {
        "person": "text", "date": "date", "district": "text", "code": "text", "age": "whole"
    }  # fmt: skip
    assert [name for name, column in found.items() if column.trimmed] == ["person"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("person_id", pa.array([1.0])),
        ("person_id", pa.array([b"p"])),
        ("person_id", pa.array([True])),
        ("person_id", pa.array([1], pa.decimal128(12, 2))),
        ("icd10", pa.array([["J10.1"]])),
        ("icd10", DAY),
        ("visit_date", pa.array(["2024-01-04"])),
        ("visit_date", pa.array([20240104])),
        ("age", pa.array(["7"])),
        ("age", pa.array([7.0])),
    ],
    ids=["float", "bytes", "truth", "decimal", "list", "code day", "day text", "day number", "age text", "age float"],
)
def test_what_engines_read_differently_is_left_to_one(tmp_path, column, values):
    assert open_linelist([write(tmp_path / "a.parquet", **{column: values})]).columns() is None


def test_names_and_packings_that_spark_passes_over_are_left_to_duckdb(tmp_path):
    for name in ("_a.parquet", ".b.parquet"):
        assert parquet_columns.kinds([write(tmp_path / name)], ["icd10"]) is None
    packed = tmp_path / "c.parquet"
    pq.write_table(pa.table(READ), packed, compression="brotli")
    assert parquet_columns.kinds([packed], ["icd10"]) is None


def test_files_whose_columns_differ_in_kind_are_left_to_duckdb(tmp_path):
    time = pa.array([dt.datetime(2024, 1, 4, tzinfo=dt.UTC)])
    files = [
        write(tmp_path / "a.parquet", visit_date=time.cast(pa.timestamp("us"))),
        write(tmp_path / "b.parquet", visit_date=time.cast(pa.timestamp("us", "UTC"))),
    ]
    assert [parquet_columns.kinds([f], ["visit_date"]) for f in files] == [
        {"visit_date": "timestamp"},
        {"visit_date": "instant"},
    ]
    assert open_linelist(files).columns() is None


def test_text_files_are_left_to_duckdb(tmp_path):
    pl.DataFrame({name: values.to_pylist() for name, values in READ.items()}).write_csv(tmp_path / "a.csv")
    assert open_linelist([tmp_path / "a.csv"]).columns() is None
