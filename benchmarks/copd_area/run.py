"""Small-area prevalence on a province with known truth, and England's register from its other conditions.

    python benchmarks/copd_area/run.py [--provinces 40] [--england FILE]

Each province has the districts, people and ages of Salus's simulation, its prevalence by age and sex among smokers and
others, and district effects of its own; in a survey 2,500 people of 40 to 79 blow in 12 of the 18 districts. Judged:
bias, error and coverage of the estimates beside the survey's own shares, and of the undiagnosed gap.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.copd.areas import burden
from salus.copd.registers import cross_validated
from salus.sources.simulate.catalogue import PREVALENCE, SMOKERS, SMOKING_ODDS
from salus.sources.simulate.geography import lanhe

HERE = Path(__file__).parent
BANDS = (("40-49", 3, 0.4), ("50-64", 4, 1.0), ("65-79", 5, 1.0))
"""Age band, band of the simulation, and share of that band."""
SURVEYED, PEOPLE, LEVEL = 12, 2500, 0.9
SPREAD = 0.35
"""Standard deviation of the district effects, in log-odds."""


def province(chance: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Census, truth by district, survey and register of one province."""
    world = lanhe()
    effect = chance.normal(0, SPREAD, len(world.codes))
    found = chance.uniform(0.2, 0.4, len(world.codes))
    rows = []
    for d, code in enumerate(world.codes):
        for band, at, share in BANDS:
            for s, sex in enumerate(("female", "male")):
                smokers = np.clip(SMOKERS[s] * np.exp(chance.normal(0, 0.2)), 0, 0.9)
                total = world.population[d, at] * share / 2
                base = PREVALENCE["copd"][s][at] / (1 + (SMOKING_ODDS - 1) * SMOKERS[s])
                for status, part, times in (("never", 1 - smokers, 1.0), ("current", smokers, SMOKING_ODDS)):
                    p = np.clip(base * times, 1e-4, 0.8)
                    odds = p / (1 - p) * np.exp(effect[d])
                    rows.append((code, band, sex, status, round(total * part), odds / (1 + odds)))
    cells = pl.DataFrame(rows, ["location", "age_band", "sex", "smk_status", "people", "p"], orient="row")
    cases = cells.with_columns(cases=pl.Series(chance.binomial(cells["people"].to_numpy(), cells["p"].to_numpy())))
    truth = cases.group_by("location", maintain_order=True).agg(pl.col("people").sum(), pl.col("cases").sum())
    register = truth.select("location", registered=(pl.col("cases") * pl.Series(found)).round())
    chosen = chance.choice(np.array(world.codes), SURVEYED, replace=False)
    here = cells.filter(pl.col("location").is_in(chosen.tolist()))
    weights = here["people"].to_numpy() / here["people"].sum()
    drawn = here[chance.choice(here.height, PEOPLE, p=weights)]
    survey = drawn.with_columns(case=pl.Series((chance.uniform(size=PEOPLE) < drawn["p"].to_numpy()).astype(int)))
    return cells.drop("p"), truth, survey.drop("people", "p"), register


def simulated(provinces: int) -> dict[str, Any]:
    """Bias, error and coverage over many provinces."""
    rows = []
    for seed in range(provinces):
        cells, truth, survey, register = province(np.random.default_rng(seed))
        table = burden(survey, cells, register=register, level=LEVEL).table
        direct = survey.group_by("location").agg(direct=pl.col("case").mean())
        joined = table.join(truth.rename({"cases": "true"}), on="location").join(direct, on="location", how="left")
        rows.append(joined.with_columns(seed=pl.lit(seed), gap=pl.col("true") - pl.col("registered")))
    every = pl.concat(rows).with_columns(truth=pl.col("true") / pl.col("people"))
    found = {}
    for name, part in (
        ("surveyed", every.filter(pl.col("surveyed") > 0)),
        ("not surveyed", every.filter(pl.col("surveyed") == 0)),
        ("all", every),
    ):
        error = part["prevalence"] - part["truth"]
        own = (part["direct"] - part["truth"]).drop_nulls()
        gap = part["undiagnosed"] - part["gap"]
        found[name] = {
            "areas": part.height,
            "true_prevalence": round(float(part["truth"].mean()), 4),
            "bias": round(float(error.mean()), 5),
            "rmse": round(float((error**2).mean() ** 0.5), 5),
            "rmse_of_the_surveys_own_share": round(float((own**2).mean() ** 0.5), 5) if own.len() else None,
            "coverage": round(float(part["truth"].is_between(part["lower"], part["upper"]).mean()), 3),
            "mean_width": round(float((part["upper"] - part["lower"]).mean()), 4),
            "gap_bias_share": round(float(gap.sum() / part["gap"].sum()), 4),
            "gap_coverage": round(
                float(part["gap"].is_between(part["undiagnosed_lower"], part["undiagnosed_upper"]).mean()), 3
            ),
        }
    return found


def england(path: Path) -> dict[str, Any]:
    """England's register prevalence from the other registers, whole blocks of neighbours left out."""
    table = pl.read_parquet(path).filter(pl.col("level") == "lad")
    conditions = [c.removesuffix("_list") for c in table.columns if c.endswith("_list") and c != "COPD_list"]
    shares = table.select(
        pl.col("code").alias("location"),
        pl.col("copd_prev").alias("prevalence"),
        *((pl.col(f"{c}_register") / pl.col(f"{c}_list")).alias(c) for c in conditions),
    )
    return cross_validated(shares, level=LEVEL).summary | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provinces", type=int, default=40)
    data = Path(os.environ.get("SALUS_REAL_DATA", HERE.parents[2] / "shared" / "data"))
    parser.add_argument("--england", type=Path, default=data / "copd_nhanes" / "england_qof_copd_area_2019_20.parquet")
    options = parser.parse_args()
    result = {
        "claim": "prevalence and undiagnosed gap of districts with honest intervals",
        "command": f"python benchmarks/copd_area/run.py --provinces {options.provinces}",
        "level": LEVEL,
        "simulated": {"provinces": options.provinces, "people": PEOPLE, "districts_surveyed": SURVEYED}
        | simulated(options.provinces),
        "england": england(options.england),
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
