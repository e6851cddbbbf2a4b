"""Which counts to leave out so that none of them comes back by adding and subtracting what is shown.

A table is a tree of places: each place's count is the sum of its parts' counts. A small count is left out; that alone
does not help, since a lone gap is the parent less its other parts. So further counts are left out, smallest first,
until every gap is safe.

How that is done is in `gaps.py`.

Complementary suppression: Willenborg and de Waal, Elements of Statistical Disclosure Control, 2001, chapters 4 and 5;
Fischetti and Salazar, Mathematical Programming 84, 1999.
"""

from __future__ import annotations

import numpy as np

from salus.errors import InputError
from salus.privacy.gaps import Gaps
from salus.privacy.tree import Tree, tree

__all__ = ["Tree", "intervals", "narrowest", "primary", "suppress", "tree"]


def primary(values: np.ndarray, minimum_cell: int, zeros: str) -> np.ndarray:
    """Counts that are too small to be shown.

    Parameters
    ----------
    values : numpy.ndarray of int
        Counts.
    minimum_cell : int
        Smallest count shown, apart from zero.
    zeros : {'show', 'hide'}
        Whether zeros are shown.

    Returns
    -------
    numpy.ndarray of bool, same shape
    """
    small = values < minimum_cell
    return small if zeros == "hide" else small & (values > 0)


def suppress(places: Tree, values: np.ndarray, minimum_cell: int, minimum_interval: int, zeros: str) -> np.ndarray:
    """Counts to leave out of tables over one tree.

    Parameters
    ----------
    places : Tree
        The places.
    values : numpy.ndarray of int, shape (T, N)
        Counts of T tables at N places; each place's is the sum of its parts'.
    minimum_cell : int
        Smallest count shown, apart from zero.
    minimum_interval : int
        Least width of the interval in which a count left out can lie.
    zeros : {'show', 'hide'}
        Whether zeros are shown; then a zero is always shown.

    Returns
    -------
    numpy.ndarray of bool, shape (T, N)
        True where a count is left out.

    Raises
    ------
    InputError
        A place's count is not the sum of its parts'.

    Examples
    --------
    The small count 3 needs partners, smallest first, until the gap is wide enough for the largest of them:

    >>> suppress(tree([-1, 0, 0, 0, 0]), np.array([[223, 3, 20, 30, 170]]), 11, 15, "show").tolist()
    [[False, True, True, True, False]]
    """
    _check_sums(places, values)
    hidden = primary(values, minimum_cell, zeros)
    lowest = 1 if zeros == "show" else 0
    for table in np.flatnonzero(hidden.any(axis=1)):
        hidden[table] = Gaps(places, values[table].tolist(), hidden[table].tolist(), lowest, minimum_interval).closed()
    return hidden


def intervals(places: Tree, values: np.ndarray, hidden: np.ndarray, lowest: int) -> tuple[np.ndarray, np.ndarray]:
    """What a reader can work out about each count: the attack by all sums and differences at once.

    Bounds are passed up the tree and down again. For a tree that is exact: no linear programme finds narrower ones
    (a test compares).

    Parameters
    ----------
    places : Tree
        The places.
    values : numpy.ndarray of int, shape (T, N)
        Counts; those that are left out are not looked at.
    hidden : numpy.ndarray of bool, shape (T, N)
        True where the count is left out.
    lowest : int
        The least that a count left out can be at a place without parts.

    Returns
    -------
    low, high : numpy.ndarray of float, shape (T, N)
        Bounds; ``high`` is infinite where nothing above is shown.

    Examples
    --------
    >>> low, high = intervals(tree([-1, 0, 0]), np.array([[30, 4, 26]]), np.array([[False, True, True]]), 1)
    >>> low.tolist(), high.tolist()
    ([[30.0, 1.0, 1.0]], [[30.0, 29.0, 29.0]])
    """
    known = np.where(hidden, np.nan, values.astype(float))
    low = np.where(hidden, float(lowest), known)
    high = np.where(hidden, np.inf, known)
    for place in reversed(range(places.size)):
        parts = list(places.children[place])
        if parts:
            low[:, place] = np.maximum(low[:, place], low[:, parts].sum(axis=1))
            high[:, place] = np.minimum(high[:, place], high[:, parts].sum(axis=1))
    for place in range(places.size):
        parts = list(places.children[place])
        if not parts:
            continue
        least, most = low[:, parts], high[:, parts]
        boundless = np.isinf(most)
        finite = np.where(boundless, 0.0, most)
        others = boundless.sum(axis=1, keepdims=True) - boundless
        rest_high = np.where(others > 0, np.inf, finite.sum(axis=1, keepdims=True) - finite)
        rest_low = least.sum(axis=1, keepdims=True) - least
        low[:, parts] = np.maximum(least, low[:, [place]] - rest_high)
        high[:, parts] = np.minimum(most, high[:, [place]] - rest_low)
    return low, high


def narrowest(low: np.ndarray, high: np.ndarray, hidden: np.ndarray) -> float:
    """Width of the narrowest interval of a count left out; infinite where none is left out.

    Parameters
    ----------
    low, high : numpy.ndarray of float, shape (T, N)
        As :func:`intervals` gives them.
    hidden : numpy.ndarray of bool, shape (T, N)
        True where the count is left out.
    """
    return float((high - low)[hidden].min()) if hidden.any() else float("inf")


def _check_sums(places: Tree, values: np.ndarray) -> None:
    for place, parts in enumerate(places.children):
        if parts and not np.array_equal(values[:, place], values[:, list(parts)].sum(axis=1)):
            raise InputError(f"the count of place {place} is not the sum of its parts' counts. Count the parts again.")
