"""Linkage: how many persons share what somebody may know of them, and the risk that a record is matched to its person.

The records never leave; this says what would happen if they did, and so why they don't. A class is all persons who are
alike in what is known; k is its size. With the share 1/k of being right,

- the *prosecutor* knows that the person is in the records;
- the *journalist* does not, and looks in a register of the whole population, where the class is larger;
- the *marketer* matches everybody at once and wants many to be right, not one.

El Emam and Dankar, Journal of the American Medical Informatics Association 15, 2008; Dankar and El Emam, PAIS 2010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from salus.privacy import stored
from salus.privacy.steps import classes as steps

THRESHOLD = 0.09
"""Highest risk that the European Medicines Agency accepts for data made public (policy 0070), one in eleven."""

_KNOWN = (
    ("district", "age_group", "sex"),
    ("district", "age_group", "sex", "week"),
    ("district", "age_group", "sex", "week", "diagnosis"),
)


@dataclass(frozen=True)
class Classes:
    """Classes of persons who are alike in what is known of them.

    Attributes
    ----------
    known : tuple of str
        What is known; with ``week`` it is that of one visit, with ``diagnosis`` the first three characters of its code.
    persons, classes : int
        Numbers of both.
    unique, under_five, under_eleven : int
        Persons whose class has 1, fewer than 5, fewer than 11 persons.
    prosecutor_highest : float
        Highest risk, 1/k of the smallest class.
    prosecutor_above : float
        Share of persons whose risk is above :data:`THRESHOLD`.
    matched : float
        Share of all persons that somebody who has all of them in a list would match right, by chance within classes.
    journalist_highest : float or None
        Highest risk against a register of the population; None where it does not know what is known.
    marketer : float or None
        Share of the records that would be matched right against such a register.
    """

    known: tuple[str, ...]
    persons: int
    classes: int
    unique: int
    under_five: int
    under_eleven: int
    prosecutor_highest: float
    prosecutor_above: float
    matched: float
    journalist_highest: float | None
    marketer: float | None


def classes(
    parts: Sequence[Path], population: Mapping[str, float], *, spill: Path, memory_limit: str = "1200MB"
) -> list[Classes]:
    """Classes by place, age group and sex, then with the week of one visit, then with its diagnosis.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of records, earliest ingest first.
    population : mapping of str to float
        District -> inhabitants, where known; the register is taken to have the ages and sexes of the records.
    spill : Path
        Folder inside the wall for what does not fit in memory.
    memory_limit : str
        Memory for the engine.

    Returns
    -------
    list of Classes
        One for each kind of knowledge.
    """
    with stored.opened(parts, spill, memory_limit=memory_limit) as (machine, records):
        seen = machine.keep(steps.visits(records))
        return [_of(machine.answer(steps.classes(seen, known)), known, population) for known in _KNOWN]


def _of(table: pl.DataFrame, known: tuple[str, ...], population: Mapping[str, float]) -> Classes:
    table = table.sort(known)  # sums of fractions depend on their order, and an engine gives rows in any
    persons = int(table["persons"].sum())
    risk = table.select(risk=1.0 / pl.col("k"), persons="persons")
    register = _against_register(table, population) if known == _KNOWN[0] else (None, None)
    return Classes(
        known=known,
        persons=persons,
        classes=table.height,
        unique=_under(table, 2),
        under_five=_under(table, 5),
        under_eleven=_under(table, 11),
        prosecutor_highest=float(risk["risk"].to_numpy().max()),
        prosecutor_above=float(risk.filter(pl.col("risk") > 1 / 11)["persons"].sum()) / persons,
        matched=float((risk["risk"] * risk["persons"]).sum()) / persons,
        journalist_highest=register[0],
        marketer=register[1],
    )


def _under(table: pl.DataFrame, size: int) -> int:
    return int(table.filter(pl.col("k") < size)["persons"].sum())


def _against_register(table: pl.DataFrame, population: Mapping[str, float]) -> tuple[float | None, float | None]:
    here = table.filter(pl.col("district").is_in(list(population)))
    if not here.height:
        return None, None
    inside = here.group_by("district").agg(seen=pl.col("persons").sum())
    people = pl.DataFrame({"district": list(population), "people": list(population.values())})
    joined = here.join(inside, on="district", maintain_order="left").join(people, on="district", maintain_order="left")
    larger = joined.select("persons", F=pl.col("k") * (pl.col("people") / pl.col("seen")).clip(lower_bound=1.0))
    risk = 1.0 / larger["F"].to_numpy()
    weight = larger["persons"].to_numpy()
    return float(risk.max()), float((risk * weight).sum() / weight.sum())
