"""Peak flow from a home meter, simulated: in the survey it comes from the very blow that gives FEV1, which flatters it.

`tolerance`      a meter within the accuracy that ISO 23747:2015 asks for, 10 % or 10 l/min, the larger, as 95 % limits
                 of one meter's error (the norm by VanZeller C et al., BMC Pulmonary Medicine 2019, 19, 74)
`another blow`   besides, the best of three blows of another occasion: standard deviation 20 l/min, our choice, for the
                 40 l/min within which the two best blows of one session are asked to repeat
`field`          standard deviation 28 l/min: the 95 % limits of a Mini-Wright against a pneumotachograph, -71.5 to 38.2
                 (Koh YI et al., Tuberculosis and Respiratory Diseases 1997, 44, 298-308), without their shift
`field, shifted` the same with their shift of -16.5 l/min
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from salus.copd import performance as measure
from salus.copd.cohort import design_of

MINUTE = 60.0
REPEATS = 20


def errors(flow: np.ndarray, kind: str, chance: np.random.Generator) -> np.ndarray:
    """Error in l/min of each person's meter."""
    normal = chance.standard_normal(len(flow))
    tolerance = np.maximum(0.10 * flow, 10.0) / 1.96
    if kind == "same blow":
        return np.zeros(len(flow))
    if kind == "tolerance":
        return tolerance * normal
    if kind == "another blow":
        return np.hypot(tolerance, 20.0) * normal
    return 28.0 * normal + (-16.5 if kind == "field, shifted" else 0.0)


def rows(people: pl.DataFrame, outcome: str, predicted: Callable[[pl.DataFrame], np.ndarray]) -> list[dict[str, Any]]:
    """Figures with peak flow, by kind of meter; means over 20 simulations."""
    y = people[outcome].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known, w = ~np.isnan(y), design_of(people).weights
    flow = people["pef_lps"].cast(pl.Float64).to_numpy() * MINUTE
    found = []
    for kind in ("same blow", "tolerance", "another blow", "field", "field, shifted"):
        chance = np.random.default_rng(1)
        made = []
        for _ in range(1 if kind == "same blow" else REPEATS):
            blown = np.maximum(flow + errors(flow, kind, chance), 30.0) / MINUTE
            table = people.with_columns(pl.Series("pef_lps", blown))
            p = predicted(table)
            slope, intercept = measure.calibration(y[known], p[known], w[known])
            made.append([
                float(measure.auroc(y[known], p[known], w[known])), slope, intercept,
                measure.sensitivity_at(y[known], p[known], w[known]),
            ])  # fmt: skip
        auroc, slope, intercept, sensitivity = np.mean(made, axis=0)
        found.append({
            "outcome": outcome, "meter": kind, "auroc": round(float(auroc), 4), "slope": round(float(slope), 3),
            "intercept": round(float(intercept), 3), "sensitivity_at_90_specificity": round(float(sensitivity), 4),
        })  # fmt: skip
    return found
