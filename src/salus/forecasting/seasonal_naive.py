"""Seasonal naive: what the same period of last season was, with the spread of past changes from season to season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.forecasting.season import lags
from salus.surveillance.panel import Panel

SEASONS = 5
"""Seasons looked back: for the latest one whose value is known, and for the changes between seasons."""
FEWEST = 20
"""Changes needed for their quantiles to be used as they are; with fewer, those of all places are pooled."""


class SeasonalNaive(Model):
    """The value of the same period one season before, plus the symmetric past changes over a season.

    All is done on the fourth-root scale; a change and its mirror image count the same, so that the median is last
    season's value. Where that value is missing, the nearest of the five seasons before is taken, with the changes over
    as many seasons. Seasons of weeks are aligned by the day of the year (:func:`salus.forecasting.season.lag`). A place
    with no value in any of them, or where no place has two seasons to compare, is not answered.
    """

    name = "seasonal_naive"
    title = "Seasonal naive (as in the same period of last season)"
    title_zh = "季节性朴素法（同上一季同期）"

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles around last season's value; see :meth:`Model.predict`."""
        values = root(panel.values)
        places, periods = values.shape
        answer = np.full((places, len(horizons), TAUS.size), np.nan)
        for p in range(places):
            for j, horizon in enumerate(horizons):
                for step in lags(panel.cadence, horizon, SEASONS):
                    source = periods - 1 + horizon - step
                    if source < 0 or not np.isfinite(values[p, source]):
                        continue
                    changes = _changes(values[p : p + 1], step)
                    if changes.size < FEWEST:
                        changes = _changes(values, step)
                    if changes.size:
                        mirrored = np.concatenate([changes, -changes])
                        answer[p, j] = unroot(values[p, source] + np.quantile(mirrored, TAUS))
                    break
        return answer


def _changes(values: Floats, step: int) -> Floats:
    """Known changes over so many periods, of the last five seasons."""
    changes = values[:, step:] - values[:, :-step]
    recent = changes[:, -SEASONS * step :]
    return np.asarray(recent[np.isfinite(recent)])
