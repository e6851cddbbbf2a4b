"""From records to counts: the first visit of a person, week and syndrome, and how many persons each cell has.

Names become small numbers first (day, place, age group and sex of a visit are one number), so that the largest table of
the count has a few numbers a row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import polars as pl

from salus.privacy.steps.calendar import EPOCH, day_number, first_day, number_of_week, week_number
from salus.privacy.steps.raw import band_names

SEX_NAMES = ("female", "male", "other", "unknown")
"""Values of the breakdown by sex."""

AGE_NAMES = (*band_names(), "unknown")
"""Values of the breakdown by age group."""

_AGES = sorted(AGE_NAMES)  # of two visits on one day the one is taken whose words come first
_KINDS = len(_AGES) * len(SEX_NAMES)


def codes_seen(records: ir.Table) -> ir.Table:
    """Codes in the records, each once.

    Parameters
    ----------
    records : ibis.expr.types.Table
        As :func:`salus.privacy.steps.repeats.standing` gives them.
    """
    return records.select("code_system", "code").distinct()


def districts_seen(records: ir.Table) -> ir.Table:
    """Districts in the records, each once.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.
    """
    return records.select("district").distinct()


def days_seen(records: ir.Table) -> ir.Table:
    """First and last day of a visit.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.

    Returns
    -------
    ibis.expr.types.Table
        ``first``, ``last``.
    """
    return records.agg(first=records.date.min(), last=records.date.max())


def weeks_seen(records: ir.Table, shift: int) -> ir.Table:
    """Weeks that records are of.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.
    shift : {0, 1}
        First day of the week, as for :func:`salus.privacy.steps.calendar.week_number`.

    Returns
    -------
    ibis.expr.types.Table
        ``week`` (number), ``rows``, ``first`` and ``last`` day.
    """
    days = records.group_by("date").agg(rows=records.count())  # few days, so that the rest costs nothing
    weeks = days.mutate(week=week_number(day_number(days.date), shift))
    return weeks.group_by("week").agg(rows=weeks.rows.sum(), first=weeks.date.min(), last=weeks.date.max())


def persons_of_week(records: ir.Table, week: int, shift: int) -> ir.Table:
    """How many persons were seen in a week.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.
    week : int
        Its number.
    shift : {0, 1}
        First day of the week.

    Returns
    -------
    ibis.expr.types.Table
        ``persons``.
    """
    first = first_day(week, shift)
    those = records.filter(records.date.between(first, first + dt.timedelta(days=6)))
    return those.agg(persons=those.person.nunique())


def first_visits(
    records: ir.Table, rules: ir.Table, districts: ir.Table, places: int, weeks: Sequence[dt.date], shift: int
) -> ir.Table:
    """For each person, week and syndrome the first visit: where it was, and of which age group and sex.

    A person counts at most once a week and syndrome, however many visits, codes or repeated rows there are.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.
    rules : ibis.expr.types.Table
        ``code_system``, ``code``, ``syndrome`` (number), ``only_class`` (null for any kind of visit).
    districts : ibis.expr.types.Table
        ``district``, ``number``: 0, 1, 2 ... in the order of their names.
    places : int
        How many districts.
    weeks : sequence of datetime.date
        First days of the weeks to count, consecutive.
    shift : {0, 1}
        First day of the week, as for :func:`salus.privacy.steps.calendar.week_number`.

    Returns
    -------
    ibis.expr.types.Table
        ``person``, ``syndrome``, ``week`` (number), ``at`` (day, district, age group and sex in one number), ``rows``.
    """
    zero = (weeks[0] - EPOCH).days
    first = number_of_week(weeks[0], shift)
    day = day_number(records.date)
    kind = _number(records.age_group, _AGES) * len(SEX_NAMES) + _number(records.sex, SEX_NAMES)
    plain = records.select(
        "person", "district", "code_system", "code", "encounter_class", day=day - zero, week=week_number(day, shift),
        kind=kind,
    )  # fmt: skip
    plain = plain.filter(plain.week.between(first, first + len(weeks) - 1))
    joined = plain.inner_join(rules, ["code_system", "code"])
    joined = joined.filter(joined.only_class.isnull() | (joined.only_class == joined.encounter_class))
    placed = joined.inner_join(districts, "district")
    at = (placed.day * places + placed.number) * _KINDS + placed.kind
    placed = placed.select("person", "syndrome", "week", at=at)
    return placed.group_by("person", "syndrome", "week").agg(at=placed.at.min(), rows=placed.count())


def cells(visits: ir.Table, places: int) -> ir.Table:
    """Persons in each cell that is not empty.

    Parameters
    ----------
    visits : ibis.expr.types.Table
        As :func:`first_visits` or :func:`within_bound` gives them.
    places : int
        How many districts, as for :func:`first_visits`.

    Returns
    -------
    ibis.expr.types.Table
        ``syndrome``, ``week``, ``number`` (of the district), ``kind`` (see :func:`kinds`), ``persons``, ``rows``.
    """
    keyed = visits.mutate(number=(visits.at // _KINDS) % max(places, 1), kind=visits.at % _KINDS)
    return keyed.group_by("syndrome", "week", "number", "kind").agg(persons=keyed.count(), rows=keyed.rows.sum())


def kinds() -> pl.DataFrame:
    """What the numbers of ``kind`` mean.

    Returns
    -------
    polars.DataFrame
        ``kind``, ``age_group``, ``sex``.
    """
    return pl.DataFrame(
        {
            "kind": range(_KINDS),
            "age_group": [age for age in _AGES for _ in SEX_NAMES],
            "sex": list(SEX_NAMES) * len(_AGES),
        },
        schema={"kind": pl.Int64, "age_group": pl.String, "sex": pl.String},
    )


def numbers_used(files: ir.Table) -> ir.Table:
    """In how many counts of a year each person was, over several releases.

    Parameters
    ----------
    files : ibis.expr.types.Table
        ``person``, ``year``, ``counts``, as :func:`numbers_taken` gives them.
    """
    return files.group_by("person", "year").agg(counts=files.counts.sum())


def within_bound(visits: ir.Table, weeks: ir.Table, released: ir.Table, used: ir.Table | None, most: int) -> ir.Table:
    """First visits of which a person has no more than a bound in a year.

    Which ones are taken is drawn by a hash of person, syndrome and week, so it depends on nobody else, and every engine
    draws the same.

    Parameters
    ----------
    visits : ibis.expr.types.Table
        As :func:`first_visits` gives them.
    weeks : ibis.expr.types.Table
        ``week``, ``year`` (that of its fourth day).
    released : ibis.expr.types.Table
        ``syndrome``, ``week`` that are not counted again.
    used : ibis.expr.types.Table or None
        As :func:`numbers_used` gives it; None where nothing was.
    most : int
        Counts of a person in a year.

    Returns
    -------
    ibis.expr.types.Table
        Columns of :func:`first_visits` and ``year``.
    """
    new = visits.inner_join(weeks, "week").anti_join(released, ["syndrome", "week"])
    text = [new.person.cast("string"), new.syndrome.cast("string"), new.week.cast("string")]
    new = new.mutate(draw=(text[0] + " " + text[1] + " " + text[2]).hexdigest("sha256"))
    place = ibis.row_number().over(ibis.window(group_by=["person", "year"], order_by=["draw", "syndrome", "week"]))
    new = new.mutate(place=place)
    columns = ("person", "syndrome", "week", "at", "rows", "year")
    if used is None:
        return new.filter(new.place < most).select(*columns)
    before = used.rename(by="person", in_year="year")
    joined = new.left_join(before, [new.person == before.by, new.year == before.in_year])
    return joined.filter(joined.place < most - joined.counts.fill_null(0)).select(*columns)


def numbers_taken(visits: ir.Table) -> ir.Table:
    """In how many counts of a year each person is.

    Parameters
    ----------
    visits : ibis.expr.types.Table
        As :func:`within_bound` gives them.

    Returns
    -------
    ibis.expr.types.Table
        ``person``, ``year``, ``counts``.
    """
    return visits.group_by("person", "year").agg(counts=visits.count()).order_by("person", "year")


def _number(text: ir.StringValue, names: Sequence[str]) -> ir.IntegerValue:
    """Position of a word; of an unknown or missing one that of ``unknown``."""
    known = ((text == name, ibis.literal(n, "int64")) for n, name in enumerate(names) if name != "unknown")
    return ibis.cases(*known, else_=ibis.literal(list(names).index("unknown"), "int64"))
