"""The small parts of a bulletin's sentences: names, units, levels, times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from salus.reports.meta import Meta
from salus.reports.view import Overview, PlaceView
from salus.reports.words import Words
from salus.surveillance.levels import LevelScheme


@dataclass(frozen=True)
class Speech:
    """Names facts in one language.

    Attributes
    ----------
    words : Words
        The language.
    meta : Meta
        What the bulletin says about itself.
    scheme : LevelScheme
        Level names and thresholds.
    overview : Overview
        The facts of all places together.
    """

    words: Words
    meta: Meta
    scheme: LevelScheme
    overview: Overview

    @property
    def disease(self) -> str:
        """The disease as sentences name it."""
        return self.meta.short_zh if self.words.lang == "zh" else self.meta.short

    @property
    def title(self) -> str:
        """The disease in full."""
        return self.meta.title_zh if self.words.lang == "zh" else self.meta.title

    @property
    def unit(self) -> str:
        """Words after a value."""
        return self.meta.unit_zh if self.words.lang == "zh" else self.meta.unit

    @property
    def levels(self) -> tuple[str, ...]:
        """Level names, lowest first."""
        return self.scheme.names_zh if self.words.lang == "zh" else self.scheme.names

    @property
    def level_heads(self) -> tuple[str, ...]:
        """Level names for heads of columns: without the end that all but the lowest share, such as ``intensity``."""
        upper = self.levels[1:]
        ends = (upper[0][k:] for k in range(len(upper[0]))) if len(upper) > 1 else ()
        end = next((tail for tail in ends if all(name.endswith(tail) for name in upper)), "")
        whole = end.startswith(" ") or (len(end) > 1 and end[:1] > "\u2e7f")
        return tuple(name.removesuffix(end) or name if whole else name for name in self.levels)

    def with_unit(self, value: str) -> str:
        """A written value with its unit.

        Parameters
        ----------
        value : str
            As written everywhere.
        """
        unit = self.meta.unit_one if value == "1" and self.meta.unit_one and self.words.lang == "en" else self.unit
        return self.words("value", value=value, unit=unit)

    def name(self, view: PlaceView) -> str:
        """The place's name.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        return view.called(self.words.lang)

    def names(self, views: Sequence[PlaceView], most: int = 6) -> str:
        """Names of places as a list.

        Parameters
        ----------
        views : sequence of PlaceView
            At least one.
        most : int
            How many are named; the others are counted.
        """
        return self.words.join([self.words.named(self.name(v)) for v in views], most=most)

    def named(self, view: PlaceView) -> str:
        """The place's name inside a sentence, with its article where it takes one.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        return self.words.named(self.name(view))

    def level(self, number: int | None) -> str:
        """Name of a level.

        Parameters
        ----------
        number : int or None
            Its number; None has a word too.
        """
        return self.words("level.unknown") if number is None else self.levels[number]

    def level_words(self, number: int | None) -> dict[str, str]:
        """A level's name, and the name as a sentence has it after a verb: ``level`` and ``at``.

        Parameters
        ----------
        number : int or None
            Its number.
        """
        name = self.level(number)
        key = "level.at"
        if name.startswith("below "):
            key = "level.at.below"
        elif name.endswith((" intensity", "水平", "流行")):
            key = "level.at.plain"
        elif name.split(" ")[-1].lower() in self.words.adjectives:
            key = "level.at.an" if name[0].lower() in "aeiou" and not name.startswith("us") else "level.at.a"
        return {"level": name, "at": self.words(key, level=name)}

    def kind(self, count: int) -> str:
        """What the places are, in the number that ``count`` asks for.

        Parameters
        ----------
        count : int
            How many.
        """
        return self.words.kind(self.overview.kind, count)

    def when(self, horizon: int) -> str:
        """A horizon as a time: ``in two weeks``, or by which period where the last known one is not the current one.

        Parameters
        ----------
        horizon : int
            Periods ahead.
        """
        if self.overview.on_time:
            return self.words.after(self.meta.cadence, horizon)
        cadence = self.meta.cadence
        return self.words.during(cadence, cadence.shift(self.meta.last_known, horizon))

    def ahead(self, horizon: int) -> str:
        """How a sentence about a horizon begins: ``Looking two weeks ahead``, or ``For`` the period where that differs.

        Parameters
        ----------
        horizon : int
            Periods ahead.
        """
        cadence = self.meta.cadence
        if self.overview.on_time:
            return self.words("ahead", span=self.words.span(cadence, horizon))
        start = cadence.shift(self.meta.last_known, horizon)
        return self.words("ahead.for", period=self.words.period(cadence, start, brief=True))

    def every(self, total: int) -> str:
        """All of the places, as a sentence has them.

        Parameters
        ----------
        total : int
            How many there are.
        """
        return self.words("all.two" if total == 2 else "all", total=total, places=self.kind(total))

    def trust_label(self, label: str) -> str:
        """The word of a trust label.

        Parameters
        ----------
        label : str
            As in the trust table; ``withheld`` means nothing where no model was asked.
        """
        return self.words("label.none" if label == "withheld" and not self.meta.modelled else f"label.{label}")
