"""One place as a bulletin sees it: what is known, what is expected, how far to trust it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from salus.reports.asides import NOTHING, Aside
from salus.reports.numbers import Scale
from salus.surveillance.weeks import Cadence

UP, DOWN = 65, 35
DAYS_AHEAD = 7


def focus(horizons: Sequence[int], cadence: Cadence) -> int:
    """The horizon that sentences speak of: two periods ahead, or a week of days, or the nearest before that.

    Parameters
    ----------
    horizons : sequence of int
        Those that are forecast; may be empty.
    cadence : Cadence
        Length of a period.

    Examples
    --------
    >>> from salus.surveillance.weeks import Cadence
    >>> focus([1, 2, 3, 4], Cadence("week")), focus([1, 4], Cadence("month")), focus([3, 5], Cadence("week"))
    (2, 1, 3)
    """
    wanted = DAYS_AHEAD if cadence.kind == "day" else 2
    return max((h for h in horizons if h <= wanted), default=min(horizons, default=wanted))


@dataclass(frozen=True)
class Outlook:
    """What is expected of one period ahead.

    Attributes
    ----------
    horizon : int
        Periods after the last one that the source's usual lag makes known.
    start, end : datetime.date
        First and last day of the period.
    median, lower50, upper50, lower95, upper95 : float
        Of the forecast that is shown, in the signal's unit.
    level : int or None
        Most probable level; None where the place has no thresholds.
    probabilities : tuple of float
        Of each level, lowest first; empty where the place has no thresholds.
    higher : float or None
        Probability of a value above the last known one.
    trust : str
        Trust label: ``high``, ``moderate``, ``low``, ``withheld`` or ``unknown``.
    shown : str
        Name of the model that is shown.
    note : str
        What a reader must know; may be empty.
    """

    horizon: int
    start: dt.date
    end: dt.date
    median: float
    lower50: float
    upper50: float
    lower95: float
    upper95: float
    level: int | None
    probabilities: tuple[float, ...]
    higher: float | None
    trust: str
    shown: str
    note: str

    @property
    def trend(self) -> str:
        """Direction against the last known value: ``up``, ``down``, ``open`` or ``withheld``.

        A probability of a higher value of at least 65 % is up, of at most 35 % down, between the two it is open; it
        counts as it is written, in whole percent.
        """
        if self.trust == "withheld":
            return "withheld"
        if self.higher is None:
            return "open"
        written = math.floor(100 * self.higher + 0.5)
        return "up" if written >= UP else "down" if written <= DOWN else "open"

    def above(self, level: int) -> float:
        """Probability of a level above the one given.

        Parameters
        ----------
        level : int
            Number of a level.
        """
        return sum(self.probabilities[level + 1 :])

    def below(self, level: int) -> float:
        """Probability of a level below the one given.

        Parameters
        ----------
        level : int
            Number of a level.
        """
        return sum(self.probabilities[:level])


@dataclass(frozen=True)
class Trust:
    """How one horizon of a place did in its own as-of backtest; the columns of the trust table."""

    horizon: int
    label: str
    origins: int
    skill: float | None
    coverage50: float | None
    coverage95: float | None
    status_accuracy: float | None
    persistence_accuracy: float | None
    changes: int | None
    changes_called: float | None


@dataclass(frozen=True)
class PlaceView:
    """Everything that a bulletin says about one place.

    Attributes
    ----------
    location : str
        As in the tables.
    anchor : str
        Name of its section in the page; letters, digits and hyphens.
    name, name_zh : str
        Names; the Chinese one is the other where there is none.
    short : str
        Abbreviation for map tiles; empty where the places table has none.
    parent, kind : str or None
        Place that it lies in, and kind of place.
    tile : tuple of int or None
        Row and column on the tile map.
    starts : tuple of datetime.date
        First days of all periods from the first known to the last known, without gaps.
    values : tuple of float or None
        Their values; None is unknown.
    now : float or None
        Last known value; None where nothing is known.
    now_start : datetime.date or None
        First day of its period.
    level : int or None
        Its level; None where the place has no thresholds, nothing is known, or it has been silent for long.
    before : int or None
        Level one period before.
    late : int
        How many periods the last known value lies behind the source's usual lag.
    outlooks : tuple of Outlook
        By horizon; empty where no forecast could be made.
    trusts : tuple of Trust
        By horizon.
    cuts : tuple of float
        Thresholds of the levels; empty where the place has none.
    note : str
        What a reader must know of the last known value; may be empty.
    reason : tuple of str or None
        Why there is no forecast, in English and Chinese.
    scale : Scale
        How its values are rounded.
    left_out : frozenset of datetime.date
        First days of the periods whose count is left out to protect persons.
    note_zh : str
        The note in Chinese; may be empty where the note is not.
    reasons : tuple of (str, bool)
        Kinds of evidence that move the forecast at the focus horizon most, and whether upward; empty where not told.
    aside : Aside
        Nowcast, peak, a person's word: what stands around its forecast.
    """

    location: str
    anchor: str
    name: str
    name_zh: str
    short: str
    parent: str | None
    kind: str | None
    tile: tuple[int, int] | None
    starts: tuple[dt.date, ...]
    values: tuple[float | None, ...]
    now: float | None
    now_start: dt.date | None
    level: int | None
    before: int | None
    late: int
    outlooks: tuple[Outlook, ...]
    trusts: tuple[Trust, ...]
    cuts: tuple[float, ...]
    note: str
    reason: tuple[str, str] | None
    scale: Scale
    left_out: frozenset[dt.date] = frozenset()
    note_zh: str = ""
    reasons: tuple[tuple[str, bool], ...] = ()
    aside: Aside = NOTHING

    def called(self, lang: str) -> str:
        """Its name in a language.

        Parameters
        ----------
        lang : str
            ``en`` or ``zh``.
        """
        return self.name_zh if lang == "zh" else self.name

    def outlook(self, horizon: int) -> Outlook | None:
        """What is expected at a horizon; None where nothing is.

        Parameters
        ----------
        horizon : int
            Periods ahead.
        """
        return next((o for o in self.outlooks if o.horizon == horizon), None)

    def level_ahead(self, horizon: int) -> int | None:
        """The level that is shown for a horizon: the likeliest, or the one now where the forecast is withheld.

        Parameters
        ----------
        horizon : int
            Periods ahead.
        """
        ahead = self.outlook(horizon)
        if ahead is None:
            return None
        return self.level if ahead.trend == "withheld" else ahead.level

    @property
    def mixed(self) -> bool:
        """Whether "no change" stands in for the model at some horizons and not at others."""
        return len({o.trend == "withheld" for o in self.outlooks}) == 2

    def trust(self, horizon: int) -> Trust | None:
        """How that horizon did in the backtest; None where it was not tested.

        Parameters
        ----------
        horizon : int
            Periods ahead.
        """
        return next((t for t in self.trusts if t.horizon == horizon), None)

    @property
    def known(self) -> tuple[tuple[dt.date, float], ...]:
        """Periods with a value, first days and values."""
        return tuple((s, v) for s, v in zip(self.starts, self.values, strict=True) if v is not None)

    @property
    def veiled(self) -> bool:
        """Whether a count newer than the last one shown is left out to protect persons, or all are."""
        return any(self.now_start is None or start > self.now_start for start in self.left_out)

    @property
    def now_text(self) -> str:
        """The last known value as it is written everywhere; empty where nothing is known."""
        return "" if self.now is None else self.scale.observed(self.now, self.cuts)


@dataclass(frozen=True)
class Overview:
    """What a bulletin says about all its places together.

    Attributes
    ----------
    places : tuple of PlaceView
        Those that are counted: without places that hold others; highest level first, then highest value.
    wider : tuple of PlaceView
        Places that hold some of the others, such as the prefectures of a province; in the same order.
    whole : PlaceView or None
        The place that holds the others, such as the nation.
    focus : int
        Horizon that the sentences speak of.
    on_time : bool
        The last known period ends on the reference date, so that `focus` periods after it are as many from now.
    top : int or None
        Level that the headline counts: the highest that any place has now; None where no place has a level.
    counts : tuple of int
        Places at each level now, lowest first.
    before : tuple of int
        The same one period earlier.
    expected : tuple of float or None
        Sums of the level probabilities at `focus`, a withheld place counting at its level now; None unless every place
        with a level has them and more than half of those are not withheld.
    likely : tuple of int or None
        Places whose shown level at `focus` is that one, lowest first, as the map has them: the likeliest, and of a
        withheld place the one now. None where `expected` is.
    """

    places: tuple[PlaceView, ...]
    wider: tuple[PlaceView, ...]
    whole: PlaceView | None
    focus: int
    on_time: bool
    top: int | None
    counts: tuple[int, ...]
    before: tuple[int, ...]
    expected: tuple[float, ...] | None
    likely: tuple[int, ...] | None

    @cached_property
    def horizons(self) -> tuple[int, ...]:
        """Horizons that the tables show: all up to four, else the first, the focus, the middle and the last."""
        every = sorted({o.horizon for v in self.all_places for o in v.outlooks})
        if len(every) > 4:
            every = sorted({every[0], self.focus, every[len(every) // 2], every[-1]})
        return tuple(every)

    @cached_property
    def shared_cuts(self) -> tuple[float, ...]:
        """Thresholds that all places share; empty where they differ or there are none."""
        found = {v.cuts for v in self.places if v.cuts}
        return next(iter(found)) if len(found) == 1 else ()

    @cached_property
    def kind(self) -> str | None:
        """What the places are (the tables' ``location_level``); None where they are not all of one kind."""
        kinds = {v.kind for v in self.places}
        return next(iter(kinds)) if len(kinds) == 1 else None

    @cached_property
    def all_places(self) -> tuple[PlaceView, ...]:
        """The place that holds the others, where there is one, and all others in order."""
        return (*(() if self.whole is None else (self.whole,)), *self.wider, *self.places)

    def moving(self, trend: str) -> tuple[PlaceView, ...]:
        """Places with that trend at the focus horizon.

        Parameters
        ----------
        trend : str
            ``up``, ``down``, ``open`` or ``withheld``.
        """
        return tuple(p for p in self.places if (o := p.outlook(self.focus)) is not None and o.trend == trend)

    @property
    def climbing(self) -> tuple[PlaceView, ...]:
        """Places more likely than not to be at a higher level at the focus horizon, likeliest first."""
        found = [
            (o.above(p.level), p)
            for p in self.places
            if (o := p.outlook(self.focus)) and o.trend != "withheld" and o.probabilities and p.level is not None
        ]
        return tuple(p for chance, p in sorted(found, key=lambda pair: -pair[0]) if chance >= 0.5)

    @property
    def easing(self) -> tuple[PlaceView, ...]:
        """Places more likely than not to be at a lower level at the focus horizon, likeliest first."""
        found = [
            (o.below(p.level), p)
            for p in self.places
            if (o := p.outlook(self.focus)) and o.trend != "withheld" and o.probabilities and p.level is not None
        ]
        return tuple(p for chance, p in sorted(found, key=lambda pair: -pair[0]) if chance >= 0.5)

    @property
    def late(self) -> tuple[PlaceView, ...]:
        """Places whose last known value lies behind the source's usual lag, or that have none, but not the veiled."""
        return tuple(p for p in self.places if (p.late or p.now is None) and not p.veiled)

    @property
    def veiled(self) -> tuple[PlaceView, ...]:
        """Places whose latest count is left out to protect persons."""
        return tuple(p for p in self.places if p.veiled)
