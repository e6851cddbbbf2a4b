"""Trajectories: how many persons are the only one with the visits that somebody may know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from salus.privacy import stored
from salus.privacy.steps import classes as steps

SAMPLED = 2000
"""Persons looked at for each number of visits."""


@dataclass(frozen=True)
class Uniqueness:
    """Persons known by the place and week of some of their visits.

    Attributes
    ----------
    visits : int
        Visits known, of different weeks or places.
    also : bool
        Whether age group and sex are known too.
    persons : int
        Persons looked at: with at least so many visits, at most :data:`SAMPLED`.
    share : float
        Share of them who are the only one with these visits; 0 where there are no such persons.
    """

    visits: int
    also: bool
    persons: int
    share: float


def uniqueness(
    parts: Sequence[Path], *, spill: Path, sampled: int = SAMPLED, memory_limit: str = "1200MB"
) -> list[Uniqueness]:
    """Share of persons who are alone with one, two or three known visits.

    Persons and visits are drawn by a hash, the same each time.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of records, earliest ingest first.
    spill : Path
        Folder inside the wall for what does not fit in memory.
    sampled : int
        Persons to look at.
    memory_limit : str
        Memory for the engine.

    Returns
    -------
    list of Uniqueness
        One, two and three visits; without and with age group and sex.
    """
    found = []
    with stored.opened(parts, spill, memory_limit=memory_limit) as (machine, records):
        seen = machine.keep(steps.visits(records))
        for also in (False, True):
            known = ("district", "week", *(("age_group", "sex") if also else ()))
            staying = machine.keep(steps.stays(seen, known))
            for number in (1, 2, 3):
                persons, alone = machine.answer(steps.alone(staying, known, number, sampled)).row(0)
                found.append(Uniqueness(number, also, persons, alone / persons if persons else 0.0))
    return found
