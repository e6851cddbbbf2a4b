"""Records across the wall: listed fields only, surrogates for persons and visits, age bands for birth dates.

    rows in = kept + left out + set aside

Every row is one of the three, with a reason, and the sums are checked. What is written outside the vault has no
identifier of the source; the vault keeps of a row set aside only its file, line and visit number, to find it again.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import datetime as dt
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl

from salus.data import durable, provenance
from salus.data.output import output_error
from salus.errors import InputError, WallError
from salus.privacy import ledger, log, zones
from salus.privacy.keys import Key, surrogate_sql
from salus.tables.codes import ICD10_PATTERN, SNOMED_PATTERN

AGE_BANDS = ((0, 4), (5, 14), (15, 24), (25, 44), (45, 64), (65, 125))
"""First and last completed year of each age group; the last one is written ``65+``."""

_OLDEST = dt.date(1900, 1, 1)
_WORK = ".work-"


class Source(Protocol):
    """What this module needs of a source of raw records; those of `salus.sources` have it."""

    @property
    def kind(self) -> str:
        """``linelist``, ``fhir`` or ``omop``."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """The files read."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether the rows are simulated."""
        ...

    @property
    def fields_left(self) -> tuple[str, ...]:
        """Fields that the source has and that never enter."""
        ...

    def select(self, connection: Any) -> str:
        """The question whose answer is the raw rows."""
        ...

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """File, line and fault of what was no row at all."""
        ...


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Attributes
    ----------
    id : str
        Made of the files' hashes; the same files give the same.
    rows : int
        Rows that came: one for each visit and diagnosis, and one for each line that could not be read.
    kept : int
        Rows that became records.
    left_out : dict of str to int
        Rows that are no cases or came twice, by reason.
    set_aside : dict of str to int
        Rows in quarantine, by reason.
    fields_left : tuple of str
        Fields of the source that never entered.
    persons, visits : int
        Different persons and visits among the records.
    first, last : datetime.date
        First and last day of a visit.
    part : Path
        The records; in the zone ``record``.
    quarantine : Path
        File, line, visit number and reason of the rows set aside; in the vault.
    simulated : bool
        Whether the rows are simulated.
    already : bool
        Whether the same files had come before, so that nothing was changed.
    """

    id: str
    rows: int
    kept: int
    left_out: dict[str, int]
    set_aside: dict[str, int]
    fields_left: tuple[str, ...]
    persons: int
    visits: int
    first: dt.date
    last: dt.date
    part: Path
    quarantine: Path
    simulated: bool
    already: bool = False

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        dropped, aside = sum(self.left_out.values()), sum(self.set_aside.values())
        said = [
            f"{self.rows:,} rows in = {self.kept:,} kept + {dropped:,} left out + {aside:,} set aside",
            f"{self.persons:,} persons, {self.visits:,} visits, {self.first} to {self.last}",
        ]
        if self.already:
            said.insert(0, "These files had been ingested before; nothing was changed.")
        if self.simulated:
            said.insert(0, "SIMULATED records.")
        said += [f"left out, {reason}: {n:,}" for reason, n in sorted(self.left_out.items())]
        said += [f"set aside, {reason}: {n:,}" for reason, n in sorted(self.set_aside.items())]
        if aside:
            said.append(f"Which rows were set aside stands in {self.quarantine}.")
        if self.fields_left:
            said.append("Fields that never entered: " + ", ".join(self.fields_left))
        return said


def ingest(
    source: Source,
    root: str | Path,
    key: Key,
    *,
    today: dt.date | None = None,
    memory_limit: str = "1500MB",
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
        No row can be used; the reasons are named and nothing is changed.
    WallError
        The key is not the wall's, or the folder is not one for a wall.
    """
    wall = zones.create(root)
    day = today or dt.datetime.now().astimezone().date()
    inputs = tuple(provenance.hash_file(f) for f in source.files)
    identity = provenance.short_id([source.kind, *sorted((i.sha256, i.bytes) for i in inputs)])
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        log.append(wall, key, "ingest", why=why, ingest=identity)
        before = next((e for e in known.entries if e.id == identity), None)
        if before is not None:
            return _report(wall, source, before, already=True)
        _remove_stale(wall)
        part = f"{len(known.entries) + 1:06d}-{identity}.parquet"
        with _workshop(wall, source, memory_limit, threads) as (connection, work):
            try:
                counted = _stage(connection, source, work, day)
                kept = _surrogates(connection, key, work)
            except duckdb.Error as error:
                raise _engine_error(source, error) from error
            if not kept:
                worst = (
                    sorted(counted[1].items(), key=lambda r: -r[1])[:3]
                    + sorted(counted[0].items(), key=lambda r: -r[1])[:3]
                )
                shown = "; ".join(f"{reason}: {n:,}" for reason, n in worst) or "there is no row"
                raise InputError(f"no row of {source.files[0]} can be used ({shown}). Nothing was changed.")
            rows = _count(connection, f"'{_posix(work / 'stage.parquet')}'") + _count(
                connection, f"'{_posix(work / 'lines.parquet')}'"
            )
            left_out = counted[0] | _minus("row of a visit and code that came twice", counted[2] - kept)
            if rows != kept + sum(left_out.values()) + sum(counted[1].values()):
                raise AssertionError(
                    f"{rows} rows came in, but {kept} kept, {left_out} left out and {counted[1]} set aside"
                )
            entry = ledger.Entry(
                id=identity,
                number=len(known.entries) + 1,
                kind=source.kind,
                inputs=tuple({"name": i.name, "sha256": i.sha256, "bytes": i.bytes} for i in inputs),
                part=part,
                simulated=source.simulated,
                rows=rows,
                kept=kept,
                left_out=left_out,
                set_aside=counted[1],
            )
            try:
                for name, target in (
                    ("records.parquet", wall.path("record") / part),
                    ("aside.parquet", _quarantine(wall, entry)),
                ):
                    durable.sync_file(work / name)
                    os.replace(work / name, target)  # one system call
                    durable.sync_folder(target.parent)
            except OSError as error:
                raise output_error(wall.root, error) from error
        ledger.write(wall, ledger.Ledger(known.key_check, (*known.entries, entry), known.released))
        return _report(wall, source, entry, already=False)


def age_group_sql(birth: str, day: str, age: str = "NULL") -> str:
    """SQL of the age group from birth date and day, or else from the age in years.

    Years are completed on the birthday; who was born on 29 February has it on 1 March in years without one.

    Parameters
    ----------
    birth, day : str
        SQL of two dates.
    age : str
        SQL of an age in years, used where there is no birth date.
    """
    years = (
        f"CASE WHEN {birth} IS NULL THEN {age} ELSE year({day}) - year({birth}) - "
        f"CASE WHEN month({day}) * 100 + day({day}) < month({birth}) * 100 + day({birth}) THEN 1 ELSE 0 END END"
    )
    bands = " ".join(
        f"WHEN {years} BETWEEN {low} AND {high} THEN '{f'{low}+' if high > 100 else f'{low}-{high}'}'"
        for low, high in AGE_BANDS
    )
    return f"CASE {bands} END"


def band_names() -> list[str]:
    """Names of the age groups, youngest first.

    Examples
    --------
    >>> band_names()
    ['0-4', '5-14', '15-24', '25-44', '45-64', '65+']
    """
    return [f"{low}+" if high > 100 else f"{low}-{high}" for low, high in AGE_BANDS]


def _stage(connection: Any, source: Source, work: Path, today: dt.date) -> tuple[dict[str, int], dict[str, int], int]:
    """Raw rows with their verdict to the vault's working folder; counts by reason, and of those to keep."""
    code = "rtrim(replace(upper(trim(code)), '.', ''), '*+†')"
    faults = [
        ("fault IS NOT NULL", "fault"),
        ("person IS NULL", "'no person identifier'"),
        ("encounter IS NULL", "'no visit identifier'"),
        ("date IS NULL", "'no visit date'"),
        (f"date > DATE '{today}'", "'visit in the future'"),
        (f"date < DATE '{_OLDEST}'", f"'visit before {_OLDEST.year}'"),
        ("birth_date > date", "'born after the visit'"),
        (
            f"year(date) - year(birth_date) > {AGE_BANDS[-1][1]} OR age NOT BETWEEN 0 AND {AGE_BANDS[-1][1]}",
            "'impossible age'",
        ),
        ("reported < date", "'reported before the visit'"),
        ("district IS NULL", "'no district'"),
        ("length(district) > 40", "'district is no code'"),
        ("code IS NULL", "'no diagnosis code'"),
        # two constant patterns: one that varied by row would be compiled anew for each
        (f"code_system = 'icd10' AND NOT regexp_matches(code, '{ICD10_PATTERN}')", "'unreadable diagnosis code'"),
        (f"code_system = 'snomed' AND NOT regexp_matches(code, '{SNOMED_PATTERN}')", "'unreadable diagnosis code'"),
    ]
    verdict = " ".join(f"WHEN {test} THEN {reason}" for test, reason in faults)
    raw = source.select(connection)
    connection.execute(f"""
COPY (
  SELECT *, CASE WHEN left_out IS NOT NULL THEN NULL {verdict} END AS aside FROM (
    SELECT file, nullif(trim(person), '') AS person, nullif(trim(encounter), '') AS encounter, birth_date, age, date,
    reported,
      nullif(trim(district), '') AS district, sex, encounter_class, code_system, nullif({code}, '') AS code, fault,
      CASE WHEN left_out IS NULL AND fault IS NULL AND code_system IS NULL AND code IS NOT NULL
      THEN 'code system not used'
           ELSE left_out END AS left_out
    FROM ({raw})
  )
) TO '{_posix(work / "stage.parquet")}' (FORMAT parquet, COMPRESSION lz4)""")
    lines = source.unreadable(connection)
    table = pl.DataFrame(lines, schema={"file": pl.String, "line": pl.Int64, "reason": pl.String}, orient="row")
    table.write_parquet(work / "lines.parquet")
    stage = f"'{_posix(work / 'stage.parquet')}'"
    counts = connection.execute(f"SELECT left_out, aside, count(*) FROM {stage} GROUP BY ALL ORDER BY ALL").fetchall()
    dropped = {reason: n for reason, _, n in counts if reason is not None}
    aside = {reason: n for left, reason, n in counts if left is None and reason is not None}
    for reason, n in table.group_by("reason").len().iter_rows():
        aside[reason] = aside.get(reason, 0) + n
    connection.execute(f"""
COPY (
  SELECT regexp_extract(file, '[^/\\\\]+$') AS file, CAST(NULL AS BIGINT) AS line, encounter AS visit, aside AS
  reason FROM {stage}
    WHERE aside IS NOT NULL
  UNION ALL SELECT file, line, NULL, reason FROM '{_posix(work / "lines.parquet")}' ORDER BY ALL
) TO '{_posix(work / "aside.parquet")}' (FORMAT parquet)""")
    return dropped, aside, sum(n for left, reason, n in counts if left is None and reason is None)


def _surrogates(connection: Any, key: Key, work: Path) -> int:
    """Kept rows under surrogates, each visit and code once; how many."""
    for use in ("person", "encounter"):
        key.register(connection, use)
    stage = f"(SELECT * FROM '{_posix(work / 'stage.parquet')}' WHERE aside IS NULL AND left_out IS NULL)"
    connection.execute(
        f"CREATE TEMP TABLE persons AS SELECT person AS raw, {surrogate_sql('person', 'person')} AS person "
        f"FROM (SELECT DISTINCT person FROM {stage}), key_person"
    )
    people, numbers = connection.execute("SELECT count(*), count(DISTINCT person) FROM persons").fetchall()[0]
    if people != numbers:
        raise WallError(
            "two persons got the same surrogate, which should not happen once in a million walls. Use another key."
        )
    pattern = (
        "CASE WHEN code_system = 'icd10' AND length(code) > 3 THEN left(code, 3) || '.' || "
        "substr(code, 4) ELSE code END"
    )
    connection.execute(f"""
COPY (
  SELECT p.person, {surrogate_sql("s.encounter", "encounter")} AS encounter, date, reported, district,
    {age_group_sql("birth_date", "date", "age")} AS age_group, coalesce(sex, 'unknown') AS sex, encounter_class,
    code_system,
    {pattern} AS code
  FROM {stage} s JOIN persons p ON s.person = p.raw, key_encounter
) TO '{_posix(work / "all.parquet")}' (FORMAT parquet, COMPRESSION zstd)""")
    rows = f"'{_posix(work / 'all.parquet')}'"
    mark = "hash(encounter, code_system, code)"
    connection.execute(f"CREATE TEMP TABLE twice AS SELECT {mark} AS mark FROM {rows} GROUP BY ALL HAVING count(*) > 1")
    if not connection.execute("SELECT count(*) FROM twice").fetchall()[0][0]:
        os.replace(work / "all.parquet", work / "records.parquet")  # one system call
    else:
        connection.execute(f"""
COPY (
  SELECT * FROM {rows} WHERE {mark} NOT IN (SELECT mark FROM twice)
  UNION ALL
  SELECT * FROM {rows} WHERE {mark} IN (SELECT mark FROM twice)
    QUALIFY row_number() OVER (PARTITION BY encounter, code_system, code
      ORDER BY reported DESC NULLS LAST, date, person, district, age_group, sex, encounter_class) = 1
) TO '{_posix(work / "records.parquet")}' (FORMAT parquet, COMPRESSION zstd)""")
    return _count(connection, f"'{_posix(work / 'records.parquet')}'")


@contextmanager
def _workshop(wall: zones.Zones, source: Source, memory_limit: str, threads: int) -> Iterator[tuple[Any, Path]]:
    """An engine and a folder in the vault; both gone afterwards, and raw rows with them."""
    work = wall.path("vault") / f"{_WORK}{uuid.uuid4().hex}"
    try:
        durable.make_folder(work)
    except OSError as error:
        raise output_error(wall.root, error) from error
    connection = duckdb.connect(":memory:")
    try:
        folders = sorted({_posix(f.absolute().parent) + "/" for f in source.files} | {_posix(work.absolute()) + "/"})
        allowed = ", ".join("'" + f.replace("'", "''") + "'" for f in folders)
        connection.execute(f"SET threads = {threads or os.cpu_count() or 1}")
        connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute(f"SET temp_directory = '{_posix(work / 'spill')}'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection, work
    finally:
        connection.close()
        shutil.rmtree(work, ignore_errors=True)


def _remove_stale(wall: zones.Zones) -> None:
    """Working folders of ingests that were killed; the lock is held, so nobody uses them."""
    for left in wall.path("vault").glob(f"{_WORK}*"):
        shutil.rmtree(left, ignore_errors=True)


def _report(wall: zones.Zones, source: Source, entry: ledger.Entry, *, already: bool) -> IngestReport:
    part = wall.path("record") / entry.part
    found = pl.scan_parquet(part).select(
        pl.col("person").n_unique(),
        pl.col("encounter").n_unique(),
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
    )
    persons, visits, first, last = found.collect().row(0)
    return IngestReport(
        id=entry.id,
        rows=entry.rows,
        kept=entry.kept,
        left_out=entry.left_out,
        set_aside=entry.set_aside,
        fields_left=source.fields_left,
        persons=persons,
        visits=visits,
        first=first,
        last=last,
        part=part,
        quarantine=_quarantine(wall, entry),
        simulated=entry.simulated,
        already=already,
    )


def _quarantine(wall: zones.Zones, entry: ledger.Entry) -> Path:
    return wall.path("vault") / entry.part.replace(".parquet", "-set-aside.parquet")


def _engine_error(source: Source, error: duckdb.Error) -> Exception:
    """A sentence without the content of any row."""
    kind = type(error).__name__
    if "No space left" in str(error):
        return output_error(source.files[0], OSError(28, "No space left on device"))
    if isinstance(error, duckdb.OutOfMemoryException):
        return InputError(
            "the memory given is not enough for these files. Give more with memory_limit, or fewer files at once."
        )
    return InputError(
        f"{source.files[0]} can't be read to its end ({kind}). Check that it is whole; nothing was changed."
    )


def _minus(reason: str, n: int) -> dict[str, int]:
    return {reason: n} if n else {}


def _count(connection: Any, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _posix(path: Path) -> str:
    return path.absolute().as_posix().replace("'", "''")
