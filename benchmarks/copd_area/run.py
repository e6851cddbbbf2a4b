"""Small-area prevalence on a province with known truth, and England's register from its other conditions.

    python benchmarks/copd_area/run.py [--provinces 120] [--england FILE]

Each province has the districts, people and ages of Salus's simulation, its prevalence by age and sex among smokers and
others, and district effects of its own; in a survey 2,500 people of 40 to 79 blow in 12 of the 18 districts and say
whether they were ever told of the disease. Judged: bias, error and coverage of the prevalence beside the survey's own
shares, and of the undiagnosed cases (obstruction and no diagnosis) from the survey, from survey and register, and of
cases less registered, which is what is left where nobody was asked.

Diagnoses miss most cases and are given to many who have none, as in NHANES 2007-2010 (CDC, National Center for Health
Statistics; people of 40 to 79 with an acceptable spirometry, weighted by examination, below the GLI Global 2022 lower
limit or not; emphysema ever or chronic bronchitis ever): of never smokers with obstruction 8.0 % had been told, without
3.9 %; of current smokers 14.5 % and 12.5 %; of all 12.8 % and 6.2 %. (By FEV1/FVC < 0.7 and with asthma as a diagnosis,
72.0 % of cases were undiagnosed: Martinez and others, Annals ATS 2015, 12(12), 1788-1795.) How much is diagnosed
differs by district, and a little more so among cases; the register has four fifths of those who say they were told.
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
from numpy.typing import NDArray

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
TOLD = {"never": (0.039, 0.080), "current": (0.125, 0.145)}
"""Share with a diagnosis among people without and with obstruction (NHANES 2007-2010)."""
TOLD_SPREAD, TOLD_SPREAD_OF_CASES = 0.4, 0.2
"""Standard deviation of the districts' log-odds of a diagnosis, and of what comes to it among cases."""
ON_THE_REGISTER = 0.8
"""Share of the people with a diagnosis whom the register has."""


def odds(share: NDArray[np.float64], effect: NDArray[np.float64]) -> NDArray[np.float64]:
    """A share, moved by an effect in log-odds."""
    moved = share / (1 - share) * np.exp(effect)
    found: NDArray[np.float64] = moved / (1 + moved)
    return found


def cells_of(chance: np.random.Generator) -> pl.DataFrame:
    """People of each district and combination of traits, with the chances of obstruction and of a diagnosis."""
    world = lanhe()
    rows = []
    for d, code in enumerate(world.codes):
        for band, at, share in BANDS:
            for s, sex in enumerate(("female", "male")):
                smokers = np.clip(SMOKERS[s] * np.exp(chance.normal(0, 0.2)), 0, 0.9)
                total = world.population[d, at] * share / 2
                base = PREVALENCE["copd"][s][at] / (1 + (SMOKING_ODDS - 1) * SMOKERS[s])
                for status, part, times in (("never", 1 - smokers, 1.0), ("current", smokers, SMOKING_ODDS)):
                    people = round(total * part)
                    rows.append((code, band, sex, status, people, np.clip(base * times, 1e-4, 0.8), d, *TOLD[status]))
    names = ["location", "age_band", "sex", "smk_status", "people", "p", "d", "told_others", "told_cases"]
    cells = pl.DataFrame(rows, names, orient="row")
    d = cells["d"].to_numpy()
    effects = chance.normal(0, 1, (3, len(world.codes)))
    ill, told, told_more = effects[0] * SPREAD, effects[1] * TOLD_SPREAD, effects[2] * TOLD_SPREAD_OF_CASES
    return cells.drop("d").with_columns(
        p=odds(cells["p"].to_numpy(), ill[d]),
        told_others=odds(cells["told_others"].to_numpy(), told[d]),
        told_cases=odds(cells["told_cases"].to_numpy(), (told + told_more)[d]),
    )


def province(chance: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Census, truth by district, survey and register of one province."""
    cells = cells_of(chance)
    people, p = cells["people"].to_numpy(), cells["p"].to_numpy()
    cases = chance.binomial(people, p)
    told_cases = chance.binomial(cases, cells["told_cases"].to_numpy())
    told = told_cases + chance.binomial(people - cases, cells["told_others"].to_numpy())
    counted = cells.with_columns(
        true=pl.Series(cases),
        gap=pl.Series(cases - told_cases),
        told=pl.Series(told),
        registered=pl.Series(chance.binomial(told, ON_THE_REGISTER)),
    )
    truth = counted.group_by("location", maintain_order=True).agg(
        pl.col("people", "true", "gap", "told", "registered").sum()
    )
    chosen = chance.choice(cells["location"].unique(maintain_order=True).to_numpy(), SURVEYED, replace=False)
    here = cells.filter(pl.col("location").is_in(chosen.tolist()))
    weights = here["people"].to_numpy() / here["people"].sum()
    drawn = here[chance.choice(here.height, PEOPLE, p=weights)]
    case = chance.uniform(size=PEOPLE) < drawn["p"].to_numpy()
    share = np.where(case, drawn["told_cases"].to_numpy(), drawn["told_others"].to_numpy())
    survey = drawn.select("location", "age_band", "sex", "smk_status").with_columns(
        case=pl.Series(case.astype(int)), told=pl.Series((chance.uniform(size=PEOPLE) < share).astype(int))
    )
    census = cells.select("location", "age_band", "sex", "smk_status", "people")
    return census, truth.drop("registered"), survey, truth.select("location", "registered")


def simulated(provinces: int) -> dict[str, Any]:
    """Bias, error and coverage over many provinces."""
    rows = []
    for seed in range(provinces):
        cells, truth, survey, register = province(np.random.default_rng(seed))
        table = burden(survey, cells, diagnosed="told", register=register, level=LEVEL).table
        alone = burden(survey, cells, diagnosed="told", level=LEVEL).table.select(
            "location", pl.col("undiagnosed", "undiagnosed_lower", "undiagnosed_upper").name.prefix("alone_")
        )
        direct = survey.group_by("location").agg(direct=pl.col("case").mean())
        joined = table.join(truth, on="location").join(alone, on="location")
        rows.append(joined.join(direct, on="location", how="left").with_columns(seed=pl.lit(seed)))
    less = {name: pl.col(f"cases{name}") - pl.col("registered") for name in ("", "_lower", "_upper")}
    every = pl.concat(rows).with_columns(
        *(less[name].alias(f"less{name}") for name in less), truth=pl.col("true") / pl.col("people")
    )
    found: dict[str, Any] = {
        "told_share_of_cases": round(float(1 - every["gap"].sum() / every["true"].sum()), 4),
        "share_of_told_without_obstruction": round(
            float(1 - (every["true"] - every["gap"]).sum() / every["told"].sum()), 4
        ),
    }
    for name, part in (
        ("surveyed", every.filter(pl.col("surveyed") > 0)),
        ("not surveyed", every.filter(pl.col("surveyed") == 0)),
        ("all", every),
    ):
        error = part["prevalence"] - part["truth"]
        own = (part["direct"] - part["truth"]).drop_nulls()
        found[name] = {
            "areas": part.height,
            "true_prevalence": round(float(part["truth"].mean()), 4),
            "bias": round(float(error.mean()), 5),
            "rmse": round(float((error**2).mean() ** 0.5), 5),
            "rmse_of_the_surveys_own_share": round(float((own**2).mean() ** 0.5), 5) if own.len() else None,
            **held(part, "truth", "lower", "upper"),
            "mean_width": round(float((part["upper"] - part["lower"]).mean()), 4),
            "undiagnosed": {
                "share_of_people": round(float(part["gap"].sum() / part["people"].sum()), 4),
                "by_survey_and_register": gap_of(part, "undiagnosed"),
                "by_survey": gap_of(part, "alone_undiagnosed"),
                "cases_less_registered": gap_of(part, "less"),
            },
        }
    return found


def gap_of(part: pl.DataFrame, name: str) -> dict[str, float]:
    """Bias, error and coverage of an estimate of the undiagnosed cases."""
    error = part[name] - part["gap"]
    return {
        "bias_share": round(float(error.sum() / part["gap"].sum()), 4),
        "rmse_share": round(float((error / part["people"]).pow(2).mean() ** 0.5), 5),
        **held(part, "gap", f"{name}_lower", f"{name}_upper"),
    }


def held(part: pl.DataFrame, true: str, low: str, high: str) -> dict[str, float]:
    """Share of areas whose truth the interval holds, with its standard error over provinces."""
    share = (
        part.group_by("seed", maintain_order=True).agg(held=pl.col(true).is_between(pl.col(low), pl.col(high)).mean())
    )["held"]
    error = float(np.std(share.to_numpy(), ddof=1) / np.sqrt(share.len()))
    return {"coverage": round(float(share.mean()), 3), "coverage_standard_error": round(error, 4)}


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
    parser.add_argument("--provinces", type=int, default=120)
    data = Path(os.environ.get("SALUS_REAL_DATA", HERE.parents[2] / "shared" / "data"))
    parser.add_argument("--england", type=Path, default=data / "copd_nhanes" / "england_qof_copd_area_2019_20.parquet")
    options = parser.parse_args()
    result = {
        "claim": "prevalence and undiagnosed cases of districts: intervals hold what they say in districts surveyed, "
        "and more in others",
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
