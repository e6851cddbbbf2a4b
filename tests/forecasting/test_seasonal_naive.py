"""Seasonal naive against its formula."""

from __future__ import annotations

import numpy as np
from helpers_panels import DAY, MONTH, WEEK, autoregressive, panel_of

from salus.forecasting.model import TAUS
from salus.forecasting.seasonal_naive import SeasonalNaive


def test_the_median_is_the_value_of_the_same_period_last_season() -> None:
    for cadence, step in ((WEEK, 52), (MONTH, 12), (DAY, 7)):
        values = autoregressive(160)
        answer = SeasonalNaive().predict(panel_of(values, cadence), [1, 4])
        np.testing.assert_allclose(answer[0, :, 11], [values[0, 160 - step], values[0, 163 - step]], rtol=1e-9)


def test_the_spread_is_that_of_past_changes_over_a_season() -> None:
    values = autoregressive(200)
    u = values[0] ** 0.25
    changes = u[52:] - u[:-52]
    expected = np.maximum(u[200 - 52] + np.quantile(np.r_[changes, -changes], TAUS), 0) ** 4
    np.testing.assert_allclose(SeasonalNaive().predict(panel_of(values), [1])[0, 0], expected, rtol=1e-12)


def test_a_missing_value_is_taken_from_the_season_before() -> None:
    values = autoregressive(200)
    values[0, 200 - 52] = np.nan
    answer = SeasonalNaive().predict(panel_of(values), [1])
    np.testing.assert_allclose(answer[0, 0, 11], values[0, 200 - 104], rtol=1e-9)


def test_a_late_place_changes_nothing_for_the_same_targets() -> None:
    values = autoregressive(200)
    late = values.copy()
    late[0, -3:] = np.nan
    one = SeasonalNaive().predict(panel_of(values), [1])[0, 0, 11]
    np.testing.assert_allclose(SeasonalNaive().predict(panel_of(late), [1])[0, 0, 11], one, rtol=1e-9)


def test_less_than_a_season_is_not_answered() -> None:
    assert np.isnan(SeasonalNaive().predict(panel_of(autoregressive(51)), [1])).all()
    assert np.isnan(SeasonalNaive().predict(panel_of(autoregressive(52)), [1])).all()
    assert np.isfinite(SeasonalNaive().predict(panel_of(autoregressive(53)), [1])).all()


def test_days_further_ahead_than_a_week_take_the_week_before() -> None:
    values = autoregressive(60)
    answer = SeasonalNaive().predict(panel_of(values, DAY), [7, 8])
    np.testing.assert_allclose(answer[0, :, 11], [values[0, 59], values[0, 53]], rtol=1e-9)
