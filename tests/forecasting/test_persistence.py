"""Persistence against its formula."""

from __future__ import annotations

import numpy as np
from helpers_panels import autoregressive, panel_of

from salus.forecasting.model import TAUS, tidy
from salus.forecasting.persistence import Persistence


def test_the_median_is_the_last_value_and_the_spread_that_of_past_changes() -> None:
    values = autoregressive(130)
    answer = Persistence().predict(panel_of(values), [1, 4])
    u = values[0] ** 0.25
    for j, h in enumerate((1, 4)):
        steps = u[130 - 105 + h :] - u[130 - 105 : -h]
        expected = np.maximum(u[-1] + np.quantile(np.r_[steps, -steps], TAUS), 0) ** 4
        np.testing.assert_allclose(answer[0, j], expected, rtol=1e-12)
    np.testing.assert_allclose(answer[0, :, 11], values[0, -1], rtol=1e-9)


def test_a_late_place_has_the_spread_of_the_longer_distance() -> None:
    values = autoregressive(130)
    late = np.concatenate([values, np.full((1, 2), np.nan)], axis=1)
    one = Persistence().predict(panel_of(late), [1])
    np.testing.assert_allclose(one, Persistence().predict(panel_of(values), [3]), rtol=1e-12)


def test_a_young_place_borrows_the_changes_of_all() -> None:
    values = np.concatenate([autoregressive(130), autoregressive(130, noise=0.3, seed=2)])
    young = values.copy()
    young[0, :-5] = np.nan
    width = np.diff(Persistence().predict(panel_of(young), [1])[0, 0, [4, 18]] ** 0.25)
    own = np.diff(Persistence().predict(panel_of(values), [1])[0, 0, [4, 18]] ** 0.25)
    assert width > 1.5 * own


def test_a_single_value_is_taken_to_change_by_as_much_as_itself() -> None:
    answer = tidy(Persistence().predict(panel_of(np.array([[81.0]])), [1]))
    assert answer[0, 0, 0] < 1e-3
    np.testing.assert_allclose(answer[0, 0, -1], (3 + 0.98 * 3) ** 4)
