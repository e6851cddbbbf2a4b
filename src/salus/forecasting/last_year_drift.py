"""Last year's drift: the last known value, moved as the same weeks of past years moved from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.forecasting.season import lags
from salus.surveillance.panel import Panel

SEASONS = 3
"""Past seasons whose drift is averaged."""
YEARS = 3
"""Length of the window of past errors of the rule."""
FEWEST = 20
"""Errors needed for their quantiles to be used as they are; with fewer, those of all places are pooled."""


class LastYearDrift(Model):
    """Last known value plus the mean change that followed the same period in up to three past seasons.

    The change is taken on the fourth-root scale, over the same distance, seasons aligned by the day of the year
    (:func:`salus.forecasting.season.lag`). The spread is that of the rule's own errors in the last three years,
    mirrored, so that the median is the rule's answer. A place with no past season, or where the rule has made no error
    yet because no place has two, is not answered.
    """

    name = "last_year_drift"
    title = "Last year's drift (the last value, moved as past years moved from there)"
    title_zh = "往年漂移法（最近值加往年同期变化）"

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles around the drifted last value; see :meth:`Model.predict`."""
        values = root(panel.values)
        places, periods = values.shape
        window = round(YEARS * panel.cadence.per_year)
        answer = np.full((places, len(horizons), TAUS.size), np.nan)
        gaps = panel.gaps
        rules: dict[int, tuple[Floats, Floats]] = {}
        for p in range(places):
            if gaps[p] >= periods:
                continue
            last = periods - 1 - int(gaps[p])
            for j, horizon in enumerate(horizons):
                distance = horizon + int(gaps[p])
                if distance not in rules:
                    rules[distance] = _rule(values, distance, lags(panel.cadence, distance, SEASONS))
                centre, errors = rules[distance]
                own = errors[p, -window:]
                own = own[np.isfinite(own)]
                if own.size < FEWEST:
                    own = errors[:, -window:][np.isfinite(errors[:, -window:])]
                if np.isfinite(centre[p, last]) and own.size:
                    mirrored = np.concatenate([own, -own])
                    answer[p, j] = unroot(centre[p, last] + np.quantile(mirrored, TAUS))
        return answer


def _rule(values: Floats, distance: int, steps: Sequence[int]) -> tuple[Floats, Floats]:
    """The rule's answer from each origin, and its error where the target is known, both (places, periods)."""
    places, periods = values.shape
    total = np.zeros((places, periods))
    count = np.zeros((places, periods))
    for step in steps:
        if step >= periods:
            continue
        origins = np.arange(step, periods)
        change = values[:, origins - step + distance] - values[:, origins - step]
        known = np.isfinite(change)
        total[:, origins] += np.where(known, change, 0.0)
        count[:, origins] += known
    drift = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    centre = values + drift
    errors = np.full_like(centre, np.nan)
    if periods > distance:
        errors[:, distance:] = values[:, distance:] - centre[:, :-distance]
    return centre, errors
