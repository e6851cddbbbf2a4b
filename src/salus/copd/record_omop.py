"""OMOP Common Data Model 5.4 in: person, measurement, observation, condition_occurrence, and concept for the codes.

A row of measurement or observation is told by the code of its concept (LOINC, SNOMED CT), or by its source value where
that is such a code or the name of an item. The newest value of each item counts; the age is that on the day of a
person's newest row.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from salus.copd.codes import CONDITIONS, LOINC, SMOKING, SNOMED, UNITS
from salus.copd.questions import CIGARETTES_A_PACK, all_items
from salus.data.engine import connect
from salus.errors import InputError
from salus.sources import lines, records
from salus.sources.sql import quoted, quoted_name

TABLES: Mapping[str, tuple[str, ...]] = {
    "person": ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"),
    "measurement": ("person_id", "measurement_concept_id", "measurement_date", "value_as_number", "value_as_concept_id",
                    "unit_concept_id", "unit_source_value", "measurement_source_value"),
    "observation": ("person_id", "observation_concept_id", "observation_date", "value_as_number", "value_as_string",
                    "value_as_concept_id", "unit_concept_id", "unit_source_value", "observation_source_value"),
    "condition_occurrence": ("person_id", "condition_concept_id", "condition_start_date", "condition_source_value"),
    "concept": ("concept_id", "vocabulary_id", "concept_code"),
}  # fmt: skip
"""Tables, and the columns that are read of each."""

_ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".pq")


def people_from_omop(paths: Sequence[str | Path]) -> pl.DataFrame:
    """Answers of the people of OMOP tables.

    Parameters
    ----------
    paths : sequence of path
        Folder with a file for each table, or the files: `person`, and `measurement` or `observation`; `concept` for
        codes that are not in the source values; `condition_occurrence` for diagnoses.

    Returns
    -------
    polars.DataFrame
        A row a person: `person` and a text column for each item that is known of somebody.

    Raises
    ------
    InputError
        A table or one of its columns is missing, or can't be read.
    """
    found: dict[str, list[Path]] = {}
    for path in records.expand(paths, _ENDINGS):
        stem = path.name.lower().split(".")[0]
        if stem in TABLES:
            found.setdefault(stem, []).append(path)
    for name, alone in (("person", True), ("measurement", "observation" not in found)):
        if alone and name not in found:
            raise InputError(
                f"there is no OMOP table '{name}' among the files given. COPD case-finding needs person, and "
                "measurement or observation; with concept and condition_occurrence where there are any."
            )
    connection = connect()
    try:
        for name in TABLES:
            _view(connection, name, found.get(name, []))
        _codes(connection)
        return _pivoted(connection)
    except duckdb.Error as error:
        raise InputError(f"the OMOP tables can't be read: {error}. Export them as version 5.4 has them.") from error
    finally:
        connection.close()


def _view(connection: duckdb.DuckDBPyConnection, name: str, files: list[Path]) -> None:
    """A table of text columns under its name; empty where it was not given."""
    if not files:
        columns = ", ".join(f"CAST(NULL AS VARCHAR) AS {c}" for c in TABLES[name])
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {columns} WHERE false")
        return
    table = records.together([records.inspect(f) for f in files])
    lines.guard(table)
    lower = {c.lower(): c for c in table.fields}
    needed = [c for c in TABLES[name][:2] if c not in lower]
    if needed:
        raise InputError(
            f"the OMOP table {name} ({files[0]}) has no column '{needed[0]}'. Export it as version 5.4 has it."
        )
    scan = records.scan(connection, table, [lower[c] for c in TABLES[name] if c in lower], f"copd_{name}")
    columns = ", ".join(
        f"CAST({quoted_name(lower[c])} AS VARCHAR) AS {c}" if c in lower else f"CAST(NULL AS VARCHAR) AS {c}"
        for c in TABLES[name]
    )
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {columns} FROM ({scan})")


def _codes(connection: duckdb.DuckDBPyConnection) -> None:
    """The codes of :mod:`salus.copd.codes` as tables."""
    items = [("LOINC", c, i) for c, i in LOINC.items()] + [("SNOMED", c, i) for c, i in SNOMED.items()]
    items += [("own", name, name) for name in all_items()]
    _table(connection, "codes", ("vocabulary", "code", "item"), items)
    _table(connection, "smoking", ("code", "status"), [(c, s) for c, s in SMOKING.items() if s is not None])
    _table(connection, "conditions", ("code", "item"), list(CONDITIONS.items()))
    units = [(item, unit, factor) for item, factors in UNITS.items() for unit, factor in factors.items()]
    _table(connection, "units", ("item", "unit", "factor"), units)


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> None:
    values = ", ".join("(" + ", ".join(quoted(v) if isinstance(v, str) else str(v) for v in row) + ")" for row in rows)
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM (VALUES {values}) AS t({', '.join(columns)})")


def _facts(table: str) -> str:
    """Rows of measurement or observation that say something of an item: person, item, day, value."""
    own, text = f"{table}_source_value", "value_as_string" if table == "observation" else "CAST(NULL AS VARCHAR)"
    return f"""
SELECT t.person_id AS person, codes.item, {table}_date AS day,
  CASE WHEN codes.item = 'smk_status' THEN coalesce(smoking.status, {text})
       WHEN t.value_as_number IS NULL THEN {text}
       WHEN coalesce(unit.concept_code, t.unit_source_value, '') = '' THEN t.value_as_number
       WHEN units.factor IS NULL OR TRY_CAST(t.value_as_number AS DOUBLE) IS NULL
         THEN t.value_as_number || ' ' || coalesce(unit.concept_code, t.unit_source_value)
       ELSE CAST(TRY_CAST(t.value_as_number AS DOUBLE) * units.factor AS VARCHAR) END AS value
FROM {table} t
LEFT JOIN concept AS what ON t.{table}_concept_id = what.concept_id
LEFT JOIN concept AS answer ON t.value_as_concept_id = answer.concept_id
LEFT JOIN concept AS unit ON t.unit_concept_id = unit.concept_id AND unit.vocabulary_id = 'UCUM'
JOIN codes ON (codes.vocabulary = what.vocabulary_id AND codes.code = what.concept_code)
  OR codes.code = t.{own}
LEFT JOIN smoking ON smoking.code = coalesce(answer.concept_code, t.value_as_concept_id)
LEFT JOIN units ON units.item = codes.item AND units.unit = coalesce(unit.concept_code, t.unit_source_value)"""


def _pivoted(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    conditions = """
SELECT t.person_id AS person, conditions.item, condition_start_date AS day, 'yes' AS value
FROM condition_occurrence t LEFT JOIN concept AS what ON t.condition_concept_id = what.concept_id
JOIN conditions ON conditions.code = what.concept_code OR conditions.code = left(upper(t.condition_source_value), 3)"""
    facts = " UNION ALL ".join((_facts("measurement"), _facts("observation"), conditions))
    connection.execute(f"CREATE TEMP TABLE facts AS SELECT * FROM ({facts}) WHERE value IS NOT NULL")
    newest = _asked(
        connection, "SELECT person, item, arg_max(value, coalesce(day, '')) AS value FROM facts GROUP BY ALL"
    )
    people = _asked(connection, _PEOPLE)
    if not newest.height:
        return people
    wide = newest.pivot(on="item", index="person", values="value")
    out = people.join(wide, on="person", how="left", maintain_order="left", suffix="_recorded")
    for name in ("age", "sex"):
        if f"{name}_recorded" in out.columns:
            out = out.with_columns(pl.coalesce(f"{name}_recorded", name).alias(name)).drop(f"{name}_recorded")
    return _derived(out)


def _asked(connection: duckdb.DuckDBPyConnection, question: str) -> pl.DataFrame:
    answer = pl.from_arrow(connection.sql(question).to_arrow_table())
    return answer if isinstance(answer, pl.DataFrame) else answer.to_frame()


_PEOPLE = """
SELECT p.person_id AS person,
  CASE p.gender_concept_id WHEN '8507' THEN 'male' WHEN '8532' THEN 'female' END AS sex,
  CAST(date_diff('month', make_date(CAST(p.year_of_birth AS INT), coalesce(CAST(p.month_of_birth AS INT), 7), 1),
    coalesce(TRY_CAST(max(left(f.day, 10)) AS DATE), current_date)) // 12 AS VARCHAR) AS age
FROM person p LEFT JOIN facts f ON f.person = p.person_id
GROUP BY p.person_id, p.gender_concept_id, p.year_of_birth, p.month_of_birth
ORDER BY TRY_CAST(p.person_id AS BIGINT), p.person_id"""


def _derived(out: pl.DataFrame) -> pl.DataFrame:
    """Cigarettes from packs a day, and FVC from FEV1 and the ratio, where they are not recorded themselves."""
    number = {
        c: pl.col(c).cast(pl.Float64, strict=False) for c in ("packs_per_day", "fev1_fvc", "fev1_l") if c in out.columns
    }
    made: dict[str, pl.Expr] = {}
    if "packs_per_day" in number:
        made["smk_cpd"] = (number["packs_per_day"] * CIGARETTES_A_PACK).cast(pl.String)
    if {"fev1_fvc", "fev1_l"} <= set(number):
        ratio = pl.when(number["fev1_fvc"] > 1).then(number["fev1_fvc"] / 100).otherwise(number["fev1_fvc"])
        made["fvc_l"] = (number["fev1_l"] / ratio).cast(pl.String)
    for name, value in made.items():
        known = pl.coalesce(pl.col(name), value) if name in out.columns else value
        out = out.with_columns(known.alias(name))
    return out.drop([c for c in ("packs_per_day", "fev1_fvc") if c in out.columns])
