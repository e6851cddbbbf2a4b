"""From records to exact counts: persons by district, week and syndrome, and the totals of the places above.

**Contribution bound.** A person counts at most once for a syndrome in a week, where the first visit of that week
was, however many visits, codes or repeated rows there are. So one person moves one count of a syndrome and week by
one, and with it the places above.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import datetime as dt
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from salus.errors import InputError, NameNotFoundError
from salus.privacy import suppression
from salus.privacy.deidentify import band_names
from salus.privacy.policy import Policy
from salus.privacy.suppression import Tree
from salus.tables import codes

SEX_NAMES = ("female", "male", "other", "unknown")
"""Values of the breakdown by sex."""


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
    return [*band_names(), "unknown"] if breakdown == "age_group" else list(SEX_NAMES)


def count(
    parts: Sequence[Path],
    definitions: pl.DataFrame,
    places: pl.DataFrame,
    policy: Policy,
    *,
    weeks: tuple[dt.date, dt.date] | None = None,
    bound: Bound | None = None,
    spill: Path,
    memory_limit: str = "1500MB",
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
    work = spill / f".work-{uuid.uuid4().hex}"
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute(f"SET temp_directory = '{_posix(work)}'")
        connection.execute("SET preserve_insertion_order = false")
        view(connection, parts)
        seen = _frame(connection, "SELECT DISTINCT code_system, code FROM records")
        matched = codes.match(seen, wanted)
        connection.register("rules", matched.to_arrow())
        first, last = weeks or connection.execute("SELECT min(date), max(date) FROM records").fetchall()[0]
        shift = 0 if policy.week_start == "monday" else 1
        if weeks is None:
            last -= dt.timedelta(days=7 * policy.weeks_held_back)
        grid = _weeks(first, last, shift)
        cells, rows = _cells(connection, shift, grid, bound)
    finally:
        connection.close()
        shutil.rmtree(work, ignore_errors=True)
    kept = _counted_places(places, policy)
    leaf = _leaf_of(places, kept)
    unplaced = (
        cells.filter(~pl.col("district").is_in(list(leaf)))
        .group_by("district")
        .agg(pl.col("persons").sum())
        .sort("district")
    )
    names = wanted.select("syndrome", "disease").unique().sort("syndrome")
    tree = suppression.tree(_parents(kept))
    values, breakdowns = _arrays(cells, kept, tree, leaf, names["syndrome"].to_list(), grid, policy)
    return Counts(
        places=kept,
        tree=tree,
        syndromes=tuple(names["syndrome"]),
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


def view(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path]) -> None:
    """All records as one view, ``records``; a visit of several ingests stands as the last has it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Gets the view.
    parts : sequence of Path
        Parquet files of records, earliest ingest first.
    """
    tables = [f"SELECT *, {n} AS ingest FROM read_parquet('{_posix(p)}')" for n, p in enumerate(parts)]
    if len(parts) == 1:
        connection.execute(f"CREATE TEMP VIEW records AS {tables[0]}")
        return
    connection.execute(f"CREATE TEMP VIEW everything AS {' UNION ALL '.join(tables)}")
    connection.execute(
        "CREATE TEMP TABLE again AS SELECT encounter, max(ingest) AS newest FROM everything GROUP BY encounter "
        "HAVING min(ingest) <> max(ingest)"
    )
    connection.execute(
        "CREATE TEMP VIEW records AS SELECT e.* FROM everything e LEFT JOIN again a USING (encounter) "
        "WHERE a.newest IS NULL OR e.ingest = a.newest"
    )


def _cells(
    connection: duckdb.DuckDBPyConnection, shift: int, grid: list[dt.date], bound: Bound | None
) -> tuple[pl.DataFrame, int]:
    """Counts that are not zero, and how many records they are made of."""
    week = f"CAST(date_trunc('week', r.date + {shift}) AS DATE) - {shift}"
    after = grid[-1] + dt.timedelta(days=7)
    source = (
        "FROM records r JOIN rules m ON r.code_system = m.code_system AND r.code = m.code "
        "AND (m.encounter_class IS NULL OR m.encounter_class = r.encounter_class) "
        f"WHERE r.date >= DATE '{grid[0]}' AND r.date < DATE '{after}'"
    )
    first = (
        f"SELECT r.person, m.syndrome, {week} AS week, min(struct_pack(day := r.date, district := r.district, "
        "age_group := coalesce(r.age_group, 'unknown'), sex := coalesce(r.sex, 'unknown'))) AS f, "
        f"count(*) AS n {source} GROUP BY ALL"
    )
    if bound is not None:
        first = _bounded(connection, first, bound)
    cells = _frame(
        connection,
        "SELECT f.district AS district, syndrome, week AS date, f.age_group AS age_group, f.sex AS sex, "
        f"count(*) AS persons, CAST(sum(n) AS BIGINT) AS n FROM ({first}) GROUP BY ALL ORDER BY ALL",
    )
    return cells.drop("n").with_columns(pl.col("persons").cast(pl.Int64)), int(cells["n"].sum())


def _bounded(connection: duckdb.DuckDBPyConnection, first: str, bound: Bound) -> str:
    """The question for the counts that persons are in under a bound; how many of each is written."""
    connection.register("released_before", bound.released.to_arrow())
    files = ", ".join(f"'{_posix(p)}'" for p in bound.used)
    rows = f"SELECT person, year, counts FROM read_parquet([{files}])" if files else "SELECT 0, 0, 0 WHERE false"
    connection.execute(
        f"CREATE TEMP TABLE used AS SELECT person, year, sum(counts) AS counts FROM ({rows}) t (person, year, counts) "
        "GROUP BY ALL"
    )
    connection.execute(
        f"CREATE TEMP TABLE chosen AS SELECT c.*, year(c.week + 3) AS year FROM ({first}) c "
        "LEFT JOIN used u ON c.person = u.person AND year(c.week + 3) = u.year "
        "ANTI JOIN released_before b ON c.syndrome = b.syndrome AND c.week = b.date "
        "QUALIFY row_number() OVER (PARTITION BY c.person, year(c.week + 3) "
        "ORDER BY hash(c.person, c.syndrome, c.week), c.syndrome, c.week) "
        f"<= {bound.per_year} - coalesce(u.counts, 0)"
    )
    connection.execute(
        "COPY (SELECT person, year, CAST(count(*) AS BIGINT) AS counts FROM chosen GROUP BY ALL ORDER BY ALL) "
        f"TO '{_posix(bound.out)}' (FORMAT parquet)"
    )
    return "SELECT * FROM chosen"


def _weeks(first: dt.date, last: dt.date, shift: int) -> list[dt.date]:
    start = first + dt.timedelta(days=(-(first.weekday() + shift)) % 7)
    whole = ((last - start).days + 1) // 7
    if whole < 1:
        raise InputError(f"there is no whole week between {first} and {last}. Ingest more records, or give other days.")
    return [start + dt.timedelta(days=7 * k) for k in range(whole)]


def _counted_places(places: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Places of the policy's levels with the nearest such place above, parents first."""
    optional = [c for c in ("parent", "location_level", "population") if c not in places.columns]
    table = places.with_columns(
        pl.lit(None, dtype=pl.Float64 if c == "population" else pl.String).alias(c) for c in optional
    )
    parent = dict(table.select("location", "parent").iter_rows())
    level = dict(table.select("location", "location_level").iter_rows())
    missing = [p for p in parent.values() if p is not None and p not in parent]
    if missing:
        raise InputError(f"the place '{missing[0]}' is named as a parent but is not in the places table. Add its row.")
    known = {v for v in level.values() if v is not None}
    for wanted in (*policy.levels, *([policy.breakdown_level] if policy.breakdown_level else [])):
        if wanted not in known:
            raise InputError(
                f"the policy names the level '{wanted}'; the places have "
                f"{', '.join(sorted(known)) or 'none'}. Correct one."
            )
    released = [p for p in parent if not policy.levels or level[p] in policy.levels]
    if not released:
        raise InputError("no place is of a level that the policy releases. Correct the policy's levels or the places.")
    above: dict[str, str | None] = {}
    depth: dict[str, int] = {}
    counted = set(released)
    for place in released:
        nearest = [p for p in _chain(place, parent)[1:] if p in counted]
        above[place], depth[place] = (nearest[0] if nearest else None), len(nearest)
    order = sorted(released, key=lambda p: (depth[p], p))
    info = {r["location"]: r for r in table.iter_rows(named=True)}
    return pl.DataFrame(
        {
            "location": order,
            "parent": [above[p] for p in order],
            "location_level": [level[p] for p in order],
            "population": [info[p]["population"] for p in order],
        },
        schema={"location": pl.String, "parent": pl.String, "location_level": pl.String, "population": pl.Float64},
    )


def _chain(place: str, parent: dict[str, str | None]) -> list[str]:
    """A place and all places above it, nearest first."""
    chain = [place]
    while (above := parent[chain[-1]]) is not None:
        if above in chain:
            raise InputError(
                f"the place '{place}' lies in itself by way of '{above}'. Correct the parents in the places table."
            )
        chain.append(above)
    return chain


def _leaf_of(places: pl.DataFrame, kept: pl.DataFrame) -> dict[str, int]:
    """District -> row of the counted place without counted parts that it lies in."""
    parent = (
        dict(places.select("location", "parent").iter_rows())
        if "parent" in places.columns
        else dict.fromkeys(places["location"])
    )
    row = {p: n for n, p in enumerate(kept["location"])}
    inner = set(kept["parent"].drop_nulls())
    found = {}
    for place in set(parent) - {p for p in parent.values() if p is not None}:
        nearest = next((p for p in _chain(place, parent) if p in row), None)
        if nearest is None or nearest in inner:
            raise InputError(
                f"the place '{place}' lies in no place of the lowest level that the policy releases, "
                f"so its cases would be the "
                f"difference of what is shown. Give it such a "
                f"parent{f' within {nearest}' if nearest else ''}, or release other levels."
            )
        found[place] = row[nearest]
    return found


def _parents(kept: pl.DataFrame) -> list[int]:
    row = {p: n for n, p in enumerate(kept["location"])}
    return [-1 if p is None else row[p] for p in kept["parent"]]


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


def _frame(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    frame = pl.from_arrow(connection.sql(sql).to_arrow_table())
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"the engine answered with {type(frame).__name__}, a table was wanted")
    return frame


def _posix(path: Path) -> str:
    return path.absolute().as_posix().replace("'", "''")
