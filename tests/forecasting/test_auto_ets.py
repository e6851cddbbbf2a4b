"""Exponential smoothing: its season where there is one, closed-form intervals, no shift of late places."""

from __future__ import annotations

import numpy as np
from helpers_panels import MONTH, autoregressive, panel_of

from salus.forecasting.auto_ets import EtsModel


def test_months_find_their_season() -> None:
    season = 0.5 * np.sin(2 * np.pi * np.arange(132) / 12)
    u = 2 + season + (autoregressive(132, 0.0, 0.05)[0] ** 0.25 - 2)
    values = np.asarray(u**4)[None]
    model = EtsModel()
    model.fit(panel_of(values[:, :120], MONTH))
    answer = model.predict(panel_of(values[:, :120], MONTH), [3, 9])[0] ** 0.25
    np.testing.assert_allclose(answer[:, 11], u[[122, 128]], atol=0.15)
    later = model.predict(panel_of(values[:, :126], MONTH), [3])[0, 0, 11] ** 0.25
    np.testing.assert_allclose(later, u[128], atol=0.15)


def test_the_spread_widens_with_the_horizon_of_a_random_walk() -> None:
    walk = 3 + 0.1 * np.cumsum(np.random.default_rng(2).standard_normal(300))
    panel = panel_of(np.asarray(np.abs(walk) ** 4)[None])
    model = EtsModel()
    model.fit(panel)
    u = model.predict(panel, [1, 4])[0] ** 0.25
    width = u[:, 18] - u[:, 4]
    assert 1.5 < width[1] / width[0] < 2.6


def test_a_late_place_is_forecast_further_ahead() -> None:
    values = autoregressive(150)
    late = np.concatenate([values, np.full((1, 2), np.nan)], axis=1)
    model = EtsModel()
    model.fit(panel_of(values))
    np.testing.assert_allclose(
        model.predict(panel_of(late), [1, 2]), model.predict(panel_of(values), [3, 4]), rtol=1e-12
    )


def test_too_few_values_are_not_answered_and_a_constant_stays() -> None:
    values = np.full((2, 40), np.nan)
    values[0, -19:] = np.arange(19) + 1.0
    values[1] = 5.0
    answer = EtsModel().predict(panel_of(values), [1])
    assert np.isnan(answer[0]).all()
    np.testing.assert_allclose(answer[1], 5.0)
