"""Nobody is likelier to have a part of an outcome than the whole of it, whoever calibrated what."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers_survey import survey

from salus.copd import assess
from salus.copd.assessment import ASKED_FOR, SHOWN
from salus.copd.coherence import WITHIN, coherent, companions
from salus.copd.model import RiskModel
from salus.copd.people import assess_table
from salus.copd.validation import validate

OUTCOMES = (*SHOWN, ASKED_FOR)


def own(outcome: str, tier: str, slope: float, intercept: float) -> RiskModel:
    """A packaged model as if calibrated somewhere else."""
    known: dict[str, Any] = {"slope": slope, "intercept": intercept, "where": "there", "people": 900, "events": 90}
    return replace(RiskModel.load(outcome, tier), calibration=known)


LOCALS = {
    "packaged": [],
    "more that are moderate": [own("y_mod", t, 1.2, 1.5) for t in "AB"],
    "fewer below .70": [own("y_070", t, 0.9, -2.0) for t in "AB"],
    "both": [own(o, t, 1.1, i) for o, i in (("y_mod", 1.0), ("y_070", -1.0)) for t in "AB"],
}


def extremes() -> pl.DataFrame:
    """Answers at the edges of what people of the survey gave, some of them missing."""
    chance = np.random.default_rng(8)
    size = 600
    yes = {n: chance.choice([0.0, 1.0, None], size, p=[0.2, 0.6, 0.2]).tolist() for n in (
        "cough_3mo", "phlegm_3mo", "wheeze_12mo", "wheeze_rx", "dyspnea_exertion", "asthma_ever", "emphysema_ever",
        "chronic_bronchitis_ever", "diabetes", "chest_pain")}  # fmt: skip
    return pl.DataFrame({
        "age": chance.choice([40.0, 41.0, 60.0, 79.0], size), "sex": chance.choice(["male", "female"], size),
        "height_cm": chance.choice([145.0, 170.0, 198.0], size), "weight_kg": chance.choice([45.0, 80.0, 135.0], size),
        "waist_cm": chance.choice([65.0, 100.0, 150.0], size), "smk_status": chance.choice(["never", "current"], size),
        "gen_health": chance.choice([1.0, 5.0], size),
        "pef_lpm": chance.choice([90.0, 300.0, 650.0, None], size).tolist(),
        **yes,
    }, strict=False).with_columns(
        pl.when(pl.col("smk_status") == "current").then(pl.lit(20.0)).alias("smk_years"),
        pl.when(pl.col("smk_status") == "current").then(pl.lit(40.0)).alias("smk_cpd"),
        pl.when(pl.col("wheeze_12mo") == 1).then(pl.col("wheeze_rx")).alias("wheeze_rx"),
    )  # fmt: skip


def ordinary() -> pl.DataFrame:
    """People of the made-up survey, half of them without a peak flow."""
    table = survey(800)
    measured = [c for c in table.columns if c.startswith(("y_", "post_", "q_", "fev1_fvc"))]
    sex = pl.col("male").replace_strict({0: "female", 1: "male"}).alias("sex")
    flow = pl.when(pl.col("seqn") % 2 == 0).then(pl.col("pef_lps")).alias("pef_lps")
    return table.with_columns(sex, flow).drop("male", "race5", "spiro_ok", "fev1_l", "fvc_l", *measured)


@pytest.mark.parametrize("whose", LOCALS)
@pytest.mark.parametrize("people", [extremes, ordinary], ids=["extremes", "ordinary"])
def test_a_table_is_coherent(whose: str, people: Any) -> None:
    said = assess_table(people(), outcomes=OUTCOMES, interval=False, local=LOCALS[whose])
    scored = said.filter(pl.col("refused").is_null() & (pl.col("tier") != "C"))
    assert scored.height > 200
    assert set(scored["tier"]) == {"A", "B"}
    for narrow, wide in WITHIN.items():
        assert (scored[narrow] <= scored[wide]).all()
    alone = assess_table(people(), outcomes=("y_070",), interval=False, local=LOCALS[whose])
    assert alone["y_070"].equals(said["y_070"])


@pytest.mark.parametrize("whose", LOCALS)
def test_one_person_is_coherent_and_as_in_the_table(whose: str) -> None:
    people = extremes().head(24)
    table = assess_table(people, outcomes=OUTCOMES, local=LOCALS[whose])
    seen = 0
    for k, row in enumerate(people.iter_rows(named=True)):
        if table["refused"][k] is not None:
            continue
        said = assess({name: value for name, value in row.items() if value is not None}, local=LOCALS[whose])
        by = {risk.outcome: risk for risk in said.risks}
        for narrow, wide in WITHIN.items():
            for bound in ("probability", "lower", "upper"):
                assert getattr(by[narrow], bound) <= getattr(by[wide], bound)
        assert all(r.lower <= r.probability <= r.upper for r in by.values())
        assert all(np.isclose(by[o].probability, table[o][k]) for o in by)
        seen += 1
    assert seen > 5


def test_the_one_that_was_calibrated_here_stands() -> None:
    table = survey(500)
    for outcome, other in (("y_mod", "y_070"), ("y_070", "y_mod")):
        mine = own(outcome, "A", 1.0, 1.5 if outcome == "y_mod" else -1.5)
        together = companions([mine], [mine])
        said = {m.outcome: m.predict(table, interval=False) for m in together}
        made = coherent(said, together)
        assert made[outcome].equals(said[outcome]) or outcome == "y_070"
        assert (said["y_mod"]["probability"] > said["y_070"]["probability"]).any()
        moved = made[other]["probability"] != said[other]["probability"]
        assert moved.any()
        assert (made["y_mod"]["probability"] <= made["y_070"]["probability"]).all()


def test_a_copy_of_a_packaged_model_is_none_of_ones_own() -> None:
    table = survey(300)
    copied = [copy.deepcopy(RiskModel.load("y_070", "A"))]
    said = {m.outcome: m.predict(table, interval=False) for m in companions([RiskModel.load("y_mod", "A")], copied)}
    assert coherent(said, companions([RiskModel.load("y_mod", "A")], copied))["y_mod"].equals(said["y_mod"])


def test_what_is_validated_is_what_is_said() -> None:
    people = survey(900)
    kept = people.filter(pl.col("y_070").is_not_null(), pl.col("spiro_ok") == 1)
    mine = own("y_mod", "A", 1.0, 1.5)
    rows = validate(people, models=[mine, RiskModel.load("y_070", "A")], replicates=20).rows
    found = next(r for r in rows if (r["outcome"], r["subgroup"]) == ("y_070", "all"))
    parts = [m.predict(kept)["probability"].to_numpy() for m in companions([RiskModel.load("y_070", "A")], [mine])]
    w, y = kept["wt_mec_6yr"].to_numpy(), kept["y_070"].to_numpy()
    assert np.isclose(found["observed_expected"], (w * y).sum() / (w * np.max(parts, axis=0)).sum(), atol=1e-4)
