"""Questions about a whole season, answered from joint paths: when is the peak, how high, when does it begin.

Each is a number of every path, so its distribution keeps how the weeks go together; margins alone can't tell it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.errors import InputError
from salus.forecasting.model import Floats
from salus.surveillance.panel import Panel
from salus.surveillance.seasons import Seasons
from salus.tables.contracts import LEVELS, MILESTONES

NEVER = "never"
"""The answer "not in this season" to the question for a week."""
NEXT = 4
"""Periods over which the coming total is told."""


@dataclass(frozen=True)
class Course:
    """One season of several places: what is known of it, and paths for the rest.

    Attributes
    ----------
    locations : tuple of str
        Places.
    ends : tuple of datetime.date
        Last days of the season's periods, from its first to its last.
    values : numpy.ndarray, shape (places, draws, periods)
        Known values, the same in all draws, then paths; NaN where a past period is unknown.
    known : int
        Periods of the season up to now.
    label : str
        Name of the season, such as ``2018/19``.
    """

    locations: tuple[str, ...]
    ends: tuple[dt.date, ...]
    values: Floats
    known: int
    label: str

    def peak(self) -> np.ndarray:
        """Number of the period with the highest value, the first of equal ones; shape (places, draws)."""
        return np.asarray(np.argmax(np.where(np.isfinite(self.values), self.values, -1.0), axis=2))

    def size(self) -> Floats:
        """Highest value; shape (places, draws)."""
        return np.asarray(np.where(np.isfinite(self.values), self.values, -1.0).max(axis=2))

    def onset(self, thresholds: Floats, run: int = 1) -> np.ndarray:
        """Number of the first period from which the value is at or above a threshold for a run of periods.

        Parameters
        ----------
        thresholds : numpy.ndarray, shape (places,)
            In the signal's unit.
        run : int
            Periods in a row, as the season's definition has it.

        Returns
        -------
        numpy.ndarray of int, shape (places, draws)
            As many as the season has periods, where it never is.
        """
        over = self.values >= thresholds[:, None, None]
        periods = over.shape[2]
        whole = over.copy()
        for later in range(1, run):
            whole[:, :, : periods - later] &= over[:, :, later:]
            whole[:, :, periods - later :] = False
        return np.where(whole.any(axis=2), np.argmax(whole, axis=2), periods)

    def above(self, thresholds: Floats) -> np.ndarray:
        """Periods of the season at or above a threshold; shape (places, draws).

        Parameters
        ----------
        thresholds : numpy.ndarray, shape (places,)
            In the signal's unit.
        """
        return np.asarray((self.values >= thresholds[:, None, None]).sum(axis=2))

    def coming(self, periods: int = NEXT) -> Floats:
        """Sum over the next periods; shape (places, draws).

        Parameters
        ----------
        periods : int
            How many; fewer where the season ends before.
        """
        return np.asarray(self.values[:, :, self.known : self.known + periods].sum(axis=2))


def season_ahead(panel: Panel, seasons: Seasons) -> tuple[int, int, int]:
    """The season of the next period, how much of it is known, and how much is to come.

    Parameters
    ----------
    panel : Panel
        What was known.
    seasons : Seasons
        Where the seasons of the disease begin.

    Returns
    -------
    season : int
        Year in which it starts.
    known, ahead : int
        Periods up to the panel's last, and after it.
    """
    coming = panel.cadence.shift(panel.starts[-1], 1)
    season = seasons.season_of(coming)
    known = seasons.position(coming)
    return season, known, seasons.length(season) - known


def course(panel: Panel, seasons: Seasons, paths: Floats) -> Course:
    """The season in whole: what is known of it, and paths to its end.

    Parameters
    ----------
    panel : Panel
        What was known.
    seasons : Seasons
        Where the seasons begin.
    paths : numpy.ndarray, shape (places, draws, periods)
        Of the panel's places, at least to the season's end; NaN for places without an answer, which are left out.

    Returns
    -------
    Course
        Unknown periods of late places before the first path stay unknown.

    Raises
    ------
    InputError
        The paths end before the season does.
    """
    season, known, ahead = season_ahead(panel, seasons)
    if paths.shape[2] < ahead:
        raise InputError(
            f"the paths go {paths.shape[2]} periods ahead, the season {seasons.label(season)} {ahead}. "
            f"Give paths of {ahead} periods."
        )
    answered = np.asarray(np.isfinite(paths).all(axis=(1, 2)))
    past = np.full((len(panel.locations), known), np.nan)
    there = min(known, len(panel.starts))
    if there:
        past[:, known - there :] = panel.values[:, -there:]
    so_far = np.repeat(past[answered, None], paths.shape[1], axis=1)
    first = seasons.first(season)
    ends = tuple(panel.cadence.end(panel.cadence.shift(first, k)) for k in range(known + ahead))
    names = tuple(p for p, a in zip(panel.locations, answered, strict=True) if a)
    whole = np.concatenate([so_far, paths[answered][:, :, :ahead]], axis=2)
    return Course(names, ends, whole, known, seasons.label(season))


def table(
    found: Course,
    model: str,
    panel: Panel,
    cuts: Mapping[str, Sequence[float]] | None = None,
    *,
    run: int = 1,
    adds_up: bool = True,
) -> pl.DataFrame:
    """Every answer as rows.

    Parameters
    ----------
    found : Course
        The season.
    model : str
        Name of the model whose paths they are.
    panel : Panel
        What was known.
    cuts : mapping of str to sequence of float, optional
        Where each place's levels begin, for onset and periods above; places without have no such rows.
    run : int
        Periods in a row at or above a cut that make an onset.
    adds_up : bool
        Whether values of several periods add up, so that the coming total means something: counts do, rates do not.

    Returns
    -------
    polars.DataFrame
        `milestones` contract.
    """
    weeks = [end.isoformat() for end in found.ends]
    names = [f"{level:g}" for level in LEVELS]
    rows: list[tuple[str, str, str, str, float]] = []

    def spread(place: str, target: str, values: np.ndarray) -> None:
        rows.extend((place, target, "quantile", n, float(q)) for n, q in zip(names, _quantiles(values), strict=True))

    def when(place: str, target: str, number: np.ndarray) -> None:
        share = np.bincount(number, minlength=len(weeks) + 1) / number.size
        named = [*weeks, NEVER] if target.startswith("onset") else weeks
        rows.extend((place, target, "pmf", n, float(p)) for n, p in zip(named, share, strict=False))

    peaks, sizes, totals = found.peak(), found.size(), found.coming()
    most = max((len(c) for c in (cuts or {}).values()), default=0)
    edges = np.full((most, len(found.locations)), np.inf)
    for i, place in enumerate(found.locations):
        own = (cuts or {}).get(place, ())
        edges[: len(own), i] = own
    onsets = [found.onset(edge, run) for edge in edges]
    spells = [found.above(edge) for edge in edges]
    for i, place in enumerate(found.locations):
        when(place, "peak", peaks[i])
        spread(place, "peak size", sizes[i])
        if adds_up:
            spread(place, f"next {min(NEXT, len(weeks) - found.known)}", totals[i])
        for level in range(len((cuts or {}).get(place, ()))):
            when(place, f"onset of level {level + 1}", onsets[level][i])
            spread(place, f"periods at level {level + 1}", spells[level][i])
    schema = ["location", "target", "output_type", "output_type_id", "value"]
    frame = pl.DataFrame(rows, schema={c: MILESTONES[c].dtype for c in schema}, orient="row")
    return frame.with_columns(
        pl.lit(model).alias("model"),
        pl.lit(panel.reference_date).alias("reference_date"),
        pl.lit(panel.disease).alias("disease"),
        pl.lit(panel.signal).alias("signal"),
        pl.lit(found.label).alias("season"),
    ).select(MILESTONES.names)


def _quantiles(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.quantile(values, LEVELS))
