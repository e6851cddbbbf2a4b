"""SAAIM: the prior's past forecasts are the library's, and the weight goes to the member that erred less."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_panels import autoregressive, panel_of

from salus.forecasting.auto_arima import ArimaModel
from salus.forecasting.saaim import Saaim, _before_window, rolling
from salus.forecasting.univariate import tracks


@pytest.mark.parametrize("kind", ["stationary", "walk", "seasonal"])
def test_forecasts_from_past_origins_are_those_of_statsforecast(kind: str) -> None:
    u = autoregressive(150, 0.7, 0.15, seed=3)[0] ** 0.25
    if kind == "walk":
        u = 3 + np.cumsum(u - 2) * 0.3
    if kind == "seasonal":
        u = u + 0.5 * np.sin(2 * np.pi * np.arange(150) / 52.179)
    values = np.asarray(np.abs(u) ** 4)[None]
    [track] = tracks(panel_of(values))
    assert track is not None
    fitted = ArimaModel().estimate(track, panel_of(values).cadence)
    assert fitted is not None
    paths = rolling(fitted, track, 4)
    for origin in (149, 130, 120):
        [past] = tracks(panel_of(values[:, : origin + 1]))
        assert past is not None
        np.testing.assert_allclose(paths[origin], fitted.forecast(past, 4)[0], atol=1e-6)


def test_no_value_of_the_window_is_fitted_on() -> None:
    values = autoregressive(200)
    values = np.concatenate([values, values[:, ::-1]])
    changed = values.copy()
    changed[:, -26:] *= 3
    one, other = Saaim(), Saaim()
    one.fit(panel_of(values))
    other.fit(panel_of(changed))
    asked = panel_of(values)
    np.testing.assert_array_equal(one.predict(asked, [1, 4]), other.predict(asked, [1, 4]))
    assert len(_before_window(asked).starts) == 200 - 26


def test_it_beats_its_prior_where_trees_see_what_arima_cannot() -> None:
    """Each place leaps by the same amount after every low: a threshold, which no ARIMA holds."""
    chance = np.random.default_rng(5)
    u = np.full((3, 260), 2.0)
    for t in range(1, 260):
        low = u[:, t - 1] < 1.6
        u[:, t] = np.where(low, 3.0, u[:, t - 1] - 0.17) + 0.02 * chance.standard_normal(3)
    values = u**4
    both: dict[str, list[float]] = {"saaim": [], "arima": []}
    saaim, arima = Saaim(), ArimaModel()
    saaim.fit(panel_of(values[:, :240]))
    arima.fit(panel_of(values[:, :240]))
    for last in range(240, 258):
        panel, truth = panel_of(values[:, :last]), u[:, last]
        for name, model in (("saaim", saaim), ("arima", arima)):
            median = model.predict(panel, [1])[:, 0, 11] ** 0.25
            both[name].append(float(np.mean((median - truth) ** 2)))
    assert np.mean(both["saaim"]) < 0.7 * np.mean(both["arima"])


def test_silent_and_young_places_are_not_answered() -> None:
    values = np.concatenate([autoregressive(150), autoregressive(150, seed=2), autoregressive(150, seed=3)])
    values[1, -9:] = np.nan
    values[2, :110] = np.nan
    answer = Saaim().predict(panel_of(values), [1])
    assert np.isfinite(answer[0]).all()
    assert np.isnan(answer[1:]).all()
