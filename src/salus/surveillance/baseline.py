"""The past that levels rest on: the same complete seasons for all places, if possible without the pandemic's.

A nation and its parts must be measured by the same seasons, or the nation may be "very high" at a value that is
nothing special for one part alone. The seasons of the COVID-19 pandemic had next to none of the usual respiratory
diseases and say nothing of a usual season.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.surveillance import diseases
from salus.surveillance.seasons import Seasons, find
from salus.surveillance.weeks import Cadence

PANDEMIC = (dt.date(2020, 3, 1), dt.date(2022, 9, 30))
"""Days in which respiratory diseases did not circulate as usual: from the first lockdowns until most were lifted."""

COMPLETE = 0.8
"""Share of its periods that must be known for a season to be complete, and of places for it to count for all."""

PARTLY = 0.5
"""Share of its periods that a place must know of a season that counts for all."""

HIDDEN = 0.75
"""Share of its past counts over zero, left out to protect persons, above which a place has no levels."""

ROUGH = 0.5
"""The same share above which it is not measured by the Moving Epidemic Method, which adds up whole seasons."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """Past seasons by place.

    Attributes
    ----------
    places : dict of str to numpy.ndarray
        By location, shape (seasons, periods): values, unknown ones NaN. A count left out to protect persons stands
        as half of the smallest count shown.
    complete : dict of str to bool
        Whether the place has a season before the running one.
    seasons : tuple of str
        Names of the seasons that count for all places.
    omitted : tuple of str
        Seasons of the pandemic that were left out.
    pandemic : tuple of str
        Seasons of the pandemic that count for want of others.
    least : float or None
        Smallest count shown where some are left out to protect persons.
    hidden : dict of str to float
        By location, share of the counts over zero of its seasons that are left out to protect persons; never 0.
    notes, notes_zh : dict of str to str
        By location, where its seasons are others than those of all.
    """

    places: dict[str, Floats]
    complete: dict[str, bool]
    seasons: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    pandemic: tuple[str, ...] = ()
    least: float | None = None
    hidden: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    notes_zh: dict[str, str] = field(default_factory=dict)


def in_pandemic(calendar: Seasons, season: int) -> bool:
    """Whether more than half of a season lies in the COVID-19 pandemic.

    Parameters
    ----------
    calendar : Seasons
        How the disease's seasons lie.
    season : int
        Year in which it starts.

    Examples
    --------
    >>> flu = Seasons(Cadence("week", 0), 31)
    >>> [in_pandemic(flu, year) for year in (2019, 2020, 2021, 2022)]
    [False, True, True, False]
    """
    first, after = calendar.first(season), calendar.first(season + 1)
    inside = (min(after, PANDEMIC[1]) - max(first, PANDEMIC[0])).days
    return inside > (after - first).days / 2


def baseline(
    history: pl.DataFrame, cadence: Cadence, disease: str = "", left_out: pl.DataFrame | None = None
) -> Baseline:
    """The seasons that the levels of a run rest on.

    A season counts for all places where four fifths of them know four fifths of its periods; the running season never
    does. Of a respiratory disease, seasons that lie mostly in the pandemic are left out where another one counts. A
    place takes those of the seasons of which it knows at least half; where it knows none, its own complete ones, and
    where it has none either, the running one. Where no season counts for all, each place takes its own.

    Parameters
    ----------
    history : polars.DataFrame
        ``location``, ``date``, ``value`` (not null) as known.
    cadence : Cadence
        Its cadence.
    disease : str
        Any label of the disease.
    left_out : polars.DataFrame, optional
        ``location``, ``date`` of the counts that were left out to protect persons.

    Returns
    -------
    Baseline
        Of every place that has a known value.
    """
    names = sorted(history["location"].unique().to_list())
    history, least, marks = _filled(history.select("location", "date", "value"), names, left_out)
    calendar, days = find(history, cadence), history["date"]
    numbers = list(range(calendar.season_of(days.min()), calendar.season_of(days.max()) + 1))  # type: ignore[arg-type]
    values = _cube(calendar, numbers, names, history)
    hidden = np.isfinite(_cube(calendar, numbers, names, marks))
    share = np.isfinite(values).mean(axis=2)
    chosen, own, omitted = _seasons(share, _respiratory(calendar, numbers, disease))
    labels = np.array([calendar.label(s) for s in numbers])
    found = Baseline(
        {}, {},
        tuple(labels[chosen].tolist()), tuple(labels[omitted].tolist()),
        tuple(labels[chosen & _respiratory(calendar, numbers, disease)].tolist()), least,
    )  # fmt: skip
    for k, place in enumerate(names):
        rows = chosen & (share[k] >= PARTLY)
        if not rows.any():
            rows = own[k]
        found.complete[place] = bool(rows.any())
        if not rows.any():
            rows = np.ones(len(numbers), dtype=bool)
        elif chosen.any() and not np.array_equal(rows, chosen):
            items = ", ".join(labels[rows])
            found.notes[place] = f"cuts are from other seasons than those of most places: {items}"
            found.notes_zh[place] = f"界值所依据的流行季与多数地区不同：{'、'.join(labels[rows])}"
        found.places[place] = values[k][rows]
        positive = values[k][rows] > 0
        if hidden[k][rows].any():
            found.hidden[place] = float(hidden[k][rows].sum() / positive.sum())
    return found


def _filled(
    history: pl.DataFrame, names: list[str], left_out: pl.DataFrame | None
) -> tuple[pl.DataFrame, float | None, pl.DataFrame]:
    """The history with the counts left out as half of the smallest one shown, that smallest one, and which they are."""
    if left_out is None or left_out.height == 0:
        return history, None, history.clear()
    least = history.filter(pl.col("value") > 0)["value"].min()
    smallest = float(least) if isinstance(least, float) else 2.0
    rows = left_out.filter(pl.col("location").is_in(names)).join(history, on=["location", "date"], how="anti")
    marks = rows.select("location", "date", pl.lit(smallest / 2).alias("value"))
    return pl.concat([history, marks]), smallest, marks


def _cube(calendar: Seasons, seasons: list[int], names: list[str], history: pl.DataFrame) -> Floats:
    """Values by place, season and position, without the 53rd week that not all seasons have."""
    table = calendar.align(history.filter(pl.col("value").is_not_null()))
    out = np.full((len(names), len(seasons), max(calendar.length(s) for s in seasons)), np.nan)
    row = {name: k for k, name in enumerate(names)}
    where = [row[x] for x in table["location"]], table["season"].to_numpy() - seasons[0], table["position"].to_numpy()
    out[where] = table["value"].to_numpy()
    return out[:, :, : min(calendar.length(s) for s in seasons)]


def _respiratory(calendar: Seasons, seasons: list[int], disease: str) -> NDArray[np.bool_]:
    """Which seasons the pandemic kept from being usual ones of the disease."""
    concerned = diseases.group(disease) == "respiratory"
    return np.array([concerned and in_pandemic(calendar, s) for s in seasons], dtype=bool)


def _seasons(
    share: Floats, unusual: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Seasons that count for all, those of each place alone, and unusual ones left out."""
    complete = share >= COMPLETE
    complete[:, -1] = False
    placed = complete.any(axis=1)
    common = complete[placed].mean(axis=0) >= COMPLETE if placed.any() else np.zeros(share.shape[1], dtype=bool)
    usual = common & ~unusual
    chosen = usual if usual.any() else common
    apart = complete & ~unusual
    own = np.where(apart.any(axis=1, keepdims=True), apart, complete)
    return chosen, own, common & unusual & ~chosen
