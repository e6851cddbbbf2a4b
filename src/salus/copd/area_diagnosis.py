"""Cases that nobody has diagnosed: what a survey says of its people's diagnoses, with a register or without.

Most people who were told of chronic bronchitis or emphysema have no obstruction (76.6 % in NHANES 2007-2010 at 40 to
79, weighted; of those with obstruction 12.8 % had been told), so that cases less the register is no count of
undiagnosed ones: there it says 5.9 % where 11.3 % are. The survey knows of each person both, and each is a regression
of its own: obstruction, then diagnosis among those with it and among those without.

A register counts diagnosed people, with obstruction or not. It tells how areas differ in both, and never the level,
since a register and a survey's question seldom mean quite the same: for each draw its counts are scaled to the survey's
own sum. Draws are then weighted, area by area, by how well they tell the scaled count (importance resampling: Rubin,
Bayesian Statistics 3, 1988, 395-402). Long tails keep a register that is far off from deciding anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.copd.area_model import Floats, chances
from salus.copd.area_tables import tallied
from salus.errors import InputError

FEWEST_DIAGNOSED = 5
REGISTER_DOUBT = 0.2
"""Scale, in log-odds, by which an area's register and the survey's answers may differ beside the level."""
_TAIL = 3
"""Degrees of freedom of Student's distribution of that difference."""


def people_drawn(
    people: pl.DataFrame,
    cells: pl.DataFrame,
    traits: Sequence[str],
    prevalence: Floats,
    register: dict[str, float] | None,
    chance: np.random.Generator,
) -> dict[str, Floats]:
    """Draw cases, those of them without a diagnosis, and with a register how many people have a diagnosis.

    Parameters
    ----------
    people : polars.DataFrame
        Of the survey: `location`, the traits, `case`, `diagnosed` (null where nobody asked) and `weight`.
    cells : polars.DataFrame
        Of the census: `location`, the traits, `people`.
    traits : sequence of str
        Names of columns.
    prevalence : array of float, (cells, draws)
        Chances of obstruction.
    register : dict of str to float, optional
        People with a diagnosis, by area.
    chance : numpy.random.Generator
        For the draws.

    Returns
    -------
    dict of str to array of float, (cells, draws)
        People: `cases`, `undiagnosed`; with a register `diagnosed`, with obstruction or not, by the survey alone.

    Raises
    ------
    InputError
        Fewer than :data:`FEWEST_DIAGNOSED` people to learn one of the shares from.

    Examples
    --------
    >>> people = pl.DataFrame({"location": ["a", "b"] * 100, "sex": ["male"] * 200, "case": [1.0, 1.0, 0.0, 0.0] * 50,
    ...                        "diagnosed": [1.0] * 20 + [0.0] * 180, "weight": [1.0] * 200})
    >>> cells = pl.DataFrame({"location": ["a", "b"], "sex": ["male"] * 2, "people": [900.0, 800.0]})
    >>> found = people_drawn(people, cells, ("sex",), np.full((2, 2000), 0.5), None, np.random.default_rng(1))
    >>> found["undiagnosed"].shape, bool((found["undiagnosed"] <= found["cases"]).all())
    ((2, 2000), True)
    """
    count = np.rint(cells["people"].to_numpy()).astype(np.int64)[:, None]
    of_cases = _share(people.filter(pl.col("case") == 1), cells, traits, "with", chance)
    by_survey = {}
    if register is not None:
        of_others = _share(people.filter(pl.col("case") == 0), cells, traits, "without", chance)
        told = prevalence * of_cases + (1 - prevalence) * of_others
        by_survey = {"diagnosed": chance.binomial(count, told).astype(float)}
        prevalence, of_cases = prevalence.copy(), of_cases.copy()
        for area, draws in agreeing(cells, told, register, chance).items():
            at = np.flatnonzero((cells["location"] == area).to_numpy())
            prevalence[at], of_cases[at] = prevalence[np.ix_(at, draws)], of_cases[np.ix_(at, draws)]
    cases = chance.binomial(count, prevalence)
    missed = chance.binomial(cases, 1 - of_cases)
    return {"cases": cases.astype(float), "undiagnosed": missed.astype(float)} | by_survey


def agreeing(
    cells: pl.DataFrame, told: Floats, register: dict[str, float], chance: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Draws to take in each area so that they agree with a register.

    Parameters
    ----------
    cells : polars.DataFrame
        `location` and `people`.
    told : array of float, (cells, draws)
        Chances of a diagnosis.
    register : dict of str to float
        People with a diagnosis, by area; only how they compare with each other matters.
    chance : numpy.random.Generator
        For the draws.

    Returns
    -------
    dict of str to array of int, (draws,)
        Numbers of draws by area of the register, as many as there are; some more than once.

    Examples
    --------
    >>> chance = np.random.default_rng(1)
    >>> cells = pl.DataFrame({"location": ["a", "b"], "people": [1000.0, 1000.0]})
    >>> told = chance.uniform(0.05, 0.3, (2, 2000))
    >>> found = agreeing(cells, told, {"a": 40.0, "b": 20.0}, chance)
    >>> bool(told[0, found["a"]].mean() > told[0].mean()), bool(told[1, found["b"]].mean() < told[1].mean())
    (True, True)
    """
    count = cells["people"].to_numpy()[:, None]
    rows = {area: (cells["location"] == area).to_numpy() for area in register}
    # half a person stands for nobody on a register, whose log-odds have no number
    counted = {area: max(n, 0.5) for area, n in register.items()}
    expected = {area: (count[at] * told[at]).sum(axis=0) for area, at in rows.items()}
    scale = np.sum(list(expected.values()), axis=0) / sum(counted.values())
    found = {}
    for area, at in rows.items():
        population = count[at].sum()
        off = _log_odds(counted[area] * scale / population) - _log_odds(expected[area] / population)
        weight = (1 + (off / REGISTER_DOUBT) ** 2 / _TAIL) ** (-(_TAIL + 1) / 2)
        found[area] = chance.choice(off.size, off.size, p=weight / weight.sum())
    return found


def _share(
    people: pl.DataFrame, cells: pl.DataFrame, traits: Sequence[str], obstruction: str, chance: np.random.Generator
) -> Floats:
    """Chances of being diagnosed among the people with obstruction, or among those without."""
    asked = people.filter(pl.col("diagnosed").is_not_null())
    told = int(asked["diagnosed"].sum())
    if not FEWEST_DIAGNOSED <= told <= asked.height - FEWEST_DIAGNOSED:
        raise InputError(
            f"{told} of {asked.height} people of the survey {obstruction} obstruction are diagnosed: at least "
            f"{FEWEST_DIAGNOSED} who are and who are not are wanted. Leave the column of the diagnosis out"
            + ("" if obstruction == "with" else ", or the register")
        )
    return chances(tallied(asked, traits, "diagnosed"), cells, traits, chance).drawn


def _log_odds(share: Floats) -> Floats:
    inner = np.clip(share, 1e-9, 1 - 1e-9)
    found: Floats = np.log(inner / (1 - inner))
    return found
