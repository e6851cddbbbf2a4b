"""From records to exact counts: persons by district, week and syndrome, and the totals of the places above.

**Contribution bound.** A person counts at most once for a syndrome in a week, where the first visit of that week
was, however many visits, codes or repeated rows there are. So one person moves one count of a syndrome and week by
one, and with it the places above.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from salus.data.engines import DUCKDB, StepEngine
from salus.errors import InputError, NameNotFoundError
from salus.privacy import stored
from salus.privacy.policy import Policy
from salus.privacy.steps import calendar, counting
from salus.privacy.tabulation import Counts, categories, tabulate
from salus.tables import codes

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Bound", "Counts", "categories", "count", "diseases", "weeks_between"]


@dataclass(frozen=True)
class Bound:
    """In how many counts one person may be in one year, over several releases.

    A year is that of the fourth day of a week. Which of a person's counts are taken is drawn by a hash of the person
    and the count, so it depends on nobody else.

    Attributes
    ----------
    per_year : int
        Most counts (of a week and syndrome) of a person in a year.
    used : tuple of Path
        What earlier releases took, as written to ``out``.
    released : polars.DataFrame
        ``syndrome``, ``date``: weeks that were released before and are not counted again.
    out : Path
        Parquet file to write: ``person``, ``year``, ``counts`` that were taken now. In the vault.
    """

    per_year: int
    used: tuple[Path, ...]
    released: pl.DataFrame
    out: Path


def count(
    parts: Sequence[Path],
    definitions: pl.DataFrame,
    places: pl.DataFrame,
    policy: Policy,
    *,
    weeks: tuple[dt.date, dt.date] | None = None,
    bound: Bound | None = None,
    spill: Path,
    engine: str = DUCKDB,
    memory_limit: str = "1200MB",
) -> Counts:
    """Count records.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of records, earliest ingest first; a visit that is in several stands as the last has it.
    definitions : polars.DataFrame
        ``code_system``, ``code``, ``match``, ``syndrome``; and where there, ``disease`` (the name that series use) and
        ``encounter_class`` (the one kind of visit that counts; null for any).
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`; records name the places without parts.
    policy : Policy
        Which syndromes, levels and breakdowns.
    weeks : (datetime.date, datetime.date), optional
        First and last day to count; without it, from the first to the last week in which at least the policy's
        minimum cell of persons was seen, less the weeks that it holds back: no single visit decides. Weeks that lie in
        part outside are left out. A policy with noise needs it.
    bound : Bound, optional
        How often one person may count in a year; without it once a week and syndrome.
    spill : Path
        Folder inside the wall for what does not fit in memory.
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``.
    memory_limit : str
        Memory for the engine.

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        A syndrome is not defined, the places don't nest, no whole week is covered, or a policy with noise was given no
        days.
    """
    if weeks is None and policy.noisy:
        raise InputError("under differential privacy the days can't come from the records. Give first and last day.")
    wanted = _wanted(definitions, policy)
    names = diseases(definitions, policy)
    syndromes = list(names)
    shift = 0 if policy.week_start == "monday" else 1
    with stored.opened(parts, spill, engine, memory_limit) as (machine, records):
        if weeks is None:
            first, last = _days_of_many(machine, records, policy.minimum_cell, shift)
            grid = weeks_between(first, last - dt.timedelta(days=7 * policy.weeks_held_back), shift)
        else:
            grid = weeks_between(*weeks, shift)
        cells, rows = _cells(machine, records, wanted, syndromes, grid, shift, bound)
    return tabulate(cells, rows, places, policy, names, grid)


def _days_of_many(machine: StepEngine, records: ir.Table, fewest: int, shift: int) -> tuple[dt.date, dt.date]:
    """First and last day that some weeks have, of those in which at least so many persons were seen."""
    weeks = machine.answer(counting.weeks_seen(records, shift)).sort("week")
    likely = weeks.filter(pl.col("rows") >= fewest)["week"].to_list()

    def many(week: int) -> bool:
        return bool(machine.answer(counting.persons_of_week(records, week, shift)).item() >= fewest)

    first = next((w for w in likely if many(w)), None)
    if first is None:
        raise InputError(
            f"there is no week in which as many as {fewest} persons were seen, so the records don't tell which days to "
            "release: a single person would decide. Say which, as --days YYYY-MM-DD:YYYY-MM-DD."
        )
    last = next(w for w in reversed(likely) if many(w))
    begin = weeks.filter(pl.col("week") == first)["first"].item()
    return begin, min(max(weeks["last"].to_list()), calendar.first_day(last, shift) + dt.timedelta(days=6))


def _wanted(definitions: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    known = set(definitions["syndrome"])
    missing = [s for s in policy.syndromes if s not in known]
    if missing:
        raise NameNotFoundError("syndrome", missing[0], known)
    chosen = definitions.filter(pl.col("syndrome").is_in(list(policy.syndromes or known)))
    if "disease" not in chosen.columns:
        chosen = chosen.with_columns(disease=pl.col("syndrome"))
    if "encounter_class" not in chosen.columns:
        chosen = chosen.with_columns(encounter_class=pl.lit(None, dtype=pl.String))
    return chosen.select("code_system", "code", "match", "syndrome", "disease", "encounter_class")


def _cells(
    machine: StepEngine,
    records: ir.Table,
    wanted: pl.DataFrame,
    syndromes: list[str],
    grid: list[dt.date],
    shift: int,
    bound: Bound | None,
) -> tuple[pl.DataFrame, int]:
    """Counts that are not zero, and how many records they are made of."""
    number = pl.DataFrame({"syndrome": syndromes, "_n": range(len(syndromes))}, schema_overrides={"_n": pl.Int64})
    rules = (
        codes.match(machine.answer(counting.codes_seen(records)), wanted)
        .join(number, on="syndrome")
        .select("code_system", "code", syndrome="_n", only_class="encounter_class")
        .unique()
    )
    districts = machine.answer(counting.districts_seen(records)).sort("district").with_row_index("number")
    districts = districts.select("district", pl.col("number").cast(pl.Int64))
    size = districts.height
    visits = counting.first_visits(records, machine.frame(rules), machine.frame(districts), size, grid, shift)
    if bound is not None:
        visits = _bounded(machine, visits, bound, number, grid, shift)
    found = machine.answer(counting.cells(visits, size))
    words = found.join(number.rename({"syndrome": "_name", "_n": "syndrome"}), on="syndrome").join(
        districts, on="number"
    )
    cells = words.join(counting.kinds(), on="kind").select(
        "district",
        syndrome="_name",
        date=pl.lit(calendar.first_day(0, shift)) + pl.duration(days=7 * pl.col("week")),
        age_group="age_group",
        sex="sex",
        persons="persons",
    )
    return cells.sort(pl.all()), int(found["rows"].sum())


def _bounded(
    machine: StepEngine, visits: ir.Table, bound: Bound, number: pl.DataFrame, grid: list[dt.date], shift: int
) -> ir.Table:
    """The visits that are taken under a bound; how many of each person is written."""
    years = [(calendar.number_of_week(w, shift), (w + dt.timedelta(days=3)).year) for w in grid]
    weeks = pl.DataFrame(years, schema={"week": pl.Int64, "year": pl.Int64}, orient="row")
    before = bound.released.join(number, on="syndrome").select(
        syndrome="_n",
        week=pl.col("date").map_elements(lambda d: calendar.number_of_week(d, shift), return_dtype=pl.Int64),
    )
    used = counting.numbers_used(machine.parquet(bound.used)) if bound.used else None
    chosen = machine.keep(
        counting.within_bound(visits, machine.frame(weeks), machine.frame(before), used, bound.per_year)
    )
    machine.write(counting.numbers_taken(chosen), bound.out, single=True)
    return chosen


def diseases(definitions: pl.DataFrame, policy: Policy) -> dict[str, str]:
    """Syndromes that a policy releases, in order, with the names that series use for them.

    Parameters
    ----------
    definitions : polars.DataFrame
        As for :func:`count`.
    policy : Policy
        Which syndromes.

    Raises
    ------
    InputError
        A syndrome is not defined.
    """
    return dict(_wanted(definitions, policy).select("syndrome", "disease").unique().sort("syndrome").iter_rows())


def weeks_between(first: dt.date, last: dt.date, shift: int) -> list[dt.date]:
    """First days of the whole weeks between two days.

    Parameters
    ----------
    first, last : datetime.date
        First and last day.
    shift : {0, 1}
        0 where weeks begin on Monday, 1 on Sunday.

    Raises
    ------
    InputError
        There is none.

    Examples
    --------
    >>> weeks_between(dt.date(2024, 1, 1), dt.date(2024, 1, 14), 0)
    [datetime.date(2024, 1, 1), datetime.date(2024, 1, 8)]
    """
    start = first + dt.timedelta(days=(-(first.weekday() + shift)) % 7)
    whole = ((last - start).days + 1) // 7
    if whole < 1:
        raise InputError(f"there is no whole week between {first} and {last}. Ingest more records, or give other days.")
    return [start + dt.timedelta(days=7 * k) for k in range(whole)]
