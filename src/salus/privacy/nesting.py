"""Places that are counted, nested by the policy's levels, and where the cases of each district go."""

from __future__ import annotations

import numpy as np
import polars as pl

from salus.errors import InputError
from salus.privacy.policy import Policy


def counted_places(places: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Places of the policy's levels with the nearest such place above, parents first.

    Parameters
    ----------
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`.
    policy : Policy
        Levels.

    Returns
    -------
    polars.DataFrame
        ``location``, ``parent``, ``location_level``, ``population``.

    Raises
    ------
    InputError
        A parent or a level is not there, or no place is of a level released.
    """
    optional = [c for c in ("parent", "location_level", "population") if c not in places.columns]
    table = places.with_columns(
        pl.lit(None, dtype=pl.Float64 if c == "population" else pl.String).alias(c) for c in optional
    )
    parent = dict(table.select("location", "parent").iter_rows())
    level = dict(table.select("location", "location_level").iter_rows())
    missing = [p for p in parent.values() if p is not None and p not in parent]
    if missing:
        raise InputError(f"the place '{missing[0]}' is named as a parent but is not in the places table. Add its row.")
    known = {v for v in level.values() if v is not None}
    for wanted in (*policy.levels, *([policy.breakdown_level] if policy.breakdown_level else [])):
        if wanted not in known:
            raise InputError(
                f"the policy names the level '{wanted}'; the places have "
                f"{', '.join(sorted(known)) or 'none'}. Correct one."
            )
    released = [p for p in parent if not policy.levels or level[p] in policy.levels]
    if not released:
        raise InputError("no place is of a level that the policy releases. Correct the policy's levels or the places.")
    above: dict[str, str | None] = {}
    depth: dict[str, int] = {}
    counted = set(released)
    for place in released:
        nearest = [p for p in _chain(place, parent)[1:] if p in counted]
        above[place], depth[place] = (nearest[0] if nearest else None), len(nearest)
    order = sorted(released, key=lambda p: (depth[p], p))
    info = {r["location"]: r for r in table.iter_rows(named=True)}
    return pl.DataFrame(
        {
            "location": order,
            "parent": [above[p] for p in order],
            "location_level": [level[p] for p in order],
            "population": [info[p]["population"] for p in order],
        },
        schema={"location": pl.String, "parent": pl.String, "location_level": pl.String, "population": pl.Float64},
    )


def _chain(place: str, parent: dict[str, str | None]) -> list[str]:
    """A place and all places above it, nearest first."""
    chain = [place]
    while (above := parent[chain[-1]]) is not None:
        if above in chain:
            raise InputError(
                f"the place '{place}' lies in itself by way of '{above}'. Correct the parents in the places table."
            )
        chain.append(above)
    return chain


def leaf_of(places: pl.DataFrame, kept: pl.DataFrame) -> dict[str, int]:
    """District -> row of the counted place without counted parts that it lies in.

    Parameters
    ----------
    places : polars.DataFrame
        All places.
    kept : polars.DataFrame
        As :func:`counted_places` gives them.

    Raises
    ------
    InputError
        A place lies in no place of the lowest level released.
    """
    parent = (
        dict(places.select("location", "parent").iter_rows())
        if "parent" in places.columns
        else dict.fromkeys(places["location"])
    )
    row = {p: n for n, p in enumerate(kept["location"])}
    inner = set(kept["parent"].drop_nulls())
    found = {}
    for place in set(parent) - {p for p in parent.values() if p is not None}:
        nearest = next((p for p in _chain(place, parent) if p in row), None)
        if nearest is None or nearest in inner:
            raise InputError(
                f"the place '{place}' lies in no place of the lowest level that the policy releases, "
                f"so its cases would be the "
                f"difference of what is shown. Give it such a "
                f"parent{f' within {nearest}' if nearest else ''}, or release other levels."
            )
        found[place] = row[nearest]
    return found


def parents(kept: pl.DataFrame) -> list[int]:
    """Row of the place above each; -1 where there is none.

    Parameters
    ----------
    kept : polars.DataFrame
        As :func:`counted_places` gives them.
    """
    row = {p: n for n, p in enumerate(kept["location"])}
    return [-1 if p is None else row[p] for p in kept["parent"]]


def broken_down(kept: pl.DataFrame, level: str) -> np.ndarray:
    """Places that have counts by age group and sex under differential privacy, so that places add up in each cell.

    These are the places of one level and all that lie in none of them: the places above, and those that have no place
    of the level above or below.

    Parameters
    ----------
    kept : polars.DataFrame
        ``location``, ``parent``, ``location_level``, parents first.
    level : str
        The finest kind of place that is broken down.

    Returns
    -------
    numpy.ndarray of bool, shape (N,)
    """
    under: dict[str | None, bool] = {None: False}
    found = []
    for place, parent, own in kept.select("location", "parent", "location_level").iter_rows():
        found.append(not under[parent])
        under[place] = under[parent] or own == level
    return np.array(found)
