"""The records of a wall on an engine: all ingests as one table, each visit as the last of them has it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from salus.data import durable
from salus.data.engines import DUCKDB, StepEngine, open_engine

if TYPE_CHECKING:
    import ibis.expr.types as ir


@contextmanager
def opened(
    parts: Sequence[Path], spill: Path, engine: str = DUCKDB, memory_limit: str = "1200MB"
) -> Iterator[tuple[StepEngine, ir.Table]]:
    """The records as a table of an engine.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of records, earliest ingest first; a visit that is in several stands as the last has it.
    spill : Path
        Folder inside the wall for what does not fit in memory.
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``.
    memory_limit : str
        Memory for the engine.

    Yields
    ------
    engine : StepEngine
        Closed at the end of the block.
    records : ibis.expr.types.Table
        The columns of :data:`salus.privacy.steps.records.RECORD`.
    """
    from salus.privacy.steps import repeats  # brings Ibis, which only those pay for who read records

    work = spill / f".work-{uuid.uuid4().hex}"
    if engine != DUCKDB:  # DuckDB makes it when it must
        durable.make_folder(work)
    readable = sorted({p.absolute().parent for p in parts} | {p.absolute() for p in parts if p.is_dir()})
    try:
        with open_engine(engine, work, [*readable, *_vault(spill)], memory_limit=memory_limit) as machine:
            tables = [machine.parquet([p]) for p in parts]
            again = machine.keep(repeats.visits_again(tables)) if len(tables) > 1 else None
            yield machine, tables[0] if again is None else repeats.standing(tables, again)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _vault(spill: Path) -> list[Path]:
    """The vault beside a zone: what earlier releases took of each person lies there."""
    beside = spill.parent / "vault"
    return [beside] if beside.is_dir() else []
