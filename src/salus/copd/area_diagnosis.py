"""Cases that nobody has diagnosed: what a survey says of its people's diagnoses, with a register or without.

Most people who were told of chronic bronchitis or emphysema have no obstruction (76.6 % in NHANES 2007-2010 at 40 to
79, weighted; of those with obstruction 12.8 % had been told), so that cases less the register is no count of
undiagnosed ones: there it says 5.9 % where 11.3 % are. The survey knows of each person both, and each is a regression
of its own: obstruction, then diagnosis among those with it and among those without.

A register counts diagnosed people, with obstruction or not. It tells how areas differ in diagnosing, never the level,
since a register and a survey's question seldom mean quite the same: for each draw its counts are scaled to the survey's
own sum, and the log-odds of being diagnosed are moved in each area until they agree with it (the logit shift: Ghitza
and Gelman, American Journal of Political Science 2013, 57(3), 762-776).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.copd.area_model import Floats, chances, expit
from salus.copd.area_tables import tallied
from salus.errors import InputError

FEWEST_DIAGNOSED = 5
_STEPS, _CLOSE = 100, 1e-6
_EDGE = 1e-9


@dataclass(frozen=True)
class Diagnosed:
    """Draws of people by diagnosis, of each cell of the census.

    Attributes
    ----------
    missed : array of float, (cells, draws)
        People with obstruction and without a diagnosis.
    told : array of float, (cells, draws) or None
        People with a diagnosis, with obstruction or not, by the survey alone; None without a register.
    """

    missed: Floats
    told: Floats | None


def diagnosed(
    people: pl.DataFrame,
    cells: pl.DataFrame,
    traits: Sequence[str],
    prevalence: Floats,
    cases: NDArray[np.int64],
    register: dict[str, float] | None,
    chance: np.random.Generator,
) -> Diagnosed:
    """Draw how many cases are undiagnosed, and with a register how many people are diagnosed.

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
    cases : array of int, (cells, draws)
        People with obstruction.
    register : dict of str to float, optional
        People with a diagnosis, by area.
    chance : numpy.random.Generator
        For the draws.

    Raises
    ------
    InputError
        Fewer than :data:`FEWEST_DIAGNOSED` people to learn one of the shares from.

    Examples
    --------
    >>> chance = np.random.default_rng(1)
    >>> people = pl.DataFrame({"location": ["a", "b"] * 100, "sex": ["male"] * 200, "case": [1.0, 1.0, 0.0, 0.0] * 50,
    ...                        "diagnosed": [1.0] * 20 + [0.0] * 180, "weight": [1.0] * 200})
    >>> cells = pl.DataFrame({"location": ["a", "b"], "sex": ["male"] * 2, "people": [900.0, 800.0]})
    >>> half = np.full((2, 2000), 0.5)
    >>> found = diagnosed(people, cells, ("sex",), half, np.full((2, 2000), 400), None, chance)
    >>> found.missed.shape, bool((found.missed <= 400).all()), found.told is None
    ((2, 2000), True, True)
    """
    of_cases = _share(people.filter(pl.col("case") == 1), cells, traits, "with", chance)
    if register is None:
        return Diagnosed(chance.binomial(cases, 1 - of_cases).astype(float), None)
    of_others = _share(people.filter(pl.col("case") == 0), cells, traits, "without", chance)
    count = np.rint(cells["people"].to_numpy()).astype(np.int64)[:, None]
    told = chance.binomial(cases, of_cases) + chance.binomial(count - cases, of_others)
    shifted = shift(cells, prevalence, of_cases, of_others, register)
    return Diagnosed(chance.binomial(cases, 1 - shifted).astype(float), told.astype(float))


def shift(
    cells: pl.DataFrame, prevalence: Floats, of_cases: Floats, of_others: Floats, register: dict[str, float]
) -> Floats:
    """Chances of being diagnosed among cases, moved in each area so that they agree with a register.

    Parameters
    ----------
    cells : polars.DataFrame
        `location` and `people`.
    prevalence, of_cases, of_others : array of float, (cells, draws)
        Chances of obstruction, and of being diagnosed with it and without.
    register : dict of str to float
        People with a diagnosis, by area; only how they compare with each other matters.

    Returns
    -------
    array of float, (cells, draws)
        In place of `of_cases`; as it was where the register has nothing.

    Examples
    --------
    >>> cells = pl.DataFrame({"location": ["a", "b", "c"], "people": [1000.0, 1000.0, 1000.0]})
    >>> tenth, fifth = np.full((3, 1), 0.1), np.full((3, 1), 0.2)
    >>> shift(cells, tenth, fifth, fifth, {"a": 30.0, "b": 10.0}).round(3).T.tolist()
    [[0.3, 0.1, 0.2]]
    """
    count = cells["people"].to_numpy()[:, None]
    expected = count * (prevalence * of_cases + (1 - prevalence) * of_others)
    rows = {area: (cells["location"] == area).to_numpy() for area in register}
    # half a person stands for nobody on a register, whose log-odds have no number
    counted = {area: max(n, 0.5) for area, n in register.items()}
    scale = sum(expected[at].sum(axis=0) for at in rows.values()) / sum(counted.values())
    odds_cases, odds_others = _log_odds(of_cases), _log_odds(of_others)
    moved = of_cases.copy()
    for area, at in rows.items():
        wanted = _log_odds(counted[area] * scale / count[at].sum())
        step = np.zeros(prevalence.shape[1])
        for _ in range(_STEPS):
            here = prevalence[at] * expit(odds_cases[at] + step) + (1 - prevalence[at]) * expit(odds_others[at] + step)
            missing = wanted - _log_odds((count[at] * here).sum(axis=0) / count[at].sum())
            step += missing
            if np.abs(missing).max() < _CLOSE:
                break
        moved[at] = expit(odds_cases[at] + step)
    return moved


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
    inner = np.clip(share, _EDGE, 1 - _EDGE)
    found: Floats = np.log(inner / (1 - inner))
    return found
