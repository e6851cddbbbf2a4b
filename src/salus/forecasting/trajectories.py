"""Past seasons as trajectories: courses that places have taken, scaled to the present one, to the season's end.

What came after the same time of year in past seasons, in any place, is carried over: shifted by a few periods, scaled
so that it fits the present course up to now, and weighted by how well it does.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.forecasting.season import lag
from salus.surveillance.panel import Panel

DRAWS = 400
"""Trajectories drawn."""
SEASONS = {"day": 26, "week": 15, "month": 15}
"""Seasons looked back; the season of days is the week."""
SHIFTS = {"day": 0, "week": 3, "month": 1}
"""Periods by which a past season may have been earlier or later."""
WINDOW = {"day": 14, "week": 14, "month": 4}
"""Periods up to now on which a past course must fit."""
FORGET = {"day": 0.97, "week": 0.85, "month": 0.5}
"""Weight of a period in the fit against the one after it; so fades ahead what the course carried over lies off."""
ALIKE = 0.08
"""Usual difference of the scale from the ratio of the two places' sizes, as a share of it, on the fourth-root scale."""
OFF = 0.5
"""Usual distance of a course from a past one of the right scale, as a share of the place's mean."""
KEPT = 100
"""Courses that count: the weight falls off at the distance of the best so many."""
NEAREST = 8
"""Periods that a past course must be known ahead, however few are asked for: a horizon's answer is always the same."""
GAP = 3
"""Longest gap in a past course that is bridged."""
FEWEST = 6
"""Past courses below which a place is not answered."""


@dataclass(frozen=True)
class _Courses:
    """Past courses of all places: up to the same time of year, and after it; shapes (courses, periods)."""

    past: Floats
    future: Floats
    size: Floats


class Trajectories(Model):
    """Past seasons of all places, scaled and shifted to fit the present one, weighted by fit.

    On the fourth-root scale. The distance that remains at the last value fades ahead; the unrest from week to week is
    that of the past courses. A place is not answered where fewer than six past courses, of any place, are known around
    and after the same time of year.
    """

    name = "trajectories"
    title = "Past seasons, scaled to the present one"
    title_zh = "以往流行季轨迹（按本季缩放）"

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles of the trajectories; see :meth:`Model.predict`."""
        paths = self.paths(panel, max(horizons))[:, :, np.array(horizons) - 1]
        return np.moveaxis(np.quantile(paths, TAUS, axis=1), 0, -1)

    def paths(self, panel: Panel, periods: int, draws: int = DRAWS, *, seed: int = 1) -> Floats:
        """Equally likely courses of the next periods.

        Parameters
        ----------
        panel : Panel
            What was known.
        periods : int
            How many, from the one after the panel's last; at most a season where one is to be known.
        draws : int
            Courses of each place.
        seed : int
            Of the order in which places' courses meet.

        Returns
        -------
        numpy.ndarray, shape (places, draws, periods)
            In the signal's unit; NaN for a place that can't be answered.
        """
        values = root(panel.values)
        answer = np.full((len(panel.locations), draws, periods), np.nan)
        gaps = panel.gaps
        kind = panel.cadence.kind
        for place, name in enumerate(panel.locations):
            gap = int(gaps[place])
            last = values.shape[1] - 1 - gap
            if last < 1:
                continue
            courses = _courses(values, panel, last, max(periods, NEAREST) + gap)
            if len(courses.past) < FEWEST:
                continue
            course = _window(values[place : place + 1], np.array([last]), WINDOW[kind])[0]
            size = _size(values[place : place + 1])[0]
            chance = np.random.default_rng([seed, zlib.crc32(name.encode())])
            answer[place] = _drawn(course, size, courses, FORGET[kind], draws, chance)[:, gap : gap + periods]
        return answer


def _courses(values: Floats, panel: Panel, last: int, ahead: int) -> _Courses:
    """All that is known as far as it is asked for, of every place, season and shift."""
    cadence = panel.cadence
    reach = SHIFTS[cadence.kind]
    ends = [last - lag(cadence, k) for k in range(1, SEASONS[cadence.kind] + 1)]
    at = [end + shift for end in ends for shift in range(-reach, reach + 1)]
    there = np.array([i for i in at if i >= 0 and i + ahead < values.shape[1]], dtype=np.int64)
    values = _bridged(values)
    past = _window(values, there, WINDOW[cadence.kind])
    future = values[:, (there[:, None] + np.arange(1, ahead + 1))]
    past, future = (x.reshape(-1, x.shape[-1]) for x in (past, future))
    size = np.repeat(_size(values), there.size)
    whole = np.isfinite(future).all(axis=1) & np.isfinite(past[:, -1]) & (np.isfinite(past).mean(axis=1) >= 0.5)
    return _Courses(past[whole], future[whole], size[whole])


def _bridged(values: Floats) -> Floats:
    """Short gaps between known values filled in by straight lines, so that one missing report costs no season."""
    filled = values.copy()
    for row in filled:
        known = np.flatnonzero(np.isfinite(row))
        if known.size > 1:
            line = np.interp(np.arange(row.size), known, row[known])
            after = np.searchsorted(known, np.arange(row.size)).clip(1, known.size - 1)
            short = (known[after] - known[after - 1] <= GAP + 1) & (np.arange(row.size) < known[-1])
            row[short & (np.arange(row.size) > known[0])] = line[short & (np.arange(row.size) > known[0])]
    return filled


def _window(values: Floats, ends: np.ndarray, width: int) -> Floats:
    """Values up to each end, NaN before the first, shape (places, ends, width)."""
    padded = np.pad(values, ((0, 0), (width, 0)), constant_values=np.nan)
    return np.asarray(padded[:, ends[:, None] + np.arange(1, width + 1)])


def _size(values: Floats) -> Floats:
    """Mean of each place over what is known."""
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _drawn(
    course: Floats, size: float, courses: _Courses, forget: float, draws: int, chance: np.random.Generator
) -> Floats:
    """Courses ahead of one place, from its last value on, in the signal's unit."""
    weight = forget ** np.arange(course.size - 1, -1, -1.0)
    both = np.isfinite(course) & np.isfinite(courses.past)
    weight = np.where(both, weight, 0.0)
    x, y = np.where(both, courses.past, 0.0), np.where(both, course, 0.0)
    usual = np.where(courses.size > 0, size / np.where(courses.size > 0, courses.size, 1.0), 1.0)
    shown = (OFF * size / ALIKE) ** 2  # how much the course must have shown before it speaks on the scale
    trust = np.where(usual > 0, shown / np.where(usual > 0, usual, 1.0) ** 2, 1.0) + 1e-12
    scale = ((weight * x * y).sum(axis=1) + trust * usual) / ((weight * x**2).sum(axis=1) + trust)
    left = np.where(both, y - scale[:, None] * x, np.nan)
    error = np.nansum(weight * left**2, axis=1) / weight.sum(axis=1)
    odd = np.log(np.where((scale > 0) & (usual > 0), scale / np.where(usual > 0, usual, 1.0), 1.0)) / ALIKE
    reach = np.partition(error, min(KEPT, error.size) - 1)[min(KEPT, error.size) - 1] + 1e-12
    chances = np.exp(-0.5 * error / reach - 0.5 * odd**2)
    ahead = courses.future.shape[1]
    fade = forget ** np.arange(1, ahead + 1)
    carried = scale[:, None] * courses.future + left[:, [-1]] * fade
    order = np.argsort(carried.mean(axis=1), kind="stable")
    mass = np.cumsum(chances[order])
    taken = order[np.minimum(np.searchsorted(mass, (np.arange(draws) + 0.5) / draws * mass[-1]), order.size - 1)]
    return unroot(carried[chance.permutation(taken)])
