"""Prevalence of small areas and cases not diagnosed, from a survey: multilevel regression with post-stratification.

Chances of a survey by area and traits (:mod:`salus.copd.area_model`) are added up over the people that a census counts
in each area; whether cases are diagnosed is a regression of its own (:mod:`salus.copd.area_diagnosis`). Intervals are
quantiles of draws of people, so that a small area has the chance of few people in it.

What comes out is an estimate of areas, no count of persons. Registers that are compared with it are counts: they stay
inside unless a release has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.copd import area_diagnosis
from salus.copd.area_model import Floats, chances
from salus.copd.area_tables import named, read_census, read_register, read_survey, same_names, tallied
from salus.data.output import check_place, replaced_file
from salus.errors import InputError, WallError
from salus.privacy.zones import zone_of

TRAITS = ("age_band", "sex", "smk_status")
FEWEST_CASES = 20
_SEED = 20260101
_SURE = 0.99
"""Level of the interval outside of which a register is said to mean something else than the survey."""
NOT_UNDIAGNOSED = (
    "cases less registered takes everybody on the register for a case, which holds of few registers: it is no count of "
    "the undiagnosed. For that, ask the survey's people for a diagnosis too, and name the column (diagnosed)"
)
"""Said where a register is given and the survey knows of no diagnosis."""


@dataclass(frozen=True)
class Burden:
    """Estimates of areas, and the model behind them.

    Attributes
    ----------
    table : polars.DataFrame
        A row an area: `location`, `population`, `surveyed` (people), `prevalence`, `lower`, `upper`, `cases`,
        `cases_lower`, `cases_upper`. With a diagnosis in the survey `undiagnosed` (cases without a diagnosis),
        `undiagnosed_lower`, `undiagnosed_upper`. With a register `registered`, and beside it people with a diagnosis by
        the survey alone (`diagnosed`, `diagnosed_lower`, `diagnosed_upper`) or, without a diagnosis in the survey,
        `cases_less_registered`, `cases_less_registered_lower`, `cases_less_registered_upper`.
    spread : dict of str to float
        Standard deviation of the random effects of prevalence, in log-odds, by trait, pair and area.
    people, cases : int
        Of the survey, weighted.
    notes : tuple of str
        What was left out, what does not fit, and what is assumed.
    """

    table: pl.DataFrame
    spread: dict[str, float]
    people: int
    cases: int
    notes: tuple[str, ...] = ()


def burden(
    survey: Any,
    census: Any,
    *,
    outcome: str = "case",
    traits: Sequence[str] = TRAITS,
    covariates: Sequence[str] = (),
    weight: str | None = None,
    diagnosed: str | None = None,
    register: Any = None,
    level: float = 0.9,
    seed: int = _SEED,
) -> Burden:
    """Prevalence, cases and undiagnosed cases of each area.

    Parameters
    ----------
    survey : path or frame
        A row a person: `location`, the traits as text, `outcome` (1 or 0), and the columns below that are named.
    census : path or frame
        A row for each area and combination of traits: `location`, the traits, `people`, and the covariates, which are
        the same in all rows of an area.
    outcome : str
        Column of the survey: obstruction by spirometry.
    traits : sequence of str
        Traits that both tables have.
    covariates : sequence of str
        Numeric columns of the census that say something of the area, such as registered prevalence of other conditions;
        for the prevalence alone.
    weight : str, optional
        Column of survey weights; they are scaled to the number of people that they are worth.
    diagnosed : str, optional
        Column of the survey: 1 or 0, whether the person was told of the disease before.
    register : path or frame, optional
        `location` and `registered`: people with a diagnosis, with obstruction or not, of the census' ages. Beside
        `diagnosed` it tells how areas differ, in diagnosing and in prevalence, not the level.
    level : float
        Share that the intervals are to hold.
    seed : int
        Of the draws.

    Returns
    -------
    Burden
        Areas in the order of the census.

    Raises
    ------
    InputError
        A column is missing, the survey has too few cases or diagnoses, an area or level of the survey is not in the
        census, or an area stands twice where once is wanted.

    Examples
    --------
    >>> chance = np.random.default_rng(1)
    >>> people = pl.DataFrame({"location": ["a", "b"] * 300, "sex": ["female", "male", "male"] * 200,
    ...                        "case": (chance.uniform(size=600) < 0.2).astype(int),
    ...                        "told": (chance.uniform(size=600) < 0.3).astype(int)})
    >>> cells = pl.DataFrame({"location": ["a", "a", "b", "b"], "sex": ["female", "male"] * 2,
    ...                       "people": [900, 800, 500, 600]})
    >>> found = burden(people, cells, traits=("sex",), diagnosed="told").table
    >>> found["population"].to_list(), bool(found["prevalence"].is_between(0.1, 0.3).all())
    ([1700.0, 1100.0], True)
    >>> bool((found["undiagnosed"] / found["cases"]).is_between(0.6, 0.8).all())
    True
    """
    people, left_out = read_survey(survey, outcome, traits, weight, diagnosed)
    cells = read_census(census, traits, covariates)
    ill = int(people["case"].sum())
    if not FEWEST_CASES <= ill <= people.height - FEWEST_CASES:
        raise InputError(
            f"the survey has {ill} cases among {people.height} people: at least {FEWEST_CASES} with and without are "
            "wanted"
        )
    same_names(people, cells, traits)
    counts, unmatched = (None, []) if register is None else read_register(register, cells)
    chance = np.random.default_rng(seed)
    tallies = tallied(people, traits, "case")
    model = chances(tallies, cells, traits, chance, covariates)
    if diagnosed is None:
        count = np.rint(cells["people"].to_numpy()).astype(np.int64)[:, None]
        drawn = {"cases": chance.binomial(count, model.drawn).astype(float)}
    else:
        drawn = area_diagnosis.people_drawn(people, cells, traits, model.drawn, counts, chance)
    table, notes = _added_up(cells, drawn, dict(people["location"].value_counts().iter_rows()), counts, level)
    return Burden(
        table,
        model.spread,
        round(float(tallies["tried"].sum())),
        round(float(tallies["found"].sum())),
        (*left_out, *unmatched, *notes),
    )


def guard_estimates(out: str | Path, inputs: Sequence[str | Path], *, registered: bool) -> None:
    """Refuse a place where the estimates may not stand.

    Parameters
    ----------
    out : path
        File to be written.
    inputs : sequence of path
        What they are made from.
    registered : bool
        Whether the table has counts of a register.

    Raises
    ------
    WallError
        The release zone, into which only a release of the wall writes; or counts of a register that lies in a wall,
        outside of it.
    OutputError
        The file can't be written.
    """
    zone = zone_of(out)
    if zone in ("release", "vault"):
        raise WallError(f"{out} lies in the zone '{zone}', which only the wall itself writes. Write it into count/.")
    inner = [path for path in inputs if zone_of(path) in ("vault", "record", "count")]
    if registered and inner and zone is None:
        raise WallError(
            f"{inner[0]} lies in a wall, and {out} would hold counts of a register outside of it. Write it into "
            "count/, or take the register from a release."
        )
    check_place(out, inputs)


def write_burden(found: Burden, out: str | Path) -> None:
    """Write the estimates as CSV or Parquet, by the ending of the name.

    Raises
    ------
    InputError
        The name ends in something else.
    OutputError
        The file can't be written.
    """
    ending = Path(out).suffix.casefold()
    if ending not in (".csv", ".parquet"):
        raise InputError(f"--out {out} ends in '{ending}'; .csv or .parquet is wanted")
    with replaced_file(out) as part:
        if ending == ".csv":
            found.table.write_csv(part)
        else:
            found.table.write_parquet(part)


# ---- sums -----------------------------------------------------------------------------------------------------------


def _added_up(
    cells: pl.DataFrame,
    drawn: dict[str, Floats],
    surveyed: dict[str, int],
    register: dict[str, float] | None,
    level: float,
) -> tuple[pl.DataFrame, list[str]]:
    """A row an area, and what does not fit."""
    rows, beyond = [], []
    sums: dict[str, Floats] = {}
    for area in cells["location"].unique(maintain_order=True):
        at = (cells["location"] == area).to_numpy()
        population = float(cells["people"].to_numpy()[at].sum())
        here = {name: people[at].sum(axis=0) for name, people in drawn.items()}
        cases = _told("cases", here["cases"], level)
        row: dict[str, Any] = {"location": area, "population": population, "surveyed": surveyed.get(area, 0)}
        row |= {
            "prevalence": cases["cases"] / population,
            "lower": cases["cases_lower"] / population,
            "upper": cases["cases_upper"] / population,
        } | cases
        if "undiagnosed" in here:
            row |= _told("undiagnosed", here["undiagnosed"], level)
        if register is not None:
            registered = register.get(area)
            row["registered"] = registered
            if "diagnosed" in here:
                row |= _told("diagnosed", here["diagnosed"], level)
            else:
                less = None if registered is None else here["cases"] - registered
                row |= _told("cases_less_registered", less, level)
            if registered is not None:
                sums = {name: sums.get(name, 0) + people for name, people in here.items()}
                if registered > cases["cases_upper"]:
                    beyond.append((area, registered, cases["cases"]))
        rows.append(row)
    notes = [] if register is None else _fits(beyond, sums, sum(register.values()))
    return pl.DataFrame(rows, infer_schema_length=None), notes


def _told(name: str, people: Floats | None, level: float) -> dict[str, Any]:
    """Mean and interval of draws, under the names of their columns."""
    if people is None:
        return {name: None, f"{name}_lower": None, f"{name}_upper": None}
    low, high = np.quantile(people, [(1 - level) / 2, (1 + level) / 2])
    return {name: float(people.mean()), f"{name}_lower": float(low), f"{name}_upper": float(high)}


def _fits(beyond: list[tuple[str, float, float]], sums: dict[str, Floats], registered: float) -> list[str]:
    """What a register and the survey say of each other."""
    notes = []
    if beyond:
        area, on_it, cases = beyond[0]
        notes.append(
            f"more people are registered than there are cases in {named([name for name, _, _ in beyond])} (in '{area}' "
            f"{on_it:,.0f}, against {cases:,.0f}): many of them have no obstruction, or the register counts other ages "
            "or places than the census"
        )
    if "diagnosed" not in sums:
        return [*notes, NOT_UNDIAGNOSED]
    told = _told("told", sums["diagnosed"], _SURE)
    if not told["told_lower"] <= registered <= told["told_upper"]:
        notes.append(
            f"the register has {registered:,.0f} people; by the survey {told['told']:,.0f} ({told['told_lower']:,.0f} "
            f"to {told['told_upper']:,.0f}) have a diagnosis, so the two don't mean the same. The level of the "
            "undiagnosed is the survey's; the register only tells how areas differ"
        )
    return notes
