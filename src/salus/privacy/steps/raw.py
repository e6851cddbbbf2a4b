"""Raw rows as they come: clean text, ages, and what speaks against each row."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from salus.privacy.intake import NO_FORM
from salus.privacy.steps import districts
from salus.tables.codes import ICD10_PATTERN, SNOMED_PATTERN

AGE_BANDS = ((0, 4), (5, 14), (15, 24), (25, 44), (45, 64), (65, 125))
"""First and last completed year of each age group; the last one is written ``65+``."""

OLDEST = dt.date(1900, 1, 1)
"""Day before which no visit can lie."""

_NO_TEXT = ibis.null("string")
_BLANKS = (
    " \t\n\x0b\x0c\r\u0085\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff"
)
_OLDEST_AGE = AGE_BANDS[-1][1]


def band_names() -> list[str]:
    """Names of the age groups, youngest first.

    Examples
    --------
    >>> band_names()
    ['0-4', '5-14', '15-24', '25-44', '45-64', '65+']
    """
    return [f"{low}+" if high > 100 else f"{low}-{high}" for low, high in AGE_BANDS]


def trimmed(text: ir.StringValue) -> ir.StringValue:
    """Text without the blanks around it, of any script and width, and without signs that nobody sees.

    Such signs are zero-width spaces, the byte order mark and marks of the direction of writing: with one of them, the
    same person would be another. Engines differ in what they take for a blank; and where there is none to take away, a
    look is cheaper than a cut.

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


def judged(raw: ir.Table, today: dt.date, places: ir.Table | None = None) -> ir.Table:
    """Raw rows in clean form, with what speaks against each.

    Parameters
    ----------
    raw : ibis.expr.types.Table
        Columns of a source of raw records (:data:`salus.sources.records.FIELDS`).
    today : datetime.date
        Day after which no visit can lie.
    places : ibis.expr.types.Table, optional
        ``place``, each once: what districts are called; without it only their form is looked at.

    Returns
    -------
    ibis.expr.types.Table
        The same columns but ``fault``, and ``aside``: why the row can't be used; null in rows that can, and in those
        that are ``left_out``.
    """
    raw, strange = _districts(raw, places)
    clean = raw.mutate(
        person=trimmed(raw.person).nullif(""),
        encounter=trimmed(raw.encounter).nullif(""),
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
        (~clean.known, strange),
        (clean.code.isnull(), "no diagnosis code"),
        # two constant patterns: one that varied by row would be compiled anew for each
        ((clean.code_system == "icd10") & ~clean.code.re_search(ICD10_PATTERN), "unreadable diagnosis code"),
        ((clean.code_system == "snomed") & ~clean.code.re_search(SNOMED_PATTERN), "unreadable diagnosis code"),
        else_=_NO_TEXT,
    )
    return clean.mutate(aside=verdict).drop("fault", "known")


def _districts(raw: ir.Table, places: ir.Table | None) -> tuple[ir.Table, str]:
    """Rows with clean districts and whether they are ``known``, and what is said of those that are not."""
    if places is not None:
        raw = raw.mutate(district=trimmed(raw.district).nullif(""))
        joined = raw.left_join(places, raw.district == places.place)
        return joined.select(*raw.columns, known=joined.place.notnull()), "district is not in the table of places"
    # a code has no blanks around it, so most rows are looked at once
    raw = raw.mutate(known=raw.district.re_search(districts.CODE).fill_null(False))
    raw = raw.mutate(district=ibis.ifelse(raw.known, raw.district, trimmed(raw.district).nullif("")))
    formed = ibis.ifelse(raw.known, ibis.literal(True), districts.has_form(raw.district))
    return raw.mutate(known=formed), NO_FORM
