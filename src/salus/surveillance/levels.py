"""Epidemic levels: which level a value is at, and how probable each level is under a forecast.

Three ways to draw the cuts: official thresholds where a country has them, the Moving Epidemic Method
(:mod:`salus.surveillance.mem`) where past seasons carry it, else percentiles of past seasons. docs/levels.md explains
them to a reader of bulletins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from salus.errors import InputError, NameNotFoundError, TooShortError
from salus.surveillance import mem, places
from salus.surveillance.baseline import HIDDEN, ROUGH, Baseline, baseline
from salus.surveillance.signals import adds_up
from salus.surveillance.thresholds import Official, find_official, official
from salus.surveillance.weeks import Cadence

KINDS = ("auto", "official", "mem", "percentile")
"""Ways to draw the cuts; `auto` takes the first that fits, in the order official, mem, percentile."""

PERCENTILES = (50.0, 75.0, 90.0, 97.5)
"""Percentiles of past seasons at which the percentile levels begin."""

_SEASONS_FOR_MEM = 5
_SEASONS_AT_LEAST = 3
_KNOWN_SHARE = 0.8
_FITS = (0.90, 0.80)
_FITS_WELL = (0.95, 0.90)
_FAR = 800.0
"""Paces above the highest quantile from which no probability is left in double precision."""


@dataclass(frozen=True)
class LevelScheme:
    """Levels of one disease and signal, with each place's cuts.

    Attributes
    ----------
    key : {'official', 'percentile', 'mem'}
        How the cuts were drawn.
    title, title_zh : str
        What a reader is told about it.
    names, names_zh : tuple of str
        Level names, lowest first; one more than the cuts of a place.
    cuts : dict of str to tuple of float
        Ascending cuts by location, in the signal's unit; a value on a cut is at the higher level.
    citation : str
        Source of the method or of the values.
    citation_zh : str
        The same in Chinese; titles as they were published.
    notes, notes_zh : dict of str to str
        By location, what a reader must know about its cuts, in English and Chinese.
    seasons : tuple of str
        Past seasons from which the cuts of all places are drawn; empty for official ones.
    omitted : tuple of str
        Seasons of the COVID-19 pandemic that were left out of them.
    pandemic : tuple of str
        Those among `seasons` that are the pandemic's, for want of others.
    hidden : tuple of str
        Places without cuts, because too many of their counts are left out to protect persons.
    """

    key: str
    title: str
    title_zh: str
    names: tuple[str, ...]
    names_zh: tuple[str, ...]
    cuts: dict[str, tuple[float, ...]]
    citation: str
    notes: dict[str, str] = field(default_factory=dict)
    notes_zh: dict[str, str] = field(default_factory=dict)
    seasons: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    pandemic: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    citation_zh: str = ""

    def level(self, location: str, value: float) -> int:
        """Level of a value.

        Parameters
        ----------
        location : str
            Place.
        value : float
            In the signal's unit; must be known.

        Returns
        -------
        int
            Number of cuts at or below the value.

        Examples
        --------
        >>> scheme = LevelScheme("official", "", "", ("low", "high"), ("低", "高"), {"Tokyo": (5.0,)}, "")
        >>> scheme.level("Tokyo", 4.99), scheme.level("Tokyo", 5.0)
        (0, 1)
        """
        if not np.isfinite(value):
            raise InputError(f"the value of {location} is unknown, so it has no level. Ask only for known values.")
        return int(np.searchsorted(self._of(location), value, side="right"))

    def probabilities(self, location: str, taus: Sequence[float], quantiles: np.ndarray) -> np.ndarray:
        """Probability of each level under a forecast given by quantiles.

        Parameters
        ----------
        location : str
            Place.
        taus : sequence of float
            Quantile levels, ascending, in (0, 1).
        quantiles : numpy.ndarray
            Shape (levels,) or (tasks, levels): quantiles, not decreasing, at least 0.

        Returns
        -------
        numpy.ndarray
            Shape (names,) or (tasks, names), adding up to 1.
        """
        found = level_probabilities(np.array(self._of(location)), np.asarray(taus, dtype=float), quantiles)
        return found[0] if np.ndim(quantiles) == 1 else found

    def _of(self, location: str) -> tuple[float, ...]:
        if location not in self.cuts:
            raise NameNotFoundError("place with levels", location, self.cuts)
        return self.cuts[location]


def level_probabilities(cuts: np.ndarray, taus: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Probability of each band between cuts under distributions given by quantiles.

    Between quantiles the distribution function is a straight line; equal quantiles are a mass at that value, which
    belongs to the band above a cut at it. Below the lowest quantile the probability spreads evenly down to 0, unless
    the lowest two are equal; above the highest it falls off exponentially at the pace of the last two.

    Parameters
    ----------
    cuts : numpy.ndarray
        Shape (cuts,) or (tasks, cuts), ascending, at least 0; infinity stands for no cut.
    taus : numpy.ndarray
        Shape (levels,): quantile levels, ascending, in (0, 1).
    quantiles : numpy.ndarray
        Shape (levels,) or (tasks, levels), not decreasing.

    Returns
    -------
    numpy.ndarray
        Shape (tasks, cuts + 1), rows adding up to 1.

    Examples
    --------
    >>> level_probabilities(np.array([2.0]), np.array([0.25, 0.5, 0.75]), np.array([1.0, 2.0, 3.0]))
    array([[0.5, 0.5]])
    """
    q = np.atleast_2d(np.asarray(quantiles, dtype=float))
    grid = np.atleast_2d(np.asarray(cuts, dtype=float))
    grid = np.broadcast_to(grid, (len(q), grid.shape[1]))
    under = np.column_stack(
        [_probability_below(grid[:, k], taus, q) for k in range(grid.shape[1])] or [np.empty((len(q), 0))]
    )
    under = np.clip(np.maximum.accumulate(under, axis=1), 0.0, 1.0)
    return np.diff(np.column_stack([np.zeros(len(q)), under, np.ones(len(q))]), axis=1)


def _probability_below(cut: np.ndarray, tau: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Probability of a value under the cut, a row a task."""
    rows, last = np.arange(len(q)), len(tau) - 1
    position = (q < cut[:, None]).sum(axis=1)
    at = np.clip(position, 1, last)
    left, right = q[rows, at - 1], q[rows, at]
    width = np.where(right > left, right - left, 1.0)
    inner = tau[at - 1] + (tau[at] - tau[at - 1]) * (np.clip(cut, left, right) - left) / width
    spread = (q[:, 1] > q[:, 0]) & (q[:, 0] > 0)
    lower = np.where(spread, tau[0] * (np.minimum(cut, q[:, 0]) / np.where(spread, q[:, 0], 1.0)), 0.0)
    pace = (q[:, -1] - q[:, -2]) / np.log((1 - tau[-2]) / (1 - tau[-1]))
    beyond = np.clip(cut - q[:, -1], 0.0, _FAR * pace)
    falls = np.exp(-beyond / np.where(pace > 0, pace, 1.0))
    upper = 1 - (1 - tau[-1]) * np.where(pace > 0, falls, 0.0)
    return np.where(position == 0, lower, np.where(position > last, upper, inner))


def choose(
    disease: str,
    signal: str,
    history: pl.DataFrame,
    cadence: Cadence,
    kind: str = "auto",
    country: str | None = None,
    parents: Mapping[str, str | None] | None = None,
    left_out: pl.DataFrame | None = None,
) -> LevelScheme:
    """Levels for a disease: official ones, else by the Moving Epidemic Method, else by percentiles.

    Parameters
    ----------
    disease, signal : str
        What is counted.
    history : polars.DataFrame
        `location`, `date`, `value` as known; the running season never shapes the cuts when an earlier one is there.
    cadence : Cadence
        Its cadence.
    kind : {'auto', 'official', 'mem', 'percentile'}
        `auto`: official where the thresholds of disease and signal are known and the places are not another
        country's; the Moving Epidemic Method where at least four fifths of the places have five past seasons and
        thresholds from the other seasons tell at least 90 % of all weeks and 80 % of the epidemic weeks right; else
        percentiles.
    country : str, optional
        Two-letter code; by default recognised from the places.
    parents : mapping of str to str or None, optional
        Place in which each place lies; by default that of the built-in places. Of counts, which add up, a place has no
        cut below one of its parts'.
    left_out : polars.DataFrame, optional
        `location`, `date` of counts that were left out to protect persons. They are neither zero nor missing: see
        :mod:`salus.surveillance.baseline`.

    Returns
    -------
    LevelScheme
        With cuts for every place that has a known value, but for those of whose counts over zero more than three
        quarters are left out to protect persons.

    Raises
    ------
    InputError
        Official levels are asked for that Salus does not know, or the kind is none of the four.
    TooShortError
        No place has a known value, or none has the three past seasons that `mem` wants.
    """
    if kind not in KINDS:
        raise NameNotFoundError("kind of levels", kind, KINDS)
    known = history.drop_nulls("value")
    if known.height == 0:
        raise TooShortError(f"no place has a known value of {disease} {signal}, so no level can be told.")
    where = country or places.country(known["location"].unique().to_list())
    thresholds = find_official(disease, signal, where)
    if kind == "official" or (kind == "auto" and thresholds is not None):
        if thresholds is None:
            have = "; ".join(f"{o.disease} ({o.signal}, {o.country})" for o in official())
            raise InputError(
                f"Salus knows no official levels for {disease}, {signal}. Choose levels of another kind: auto, mem or "
                f"percentile. Official ones are known of: {have}."
            )
        return _official(thresholds, known["location"].unique().sort().to_list())
    past = baseline(known, cadence, disease, left_out)
    scheme = (
        _mem(past, cadence, must=kind == "mem") if kind == "mem" or (kind == "auto" and cadence.kind != "day") else None
    )
    whole = parents if parents is not None else _parents(list(past.places), where)
    counts = adds_up(signal, known["value"])
    return _told(scheme or _percentile(past), past, whole if counts else {})


_SHORT = "cuts are from the running season, because no earlier one is known"
_SHORT_ZH = "尚无以往流行季，界值来自当前流行季"


def _percentile(past: Baseline) -> LevelScheme:
    return LevelScheme(
        key="percentile",
        title="Compared with past seasons of the same place",
        title_zh="与本地以往流行季相比",
        names=("low", "moderate", "raised", "high", "very high"),
        names_zh=("低", "中等", "偏高", "高", "很高"),
        cuts={place: percentile_cuts(seasons, least=past.least) for place, seasons in past.places.items()},
        citation="Median over past seasons of each season's 50th, 75th, 90th and 97.5th percentile",
        citation_zh="各以往流行季第50、75、90和97.5百分位数的中位数",
        notes={place: _SHORT for place, complete in past.complete.items() if not complete},
        notes_zh={place: _SHORT_ZH for place, complete in past.complete.items() if not complete},
    )


def _told(scheme: LevelScheme, past: Baseline, parents: Mapping[str, str | None]) -> LevelScheme:
    """The scheme with what it rests on, without the places that show too little, and no whole below its parts."""
    hidden = tuple(p for p, share in past.hidden.items() if share > HIDDEN)
    notes, notes_zh = dict(scheme.notes), dict(scheme.notes_zh)
    for place in past.notes:
        notes[place] = "; ".join(filter(None, (notes.get(place), past.notes[place])))
        notes_zh[place] = "；".join(filter(None, (notes_zh.get(place), past.notes_zh[place])))
    for place in hidden:
        part = f"{100 * past.hidden[place]:.0f}"
        notes[place] = f"no level: {part} % of its past counts over zero are left out to protect persons"
        notes_zh[place] = f"无水平：以往非零计数中有{part}%为保护个人而未公布"
    cuts = {place: own for place, own in scheme.cuts.items() if place not in hidden}
    for place, own in cuts.items():
        if past.least is not None and place in past.hidden:
            cuts[place] = _short([max(cut, past.least) for cut in own])
            part = f"{100 * past.hidden[place]:.0f}"
            said = f"{part} % of its past counts over zero are left out to protect persons and stand as small ones"
            notes[place] = "; ".join(filter(None, (notes.get(place), said)))
            said = f"以往非零计数中有{part}%为保护个人而未公布，按小数计"
            notes_zh[place] = "；".join(filter(None, (notes_zh.get(place), said)))
    lifted = _no_whole_below_a_part(cuts, parents)
    for place in (p for p in cuts if lifted[p] != cuts[p]):
        notes[place] = "; ".join(filter(None, (notes.get(place), "no cut is below one of its parts'")))
        notes_zh[place] = "；".join(filter(None, (notes_zh.get(place), "界值不低于其下属地区")))
    return replace(
        scheme, cuts=lifted, notes=notes, notes_zh=notes_zh,
        seasons=past.seasons, omitted=past.omitted, pandemic=past.pandemic, hidden=hidden,
    )  # fmt: skip


def _no_whole_below_a_part(
    cuts: Mapping[str, tuple[float, ...]], parents: Mapping[str, str | None]
) -> dict[str, tuple[float, ...]]:
    """Cuts of a count: a place holds the cases of its parts, so what is high there is at least as high here."""
    out = dict(cuts)
    for place in cuts:
        seen, above = {place}, parents.get(place)
        while above is not None and above not in seen:
            if above in out:
                out[above] = tuple(max(pair) for pair in zip(out[above], cuts[place], strict=True))
            seen.add(above)
            above = parents.get(above)
    return out


def _parents(labels: list[str], country: str | None) -> dict[str, str | None]:
    """Place that each label lies in, as the built-in places have it, by the labels given."""
    if country is None:
        return {}
    same = places.harmonise(labels)
    above = dict(places.known(country).select("location", "parent").iter_rows())
    spelled: dict[str, str] = {}
    for label in sorted(labels, key=lambda x: (same.get(x, x) != x, x)):
        spelled.setdefault(same.get(label, label), label)
    return {x: spelled.get(above.get(same.get(x, x)) or "") for x in labels}


def _official(found: Official, locations: list[str]) -> LevelScheme:
    return LevelScheme(
        key="official",
        title=f"Official thresholds ({places.name(found.country, 'en')})",
        title_zh=f"官方阈值（{places.name(found.country, 'zh')}）",
        names=found.names,
        names_zh=found.names_zh,
        cuts=dict.fromkeys(locations, found.cuts),
        citation=f"{found.citation}. {found.url}",
        citation_zh=f"{found.citation_zh}。{found.url}",
    )


def _mem(past: Baseline, cadence: Cadence, *, must: bool) -> LevelScheme | None:
    """Scheme of the variant that fits best, or None where neither fits (and none must)."""
    delta = mem.DELTA * (1 if cadence.kind != "month" else 52 / 12)
    least = _SEASONS_AT_LEAST if must else _SEASONS_FOR_MEM
    long = {
        p: s
        for p, s in past.places.items()
        if past.complete[p] and len(s) >= least and np.nansum(s) > 0 and past.hidden.get(p, 0.0) <= ROUGH
    }
    if must and not long:
        raise TooShortError(
            "the Moving Epidemic Method wants three complete past seasons of a place with cases; no place has them. "
            "Use percentile levels, or give a longer history."
        )
    if not must and len(long) < _KNOWN_SHARE * len(past.places):
        return None
    quality = {w: _quality(long, w, delta) for w in ("one", "several")}
    well = [w for w, q in quality.items() if q.agreement >= _FITS_WELL[0] and q.sensitivity >= _FITS_WELL[1]]
    waves = well[0] if well else max(quality, key=lambda w: quality[w].agreement + quality[w].sensitivity)
    told = quality[waves]
    if not must and not (told.agreement >= _FITS[0] and told.sensitivity >= _FITS[1]):
        return None
    cuts: dict[str, tuple[float, ...]] = {}
    notes: dict[str, str] = {}
    notes_zh: dict[str, str] = {}
    for place, seasons in past.places.items():
        fitted = mem.fit(seasons, waves=waves, delta=delta).cuts if place in long else (np.nan,) * 4
        if np.isfinite(fitted).all() and fitted[0] > 0:
            cuts[place] = _short(fitted)
        else:
            cuts[place] = percentile_cuts(seasons, least=past.least)
            notes[place], notes_zh[place] = _FEW if past.complete[place] else (_SHORT, _SHORT_ZH)
    rule = "one wave a season" if waves == "one" else "several waves"
    rule_zh = "每季一个流行波" if waves == "one" else "每季多个流行波"
    right, found = f"{100 * told.agreement:.0f}", f"{100 * told.sensitivity:.0f}"
    return LevelScheme(
        key="mem",
        title="Moving Epidemic Method, from past seasons of the same place",
        title_zh="移动流行法（依据本地以往流行季）",
        names=("below epidemic", "low intensity", "medium intensity", "high intensity", "very high intensity"),
        names_zh=("未达流行水平", "低强度流行", "中强度流行", "高强度流行", "极高强度流行"),
        cuts=cuts,
        citation=(
            "Vega et al., Influenza and Other Respiratory Viruses 2013, 7(4), 546-558 and 2015, 9(5), 234-246; "
            f"{rule}; leaving one season out, {right} % of weeks and {found} % of epidemic weeks were told right"
        ),
        citation_zh=(
            "Vega等，Influenza and Other Respiratory Viruses 2013, 7(4), 546-558；2015, 9(5), 234-246；"
            f"{rule_zh}；逐一留出一季检验，全部时期的{right}%、流行期的{found}%判断正确"
        ),
        notes=notes,
        notes_zh=notes_zh,
    )


_FEW = ("too few past seasons with an epidemic: cuts are percentiles", "以往有流行的季节太少，界值取百分位数")


def _quality(long: dict[str, np.ndarray], waves: str, delta: float) -> mem.Agreement:
    total = mem.Agreement()
    for seasons in long.values():
        total += mem.leave_one_out(seasons, waves=waves, delta=delta)
    return total


def percentile_cuts(
    seasons: np.ndarray, percentiles: Sequence[float] = PERCENTILES, least: float | None = None
) -> tuple[float, ...]:
    """Cuts at percentiles of a usual season, which one epidemic year can't move far.

    Each season gives its own percentiles; their median over the seasons is the cut. Where a cut would be 0, or no
    higher than the one before, it is the least step above it, so that a value of 0 is always at the lowest level.

    Parameters
    ----------
    seasons : numpy.ndarray
        Shape (seasons, periods): values, unknown ones NaN.
    percentiles : sequence of float
        Ascending, from 0 to 100.
    least : float, optional
        Least step between cuts; by default the smallest value over 0.

    Returns
    -------
    tuple of float
        Strictly ascending, over 0.

    Examples
    --------
    >>> percentile_cuts(np.array([[0.0, 0, 0, 0, 0, 0, 0, 1]] * 3))
    (1.0, 2.0, 3.0, 4.0)
    """
    positive = seasons[np.isfinite(seasons) & (seasons > 0)]
    step = least or (float(positive.min()) if len(positive) else 1.0)
    kept = seasons[np.isfinite(seasons).any(axis=1)]
    usual = np.median(np.nanpercentile(kept, percentiles, axis=1), axis=1) if len(kept) else np.zeros(len(percentiles))
    cuts: list[float] = []
    for cut in usual:
        least = cuts[-1] + step if cuts else step
        cuts.append(float(cut) if cut > (cuts[-1] if cuts else 0) else least)
    return _short(cuts)


def _short(cuts: Sequence[float]) -> tuple[float, ...]:
    """Cuts to four digits, as they are shown, still strictly ascending."""
    out: list[float] = []
    for cut in cuts:
        short = float(f"{cut:.4g}")
        out.append(short if not out or short > out[-1] else float(np.nextafter(out[-1], np.inf)))
    return tuple(out)
