"""Classes of persons who are alike in what is known of them, and visits of any kind by week."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from salus.privacy.steps.calendar import coarse


def visits(records: ir.Table) -> ir.Table:
    """What may be known of a person's visits: each person, place, week and diagnosis once.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.

    Returns
    -------
    ibis.expr.types.Table
        ``person``, ``district``, ``age_group``, ``sex``, ``week`` (number, from Monday), ``diagnosis`` (the first three
        characters of the code).
    """
    return records.select(
        person=records.person,
        district=records.district,
        age_group=records.age_group.fill_null("unknown"),
        sex=records.sex.fill_null("unknown"),
        week=coarse(records.date, "week"),
        diagnosis=records.code.substr(0, 3),
    ).distinct()


def class_sizes(seen: ir.Table, known: Sequence[str]) -> ir.Table:
    """How many persons share what is known.

    Parameters
    ----------
    seen : ibis.expr.types.Table
        As :func:`visits` gives them.
    known : sequence of str
        Columns that are known.

    Returns
    -------
    ibis.expr.types.Table
        The columns, and ``k``.
    """
    return seen.group_by(*known).agg(k=seen.person.nunique())


def classes(seen: ir.Table, known: Sequence[str]) -> ir.Table:
    """Classes with at least one person whose first visit is in it.

    Of a person who is in several classes the one of the first visit is known (by week, then diagnosis, then what else
    is known).

    Parameters
    ----------
    seen : ibis.expr.types.Table
        As :func:`visits` gives them.
    known : sequence of str
        Columns that are known.

    Returns
    -------
    ibis.expr.types.Table
        The columns; ``k``, persons in the class; ``persons``, those whose first visit is in it.
    """
    order = ["week", "diagnosis", "district", "age_group", "sex"]
    first = seen.mutate(place=ibis.row_number().over(ibis.window(group_by="person", order_by=order)))
    first = first.filter(first.place == 0)
    persons = first.group_by(*known).agg(persons=first.count())
    return persons.inner_join(class_sizes(seen, known), list(known))


def weekly_visits(records: ir.Table) -> ir.Table:
    """Visits of any kind by place and week, each visit once: what counts are a share of.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records.

    Returns
    -------
    ibis.expr.types.Table
        ``district``, ``week`` (number, from Monday), ``visits``.
    """
    dated = records.mutate(week=coarse(records.date, "week"))
    return dated.group_by("district", "week").agg(visits=dated.encounter.nunique())


def stays(seen: ir.Table, known: Sequence[str]) -> ir.Table:
    """Where and when each person was.

    Parameters
    ----------
    seen : ibis.expr.types.Table
        As :func:`visits` gives them.
    known : sequence of str
        Columns that are known of a stay, such as ``district`` and ``week``.
    """
    return seen.select("person", *known).distinct()


def alone(staying: ir.Table, known: Sequence[str], number: int, sampled: int) -> ir.Table:
    """Of persons of whom some stays are known, how many are the only one who has them.

    Persons are drawn by their surrogates, which are even by chance, and their stays by a hash: every engine draws the
    same.

    Parameters
    ----------
    staying : ibis.expr.types.Table
        As :func:`stays` gives them.
    known : sequence of str
        Its columns but ``person``.
    number : int
        Stays known of each.
    sampled : int
        Most persons looked at.

    Returns
    -------
    ibis.expr.types.Table
        One row: ``persons`` looked at, ``alone``.
    """
    many = staying.group_by("person").agg(many=staying.count())
    drawn = many.filter(many.many >= number).order_by("person").limit(sampled).select("person")
    of_drawn = staying.semi_join(drawn, "person")
    text = of_drawn.person.cast("string") + " " + of_drawn.district + " " + of_drawn.week.cast("string")
    of_drawn = of_drawn.mutate(draw=text.hexdigest("sha256"))
    place = ibis.row_number().over(ibis.window(group_by="person", order_by=["draw", *known]))
    of_drawn = of_drawn.mutate(place=place)
    told = of_drawn.filter(of_drawn.place < number).select(*known, target=of_drawn.person)
    shared = told.inner_join(staying, list(known)).group_by("target", "person").agg(shared=ibis._.count())
    alike = shared.filter(shared.shared == number)
    crowd = alike.group_by("target").agg(k=alike.count())
    return crowd.agg(persons=crowd.count(), alone=(crowd.k == 1).sum().fill_null(0))
