"""From raw rows to records: listed fields only, under numbers for persons and visits."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from salus.data.expressions import surrogate_function, visit_function
from salus.privacy.steps import calendar
from salus.privacy.steps.raw import age_group, completed_years

RECORD = (
    "person",
    "encounter",
    "date",
    "reported",
    "district",
    "age_group",
    "sex",
    "encounter_class",
    "code_system",
    "code",
)
"""The allow-list: columns of a record, and nothing else."""

_NO_TEXT = ibis.null("string")


def staged(rows: ir.Table, visit_key: ir.Table, dates: str = "day", *, files: bool = False) -> ir.Table:
    """Judged rows with everything of a record but the person's surrogate; to be written inside the vault only.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        As :func:`salus.privacy.steps.raw.judged` gives them.
    visit_key : ibis.expr.types.Table
        One row: ``prefix``, and ``prefix_1`` ... of the keys that came after the first.
    dates : {'day', 'week-monday', 'week-sunday'}
        Whether days are kept, or the first days of their weeks; ages are those on the day itself.
    files : bool
        Whether the file is wanted of every row.

    Returns
    -------
    ibis.expr.types.Table
        Columns of a record, ``person`` still the source's; ``left_out``, ``aside``; and of rows set aside, to find them
        again, ``file`` (with folders) and ``visit``.
    """
    keep = rows.left_out.isnull() & rows.aside.isnull()
    aside = rows.aside.notnull()
    dotted = (rows.code_system == "icd10") & (rows.code.length() > 3)
    years = ibis.ifelse(rows.birth_date.isnull(), rows.age, completed_years(rows.birth_date, rows.date))
    rows = rows.mutate(years=years)
    visit = visit_number(visit_key, rows.encounter)
    return rows.cross_join(visit_key).select(
        person=ibis.ifelse(keep, rows.person, _NO_TEXT),
        encounter=ibis.ifelse(keep, visit, ibis.null("int64")),
        date=_kept_day(rows.date, dates),
        reported=_kept_day(rows.reported, dates),
        district=rows.district,
        age_group=age_group(rows.years),
        sex=rows.sex.fill_null("unknown"),
        encounter_class=rows.encounter_class,
        code_system=rows.code_system,
        code=ibis.ifelse(dotted, rows.code.substr(0, 3) + "." + rows.code.substr(3), rows.code),
        left_out=rows.left_out,
        aside=rows.aside,
        file=rows.file if files else ibis.ifelse(aside, rows.file, _NO_TEXT),
        visit=ibis.ifelse(aside, rows.encounter, _NO_TEXT),
    )


def _kept_day(day: ir.DateValue, dates: str) -> ir.DateValue:
    """A day as a record has it."""
    if dates == "day":
        return day
    number = calendar.day_number(day)
    shift = 0 if dates == "week-monday" else 1
    since = number - calendar.day_of_week(calendar.week_number(number, shift), shift)
    first = ibis.cases(*((since == n, day - ibis.interval(days=n)) for n in range(1, 7)), else_=day)
    return first.cast("timestamp").cast("date")  # engines differ in the type of such a difference


def visit_number(visit_key: ir.Table, identifier: ir.StringValue) -> ir.IntegerValue:
    """Number of a visit under the first key, the number of that under the second, and so on.

    Parameters
    ----------
    visit_key : ibis.expr.types.Table
        As for :func:`staged`.
    identifier : ibis.expr.types.StringValue
        The source's; or a number as text, to take it further.
    """
    number = identifier
    for column in visit_key.columns:
        number = visit_function()(visit_key[column], number.cast("string"))
    return number


def person_number(person_key: ir.Table, identifier: ir.StringValue) -> ir.IntegerValue:
    """Number of a person under the first key, the number of that under the second, and so on.

    Parameters
    ----------
    person_key : ibis.expr.types.Table
        As for :func:`surrogates`.
    identifier : ibis.expr.types.StringValue
        The source's; or a number as text, to take it further.
    """
    number, columns = identifier, person_key.columns
    for inner, outer in zip(columns[::2], columns[1::2], strict=True):
        number = surrogate_function()(person_key[inner], person_key[outer], number.cast("string"))
    return number


def tally(stage: ir.Table) -> ir.Table:
    """How many rows were left out and set aside, by reason, and how many are to be kept (both null).

    Parameters
    ----------
    stage : ibis.expr.types.Table
        As :func:`staged` gives it.

    Returns
    -------
    ibis.expr.types.Table
        ``left_out``, ``aside``, ``rows``.
    """
    return stage.group_by("left_out", "aside").agg(rows=stage.count())


def set_aside(stage: ir.Table, lines: ir.Table) -> ir.Table:
    """Rows and lines in quarantine.

    Parameters
    ----------
    stage : ibis.expr.types.Table
        As :func:`staged` gives it.
    lines : ibis.expr.types.Table
        ``file``, ``line``, ``reason`` of lines that were no rows.

    Returns
    -------
    ibis.expr.types.Table
        ``file``, ``line``, ``visit``, ``reason``.
    """
    bad = stage.filter(stage.aside.notnull())
    rows = bad.select(
        file=bad.file.re_extract(r"[^/\\]+\z", 0), line=ibis.null("int64"), visit=bad.visit, reason=bad.aside
    )
    unread = lines.select(file=lines.file, line=lines.line, visit=_NO_TEXT, reason=lines.reason)
    return rows.union(unread).order_by("file", "line", "visit", "reason")


def surrogates(stage: ir.Table, person_key: ir.Table) -> ir.Table:
    """Surrogate of each person, computed once a person.

    Parameters
    ----------
    stage : ibis.expr.types.Table
        As :func:`staged` gives it.
    person_key : ibis.expr.types.Table
        One row: ``inner_pad``, ``outer_pad``, and ``inner_pad_1``, ``outer_pad_1`` ... of the keys that came after.

    Returns
    -------
    ibis.expr.types.Table
        ``raw``, ``surrogate``. In the vault only, and only while records are made.
    """
    ids = stage.filter(stage.person.notnull()).select(raw=stage.person).distinct()
    number = person_number(person_key, ids.raw)
    return ids.cross_join(person_key).select(raw=ids.raw, surrogate=number)


def surrogates_differ(persons: ir.Table) -> ir.Table:
    """Numbers of persons and of their surrogates, which must be alike.

    Parameters
    ----------
    persons : ibis.expr.types.Table
        As :func:`surrogates` gives them.

    Returns
    -------
    ibis.expr.types.Table
        One row: ``persons``, ``surrogates``.
    """
    return persons.agg(persons=persons.count(), surrogates=persons.surrogate.nunique())


def records(stage: ir.Table, persons: ir.Table) -> ir.Table:
    """Kept rows under surrogates: the columns of :data:`RECORD`.

    Parameters
    ----------
    stage : ibis.expr.types.Table
        As :func:`staged` gives it.
    persons : ibis.expr.types.Table
        As :func:`surrogates` gives it.
    """
    joined = stage.inner_join(persons, stage.person == persons.raw)
    return joined.select(joined.surrogate.name("person"), *(joined[column] for column in RECORD[1:]))


def taken_further(rows: ir.Table, person_key: ir.Table, visit_key: ir.Table | None) -> ir.Table:
    """Rows with their numbers under one more key; a person's is computed once a person.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        Table with ``person``, and with ``encounter`` where there is a key for visits.
    person_key, visit_key : ibis.expr.types.Table
        One row each, of the new key alone: ``inner_pad``, ``outer_pad``; ``prefix``.
    """
    ids = rows.select(raw=rows.person).distinct()
    persons = ids.cross_join(person_key).select(
        raw=ids.raw, surrogate=person_number(person_key, ids.raw.cast("string"))
    )
    joined = rows.inner_join(persons, rows.person == persons.raw)
    new = {c: joined[c] for c in rows.columns} | {"person": joined.surrogate}
    if visit_key is None:
        return joined.select(**new)
    new["encounter"] = visit_number(visit_key, joined.encounter.cast("string"))
    return joined.cross_join(visit_key).select(**new)
