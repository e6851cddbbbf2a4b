"""Every model and questionnaire for airflow obstruction, scoring people of a cycle that the models never saw.

    python benchmarks/copd/run.py [--ebm PYTHON]

NHANES 2007-2010, ages 40 to 79, readable spirometry, survey weights, bounds over the survey's design. A model scores
the cycle that it was not trained on; penalties, too, are chosen without it. `--ebm` names a Python that has
`interpret-core`, for the explainable boosting machine; without it that challenger is left out and the result says so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))
import challengers
import meter

import referees
from salus.copd import performance as measure
from salus.copd.approximations import approximated
from salus.copd.coherence import coherent, companions
from salus.copd.cohort import design_of, eligible, read_people
from salus.copd.design import Term
from salus.copd.model import RiskModel
from salus.copd.recipe import TERMS
from salus.copd.subgroups import subgroups
from salus.copd.training import prepare, train
from salus.copd.validation import JUDGED, judge

HERE = Path(__file__).parent
DATA = "copd_nhanes/nhanes_spirometry_2007_2010.parquet"
CARD = HERE.parents[1] / "src" / "salus" / "copd" / "data" / "benchmark.json"
CLAIM = (
    "finds people with obstruction with fewer spirometries than any published questionnaire, calibrated, by subgroup"
)
SIMPLE = (
    Term("age", ("age",), (43.0, 53.0, 63.0, 76.0)),
    Term("sex", ("male",)),
    Term("body_mass_index", ("body_mass_index",), (21.0, 26.5, 31.0, 40.0)),
    Term("smoking", ("former",)),
    Term("smoking", ("current",)),
    Term("smoking", ("log_pack_years",), (0.5, 2.0, 3.0, 4.2)),
)
GOALS = {"y_mod": (0.84, 0.935), "y_lln12": (0.765, 0.855)}
REPLICATES = 300
FEWER_GOAL = {"A": 0.20, "B": 0.60}


def main() -> None:
    """Run all of it, and write ``result.json`` beside this file and the card's copy into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ebm", help="a Python with interpret-core")
    parser.add_argument("--ours", action="store_true", help="keep the last result of LightGBM and the boosting machine")
    options = parser.parse_args()
    before = json.loads((HERE / "result.json").read_text(encoding="utf-8")) if options.ours else {}
    begun = time.perf_counter()
    people = eligible(read_people(referees.DATA / DATA))
    design = design_of(people)
    samples = design.replicates(REPLICATES)
    groups = list(subgroups(people))
    outcomes = (*JUDGED, "y_post070")
    models = {(o, t): by_cycle(people, o, TERMS[t], t) for o in outcomes for t in "AB"}
    scores = {o: {f"spline {t}": predicted(people, models, o, t) for t in "AB"} for o in outcomes}
    for outcome in JUDGED:
        simple = {(outcome, "A"): by_cycle(people, outcome, SIMPLE, "A")}
        scores[outcome] |= {"simple": predicted(people, simple, outcome, "A", alone=True)}
    for outcome in () if options.ours else JUDGED:
        scores[outcome] |= challengers.scores(people, outcome)
        if options.ebm:
            scores[outcome] |= boosting_machine(people, outcome, options.ebm)
        for tier in "AB":
            both = [scores[outcome][f"{kind} {tier}"] for kind in ("spline", "lightgbm")]
            scores[outcome][f"average {tier}"] = np.mean(both, axis=0)
    rows: list[dict[str, Any]] = []
    for outcome in JUDGED:
        y = outcome_of(people, outcome)
        for name, p in scores[outcome].items():
            rows += judge({"outcome": outcome, "scorer": name}, y, p, design, samples, groups, None, None)
        for each in approximated(people):
            about = {"outcome": outcome, "scorer": each.name}
            rows += judge(about, y, each.score, design, samples, groups, each.cutoffs, None)
    fresh = {row["scorer"] for row in rows}
    rows += [row for row in before.get("rows", ()) if row["scorer"] not in fresh]
    rows.sort(key=lambda row: JUDGED.index(row["outcome"]))
    result = {
        "rows": [{k: v for k, v in row.items() if k != "model"} for row in rows],
        "post_bronchodilator": after_bronchodilator(people, scores["y_post070"]),
        "fewer_spirometries": [fewer(people, scores, design.weights, samples, o, t) for o in GOALS for t in "AB"],
        "net_benefit_margin": margins(rows),
        "goals": goals(rows),
        "missing": [lacking for o in JUDGED for t in "AB" for lacking in each_missing(people, o, t, models)],
        "home_meter": [
            row for o in JUDGED for row in meter.rows(people, o, partial(with_flow, models=models, outcome=o))
        ],
        "calibration": [deciles(people, scores[o][f"spline {t}"], o, t) for o in JUDGED for t in "AB"],
        "people": people.height,
        "events": {o: int(outcome_of(people, o)[~np.isnan(outcome_of(people, o))].sum()) for o in JUDGED},
        "ebm": bool(options.ebm) or before.get("ebm", False),
        "challengers_of": challengers_of(before),
        "seconds": round(time.perf_counter() - begun),
    } | referees.about([DATA], CLAIM, "python benchmarks/copd/run.py --ebm PYTHON")
    (HERE / "result.json").write_text(dumped(result), encoding="utf-8")
    CARD.write_text(dumped(for_card(result)), encoding="utf-8")
    for goal in result["goals"]:
        print(json.dumps(goal))


def challengers_of(before: dict[str, Any]) -> Any:
    """Code under which the challengers were trained: that of the result that was kept, where one was."""
    told = before.get("challengers_of", "this run")
    return before["code"] if before and told == "this run" else told


def outcome_of(people: pl.DataFrame, outcome: str) -> np.ndarray:
    return people[outcome].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def by_cycle(people: pl.DataFrame, outcome: str, terms: tuple[Term, ...], tier: str) -> dict[str, RiskModel]:
    """For each cycle the model trained on the others; its penalty is chosen over sampling units inside them."""
    return {
        cycle: train(people.filter(pl.col("cycle") != cycle), outcome, tier, terms=terms)
        for cycle in sorted(people["cycle"].unique())
    }


Models = dict[tuple[str, str], dict[str, RiskModel]]


def predicted(people: pl.DataFrame, models: Models, outcome: str, tier: str, alone: bool = False) -> np.ndarray:
    """Probability of each person by the models that had not seen the cycle, coherent among outcomes unless alone."""
    found = np.empty(people.height)
    for cycle, model in models[outcome, tier].items():
        rows = (people["cycle"] == cycle).to_numpy()
        part = people.filter(pl.Series(rows))
        others = [] if alone else [each[cycle] for each in models.values()]
        together = [model] if alone else companions([model], others)
        said = coherent({m.outcome: m.predict(part, interval=False) for m in together}, together)
        found[rows] = said[outcome]["probability"].to_numpy()
    return found


def with_flow(people: pl.DataFrame, models: Models, outcome: str) -> np.ndarray:
    return predicted(people, models, outcome, "B")


def boosting_machine(people: pl.DataFrame, outcome: str, python: str) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        table, out = Path(folder) / "in.parquet", Path(folder) / "out.parquet"
        challengers.features(people, "B").with_columns(
            people["cycle"], people["wt_mec_6yr"], people[outcome].cast(pl.Float64).alias("y")
        ).write_parquet(table)
        subprocess.run([python, HERE / "ebm.py", table, out], check=True)
        found = pl.read_parquet(out)
    return {f"ebm {tier}": found[tier].to_numpy() for tier in "AB"}


def fewer(
    people: pl.DataFrame, scores: dict[str, Any], w: np.ndarray, samples: np.ndarray, outcome: str, tier: str
) -> dict[str, Any]:
    """Spirometries at the sensitivity that the approximate Lung Function Questionnaire reaches at its cut-off."""
    lfq = next(a for a in approximated(people) if a.name == "lfq")
    y, p = outcome_of(people, outcome), scores[outcome][f"spline {tier}"]
    rows = ~np.isnan(y) & ~np.isnan(lfq.score)
    y, p, sent = y[rows], p[rows], (lfq.score[rows] >= lfq.cutoffs[0]).astype(float)

    def saved(weights: np.ndarray) -> tuple[float, float, float]:
        sensitivity = float((weights * sent * y).sum() / (weights * y).sum())
        theirs = float((weights * sent).sum() / weights.sum())
        return sensitivity, theirs, 1 - measure.flagged_at(y, p, weights, sensitivity) / theirs

    sensitivity, theirs, share = saved(w[rows])
    drawn = [saved(each[rows])[2] for each in samples]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "outcome": outcome, "tier": tier, "approximate": True, "sensitivity": round(sensitivity, 4),
        "sent_by_questionnaire": round(theirs, 4), "fewer": round(share, 4), "lower": round(float(low), 4),
        "upper": round(float(high), 4), "goal": FEWER_GOAL[tier], "met": bool(share >= FEWER_GOAL[tier]),
    }  # fmt: skip


def margins(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Net benefit of our models less that of the best questionnaire and of sending everybody, at each threshold."""
    found = []
    for outcome in JUDGED:
        of = {r["scorer"]: r for r in rows if r["outcome"] == outcome and r["subgroup"] == "all"}
        for tier in "AB":
            ours = of[f"spline {tier}"]["net_benefit"]
            prevalence = of[f"spline {tier}"]["prevalence"]
            best = {t: max(of[n]["net_benefit"][t] for n in ("cdq", "puma", "lfq")) for t in ours}
            all_sent = {t: prevalence - (1 - prevalence) * float(t) / (1 - float(t)) for t in ours}
            found.append({
                "outcome": outcome, "tier": tier,
                "over_best_questionnaire": {t: round(ours[t] - best[t], 5) for t in ours},
                "over_everybody": {t: round(ours[t] - all_sent[t], 5) for t in ours},
            })  # fmt: skip
    return found


def goals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for outcome, aims in GOALS.items():
        for tier, aim in zip("AB", aims, strict=True):
            row = next(
                r for r in rows if (r["outcome"], r["scorer"], r["subgroup"]) == (outcome, f"spline {tier}", "all")
            )
            checks = {
                "auroc": (row["auroc"], aim, row["auroc"] >= aim),
                "slope": (row["slope"], "0.9 to 1.1", 0.9 <= row["slope"] <= 1.1),
                "intercept": (row["intercept"], "within 0.1", abs(row["intercept"]) <= 0.1),
            }
            if outcome == "y_mod":
                value = row["sensitivity_at_90_specificity"]
                checks["sensitivity_at_90_specificity"] = (value, 0.56, value >= 0.56)
            found += [
                {"outcome": outcome, "tier": tier, "figure": name, "value": value, "goal": wanted, "met": bool(met)}
                for name, (value, wanted, met) in checks.items()
            ]
    return found


def each_missing(people: pl.DataFrame, outcome: str, tier: str, models: Models) -> list[dict[str, Any]]:
    """Discrimination and calibration with each item missing for everybody."""
    y = outcome_of(people, outcome)
    rows = ~np.isnan(y)
    w = design_of(people).weights[rows]
    found = []
    for item in next(iter(models[outcome, tier].values())).items():
        lacking = people.with_columns(pl.lit(None, dtype=people.schema[item.name]).alias(item.name))
        p = predicted(lacking, models, outcome, tier)[rows]
        slope, intercept = measure.calibration(y[rows], p, w)
        found.append({
            "outcome": outcome, "tier": tier, "missing": item.name,
            "auroc": round(float(measure.auroc(y[rows], p, w)), 4), "slope": round(slope, 3),
            "intercept": round(intercept, 3),
        })  # fmt: skip
    return found


def after_bronchodilator(people: pl.DataFrame, scores: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Figures for the outcome after a bronchodilator, weighted for verification."""
    made = prepare(people, "y_post070", TERMS["A"])
    place = pl.Series("seqn", made.frame["seqn"])
    order = people.with_row_index("row").join(place.to_frame(), on="seqn", how="semi")["row"].to_numpy()
    found = []
    for tier in "AB":
        p, w = scores[f"spline {tier}"][order], made.design.weights
        slope, intercept = measure.calibration(made.y, p, w)
        found.append({
            "tier": tier, "people": len(made.y), "events": int(made.y.sum()),
            "obstructed_before": made.verified.obstructed if made.verified else 0,
            "verified": made.verified.verified if made.verified else 0,
            "auroc": round(float(measure.auroc(made.y, p, w)), 4), "slope": round(slope, 3),
            "intercept": round(intercept, 3),
        })  # fmt: skip
    return found


def deciles(people: pl.DataFrame, p: np.ndarray, outcome: str, tier: str) -> dict[str, Any]:
    """Observed share in ten groups of equal weight by probability, and net benefit at fine thresholds, for pictures."""
    y, w = outcome_of(people, outcome), design_of(people).weights
    rows = ~np.isnan(y)
    y, p, w = y[rows], p[rows], w[rows]
    order = np.argsort(p)
    part = np.minimum((np.cumsum(w[order]) / w.sum() * 10).astype(int), 9)
    groups = []
    for k in range(10):
        at = order[part == k]
        groups.append([round(float(np.average(v[at], weights=w[at])), 5) for v in (p, y)])
    curve = [[t / 100, round(float(measure.net_benefit(y, (p >= t / 100).astype(float), w, t / 100)), 5)]
             for t in range(1, 41)]  # fmt: skip
    return {"outcome": outcome, "tier": tier, "deciles": groups, "net_benefit": curve}


def for_card(result: dict[str, Any]) -> dict[str, Any]:
    """What the card in the package shows: our models with their subgroups, everything else for everybody."""
    kept = [r for r in result["rows"] if r["subgroup"] == "all" or r["scorer"].startswith("spline")]
    return {**{k: v for k, v in result.items() if k not in ("machine", "seconds")}, "rows": kept}


def dumped(result: dict[str, Any]) -> str:
    """JSON with a row a line."""
    parts = []
    for key in sorted(result):
        value = result[key]
        if isinstance(value, list):
            inside = ",\n".join(json.dumps(row, sort_keys=True) for row in value)
            parts.append(f"{json.dumps(key)}: [\n{inside}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
