"""What can be worked out about counts left out: the attack by linear programming on all released tables at once.

A reader knows every count shown; that a place is the sum of its parts; that the categories of a breakdown add up to
their place; that counts are whole numbers, not below zero (or one, where zeros are shown) and not above the
population. A count that is shown rounded is one of those that round to it, and not below the minimum cell. For each
count left out the least and the largest value that all this allows are found by HiGHS.

It scales because the problem falls into parts that have nothing to do with each other: diseases and weeks, and within
them whatever is joined only by counts that are shown. Parts of the same form and numbers are solved once, and parts of
about the same size together, one programme for the first count of each, one for the second, and so on: since they are
independent, the largest sum is the sum of the largest.

HiGHS: Huangfu and Hall, Mathematical Programming Computation 10, 2018, as `scipy.optimize.linprog` has it. Feasible
intervals of suppressed cells: Fischetti and Salazar, Mathematical Programming 84, 1999.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from salus.errors import InputError
from salus.privacy.policy import Policy

_UNBOUNDED = 1e9
_TOGETHER = 4000
_SLACK = 1e-5
_WRONG = "the tables do not add up, whatever the counts left out may be. Count anew, or ask whoever released them."
_KEYS = ["location", "disease", "date", "dimension", "category"]


@dataclass(frozen=True)
class _Table:
    """All cells of the release: blocks of equal form, one a disease and week.

    Attributes
    ----------
    cells : polars.DataFrame
        Keys, ``value``, ``block``, ``cell`` and ``whole``, by block and cell.
    values, lower, upper : numpy.ndarray, shape (T, M)
        Value of each cell (NaN where it is not known exactly) and the bounds that hold for it from the start.
    asked : numpy.ndarray of bool, shape (T, M)
        Which are left out, so that their intervals are wanted.
    sums : list of (int, list of int)
        Cell and the cells that it is the sum of; the same for every block.
    """

    cells: pl.DataFrame
    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    asked: np.ndarray
    sums: list[tuple[int, list[int]]]


@dataclass(frozen=True)
class _System:
    """Counts not known that hang together: ``matrix @ x = total``, ``lower <= x <= upper``; which are asked for."""

    matrix: tuple[tuple[int, int, int], ...]
    total: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    asked: tuple[int, ...]


def intervals(series: pl.DataFrame, breakdown: pl.DataFrame | None, policy: Policy) -> pl.DataFrame:
    """The narrowest interval in which a reader can place each count left out.

    Parameters
    ----------
    series : polars.DataFrame
        Counts by ``location``, ``disease``, ``date`` with ``parent`` and, where known, ``population``; null is left
        out. Every disease and week has every place.
    breakdown : polars.DataFrame or None
        Counts by ``dimension`` and ``category`` besides.
    policy : Policy
        Under which they were released.

    Returns
    -------
    polars.DataFrame
        A row a count left out, series first: ``location``, ``disease``, ``date``, ``dimension``, ``category`` (both
        null for the series), ``low``, ``high`` (infinite where nothing bounds it), ``whole`` (true for a breakdown of
        which nothing is shown).

    Raises
    ------
    InputError
        What is shown does not add up, whatever the counts left out may be.
    """
    table = _arranged(series, breakdown, policy)
    hidden = np.isnan(table.values)
    low, high = table.values.copy(), table.values.copy()
    found: dict[_System, tuple[np.ndarray, np.ndarray]] = {}
    where = list(_systems(table, hidden))
    for batch in _batches(list(dict.fromkeys(system for _, _, system in where))):
        found |= dict(zip(batch, _solved(batch), strict=True))
    for blocks, cells, system in where:
        low[blocks, cells], high[blocks, cells] = found[system]
    high[high >= _UNBOUNDED * 0.99] = np.inf
    gone = table.cells.with_columns(
        low=pl.Series(low[table.cells["block"], table.cells["cell"]]),
        high=pl.Series(high[table.cells["block"], table.cells["cell"]]),
    ).filter(pl.col("value").is_null())
    return gone.select(*_KEYS, "low", "high", "whole")


def tightest(found: pl.DataFrame, exact: pl.Series) -> tuple[float, float]:
    """The worst cases of an attack.

    Parameters
    ----------
    found : polars.DataFrame
        As :func:`intervals` gives it.
    exact : polars.Series
        True count of each row.

    Returns
    -------
    width : float
        Of the narrowest interval; infinite where nothing is left out.
    ratio : float
        Least width of an interval as a multiple of the true count (of 1, where that is 0).
    """
    if not found.height:
        return float("inf"), float("inf")
    width = (found["high"] - found["low"]).to_numpy()
    return float(width.min()), float((width / exact.to_numpy().clip(1)).min())


def _arranged(series: pl.DataFrame, breakdown: pl.DataFrame | None, policy: Policy) -> _Table:
    population = pl.col("population") if "population" in series.columns else pl.lit(None, dtype=pl.Float64)
    text = pl.lit(None, dtype=pl.String)
    named = ["location", "disease", "date", "parent", "value"]
    cells = series.select(*named, dimension=text, category=text, whole=False, population=population)
    places = cells["location"].unique(maintain_order=True)
    column = {(p, None, None): n for n, p in enumerate(places)}
    parts: dict[int, list[int]] = {}
    for place, parent in cells.select("location", "parent").unique(maintain_order=True).drop_nulls().iter_rows():
        parts.setdefault(column[parent, None, None], []).append(column[place, None, None])
    sums = list(parts.items())
    if breakdown is not None and breakdown.height:
        family = ["location", "disease", "date", "dimension"]
        more = breakdown.with_columns(whole=pl.col("value").is_null().all().over(family)).join(
            series.select("location", "disease", "date", population=population), on=["location", "disease", "date"]
        )
        cells = pl.concat([cells, more.select(c if c != "parent" else text.alias(c) for c in cells.columns)])
        for place, dimension in more.select("location", "dimension").unique(maintain_order=True).iter_rows():
            names = more.filter(location=place, dimension=dimension)["category"].unique(maintain_order=True)
            first = len(column)
            column |= {(place, dimension, name): first + n for n, name in enumerate(names)}
            sums.append((column[place, None, None], list(range(first, len(column)))))
    blocks = cells.select("disease", "date").unique(maintain_order=True).with_row_index("block")
    index = pl.DataFrame(
        [(*key, n) for key, n in column.items()],
        schema={"location": pl.String, "dimension": pl.String, "category": pl.String, "cell": pl.Int64},
        orient="row",
    )
    cells = cells.join(blocks, on=["disease", "date"], how="left", maintain_order="left").join(
        index, on=["location", "dimension", "category"], how="left", nulls_equal=True, maintain_order="left"
    )
    shape = (blocks.height, len(column))
    values, lower, upper = np.zeros(shape), np.zeros(shape), np.full(shape, _UNBOUNDED)
    at = (cells["block"].to_numpy(), cells["cell"].to_numpy())
    values[at] = cells["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    lower[at] = np.where(cells["whole"], 0.0, float(policy.lowest_hidden))
    upper[at] = cells["population"].cast(pl.Float64).fill_null(_UNBOUNDED).to_numpy()
    asked = np.isnan(values)
    if policy.round_to > 1:  # a count above zero that is shown is one of those that round to it
        loose = values > 0
        half = policy.round_to // 2
        lower = np.where(loose, np.maximum(values - half, policy.minimum_cell), lower)
        upper = np.where(loose, np.minimum(values + half, np.maximum(upper, values - half)), upper)
        values = np.where(loose, np.nan, values)
    return _Table(cells, values, lower, upper, asked, sums)


def _systems(table: _Table, hidden: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, _System]]:
    """Counts not known that hang together: their blocks, their cells, their equations; only where one is left out."""
    T, M = hidden.shape
    E = len(table.sums)
    number = np.full((T, M), -1)
    number[hidden] = np.arange(hidden.sum())
    rows, columns, signs = [], [], []
    total = np.zeros((T, E))
    for e, (whole, parts) in enumerate(table.sums):
        for members_of, factor in (([whole], 1), (parts, -1)):
            block, which = np.nonzero(hidden[:, members_of])
            rows.append(block * E + e)
            columns.append(number[block, np.asarray(members_of)[which]])
            signs.append(np.full(block.size, factor))
            total[:, e] -= factor * np.nansum(table.values[:, members_of], axis=1)
    none = [np.zeros(0, dtype=np.int64)]
    row, col, sign = (np.concatenate(none + part).astype(np.int64) for part in (rows, columns, signs))
    if (np.abs(total.ravel()[np.setdiff1d(np.arange(T * E), row)]) > _SLACK).any():
        raise InputError(_WRONG)
    U = int(hidden.sum())
    graph = sparse.coo_matrix((np.ones(row.size), (row, T * E + col)), shape=(T * E + U, T * E + U))
    count, label = connected_components(graph, directed=False)
    blocks, cells = np.nonzero(hidden)
    members = np.argsort(label[T * E :], kind="stable")
    entries = np.lexsort((col, row, label[row]))
    row, col, sign = row[entries], col[entries], sign[entries]
    every = np.arange(count + 1)
    member_of = np.searchsorted(label[T * E :][members], every)
    entry_of = np.searchsorted(label[row], every)
    for part in np.flatnonzero(np.diff(member_of)):
        mine = members[member_of[part] : member_of[part + 1]]
        asked = np.flatnonzero(table.asked[blocks[mine], cells[mine]])
        if not asked.size:
            continue
        entry = slice(entry_of[part], entry_of[part + 1])
        equations, local_row = np.unique(row[entry], return_inverse=True)
        where = (blocks[mine], cells[mine])
        upper = table.upper[where]
        if equations.size == 1 and (sign[entry] == -1).all():  # a sum that is shown: none is larger
            upper = np.minimum(upper, np.abs(total.ravel()[equations]))
        matrix = zip(local_row.tolist(), np.searchsorted(mine, col[entry]).tolist(), sign[entry].tolist(), strict=True)
        yield (
            *where,
            _System(
                tuple(matrix),
                tuple(total.ravel()[equations]),
                tuple(table.lower[where]),
                tuple(upper.tolist()),
                tuple(asked.tolist()),
            ),
        )


def _batches(systems: list[_System]) -> Iterator[list[_System]]:
    """Systems of about the same size, not too many counts at once."""
    batch: list[_System] = []
    filled = 0
    for system in sorted(systems, key=lambda s: len(s.lower)):
        if batch and filled + len(system.lower) > _TOGETHER:
            yield batch
            batch, filled = [], 0
        batch.append(system)
        filled += len(system.lower)
    if batch:
        yield batch


def _solved(batch: list[_System]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Least and largest value of every count of each system that is asked for; zero for the others."""
    sizes = np.array([len(s.lower) for s in batch])
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    heights = np.concatenate([[0], np.cumsum([len(s.total) for s in batch])])
    entries = np.array([(heights[k] + r, first[k] + c, v) for k, s in enumerate(batch) for r, c, v in s.matrix])
    entries = entries.reshape(-1, 3)
    matrix = sparse.csr_matrix((entries[:, 2], (entries[:, 0], entries[:, 1])), shape=(heights[-1], sizes.sum()))
    total = np.concatenate([s.total for s in batch])
    box = np.column_stack([np.concatenate([s.lower for s in batch]), np.concatenate([s.upper for s in batch])])
    low, high = np.zeros(sizes.sum()), np.zeros(sizes.sum())
    for k in range(max(len(s.asked) for s in batch)):
        aimed = np.array([f + s.asked[k] for f, s in zip(first, batch, strict=True) if len(s.asked) > k])
        aim = np.zeros(sizes.sum())
        aim[aimed] = 1.0
        for sign, end in ((1.0, low), (-1.0, high)):
            answer = linprog(sign * aim, A_eq=matrix, b_eq=total, bounds=box, method="highs")
            if answer.status != 0:
                raise InputError(_WRONG)
            end[aimed] = answer.x[aimed]
    low, high = np.ceil(low - _SLACK), np.floor(high + _SLACK)
    return [(low[f : f + n], high[f : f + n]) for f, n in zip(first, sizes, strict=True)]
