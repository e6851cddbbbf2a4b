"""validate and recalibrate: rows, questionnaires, tables without a design, too few people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_survey import survey
from typer.testing import CliRunner

from salus.cli.app import app
from salus.copd.approximations import MAPPINGS, NEEDED, approximated
from salus.copd.fitting import expit
from salus.copd.instruments import INSTRUMENTS, LEFT_OUT
from salus.copd.model import RiskModel
from salus.copd.recalibration import RATIO_ERROR, SLOPE_ERROR, needed, recalibrate
from salus.copd.validation import JUDGED, validate, validate_file
from salus.errors import InputError

SURVEY = survey(1500).with_columns(pl.col("pef_lps").clip(1, 16))
WANTED = {"outcome", "subgroup", "n", "events", "auroc", "auroc_lower", "auroc_upper", "auprc", "brier", "slope",
          "intercept", "observed_expected", "sensitivity_at_90_specificity", "net_benefit"}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> list[dict[str, object]]:
    return validate(SURVEY, replicates=40).rows


def test_a_row_for_each_outcome_scorer_and_subgroup(found: list[dict[str, object]]) -> None:
    assert all(set(row) >= WANTED and ("tier" in row) != ("instrument" in row) for row in found)
    whole = [r for r in found if r["subgroup"] == "all"]
    scorers = {(r["outcome"], r.get("tier") or r["instrument"]) for r in whole}
    assert scorers == {(o, s) for o in JUDGED for s in ("A", "B", "cdq", "puma", "lfq")}
    groups = {str(r["subgroup"]) for r in found}
    for kind in ("sex: ", "age: ", "smoking: ", "ethnicity: "):
        assert sum(g.startswith(kind) for g in groups) >= 2
    for row in whole:
        assert row["auroc_lower"] < row["auroc"] < row["auroc_upper"]  # type: ignore[operator] - numbers in whole rows
        assert list(row["net_benefit"]) == ["0.05", "0.10", "0.15", "0.20", "0.25", "0.30"]  # type: ignore[call-overload] - a mapping
        assert row["approximate"] == ("instrument" in row)


def test_a_row_is_weighted_and_over_its_people(found: list[dict[str, object]]) -> None:
    row = next(r for r in found if (r["outcome"], r.get("tier"), r["subgroup"]) == ("y_070", "A", "sex: female"))
    kept = SURVEY.filter(pl.col("y_070").is_not_null(), pl.col("male") == 0)
    parts = [RiskModel.load(o, "A").predict(kept)["probability"].to_numpy() for o in ("y_070", "y_mod", "y_post070")]
    p = np.max(parts, axis=0)
    w, y = kept["wt_mec_6yr"].to_numpy(), kept["y_070"].to_numpy()
    assert row["n"] == kept.height
    assert row["events"] == y.sum()
    assert np.isclose(row["observed_expected"], (w * y).sum() / (w * p).sum(), atol=1e-4)
    assert np.isclose(row["brier"], np.average((y - p) ** 2, weights=w), atol=1e-4)


def test_the_command_answers_a_list_and_notes_apart(tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    SURVEY.head(400).drop("psu", "stratum", "wt_mec_6yr", "y_lln12", "diabetes").write_csv(path)
    said = CliRunner().invoke(app, ["copd", "validate", str(path), "--json"])
    assert said.exit_code == 0, said.output
    rows = json.loads(said.stdout)
    assert {r["outcome"] for r in rows} == {"y_mod", "y_llngl", "y_070"}
    for words in ("everybody counts once", "bounds are too narrow", "no column y_lln12", "no column diabetes"):
        assert words in said.stderr
    shown = CliRunner().invoke(app, ["copd", "validate", str(path)])
    assert "Questionnaires are approximate" in shown.stdout
    assert "y_llngl" in shown.stdout
    assert "lfq" in shown.stdout


def _nothing(*names: str) -> list[pl.Expr]:
    return [pl.lit(None).alias(name) for name in names]


OTHERS = {
    "no outcome, a column less": (
        lambda t: t.drop("y_mod", "diabetes", "pef_lps"),
        {"no column y_mod: ", "no column diabetes: taken as answers that nobody gave",
         "no column pef_lps: tier B, which takes a peak flow, is not judged"},
        {"y_lln12", "y_llngl", "y_070"},
    ),
    "empty columns": (
        lambda t: t.with_columns(_nothing("y_lln12", "hayfever_12mo", "education", "race5", "smk_status", "stratum")),
        {"no value in y_lln12: ", "no value in education, smk_status: taken as", "the questionnaire puma is not judged",
         "bounds are too narrow"},
        {"y_mod", "y_llngl", "y_070"},
    ),
    "not a number": (
        lambda t: t.with_columns(pl.lit(float("nan")).alias(name) for name in ("y_070", "wt_mec_6yr", "gen_health")),
        {"no value in y_070: ", "everybody counts once", "no value in gen_health: "},
        {"y_mod", "y_lln12", "y_llngl"},
    ),
    "some weights missing": (
        lambda t: t.with_columns(pl.when(pl.int_range(pl.len()) % 50 > 0).then("wt_mec_6yr"),
                                 pl.when(pl.int_range(pl.len()) % 90 > 0).then("psu")),
        {"is missing or not positive for 8 of 400 people, who are left out", "taken as a stratum of their own"},
        set(JUDGED),
    ),
    "other types": (
        lambda t: t.with_columns(pl.col("age", "y_mod").cast(pl.String), pl.col("spiro_ok") == 1, pl.col("y_070") == 1,
                                 pl.col("smk_status").str.to_uppercase(),
                                 pl.when(pl.col("male") == 1).then(pl.lit("Male")).otherwise(pl.lit("female"))
                                 .alias("male")),
        set(),
        set(JUDGED),
    ),
}  # fmt: skip
"""What another country's file may be like, what is told of it, and the outcomes that are judged."""


@pytest.mark.parametrize("kind", list(OTHERS))
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_file_of_another_country_gets_every_row_that_can_be_had(tmp_path: Path, kind: str, form: str) -> None:
    change, told, outcomes = OTHERS[kind]
    path = tmp_path / f"theirs.{form}"
    table = change(SURVEY.head(400))
    table.write_csv(path) if form == "csv" else table.write_parquet(path)
    said = validate_file(path, replicates=20)
    for words in told:
        assert any(words in note for note in said.notes), said.notes
    assert {row["outcome"] for row in said.rows} == outcomes
    for outcome in outcomes:
        rows = [row for row in said.rows if row["outcome"] == outcome]
        assert {row["tier"] for row in rows if "tier" in row} == ({"A", "B"} if "pef_lps" in table.columns else {"A"})
        for row in rows:
            assert set(row) >= WANTED
            if row["auroc"] is not None and row["subgroup"] == "all":
                assert row["auroc_lower"] <= row["auroc"] <= row["auroc_upper"]
    if kind == "other types":
        plain = validate(SURVEY.head(400), replicates=20).rows
        assert json.dumps(said.rows, sort_keys=True) == json.dumps(plain, sort_keys=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.lit("80+").alias("age"), "column age has '80.' in row 1"),
        (pl.lit("missing").alias("cough_3mo"), "column cough_3mo has 'missing' in row 1"),
        (pl.lit(2).alias("smk_status"), "smk_status has numbers; never, former or current"),
        (pl.lit(None).alias("spiro_ok"), "nobody aged 40 to 79 with spiro_ok = 1 among its 50 rows"),
        ([pl.lit(None).alias(name) for name in JUDGED], "none of the outcomes y_mod, y_lln12, y_llngl, y_070"),
    ],
    ids=["age in words", "answer in words", "smoking in codes", "no spirometry", "no outcome"],
)
def test_what_cannot_be_read_is_named(change: pl.Expr | list[pl.Expr], words: str) -> None:
    with pytest.raises(InputError, match=words):
        validate(SURVEY.head(50).with_columns(change))


def test_what_cannot_be_judged_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the outcomes"):
        validate(SURVEY.drop(JUDGED))
    with pytest.raises(InputError, match="other values than 0, 1"):
        validate(SURVEY.with_columns(pl.col("y_070") * 2))
    few = validate(SURVEY.filter(pl.col("y_mod") == 0).head(30), replicates=20).rows
    assert next(r for r in few if r["outcome"] == "y_mod")["auroc"] is None
    path = tmp_path / "model.json"
    path.write_text(RiskModel.load("y_mod", "B").as_text(), encoding="utf-8")
    SURVEY.write_parquet(tmp_path / "people.parquet")
    only = validate_file(tmp_path / "people.parquet", model=path, replicates=20).rows
    assert {(r["outcome"], r["tier"]) for r in only} == {("y_mod", "B")}


def test_questionnaires_are_scored_by_their_own_points() -> None:
    for each in approximated(SURVEY.head(200)):
        known = each.score[~np.isnan(each.score)]
        if each.name in INSTRUMENTS:
            least, most = INSTRUMENTS[each.name].possible
            assert (known >= least).all()
            assert (known <= most).all()
            assert each.cutoffs == INSTRUMENTS[each.name].cutoffs
    assert set(MAPPINGS) == set(NEEDED)
    assert "lfq" in LEFT_OUT
    gone = approximated(SURVEY.head(50).with_columns(pl.lit(None, dtype=pl.Float64).alias("phlegm_3mo")))
    assert all(np.isnan(each.score).all() for each in gone)


def test_the_lung_function_questionnaire_by_hand() -> None:
    table = pl.DataFrame({"age": [72], "smk_status": ["former"], "smk_years": [20], "phlegm_3mo": [1],
                          "wheeze_12mo": [1], "wheeze_attacks": [2], "dyspnea_exertion": [0]})  # fmt: skip
    (only,) = approximated(table)
    assert only.score[0] == 24 - (2 + 4 + 5 + 3 + 1)
    assert only.cutoffs == (6,)


def test_people_needed_by_the_published_formulae() -> None:
    at = np.random.default_rng(1).normal(-2.5, 1.1, 100_000)
    takes = needed(at, np.ones(len(at)), 0.1)
    assert takes.for_ratio == 400
    chance, n = np.random.default_rng(2), takes.for_slope
    slopes = []
    from salus.copd.fitting import fit

    for _ in range(80):
        x = chance.choice(at, n)
        y = (chance.random(n) < expit(x)).astype(float)
        slopes.append(fit(x[:, None], y, np.ones(n), np.zeros(1)).coefficients[0])
    assert abs(np.std(slopes) / SLOPE_ERROR - 1) < 0.25
    assert RATIO_ERROR == 0.15


def test_calibration_finds_the_shift_and_refuses_too_few(tmp_path: Path) -> None:
    model, chance = RiskModel.load("y_mod", "A"), np.random.default_rng(4)
    table = survey(6000, seed=8).drop("stratum", "psu", "wt_mec_6yr", "pef_lps")
    p = model.predict(table)["probability"].to_numpy()
    there = (chance.random(len(p)) < expit(0.5 + 0.8 * np.log(p / (1 - p)))).astype(float)
    table = table.with_columns(pl.Series("y_mod", there))
    local = recalibrate(table, "Yuzhong, 2026", model)
    assert abs(local.calibration["slope"] - 0.8) < 3 * local.calibration["slope_error"]
    assert abs(local.calibration["intercept"] - 0.5) < 3 * local.calibration["intercept_error"]
    q = local.predict(table)["probability"].to_numpy()
    assert abs(there.mean() / q.mean() - 1) < 0.02
    with pytest.raises(InputError, match=r"This model takes [\d,]+ people there, about [\d,]+ with the outcome"):
        recalibrate(table.head(150), "Yuzhong", model)
    weighted = table.with_columns(pl.when(pl.int_range(pl.len()) < 20).then(1e6).otherwise(1.0).alias("wt_mec_6yr"))
    with pytest.raises(InputError, match="worth"):
        recalibrate(weighted, "Yuzhong", model)
    with pytest.raises(InputError, match="the place of these people is empty"):
        recalibrate(table, " ", model)
    turned = table.with_columns(
        (pl.Series(expit(-2 - np.log(p / (1 - p))) > chance.random(len(p)))).cast(pl.Float64).alias("y_mod")
    )
    with pytest.raises(InputError, match="does not hold there"):
        recalibrate(turned, "Yuzhong", model)
    path, out = tmp_path / "ours.parquet", tmp_path / "ours.json"
    table.write_parquet(path)
    said = CliRunner().invoke(app, ["copd", "recalibrate", str(path), "--where", "Yuzhong, 2026", "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert "validated" not in said.output
    assert "calibrated on 6,000 people of Yuzhong, 2026" in said.output
    assert np.allclose(RiskModel.read(out).predict(table), local.predict(table))
