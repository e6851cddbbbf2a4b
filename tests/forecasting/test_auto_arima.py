"""ARIMA: carried on as a new fit with the same orders would be, honest at holes, bridging late places."""

from __future__ import annotations

import numpy as np
from helpers_panels import autoregressive, panel_of
from scipy.stats import norm

from salus.forecasting.auto_arima import ArimaModel
from salus.forecasting.model import TAUS
from salus.forecasting.univariate import correction, normal_quantiles, tracks


def test_the_spread_of_an_ar1_is_found() -> None:
    """Its one-step standard deviation is 0.1 on the fourth-root scale, its four-step one 1.52 times that."""
    panel = panel_of(autoregressive(400, 0.8, 0.1, seed=3))
    model = ArimaModel()
    model.fit(panel)
    u = model.predict(panel, [1, 4])[0] ** 0.25
    spread = (u[:, 18] - u[:, 4]) / (norm.ppf(TAUS[18]) - norm.ppf(TAUS[4]))
    np.testing.assert_allclose(spread, [0.1, 0.1 * np.sqrt(1 + 0.64 + 0.64**2 + 0.64**3)], rtol=0.15)
    now = panel.values[0, -1] ** 0.25
    np.testing.assert_allclose(u[0, 11], 2 + 0.8 * (now - 2), atol=0.08)


def test_later_values_are_carried_on_without_a_new_fit() -> None:
    values = autoregressive(240)
    model = ArimaModel()
    model.fit(panel_of(values[:, :200]))
    stored = dict(model._fitted)
    later = model.predict(panel_of(values), [1])
    assert model._fitted == stored
    assert not np.allclose(later, model.predict(panel_of(values[:, :200]), [1]))
    anew = ArimaModel()
    anew.fit(panel_of(values))
    np.testing.assert_allclose(later[0, 0, 11], anew.predict(panel_of(values), [1])[0, 0, 11], rtol=0.15)


def test_a_longer_history_than_the_fitted_one_is_fitted_anew() -> None:
    values = autoregressive(240)
    short = values.copy()
    short[0, :60] = np.nan
    model = ArimaModel()
    model.fit(panel_of(short))
    anew = ArimaModel()
    anew.fit(panel_of(values))
    np.testing.assert_array_equal(model.predict(panel_of(values), [1]), anew.predict(panel_of(values), [1]))


def test_a_late_place_is_forecast_further_ahead() -> None:
    values = autoregressive(200)
    late = np.concatenate([values, np.full((1, 2), np.nan)], axis=1)
    model = ArimaModel()
    model.fit(panel_of(values))
    np.testing.assert_allclose(
        model.predict(panel_of(late), [1, 2]), model.predict(panel_of(values), [3, 4]), rtol=1e-12
    )


def test_interpolated_holes_do_not_make_the_forecast_surer() -> None:
    errors = np.array([0.2, -0.2, 0.0, 0.0, 0.2, -0.2])
    known = np.array([True, True, False, False, True, True])
    np.testing.assert_allclose(correction(errors, known), np.sqrt(6 / 4))
    assert correction(np.zeros(4), np.ones(4, dtype=bool)) == 1.0


def test_tracks_run_from_the_first_known_value_to_the_last() -> None:
    values = np.full((2, 40), np.nan)
    values[0, 5:30] = 16.0
    values[0, 10] = np.nan
    values[0, 9] = 81.0
    values[1, :19] = 1.0
    first, second = tracks(panel_of(values))
    assert second is None
    assert first is not None
    assert (first.values.size, first.gap, first.known.sum()) == (25, 10, 24)
    np.testing.assert_allclose(first.values[4:7], [3.0, 2.5, 2.0])
    assert first.starts[0] == panel_of(values).starts[5]


def test_normal_quantiles_are_the_fourth_powers() -> None:
    answer = normal_quantiles(np.array([2.0]), np.array([0.5]))
    np.testing.assert_allclose(answer[0, 11], 16.0)
    np.testing.assert_allclose(answer[0, 21], (2 + 0.5 * 1.959964) ** 4, rtol=1e-6)
    assert normal_quantiles(np.array([0.1]), np.array([1.0]))[0, 0] == 0.0
