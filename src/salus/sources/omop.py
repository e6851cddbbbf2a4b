"""OMOP Common Data Model 5.4: person, visit_occurrence, condition_occurrence, location, and concept for the codes.

A diagnosis comes as its source code where that is ICD-10 (`condition_source_concept_id`, or `condition_source_value`
where no concept is mapped), and as its standard concept where that is SNOMED CT. The district is `location.county`, or
`location.location_source_value` where the county is empty.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salus.errors import InputError
from salus.sources import lines, records, sql
from salus.sources.sql import quoted_name

TABLES = {
    "person": (
        "person_id",
        "gender_concept_id",
        "year_of_birth",
        "month_of_birth",
        "day_of_birth",
        "birth_datetime",
        "location_id",
    ),
    "visit_occurrence": ("visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"),
    "condition_occurrence": (
        "condition_occurrence_id",
        "visit_occurrence_id",
        "condition_concept_id",
        "condition_source_value",
        "condition_source_concept_id",
    ),
    "location": ("location_id", "county", "location_source_value"),
    "concept": ("concept_id", "vocabulary_id", "concept_code"),
}
"""Tables and the columns that are selected of each."""

_OPTIONAL = {
    "month_of_birth",
    "day_of_birth",
    "birth_datetime",
    "county",
    "location_source_value",
    "condition_source_concept_id",
}


@dataclass(frozen=True)
class OmopTables:
    """OMOP tables as a source of raw records: a row for each ICD-10 or SNOMED CT code of each condition of a visit.

    Attributes
    ----------
    files : tuple of Path
        Files of the five tables.
    tables : dict of str to records.Table
        Table -> what its file holds.
    fields_left : tuple of str
        Columns that are not selected.
    simulated : bool
        Whether the rows are simulated.
    """

    files: tuple[Path, ...]
    tables: dict[str, records.Table]
    fields_left: tuple[str, ...]
    simulated: bool = False
    kind: str = field(default="omop", init=False)

    def select(self, connection: Any) -> str:
        """The question whose answer is the raw rows; see :meth:`salus.sources.linelist.LineList.select`.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it will be asked.
        """
        scans = {name: self._scan(connection, name) for name in TABLES}
        started = sql.date_sql("visit_start_date", "VARCHAR")
        icd = "(source.vocabulary_id LIKE 'ICD10%')"
        listed = (
            f"CASE WHEN {icd} THEN [{{'system': 'icd10', 'code': source.concept_code}}] "
            "WHEN coalesce(c.condition_source_concept_id, '0') = '0' AND "
            "regexp_matches(upper(c.condition_source_value), "
            "'^[A-Z][0-9][0-9A-Z][.]?[0-9A-Z.]*$') THEN "
            "[{'system': 'icd10', 'code': c.condition_source_value}] ELSE [] END"
        )
        standard = (
            "CASE WHEN standard.vocabulary_id = 'SNOMED' THEN "
            "[{'system': 'snomed', 'code': standard.concept_code}] ELSE [] END"
        )
        return f"""
WITH p AS (SELECT person_id, gender_concept_id, county, location_source_value,
  coalesce(TRY_CAST(left(birth_datetime, 10) AS DATE), TRY_CAST(concat_ws('-', year_of_birth,
    lpad(coalesce(month_of_birth, '7'), 2, '0'), lpad(coalesce(day_of_birth, CASE WHEN month_of_birth IS NULL THEN
    '1' ELSE '15' END),
    2, '0')) AS DATE)) AS birth, day_of_birth IS NULL AND birth_datetime IS NULL AS rough, year_of_birth
  FROM ({scans["person"]}) person LEFT JOIN ({scans["location"]}) home USING (location_id)),
e AS (SELECT *, {started} AS day FROM ({scans["visit_occurrence"]})),
k AS (SELECT * FROM ({scans["concept"]}) WHERE vocabulary_id LIKE 'ICD10%' OR vocabulary_id = 'SNOMED'),
c AS (SELECT c.filename, c.visit_occurrence_id, {listed} || {standard} AS found
  FROM ({scans["condition_occurrence"]}) c LEFT JOIN k AS source ON c.condition_source_concept_id = source.concept_id
  LEFT JOIN k AS standard ON c.condition_concept_id = standard.concept_id),
d AS (SELECT filename, visit_occurrence_id, unnest(CASE WHEN len(found) > 0 THEN found ELSE
  [{{'system': NULL, 'code': NULL}}] END) AS coding
  FROM c)
SELECT coalesce(d.filename, e.filename) AS file, e.person_id AS person, coalesce(e.visit_occurrence_id,
  d.visit_occurrence_id) AS encounter,
  CASE WHEN p.rough AND year(p.birth) <= year(e.day) THEN least(p.birth, e.day) ELSE p.birth END AS birth_date,
  CAST(NULL AS INTEGER) AS age, e.day AS date, CAST(NULL AS DATE) AS reported,
  coalesce(nullif(trim(p.county), ''), p.location_source_value) AS district,
  {sql.words_sql("p.gender_concept_id", records.SEXES)} AS sex,
  {sql.words_sql("e.visit_concept_id", records.CLASSES)} AS encounter_class,
  d.coding.system AS code_system, d.coding.code AS code,
  CASE WHEN e.visit_occurrence_id IS NULL THEN 'the visit is not in the files'
       WHEN p.person_id IS NULL THEN 'the person is not in the files'
       WHEN e.day IS NULL AND e.visit_start_date <> '' THEN 'unreadable visit date'
       WHEN p.birth IS NULL AND p.year_of_birth <> '' THEN 'unreadable birth date' END AS fault,
  CASE WHEN d.filename IS NULL THEN 'visit without a diagnosis' WHEN d.coding.system IS NULL
  THEN 'code system not used' END AS left_out
FROM d FULL OUTER JOIN e ON d.visit_occurrence_id = e.visit_occurrence_id LEFT JOIN p ON e.person_id = p.person_id"""

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """Lines of the text files that are no rows, after the question was answered.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it was asked.
        """
        return [line for name in TABLES for line in records.rejected(connection, f"salus_{name}", self.tables[name])]

    def _scan(self, connection: Any, name: str) -> str:
        table = self.tables[name]
        lower = {c.lower(): c for c in table.fields}
        wanted = [lower[c] for c in TABLES[name] if c in lower]
        inner = records.scan(connection, table, wanted, f"salus_{name}")
        columns = [
            f"CAST({quoted_name(lower[c])} AS VARCHAR) AS {c}" if c in lower else f"CAST(NULL AS VARCHAR) AS {c}"
            for c in TABLES[name]
        ]
        return f"SELECT {', '.join(columns)}, filename FROM ({inner})"


def open_omop(paths: Sequence[str | Path], *, simulated: bool = False, encoding: str | None = None) -> OmopTables:
    """OMOP tables ready for the wall.

    Parameters
    ----------
    paths : sequence of str or Path
        Folder with a file for each table (``person.csv`` or ``PERSON.parquet`` ...), or those files.
    simulated : bool
        Whether the rows are simulated.
    encoding : str, optional
        Of text files, where it can't be told.

    Raises
    ------
    InputError
        A table or a column of it is missing, or can't be read.
    """
    found: dict[str, list[Path]] = {name: [] for name in TABLES}
    left: list[str] = []
    for path in records.expand(paths, (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".pq")):
        stem = path.name.lower().split(".")[0]
        if stem in found:
            found[stem].append(path)
        else:
            left.append(path.name)
    missing = [name for name, files in found.items() if not files]
    if missing:
        raise InputError(
            f"there is no OMOP table '{missing[0]}' among the files given. Give a file for each of {', '.join(TABLES)}."
        )
    tables = {name: records.together([records.inspect(f, encoding) for f in files]) for name, files in found.items()}
    for name, table in tables.items():
        there = {c.lower() for c in table.fields}
        lacking = [c for c in TABLES[name] if c not in there and c not in _OPTIONAL]
        if lacking:
            raise InputError(
                f"the OMOP table {name} ({table.files[0]}) has no column '{lacking[0]}'. Export it as "
                f"version 5.4 has it."
            )
        left += [f"{name}.{c}" for c in table.fields if c.lower() not in TABLES[name]]
    if not {"county", "location_source_value"} & {c.lower() for c in tables["location"].fields}:
        raise InputError(
            "the OMOP table location has neither 'county' nor 'location_source_value', so no district. Add one of them."
        )
    for table in tables.values():
        lines.guard(table)
    return OmopTables(tuple(f for t in tables.values() for f in t.files), tables, tuple(sorted(left)), simulated)
