"""Last year's drift against its formula."""

from __future__ import annotations

import numpy as np
from helpers_panels import autoregressive, panel_of

from salus.forecasting.last_year_drift import LastYearDrift


def seasonal(periods: int, noise: float) -> np.ndarray:
    season = 0.6 * np.sin(2 * np.pi * np.arange(periods) / 52.179)
    return np.asarray((2 + season + (autoregressive(periods, noise=noise)[0] ** 0.25 - 2)) ** 4)[None]


def test_the_median_is_the_last_value_moved_by_the_mean_of_past_drifts() -> None:
    values = seasonal(250, 0.1)
    u = values[0] ** 0.25
    for h, answer in zip((1, 3), LastYearDrift().predict(panel_of(values), [1, 3])[0], strict=True):
        drift = np.mean([u[249 - s + h] - u[249 - s] for s in (52, 104, 157)])
        np.testing.assert_allclose(answer[11], (u[-1] + drift) ** 4, rtol=1e-9)


def test_a_season_with_a_hole_is_left_out_of_the_mean() -> None:
    values = seasonal(250, 0.1)
    values[0, 249 - 52 + 1] = np.nan
    u = values[0] ** 0.25
    drift = np.mean([u[249 - s + 1] - u[249 - s] for s in (104, 157)])
    answer = LastYearDrift().predict(panel_of(values), [1])
    np.testing.assert_allclose(answer[0, 0, 11], (u[-1] + drift) ** 4, rtol=1e-9)


def test_the_spread_is_that_of_the_rules_own_errors() -> None:
    values = seasonal(220, 0.1)
    u = values[0] ** 0.25
    errors = []
    for t in range(220 - 1):
        past = [u[t - s + 1] - u[t - s] for s in (52, 104, 157) if t - s >= 0]
        if past:
            errors.append(u[t + 1] - u[t] - np.mean(past))
    recent = np.array(errors)[-157:]
    answer = LastYearDrift().predict(panel_of(values), [1])[0, 0] ** 0.25
    expected = np.quantile(np.r_[recent, -recent], 0.95) - np.quantile(np.r_[recent, -recent], 0.05)
    np.testing.assert_allclose(answer[20] - answer[2], expected, rtol=1e-9)


def test_a_regular_season_is_foreseen_with_little_doubt() -> None:
    values = seasonal(260, 0.0)
    answer = LastYearDrift().predict(panel_of(values[:, :250]), [1, 4])[0]
    np.testing.assert_allclose(answer[:, 11], values[0, [250, 253]], rtol=0.05)
    assert (answer[:, 20] / answer[:, 2] < 1.3).all()


def test_a_late_place_drifts_over_the_longer_distance() -> None:
    values = seasonal(250, 0.1)
    late = np.concatenate([values, np.full((1, 2), np.nan)], axis=1)
    np.testing.assert_allclose(
        LastYearDrift().predict(panel_of(late), [1])[0, 0, 11],
        LastYearDrift().predict(panel_of(values), [3])[0, 0, 11],
        rtol=1e-9,
    )


def test_less_than_a_season_is_not_answered() -> None:
    assert np.isnan(LastYearDrift().predict(panel_of(seasonal(52, 0.1)), [1])).all()
    assert np.isfinite(LastYearDrift().predict(panel_of(seasonal(60, 0.1)), [1])).all()
