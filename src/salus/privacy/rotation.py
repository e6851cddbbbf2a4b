"""A new key for a wall: persons and visits get new numbers, old certificates and the log still hold.

Everything is written beside what is there: records and bounds under the new numbers, and what is still needed of the
old key, locked with the new one. Then the wall's list is replaced in one step; it names the new key and the new files.
A process that is killed before has changed nothing, one that is killed after has changed the key, and the same command
again takes away what is left of the old.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from salus.data import durable
from salus.data.duck import DuckSteps, duck_engine
from salus.data.engines import StepError, files_of
from salus.data.output import output_error
from salus.errors import InputError, OutputError, WallError
from salus.privacy import ledger, log, noised, ring, signatures, zones
from salus.privacy.keys import Key
from salus.privacy.ledger import Ledger
from salus.privacy.zones import Zones

if TYPE_CHECKING:
    import ibis.expr.types as ir

_PART = re.compile(r"\d{6}-[0-9a-f]{16}(\.export)?(\.g\d+)?\.parquet")
_TAKEN = "contributions*.parquet"
_WORK = ".work-"
_UNCHANGED = "The old key is still the one in force"


@dataclass(frozen=True)
class RotationReport:
    """What a change of keys did.

    Attributes
    ----------
    ingests : int
        Ingests whose records have new numbers.
    generation : int
        How often the key was changed so far.
    old_signer, signer : str
        Fingerprints of the old and of the new signing key.
    already : bool
        Whether the new key was in force before.
    """

    ingests: int
    generation: int
    old_signer: str
    signer: str
    already: bool = False

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        said = [
            f"Persons and visits of {self.ingests} ingests have new numbers. Use the new key from now on.",
            f"New releases are signed by the key with the fingerprint {self.signer}: tell your readers by another way "
            "than the releases.",
            f"Releases so far hold under the old public key ({self.old_signer}); keep it. The old secret is needed no "
            "more.",
            "Backups of the wall from before are under the old key.",
        ]
        return (
            ["The new key was in force already; what was left of the old was removed.", *said] if self.already else said
        )


def rotate(root: str | Path, key: Key, new: Key, *, memory_limit: str = "1200MB", why: str = "") -> RotationReport:
    """Put a new key into force.

    Parameters
    ----------
    root : str or Path
        Folder of the wall.
    key : Key
        The key in force.
    new : Key
        The one to come.
    memory_limit : str
        Memory for the engine.
    why : str
        Reason, for the log.

    Returns
    -------
    RotationReport

    Raises
    ------
    InputError
        There is no wall, or memory does not suffice.
    WallError
        Both keys are the same, or the old one is not the wall's.
    OutputError
        A disk is full or can't be written; the old key is still in force.
    """
    if key.check == new.check:
        raise WallError("the new key is the old one. Make another with `salus records key FILE`.")
    wall = zones.existing(root)
    with ledger.locked(wall):
        known, done = _known(wall, key, new)
        if not done:
            held = ring.read(wall, key, known.generation)
            told = {"signer": signatures.fingerprint(signatures.public_key(new)), "generation": known.generation + 1}
            with log.act(wall, key, "rotate", why=why, **told):
                try:
                    after = _renumbered(wall, known, new, memory_limit)
                    ring.write(wall, held, new)
                except OSError as error:
                    raise output_error(wall.root, error, _UNCHANGED) from error
                except StepError as error:
                    raise _refused(wall, error) from error
                ledger.write(wall, after)
                known = after
        _finish(wall, known, new, why)
    return RotationReport(
        ingests=sum(e.kind != ledger.SHARES for e in known.entries),
        generation=known.generation,
        old_signer=signatures.fingerprint(signatures.public_key(key)),
        signer=signatures.fingerprint(signatures.public_key(new)),
        already=done,
    )


def _known(wall: Zones, key: Key, new: Key) -> tuple[Ledger, bool]:
    """The wall's list, and whether the new key is in force already, after the old one."""
    try:
        return ledger.read(wall, key), False
    except WallError as error:
        try:
            known = ledger.read(wall, new)
        except WallError:
            raise error from None
        held = ring.read(wall, new, known.generation)
        if not held.retired or held.retired[-1].check != key.check:
            raise error from None
        return known, True


def _renumbered(wall: Zones, known: Ledger, new: Key, memory_limit: str) -> Ledger:
    """Files under new numbers beside the old ones, and the list that names them."""
    generation = known.generation + 1
    entries = []
    with _engine(wall, memory_limit) as (engine, work):
        for entry in known.entries:
            if entry.kind == ledger.SHARES:
                entries.append(entry)
                continue
            export = ledger.EXPORT if ledger.EXPORT in entry.part else ""
            part = f"{entry.number:06d}-{entry.id}{export}.g{generation}.parquet"
            old = wall.path("record") / entry.part
            _rewritten(engine, old, work / part, new, visits=True)
            _moved(work / part, wall.path("record") / part)
            entries.append(dataclasses.replace(entry, part=part))
        for old in _bounds(wall, known.generation):
            target = old.with_name(noised.contributions(generation))
            _rewritten(engine, old, work / "taken.parquet", new, visits=False)
            _moved(work / "taken.parquet", target)
    return dataclasses.replace(known, key_check=new.check, entries=tuple(entries), generation=generation, log={})


def _rewritten(engine: DuckSteps, old: Path, target: Path, new: Key, *, visits: bool) -> None:
    from salus.privacy.steps import records  # brings Ibis, which only those pay for who read records

    rows = engine.parquet(files_of(old))
    visit_key = engine.secret({"prefix": new.visit_prefix}) if visits else None
    engine.write(records.taken_further(rows, engine.secret(new.person_pads), visit_key), target)
    if _sizes(engine, rows) != _sizes(engine, engine.parquet([target])):
        raise WallError(
            "two persons got the same number, which should not happen once in a million walls. Take another new key."
        )


def _sizes(engine: DuckSteps, rows: ir.Table) -> tuple[int, int]:
    """Rows and different persons."""
    found = engine.answer(rows.agg(rows=rows.count(), persons=rows.person.nunique()))
    return int(found["rows"].item()), int(found["persons"].item())


def _bounds(wall: Zones, generation: int) -> list[Path]:
    """How many counts earlier releases and rounds took of each person."""
    name = noised.contributions(generation)
    return sorted(f for kind in ("noise", "shares") for f in (wall.path("vault") / kind).glob(f"[!.]*/{name}"))


@contextlib.contextmanager
def _engine(wall: Zones, memory_limit: str) -> Iterator[tuple[DuckSteps, Path]]:
    work = wall.path("vault") / f"{_WORK}{uuid.uuid4().hex}"
    durable.make_folder(work)
    try:
        with duck_engine(work, [wall.path("record"), wall.path("vault")], memory_limit=memory_limit) as engine:
            yield engine, work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _moved(made: Path, target: Path) -> None:
    durable.sync_file(made)
    os.replace(made, target)
    durable.sync_folder(target.parent)


def _finish(wall: Zones, known: Ledger, new: Key, why: str) -> None:
    """A line in the log, and nothing left under old numbers; again where a process was killed before."""
    try:
        said = any(e.what == "rotated" and e.details.get("generation") == known.generation for e in log.read(wall, new))
        if not said:
            log.append(wall, new, "rotated", why=why, generation=known.generation)
        listed = {e.part for e in known.entries}
        old = [f for f in wall.path("record").iterdir() if _PART.fullmatch(f.name) and f.name not in listed]
        taken = noised.contributions(known.generation)
        vault = wall.path("vault")
        for kind in ("noise", "shares"):
            old += [f for f in (vault / kind).glob(f"[!.]*/{_TAKEN}") if f.name != taken]
        old += [f for f in vault.glob("ring-*.json") if f != ring.path_of(wall, new)]
        old += list(vault.glob(f"{_WORK}*"))
        for file in old:
            if file.is_dir():
                shutil.rmtree(file)
            else:
                os.unlink(file)  # one system call, so that a test can stop here
    except OSError as error:
        raise output_error(
            wall.root, error, "The new key is in force; run the same command again to remove the old files"
        ) from error


def _refused(wall: Zones, error: StepError) -> InputError | OutputError:
    if error.kind == "disk":
        return OutputError(f"can't write {wall.root}: the disk is full; make room. {_UNCHANGED}.")
    if error.kind == "memory":
        return InputError(f"the memory given is not enough for these records. Give more. {_UNCHANGED}.")
    return InputError(f"records in {wall.root} can't be read to their end. Restore them from a copy. {_UNCHANGED}.")
