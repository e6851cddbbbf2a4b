"""Trajectories: how many persons are the only one with the visits that somebody may know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from salus.privacy import linkage

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
    parts: Sequence[Path], *, spill: Path, sampled: int = SAMPLED, memory_limit: str = "1500MB"
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
    with linkage.engine(parts, spill, memory_limit) as connection:
        for also in (False, True):
            more = ", age_group, sex" if also else ""
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE stays AS SELECT DISTINCT person, district, week{more} FROM visits"  # noqa: S608 (columns of our own)
            )
            for number in (1, 2, 3):
                (persons, alone) = connection.execute(
                    f"""
WITH drawn AS (
  SELECT person FROM stays GROUP BY person HAVING count(*) >= {number} ORDER BY hash(person), person LIMIT {sampled}
), known AS (
  SELECT person AS target, * EXCLUDE (person) FROM stays SEMI JOIN drawn USING (person)
  QUALIFY row_number() OVER (
    PARTITION BY person ORDER BY hash(person, district, week), district, week{more}
  ) <= {number}
), alike AS (
  SELECT target, s.person FROM known JOIN stays s USING (district, week{more}) GROUP BY ALL HAVING count(*) = {number}
), crowd AS (SELECT target, count(*) AS k FROM alike GROUP BY target)
SELECT count(*), count(*) FILTER (k = 1) FROM crowd"""  # noqa: S608 (columns of our own)
                ).fetchall()[0]
                found.append(Uniqueness(number, also, persons, alone / persons if persons else 0.0))
    return found
