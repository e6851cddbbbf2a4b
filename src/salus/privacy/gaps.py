"""Which further counts to leave out, until none that is left out can be placed too narrowly.

Take the places without parts that are left out. Each belongs to the nearest place above it that is shown, and all
that a reader learns of those that share it is their sum S (that place's count, less what is shown below it). With n of
them, each at least b (0, or 1 where zeros are shown), every count left out, of a place with parts or without, can
lie anywhere in an interval of width W = S - n b that begins at what is shown below it and b for each part left out,
unless one place left out holds all n of them, for then it is S itself. So a place shown is closed when

- at least two of its parts are left out, or none;
- W is at least the width that the policy wants, and at least the largest count left out (+-50 % of it);
- each count left out could be half as large again: its interval ends at one and a half times its value or later;
- none is known to more than half by parts of it that are shown.

If not, more is left out: parts of the place that is known too well, else the smallest part that is shown. Where there
is nothing more, the place itself is left out too, and the question passes to the place above.
"""

from __future__ import annotations

from collections.abc import Iterator

from salus.privacy.tree import Tree


class Gaps:
    """One table while it is made safe, from the parts upward.

    Parameters
    ----------
    places : Tree
        The places.
    values : list of int
        Their counts.
    hidden : list of bool
        Which are left out because they are small.
    lowest : int
        The least that a count left out can be at a place without parts.
    width : int
        Least width of the interval of a count left out.
    """

    def __init__(self, places: Tree, values: list[int], hidden: list[bool], lowest: int, width: int) -> None:
        self.places, self.values, self.hidden, self.lowest, self.width = places, values, list(hidden), lowest, width
        # of each place: sum and number of the places without parts that are left out below it and under no place
        # shown between; and the width that the places left out there need
        self.sums, self.numbers, self.needs = [0] * places.size, [0] * places.size, [0] * places.size

    def closed(self) -> list[bool]:
        """Which counts to leave out in all."""
        for place in reversed(range(self.places.size)):
            if not self.places.children[place]:
                if self.hidden[place]:
                    self._gather(place)
                continue
            self._gather(place)
            while self.numbers[place] and not self.hidden[place] and not self._widened(place):
                pass
            if self.hidden[place] and self.places.parent[place] < 0:
                self._deepen(place)
        return self.hidden

    def _widened(self, place: int) -> bool:
        """Leave out one place more, if any must be; true when a place shown is closed."""
        gaps = self._gaps(place)
        wide = len(gaps) >= 2 and self._room(place) >= self.width
        known = next((g for g in self._below(place) if self._known_too_well(g, place)), None) if wide else None
        if known is not None:
            self._open_largest(known, place)
            return False
        if wide and self._room(place) >= self.needs[place]:
            return True
        if shown := self._shown(place):
            self._open(min(shown, key=lambda p: (self.values[p], p)))
        else:
            self.hidden[place] = True
        self._gather(place)
        return False

    def _deepen(self, root: int) -> None:
        """Nothing above bounds what is left out; only what is shown below may tell too much."""
        while True:
            known = next((g for g in (root, *self._below(root)) if self._mostly_shown(g)), None)
            if known is None:
                return
            self._open_largest(known, root)

    def _open_largest(self, gap: int, top: int) -> None:
        self._open(max(self._shown(gap), key=lambda p: (self.values[p], -p)))
        while gap != top:
            self._gather(gap)
            gap = self.places.parent[gap]
        self._gather(top)

    def _mostly_shown(self, gap: int) -> bool:
        return self._room(gap) < self.values[gap] // 2 and bool(self._shown(gap))

    def _known_too_well(self, gap: int, place: int) -> bool:
        """Whether parts of a place left out that are shown tell too much of it."""
        tight = self._need(gap) == self.needs[place] > self._room(place)
        return (tight and bool(self._shown(gap))) or self._mostly_shown(gap)

    def _gaps(self, place: int) -> list[int]:
        return [p for p in self.places.children[place] if self.hidden[p]]

    def _below(self, place: int) -> Iterator[int]:
        """Places left out below a place and under no place shown between."""
        for gap in self._gaps(place):
            yield gap
            yield from self._below(gap)

    def _shown(self, place: int) -> list[int]:
        return [p for p in self.places.children[place] if not self.hidden[p] and self.values[p] > 0]

    def _room(self, place: int) -> int:
        return self.sums[place] - self.lowest * self.numbers[place]

    def _need(self, gap: int) -> int:
        """Width that a place left out needs: its value, and to reach one and a half times its value."""
        value = self.values[gap]
        least = value - self._room(gap)
        return max(value, value + -(-value // 2) - least)

    def _gather(self, place: int) -> None:
        if not self.places.children[place]:
            self.sums[place], self.numbers[place] = self.values[place], 1
            return
        gaps = self._gaps(place)
        self.sums[place] = sum(self.sums[g] for g in gaps)
        self.numbers[place] = sum(self.numbers[g] for g in gaps)
        self.needs[place] = max((max(self.needs[g], self._need(g)) for g in gaps), default=0)

    def _open(self, place: int) -> None:
        """Leave out a place that was shown; where all below it is shown, something below it too: it is their sum."""
        self.hidden[place] = True
        if self.places.children[place] and self.numbers[place] == 0:
            self._open(min(self._shown(place), key=lambda p: (self.values[p], p)))
        self._gather(place)
