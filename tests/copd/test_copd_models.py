"""The packaged models: additive reasons, missing answers, intervals, files; never ethnicity."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from helpers_survey import survey

from salus.copd.design import Quantities, spline
from salus.copd.locale import localised, places
from salus.copd.model import OUTCOMES, RiskModel, from_json, items
from salus.copd.model_items import MODEL_ITEMS, NEVER_INPUTS, TIERS, model_item
from salus.copd.subgroups import flags, subgroups
from salus.errors import InputError, NameNotFoundError

ALL = [(outcome, tier) for outcome in OUTCOMES for tier in TIERS]
PEOPLE = survey(600)
DECADE = (PEOPLE["age"] // 10 - 4).to_numpy()
AGED = np.array([0.36, 0.32, 0.21, 0.11])[DECADE] / np.bincount(DECADE)[DECADE]
"""Weights that make the people as old as those of the training survey, whose age is what a missing one is taken for."""


@pytest.mark.parametrize(("outcome", "tier"), ALL)
def test_reasons_add_up_to_the_log_odds_and_lie_inside_the_interval(outcome: str, tier: str) -> None:
    model = RiskModel.load(outcome, tier)
    said = model.predict(PEOPLE)
    p = said["probability"].to_numpy()
    assert np.allclose(model.contributions(PEOPLE).sum_horizontal().to_numpy(), np.log(p / (1 - p)))
    assert ((said["lower"] < said["probability"]) & (said["probability"] < said["upper"])).all()
    assert ((p > 0) & (p < 1)).all()


@pytest.mark.parametrize(("outcome", "tier"), ALL)
def test_ethnicity_is_no_input(outcome: str, tier: str) -> None:
    model = RiskModel.load(outcome, tier)
    assert not {item.name for item in model.items()} & set(NEVER_INPUTS)
    other = PEOPLE.with_columns(pl.lit("black").alias("race5"))
    assert model.predict(other).equals(model.predict(PEOPLE.drop("race5")))


def test_a_file_that_uses_ethnicity_is_refused() -> None:
    content = RiskModel.load().as_json()
    content["terms"][0]["of"] = ["race5"]
    with pytest.raises(InputError, match="ethnicity is never an input"):
        from_json(content, "x.json")


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", MODEL_ITEMS)
def test_each_item_missing_leaves_the_mean_risk_where_it_was(tier: str, name: str) -> None:
    """Not knowing an answer must not make people healthier or sicker on the whole."""
    for outcome in OUTCOMES:
        model = RiskModel.load(outcome, tier)
        if name not in {item.name for item in model.items()}:
            continue
        whole = model.predict(PEOPLE, interval=False)["probability"]
        gone = model.predict(PEOPLE.drop(name), interval=False)["probability"]
        null = model.predict(PEOPLE.with_columns(pl.lit(None).alias(name)), interval=False)["probability"]
        assert gone.equals(null)
        assert abs(np.average(gone - whole, weights=AGED)) < (0.04 if name in ("age", "height_cm") else 0.035)
        assert gone.is_between(0, 1, closed="none").all()


ONLY_UP = ("cough_3mo", "phlegm_3mo", "wheeze_12mo", "wheeze_rx", "dyspnea_exertion", "asthma_ever", "emphysema_ever",
           "chronic_bronchitis_ever")  # fmt: skip
WORK = ("occ_mineral_dust_yrs", "occ_organic_dust_yrs", "occ_exhaust_yrs", "occ_other_fumes_yrs")
BETTER_AND_WORSE = {"gen_health": (1, 5),
                    **dict.fromkeys(WORK, (0, 20)), **dict.fromkeys(ONLY_UP, (0, 1))}  # fmt: skip


@pytest.mark.parametrize(("outcome", "tier"), ALL)
def test_no_answer_speaks_against_clinical_sense(outcome: str, tier: str) -> None:
    """Symptoms, diagnoses of the lungs, dust and fumes, worse health: at worst nothing, never a lower risk."""
    model = RiskModel.load(outcome, tier)
    whole = PEOPLE.filter(pl.all_horizontal(pl.col(i.name).is_not_null() for i in model.items()))
    assert whole.height > 100
    heavy = (pl.col("smk_years") * pl.col("smk_cpd") / 20).fill_null(0) <= 100
    for name, (better, worse) in BETTER_AND_WORSE.items():
        people = whole.filter(heavy) if name == "asthma_ever" else whole
        low, high = (model.predict(people.with_columns(pl.lit(float(v)).alias(name)), interval=False)["probability"]
                     for v in (better, worse))  # fmt: skip
        assert ((high - low) > -1e-12).all(), name
    smoked = whole.with_columns(smk_status=pl.lit("current"), smk_years=30.0, smk_cpd=20.0)
    never = whole.with_columns(smk_status=pl.lit("never"), smk_years=0.0, smk_cpd=0.0)
    assert (model.predict(smoked)["probability"] > model.predict(never)["probability"]).all()


@pytest.mark.parametrize(("outcome", "tier"), ALL)
def test_what_says_nothing_is_no_reason(outcome: str, tier: str) -> None:
    model = RiskModel.load(outcome, tier)
    shares = model.contributions(PEOPLE).drop("reference", "not_known")
    assert tuple(shares.columns) == tuple(model.reasons)
    assert all(shares[name].n_unique() > 1 for name in shares.columns)
    assert "chronic_bronchitis_ever" in {i.name for i in model.items()}


@pytest.mark.parametrize(("outcome", "tier"), ALL)
def test_nothing_known_gives_about_the_prevalence(outcome: str, tier: str) -> None:
    model = RiskModel.load(outcome, tier)
    p = float(model.predict(pl.DataFrame({"age": [None]}))["probability"][0])
    assert 0.6 * model.provenance["prevalence"] < p < 1.4 * model.provenance["prevalence"]


def test_missing_answers_draw_towards_the_middle() -> None:
    model = RiskModel.load("y_mod", "B")
    sick = pl.DataFrame({"age": [70], "male": [1], "height_cm": [175.0], "smk_status": ["current"], "smk_years": [50],
                         "smk_cpd": [30], "wheeze_12mo": [1], "pef_lps": [3.0]})  # fmt: skip
    alone = model.predict(sick.select("pef_lps"))["probability"][0]
    assert alone < model.predict(sick)["probability"][0]


def test_those_who_never_smoked_need_not_say_for_how_long() -> None:
    model = RiskModel.load("y_llngl", "A")
    never = PEOPLE.filter(pl.col("smk_status") == "never")
    assert np.allclose(model.predict(never), model.predict(never.drop("smk_years", "smk_cpd")))
    assert not model.missing(never.drop("smk_years", "smk_cpd"))["smk_years"].any()
    smoked = PEOPLE.filter(pl.col("smk_status") == "current").drop("smk_years")
    assert model.missing(smoked)["smk_years"].all()


def test_people_are_scored_one_by_one_as_together() -> None:
    model = RiskModel.load("y_mod", "B")
    some = PEOPLE.head(40).with_columns(
        pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise(pl.col("gen_health")).alias("gen_health")
    )
    together = model.predict(some)
    alone = pl.concat([model.predict(some.slice(k, 1)) for k in range(some.height)])
    assert np.allclose(together, alone)
    assert np.allclose(model.predict(some.reverse()), together.reverse())


def test_a_model_survives_its_file(tmp_path: object) -> None:
    model = RiskModel.load("y_lln12", "B")
    again = from_json(json.loads(model.as_text()), "again.json")
    assert again.predict(PEOPLE).equals(model.predict(PEOPLE))
    assert again.as_text() == model.as_text()


def test_a_file_that_is_no_model_is_refused(tmp_path: object) -> None:
    path = f"{tmp_path}/x.json"
    with pytest.raises(InputError, match=r"x\.json can't be read"):
        RiskModel.read(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write("not json")
    with pytest.raises(InputError, match="is not JSON"):
        RiskModel.read(path)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(RiskModel.load().as_json() | {"format": 99}, file)
    with pytest.raises(InputError, match="model format 99"):
        RiskModel.read(path)


def test_unknown_names_are_told() -> None:
    with pytest.raises(NameNotFoundError, match="y_mod"):
        RiskModel.load("y_mdo")
    with pytest.raises(NameNotFoundError, match="no tier"):
        RiskModel.load("y_mod", "D")
    with pytest.raises(NameNotFoundError, match="pef_lps"):
        model_item("pef_lpm")
    with pytest.raises(InputError, match="never, former or current"):
        RiskModel.load().predict(pl.DataFrame({"smk_status": ["sometimes"]}))
    with pytest.raises(InputError, match="numbers are wanted"):
        RiskModel.load().predict(pl.DataFrame({"age": ["old"]}))


def test_the_questions_have_what_is_needed_to_ask_them() -> None:
    for tier in TIERS:
        for item in items(tier):
            assert item.meaning
            assert item.kind in ("number", "yes_no", "choice")
            assert item.levels or (item.unit and item.least < item.most)
    assert {i.name for i in items("B")} - {i.name for i in items("A")} == {"pef_lps"}


def test_a_spline_is_straight_beyond_its_outer_knots() -> None:
    knots = (1.0, 2.0, 4.0, 7.0)
    outside = spline(np.array([7.0, 8.0, 9.0, 10.0]), knots)
    assert np.allclose(np.diff(outside, 2, axis=0), 0)
    assert np.allclose(spline(np.array([-3.0, 0.0, 1.0]), knots)[:, 1:], 0)


def test_peak_flow_below_what_is_expected_raises_the_risk() -> None:
    model = RiskModel.load("y_mod", "B")
    table = PEOPLE.with_columns((pl.col("pef_lps") * 0.6).alias("pef_lps"))
    assert (model.predict(table)["probability"] > model.predict(PEOPLE)["probability"]).mean() > 0.97


def test_derived_quantities() -> None:
    known = Quantities(pl.DataFrame({"smk_status": ["former", "Never", None], "smk_years": [20, None, 5],
                                     "smk_cpd": [20, None, 5]}))  # fmt: skip
    assert np.allclose(np.expm1(known["log_pack_years"]), [20, 0, 5 * 5 / 20])
    either = Quantities(pl.DataFrame({"cough_3mo": [0, 1, None, None], "phlegm_3mo": [0, None, 1, 0]}))
    assert either["cough_or_phlegm"][:3].tolist() == [0, 1, 1]
    assert np.isnan(either["cough_or_phlegm"][3])


def test_income_and_education_by_place_in_the_country() -> None:
    model = RiskModel.load()
    where = model.places
    assert where["education"][0] == 0
    assert sorted(where["poverty_ratio"]) == where["poverty_ratio"]
    given = pl.DataFrame({"income_percentile": [0.0, 50.0, 100.0], "education_percentile": [0.0, 50.0, 99.0]})
    made = localised(given, where)
    assert made["poverty_ratio"].is_sorted()
    assert made["education"].to_list() == [1.0, 4.0, 5.0]
    stands = localised(given.with_columns(pl.lit(2.5).alias("poverty_ratio")), where)
    assert stands["poverty_ratio"].to_list() == [2.5] * 3
    assert not model.predict(given).equals(model.predict(given.select("income_percentile")))
    with pytest.raises(InputError, match="0 to 100 is wanted"):
        localised(given.with_columns(pl.lit(120.0).alias("income_percentile")), where)
    weights = np.ones(4)
    found = places(pl.DataFrame({"education": [1, 2, 2, 5], "poverty_ratio": [1, 2, 3, None]}), weights)
    assert found["education"] == [0.0, 25.0, 75.0, 75.0, 75.0]


def test_a_person_of_a_badly_calibrated_group_is_flagged() -> None:
    audit = [
        {"subgroup": "smoking: current", "observed_expected": 0.7},
        {"subgroup": "sex: male", "observed_expected": 1},
    ]
    audits = {"y_llngl": audit, "y_mod": [*audit, {"subgroup": "age: 60-69", "observed_expected": 1.26}], "y_070": []}
    people = pl.DataFrame({"age": [50, 60], "male": [1, 1], "smk_status": ["current", "never"]})
    assert flags(people, audits) == [{"smoking: current": ["y_llngl", "y_mod"]}, {"age: 60-69": ["y_mod"]}]
    assert "age: 40-49" not in dict(subgroups(people))


def test_the_label_never_says_more_than_was_done() -> None:
    model = RiskModel.load()
    assert "not calibrated" in model.label
    local = replace(
        model, calibration={"slope": 0.9, "intercept": 0.2, "where": "Yuzhong", "people": 900, "events": 80}
    )
    assert local.label == f"version {model.version}, calibrated on 900 people of Yuzhong"
    assert "validated" not in local.label + model.label
    p, q = (m.predict(PEOPLE, interval=False)["probability"].to_numpy() for m in (model, local))
    assert np.allclose(np.log(q / (1 - q)), 0.2 + 0.9 * np.log(p / (1 - p)))
    assert np.allclose(local.contributions(PEOPLE).sum_horizontal(), np.log(q / (1 - q)))
