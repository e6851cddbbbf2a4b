"""Many people: the same numbers as for each of them alone, in any order, in any batches, here and on Spark."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_people import SMOKER
from helpers_record_wall import KEY, a_wall

from salus.copd import model as model_module
from salus.copd import people_files
from salus.copd.assessment import ASKED_FOR, SHOWN, assess_person
from salus.copd.design import Quantities, Term
from salus.copd.model import RiskModel
from salus.copd.patterns import alike
from salus.copd.people import assess_file, assess_table
from salus.copd.record_wall import assess_records
from salus.data import spark
from salus.errors import InputError


def at_random(size: int, seed: int = 3) -> pl.DataFrame:
    """People of whom anything may be missing, one in twenty with an age of 150."""
    rng = np.random.default_rng(seed)
    status = rng.choice(["never", "former", "current"], size)
    smoked = status != "never"
    yes_no = ("cough_3mo", "phlegm_3mo", "dyspnea_exertion", "chest_pain", "asthma_ever", "diabetes", "wheeze_12mo")
    whole = pl.DataFrame(
        {
            "age": np.where(rng.uniform(size=size) < 0.05, 150, rng.integers(40, 80, size)).astype(float),
            "sex": rng.choice(["male", "female"], size),
            "height_cm": rng.normal(168, 8, size).round(1),
            "weight_kg": rng.normal(75, 8, size).round(1),
            "smk_status": status,
            "smk_years": np.where(smoked, rng.integers(1, 34, size), 0).astype(float),
            "smk_cpd": np.where(smoked, rng.integers(1, 40, size), 0).astype(float),
            "gen_health": rng.integers(1, 6, size).astype(float),
            "pef_lpm": rng.normal(420, 80, size).round(),
            "fev1_l": rng.uniform(1, 3, size).round(2),
            "fvc_l": rng.uniform(3, 5, size).round(2),
            **{name: (rng.uniform(size=size) < 0.2).astype(float) for name in yes_no},
        }
    )
    often = {"fev1_l": 0.9, "fvc_l": 0.9, "pef_lpm": 0.6, "sex": 0.02, "smk_status": 0.02}
    gone = [
        pl.when(pl.Series(rng.uniform(size=size) >= often.get(name, 0.1))).then(pl.col(name)).alias(name)
        for name in whole.columns
    ]
    return whole.with_columns(gone).with_row_index("id")


def test_each_of_many_gets_the_numbers_that_they_get_alone() -> None:
    many = at_random(250)
    table = assess_table(many, outcomes=(*SHOWN, ASKED_FOR))
    assert table.filter(pl.col("refused").is_null())["tier"].n_unique() == 3
    scored = 0
    for row, found in zip(many.drop("id").iter_rows(named=True), table.iter_rows(named=True), strict=True):
        answers = {name: value for name, value in row.items() if value is not None}
        if found["refused"] is not None or found["tier"] == "C" or scored == 60:
            continue
        said = assess_person(answers)
        numbers = {risk.outcome: risk.probability for risk in said.risks}
        numbers |= {"lower": said.primary.lower, "upper": said.primary.upper}
        assert {name: found[name] for name in numbers} == pytest.approx(numbers, abs=1e-12, rel=1e-9)
        scored += 1
    assert scored == 60


@pytest.mark.parametrize("tier", ["A", "B"])
def test_neither_order_nor_chunks_nor_what_is_remembered_change_a_number(
    monkeypatch: pytest.MonkeyPatch, tier: str
) -> None:
    packaged = RiskModel.load("y_llngl", tier)
    people = at_random(300).with_columns(
        male=(pl.col("sex") == "male").cast(pl.Float64), pef_lps=pl.col("pef_lpm") / 60
    )
    whole = packaged.predict(people)
    turned = np.random.default_rng(1).permutation(people.height)
    monkeypatch.setattr(model_module, "_CHUNK", 7)
    monkeypatch.setattr(model_module, "_MOST_PATTERNS", 2)
    fresh = model_module.from_json(packaged.as_json(), "the same")
    again = fresh.predict(people[turned.tolist()])
    assert len(fresh._fillings) == 2
    np.testing.assert_allclose(again.to_numpy(), whole.to_numpy()[turned], rtol=1e-6)  # its file has 8 digits
    np.testing.assert_allclose(
        packaged.predict(people[turned.tolist()]).to_numpy(), whole.to_numpy()[turned], rtol=1e-10
    )


def test_rows_alike_in_what_is_missing_stand_together_however_many_terms_there_are() -> None:
    terms = [Term("age", ("age",)), Term("sex", ("male",))] * 40
    people = pl.DataFrame({"age": [50.0, None, 60.0, None], "male": [1.0, 0.0, None, 1.0]})
    found = alike(Quantities(people), terms, np.zeros(80))
    assert [found.order[rows].tolist() for rows, _ in found.runs] == [[0], [1, 3], [2]]
    assert [int(lost.sum()) for _, lost in found.runs] == [0, 40, 40]
    assert found.back(found.x)[:, :2].tolist() == [[50, 1], [0, 0], [60, 0], [0, 1]]


def test_nobody_is_no_row() -> None:
    nobody = at_random(3).clear()
    assert RiskModel.load("y_mod", "A").predict(nobody.with_columns(male=pl.lit(1.0))).height == 0
    assert assess_table(nobody).height == 0


@pytest.mark.slow
def test_spark_writes_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, empty = tmp_path / "people.parquet", tmp_path / "nobody.parquet"
    many = at_random(600)
    many.write_parquet(source, row_group_size=170)
    many.clear().write_parquet(empty)
    monkeypatch.setattr(people_files, "BATCH", 64)
    wanted = assess_file(source, tmp_path / "here.parquet")
    (tmp_path / "work").mkdir()
    session = spark.begin("local[1]", tmp_path / "work", "800MB", {"spark.sql.codegen.wholeStage": "false"})
    try:
        tally = assess_file(source, tmp_path / "there.parquet", engine="local[1]")
        none = assess_file(empty, tmp_path / "none.parquet", engine="local[1]")
        records = assess_records(a_wall(tmp_path), key=KEY, engine="local[1]").file.read_bytes()
    finally:
        session.stop()
    here, there = pl.read_parquet(tmp_path / "here.parquet"), pl.read_parquet(tmp_path / "there.parquet")
    assert here.columns == there.columns
    numbers = [name for name in here.columns if here[name].dtype.is_float()]
    assert here.drop(numbers).equals(there.drop(numbers))
    for name in numbers:
        assert here[name].is_null().equals(there[name].is_null())
        np.testing.assert_allclose(here[name].drop_nulls(), there[name].drop_nulls(), rtol=1e-12)
    assert tally.as_dict() == wanted.as_dict()
    assert (none.rows, pl.read_parquet(tmp_path / "none.parquet").columns) == (0, here.columns)
    assert stat.S_IMODE((tmp_path / "there.parquet").stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".copd-*"))
    assert assess_records(tmp_path / "wall", key=KEY).file.read_bytes() == records


def test_another_engine_is_refused_with_what_to_do(tmp_path: Path) -> None:
    pl.DataFrame([SMOKER]).write_csv(tmp_path / "people.csv")
    with pytest.raises(InputError, match="takes one Parquet file of people"):
        assess_file(tmp_path / "people.csv", tmp_path / "out.parquet", engine="local[2]")
    with pytest.raises(InputError, match="there is no engine 'flink'"):
        assess_file(tmp_path / "people.csv", tmp_path / "out.parquet", engine="flink")
