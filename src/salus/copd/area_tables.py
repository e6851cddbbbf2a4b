"""What the prevalence of areas is estimated from: a survey's people, a census' cells, the counts of a register.

Each table is checked where it is read: what can't be meant stops with one sentence, what is left out is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from salus.errors import InputError
from salus.tables.frames import to_polars
from salus.tables.reading import read_raw

NAMED = 3
"""Areas that a note names before it says how many more there are."""


def read_survey(
    source: Any, outcome: str, traits: Sequence[str], weight: str | None, diagnosed: str | None
) -> tuple[pl.DataFrame, list[str]]:
    """People of a survey, and notes on who is left out.

    Parameters
    ----------
    source : path or frame
        A row a person: `location`, the traits, `outcome` (1 or 0), and the columns below where they are named.
    outcome, weight, diagnosed : str
        Names of columns. `diagnosed` is 1 or 0, and may be empty where nobody asked.
    traits : sequence of str
        Names of columns.

    Returns
    -------
    tuple of polars.DataFrame and list of str
        `location` and the traits as text, `case`, `diagnosed` (null where not asked, or no column is named) and
        `weight` as numbers; sentences.

    Raises
    ------
    InputError
        A column is missing, or holds something else.

    Examples
    --------
    >>> made = pl.DataFrame({"location": ["a", "b", "b"], "sex": ["male", None, "male"], "ill": [0, 1, 1]})
    >>> people, notes = read_survey(made, "ill", ("sex",), None, None)
    >>> people.rows(), notes
    ([('a', 'male', 0.0, None, 1.0), ('b', 'male', 1.0, None, 1.0)], \
["1 of 3 people of the survey lack location, a trait or 'ill' and are left out"])
    """
    label = "the survey"
    optional = [name for name in (weight, diagnosed) if name]
    frame = _needed(source, label, ["location", *traits, outcome, *optional])
    known = frame.filter(pl.all_horizontal(pl.col("location", *traits, outcome).is_not_null()))
    people = known.select(
        *(pl.col(name).cast(pl.String) for name in ("location", *traits)),
        _numbers(known, outcome, label).alias("case"),
        (_numbers(known, diagnosed, label) if diagnosed else pl.lit(None, pl.Float64)).alias("diagnosed"),
        (_numbers(known, weight, label) if weight else pl.lit(1.0)).alias("weight"),
    )
    for name, column in ((outcome, "case"), (diagnosed, "diagnosed")):
        strange = people.filter(~pl.col(column).is_in([0.0, 1.0]))
        if strange.height:
            raise InputError(f"the survey's '{name}' is {strange[column][0]:g} in some rows: 1 or 0 is wanted")
    if (people["weight"] <= 0).any() or people["weight"].null_count():
        raise InputError(f"the survey's '{weight}' is missing or not positive in some rows. Leave these people out")
    notes = []
    if people.height < frame.height:
        left = frame.height - people.height
        notes.append(
            f"{left:,} of {frame.height:,} people of the survey lack location, a trait or '{outcome}' and are left out"
        )
    if diagnosed and people["diagnosed"].null_count():
        notes.append(
            f"{people['diagnosed'].null_count():,} of {people.height:,} people of the survey lack '{diagnosed}'; they "
            "count for the prevalence alone"
        )
    return people, notes


def tallied(people: pl.DataFrame, traits: Sequence[str], yes: str) -> pl.DataFrame:
    """People and those with a one in a column, of each area and combination of traits.

    Parameters
    ----------
    people : polars.DataFrame
        As :func:`read_survey` has them; `weight` is scaled to the number of people that it is worth (Kish).
    traits : sequence of str
        Names of columns.
    yes : str
        Column that is 0 or 1.

    Returns
    -------
    polars.DataFrame
        `location`, the traits, `tried`, `found` (both weighted).

    Examples
    --------
    >>> people, _ = read_survey(pl.DataFrame({"location": ["a", "a"], "sex": ["male"] * 2, "case": [0, 1],
    ...                                       "w": [7, 7]}), "case", ("sex",), "w", None)
    >>> tallied(people, ("sex",), "case").rows()
    [('a', 'male', 2.0, 1.0)]
    """
    weight = people["weight"].to_numpy()
    scale = float(weight.sum() / (weight**2).sum())
    return people.group_by("location", *traits, maintain_order=True).agg(
        tried=pl.col("weight").sum() * scale, found=(pl.col("weight") * pl.col(yes)).sum() * scale
    )


def read_census(source: Any, traits: Sequence[str], covariates: Sequence[str]) -> pl.DataFrame:
    """Cells of a census.

    Parameters
    ----------
    source : path or frame
        A row for each area and combination of traits: `location`, the traits, `people`, and the covariates, which are
        the same in all rows of an area.
    traits, covariates : sequence of str
        Names of columns.

    Returns
    -------
    polars.DataFrame
        Area and traits as text, the rest as numbers.

    Raises
    ------
    InputError
        A column is missing, a combination stands there twice, nobody lives in an area, or a cell is empty or negative.

    Examples
    --------
    >>> read_census(pl.DataFrame({"location": ["a"], "sex": ["male"], "people": ["900"]}), ("sex",), ()).rows()
    [('a', 'male', 900.0)]
    """
    label = "the census"
    frame = _needed(source, label, ["location", *traits, "people", *covariates])
    cells = frame.with_columns(
        *(pl.col(name).cast(pl.String) for name in ("location", *traits)),
        *(_numbers(frame, name, label) for name in ("people", *covariates)),
    )
    if cells.select(pl.any_horizontal(pl.all().is_null())).to_series().any() or (cells["people"] < 0).any():
        raise InputError("the census has empty cells or negative counts. Fill them in; 0 where nobody lives")
    twice = cells.filter(cells.select("location", *traits).is_duplicated())
    if twice.height:
        cell = ", ".join(twice.select("location", *traits).row(0))
        raise InputError(
            f"the census has more than one row of '{cell}'; one of each combination is wanted. Drop the copies, or add "
            "up the people where the rows are parts"
        )
    uneven = [c for c in covariates if cells.group_by("location").agg(pl.col(c).n_unique())[c].max() != 1]
    if uneven:
        raise InputError(f"the census has several values of '{uneven[0]}' in one area; one an area is wanted")
    empty = cells.group_by("location", maintain_order=True).agg(pl.col("people").sum()).filter(pl.col("people") == 0)
    if empty.height:
        raise InputError(f"nobody lives in '{empty['location'][0]}' by the census. Leave the area out")
    return cells


def read_register(source: Any, cells: pl.DataFrame) -> tuple[dict[str, float], list[str]]:
    """People on the register of each area, and notes on areas that don't match the census.

    Parameters
    ----------
    source : path or frame
        `location` and `registered`; an empty count is none.
    cells : polars.DataFrame
        As :func:`read_census` has them.

    Returns
    -------
    tuple of dict of str to float and list of str
        Counts by area; sentences.

    Raises
    ------
    InputError
        A column is missing, an area stands there twice, no area is one of the census, or a count is negative, no
        number, or above the population.

    Examples
    --------
    >>> cells = pl.DataFrame({"location": ["a", "b"], "sex": ["male"] * 2, "people": [900.0, 800.0]})
    >>> read_register(pl.DataFrame({"location": ["a", "z"], "registered": [40, 3]}), cells)
    ({'a': 40.0}, ["the register has 1 area that the census lacks, left out: 'z'", \
"the register lacks 1 area of the census: 'b'"])
    """
    label = "the register"
    frame = _needed(source, label, ["location", "registered"])
    table = frame.select(pl.col("location").cast(pl.String), _numbers(frame, "registered", label)).drop_nulls()
    twice = table.filter(table["location"].is_duplicated())
    if twice.height:
        counts = " and ".join(
            f"{n:,.0f}" for n in twice.filter(pl.col("location") == twice["location"][0])["registered"]
        )
        raise InputError(
            f"the register has '{twice['location'][0]}' more than once ({counts}); one row an area is wanted. Drop the "
            "copies, or add them up where they are parts"
        )
    population = dict(cells.group_by("location", maintain_order=True).agg(pl.col("people").sum()).iter_rows())
    counts_of = {area: float(n) for area, n in table.iter_rows() if area in population}
    if not counts_of:
        raise InputError("the register has no area of the census. Write 'location' alike in both")
    for area, n in counts_of.items():
        if not 0 <= n <= population[area]:
            raise InputError(
                f"the register has {n:,.0f} people of '{area}', where the census counts {population[area]:,.0f}: "
                "between 0 and all of them is wanted. Correct it, or give the register of the same ages"
            )
    notes = []
    foreign = [area for area in table["location"] if area not in population]
    if foreign:
        notes.append(f"the register has {_areas(foreign)} that the census lacks, left out: {named(foreign)}")
    without = [area for area in population if area not in counts_of]
    if without:
        notes.append(f"the register lacks {_areas(without)} of the census: {named(without)}")
    return counts_of, notes


def same_names(people: pl.DataFrame, cells: pl.DataFrame, traits: Sequence[str]) -> None:
    """Refuse a survey with areas or levels of traits that the census lacks.

    Raises
    ------
    InputError
        Names the first.
    """
    for name in ("location", *traits):
        strange = sorted(set(people[name]) - set(cells[name]))
        if strange:
            raise InputError(f"the survey has '{strange[0]}' in '{name}', which the census does not. Write them alike")


def named(areas: Sequence[str]) -> str:
    """The first areas in quotes, and how many more there are.

    Examples
    --------
    >>> named(["a", "b", "c", "d", "e"])
    "'a', 'b', 'c' and 2 more"
    """
    more = f" and {len(areas) - NAMED} more" if len(areas) > NAMED else ""
    return ", ".join(f"'{area}'" for area in areas[:NAMED]) + more


def _areas(names: Sequence[str]) -> str:
    return f"{len(names)} area{'' if len(names) == 1 else 's'}"


def _needed(source: Any, label: str, columns: Sequence[str]) -> pl.DataFrame:
    frame = read_raw(source) if not hasattr(source, "columns") else to_polars(source, label)
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise InputError(f"{label} has no column '{lacking[0]}'; it has {', '.join(frame.columns)}. Add it")
    return frame.select(columns)


def _numbers(frame: pl.DataFrame, name: str, label: str) -> pl.Expr:
    """The column as numbers; what is none is named."""
    found = frame[name].cast(pl.Float64, strict=False)
    strange = frame.filter(frame[name].is_not_null() & ~found.is_finite().fill_null(value=False))
    if strange.height:
        raise InputError(f"{label}'s '{name}' is '{strange[name][0]}' in some rows: a number is wanted")
    return pl.col(name).cast(pl.Float64)
