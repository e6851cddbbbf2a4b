"""Columns of many people at once, those alike in what is missing beside each other.

Missing columns are taken from the known ones by weights that depend on which are missing. Beside each other, all people
of one pattern are filled by one product of matrices, without a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.copd.design import Floats, Quantities, Term, spread_out

_BITS = 62


@dataclass(frozen=True)
class Alike:
    """Columns of a table, its rows sorted by what is missing.

    Attributes
    ----------
    x : ndarray, shape (n, p)
        Columns less their means, 0 where missing; stored column by column.
    order : ndarray of int, shape (n,)
        Row of the table that each row of `x` is.
    runs : sequence of (slice, ndarray of bool of shape (p,))
        Rows of `x` with the same columns missing, and which these are; together all rows.
    """

    x: Floats
    order: NDArray[np.int64]
    runs: Sequence[tuple[slice, NDArray[np.bool_]]]

    def back(self, values: Floats) -> Floats:
        """Values by row of `x`, or rows of them, in the order of the table."""
        found = np.empty_like(values)
        found[self.order] = values
        return found


def alike(known: Quantities, terms: Sequence[Term], mean: Floats) -> Alike:
    """Columns of a model, sorted by what is missing.

    Parameters
    ----------
    known : Quantities
        Answers of n people.
    terms : sequence of Term
        Terms of the model, p columns in all.
    mean : ndarray, shape (p,)
        Taken off the columns.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [50.0, None, 60.0], "male": [1, 0, None]})
    >>> found = alike(Quantities(people), [Term("age", ("age",)), Term("sex", ("male",))], np.array([55.0, 0.5]))
    >>> [(int(found.order[rows][0]), lost.tolist()) for rows, lost in found.runs]
    [(0, [False, False]), (1, [True, False]), (2, [False, True])]
    >>> found.back(found.x).tolist()
    [[-5.0, 0.5], [0.0, -0.5], [5.0, 0.0]]
    """
    values = [known.of(term) for term in terms]
    size = known.height
    order, starts, lost = _sorted([np.isnan(each) for each in values], size)
    x = np.empty((size, len(mean)), order="F")
    at = 0
    for term, each in zip(terms, values, strict=True):
        width = len(term.columns)
        spread_out(each[order], term.knots, x[:, at : at + width])
        at += width
    x -= mean
    widths = [len(term.columns) for term in terms]
    runs = []
    for start, end, gone in zip(starts[:-1], starts[1:], lost, strict=True):
        rows, columns = slice(int(start), int(end)), np.repeat(gone, widths)
        for column in np.flatnonzero(columns):
            x[rows, column] = 0.0
        runs.append((rows, columns))
    return Alike(x, order, runs)


def _sorted(
    missing: Sequence[NDArray[np.bool_]], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Order of the rows, the first of each pattern with the end behind them, and the patterns, a row each."""
    words = {}
    for start in range(0, len(missing), _BITS):
        word = np.zeros(size, dtype=np.int64)
        for bit, each in enumerate(missing[start : start + _BITS]):
            word |= each.astype(np.int64) << bit
        words[f"w{start}"] = word
    groups = (
        pl.DataFrame(words)
        .with_row_index("row")
        .group_by(*words, maintain_order=True)
        .agg(pl.col("row").cast(pl.Int64))
    )
    lists = groups["row"]
    starts = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy())]).astype(np.int64)
    order = lists.explode(empty_as_null=False).to_numpy() if size else np.zeros(0, dtype=np.int64)
    firsts = order[starts[:-1]]
    return order, starts, np.array([each[firsts] for each in missing], dtype=bool).reshape(len(missing), -1).T
