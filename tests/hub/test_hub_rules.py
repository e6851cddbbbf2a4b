"""The rules of a hub: a whole submission passes, and one change for each rule is refused by that rule's name."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from helpers_hub import CATEGORIES, PLACES, ROUND, days, flusight, rows_of, write_rows, write_tasks
from typer.testing import CliRunner

from salus.cli.app import app
from salus.errors import InputError
from salus.hub.rules import RULES, Terms, check_file, check_table
from salus.hub.tasks import read_tasks
from salus.workflows.hub import check_files

VALUE, HORIZON, TYPE, ID = pl.col("value"), pl.col("horizon"), pl.col("output_type"), pl.col("output_type_id")
WEEKLY = pl.col("target") == "wk inc flu hosp"
QUANTILE, SAMPLE = WEEKLY & (TYPE == "quantile"), TYPE == "sample"
FIRST = QUANTILE & (pl.col("location") == "01") & (HORIZON == "0")
NAME = f"{ROUND}-delta-grove.csv"


def change(column: str, where: pl.Expr, to: str | pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.when(where).then(to if isinstance(to, pl.Expr) else pl.lit(to))
                                          .otherwise(pl.col(column)).alias(column))  # fmt: skip


def drop(where: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.filter(~where.fill_null(value=False))


def double_horizon(rows: pl.DataFrame) -> pl.DataFrame:
    return change("horizon", HORIZON.is_not_null(), pl.format("{}.0", HORIZON))(rows)


def one_path(rows: pl.DataFrame) -> pl.DataFrame:
    """Two ids of one place run through other horizons than the rest: one is shorter, one a mixture of both."""
    return rows.filter(~(SAMPLE & (ID == "0100") & (HORIZON == "3")).fill_null(value=False))


def other_round(rows: pl.DataFrame) -> pl.DataFrame:
    return change("reference_date", pl.lit(value=True), days(ROUND, 2)[1])(rows)


ROWS = {
    "colnames": (lambda rows: rows.with_columns(note=pl.lit("x")), {"colnames"}),
    "col_types": (double_horizon, {"col_types", "valid_vals"}),
    "valid_round_id_col": (lambda rows: rows.drop("reference_date"), {"valid_round_id_col", "colnames"}),
    "unique_round_id": (
        change("reference_date", FIRST & (ID == "0.5"), days(ROUND, 2)[1]),
        {"unique_round_id", "req_vals", "horizon_timediff"},
    ),
    "match_round_id": (other_round, {"match_round_id", "horizon_timediff"}),
    "valid_vals": (change("location", FIRST, "1"), {"valid_vals"}),
    "derived_task_id_vals": (
        change("target_end_date", FIRST, "2031-01-01"), {"derived_task_id_vals", "horizon_timediff"},
    ),
    "rows_unique": (lambda rows: pl.concat([rows, rows.filter(FIRST & (ID == "0.5"))]), {"rows_unique"}),
    "req_vals": (drop(FIRST & (ID == "0.5")), {"req_vals"}),
    "value_col_valid": (change("value", FIRST & (ID == "0.01"), "-1"), {"value_col_valid"}),
    "value_col_non_desc": (change("value", FIRST & (ID == "0.5"), "1"), {"value_col_non_desc"}),
    "value_col_sum1": (
        change("value", (TYPE == "pmf") & (ID == "stable") & (pl.col("location") == "02"), "0.21"), {"value_col_sum1"},
    ),
    "spl_compound_taskid_set": (
        change("output_type_id", SAMPLE, pl.format("{}{}", ID, HORIZON)), {"spl_compound_taskid_set"},
    ),
    "spl_compound_tid": (
        change("output_type_id", SAMPLE & (pl.col("location") == "02"), ID.str.replace("^02", "01")),
        {"spl_compound_tid"},
    ),
    "spl_non_compound_tid": (one_path, {"spl_non_compound_tid"}),
    "spl_n": (drop(SAMPLE & ID.is_in(["0100"])), {"spl_n"}),
    "horizon_timediff": (change("target_end_date", FIRST, days(ROUND, 2)[1]), {"horizon_timediff"}),
    "counts_lt_popn": (change("value", FIRST & (ID == "0.99"), "1000000"), {"counts_lt_popn"}),
}  # fmt: skip
"""Rule -> a change of the rows, and every rule that this change breaks."""


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return write_tasks(tmp_path, flusight())


def broken(path: Path, tasks: Path, terms: Terms | None = None) -> set[str]:
    return {fault.kind for fault in check_file(path, read_tasks(tasks), terms)}


@pytest.mark.parametrize("version", ["2.0.0", "3.0.1", "4.0.1", "5.0.1", "6.0.0"])
def test_a_whole_submission_passes_under_every_schema_version(tmp_path: Path, version: str) -> None:
    tasks = write_tasks(tmp_path, flusight(version=version))
    people = Terms(population=dict.fromkeys(PLACES, 1e6))
    assert check_file(write_rows(tmp_path, rows_of()), read_tasks(tasks), people) == []


@pytest.mark.parametrize("rule", list(ROWS))
def test_one_change_of_the_rows_breaks_its_rule(tmp_path: Path, hub: Path, rule: str) -> None:
    alter, expected = ROWS[rule]
    path = write_rows(tmp_path, alter(rows_of()))
    assert broken(path, hub, Terms(population=dict.fromkeys(PLACES, 1e6))) == expected


def _misnamed(root: Path) -> Path:
    return write_rows(root, rows_of(), "2024-01-06-delta grove.csv")


def _elsewhere(root: Path) -> Path:
    return write_rows(root, rows_of(), folder="delta-ridge")


def _no_round(root: Path) -> Path:
    return write_rows(root, rows_of(), "2019-01-05-delta-grove.csv")


def _other_format(root: Path) -> Path:
    (root / "hub-config" / "admin.json").write_text(json.dumps({"file_format": ["parquet"]}), encoding="utf-8")
    return write_rows(root, rows_of())


def _undescribed(root: Path) -> Path:
    (root / "model-metadata").mkdir()
    return write_rows(root, rows_of())


def _unreadable(root: Path) -> Path:
    path = write_rows(root, rows_of(), f"{ROUND}-delta-grove.parquet")
    path.write_text("not a table", encoding="utf-8")
    return path


def _late(root: Path) -> Path:
    return write_rows(root, rows_of())


FILES = {
    "file_name": (_misnamed, {"file_name"}),
    "file_location": (_elsewhere, {"file_location"}),
    "round_id_valid": (_no_round, {"round_id_valid", "match_round_id"}),
    "submission_time": (_late, {"submission_time"}),
    "file_format": (_other_format, {"file_format"}),
    "metadata_exists": (_undescribed, {"metadata_exists"}),
    "file_read": (_unreadable, {"file_read"}),
}


@pytest.mark.parametrize("rule", list(FILES))
def test_one_change_of_the_file_breaks_its_rule(tmp_path: Path, hub: Path, rule: str) -> None:
    make, expected = FILES[rule]
    day = ROUND if rule == "submission_time" else ROUND - dt.timedelta(days=3)
    assert broken(make(tmp_path), hub, Terms(submitted=day)) == expected


def test_every_rule_has_a_change_that_breaks_it_and_a_meaning() -> None:
    assert {*ROWS, *FILES} == set(RULES)
    assert all(len(meaning) > 15 for meaning in RULES.values())


def test_all_faults_are_told_at_once(tmp_path: Path, hub: Path) -> None:
    rows = rows_of()
    for rule in ("value_col_valid", "value_col_sum1", "req_vals", "spl_n", "rows_unique"):
        rows = ROWS[rule][0](rows)
    path = write_rows(tmp_path, rows, "2024-01-06-delta-grove.csv", "delta-ridge")
    found = broken(path, hub)
    assert {"file_location", "value_col_valid", "value_col_sum1", "req_vals", "spl_n"} <= found


def test_the_command_names_rules_rows_and_remedies(tmp_path: Path, hub: Path) -> None:
    good = write_rows(tmp_path, rows_of())
    result = CliRunner().invoke(app, ["hub", "check", str(good), "--tasks", str(hub)])
    assert (result.exit_code, result.output) == (0, f"{good}: passes\n")
    bad = write_rows(tmp_path, change("value", FIRST & (ID == "0.01"), "-1")(rows_of()))
    result = CliRunner().invoke(app, ["hub", "check", str(bad), "--tasks", str(hub)])
    assert result.exit_code == 1
    assert "1 rule broken" in result.output
    assert "value_col_valid: column 'value', row " in result.output
    assert "found -1 for quantile, wanted at least 0" in result.output
    said = json.loads(CliRunner().invoke(app, ["hub", "check", str(bad), "--tasks", str(hub), "--json"]).output)
    assert [f["rule"] for f in said[0]["faults"]] == ["value_col_valid"]


def test_row_numbers_are_those_of_the_file(tmp_path: Path, hub: Path) -> None:
    rows = rows_of().with_row_index("n", offset=1)
    at = rows.filter(FIRST & (ID == "0.01"))["n"][0]
    path = write_rows(tmp_path, change("value", FIRST & (ID == "0.01"), "x")(rows_of()))
    fault = check_file(path, read_tasks(hub))[0]
    assert (fault.kind, fault.rows, fault.column) == ("value_col_valid", (at,), "value")


@pytest.mark.parametrize("required", [{"location": ["US"]}, {"horizon": [0, 1, 2, 3]}, {"target": ["wk inc flu hosp"]}])
def test_required_values_must_be_there_for_every_optional_one(tmp_path: Path, required: dict[str, list]) -> None:
    tasks = write_tasks(tmp_path, flusight(required=required))
    column, value = next((k, str(v[0])) for k, v in required.items())
    assert broken(write_rows(tmp_path, rows_of()), tasks) == set()
    lacking = rows_of().filter(~((pl.col(column) == value) & WEEKLY).fill_null(value=False))
    if column == "target":  # the only target of its block: without it nothing of the block is answered
        assert broken(write_rows(tmp_path, lacking), tasks) == set()
    else:
        assert broken(write_rows(tmp_path, lacking), tasks) == {"req_vals"}


def test_a_block_whose_every_column_is_required_must_be_answered(tmp_path: Path) -> None:
    every = {"target": ["wk inc flu hosp"], "horizon": [-1, 0, 1, 2, 3], "location": PLACES}
    tasks = flusight(required=every, quantile_required=True)
    tasks["rounds"][0]["model_tasks"] = tasks["rounds"][0]["model_tasks"][1:2]
    hub = read_tasks(write_tasks(tmp_path, tasks))
    weekly = rows_of().filter(WEEKLY)
    assert check_table(weekly, hub, str(ROUND)) == []
    assert [f.kind for f in check_table(weekly.filter(TYPE == "sample"), hub, str(ROUND))] == ["req_vals"]
    assert [f.kind for f in check_table(weekly.clear(), hub, str(ROUND))] == ["unique_round_id", "req_vals"]


def test_whole_numbers_are_demanded_where_the_hub_wants_them(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path, flusight(whole=True))
    whole = VALUE.cast(pl.Float64).round().cast(pl.Int64).cast(pl.String)
    rows = change("value", TYPE == "quantile", whole)(rows_of())
    assert broken(write_rows(tmp_path, rows), tasks) == set()
    rows = change("value", FIRST & (ID == "0.5"), "200.5")(rows)
    faults = check_file(write_rows(tmp_path, rows), read_tasks(tasks))
    assert [f.kind for f in faults] == ["value_col_valid"]
    assert "a whole number" in str(faults[0])


def test_samples_may_span_more_than_the_hub_asks(tmp_path: Path, hub: Path) -> None:
    national = change("output_type_id", SAMPLE, ID.str.replace("^(US|01|02)", "p"))(rows_of())
    assert broken(write_rows(tmp_path, national), hub) == set()


def test_types_of_parquet_columns_are_looked_at(tmp_path: Path, hub: Path) -> None:
    rows = rows_of().with_columns(
        pl.col("reference_date", "target_end_date").str.to_date(), HORIZON.cast(pl.Int32), VALUE.cast(pl.Float64)
    )
    path = tmp_path / "model-output" / "delta-grove" / f"{ROUND}-delta-grove.parquet"
    path.parent.mkdir(parents=True)
    rows.write_parquet(path)
    assert broken(path, hub) == set()
    rows.with_columns(HORIZON.cast(pl.Float64)).write_parquet(path)
    assert "col_types" in broken(path, hub)


def test_level_with_trailing_zero_is_refused_beside_text_ids_as_the_hub_does(tmp_path: Path, hub: Path) -> None:
    assert CATEGORIES  # text ids make the whole column text
    rows = change("output_type_id", FIRST & (ID == "0.5"), "0.50")(rows_of())
    assert broken(write_rows(tmp_path, rows), hub) == {"valid_vals", "req_vals"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "file_read: can't read "),
        (",".join(rows_of().columns) + "\n", "unique_round_id: column 'reference_date': found no rows"),
    ],
    ids=["empty", "header only"],
)
def test_a_file_without_rows_is_refused_in_words(tmp_path: Path, hub: Path, text: str, said: str) -> None:
    path = tmp_path / NAME
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["hub", "check", str(path), "--tasks", str(hub), "--draft"])
    assert result.exit_code == 1
    assert said in result.output


def test_places_without_population_are_no_use_to_the_check(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "places.csv").write_text("location,name\n01,Alabama\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no column 'population'"):
        check_files([tmp_path / NAME], hub, locations=tmp_path / "places.csv")
