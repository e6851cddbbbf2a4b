"""Exponential smoothing of each place on the fourth-root scale, form chosen by statsforecast's AutoETS."""

from __future__ import annotations

import warnings

import numpy as np
from statsforecast.models import AutoETS

from salus.forecasting.univariate import Fitted, Track, Univariate, correction
from salus.surveillance.weeks import Cadence


class EtsModel(Univariate):
    """Exponential smoothing with additive errors, each place alone.

    Trend, its damping and, for months and days, an additive season are chosen by the corrected information criterion. A
    season of 52 weeks would need 52 states, more than the data can tell: weeks go without, so that the forecast is near
    persistence with a spread of its own. Additive errors keep the intervals in closed form, hence repeatable.
    """

    name = "auto_ets"
    title = "Exponential smoothing, each place alone (AutoETS)"
    title_zh = "自动指数平滑模型（逐地区）"

    def estimate(self, track: Track, cadence: Cadence) -> Fitted | None:
        """Choose the form; None where no stable model is found."""
        season = 1 if cadence.kind == "week" else cadence.season_length
        model = AutoETS(season_length=season, model="AZN" if season == 1 else "AZZ")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model.fit(track.values)
            except (ValueError, np.linalg.LinAlgError):
                return None
        errors = np.asarray(model.model_["residuals"], dtype=np.float64)
        return Fitted(model, track.starts[0], cadence, 0, correction(errors, track.known))
