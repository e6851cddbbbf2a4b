"""From the columns of a line list to raw rows: one definition, as an Ibis expression, for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salus.sources import records

if TYPE_CHECKING:
    import ibis.expr.types as ir

OPENED = {
    "file": "string",
    "person": "string",
    "encounter": "string",
    "birth_date": "date",
    "age": "int32",
    "date": "date",
    "reported": "date",
    "district": "string",
    "sex": "string",
    "encounter_class": "string",
    "code_system": "string",
    "code": "string",
    "fault": "string",
}
"""Columns of an opened line list: identifiers and words without the blanks around them, days as dates, ``fault`` where
a date could not be read; null where the files have no such column."""

_MARKS, _BLANKS = ";；,，、|", " \t\n\f\r"
_BETWEEN = f"[{_BLANKS}]*[{_MARKS}][{_MARKS}{_BLANKS}]*"
"""What stands between several codes in one cell."""


def rows(opened: ir.Table, *, visit_a_day: bool) -> ir.Table:
    """Raw rows: one for each row and code.

    Parameters
    ----------
    opened : ibis.expr.types.Table
        The columns of :data:`OPENED`.
    visit_a_day : bool
        Whether a person's rows of one day are one visit, for want of a visit identifier.

    Returns
    -------
    ibis.expr.types.Table
        The columns of :data:`salus.sources.records.FIELDS`.
    """
    import ibis  # brings a second of imports, which only those pay for who read records

    nothing = ibis.null("string")
    system = opened.code_system
    short = system.re_replace("[^A-Za-z0-9]", "").lower()
    code = opened.code
    codes = ibis.ifelse(code.re_search(_BETWEEN), code.re_split(_BETWEEN), ibis.array([code]))
    return opened.select(
        file=opened.file,
        person=opened.person,
        encounter=opened.person + " " + opened.date.cast("string") if visit_a_day else opened.encounter,
        birth_date=opened.birth_date,
        age=opened.age,
        date=opened.date,
        reported=opened.reported,
        district=opened.district,
        sex=_word(opened.sex, records.SEXES),
        encounter_class=_word(opened.encounter_class, records.CLASSES),
        code_system=ibis.cases(
            (system.isnull() | short.startswith("icd10"), "icd10"),
            (system.lower().contains("snomed") | (system.lower() == "sct"), "snomed"),
            else_=nothing,
        ),
        code=codes.unnest(),
        fault=opened.fault,
        left_out=nothing,
    )


def _word(text: ir.StringValue, words: dict[str, tuple[str, ...]]) -> ir.StringValue:
    """The contract's word for a source's; null where it is not known."""
    import ibis

    lower = text.lower()
    return ibis.cases(*((lower.isin(known), word) for word, known in words.items()), else_=ibis.null("string"))
