"""Raw rows as they come: clean text, ages, and what speaks against each row."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from salus.tables.codes import ICD10_PATTERN, SNOMED_PATTERN

AGE_BANDS = ((0, 4), (5, 14), (15, 24), (25, 44), (45, 64), (65, 125))
"""First and last completed year of each age group; the last one is written ``65+``."""

OLDEST = dt.date(1900, 1, 1)
"""Day before which no visit can lie."""

_NO_TEXT = ibis.null("string")
_BLANKS = " \t\n\r\u00a0\u3000"
_OLDEST_AGE = AGE_BANDS[-1][1]
_LONGEST_DISTRICT = 40


def band_names() -> list[str]:
    """Names of the age groups, youngest first.

    Examples
    --------
    >>> band_names()
    ['0-4', '5-14', '15-24', '25-44', '45-64', '65+']
    """
    return [f"{low}+" if high > 100 else f"{low}-{high}" for low, high in AGE_BANDS]


def trimmed(text: ir.StringValue) -> ir.StringValue:
    """Text without the blanks around it: those of ASCII, the no-break space and the wide blank of Chinese.

    Engines differ in what they take for a blank; and where there is none to take away, a look is cheaper than a cut.

    Parameters
    ----------
    text : ibis.expr.types.StringValue
        Any text.
    """
    found = text.re_search(rf"^[{_BLANKS}]|[{_BLANKS}]\z")
    return ibis.ifelse(found, text.re_replace(rf"^[{_BLANKS}]+|[{_BLANKS}]+\z", ""), text)


def without_marks(code: ir.StringValue) -> ir.StringValue:
    """A code without the dagger or asterisk of ICD-10 at its end.

    Parameters
    ----------
    code : ibis.expr.types.StringValue
        Codes in capital letters.
    """
    marked = code.re_search(r"[*+†]\z")
    return ibis.ifelse(marked, trimmed(code.re_replace(r"[*+†]+\z", "")), code)


def completed_years(birth: ir.DateValue, day: ir.DateValue) -> ir.IntegerValue:
    """Age in completed years; who was born on 29 February has the birthday on 1 March in years without one.

    Parameters
    ----------
    birth, day : ibis.expr.types.DateValue
        Date of birth, and the day on which the age is wanted.
    """
    later = day.month() * 100 + day.day() < birth.month() * 100 + birth.day()
    return (day.year() - birth.year()).cast("int32") - later.cast("int32")


def age_group(years: ir.IntegerValue) -> ir.StringValue:
    """Age group; null where the age is unknown.

    Parameters
    ----------
    years : ibis.expr.types.IntegerValue
        Age in completed years.
    """
    bands = zip(AGE_BANDS, band_names(), strict=True)
    return ibis.cases(*((years.between(low, high), name) for (low, high), name in bands), else_=_NO_TEXT)


def judged(raw: ir.Table, today: dt.date) -> ir.Table:
    """Raw rows in clean form, with what speaks against each.

    Parameters
    ----------
    raw : ibis.expr.types.Table
        Columns of a source of raw records (:data:`salus.sources.records.FIELDS`).
    today : datetime.date
        Day after which no visit can lie.

    Returns
    -------
    ibis.expr.types.Table
        The same columns but ``fault``, and ``aside``: why the row can't be used; null in rows that can, and in those
        that are ``left_out``.
    """
    clean = raw.mutate(
        person=trimmed(raw.person).nullif(""),
        encounter=trimmed(raw.encounter).nullif(""),
        district=trimmed(raw.district).nullif(""),
        code=trimmed(raw.code).upper().replace(".", ""),
    )
    clean = clean.mutate(code=without_marks(clean.code).nullif(""))
    unused = clean.left_out.isnull() & clean.fault.isnull() & clean.code_system.isnull() & clean.code.notnull()
    clean = clean.mutate(left_out=ibis.ifelse(unused, ibis.literal("code system not used"), clean.left_out))
    date, birth, age = clean.date, clean.birth_date, clean.age
    verdict = ibis.cases(
        (clean.left_out.notnull(), _NO_TEXT),
        (clean.fault.notnull(), clean.fault),
        (clean.person.isnull(), "no person identifier"),
        (clean.encounter.isnull(), "no visit identifier"),
        (date.isnull(), "no visit date"),
        (date > ibis.literal(today), "visit in the future"),
        (date < ibis.literal(OLDEST), f"visit before {OLDEST.year}"),
        (birth > date, "born after the visit"),
        ((date.year() - birth.year() > _OLDEST_AGE) | (age < 0) | (age > _OLDEST_AGE), "impossible age"),
        (clean.reported < date, "reported before the visit"),
        (clean.district.isnull(), "no district"),
        (clean.district.length() > _LONGEST_DISTRICT, "district is no code"),
        (clean.code.isnull(), "no diagnosis code"),
        # two constant patterns: one that varied by row would be compiled anew for each
        ((clean.code_system == "icd10") & ~clean.code.re_search(ICD10_PATTERN), "unreadable diagnosis code"),
        ((clean.code_system == "snomed") & ~clean.code.re_search(SNOMED_PATTERN), "unreadable diagnosis code"),
        else_=_NO_TEXT,
    )
    return clean.mutate(aside=verdict).drop("fault")
