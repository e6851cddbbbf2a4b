"""Persistence: the last known value, with the spread of past changes. The null that every other model must beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.surveillance.panel import Panel

YEARS = 2
"""Length of the window of past changes: 104 weeks, 24 months."""
FEWEST = 20
"""Changes needed for their quantiles to be used as they are; with fewer, those of all places are pooled."""


class Persistence(Model):
    """Last known value plus the symmetric past changes over the same distance, on the fourth-root scale.

    A change and its mirror image count the same, so that the median is the last value. A place with fewer than 20 such
    changes borrows those of all places; with none anywhere, the change is taken to be as large as the value.
    """

    name = "persistence"
    title = "No change (the last value, with the spread of past changes)"
    title_zh = "维持不变（最近值，附以往变化幅度）"

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles around the last known value; see :meth:`Model.predict`."""
        values = root(panel.values)
        places, periods = values.shape
        window = round(YEARS * panel.cadence.per_year) + 1
        answer = np.full((places, len(horizons), TAUS.size), np.nan)
        gaps = panel.gaps
        for p in range(places):
            if gaps[p] >= periods:
                continue
            last = periods - 1 - int(gaps[p])
            for j, horizon in enumerate(horizons):
                distance = horizon + int(gaps[p])
                steps = _changes(values[p : p + 1, max(0, last + 1 - window) : last + 1], distance)
                if steps.size < FEWEST:
                    steps = _changes(values[:, -window:], distance)
                if steps.size == 0:
                    steps = np.array([values[p, last]])
                mirrored = np.concatenate([steps, -steps])
                answer[p, j] = unroot(values[p, last] + np.quantile(mirrored, TAUS))
        return answer


def _changes(values: Floats, distance: int) -> Floats:
    if values.shape[1] <= distance:
        return np.empty(0)
    steps = values[:, distance:] - values[:, :-distance]
    return np.asarray(steps[np.isfinite(steps)])
