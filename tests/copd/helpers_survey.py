"""A made-up survey: people drawn in strata and units, spirometry that depends on what they answer."""

from __future__ import annotations

import numpy as np
import polars as pl

from salus.copd.nhanes_people import with_outcomes


def survey(size: int = 3000, seed: int = 3) -> pl.DataFrame:
    """People of two cycles, columns of the data dictionary, some answers missing."""
    chance = np.random.default_rng(seed)
    age = chance.integers(40, 80, size)
    male = chance.integers(0, 2, size)
    status = chance.choice(["never", "former", "current"], size, p=[0.5, 0.3, 0.2])
    smoked = status != "never"
    years = np.where(smoked, chance.integers(1, age - 15, size), 0)
    daily = np.where(smoked, chance.integers(1, 40, size), 0)
    height = 163 + 13 * male + chance.normal(0, 6, size)
    mass = 27 * np.exp(chance.normal(0, 0.15, size))
    yes = {
        name: (chance.random(size) < share).astype(float)
        for name, share in {
            "cough_3mo": 0.1, "phlegm_3mo": 0.1, "wheeze_12mo": 0.15, "dyspnea_exertion": 0.3, "chest_pain": 0.25,
            "asthma_ever": 0.12, "emphysema_ever": 0.03, "chronic_bronchitis_ever": 0.06, "diabetes": 0.15,
            "hayfever_12mo": 0.15,
        }.items()
    }  # fmt: skip
    harm = 0.004 * years + 0.05 * yes["wheeze_12mo"] + 0.05 * yes["emphysema_ever"] + chance.normal(0, 0.06, size)
    fvc = (3.2 + 1.0 * male + 0.03 * (height - 165) - 0.02 * (age - 55)) * np.exp(chance.normal(0, 0.1, size))
    ratio = np.clip(0.80 - 0.0015 * (age - 55) - harm, 0.25, 0.95)
    table = pl.DataFrame(
        {
            "seqn": np.arange(size),
            "cycle": np.where(np.arange(size) % 2 == 0, "2007-2008", "2009-2010"),
            "stratum": chance.integers(1, 9, size),
            "psu": chance.integers(1, 3, size),
            "wt_mec_6yr": np.exp(chance.normal(9, 0.6, size)),
            "age": age,
            "male": male,
            "race5": chance.choice(["white", "black", "mexican", "other_hispanic", "other"], size),
            "height_cm": height,
            "weight_kg": mass * (height / 100) ** 2,
            "waist_cm": np.round(35 + 2.2 * mass + 4 * male + chance.normal(0, 5, size), 1),
            "smk_status": status,
            "smk_years": years.astype(float),
            "smk_cpd": daily.astype(float),
            **yes,
            "wheeze_rx": yes["wheeze_12mo"] * (chance.random(size) < 0.5),
            "wheeze_attacks": yes["wheeze_12mo"] * chance.integers(1, 13, size),
            "gen_health": chance.integers(1, 6, size).astype(float),
            "education": chance.integers(1, 6, size).astype(float),
            "poverty_ratio": np.round(5 * chance.random(size), 2),
            **{
                f"occ_{name}_yrs": np.where(chance.random(size) < 0.3, chance.integers(0, 40, size), 0).astype(float)
                for name in ("mineral_dust", "organic_dust", "exhaust", "other_fumes")
            },
            "fvc_l": fvc,
            "fev1_l": ratio * fvc,
            "pef_lps": 2.6 * ratio * fvc * np.exp(chance.normal(0, 0.12, size)),
            "spiro_ok": 1,
            "post_fev1_fvc": np.where(chance.random(size) < 0.5, ratio + 0.04, np.nan),
        }
    ).with_columns(pl.col("post_fev1_fvc").fill_nan(None))
    gaps = pl.Series(chance.random(size) < 0.05)
    return with_outcomes(
        table.with_columns(
            pl.when(~gaps).then(pl.col("poverty_ratio")), pl.when(~gaps.reverse()).then(pl.col("smk_years"))
        )
    )
