"""validate and recalibrate: what can't be right is named and left out, or stops; never scored, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_survey import survey
from typer.testing import CliRunner

from salus.cli.app import app
from salus.copd import performance as measure
from salus.copd.admission import admitted
from salus.copd.cohort import design_of
from salus.copd.fitting import expit
from salus.copd.model import RiskModel
from salus.copd.recalibration import recalibrate, recalibrate_file
from salus.copd.validation import Validation, validate
from salus.data.provenance import hash_file
from salus.errors import InputError

PEOPLE = survey(300).with_columns(pl.col("pef_lps").clip(1, 16), pl.col("smk_years").fill_null(0))
PEOPLE = PEOPLE.with_columns(pl.when(pl.col("smk_status") != "current").then("smk_years").otherwise(20.0))
FEW = pl.int_range(pl.len()) < 3
MODELS = {tier: RiskModel.load("y_mod", tier) for tier in "AB"}
Change = Callable[[pl.DataFrame], pl.DataFrame]


def judged(table: pl.DataFrame) -> Validation:
    return validate(table, models=list(MODELS.values()), replicates=10)


def whole(found: Validation, tier: str = "A") -> dict[str, object]:
    return next(r for r in found.rows if (r["tier"], r["subgroup"]) == (tier, "all"))


WRONG_COLUMNS: dict[str, tuple[Change, str]] = {
    "pounds": (lambda t: t.with_columns(pl.col("weight_kg") * 2.2046), r"weight_kg can't be right for .*pounds"),
    "some pounds": (
        lambda t: t.with_columns(
            pl.when(pl.int_range(pl.len()) % 8 == 0).then(pl.col("weight_kg") * 2.2046).otherwise("weight_kg")
        ),
        r"weight_kg can't be right for .*pounds",
    ),
    "feet": (lambda t: t.with_columns(pl.col("height_cm") / 30.48), r"height_cm can't be right for 300 of 300.*feet"),
    "flow": (lambda t: t.with_columns(pl.col("pef_lps") * 60), r"pef_lps can't be right for .*column of L/s"),
    "never smoked": (lambda t: t.with_columns(pl.lit("never").alias("smk_status")), r"smk_\w+ can't be right for"),
    "codes": (
        lambda t: t.with_columns(pl.col("dyspnea_exertion") + 1),
        r"dyspnea_exertion can't be right for .*can't be read",
    ),
    "percent": (lambda t: t.with_columns(pl.lit(170.0).alias("income_percentile")), r"income_percentile can't be"),
}


@pytest.mark.parametrize("kind", list(WRONG_COLUMNS))
def test_a_column_in_another_unit_stops_and_is_named(kind: str) -> None:
    change, words = WRONG_COLUMNS[kind]
    with pytest.raises(InputError, match=words):
        validate(change(PEOPLE))
    with pytest.raises(InputError, match=words):
        recalibrate(change(PEOPLE), "Yuzhong", MODELS["A"])


WRONG_ROWS: dict[str, tuple[pl.Expr, str]] = {
    "weight": (pl.when(FEW).then(900.0).otherwise("weight_kg").alias("weight_kg"), "weight_kg: 3 of 300 people are"),
    "cigarettes": (pl.when(FEW).then(-5.0).otherwise("smk_cpd").alias("smk_cpd"), "smk_cpd: 3 of 300 people are"),
    "wheeze": (pl.when(FEW).then(7.0).otherwise("wheeze_12mo").alias("wheeze_12mo"), "wheeze_12mo: 3 of 300"),
    "smoking": (pl.when(FEW).then(pl.lit("pipe")).otherwise("smk_status").alias("smk_status"), "smk_status: 3 of 300"),
    "flow": (pl.when(FEW).then(400.0).otherwise("pef_lps").alias("pef_lps"), "pef_lps: 3 of 300 people are left out"),
    "age": (
        pl.when(FEW).then(150).otherwise("age").alias("age"),
        "age: 3 of 300 rows are left out, such as one of 150",
    ),
    "weights": (pl.when(FEW).then(-1.0).otherwise("wt_mec_6yr").alias("wt_mec_6yr"), "for 3 of 300 people"),
}


@pytest.mark.parametrize("kind", list(WRONG_ROWS))
def test_a_row_that_cannot_be_right_is_left_out_and_counted(kind: str) -> None:
    change, words = WRONG_ROWS[kind]
    who = admitted(PEOPLE.with_columns(change))
    assert who.people["seqn"].to_list() == PEOPLE["seqn"][3:].to_list()
    assert any(words in note for note in who.notes), who.notes


def test_a_contradiction_is_left_out_and_the_unusual_is_kept() -> None:
    never = PEOPLE.with_columns(
        pl.when(FEW).then(pl.lit("never")).otherwise("smk_status").alias("smk_status"),
        pl.when(FEW).then(20.0).otherwise("smk_cpd").alias("smk_cpd"),
    )
    who = admitted(never)
    assert who.people.height == 297
    assert any("smoking is never, but cigarettes a day is 20" in note for note in who.notes)
    heavy = PEOPLE.with_columns(pl.when(FEW).then(165.0).otherwise("weight_kg").alias("weight_kg"),
                                pl.when(FEW).then(170.0).otherwise("height_cm").alias("height_cm"),
                                pl.lit(None).alias("waist_cm"))  # fmt: skip
    who = admitted(heavy)
    assert who.people.height == 300
    assert who.notes == ("weight_kg: 3 of 300 people have an unusual value, which assess would ask to confirm; they "
                         "are taken as right",)  # fmt: skip
    assert admitted(heavy.with_columns(pl.lit("weight_kg").alias("confirmed"))).notes == ()
    with pytest.raises(InputError, match="nobody whose answers can be right among 4 people"):
        admitted(PEOPLE.head(4).with_columns(pl.col("height_cm") / 100))


def test_nothing_is_said_of_or_changed_in_a_table_that_is_right() -> None:
    who = admitted(PEOPLE)
    assert who.notes == ()
    assert who.people.equals(PEOPLE)


def test_each_person_counts_once() -> None:
    twice = admitted(pl.concat([PEOPLE, PEOPLE]))
    assert twice.people.equals(PEOPLE)
    assert twice.notes[0] == "300 of 600 rows repeat another one (seqn): each counts once"
    again = admitted(pl.concat([PEOPLE, PEOPLE.with_columns(pl.col("waist_cm") + 1)]))
    assert again.people.height == 600
    assert "300 of 600 rows have the seqn of another one and other values" in again.notes[0]
    assert admitted(pl.concat([PEOPLE, PEOPLE]).drop("seqn")).people.height == 600


@pytest.mark.parametrize("weight", [-2.0, 0.0, 1e300, float("inf")])
def test_weights_that_are_none_are_told_as_such(weight: float) -> None:
    table = PEOPLE.with_columns(pl.lit(weight).alias("wt_mec_6yr"))
    for act in (validate, lambda t: recalibrate(t, "Yuzhong", MODELS["A"])):
        with pytest.raises(InputError, match="wt_mec_6yr is a number of people above 0 for nobody of 300"):
            act(table)


@pytest.mark.parametrize("column", ["age", "spiro_ok", "wt_mec_6yr", "stratum", "race5", "cough_3mo", "y_mod"])
@pytest.mark.parametrize("value", [[1, 2], b"1", date(2026, 1, 1)], ids=["list", "bytes", "date"])
def test_a_column_of_another_kind_is_named(column: str, value: object) -> None:
    with pytest.raises(InputError, match=f"column {column} holds"):
        admitted(PEOPLE.with_columns(pl.Series(column, [value] * PEOPLE.height)))
    with pytest.raises(InputError, match=r"height_cm can't be right for 300 of 300 people .*can't be read"):
        admitted(PEOPLE.with_columns(pl.lit(value=True).alias("height_cm")))


def test_columns_are_read_by_every_name_and_unit_that_assess_takes() -> None:
    words = PEOPLE.with_columns(
        (pl.col("pef_lps") * 60).alias("pef_lpm"), (pl.col("weight_kg") / 0.45359237).alias("weight_lb"),
        pl.when(pl.col("male") == 1).then(pl.lit("男")).otherwise(pl.lit("女")).alias("gender"),
        pl.when(pl.col("cough_3mo") == 1).then(pl.lit("Yes")).otherwise(pl.lit("no")).alias("cough_3mo"),
        pl.when(pl.col("y_mod") == 1).then(pl.lit("TRUE")).otherwise(pl.lit("False")).alias("y_mod"),
        pl.lit("true").alias("spiro_ok"), pl.col("smk_status").replace({"former": "ex-smoker"}),
    ).drop("pef_lps", "weight_kg", "male")  # fmt: skip
    said, plain = judged(words), judged(PEOPLE)
    assert said.notes == plain.notes
    for one, other in zip(said.rows, plain.rows, strict=True):
        assert one["n"] == other["n"]
        assert np.isclose(one["auroc"] or 0, other["auroc"] or 0, atol=1e-4)
        assert np.isclose(one["observed_expected"], other["observed_expected"], atol=1e-4)
    missing = PEOPLE.with_columns(pl.when(~FEW).then("male"))
    assert admitted(missing).people.height == 300  # a sex that is not known is no mistake
    with pytest.raises(InputError, match="two columns for weight"):
        admitted(words.with_columns(pl.lit(70).alias("weight_jin")))


def test_tier_b_is_judged_over_those_with_a_flow() -> None:
    without = judged(PEOPLE.drop("pef_lps"))
    assert {r["tier"] for r in without.rows} == {"A"}
    assert any("no column pef_lps: tier B, which takes a peak flow, is not judged" in n for n in without.notes)
    half = PEOPLE.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then("pef_lps").otherwise(float("nan")))
    found = judged(half)
    assert whole(found)["n"] == 300
    assert whole(found, "B")["n"] == 150
    assert any("no pef_lps for 150 of 300 people: tier B is judged over the others" in n for n in found.notes)
    with pytest.raises(InputError, match="no peak flow in pef_lps, which tier B takes"):
        recalibrate(PEOPLE.drop("pef_lps"), "Yuzhong", MODELS["B"])


def test_percentiles_stand_for_education_and_income() -> None:
    table = PEOPLE.drop("education", "poverty_ratio").with_columns(
        pl.lit("17").alias("income_percentile"), pl.lit(50.0).alias("education_percentile")
    )
    found = judged(table)
    assert not any("education" in note or "poverty_ratio" in note for note in found.notes)
    richer = judged(table.with_columns(pl.lit("83").alias("income_percentile")))
    assert whole(found)["observed_expected"] < whole(richer)["observed_expected"]  # type: ignore[operator] - numbers


def test_bounds_without_a_design_are_over_persons_and_never_of_no_width() -> None:
    for alone in (PEOPLE.with_columns(stratum=1, psu=1), PEOPLE.with_columns(psu=1)):
        found = judged(alone)
        row = whole(found)
        assert row["auroc_lower"] < row["auroc"] < row["auroc_upper"]  # type: ignore[operator] - numbers
        assert any("one sampling unit in each stratum" in note for note in found.notes)
        assert design_of(alone).freedom == 299
    one = pl.when(pl.col("stratum") == 1).then(1).otherwise("psu").alias("psu")
    assert "strata have one sampling unit each" in " ".join(design_of(PEOPLE.with_columns(one)).notes)
    for row in judged(PEOPLE).rows:
        assert row["auroc_lower"] is None or row["auroc_lower"] < row["auroc_upper"]


def test_labels_of_units_are_of_any_type() -> None:
    plain = judged(PEOPLE)
    for text in (pl.col("psu").cast(pl.String) + "x", pl.col("psu").cast(pl.String), pl.col("psu").cast(pl.Float32)):
        assert judged(PEOPLE.with_columns(text.alias("psu"))).rows == plain.rows
    blank = PEOPLE.with_columns(pl.when(FEW).then(pl.lit(" ")).otherwise(pl.col("psu").cast(pl.String)).alias("psu"))
    assert any("stratum or psu is missing" in note for note in admitted(blank).notes)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_cannot_be_fitted_is_left_open_with_a_note() -> None:
    p, w = np.array([0.1, 0.2, 0.3, 0.9]), np.ones(4)
    for y in ([0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]):
        slope, _ = measure.calibration(np.array(y, dtype=float), p, w)
        assert np.isnan(slope)
    sure, (slope, _) = np.array([0.0, 0.0, 1.0, 1.0]), measure.calibration(np.array([0, 1.0, 0, 1]), p, w)
    assert np.isfinite(slope)
    assert np.isfinite(measure.calibration(np.array([0, 1.0, 0, 1]), sure, w)[0])
    alike = pl.DataFrame({"age": [50] * 40, "spiro_ok": [1] * 40, "y_mod": [0, 1] * 20})
    found = judged(alike)
    assert whole(found)["auroc"] == 0.5
    assert whole(found)["slope"] is None
    assert whole(found)["auroc_lower"] is None
    told = " ".join(found.notes)
    assert "y_mod, tier A: no slope can be fitted" in told
    assert "y_mod, tier A: the bootstrap samples give no bounds" in told
    with pytest.raises(InputError, match="are all alike, or part those with y_mod"):
        recalibrate(alike, "Yuzhong", MODELS["A"])
    single = judged(pl.concat([PEOPLE.filter(pl.col("y_mod") == 0).head(60), PEOPLE.filter(pl.col("y_mod") == 1)[:1]]))
    assert whole(single)["events"] == 1
    assert whole(single)["slope"] is None
    assert any("y_mod: 1 of 61 people have it" in note for note in single.notes)


def test_a_file_of_five_columns_gets_a_list_and_an_empty_one_an_error(tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    PEOPLE.select("age", "male", "smk_status", "spiro_ok", "y_mod").head(150).write_csv(path)
    said = CliRunner().invoke(app, ["copd", "validate", str(path), "--json"])
    assert said.exit_code == 0, said.output
    assert {(r["outcome"], r["tier"]) for r in json.loads(said.stdout)} == {("y_mod", "A")}
    for text, words in (("", "can't be read as a table"), ("age,male,spiro_ok,y_mod\n", "has no rows")):
        path.write_text(text, encoding="utf-8")
        said = CliRunner().invoke(app, ["copd", "validate", str(path), "--json"])
        assert isinstance(said.exception, InputError)
        assert words in str(said.exception)


def test_recalibrate_says_what_was_not_asked_and_where_it_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, large = np.random.default_rng(4), survey(4000, seed=8)
    few = large.select("age", "male", "smk_status", "smk_years", "spiro_ok")
    p = MODELS["A"].predict(few)["probability"].to_numpy()
    log_odds = 0.5 + 1.5 * np.log(p / (1 - p))
    few = few.with_columns(pl.Series("y_mod", (chance.random(len(p)) < expit(log_odds)).astype(float)))
    path, out = tmp_path / "few.parquet", tmp_path / "ours.json"
    few.write_parquet(path)
    said = CliRunner().invoke(app, ["copd", "recalibrate", str(path), "--where", "Yuzhong", "--out", str(out)])
    assert said.exit_code == 0, said.output
    for words in ("everybody counts once", "height_cm, weight_kg", "answers that nobody gave"):
        assert words in said.stderr
    assert "nobody gave" in " ".join(RiskModel.read(out).calibration["notes"])
    own = replace(MODELS["A"], provenance={"training": [{"sha256": hash_file(path).sha256}]})
    monkeypatch.setattr(RiskModel, "load", lambda outcome="y_mod", tier="A": own)
    assert "trained on this very file" in recalibrate_file(path, "Yuzhong").calibration["notes"][0]
    with pytest.raises(InputError, match="column y_mod has other values than 0, 1"):
        recalibrate(few.with_columns(pl.col("y_mod") * 2), "Yuzhong", own)
