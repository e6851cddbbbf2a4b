"""Which counts to leave out so that none of them comes back by adding and subtracting what is shown.

A table is a tree of places: each place's count is the sum of its parts' counts. A small count is left out; that alone
does not help, since a lone gap is the parent less its other parts. So further counts are left out, smallest first,
until every gap is safe.

Take the places without parts that are left out. Each belongs to the nearest place above it that is shown, and all
that a reader learns of those that share it is their sum S (that place's count, less what is shown below it). With n of
them, each at least b (0, or 1 where zeros are shown), every count left out, of a place with parts or without, can
lie anywhere in an interval of width S - n b, unless one place left out holds all n of them, for then it is S itself.
So a gap is safe when at least two parts of the place shown are left out and S - n b is at least the width that the
policy wants. Where there are not enough parts, the place itself is left out too, and the question passes to the
place above.

Complementary suppression: Willenborg and de Waal, Elements of Statistical Disclosure Control, 2001, chapters 4 and 5;
Fischetti and Salazar, Mathematical Programming 84, 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from salus.errors import InputError


@dataclass(frozen=True)
class Tree:
    """Places and the place that each lies in; parents stand before their parts.

    Attributes
    ----------
    parent : tuple of int
        Index of the parent; -1 for a place in no other.
    children : tuple of tuple of int
        Indices of the parts.
    """

    parent: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """Number of places."""
        return len(self.parent)


def tree(parent: Sequence[int]) -> Tree:
    """Tree from the parent of each place.

    Parameters
    ----------
    parent : sequence of int
        Index of the parent, smaller than the place's own; -1 for none.

    Raises
    ------
    InputError
        A parent does not stand before its part.

    Examples
    --------
    >>> tree([-1, 0, 0]).children
    ((1, 2), (), ())
    """
    children: list[list[int]] = [[] for _ in parent]
    for place, above in enumerate(parent):
        if above >= place or above < -1:
            raise InputError(f"place {place} has the parent {above}, which does not stand before it. Sort the places.")
        if above >= 0:
            children[above].append(place)
    return Tree(tuple(parent), tuple(tuple(c) for c in children))


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
    The small count 3 needs a partner, and the smallest that makes the gap wide enough is 20:

    >>> suppress(tree([-1, 0, 0, 0]), np.array([[123, 3, 20, 100]]), 11, 15, "show").tolist()
    [[False, True, True, False]]
    """
    _check_sums(places, values)
    hidden = primary(values, minimum_cell, zeros)
    lowest = 1 if zeros == "show" else 0
    for table in np.flatnonzero(hidden.any(axis=1)):
        hidden[table] = _Gaps(places, values[table].tolist(), hidden[table].tolist(), lowest, minimum_interval).closed()
    return hidden


class _Gaps:
    """One table while it is made safe, from the parts upward."""

    def __init__(self, places: Tree, values: list[int], hidden: list[bool], lowest: int, width: int) -> None:
        self.places, self.values, self.hidden, self.lowest, self.width = places, values, hidden, lowest, width
        # of each place: sum and number of the places without parts that are left out below it and under no place
        # shown between
        self.sums, self.numbers = [0] * places.size, [0] * places.size

    def closed(self) -> list[bool]:
        for place in reversed(range(self.places.size)):
            parts = self.places.children[place]
            if not parts:
                if self.hidden[place]:
                    self.sums[place], self.numbers[place] = self.values[place], 1
                continue
            gaps = [p for p in parts if self.hidden[p]]
            self._gather(place, gaps)
            while gaps and not self.hidden[place] and not self._safe(place, gaps):
                shown = [p for p in parts if not self.hidden[p] and self.values[p] > 0]
                if not shown:
                    self.hidden[place] = True
                    break
                partner = min(shown, key=lambda p: (self.values[p], p))
                self._open(partner)
                gaps.append(partner)
                self._gather(place, gaps)
        return self.hidden

    def _safe(self, place: int, gaps: list[int]) -> bool:
        return len(gaps) >= 2 and self.sums[place] - self.lowest * self.numbers[place] >= self.width

    def _gather(self, place: int, gaps: list[int]) -> None:
        self.sums[place] = sum(self.sums[g] for g in gaps)
        self.numbers[place] = sum(self.numbers[g] for g in gaps)

    def _open(self, place: int) -> None:
        """Leave out a place that was shown; where all below it is shown, something below it too: it is their sum."""
        self.hidden[place] = True
        parts = self.places.children[place]
        if not parts:
            self.sums[place], self.numbers[place] = self.values[place], 1
        elif self.numbers[place] == 0:
            lowest = min((p for p in parts if self.values[p] > 0), key=lambda p: (self.values[p], p))
            self._open(lowest)
            self._gather(place, [lowest])


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
