"""Places nested in places, by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
