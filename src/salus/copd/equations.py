"""Three published sets of equations for spirometry, as functions of arrays.

A GLI equation gives L, M and S of a distribution whose z-score is ``((y / M) ** L - 1) / (L * S)`` (Cole's method):
``M = exp(a + b ln height + c ln age + group + spline(age))``, S alike without height, L linear in ln age. The splines
are tables by quarter of a year, read linearly in between, as their papers say. Hankinson's equations give a predicted
value and its lower limit in age and squared height. Where the figures come from is in `data/README.md` of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Texts = NDArray[Any]

MEASURES = ("fev1", "fvc", "fev1_fvc")
SEXES = ("male", "female")
NORMAL_5TH = 1.645
"""Standard deviations below the median of the 5th percentile, rounded as the papers have it."""


@dataclass(frozen=True)
class Equation:
    """One set of equations: for whom it holds, and where it was published.

    Attributes
    ----------
    name : str
        Name by which it is asked for.
    title : str
        Name for people.
    groups : tuple of str
        Ethnic groups that the equations tell apart; empty where they take none.
    ages : tuple of float
        Youngest and oldest age in years.
    source : str
        Citation.
    """

    name: str
    title: str
    groups: tuple[str, ...]
    ages: tuple[float, float]
    source: str


EQUATIONS = {
    "gli_global_2022": Equation(
        "gli_global_2022",
        "GLI Global 2022",
        (),
        (3.0, 95.0),
        "Bowerman et al., American Journal of Respiratory and Critical Care Medicine 2023, 207(6), 768-774",
    ),
    "gli_2012": Equation(
        "gli_2012",
        "GLI-2012",
        ("caucasian", "african_american", "north_east_asian", "south_east_asian", "other"),
        (3.0, 95.0),
        "Quanjer et al., European Respiratory Journal 2012, 40(6), 1324-1343",
    ),
    "nhanes3": Equation(
        "nhanes3",
        "NHANES III",
        ("caucasian", "african_american", "mexican_american"),
        (8.0, 80.0),
        "Hankinson et al., American Journal of Respiratory and Critical Care Medicine 1999, 159(1), 179-187",
    ),
}


@dataclass(frozen=True)
class Normal:
    """Distribution of one measure in healthy people, one entry a person.

    Attributes
    ----------
    predicted, lln : numpy.ndarray
        Median and 5th percentile, in litres, or as a fraction for the ratio.
    skewness, spread : numpy.ndarray or None
        L and S of the GLI equations; None where the paper gives only the lower limit.
    """

    predicted: Floats
    lln: Floats
    skewness: Floats | None = None
    spread: Floats | None = None

    def z(self, measured: Floats) -> Floats:
        """Standard deviations by which measured values differ from healthy people of that age, height and sex.

        For NHANES III the spread is the distance from predicted to lower limit, divided by 1.645: the paper's limits
        are those of a normal distribution.

        Parameters
        ----------
        measured : numpy.ndarray
            In the units of `predicted`; nan where unknown.
        """
        if self.skewness is None or self.spread is None:
            return (measured - self.predicted) / (self.predicted - self.lln) * NORMAL_5TH
        log_ratio = np.log(measured / self.predicted)
        flat = np.abs(self.skewness) < 1e-9
        power = np.where(flat, 1.0, self.skewness)
        return np.where(flat, log_ratio, np.expm1(power * log_ratio) / power) / self.spread


@lru_cache
def _table(name: str) -> pl.DataFrame:
    raw = files("salus.copd").joinpath("data", f"{name}.csv").read_bytes()
    return pl.read_csv(raw, comment_prefix="#", infer_schema_length=None)


def normal(equation: str, measure: str, age: Floats, height_cm: Floats, sex: Texts, group: Texts | None) -> Normal:
    """Healthy distribution of one measure by one of the :data:`EQUATIONS`.

    The arguments are taken as valid: :mod:`salus.copd.reference` checks them.

    Parameters
    ----------
    equation : str
        Key of :data:`EQUATIONS`.
    measure : {'fev1', 'fvc', 'fev1_fvc'}
        FEV1 and FVC in litres, their ratio as a fraction.
    age : numpy.ndarray
        Years, with decimals.
    height_cm : numpy.ndarray
        Standing height without shoes.
    sex : numpy.ndarray
        'male' or 'female'.
    group : numpy.ndarray or None
        One of the equation's groups; None where it takes none.
    """
    if group is not None and equation == "nhanes3":
        return _hankinson(measure, age, height_cm, sex, group)
    return _gli(equation, measure, age, height_cm, sex, group)


def _gli(equation: str, measure: str, age: Floats, height_cm: Floats, sex: Texts, group: Texts | None) -> Normal:
    splines = _table(f"{equation}_splines")
    coefficients = _table(f"{equation}_coefficients").filter(pl.col("measure") == measure)
    knots = splines["age"].to_numpy()
    level, spread, skewness = (np.full(age.shape, np.nan) for _ in range(3))
    for row in coefficients.iter_rows(named=True):
        these = np.flatnonzero(sex == row["sex"])
        years = age[these]
        ln_age, ln_height = np.log(years), np.log(height_cm[these])
        ln_m = row["m_constant"] + row["m_ln_height"] * ln_height + row["m_ln_age"] * ln_age
        ln_s = row["s_constant"] + row["s_ln_age"] * ln_age
        power = row["l_constant"] + row["l_ln_age"] * ln_age
        if group is not None:
            ln_m += _by_group(row, "m", group[these])
            ln_s += _by_group(row, "s", group[these])
        curves = {
            part: np.interp(years, knots, splines[column].to_numpy())
            for part in "lms"
            if (column := f"{measure}_{row['sex']}_{part}") in splines.columns
        }
        level[these] = np.exp(ln_m + curves["m"])
        spread[these] = np.exp(ln_s + curves["s"])
        skewness[these] = power + curves.get("l", 0.0)
    flat = np.abs(skewness) < 1e-9
    power = np.where(flat, 1.0, skewness)
    ln_low = np.where(flat, -NORMAL_5TH * spread, np.log1p(-NORMAL_5TH * power * spread) / power)
    return Normal(level, level * np.exp(ln_low), skewness, spread)


def _by_group(row: dict[str, float], part: str, group: Texts) -> Floats:
    shift = np.zeros(group.shape)
    for name in EQUATIONS["gli_2012"].groups[1:]:
        shift[group == name] = row[f"{part}_{name}"]
    return shift


def _hankinson(measure: str, age: Floats, height_cm: Floats, sex: Texts, group: Texts) -> Normal:
    young = age < np.where(sex == "male", 20.0, 18.0)
    predicted, lln = np.full(age.shape, np.nan), np.full(age.shape, np.nan)
    for row in _table("nhanes3_coefficients").filter(pl.col("measure") == measure).iter_rows(named=True):
        these = (sex == row["sex"]) & (group == row["group"]) & (young == row["young"])
        by_age = row["age"] * age[these] + row["age2"] * age[these] ** 2
        squared = height_cm[these] ** 2
        predicted[these] = row["constant"] + by_age + row["height2"] * squared
        lln[these] = row["lln_constant"] + by_age + row["lln_height2"] * squared
    return Normal(predicted, lln)
