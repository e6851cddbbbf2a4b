"""The records of a wall on an engine: all ingests as one table, each visit as the last of them has it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet

from salus.data import durable
from salus.data.engines import DUCKDB, StepEngine, StepError, files_of, open_engine
from salus.errors import InputError, OutputError, SalusError, WorkspaceError
from salus.privacy import ledger

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

    gone = [part for part in parts if not part.exists()]
    if gone:
        raise WorkspaceError(f"{gone[0]} is gone, and the wall's list has it. {_WITHOUT}")
    work = spill / f".work-{uuid.uuid4().hex}"
    if engine != DUCKDB:  # DuckDB makes it when it must
        durable.make_folder(work)
    readable = sorted({p.absolute().parent for p in parts} | {p.absolute() for p in parts if p.is_dir()})
    try:
        with open_engine(engine, work, [*readable, *_vault(spill)], memory_limit=memory_limit) as machine:
            tables = [machine.parquet([p]) for p in parts]
            exports = [ledger.EXPORT in p.name for p in parts]
            again = machine.keep(repeats.visits_again(tables, exports)) if len(tables) > 1 else None
            yield machine, tables[0] if again is None else repeats.standing(tables, again)
    except (StepError, pa.ArrowInvalid) as error:
        raise _unreadable(parts, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


_WITHOUT = "Restore it from a copy; nothing was changed."


def _unreadable(parts: Sequence[Path], error: StepError | pa.ArrowInvalid) -> SalusError:
    """What an engine gave up on, in a sentence without the content of any row."""
    kind = error.kind if isinstance(error, StepError) else "input"
    folder = parts[0].parent
    if kind == "disk":
        return OutputError(f"there is no room for what does not fit in memory beside {folder}: make room on the disk")
    if kind == "memory":
        return InputError(f"the memory given is not enough for the records in {folder}. Give more.")
    named = next((p for p in parts if p.absolute().as_posix() in str(error)), None) or _damaged(parts)
    return WorkspaceError(f"{named or folder} can't be read to its end: it is damaged. {_WITHOUT}")


def _damaged(parts: Sequence[Path]) -> Path | None:
    """The first part that is no whole Parquet file by its end."""
    for part in parts:
        for file in files_of(part):
            try:
                pyarrow.parquet.read_schema(file)
            except (pa.ArrowInvalid, OSError):
                return file
    return None


def _vault(spill: Path) -> list[Path]:
    """The vault beside a zone: what earlier releases took of each person lies there."""
    beside = spill.parent / "vault"
    return [beside] if beside.is_dir() else []
