"""Rows that come more than once: of one visit and code in one ingest, and of one visit in several."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from salus.privacy.steps.calendar import day_number
from salus.privacy.steps.records import RECORD

_FAR = 1_000_000  # days, so that no rank is negative
_PLACES = 1 << 20


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


def visits_of_files(stage: ir.Table, visits: ir.Table) -> ir.Table:
    """Visits that have rows in several files of one ingest, as each of these files has them.

    Parameters
    ----------
    stage : ibis.expr.types.Table
        As :func:`salus.privacy.steps.records.staged` gives it, with the file of every row.
    visits : ibis.expr.types.Table
        Visits with several rows, ``encounter``.

    Returns
    -------
    ibis.expr.types.Table
        ``encounter``, ``file``, ``reported`` (the last), ``rows``.
    """
    several = stage.filter(stage.encounter.notnull()).semi_join(visits, "encounter")
    versions = several.group_by("encounter", "file").agg(reported=several.reported.max(), rows=several.count())
    again = versions.group_by("encounter").agg(files=versions.count())
    return versions.semi_join(again.filter(again.files > 1), "encounter")


def overtaken(versions: ir.Table) -> ir.Table:
    """Visits as a file has them that another file of the same ingest has anew: the one reported last stands.

    Files that have the same day of report, or none, are parts of one export, and their rows stand beside each other.

    Parameters
    ----------
    versions : ibis.expr.types.Table
        As :func:`visits_of_files` gives them.

    Returns
    -------
    ibis.expr.types.Table
        ``encounter``, ``file``, ``rows``.
    """
    placed = versions.select("encounter", "file", "rows", rank=_day(versions.reported))
    last = placed.group_by("encounter").agg(last=placed.rank.max()).rename(visit="encounter")
    joined = placed.inner_join(last, placed.encounter == last.visit)
    return joined.filter(joined.rank < joined["last"]).select("encounter", "file", "rows")


def rows_overtaken(gone: ir.Table) -> ir.Table:
    """How many rows another file has anew.

    Parameters
    ----------
    gone : ibis.expr.types.Table
        As :func:`overtaken` gives them.
    """
    return gone.agg(rows=gone.rows.sum().fill_null(0))


def without(stage: ir.Table, gone: ir.Table) -> ir.Table:
    """Rows but those that another file has anew.

    Parameters
    ----------
    stage : ibis.expr.types.Table
        As for :func:`visits_of_files`.
    gone : ibis.expr.types.Table
        As :func:`overtaken` gives them.
    """
    return stage.anti_join(gone, ["encounter", "file"])


def _day(reported: ir.DateValue) -> ir.IntegerValue:
    """Later is more; no day of report is the earliest."""
    return (day_number(reported) + _FAR).fill_null(0)


def _rank(reported: ir.DateValue, place: ir.IntegerValue) -> ir.IntegerValue:
    """Later is more: by the day of report, then by the place in an order of fewer than 2^20."""
    return _day(reported) * _PLACES + place


def visits_again(parts: list[ir.Table], exports: Sequence[bool] | None = None) -> ir.Table:
    """Visits that came in several ingests, with the one that was reported last, or else came last.

    Of an export each diagnosis has a day of report of its own, so the later stands, whatever was reported.

    Parameters
    ----------
    parts : list of ibis.expr.types.Table
        Records of each ingest, earliest first.
    exports : sequence of bool, optional
        Which of them came as exports; without it none.

    Returns
    -------
    ibis.expr.types.Table
        ``encounter``, ``newest``.
    """
    whole = exports or [False] * len(parts)
    seen = ibis.union(
        *(
            p.select(
                "encounter",
                reported=ibis.null("date") if whole[n] else p.reported,
                ingest=ibis.literal(n, "int64"),
            )
            for n, p in enumerate(parts)
        )
    )
    rank = _rank(seen.reported, seen.ingest)
    found = seen.group_by("encounter").agg(oldest=seen.ingest.min(), newest=seen.ingest.max(), last=rank.max())
    found = found.filter(found.oldest != found.newest)
    return found.select("encounter", newest=found["last"] % _PLACES)


def standing(parts: list[ir.Table], again: ir.Table) -> ir.Table:
    """All records; a visit of several ingests stands as :func:`visits_again` says.

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
