"""Counts of places split by age group and sex, made of noisy ones, so that both ways of adding up hold.

Each cell (place, age group, sex) has noise of its own. Least squares over places finds for each category what fits the
noisy counts of a place, of its parts and of all below best. Then from the top down: the cells of a place in no other
are the whole numbers nearest to that, none negative, that sum up to the place's count; the cells of its parts are a
table whose rows sum up to the parts' counts and whose columns sum up to the cells of the place. The nearest such table
without negative numbers is found by alternating projections; it is made whole by largest remainders. All of it is made
of noisy counts alone, so it costs nothing.

Alternating projections: Boyle and Dykstra, Lecture Notes in Statistics 37, 1986. From the top down under differential
privacy: Abowd and others, Harvard Data Science Review, special issue 2, 2022.
"""

from __future__ import annotations

import numpy as np

from salus.privacy import noise
from salus.privacy.tree import Tree

_ROUNDS, _CLOSE = 200, 0.05


def split(places: Tree, totals: np.ndarray, noisy: np.ndarray) -> np.ndarray:
    """Whole counts by category, none negative, that add up over categories and over places.

    Parameters
    ----------
    places : Tree
        The P places that are broken down.
    totals : numpy.ndarray of int, shape (T, P)
        Their counts, none negative, which add up.
    noisy : numpy.ndarray of int, shape (T, P, K)
        Noisy counts of the K categories; the noise of all is of the same size.

    Returns
    -------
    numpy.ndarray of int64, shape (T, P, K)
        What adds up already and is not negative stays as it is.

    Examples
    --------
    >>> from salus.privacy.tree import tree
    >>> split(tree([-1, 0, 0]), np.array([[9, 9, 0]]), np.array([[[6, 5], [4, 2], [1, 3]]])).tolist()
    [[[5, 4], [5, 4], [0, 0]]]
    """
    best, left = noise.fitted(places, noisy)
    done = np.zeros(noisy.shape, dtype=np.int64)
    for place in range(places.size):
        if places.parent[place] < 0:
            done[:, place] = noise.shared(best[:, place], totals[:, place])
        parts = list(places.children[place])
        if parts:
            share = left[parts] / left[parts].sum()
            gap = done[:, place] - best[:, parts].sum(axis=1)
            wanted = best[:, parts] + gap[:, None, :] * share[None, :, None]
            done[:, parts] = table(wanted, totals[:, parts], done[:, place])
    return done


def table(wanted: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Tables of whole numbers, none negative, near to what is wanted, with given sums of rows and columns.

    Parameters
    ----------
    wanted : numpy.ndarray of float, shape (T, C, K)
        What is wanted of T tables.
    rows : numpy.ndarray of int, shape (T, C)
        Sums of rows, none negative.
    columns : numpy.ndarray of int, shape (T, K)
        Sums of columns, none negative; both sum up to the same.

    Returns
    -------
    numpy.ndarray of int64, shape (T, C, K)

    Examples
    --------
    >>> table(np.array([[[3.2, -1.0], [1.1, 2.2]]]), np.array([[3, 3]]), np.array([[4, 2]])).tolist()
    [[[3, 0], [1, 2]]]
    """
    near = _nearest(wanted, rows, columns)
    sums = near.sum(axis=2)
    near *= np.divide(rows, sums, out=np.ones(sums.shape), where=sums > rows)[:, :, None]  # no row or column too large
    whole = np.floor(near + 1e-9).astype(np.int64)
    rest = near - whole
    row, column = rows - whole.sum(axis=2), columns - whole.sum(axis=1)
    last = rows.shape[1]
    for part in range(last):
        while row[:, part].any():
            pressing = column >= last - part  # one for each row that is left
            order = np.lexsort((-rest[:, part], ~pressing, column == 0), axis=1)
            rank = np.argsort(order, axis=1)
            taken = (rank < row[:, [part]]) & (column > 0)
            whole[:, part] += taken
            column -= taken
            row[:, part] -= taken.sum(axis=1)
    return whole


def _nearest(wanted: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Tables with the sums of columns, and nearly those of rows; the rest of what is to be mended is under one."""
    T, C, K = wanted.shape
    found = np.zeros(wanted.shape)
    going = np.arange(T)
    now = wanted.copy()
    by_row, by_column = np.zeros(wanted.shape), np.zeros(wanted.shape)
    for number in range(_ROUNDS):
        asked = now + by_row
        level = noise.nearest(asked.reshape(-1, K), rows[going].ravel()).reshape(-1, C, K)
        by_row = asked - level
        asked = level + by_column
        flat = asked.transpose(0, 2, 1).reshape(-1, C)
        now = noise.nearest(flat, columns[going].ravel()).reshape(-1, K, C).transpose(0, 2, 1)
        by_column = asked - now
        far = np.abs(now - level).max(axis=(1, 2)) > _CLOSE
        ended = ~far if number < _ROUNDS - 1 else np.ones(far.shape, dtype=bool)
        found[going[ended]] = now[ended]
        if ended.all():
            break
        going, now = going[~ended], now[~ended]
        by_row, by_column = by_row[~ended], by_column[~ended]
    return found
