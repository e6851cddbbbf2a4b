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

import numpy as np
import polars as pl

from salus.data.engines import DUCKDB, StepEngine
from salus.errors import InputError, NameNotFoundError
from salus.privacy import nesting, stored, suppression
from salus.privacy.policy import Policy
from salus.privacy.steps import calendar, counting
from salus.privacy.suppression import Tree
from salus.tables import codes

if TYPE_CHECKING:
    import ibis.expr.types as ir


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


@dataclass(frozen=True)
class Counts:
    """Exact counts, inside the wall.

    Attributes
    ----------
    places : polars.DataFrame
        The places counted, parents first; ``location``, ``parent`` (nearest one above that is counted),
        ``location_level``, ``population``.
    tree : Tree
        The same, by row number.
    syndromes, diseases : tuple of str
        Keys of the S syndromes, and the names that series use for them.
    weeks : tuple of datetime.date
        First days of the W weeks, all of them whole.
    values : numpy.ndarray of int, shape (S, W, N)
        Persons.
    breakdowns : dict of str to numpy.ndarray of int, shape (S, W, N, K)
        The same by the categories of ``age_group`` or ``sex``; only the places of the breakdown's level are filled.
    cells : polars.DataFrame
        Every count that is not zero: ``district``, ``syndrome``, ``date``, ``age_group``, ``sex``, ``persons``.
    rows_counted, beyond_bound : int
        Records of the syndromes in the weeks, and those among them that counted for nobody new.
    unplaced : dict of str to int
        Persons of districts that the places table does not have; in no count.
    """

    places: pl.DataFrame
    tree: Tree
    syndromes: tuple[str, ...]
    diseases: tuple[str, ...]
    weeks: tuple[dt.date, ...]
    values: np.ndarray
    breakdowns: dict[str, np.ndarray]
    cells: pl.DataFrame
    rows_counted: int
    beyond_bound: int
    unplaced: dict[str, int]


def categories(breakdown: str) -> list[str]:
    """Values that a breakdown can have, in order.

    Parameters
    ----------
    breakdown : {'age_group', 'sex'}
        Which.
    """
    return list(counting.AGE_NAMES if breakdown == "age_group" else counting.SEX_NAMES)


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
        First and last day to count; without it, from the first to the last visit, less the weeks that the policy holds
        back. Weeks that lie in part outside are left out.
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
        A syndrome is not defined, the places don't nest, or no whole week is covered.
    """
    wanted = _wanted(definitions, policy)
    names = wanted.select("syndrome", "disease").unique().sort("syndrome")
    syndromes = names["syndrome"].to_list()
    shift = 0 if policy.week_start == "monday" else 1
    with stored.opened(parts, spill, engine, memory_limit) as (machine, records):
        if weeks is None:
            first, last = machine.answer(counting.days_seen(records)).row(0)
            grid = _weeks(first, last - dt.timedelta(days=7 * policy.weeks_held_back), shift)
        else:
            grid = _weeks(*weeks, shift)
        cells, rows = _cells(machine, records, wanted, syndromes, grid, shift, bound)
    kept = nesting.counted_places(places, policy)
    leaf = nesting.leaf_of(places, kept)
    unplaced = (
        cells.filter(~pl.col("district").is_in(list(leaf)))
        .group_by("district")
        .agg(pl.col("persons").sum())
        .sort("district")
    )
    tree = suppression.tree(nesting.parents(kept))
    values, breakdowns = _arrays(cells, kept, tree, leaf, syndromes, grid, policy)
    return Counts(
        places=kept,
        tree=tree,
        syndromes=tuple(syndromes),
        diseases=tuple(names["disease"]),
        weeks=tuple(grid),
        values=values,
        breakdowns=breakdowns,
        cells=cells,
        rows_counted=rows,
        beyond_bound=rows - int(cells["persons"].sum()),
        unplaced=dict(unplaced.iter_rows()),
    )


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


def _weeks(first: dt.date, last: dt.date, shift: int) -> list[dt.date]:
    start = first + dt.timedelta(days=(-(first.weekday() + shift)) % 7)
    whole = ((last - start).days + 1) // 7
    if whole < 1:
        raise InputError(f"there is no whole week between {first} and {last}. Ingest more records, or give other days.")
    return [start + dt.timedelta(days=7 * k) for k in range(whole)]


def _arrays(
    cells: pl.DataFrame,
    kept: pl.DataFrame,
    tree: Tree,
    leaf: dict[str, int],
    syndromes: list[str],
    grid: list[dt.date],
    policy: Policy,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Counts of every place, and by category for those of the breakdown's level."""
    placed = cells.filter(pl.col("district").is_in(list(leaf)))
    rows = np.array([leaf[d] for d in placed["district"]], dtype=np.int64)
    which = np.array([syndromes.index(s) for s in placed["syndrome"]], dtype=np.int64)
    week = ((placed["date"] - grid[0]).dt.total_days() // 7).to_numpy().astype(np.int64)
    persons = placed["persons"].to_numpy()

    def nested(axis: np.ndarray, size: int) -> np.ndarray:
        values = np.zeros((len(syndromes), len(grid), kept.height, size), dtype=np.int64)
        np.add.at(values, (which, week, rows, axis), persons)
        for place in reversed(range(tree.size)):
            if tree.parent[place] >= 0:
                values[:, :, tree.parent[place]] += values[:, :, place]
        return values

    total = nested(np.zeros(placed.height, dtype=np.int64), 1)[..., 0]
    found = {}
    here = (kept["location_level"] == policy.breakdown_level).fill_null(value=False).to_numpy()
    for breakdown in policy.breakdowns:
        names = categories(breakdown)
        axis = np.array([names.index(c) for c in placed[breakdown]], dtype=np.int64)
        found[breakdown] = nested(axis, len(names)) * here[None, None, :, None]
    return total, found
