"""From raw rows to records: judge each row, take listed fields, put surrogates for persons and visits."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from salus.data.engines import surrogate_function, visit_function
from salus.tables.codes import ICD10_PATTERN, SNOMED_PATTERN

AGE_BANDS = ((0, 4), (5, 14), (15, 24), (25, 44), (45, 64), (65, 125))
"""First and last completed year of each age group; the last one is written ``65+``."""

OLDEST = dt.date(1900, 1, 1)
"""Day before which no visit can lie."""

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
    found = text.re_search(f"^[{_BLANKS}]|[{_BLANKS}]$")
    return ibis.ifelse(found, text.re_replace(f"^[{_BLANKS}]+|[{_BLANKS}]+$", ""), text)


def without_marks(code: ir.StringValue) -> ir.StringValue:
    """A code without the dagger or asterisk of ICD-10 at its end.

    Parameters
    ----------
    code : ibis.expr.types.StringValue
        Codes in capital letters.
    """
    marked = code.re_search(r"[*+†]$")
    return ibis.ifelse(marked, trimmed(code.re_replace(r"[*+†]+$", "")), code)


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


def staged(rows: ir.Table, visit_key: ir.Table) -> ir.Table:
    """Judged rows with everything of a record but the person's surrogate; to be written inside the vault only.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        As :func:`judged` gives them.
    visit_key : ibis.expr.types.Table
        One row: ``prefix``, and ``prefix_1`` ... of the keys that came after the first.

    Returns
    -------
    ibis.expr.types.Table
        Columns of a record, ``person`` still the source's; ``left_out``, ``aside``; and of rows set aside, to find them
        again, ``file`` and ``visit``.
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
        date=rows.date,
        reported=rows.reported,
        district=rows.district,
        age_group=age_group(rows.years),
        sex=rows.sex.fill_null("unknown"),
        encounter_class=rows.encounter_class,
        code_system=rows.code_system,
        code=ibis.ifelse(dotted, rows.code.substr(0, 3) + "." + rows.code.substr(3), rows.code),
        left_out=rows.left_out,
        aside=rows.aside,
        file=ibis.ifelse(aside, rows.file.re_extract(r"[^/\\]+$", 0), _NO_TEXT),
        visit=ibis.ifelse(aside, rows.encounter, _NO_TEXT),
    )


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
    rows = bad.select(file=bad.file, line=ibis.null("int64"), visit=bad.visit, reason=bad.aside)
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


def repeated_visits(rows: ir.Table, turn: int, turns: int) -> ir.Table:
    """Visits that have several rows, looked for in one part of all visits.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        As :func:`records` gives them.
    turn, turns : int
        Which part of how many; surrogates of visits are even by chance, so parts are alike in size.

    Returns
    -------
    ibis.expr.types.Table
        ``encounter``, ``rows``.
    """
    if turns > 1:
        # less the rest again, for a rest is negative where the number is
        rows = rows.filter((rows.encounter % turns + turns) % turns == turn)
    found = rows.group_by("encounter").agg(rows=rows.count())
    return found.filter(found.rows > 1)


def further(found: ir.Table) -> ir.Table:
    """Rows beyond the first of each visit, or of each visit and code.

    Parameters
    ----------
    found : ibis.expr.types.Table
        As :func:`repeated_visits` or :func:`repeated_rows` gives it.

    Returns
    -------
    ibis.expr.types.Table
        One number.
    """
    return found.agg(further=(found.rows.sum() - found.count()).fill_null(0))


def together(tables: list[ir.Table]) -> ir.Table:
    """Tables of the same columns as one.

    Parameters
    ----------
    tables : list of ibis.expr.types.Table
        At least one.
    """
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def size(rows: ir.Table) -> ir.Table:
    """Number of rows.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        Any table.
    """
    return rows.agg(rows=rows.count())


def persons(rows: ir.Table) -> ir.Table:
    """Number of different persons.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        As :func:`records` gives them.
    """
    return rows.agg(persons=rows.person.nunique())


def repeated_rows(rows: ir.Table, visits: ir.Table) -> ir.Table:
    """Pairs of visit and code that have several rows.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        As :func:`records` gives them.
    visits : ibis.expr.types.Table
        Visits with several rows, ``encounter``.

    Returns
    -------
    ibis.expr.types.Table
        ``encounter``, ``code_system``, ``code``, ``rows``.
    """
    several = rows.semi_join(visits, "encounter")
    found = several.group_by("encounter", "code_system", "code").agg(rows=several.count())
    return found.filter(found.rows > 1)


def once(rows: ir.Table, repeated: ir.Table) -> ir.Table:
    """Records with each visit and code once: the one reported last.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        As :func:`records` gives them.
    repeated : ibis.expr.types.Table
        As :func:`repeated_rows` gives it.
    """
    key = ["encounter", "code_system", "code"]
    several = rows.semi_join(repeated, key)
    never = ibis.literal(dt.date(1, 1, 1))
    place = ibis.row_number().over(
        ibis.window(
            group_by=key,
            order_by=[
                several.reported.fill_null(never).desc(),
                several.date,
                several.person,
                several.district,
                several.age_group.fill_null("~"),
                several.sex,
                several.encounter_class.fill_null("~"),
            ],
        )
    )
    several = several.mutate(place=place)
    first = several.filter(several.place == 0).drop("place")
    return rows.anti_join(repeated, key).union(first)


def visits_again(parts: list[ir.Table]) -> ir.Table:
    """Visits that came in several ingests, with the last one that has them.

    Parameters
    ----------
    parts : list of ibis.expr.types.Table
        Records of each ingest, earliest first.

    Returns
    -------
    ibis.expr.types.Table
        ``encounter``, ``newest``.
    """
    seen = ibis.union(*(p.select("encounter", ingest=ibis.literal(n, "int64")) for n, p in enumerate(parts)))
    found = seen.group_by("encounter").agg(oldest=seen.ingest.min(), newest=seen.ingest.max())
    return found.filter(found.oldest != found.newest).select("encounter", "newest")


def standing(parts: list[ir.Table], again: ir.Table) -> ir.Table:
    """All records; a visit of several ingests stands as the last one has it.

    Parameters
    ----------
    parts : list of ibis.expr.types.Table
        Records of each ingest, earliest first.
    again : ibis.expr.types.Table
        As :func:`visits_again` gives it.
    """
    if len(parts) == 1:
        return parts[0]
    every = ibis.union(*(p.select(*RECORD, ingest=ibis.literal(n, "int64")) for n, p in enumerate(parts)))
    newer = again.rename(visit_again="encounter")
    joined = every.left_join(newer, every.encounter == newer.visit_again)
    return joined.filter(joined.newest.isnull() | (joined.ingest == joined.newest)).select(*RECORD)
