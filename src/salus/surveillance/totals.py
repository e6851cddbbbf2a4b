"""Rows that stand for all the others of a table, such as `合计` or `Total`: the whole, not one more place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from salus.surveillance import places
from salus.tables.names import fold

WORDS = (
    "All", "All areas", "All districts", "All places", "All regions", "Overall", "Total", "Grand total", "National",
    "Nationwide", "Statewide", "Gesamt", "Insgesamt", "Bundesweit", "合计", "合計", "总计", "總計", "総計", "计", "計",
    "总数", "総数", "全部", "全国", "全國", "全省", "全自治区", "全市", "全州", "全区", "全县", "全縣", "전국", "합계",
)  # fmt: skip
"""What a total is called, in any case and with any blanks; no other name is taken for one."""

_FOLDED = frozenset(fold(word) for word in WORDS)


def totals(labels: Sequence[str]) -> list[str]:
    """The labels that are totals of the others, in the order given.

    Parameters
    ----------
    labels : sequence of str
        All places of a table, as it has them.

    Returns
    -------
    list of str
        Empty where no other place stands beside them. One that the other places tell to be their nation is known as
        such (see :func:`salus.surveillance.places.harmonise`) and is not among them.

    Examples
    --------
    >>> totals(["North", "South", "TOTAL"]), totals(["Tokyo", "Osaka", "Total"]), totals(["Total"])
    (['TOTAL'], [], [])
    """
    given = list(dict.fromkeys(labels))
    named = [x for x in given if fold(x) in _FOLDED]
    if len(named) == len(given):
        return []
    meant = places.harmonise(given) if places.country(given) else {}
    return [x for x in named if meant.get(x, x) == x]


def count(labels: Iterable[str]) -> str:
    """How many places there are, in words, totals apart.

    Parameters
    ----------
    labels : iterable of str
        All places of a table; each counts once.

    Examples
    --------
    >>> count(["North", "South", "Total"]), count(["North"])
    ('2 places and their total', '1 place')
    """
    given = list(dict.fromkeys(labels))
    number, whole = len(given), len(totals(given))
    words = f"{number - whole:,} place{'s' if number - whole != 1 else ''}"
    return words + (f" and their total{'s' if whole > 1 else ''}" if whole else "")


def within_totals(table: pl.DataFrame) -> pl.DataFrame:
    """Places with each that lies in no other put into the total that stands beside them.

    Parameters
    ----------
    table : polars.DataFrame
        `places` contract: all places of a bulletin, and no other.

    Returns
    -------
    polars.DataFrame
        The same rows; ``parent`` filled in where there is a total. Of several totals each lies in the one before it.

    Examples
    --------
    >>> within_totals(pl.DataFrame({"location": ["North", "合计"], "name": ["North", "合计"]}))["parent"].to_list()
    ['合计', None]
    """
    labels = table["location"].to_list()
    found = totals(labels)
    if not found:
        return table
    above = dict(zip(found, [None, *found[:-1]], strict=True))
    own = table["parent"].to_list() if "parent" in table.columns else [None] * table.height
    there = {*labels} - {*found}
    parents = [above[x] if x in above else p if p in there else found[-1] for x, p in zip(labels, own, strict=True)]
    return table.with_columns(pl.Series("parent", parents, dtype=pl.String))
