"""The Moving Epidemic Method: when an epidemic begins and ends, and how strong it is, from past seasons.

Vega T, Lozano JE, Meerhoff T, et al.: Influenza surveillance in Europe: establishing epidemic thresholds by the Moving
Epidemic Method. Influenza and Other Respiratory Viruses 2013, 7(4), 546-558; and: comparing intensity levels
calculated using the Moving Epidemic Method. The same 2015, 9(5), 234-246. Written from the papers; settings are those
of the authors' software (criterion 2.8, one-sided 95 %, intensity 40, 90 and 97.5 %, 30 values in all).

The method looks for one wave a season, whatever its size. A disease of two waves, or of strong and weak years, as
hand, foot and mouth disease, breaks it. For such a disease `waves='several'` measures every season with one rule: a
week is epidemic that holds at least the criterion's share of a usual season's cases, so that a season may have no
epidemic, one, or several.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import norm

DELTA = 2.8
"""Criterion: per cent of a season's cases that a further week must add to belong to the epidemic."""

INTENSITY = (0.40, 0.90, 0.975)
"""One-sided confidence of the limits of medium, high and very high intensity."""

_POINTS = 30
_CONFIDENCE = 0.95
_NOTHING = 0.05
_SHORTEST_WAVE = 3
_MONTHS = 12


@dataclass(frozen=True)
class Thresholds:
    """Limits learned from past seasons, in the unit of the series.

    Attributes
    ----------
    epidemic : float
        At or above it the epidemic has begun.
    post : float
        Below it the epidemic is over; equal to `epidemic` for several waves.
    intensity : tuple of float
        Limits of medium, high and very high intensity, ascending.
    seasons : int
        Seasons learned from.
    waves : {'one', 'several'}
        How epidemic weeks were found.
    """

    epidemic: float
    post: float
    intensity: tuple[float, float, float]
    seasons: int
    waves: str

    @property
    def cuts(self) -> tuple[float, float, float, float]:
        """Epidemic threshold and the three intensity limits, made ascending by the least step."""
        cuts = [self.epidemic]
        for limit in self.intensity:
            cuts.append(max(limit, np.nextafter(cuts[-1], np.inf)))
        return cuts[0], cuts[1], cuts[2], cuts[3]


@dataclass(frozen=True)
class Agreement:
    """How well thresholds from the other seasons find the epidemic weeks of each season.

    Attributes
    ----------
    hits, misses, false_alarms, calm : int
        Weeks: epidemic and above the threshold; epidemic and below; calm and above; calm and below.
    """

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    calm: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.hits + other.hits,
            self.misses + other.misses,
            self.false_alarms + other.false_alarms,
            self.calm + other.calm,
        )

    @property
    def agreement(self) -> float:
        """Share of weeks that were told right; NaN without weeks."""
        total = self.hits + self.misses + self.false_alarms + self.calm
        return (self.hits + self.calm) / total if total else float("nan")

    @property
    def sensitivity(self) -> float:
        """Share of epidemic weeks that were told; NaN without any."""
        epidemic = self.hits + self.misses
        return self.hits / epidemic if epidemic else float("nan")

    @property
    def specificity(self) -> float:
        """Share of calm weeks that were told; NaN without any."""
        calm = self.calm + self.false_alarms
        return self.calm / calm if calm else float("nan")


def map_curve(season: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum accumulated percentage: the most of a season's cases that so many weeks in a row hold.

    Parameters
    ----------
    season : numpy.ndarray
        Shape (weeks,): values, none unknown, with a sum over 0.

    Returns
    -------
    percentage : numpy.ndarray
        Shape (weeks,): for 1, 2 ... weeks in a row, in per cent; not decreasing, ends at 100.
    begin : numpy.ndarray
        Shape (weeks,): first week of those weeks (the earliest of equals).
    """
    total = np.concatenate([[0.0], np.cumsum(season)])
    sums = [total[r:] - total[:-r] for r in range(1, len(total))]
    return 100 * np.array([s.max() for s in sums]) / total[-1], np.array([int(s.argmax()) for s in sums])


def timing(season: np.ndarray, delta: float = DELTA) -> tuple[int, int]:
    """Weeks of the one epidemic of a season.

    Parameters
    ----------
    season : numpy.ndarray
        Shape (weeks,): values; unknown ones (NaN) are bridged by straight lines.
    delta : float
        Criterion, in per cent of the season's cases.

    Returns
    -------
    begin, end : int
        First week of the epidemic and the week after its last; equal where the season has no case.

    Examples
    --------
    >>> timing(np.array([1.0, 1, 1, 2, 10, 40, 70, 50, 20, 3, 1, 1, 1]))
    (4, 9)
    """
    values = _bridged(season)
    if len(values) < 2 or values.sum() <= 0:
        return 0, 0
    percentage, begin = map_curve(values)
    slope = np.diff(_smoother(len(values)) @ percentage)
    length = int(np.argmax(slope < delta)) + 1 if (slope < delta).any() else len(values)
    first = int(begin[length - 1])
    return first, first + length


def epidemic_weeks(seasons: np.ndarray, *, waves: str = "one", delta: float = DELTA) -> np.ndarray:
    """Which weeks belonged to an epidemic.

    Parameters
    ----------
    seasons : numpy.ndarray
        Shape (seasons, weeks): values, unknown ones NaN.
    waves : {'one', 'several'}
        One wave in every season; or none, one or several by one limit for all seasons (of weeks at least three
        running, on a mean of three).
    delta : float
        Criterion, in per cent of a season's cases; for months 52/12 times that for weeks.

    Returns
    -------
    numpy.ndarray
        Shape (seasons, weeks), bool.
    """
    out = np.zeros(seasons.shape, dtype=bool)
    if waves == "one":
        for row, season in zip(out, seasons, strict=True):
            begin, end = timing(season, delta)
            row[begin:end] = True
        return out
    limit = usual_total(seasons) * delta / 100
    shortest = _SHORTEST_WAVE if seasons.shape[1] > _MONTHS else 1
    for row, season in zip(out, seasons, strict=True):
        values = _bridged(season)
        if shortest > 1:
            values = np.convolve(np.pad(values, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
        above = np.concatenate([[False], (values >= limit) & (values > 0), [False]])
        edges = np.flatnonzero(above[1:] != above[:-1]).reshape(-1, 2)
        for begin, end in edges[edges[:, 1] - edges[:, 0] >= shortest]:
            row[begin:end] = True
    return out


def usual_total(seasons: np.ndarray) -> float:
    """Cases of a usual season, which neither an empty nor one giant season moves far.

    The mean, so that strong and weak years that alternate both count. The strongest season counts as no more than the
    second strongest, and seasons with under a twentieth of its cases are left out.

    Parameters
    ----------
    seasons : numpy.ndarray
        Shape (seasons, weeks): values, unknown ones NaN.

    Returns
    -------
    float
        Sum over a season, 0 where nothing ever happened.
    """
    return _usual(_totals(seasons))


def fit(seasons: np.ndarray, *, waves: str = "one", delta: float = DELTA) -> Thresholds:
    """Thresholds from past seasons.

    Parameters
    ----------
    seasons : numpy.ndarray
        Shape (seasons, weeks): values of complete past seasons, unknown ones NaN.
    waves : {'one', 'several'}
        As for :func:`epidemic_weeks`.
    delta : float
        Criterion.

    Returns
    -------
    Thresholds
        Limits; NaN where the seasons hold no epidemic, or no week outside one.
    """
    epidemic = epidemic_weeks(seasons, waves=waves, delta=delta)
    each = _each(len(seasons))
    strong = np.concatenate([_highest(s[e], each) for s, e in zip(seasons, epidemic, strict=True)])
    medium, high, very_high = (float(x) for x in np.exp(_limits(np.log(strong[strong > 0]), INTENSITY)))
    if waves == "one":
        begins = _limits(np.concatenate(_calm_highest(seasons, epidemic, each)), (_CONFIDENCE,))[0]
        after = _calm_highest(seasons[:, ::-1], epidemic[:, ::-1], each)
        ends = _limits(np.concatenate(after), (_CONFIDENCE,))[0]
    else:
        begins = ends = usual_total(seasons) * delta / 100 or float("nan")
    return Thresholds(float(begins), float(ends), (medium, high, very_high), len(seasons), waves)


def leave_one_out(seasons: np.ndarray, *, waves: str = "one", delta: float = DELTA) -> Agreement:
    """How well each season's epidemic weeks are told by the epidemic threshold from the other seasons.

    Parameters
    ----------
    seasons : numpy.ndarray
        Shape (seasons, weeks), at least three seasons: values, unknown ones NaN.
    waves : {'one', 'several'}
        As for :func:`epidemic_weeks`.
    delta : float
        Criterion.

    Returns
    -------
    Agreement
        Counts of weeks over all seasons.
    """
    truth = epidemic_weeks(seasons, waves=waves, delta=delta)
    if waves == "one":
        highest = _calm_highest(seasons, truth, _each(max(len(seasons) - 1, 1)))
        limits = [_limits(np.concatenate(_without(highest, k)), (_CONFIDENCE,))[0] for k in range(len(seasons))]
    else:
        totals = _totals(seasons)
        limits = [(_usual(np.delete(totals, k)) or float("nan")) * delta / 100 for k in range(len(seasons))]
    said, known = seasons >= np.array(limits)[:, None], np.isfinite(seasons)
    return Agreement(
        int((said & truth & known).sum()),
        int((~said & truth & known).sum()),
        int((said & ~truth & known).sum()),
        int((~said & ~truth & known).sum()),
    )


def _each(seasons: int) -> int:
    """Values that each season gives, so that all give about thirty."""
    return max(1, round(_POINTS / seasons))


def _totals(seasons: np.ndarray) -> np.ndarray:
    return np.array([_bridged(season).sum() for season in seasons])


def _usual(totals: np.ndarray) -> float:
    totals = totals[totals > 0]
    if len(totals) == 0:
        return 0.0
    strong = np.sort(totals)[-min(2, len(totals))]
    return float(np.minimum(totals[totals >= _NOTHING * strong], strong).mean())


def _calm_highest(seasons: np.ndarray, epidemic: np.ndarray, each: int) -> list[np.ndarray]:
    """Highest values before the first epidemic week, a season an array; empty for a season without epidemic."""
    return [_highest(s[: int(e.argmax())], each) if e.any() else s[:0] for s, e in zip(seasons, epidemic, strict=True)]


def _without(groups: list[np.ndarray], k: int) -> list[np.ndarray]:
    return groups[:k] + groups[k + 1 :]


def _bridged(season: np.ndarray) -> np.ndarray:
    known = np.isfinite(season)
    if not known.any():
        return np.zeros(len(season))
    at = np.arange(len(season))
    return np.interp(at, at[known], season[known], left=0.0, right=0.0)


@cache
def _smoother(weeks: int) -> np.ndarray:
    """Local straight lines with a Gaussian kernel of one week: the smoothing of the accumulated-percentage curve."""
    distance = np.arange(weeks)[None, :] - np.arange(weeks)[:, None].astype(float)
    weight = np.exp(-0.5 * distance**2)
    zero, one, two = (np.sum(weight * distance**k, axis=1)[:, None] for k in range(3))
    return (two - one * distance) * weight / (zero * two - one**2)


def _highest(values: np.ndarray, each: int) -> np.ndarray:
    return np.sort(values[np.isfinite(values)])[-each:]


def _limits(values: np.ndarray, confidence: tuple[float, ...]) -> np.ndarray:
    """One-sided upper limits for a further value: mean and standard deviation under a normal distribution."""
    if len(values) < 2:
        return np.full(len(confidence), np.nan)
    return values.mean() + norm.ppf(confidence) * values.std(ddof=1)
