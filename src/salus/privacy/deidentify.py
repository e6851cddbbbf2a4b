"""Records across the wall: listed fields only, surrogates for persons and visits, age bands for birth dates.

    rows in = kept + left out + set aside

Every row is one of the three, with a reason, and the sums are checked. What is written outside the vault has no
identifier of the source; the vault keeps of a row set aside only its file, line and visit number, to find it again.
What is done to a row stands in :mod:`salus.privacy.steps.records`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from salus.data import durable, provenance
from salus.data.engines import DUCKDB, DuckSteps, StepEngine, StepError, duck_engine, open_engine
from salus.data.output import output_error
from salus.errors import InputError, WallError
from salus.privacy import ledger, log, ring, zones
from salus.privacy.intake import IngestReport, Source
from salus.privacy.keys import Key
from salus.privacy.ring import Ring

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["IngestReport", "Source", "ingest"]

_WORK = ".work-"
_UNCHANGED = "No record was added; the log says that it was tried"
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


@dataclass(frozen=True)
class _Taken:
    """What became of the rows, and what the records hold."""

    rows: int
    kept: int
    left_out: dict[str, int]
    set_aside: dict[str, int]
    persons: int = 0
    visits: int = 0
    first: dt.date = dt.date.min
    last: dt.date = dt.date.min


def ingest(
    source: Source,
    root: str | Path,
    key: Key,
    *,
    engine: str = DUCKDB,
    today: dt.date | None = None,
    memory_limit: str = "1200MB",
    threads: int = 0,
    why: str = "",
) -> IngestReport:
    """Take raw records across the wall.

    The same files a second time change nothing. A visit that comes again in later files stands as the later files have
    it. Records of one visit and code that differ count once: the one reported last.

    Parameters
    ----------
    source : Source
        From `salus.sources.linelist`, `fhir` or `omop`.
    root : str or Path
        Folder of the wall; made if it is not there.
    key : Key
        The department's key.
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``; files are opened by DuckDB in any case.
    today : datetime.date, optional
        Day after which no visit can lie; default the computer's date.
    memory_limit : str
        Memory for the engine; more goes to the vault's own working folder and is removed.
    threads : int
        Processor threads; 0 for one a processor.
    why : str
        Reason, for the log.

    Returns
    -------
    IngestReport
        With every row accounted for.

    Raises
    ------
    InputError
        No row can be used; the reasons are named and no record is added.
    WallError
        The key is not the wall's, or the folder is not one for a wall.
    """
    wall = zones.create(root)
    day = today or dt.datetime.now().astimezone().date()
    inputs = tuple(provenance.hash_file(f) for f in source.files)
    identity = provenance.short_id([source.kind, *sorted((i.sha256, i.bytes) for i in inputs)])
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        ledger.parts(wall, known)  # refuses a wall of sums
        log.append(wall, key, "ingest", why=why, ingest=identity)
        before = next((e for e in known.entries if e.id == identity), None)
        if before is not None:
            return _report(wall, source, before, already=True)
        _remove_stale(wall)
        part = f"{len(known.entries) + 1:06d}-{identity}.parquet"
        with _work_folder(wall) as work:
            try:
                taken = _take(source, ring.read(wall, key, known.generation), work, day, engine, memory_limit, threads)
            except (StepError, duckdb.Error) as error:
                raise _engine_error(wall, source, error) from error
            entry = ledger.Entry(
                id=identity,
                number=len(known.entries) + 1,
                kind=source.kind,
                inputs=tuple({"name": i.name, "sha256": i.sha256, "bytes": i.bytes} for i in inputs),
                part=part,
                simulated=source.simulated,
                rows=taken.rows,
                kept=taken.kept,
                left_out=taken.left_out,
                set_aside=taken.set_aside,
                persons=taken.persons,
                visits=taken.visits,
                first=taken.first.isoformat(),
                last=taken.last.isoformat(),
            )
            try:
                _move(work / "records.parquet", wall.path("record") / part)
                _move(work / "aside.parquet", _quarantine(wall, entry))
            except OSError as error:
                raise output_error(wall.root, error, _UNCHANGED) from error
        ledger.write(wall, dataclasses.replace(known, entries=(*known.entries, entry)))
        return _report(wall, source, entry, already=False)


def _take(
    source: Source, held: Ring, work: Path, today: dt.date, engine: str, memory_limit: str, threads: int
) -> _Taken:
    """``records.parquet`` and ``aside.parquet`` in the vault's working folder, and what is in them."""
    folders = [f.absolute().parent for f in source.files]
    with duck_engine(work, folders, memory_limit=memory_limit, threads=threads) as door:
        raw = door.query(source.select(door.connection), _RAW)
        if engine == DUCKDB:
            return _carried_out(door, raw, lambda: _lines(source, door), source, held, work, today)
        door.write(raw, work / "raw.parquet")
        lines = _lines(source, door)
    with open_engine(engine, work, [work], memory_limit=memory_limit, threads=threads) as cluster:
        return _carried_out(cluster, cluster.parquet([work / "raw.parquet"]), lambda: lines, source, held, work, today)


def _carried_out(
    engine: StepEngine,
    raw: ir.Table,
    lines: Callable[[], pl.DataFrame],
    source: Source,
    held: Ring,
    work: Path,
    today: dt.date,
) -> _Taken:
    from salus.privacy.steps import counting, records  # brings Ibis, which only those pay for who read records

    stage_file = work / "stage.parquet"
    visit_key = engine.secret(held.visit_prefixes)
    engine.write(records.staged(records.judged(raw, today), visit_key), stage_file, compression="lz4")
    stage = engine.parquet([stage_file])
    unread = lines()
    taken = _tallied(engine.answer(records.tally(stage)), unread)
    if not taken.kept:
        worst = sorted(taken.set_aside.items(), key=lambda r: -r[1])[:3]
        worst += sorted(taken.left_out.items(), key=lambda r: -r[1])[:3]
        shown = "; ".join(f"{reason}: {n:,}" for reason, n in worst) or "there is no row"
        raise InputError(f"no row of {source.files[0]} can be used ({shown}). {_UNCHANGED}.")
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
    several = [engine.keep(records.repeated_visits(rows, turn, turns)) for turn in range(turns)]
    further = sum(engine.answer(records.further(table)).item() for table in several)
    twice = 0
    if further:
        repeated = engine.keep(records.repeated_rows(rows, records.together(several)))
        twice = engine.answer(records.further(repeated)).item()
        if twice:
            engine.write(records.once(rows, repeated), work / "records.parquet")
            rows = engine.parquet([work / "records.parquet"])
            people = engine.answer(records.persons(rows)).item()
    if not twice:
        os.replace(made, work / "records.parquet")  # one system call
        rows = engine.parquet([work / "records.parquet"])
    first, last = engine.answer(counting.days_seen(rows)).row(0)
    left_out = taken.left_out | ({"row of a visit and code that came twice": twice} if twice else {})
    kept = engine.answer(records.size(rows)).item()
    if taken.rows != kept + sum(left_out.values()) + sum(taken.set_aside.values()):
        raise AssertionError(
            f"{taken.rows} rows came in, but {kept} kept, {left_out} left out and {taken.set_aside} set aside"
        )
    return _Taken(taken.rows, kept, left_out, taken.set_aside, people, taken.kept - further, first, last)


def _tallied(counts: pl.DataFrame, unread: pl.DataFrame) -> _Taken:
    """Rows by reason; ``kept`` are those that nothing speaks against, repeated ones included."""
    table = list(counts.sort("left_out", "aside").iter_rows())
    left_out = {reason: n for reason, _, n in table if reason is not None}
    aside = {reason: n for left, reason, n in table if left is None and reason is not None}
    for reason, n in unread.group_by("reason").len().sort("reason").iter_rows():
        aside[reason] = aside.get(reason, 0) + n
    kept = sum(n for left, reason, n in table if left is None and reason is None)
    return _Taken(sum(n for *_, n in table) + unread.height, kept, left_out, aside)


def _lines(source: Source, door: DuckSteps) -> pl.DataFrame:
    """Lines that were no rows; after the rows were asked for."""
    schema = {"file": pl.String, "line": pl.Int64, "reason": pl.String}
    return pl.DataFrame(source.unreadable(door.connection), schema=schema, orient="row")


@contextmanager
def _work_folder(wall: zones.Zones) -> Iterator[Path]:
    """A folder in the vault; gone afterwards, and raw rows with it."""
    work = wall.path("vault") / f"{_WORK}{uuid.uuid4().hex}"
    try:
        durable.make_folder(work)
    except OSError as error:
        raise output_error(wall.root, error, _UNCHANGED) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move(made: Path, target: Path) -> None:
    """A file or folder to its place, in one system call, and on the disk."""
    for file in [*made.iterdir()] if made.is_dir() else [made]:
        durable.sync_file(file)
    if target.is_dir():  # of an ingest that was killed: not on the list, so nobody reads it
        shutil.rmtree(target)
    os.replace(made, target)
    durable.sync_folder(target.parent)


def _remove_stale(wall: zones.Zones) -> None:
    """Working folders of ingests that were killed; the lock is held, so nobody uses them."""
    for left in wall.path("vault").glob(f"{_WORK}*"):
        shutil.rmtree(left, ignore_errors=True)


def _report(wall: zones.Zones, source: Source, entry: ledger.Entry, *, already: bool) -> IngestReport:
    return IngestReport(
        id=entry.id,
        rows=entry.rows,
        kept=entry.kept,
        left_out=entry.left_out,
        set_aside=entry.set_aside,
        fields_left=source.fields_left,
        persons=entry.persons,
        visits=entry.visits,
        first=dt.date.fromisoformat(entry.first),
        last=dt.date.fromisoformat(entry.last),
        part=wall.path("record") / entry.part,
        quarantine=_quarantine(wall, entry),
        simulated=entry.simulated,
        already=already,
    )


def _quarantine(wall: zones.Zones, entry: ledger.Entry) -> Path:
    return wall.path("vault") / f"{entry.number:06d}-{entry.id}-set-aside.parquet"


def _engine_error(wall: zones.Zones, source: Source, error: StepError | duckdb.Error) -> Exception:
    """A sentence without the content of any row."""
    kind = error.kind if isinstance(error, StepError) else "input"
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):  # engines pass them on as text
        if os.strerror(code) in str(error):
            return output_error(wall.root, OSError(code, os.strerror(code)), _UNCHANGED)
    if kind == "memory":
        return InputError(f"the memory given is not enough for these files. Give fewer files at once. {_UNCHANGED}.")
    text = str(error)
    named = next((f for f in source.files if f.absolute().as_posix() in text), source.files[0])
    if "maximum_object_size" in text:
        return InputError(
            f"{named} has a line that is longer than 16 MB. Export it again, a resource a line. {_UNCHANGED}."
        )
    cause = type(error.__cause__ or error).__name__
    return InputError(f"{named} can't be read to its end ({cause}). Check that it is whole. {_UNCHANGED}.")
