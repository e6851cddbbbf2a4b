"""Numbers as people should read them: no more digits than the data support, the same in sentence, chart and table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MANY_SMALL = 0.1
_ODDS = ((1, 100), (1, 20), *((k, 10) for k in range(1, 10)), (19, 20), (99, 100))


@dataclass(frozen=True)
class Scale:
    """How the values of one bulletin are rounded.

    Attributes
    ----------
    whole : bool
        Values are counts: observed ones are shown as they are, forecasts in whole numbers.
    small : bool
        Nearly all values lie under 0.1, so that two decimals would hide them.

    Examples
    --------
    >>> rates, counts = Scale.of([6.21, 0.4]), Scale.of([12, 0, 1234])
    >>> rates.observed(6.21), rates.forecast(12.34), counts.observed(1234), counts.forecast(1234)
    ('6.2', '12', '1,234', '1,200')
    >>> counts.forecast(15580, width=900)
    '15,600'
    >>> rates.observed(4.97, cuts=(5.0,))
    '4.97'
    """

    whole: bool
    small: bool = False

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Scale:
        """The scale that suits a set of observed values.

        Parameters
        ----------
        values : iterable of float or None
            Observed values; missing ones are passed over.

        Returns
        -------
        Scale
            Counts when every value is a whole number, else rates.
        """
        known = sorted(v for v in values if v is not None)
        if not known:
            return cls(whole=False)
        ninth = known[min(len(known) - 1, int(0.9 * len(known)))]
        return cls(whole=all(float(v).is_integer() for v in known), small=0 < ninth < MANY_SMALL)

    def observed(self, value: float, cuts: Sequence[float] = ()) -> str:
        """An observed value: counts in full, rates with one decimal from 1 and two below.

        Parameters
        ----------
        value : float
            In the signal's unit.
        cuts : sequence of float
            Level thresholds; decimals are added until rounding no longer carries the value over one of them.

        Returns
        -------
        str
            With a comma at the thousands.
        """
        decimals = 0 if self.whole and float(value).is_integer() else self._decimals(value, 100.0)
        while decimals < 6 and any((round(value, decimals) >= cut) != (value >= cut) for cut in cuts):
            decimals += 1
        return _plain(value, decimals)

    def forecast(self, value: float, width: float = math.inf) -> str:
        """A forecast value: two significant digits, more where its range is narrow, whole numbers for counts.

        Parameters
        ----------
        value : float
            In the signal's unit.
        width : float
            Width of the central 50 %; digits under half of it are not shown, unless they are among the first two.

        Returns
        -------
        str
            With a comma at the thousands.
        """
        size = abs(value)
        if size < 9.95:
            return _plain(value, 0 if self.whole else self._decimals(value, 9.95))
        place = math.floor(math.log10(size)) - 1
        if 1e-6 * size < width < math.inf:
            place = min(place, math.floor(math.log10(width / 2)))
        place = max(place, 0 if self.whole else -1)
        return _plain(round(value, -place), max(0, -place))

    def _decimals(self, value: float, whole_from: float) -> int:
        size = abs(value)
        if size >= whole_from:
            return 0
        if size >= 1:
            return 1
        if self.small and size > 0:
            return min(6, 1 - math.floor(math.log10(size)))
        return 2


def _plain(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return "0" if not text.strip("-0.,") else text


def threshold(value: float) -> str:
    """A level's threshold: as given where it is round, else three significant digits.

    Parameters
    ----------
    value : float
        In the signal's unit.

    Examples
    --------
    >>> threshold(30.0), threshold(2.34567), threshold(1234.5)
    ('30', '2.35', '1,234')
    """
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(probability: float) -> str:
    """A probability in whole percent, without the sign; never 0 or 100.

    Parameters
    ----------
    probability : float
        Between 0 and 1.

    Examples
    --------
    >>> percent(0.714), percent(0.001), percent(1.0)
    ('71', '<1', '>99')
    """
    whole = math.floor(100 * probability + 0.5)
    return "<1" if whole < 1 else ">99" if whole > 99 else str(whole)


def odds(probability: float) -> tuple[int, int]:
    """A probability as so many in so many, such as 7 in 10.

    Parameters
    ----------
    probability : float
        Between 0 and 1.

    Examples
    --------
    >>> odds(0.71), odds(0.955), odds(0.004)
    ((7, 10), (19, 20), (1, 100))
    """
    return min(_ODDS, key=lambda pair: abs(pair[0] / pair[1] - probability))


def nice_top(highest: float, whole: bool = False) -> tuple[float, float]:
    """Top of an axis that starts at zero, and the step of its ticks.

    Parameters
    ----------
    highest : float
        Largest value to be shown.
    whole : bool
        The step must be a whole number.

    Returns
    -------
    top, step : float
        ``top`` is a multiple of ``step`` and at least ``highest``; three to six ticks.

    Examples
    --------
    >>> nice_top(18.2), nice_top(0.0, whole=True)
    ((20.0, 5.0), (4.0, 1.0))
    """
    if highest < 1e-9:
        highest = 4.0 if whole else 1.0
    rough = highest / 4
    base: float = 10.0 ** math.floor(math.log10(rough))
    step = next(m * base for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * base >= rough * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    return max(1, math.ceil(highest / step - 1e-9)) * step, step
