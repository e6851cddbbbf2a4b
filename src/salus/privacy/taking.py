"""What an engine does to the rows of an ingest: judge, number, drop what comes twice, and account for every row."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from salus.data.duck import DuckSteps, duck_engine
from salus.data.engines import DUCKDB, StepEngine, check_name, open_engine
from salus.errors import InputError, WallError
from salus.privacy.intake import NO_FORM, PLACES_ADVICE, OpenSource, SeparateFiles, Source, Terms
from salus.privacy.ring import Ring

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salus.data.parquet_columns import Column

UNCHANGED = "No record was added; the log says that it was tried"
"""End of a message of an ingest that failed."""

_RAW = {
    "file": "VARCHAR",
    "person": "VARCHAR",
    "encounter": "VARCHAR",
    "birth_date": "DATE",
    "age": "INTEGER",
    "date": "DATE",
    "reported": "DATE",
    "district": "VARCHAR",
    "sex": "VARCHAR",
    "encounter_class": "VARCHAR",
    "code_system": "VARCHAR",
    "code": "VARCHAR",
    "fault": "VARCHAR",
    "left_out": "VARCHAR",
}
_LINES = {"file": pl.String, "line": pl.Int64, "reason": pl.String}


@dataclass(frozen=True)
class Taken:
    """What became of the rows, and what the records hold.

    Attributes
    ----------
    rows, kept : int
        Rows that came, and those that became records.
    left_out, set_aside : dict of str to int
        Rows dropped and rows in quarantine, by reason.
    persons, visits : int
        Different ones among the records.
    first, last : datetime.date
        First and last day of a visit.
    """

    rows: int
    kept: int
    left_out: dict[str, int]
    set_aside: dict[str, int]
    persons: int = 0
    visits: int = 0
    first: dt.date = dt.date.min
    last: dt.date = dt.date.min


def take(source: Source, held: Ring, work: Path, terms: Terms, engine: str, memory_limit: str, threads: int) -> Taken:
    """Write ``records.parquet`` and ``aside.parquet`` into a working folder of the vault.

    Parameters
    ----------
    source : Source
        Raw records.
    held : Ring
        The wall's keys.
    work : Path
        Folder in the vault; raw rows are in it for a while.
    terms : Terms
        By what rows are judged and made records.
    engine : str
        ``duckdb``, or a Spark master; of what Spark can't read as DuckDB does, DuckDB makes Parquet first.
    memory_limit : str
        Memory for the engine.
    threads : int
        Processor threads; 0 for one a processor.

    Returns
    -------
    Taken

    Raises
    ------
    InputError
        No row can be used.
    WallError
        Two persons got the same number.
    """
    by_name = len({f.name for f in source.files}) == len(source.files)  # Spark tells the name of a file alone
    if engine != DUCKDB and isinstance(source, OpenSource) and by_name:
        columns = source.columns()
        if columns is not None:
            return _opened_by(engine, source, columns, held, work, terms, memory_limit)
    folders = [f.absolute().parent for f in source.files]
    with duck_engine(work, folders, memory_limit=memory_limit, threads=threads) as door:
        raw = door.query(source.select(door.connection), _RAW)
        if engine == DUCKDB:
            return _carried_out(door, raw, lambda: _lines(source, door), source, held, work, terms)
        door.write(raw, work / "raw.parquet")
        lines = _lines(source, door)
    with open_engine(engine, work, [work], memory_limit=memory_limit, threads=threads) as cluster:
        return _carried_out(cluster, cluster.parquet([work / "raw.parquet"]), lambda: lines, source, held, work, terms)


def _opened_by(
    engine: str, source: OpenSource, columns: Mapping[str, Column], held: Ring, work: Path, terms: Terms, limit: str
) -> Taken:
    """The same where a cluster reads the source's own files; a Parquet file has no lines that are no rows."""
    check_name(engine)
    from salus.data.spark import spark_engine  # Spark is an extra

    with spark_engine(engine, work, memory_limit=limit) as cluster:
        raw = source.rows(cluster.columns(source.files, columns, source.opened))
        none = pl.DataFrame(schema=_LINES)
        return _carried_out(cluster, raw, lambda: none, source, held, work, terms)


def _carried_out(
    engine: StepEngine,
    raw: ir.Table,
    lines: Callable[[], pl.DataFrame],
    source: Source,
    held: Ring,
    work: Path,
    terms: Terms,
) -> Taken:
    from salus.privacy.steps import counting, records, repeats  # brings Ibis, which only those pay for who read records
    from salus.privacy.steps import raw as raw_rows

    stage_file = work / "stage.parquet"
    visit_key = engine.secret(held.visit_prefixes)
    apart = isinstance(source, SeparateFiles) and len(source.files) > 1
    places = None if terms.places is None else engine.frame(terms.places)
    judged = raw_rows.judged(raw, terms.today, places)
    engine.write(records.staged(judged, visit_key, terms.dates, files=apart), stage_file, compression="lz4")
    stage = engine.parquet([stage_file])
    unread = lines()
    taken = _tallied(engine.answer(records.tally(stage)), unread)
    if not taken.kept:
        worst = sorted(taken.set_aside.items(), key=lambda r: -r[1])[:3]
        worst += sorted(taken.left_out.items(), key=lambda r: -r[1])[:3]
        shown = "; ".join(f"{reason}: {n:,}" for reason, n in worst) or "there is no row"
        advice = f"{PLACES_ADVICE} " if any(reason == NO_FORM for reason in taken.set_aside) else ""
        raise InputError(f"no row of {source.files[0]} can be used ({shown}). {advice}{UNCHANGED}.")
    engine.write(records.set_aside(stage, engine.frame(unread)), work / "aside.parquet")
    persons = engine.keep(records.surrogates(stage, engine.secret(held.person_pads)))
    people, numbers = engine.answer(records.surrogates_differ(persons)).row(0)
    if people != numbers:
        raise WallError(
            "two persons got the same surrogate, which should not happen once in a million walls. Use another key."
        )
    made = work / "all.parquet"
    engine.write(records.records(stage, persons), made)
    rows = engine.parquet([made])
    turns = -(-taken.kept // engine.passes_rows)
    several = [engine.keep(repeats.repeated_visits(rows, turn, turns)) for turn in range(turns)]
    further = sum(engine.answer(repeats.further(table)).item() for table in several)
    twice, older = 0, 0
    if further and apart:
        versions = engine.keep(repeats.visits_of_files(stage, repeats.together(several)))
        gone = engine.keep(repeats.overtaken(versions))
        older = engine.answer(repeats.rows_overtaken(gone)).item()
        if older:
            made = work / "standing.parquet"
            engine.write(records.records(repeats.without(stage, gone), persons), made)
            rows = engine.parquet([made])
            people = engine.answer(repeats.persons(rows)).item()
    if further:
        repeated = engine.keep(repeats.repeated_rows(rows, repeats.together(several)))
        twice = engine.answer(repeats.further(repeated)).item()
        if twice:
            engine.write(repeats.once(rows, repeated), work / "records.parquet")
            rows = engine.parquet([work / "records.parquet"])
            people = engine.answer(repeats.persons(rows)).item()
    if not twice:
        os.replace(made, work / "records.parquet")  # one system call
        rows = engine.parquet([work / "records.parquet"])
    first, last = engine.answer(counting.days_seen(rows)).row(0)
    left_out = taken.left_out | ({"row of a visit and code that came twice": twice} if twice else {})
    left_out |= {"row of a visit that another file has anew": older} if older else {}
    kept = engine.answer(repeats.size(rows)).item()
    if taken.rows != kept + sum(left_out.values()) + sum(taken.set_aside.values()):
        raise AssertionError(
            f"{taken.rows} rows came in, but {kept} kept, {left_out} left out and {taken.set_aside} set aside"
        )
    return Taken(taken.rows, kept, left_out, taken.set_aside, people, taken.kept - further, first, last)


def _tallied(counts: pl.DataFrame, unread: pl.DataFrame) -> Taken:
    """Rows by reason; ``kept`` are those that nothing speaks against, repeated ones included."""
    table = list(counts.sort("left_out", "aside").iter_rows())
    left_out = {reason: n for reason, _, n in table if reason is not None}
    aside = {reason: n for left, reason, n in table if left is None and reason is not None}
    for reason, n in unread.group_by("reason").len().sort("reason").iter_rows():
        aside[reason] = aside.get(reason, 0) + n
    kept = sum(n for left, reason, n in table if left is None and reason is None)
    return Taken(sum(n for *_, n in table) + unread.height, kept, left_out, aside)


def _lines(source: Source, door: DuckSteps) -> pl.DataFrame:
    """Lines that were no rows; after the rows were asked for."""
    return pl.DataFrame(source.unreadable(door.connection), schema=_LINES, orient="row")
