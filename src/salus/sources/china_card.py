"""China's report cards of notifiable infectious diseases (传染病报告卡), as the national reporting system exports them.

The columns are those of the card (form of 2019) and of its export. A case is told by the onset of illness, or else by
the day of diagnosis. The disease is coded by its name on the card, or else by its code where that is one of ICD-10;
`data/china_card_diseases.csv` has the names. Suspected cases, carriers, mere positive tests and deleted cards are no
cases and are left out, as in the published figures.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from salus.sources import linelist, lines, records, sql
from salus.sources.sql import quoted, quoted_name
from salus.tables.codes import ICD10_PATTERN

COLUMNS = {
    "person": ("有效证件号", "有效证件号码", "身份证号", "身份证号码", "证件号码"),
    "card": ("卡片编号", "卡片ID", "卡片标识", "报卡编号"),
    "birth_date": ("出生日期",),
    "age": ("年龄", "实足年龄"),
    "age_unit": ("年龄单位",),
    "onset": ("发病日期", "发病时间"),
    "diagnosed": ("诊断日期", "诊断时间"),
    "reported": ("报告卡录入时间", "录入时间", "报告日期", "填卡日期", "医生填卡日期"),
    "district": ("现住地址国标", "现住址编码", "现住地址编码", "现住址国标", "现住地区编码"),
    "sex": ("性别",),
    "class": ("病例分类", "病例分类1"),
    "course": ("病例分类2",),
    "disease": ("疾病名称", "病名", "诊断疾病名称"),
    "code": ("疾病编码", "疾病代码", "ICD10", "诊断编码"),
    "deleted": ("删除时间", "删除日期"),
}
"""Fields and what the cards call them. Only these can enter."""

NEEDED = ("card", "onset", "district", "disease")
"""Fields without which a card says nothing."""

_CONFIRMED = ("确诊病例", "实验室确诊病例", "实验室诊断病例", "3")
_CLINICAL = ("临床诊断病例", "2")
_NO_CASE = {
    "suspected case": ("疑似病例", "1"),
    "carrier, not ill": ("病原携带者", "4"),
    "positive test, not ill": ("阳性检测", "阳性检测结果", "阳性检测结果(献血员)", "阳性检测结果（献血员）", "5"),
}


@dataclass(frozen=True)
class ChinaCards:
    """Report cards as a source of raw records: a row a card; a card that was corrected stands as last reported.

    Persons are told by their identity number. A child may carry a parent's: where the birth date in the number is
    another, both together tell the person. A card without a number, or with one of zeros, is a person of its own.
    The county is the first six digits of the address code.

    Attributes
    ----------
    files : tuple of Path
        Files of the same columns.
    table : records.Table
        What they hold.
    mapping : dict of str to str
        Field -> column of the files.
    simulated : bool
        Whether the rows are simulated.
    """

    files: tuple[Path, ...]
    table: records.Table
    mapping: dict[str, str]
    simulated: bool = False
    kind: str = field(default="china_card", init=False)

    def only(self, files: Sequence[Path]) -> ChinaCards:
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
        """The question whose answer is the raw rows; see :meth:`salus.sources.linelist.LineList.select`.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it will be asked, once.
        """
        scan = records.scan(connection, self.table, list(dict.fromkeys(self.mapping.values())), "salus_cards")
        texts = ", ".join(f'{self._text(name)} AS "{name}"' for name in COLUMNS if name not in _DATES)
        dates = ", ".join(f"{parsed} AS {name}, {fault} AS {name}_fault" for name, parsed, fault in self._dates())
        number = "regexp_matches(person, '^[0-9]{17}[0-9X]$') AND NOT regexp_matches(person, '^0{6}')"
        parent = f"birth_date IS NOT NULL AND {number} AND substr(person, 7, 8) <> strftime(birth_date, '%Y%m%d')"
        years = "TRY_CAST(regexp_extract(age, '([0-9]+)[ ]*岁', 1) AS INTEGER)"
        no_case = " ".join(f"WHEN \"class\" IN ({_listed(words)}) THEN '{why}'" for why, words in _NO_CASE.items())
        known = _listed((*_CONFIRMED, *_CLINICAL))
        return f"""
WITH c AS (SELECT filename, {texts}, {dates} FROM ({scan})),
p AS (SELECT * REPLACE (CASE WHEN upper(person) ~ '^[0X]*$' THEN NULL ELSE upper(person) END AS person) FROM c)
SELECT filename AS file,
  CASE WHEN person IS NULL THEN 'card ' || card WHEN {parent} THEN person || ' ' || CAST(birth_date AS VARCHAR)
       ELSE person END AS person,
  card AS encounter, birth_date,
  CASE WHEN contains(age, '岁') THEN {years} WHEN regexp_matches(concat(age, age_unit), '[月天日]') THEN 0
       ELSE TRY_CAST(age AS INTEGER) END AS age,
  coalesce(onset, diagnosed) AS date, reported,
  CASE WHEN district ~ '^[0-9]{{8,}}$' THEN left(district, 6) ELSE district END AS district,
  {sql.words_sql("sex", records.SEXES)} AS sex, CAST(NULL AS VARCHAR) AS encounter_class, 'icd10' AS code_system,
  {_code_sql()} AS code,
  CASE WHEN coalesce(onset_fault, diagnosed_fault, birth_date_fault, reported_fault) IS NOT NULL
       THEN coalesce(onset_fault, diagnosed_fault, birth_date_fault, reported_fault)
       WHEN "class" IS NOT NULL AND "class" NOT IN ({known}) THEN 'case class is not known'
       WHEN disease IS NOT NULL AND {_code_sql()} IS NULL THEN 'disease is not on the list' END AS fault,
  CASE WHEN deleted IS NOT NULL THEN 'deleted card' {no_case} END AS left_out
FROM p"""

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """Lines that are no rows, after the question was answered.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it was asked.
        """
        return records.rejected(connection, "salus_cards", self.table)

    def _text(self, name: str) -> str:
        if name not in self.mapping:
            return "CAST(NULL AS VARCHAR)"
        return f"nullif(trim(CAST({quoted_name(self.mapping[name])} AS VARCHAR), ' \u3000\t'''), '')"

    def _dates(self) -> list[tuple[str, str, str]]:
        found = []
        for name, title in _DATES.items():
            if name not in self.mapping:
                found.append((name, "CAST(NULL AS DATE)", "CAST(NULL AS VARCHAR)"))
                continue
            column = quoted_name(self.mapping[name])
            kind = self.table.fields[self.mapping[name]]
            day = column if kind == "DATE" or kind.startswith("TIMESTAMP") else f"regexp_extract({column}, '^[^ T]+')"
            parsed = sql.date_sql(day, kind)
            found.append((name, parsed, sql.unreadable_sql(column, parsed, title)))
        return found


def open_china_card(
    paths: Sequence[str | Path],
    *,
    mapping: Mapping[str, str] | None = None,
    simulated: bool = False,
    encoding: str | None = None,
) -> ChinaCards:
    """Report cards ready for the wall.

    Parameters
    ----------
    paths : sequence of str or Path
        CSV (GB18030 or UTF-8, any common delimiter, packed or not) or Parquet files of the same columns, or folders.
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
    files = records.expand(paths, linelist.ENDINGS)
    table = records.together([records.inspect(f, encoding) for f in files])
    found = linelist.match_columns(table, COLUMNS, NEEDED, mapping, "report card")
    lines.guard(table)
    return ChinaCards(files, table, found, simulated or linelist.says_simulated(table))


@cache
def diseases() -> dict[str, tuple[str, str, str]]:
    """ICD-10 codes by the name on the card: as a rule, of laboratory-confirmed and of chronic cases.

    Examples
    --------
    >>> diseases()["手足口病"][0], diseases()["流行性感冒"][:2], diseases()["乙肝"][2]
    ('B08.4', ('J11', 'J10'), 'B18.1')
    """
    text = package_files("salus.sources").joinpath("data", "china_card_diseases.csv").read_text("utf-8")
    return {r["name"]: (r["icd10"], r["confirmed"], r["chronic"]) for r in csv.DictReader(text.splitlines())}


_DATES = {
    "birth_date": "birth date",
    "onset": "date of onset",
    "diagnosed": "date of diagnosis",
    "reported": "report date",
}


def _listed(words: Sequence[str]) -> str:
    return ", ".join(quoted(w) for w in words)


def _code_sql() -> str:
    """SQL of the ICD-10 code of a card: by its disease's name, or its code where that is one of ICD-10."""
    name = "replace(replace(replace(disease, '（', '('), '）', ')'), ' ', '')"
    by_name: dict[str, list[str]] = {}
    for disease, (usual, confirmed, chronic) in diseases().items():
        code = quoted(usual)
        if chronic:
            code = f"CASE WHEN course = '慢性' THEN {quoted(chronic)} ELSE {code} END"
        if confirmed:
            code = f'CASE WHEN "class" IN ({_listed(_CONFIRMED)}) THEN {quoted(confirmed)} ELSE {code} END'
        by_name.setdefault(code, []).append(disease)
    cases = " ".join(f"WHEN {name} IN ({_listed(names)}) THEN {code}" for code, names in by_name.items())
    given = "rtrim(replace(upper(code), '.', ''))"
    return f"CASE {cases} WHEN regexp_matches({given}, '{ICD10_PATTERN}') THEN code END"
