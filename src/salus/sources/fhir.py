"""FHIR R4 bulk export: newline-delimited JSON of Patient, Encounter and Condition, packed or not.

Each file holds one type of resource (FHIR Bulk Data Access 2.0), told by its first line, not by its name. Read with
their FHIR meaning: `Encounter.period.start`, `Encounter.class` (v3-ActCode), `Encounter.status`,
`Condition.verificationStatus`, `Condition.recordedDate`, `Patient.address.district`. Names, telephones, street lines
and identifiers are never selected.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salus.errors import InputError
from salus.sources import lines, records, sql
from salus.sources.sql import quoted

SCHEMAS = {
    "Patient": {
        "resourceType": "VARCHAR",
        "id": "VARCHAR",
        "birthDate": "VARCHAR",
        "gender": "VARCHAR",
        "address": "STRUCT(district VARCHAR)[]",
    },
    "Encounter": {
        "resourceType": "VARCHAR",
        "id": "VARCHAR",
        "status": "VARCHAR",
        "class": "STRUCT(code VARCHAR)",
        "subject": "STRUCT(reference VARCHAR)",
        "period": 'STRUCT("start" VARCHAR)',
    },
    "Condition": {
        "resourceType": "VARCHAR",
        "id": "VARCHAR",
        "encounter": "STRUCT(reference VARCHAR)",
        "verificationStatus": "STRUCT(coding STRUCT(code VARCHAR)[])",
        "code": 'STRUCT(coding STRUCT("system" VARCHAR, code VARCHAR)[])',
        "recordedDate": "VARCHAR",
    },
}
"""What is selected of each resource; the rest of the line is passed over."""

ICD10 = ("http://hl7.org/fhir/sid/icd-10%", "urn:oid:2.16.840.1.113883.6.3", "urn:oid:2.16.840.1.113883.6.90")
"""Code systems that are ICD-10, its national modifications included (patterns of LIKE)."""

SNOMED = ("http://snomed.info/sct%", "urn:oid:2.16.840.1.113883.6.96")
"""Code systems that are SNOMED CT."""

MAX_LINE = 2**24
"""Bytes that one resource may have."""

_SEEN, _HEAD, _SNIFFED = 1000, 2**21, 2 * MAX_LINE


@dataclass(frozen=True)
class FhirBulk:
    """A bulk export as a source of raw records: a row for each ICD-10 or SNOMED CT coding of each Condition of a visit.

    Attributes
    ----------
    files : tuple of Path
        Files of the three types.
    by_type : dict of str to tuple of Path
        Type of resource -> its files.
    fields_left : tuple of str
        Elements that are not selected, as far as the first thousand lines of each file show them, and files of other
        types of resource.
    simulated : bool
        Whether the rows are simulated.
    """

    files: tuple[Path, ...]
    by_type: dict[str, tuple[Path, ...]]
    fields_left: tuple[str, ...]
    simulated: bool = False
    kind: str = field(default="fhir", init=False)

    def select(self, connection: Any) -> str:
        """The question whose answer is the raw rows; see :meth:`salus.sources.linelist.LineList.select`.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it will be asked.
        """
        patient, encounter, condition = (self._scan(name) for name in SCHEMAS)
        used = f"list_filter(code.coding, lambda x: {_is(ICD10, 'x.system')} OR {_is(SNOMED, 'x.system')})"
        day, reported = (sql.date_sql(f"left({c}, 10)", "VARCHAR") for c in ('period."start"', "recordedDate"))
        birth = f"coalesce(p.birth, {sql.partial_date_sql('p.born', 'e.day')})"
        # Each file is parsed once. A line that can't be read comes as a row without an id, and goes along.
        return f"""
WITH person AS MATERIALIZED (
  SELECT id, birthDate AS born, known.meaning AS sex, CASE WHEN id IS NULL THEN filename END AS filename,
    CASE WHEN length(birthDate) NOT IN (4, 7) THEN TRY_CAST(left(birthDate, 10) AS DATE) END AS birth,
    list_extract(list_filter(list_transform(address, lambda a: a.district), lambda d: d IS NOT NULL), 1) AS home
  FROM ({patient}) LEFT JOIN {sql.words_table(records.SEXES)} AS known ON lower(trim(gender)) = known.word),
{_once("person", "born, sex, home")},
visit AS MATERIALIZED (
  SELECT id, filename, status, known.meaning AS kind, period."start" AS started, {day} AS day,
    {_reference("subject.reference", "Patient")} AS patient
  FROM ({encounter}) LEFT JOIN {sql.words_table(records.CLASSES)} AS known ON lower(trim("class".code)) = known.word),
{_once("visit", "started, status, patient, kind")},
v AS (SELECT e.id, e.filename, e.patient, e.day, e.kind, p.home, p.sex, {birth} AS birth,
    CASE WHEN e.id IS NULL THEN 'a line is no readable Encounter'
         WHEN p.id IS NULL THEN 'the person is not in the files'
         WHEN e.day IS NULL AND e.started <> '' THEN 'unreadable visit date'
         WHEN {birth} IS NULL AND p.born <> '' THEN 'unreadable birth date' END AS fault,
    CASE WHEN e.id IS NOT NULL AND e.status IN ('entered-in-error', 'cancelled', 'planned')
         THEN 'visit ' || e.status END AS left_out
  FROM visit_once AS e LEFT JOIN (SELECT * FROM person_once WHERE id IS NOT NULL) AS p ON e.patient = p.id),
diagnosis AS (
  SELECT filename, id, CASE WHEN id IS NOT NULL THEN {_reference("encounter.reference", "Encounter")} END AS visit,
    list_extract(verificationStatus.coding, 1).code AS verified, {reported} AS reported,
    unnest(CASE WHEN len(used) > 0 THEN used ELSE [{{'system': NULL, 'code': NULL}}] END) AS coding
  FROM (SELECT *, CASE WHEN len(code.coding) = 1 THEN code.coding ELSE {used} END AS used FROM ({condition}))),
c AS (SELECT *, CASE WHEN {_is(ICD10, "coding.system")} THEN 'icd10' WHEN {_is(SNOMED, "coding.system")} THEN 'snomed'
    END AS code_system FROM diagnosis)
SELECT coalesce(c.filename, v.filename) AS file, v.patient AS person, coalesce(v.id, c.visit) AS encounter,
  v.birth AS birth_date, CAST(NULL AS INTEGER) AS age, v.day AS date, c.reported, v.home AS district, v.sex,
  v.kind AS encounter_class, c.code_system, CASE WHEN c.code_system IS NOT NULL THEN c.coding.code END AS code,
  CASE WHEN c.filename IS NOT NULL AND c.id IS NULL THEN 'a line is no readable Condition'
       WHEN v.filename IS NULL THEN 'the visit is not in the files' ELSE v.fault END AS fault,
  CASE WHEN (c.filename IS NOT NULL AND c.id IS NULL) OR (v.filename IS NOT NULL AND v.id IS NULL) THEN NULL
       WHEN v.left_out IS NOT NULL THEN v.left_out
       WHEN c.verified IN ('entered-in-error', 'refuted') THEN 'diagnosis ' || c.verified
       WHEN c.filename IS NULL THEN 'visit without a diagnosis'
       WHEN c.code_system IS NULL THEN 'code system not used' END AS left_out
FROM c FULL OUTER JOIN v ON c.visit = v.id
UNION ALL
SELECT filename, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  'a line is no readable Patient', NULL FROM person WHERE id IS NULL"""

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """No lines beyond those that the question itself gives with a fault.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it was asked.
        """
        return []

    def _scan(self, name: str) -> str:
        listed = "[" + ", ".join(quoted(f.absolute().as_posix()) for f in self.by_type[name]) + "]"
        columns = "{" + ", ".join(f"{quoted(c)}: {quoted(t)}" for c, t in SCHEMAS[name].items()) + "}"
        return (
            f"SELECT * FROM read_json({listed}, format = 'newline_delimited', columns = {columns}, "
            f"ignore_errors = true, filename = true, maximum_object_size = {MAX_LINE})"
        )


def open_fhir(paths: Sequence[str | Path], *, simulated: bool = False) -> FhirBulk:
    """A bulk export ready for the wall.

    Parameters
    ----------
    paths : sequence of str or Path
        Folder of ``.ndjson`` or ``.ndjson.gz`` files, or the files.
    simulated : bool
        Whether the resources are simulated; those tagged so (``meta.tag`` or ``meta.security`` with a code that begins
        with ``SIMULATED`` or is ``HTEST``) are taken for it anyway.

    Raises
    ------
    InputError
        A file is not such JSON, or one of the three types is missing.
    """
    found: dict[str, list[Path]] = {name: [] for name in SCHEMAS}
    left: set[str] = set()
    tagged = False
    for path in records.expand(paths, (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")):
        kind, elements, tags = _look(path)
        if kind in found:
            found[kind].append(path)
            left.update(f"{kind}.{e}" for e in elements - set(SCHEMAS[kind]))
            tagged = tagged or any(t.upper().startswith("SIMULATED") or t == "HTEST" for t in tags)
        else:
            left.add(f"{kind} ({path.name})")
    missing = [name for name, files in found.items() if not files]
    if missing:
        raise InputError(
            f"there is no file of {' and of '.join(missing)} among the files given. A bulk export for Salus holds "
            f"{', '.join(SCHEMAS)}; export the missing ones too."
        )
    files = tuple(f for name in SCHEMAS for f in found[name])
    return FhirBulk(files, {n: tuple(f) for n, f in found.items()}, tuple(sorted(left)), simulated or tagged)


def _look(path: Path) -> tuple[str, set[str], set[str]]:
    """Type of resource of a file, and elements and tags of its first lines."""
    kind, elements, tags = "", set(), set()
    lines.guard_packed(path)
    head = records.first_bytes(path, _HEAD)
    if len(head) == _HEAD and head.count(b"\n") < _SEEN:
        head = records.first_bytes(path, _SNIFFED)
    for line in head.split(b"\n", _SEEN)[:_SEEN]:
        try:
            resource = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(resource, dict):
            kind = kind or str(resource.get("resourceType", ""))
            elements |= set(resource)
            meta = resource.get("meta")
            for name in ("tag", "security"):
                given = meta.get(name) if isinstance(meta, dict) else None
                tags |= {str(t.get("code")) for t in given or [] if isinstance(t, dict)}
    if not kind:
        raise InputError(
            f"{path} holds no FHIR resource in its first {_SEEN} lines. Give newline-delimited JSON of a bulk export."
        )
    return kind, elements, tags


def _is(patterns: Sequence[str], column: str) -> str:
    return "(" + " OR ".join(f"{column} LIKE {quoted(p)}" for p in patterns) + ")"


def _once(table: str, order: str) -> str:
    """Common tables: ids that come twice, and the table with the first row of each; only those are sorted."""
    return f"""{table}_twice AS MATERIALIZED (
  SELECT id FROM {table} WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1),
{table}_once AS (
  SELECT * FROM {table} ANTI JOIN {table}_twice USING (id) UNION ALL
  SELECT * FROM {table} SEMI JOIN {table}_twice USING (id)
  QUALIFY row_number() OVER (PARTITION BY id ORDER BY {order}) = 1)"""


def _reference(column: str, kind: str) -> str:
    """The identifier in ``Patient/123``, ``http://host/Patient/123/_history/2`` or ``urn:uuid:...``.

    The first form is by far the most common, and matching it whole is cheaper than taking it apart.
    """
    return (
        f"CASE WHEN regexp_full_match({column}, '{kind}/[A-Za-z0-9.-]+') THEN substr({column}, {len(kind) + 2}) "
        f"ELSE regexp_extract({column}, '(?:^|[/:])([A-Za-z0-9.-]+)(?:/_history/.*)?$', 1) END"
    )
