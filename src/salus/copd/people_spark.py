"""People of a Parquet file assessed by a Spark cluster: the same function of the same batches, so the same rows.

Spark hands out the row groups. Whoever gets one reads it, scores it and writes its rows into a folder that all machines
see under the same path, beside the result; here they are put one behind the other, in the order of the input.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet
from threadpoolctl import threadpool_limits

from salus.copd.assessment import Local
from salus.copd.people import Tally, assess_batch
from salus.copd.people_files import BATCH, open_people, write_rows
from salus.data.engines import check_name
from salus.data.spark import spark_engine
from salus.errors import InputError


@dataclass(frozen=True)
class Job:
    """What every worker is told: the file, the folder for the rows, and how to assess."""

    source: str
    folder: str
    lang: str
    outcomes: tuple[str, ...]
    interval: bool
    local: tuple[Any, ...]


def assess_on_spark(
    source: Any,
    out: str | Path,
    master: str,
    lang: str,
    outcomes: Sequence[str],
    interval: bool,
    local: Local,
    on_batch: Any = None,
) -> Tally:
    """Assess a Parquet file on Spark; see :func:`salus.copd.people.assess_file`.

    Parameters
    ----------
    source : path
        Parquet; a file of one row group is one piece of work.
    out : path
        As for :func:`~salus.copd.people.assess_file`.
    master : str
        Such as ``local[2]`` or ``spark://host:7077``.
    lang, outcomes, interval, local, on_batch
        As for :func:`~salus.copd.people.assess_file`.

    Raises
    ------
    InputError
        The source is no Parquet file, or there is no such engine here.
    """
    check_name(master)
    if not isinstance(source, str | Path) or Path(source).suffix.casefold() not in (".parquet", ".pq"):
        raise InputError(
            f"the engine {master} takes one Parquet file of people, and "
            f"{source if isinstance(source, str | Path) else 'FHIR or OMOP'} is none. Leave --engine out, or write "
            "it as Parquet first."
        )
    path = Path(source).absolute()
    file, _ = open_people(path)
    sizes = [file.metadata.row_group(k).num_rows for k in range(file.metadata.num_row_groups)]
    before = [sum(sizes[:k]) for k in range(len(sizes))]
    file.close()
    tally = Tally()
    beside = Path(out).absolute().parent
    with tempfile.TemporaryDirectory(prefix=".copd-", dir=beside) as folder:
        job = Job(str(path), folder, lang, tuple(outcomes), interval, tuple(local))
        (work := Path(folder) / "work").mkdir()
        with spark_engine(master, work) as engine:
            pieces = pa.table({"piece": range(len(sizes)), "before": before}, schema=_PIECES)
            for said in engine.pieces(pieces, worker(job), "told string"):
                tally.join(_tally(json.loads(said["told"])))
        write_rows(out, tally.watched(_parts(Path(folder), len(sizes), job)), on_batch=on_batch)
    return tally


_PIECES = pa.schema([("piece", pa.int64()), ("before", pa.int64())])


def worker(job: Job) -> Any:
    """The function that Spark's workers carry out.

    Returns
    -------
    callable
        From Arrow batches of `piece` and `before` to Arrow batches of `told`, the counts of a piece as JSON.
    """

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for piece, before in zip(batch["piece"].to_pylist(), batch["before"].to_pylist(), strict=True):
                told = json.dumps(vars(_assessed(job, piece, before)))
                yield pa.RecordBatch.from_pydict({"told": [told]})

    return work


def _assessed(job: Job, piece: int, before: int) -> Tally:
    """Assess one row group; its rows replace those of an earlier try."""
    tally, at = Tally(), before
    trial = Path(job.folder) / f"{uuid.uuid4().hex}.parquet"
    file, wanted = open_people(Path(job.source))

    def rows() -> Iterator[pl.DataFrame]:
        nonlocal at
        for batch in file.iter_batches(BATCH, row_groups=[piece], columns=wanted):
            frame = pl.DataFrame(batch)
            table, refused = assess_batch(frame, job.source, at, job.lang, job.outcomes, job.interval, job.local)
            at += frame.height
            tally.add(table, refused)
            yield table

    with threadpool_limits(1):
        write_rows(trial, rows())
    os.replace(trial, _part(Path(job.folder), piece))
    return tally


def _part(folder: Path, piece: int) -> Path:
    return folder / f"part-{piece:06d}.parquet"


def _parts(folder: Path, pieces: int, job: Job) -> Iterator[pl.DataFrame]:
    if not pieces:
        file, wanted = open_people(Path(job.source))
        empty = pl.DataFrame(file.read(columns=wanted))
        yield assess_batch(empty, job.source, 0, job.lang, job.outcomes, job.interval, job.local)[0]
    for piece in range(pieces):
        for batch in pyarrow.parquet.ParquetFile(_part(folder, piece)).iter_batches(BATCH):
            yield pl.DataFrame(batch)


def _tally(told: dict[str, Any]) -> Tally:
    found = Tally(told["rows"], told["scored"], told["refused"])
    for name in ("tiers", "kinds", "flags"):
        getattr(found, name).update(told[name])
    return found
