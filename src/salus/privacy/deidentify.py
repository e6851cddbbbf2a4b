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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from salus.data import durable, provenance
from salus.data.engines import DUCKDB, StepError
from salus.data.output import output_error
from salus.errors import InputError
from salus.privacy import ledger, log, ring, zones
from salus.privacy.intake import IngestReport, Source
from salus.privacy.keys import Key
from salus.privacy.taking import UNCHANGED, take

__all__ = ["IngestReport", "Source", "ingest"]

_WORK = ".work-"


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
        The key is not the wall's, or the folder is not one for a wall.
    """
    wall = zones.create(root)
    day = today or dt.datetime.now().astimezone().date()
    inputs = tuple(provenance.hash_file(f) for f in source.files)
    identity = provenance.short_id([source.kind, *sorted((i.sha256, i.bytes) for i in inputs)])
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        ledger.parts(wall, known)  # refuses a wall of sums
        with log.act(wall, key, "ingest", why=why, ingest=identity) as begun:
            before = next((e for e in known.entries if e.id == identity), None)
            held = ring.read(wall, key, known.generation)
            entry = before or _added(wall, known, source, inputs, identity, held, day, engine, memory_limit, threads)
            already = before is not None
            log.append(wall, key, "ingested", why=why, line=begun.number, ingest=identity, already=already)
        return _report(wall, source, entry, already=already)


def _added(
    wall: zones.Zones,
    known: ledger.Ledger,
    source: Source,
    inputs: Sequence[provenance.InputFile],
    identity: str,
    held: ring.Ring,
    day: dt.date,
    engine: str,
    memory_limit: str,
    threads: int,
) -> ledger.Entry:
    """Take the rows, and add them to the wall's list."""
    _remove_stale(wall)
    part = f"{len(known.entries) + 1:06d}-{identity}.parquet"
    with _work_folder(wall) as work:
        try:
            taken = take(source, held, work, day, engine, memory_limit, threads)
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
