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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from salus.data import durable, provenance
from salus.data.engines import DUCKDB, StepError
from salus.data.output import output_error
from salus.errors import InputError, WallError
from salus.privacy import ledger, log, ring, zones
from salus.privacy.intake import DATES, IngestReport, SeparateFiles, Source, Terms
from salus.privacy.keys import Key
from salus.privacy.taking import UNCHANGED, take

__all__ = ["IngestReport", "Source", "ingest"]

_WORK = ".work-"


def ingest(
    source: Source,
    root: str | Path,
    key: Key,
    *,
    places: pl.DataFrame | None = None,
    dates: str | None = None,
    engine: str = DUCKDB,
    today: dt.date | None = None,
    memory_limit: str = "1200MB",
    threads: int = 0,
    why: str = "",
) -> IngestReport:
    """Take raw records across the wall.

    The same files a second time change nothing; of files that each stand for themselves, those that came before are
    passed over. A visit of several such files, in one ingest or in several, stands as the file has it whose rows were
    reported last; where none was, files of one ingest are parts of one export, and of two ingests, as of two exports,
    the later stands. Where days of report tell files apart, records don't depend on which files came together. Rows
    of one visit and code in one file count once: the one reported last.

    Parameters
    ----------
    source : Source
        From `salus.sources.linelist`, `fhir` or `omop`.
    root : str or Path
        Folder of the wall; made if it is not there.
    key : Key
        The department's key.
    places : polars.DataFrame, optional
        Columns of :data:`salus.tables.contracts.PLACES`: rows of districts that it does not have are set aside. Without
        it those are whose district has not the form of a code or of a name of a place.
    dates : {'day', 'week-monday', 'week-sunday'}, optional
        Whether days are kept, or the first days of their weeks; the first ingest says so for the wall, days without it.
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``, which opens Parquet line lists itself; other files are
        opened by DuckDB in any case.
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
        The key is not the wall's, the folder is not one for a wall, or the wall keeps other `dates`.
    """
    wall = zones.create(root)
    day = today or dt.datetime.now().astimezone().date()
    given = {f: provenance.hash_file(f) for f in source.files}
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        ledger.parts(wall, known)  # refuses a wall of sums
        known = dataclasses.replace(known, dates=_agreed(wall, known, dates))
        source, before = _new(known, source, given)
        inputs = [given[f] for f in source.files]
        identity = (
            before.id if before else provenance.short_id([source.kind, *sorted((i.sha256, i.bytes) for i in inputs)])
        )
        with log.act(wall, key, "ingest", why=why, ingest=identity) as begun:
            held = ring.read(wall, key, known.generation)
            terms = Terms(day, known.dates, _names(places))
            entry = before or _added(wall, known, source, inputs, identity, held, terms, engine, memory_limit, threads)
            already = before is not None
            log.append(wall, key, "ingested", why=why, line=begun.number, ingest=identity, already=already)
        return _report(wall, source, entry, known.dates, len(given), already=already)


def _agreed(wall: zones.Zones, known: ledger.Ledger, dates: str | None) -> str:
    """How exactly days are kept in this wall."""
    if dates is not None and dates not in DATES:
        raise InputError(f"'{dates}' is no way to keep days. There are {', '.join(DATES)}.")
    if not known.entries:
        return dates or DATES[0]
    if dates not in (None, known.dates):
        raise WallError(
            f"the wall {wall.root} keeps days as '{known.dates}' since its first ingest, and '{dates}' was asked for. "
            "Leave --dates out, or begin a new wall."
        )
    return known.dates


def _names(places: pl.DataFrame | None) -> pl.DataFrame | None:
    return None if places is None else places.select(place=pl.col("location").cast(pl.String)).unique()


def _new(
    known: ledger.Ledger, source: Source, given: Mapping[Path, provenance.InputFile]
) -> tuple[Source, ledger.Entry | None]:
    """What is to be read, and the ingest that had it if all of it came before."""
    mine = [e for e in known.entries if e.kind == source.kind]
    if not isinstance(source, SeparateFiles):
        same = sorted(i.sha256 for i in given.values())
        return source, next((e for e in mine if sorted(i["sha256"] for i in e.inputs) == same), None)
    came = {i["sha256"]: e for e in mine for i in e.inputs}
    new = [f for f, i in given.items() if i.sha256 not in came]
    if not new:  # perhaps in several ingests
        return source, max((came[i.sha256] for i in given.values()), key=lambda e: e.number)
    return source.only(new), None


def _added(
    wall: zones.Zones,
    known: ledger.Ledger,
    source: Source,
    inputs: Sequence[provenance.InputFile],
    identity: str,
    held: ring.Ring,
    terms: Terms,
    engine: str,
    memory_limit: str,
    threads: int,
) -> ledger.Entry:
    """Take the rows, and add them to the wall's list."""
    _remove_stale(wall)
    export = "" if isinstance(source, SeparateFiles) else ledger.EXPORT
    part = f"{len(known.entries) + 1:06d}-{identity}{export}.parquet"
    with _work_folder(wall) as work:
        try:
            taken = take(source, held, work, terms, engine, memory_limit, threads)
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
            raise output_error(wall.root, error, UNCHANGED) from error
    ledger.write(wall, dataclasses.replace(known, entries=(*known.entries, entry)))
    return entry


@contextmanager
def _work_folder(wall: zones.Zones) -> Iterator[Path]:
    """A folder in the vault; gone afterwards, and raw rows with it."""
    work = wall.path("vault") / f"{_WORK}{uuid.uuid4().hex}"
    try:
        durable.make_folder(work)
    except OSError as error:
        raise output_error(wall.root, error, UNCHANGED) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move(made: Path, target: Path) -> None:
    """A file or folder to its place, in one system call, and on the disk."""
    for file in [*made.iterdir()] if made.is_dir() else [made]:
        durable.sync_file(file)
    if made.is_dir():
        durable.sync_folder(made)
    # what stands there is of an ingest that was killed, perhaps on another engine: not on the list, so nobody reads it
    if target.is_dir():
        shutil.rmtree(target)
    elif made.is_dir() and target.exists():
        os.unlink(target)  # one system call
    os.replace(made, target)
    durable.sync_folder(target.parent)


def _remove_stale(wall: zones.Zones) -> None:
    """Working folders of ingests that were killed; the lock is held, so nobody uses them."""
    for left in wall.path("vault").glob(f"{_WORK}*"):
        shutil.rmtree(left, ignore_errors=True)


def _report(
    wall: zones.Zones, source: Source, entry: ledger.Entry, dates: str, files: int, *, already: bool
) -> IngestReport:
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
        files=files,
        files_before=files if already else files - len(source.files),
        dates=dates,
    )


def _quarantine(wall: zones.Zones, entry: ledger.Entry) -> Path:
    return wall.path("vault") / f"{entry.number:06d}-{entry.id}-set-aside.parquet"


def _engine_error(wall: zones.Zones, source: Source, error: StepError | duckdb.Error) -> Exception:
    """A sentence without the content of any row."""
    kind = error.kind if isinstance(error, StepError) else "input"
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):  # engines pass them on as text
        if os.strerror(code) in str(error):
            return output_error(wall.root, OSError(code, os.strerror(code)), UNCHANGED)
    if kind == "memory":
        return InputError(f"the memory given is not enough for these files. Give fewer files at once. {UNCHANGED}.")
    text = str(error)
    named = next((f for f in source.files if f.absolute().as_posix() in text), source.files[0])
    if "maximum_object_size" in text:
        return InputError(
            f"{named} has a line that is longer than 16 MB. Export it again, a resource a line. {UNCHANGED}."
        )
    cause = type(error.__cause__ or error).__name__
    return InputError(f"{named} can't be read to its end ({cause}). Check that it is whole. {UNCHANGED}.")
