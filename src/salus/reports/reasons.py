"""From the table of reasons to the few that a bulletin names for each place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from salus.reports.view import PlaceView
from salus.tables.contracts import REASONS

MOST = 3
"""Reasons that are named for a place."""
LEAST = 0.1
"""Share of all movement that a reason must have to be named."""


def reasoned(views: Sequence[PlaceView], reasons: pl.DataFrame, horizon: int) -> tuple[PlaceView, ...]:
    """Views of places with the reasons that move their forecasts most.

    Parameters
    ----------
    views : sequence of PlaceView
        All places.
    reasons : polars.DataFrame
        In the `reasons` contract.
    horizon : int
        Periods ahead.

    Returns
    -------
    tuple of PlaceView
        In the same order; unchanged where nothing is told of a place.
    """
    found = leading(reasons, horizon)
    return tuple(replace(view, reasons=found.get(view.location, ())) for view in views)


def leading(reasons: pl.DataFrame, horizon: int) -> dict[str, tuple[tuple[str, bool], ...]]:
    """The kinds of evidence that move each place's forecast most, and whether upward.

    Parameters
    ----------
    reasons : polars.DataFrame
        In the `reasons` contract.
    horizon : int
        Periods ahead.

    Returns
    -------
    dict of str to tuple of (str, bool)
        At most :data:`MOST` a place, largest first; those under :data:`LEAST` of all movement are left out.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"location": ["13"] * 3, "horizon": [2] * 3, "kind": ["course", "season", "holidays"],
    ...                       "share": [0.05, -0.2, 0.001]})
    >>> leading(table, 2)
    {'13': (('season', False), ('course', True))}
    """
    size = pl.col("share").abs()
    rows = (
        REASONS.check(reasons)
        .filter(pl.col("horizon") == horizon, size > 0)
        .with_columns((size / size.sum().over("location")).alias("part"))
        .filter(pl.col("part") >= LEAST)
        .sort("location", "part", "kind", descending=[False, True, False])
        .group_by("location", maintain_order=True)
        .head(MOST)
    )
    found: dict[str, tuple[tuple[str, bool], ...]] = {}
    for location, kind, share in rows.select("location", "kind", "share").iter_rows():
        found[location] = (*found.get(location, ()), (kind, share > 0))
    return found
