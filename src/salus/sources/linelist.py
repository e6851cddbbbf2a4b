"""Line lists of cases or visits: CSV or Parquet, one row a visit, diagnoses as ICD-10 or SNOMED CT codes."""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salus.data import parquet_columns
from salus.data.engine import connect
from salus.data.engines import DUCKDB
from salus.data.expressions import sql_of
from salus.data.parquet_columns import NOTHING, WHOLE, Column
from salus.errors import InputError
from salus.sources import linelist_rows, lines, records, sql
from salus.sources.linelist_rows import OPENED
from salus.sources.sql import quoted_name

if TYPE_CHECKING:
    import ibis.expr.types as ir

COLUMNS = {
    "person": ("person_id", "person", "patient_id", "patient", "subject_id", "患者编号", "患者ID", "个人编号"),
    "encounter": (
        "encounter_id",
        "encounter",
        "visit_id",
        "visit_no",
        "case_id",
        "就诊号",
        "就诊流水号",
        "卡片编号",
        "门诊号",
    ),
    "birth_date": ("birth_date", "date_of_birth", "dob", "birthdate", "出生日期"),
    "age": ("age", "age_years", "年龄"),
    "date": (
        "visit_date",
        "date",
        "encounter_date",
        "admission_date",
        "visit_start",
        "就诊日期",
        "入院日期",
        "就诊时间",
    ),
    "reported": ("reported_date", "report_date", "reported", "报告日期", "报告卡录入时间"),
    "district": (
        "district",
        "district_code",
        "area_code",
        "county_code",
        "现住地址国标",
        "现住址编码",
        "地区编码",
        "区县编码",
    ),
    "sex": ("sex", "gender", "性别"),
    "encounter_class": ("encounter_class", "visit_type", "class", "就诊类型"),
    "code_system": ("code_system",),
    "code": ("icd10", "icd10_code", "icd_10", "diagnosis_code", "code", "诊断编码", "疾病编码", "主要诊断编码"),
}
"""Fields and what departments call them; case and punctuation do not count. Only these can enter."""

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".pq")
"""Of files that are taken from a folder."""

NEEDED = ("person", "date", "district", "code")
"""Fields without which a row says nothing."""

DATES = ("birth_date", "date", "reported")
"""Fields that are days."""


@dataclass(frozen=True)
class LineList:
    """Line lists of the same columns, as a source of raw records.

    A field ``code`` may hold several codes separated by ``;``, ``,`` or ``|``: each becomes a row. Where there is no
    visit identifier, a person's rows of one day are one visit.

    Attributes
    ----------
    files : tuple of Path
        Files of the same columns.
    table : records.Table
        What they hold.
    mapping : dict of str to str
        Field -> column of the files.
    simulated : bool
        Whether the rows are simulated; said on everything that is made of them.
    """

    files: tuple[Path, ...]
    table: records.Table
    mapping: dict[str, str]
    simulated: bool = False
    kind: str = field(default="linelist", init=False)

    def only(self, files: Sequence[Path]) -> LineList:
        """The same source with some of its files: each stands for itself.

        Parameters
        ----------
        files : sequence of Path
            Some of its files, in their order.
        """
        return replace(self, files=tuple(files), table=replace(self.table, files=tuple(files), aside=[]))

    @property
    def fields_left(self) -> tuple[str, ...]:
        """Columns that are not on the list, and so never enter."""
        used = set(self.mapping.values())
        return tuple(c for c in self.table.fields if c not in used)

    def select(self, connection: Any) -> str:
        """The question whose answer is the raw rows; to be asked once.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it will be asked.

        Returns
        -------
        str
            A SELECT statement with the columns of :data:`salus.sources.records.FIELDS`, in order.
        """
        import ibis  # brings a second of imports, which only those pay for who read records

        wanted = list(dict.fromkeys(self.mapping.values()))
        scan = records.scan(connection, self.table, wanted, "salus_linelist")

        def text(name: str) -> str:
            if name not in self.mapping:
                return "CAST(NULL AS VARCHAR)"
            column = f"CAST({quoted_name(self.mapping[name])} AS VARCHAR)"
            return f"trim({column})" if name in _TRIMMED else column  # of blanks of other scripts too, such as U+3000

        def date(name: str) -> tuple[str, str]:
            if name not in self.mapping:
                return "CAST(NULL AS DATE)", "NULL"
            column = quoted_name(self.mapping[name])
            parsed = sql.date_sql(column, self.table.fields[self.mapping[name]])
            return parsed, sql.unreadable_sql(column, parsed, _TITLES[name])

        (birth, birth_fault), (day, day_fault), (reported, reported_fault) = map(date, DATES)
        opened = (
            f"SELECT filename AS file, {text('person')} AS person, {text('encounter')} AS encounter, "
            f"{birth} AS birth_date, TRY_CAST({text('age')} AS INTEGER) AS age, {day} AS date, {reported} AS reported, "
            f"{text('district')} AS district, {text('sex')} AS sex, "
            f"{text('encounter_class')} AS encounter_class, {text('code_system')} AS code_system, "
            f"{text('code')} AS code, CAST(coalesce({day_fault}, {birth_fault}, {reported_fault}) AS VARCHAR) AS fault "
            f"FROM ({scan})"
        )
        asked = sql_of(self.rows(ibis.table(OPENED, name="salus_opened")), DUCKDB)
        return f"WITH salus_opened AS ({opened}) SELECT * FROM ({asked})"

    @property
    def opened(self) -> Mapping[str, str]:
        """Columns of an opened line list, with their types."""
        return OPENED

    def rows(self, opened: ir.Table) -> ir.Table:
        """Raw rows from opened columns, on any engine.

        Parameters
        ----------
        opened : ibis.expr.types.Table
            The columns of :data:`salus.sources.linelist_rows.OPENED`.

        Returns
        -------
        ibis.expr.types.Table
            The columns of :data:`salus.sources.records.FIELDS`.
        """
        return linelist_rows.rows(opened, visit_a_day="encounter" not in self.mapping)

    def columns(self) -> dict[str, Column] | None:
        """Where each field stands, if any engine may open the files itself.

        Returns
        -------
        dict of str to salus.data.parquet_columns.Column or None
            Field -> column; None for text files, and for Parquet of which engines read different things (days or ages
            as text, floating-point numbers, bytes).
        """
        if self.table.delimiter is not None:
            return None
        held = parquet_columns.kinds(self.files, set(self.mapping.values()))
        if held is None:
            return None
        found = {name: Column(column, held[column], name in _TRIMMED) for name, column in self.mapping.items()}
        wanted = dict.fromkeys(DATES, parquet_columns.DAYS) | {"age": (WHOLE, NOTHING)}
        alike = all(column.kind in wanted.get(name, parquet_columns.WORDS) for name, column in found.items())
        return found if alike else None

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """Lines that are no rows, after the question was answered.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it was asked.

        Returns
        -------
        list of (str, int, str)
            File, line and what is wrong.
        """
        return records.rejected(connection, "salus_linelist", self.table)


def open_linelist(
    paths: Sequence[str | Path],
    *,
    mapping: Mapping[str, str] | None = None,
    simulated: bool = False,
    encoding: str | None = None,
) -> LineList:
    """Line lists ready for the wall.

    Parameters
    ----------
    paths : sequence of str or Path
        CSV (``.csv``, ``.tsv``, ``.txt``, packed with ``.gz`` or not; any common delimiter and encoding) or Parquet
        files of the same columns, or folders of such.
    mapping : mapping of str to str, optional
        Field (a key of :data:`COLUMNS`) -> column of the files, where the names are not among those known.
    simulated : bool
        Whether the rows are simulated; those with a column ``simulated`` that says so are taken for it anyway.
    encoding : str, optional
        Of text files, where it can't be told.

    Raises
    ------
    InputError
        A file can't be read, or a field is missing; the message says which and how to map it.
    """
    files = records.expand(paths, ENDINGS)
    table = records.together([records.inspect(f, encoding) for f in files])
    found = match_columns(table, COLUMNS, NEEDED, mapping, "line list")
    lines.guard(table)
    return LineList(files, table, found, simulated or says_simulated(table))


def match_columns(
    table: records.Table,
    columns: Mapping[str, Sequence[str]],
    needed: Sequence[str],
    mapping: Mapping[str, str] | None,
    what: str,
) -> dict[str, str]:
    """Which column of a table is which field.

    Parameters
    ----------
    table : records.Table
        What the files hold.
    columns : mapping of str to sequence of str
        Fields and the names that are known for them, the first that is there counts.
    needed : sequence of str
        Fields that must be found.
    mapping : mapping of str to str or None
        Field -> column, as a person gave it.
    what : str
        What messages call the files.

    Raises
    ------
    InputError
        A field is missing or is none, or a column is not there.
    """
    file = table.files[0]
    by_name = {records.simple(c): c for c in table.fields}
    found: dict[str, str] = {}
    for name, known in columns.items():
        given = (mapping or {}).get(name)
        if given is not None and given not in table.fields:
            raise InputError(f"{file} has no column '{given}' for '{name}'. Its columns: {', '.join(table.fields)}.")
        column = given or next((by_name[records.simple(k)] for k in known if records.simple(k) in by_name), None)
        if column is not None:
            found[name] = column
    for column in found.values():
        twin = next((c for c in table.fields if c != column and c.casefold() == column.casefold()), None)
        if twin is not None:
            raise InputError(
                f"{file} has the columns '{column}' and '{twin}', which differ in nothing but capital letters, and "
                "engines take one for the other. Rename one of them."
            )
    unknown = set(mapping or {}) - set(columns)
    if unknown:
        raise InputError(f"'{sorted(unknown)[0]}' is no field of a {what}. Fields: {', '.join(columns)}.")
    lacking = [n for n in needed if n not in found]
    if lacking:
        raise InputError(
            f"{file} has no column for '{lacking[0]}' (such as '{columns[lacking[0]][0]}'). "
            f"Its columns: {', '.join(table.fields)}. Say which of them it is, as --column {lacking[0]}=COLUMN."
        )
    return found


def says_simulated(table: records.Table) -> bool:
    """Whether a column ``simulated`` says so in the first thousand rows of the first file.

    Parameters
    ----------
    table : records.Table
        What the files hold.
    """
    column = next((c for c in table.fields if records.simple(c) == "simulated"), None)
    if column is None:
        return False
    with connect() as connection:
        scan = records.scan(connection, replace(table, files=table.files[:1], aside=[]), [column], "salus_first")
        said = connection.execute(f"SELECT CAST({quoted_name(column)} AS VARCHAR) FROM ({scan}) LIMIT 1000").fetchall()
    return any(str(value).strip().lower() in _YES for (value,) in said)


_YES = {"true", "1", "yes", "t", "y", "是"}
_TRIMMED = ("person", "encounter", "sex", "encounter_class")
_TITLES = {"birth_date": "birth date", "date": "visit date", "reported": "report date"}
