"""What the pooled model looks at: right, and from the past alone."""

import datetime as dt

import numpy as np
import pytest

from salus.forecasting import features, windows
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK = Cadence("week", 0)


def panel(values: np.ndarray, first: dt.date = dt.date(2010, 1, 4)) -> Panel:
    starts = tuple(WEEK.shift(first, k) for k in range(values.shape[1]))
    places = tuple(f"P{i:02d}" for i in range(values.shape[0]))
    return Panel("x", "cases", WEEK, WEEK.end(starts[-1]), starts, places, values, np.full(len(places), np.nan))


def waves(places: int = 6, weeks: int = 400, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    season = np.exp(2 * np.sin(2 * np.pi * np.arange(weeks) / 52)) * 20
    return rng.poisson(season * rng.uniform(0.5, 2, (places, 1))).astype(float)


def test_trailing_mean_is_that_of_the_known_values_and_needs_half_of_them():
    values = np.array([[1.0, np.nan, 3.0, 5.0, np.nan, np.nan, np.nan]])
    found = windows.trailing_mean(values, 3)
    assert np.array_equal(found[0], [np.nan, np.nan, 2.0, 4.0, 4.0, np.nan, np.nan], equal_nan=True)


def test_trailing_maximum_and_how_long_ago_against_a_plain_loop():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((3, 60)) < 0.2, np.nan, rng.integers(0, 9, (3, 60)).astype(float))
    greatest, since = windows.trailing_max(values, 7)
    for p in range(3):
        for t in range(60):
            window = values[p, max(0, t - 6) : t + 1]
            if np.isnan(window).all():
                assert np.isnan(greatest[p, t])
                continue
            assert greatest[p, t] == np.nanmax(window)
            assert since[p, t] == np.nonzero(window[::-1] == np.nanmax(window))[0][0]


def test_the_parabola_is_that_of_least_squares():
    values = np.random.default_rng(3).normal(size=(1, 30))
    slope, curve = windows.quadratic(values, 6)
    fitted = np.polyfit(np.arange(-5, 1), values[0, 20:26], 2)
    assert slope[0, 25] == pytest.approx(fitted[1])
    assert curve[0, 25] == pytest.approx(fitted[0])


def test_no_feature_sees_a_later_period(monkeypatch):
    """With the sizes and the choice of neighbours held, cutting off the end changes nothing before it."""
    monkeypatch.setattr(features, "sizes", lambda values: np.full(values.shape[0], 50.0))
    monkeypatch.setattr(features, "neighbours", lambda u: np.full_like(u, np.nan))
    values = waves()
    whole, cut = features.build(panel(values)), features.build(panel(values[:, :330]))
    for name, column in cut.columns.items():
        np.testing.assert_allclose(whole.columns[name][:, :330], column, err_msg=name)
    for ahead in (1, 2, 4):
        later, earlier = features.at_horizon(whole, ahead), features.at_horizon(cut, ahead)
        for name, column in earlier.items():
            np.testing.assert_allclose(later[name][:, :330], column, err_msg=name)


def test_the_usual_course_of_a_perfect_year_is_what_comes():
    year = 30 + 25 * np.sin(2 * np.pi * np.arange(52) / 52)
    grid = features.build(panel(np.tile(year, 8)[None, :]))
    found = features.at_horizon(grid, 3)
    here, there = grid.u[0, 370], grid.u[0, 373]
    assert found["past_change"][0, 370] == pytest.approx(there - here)
    assert found["past_level"][0, 370] == pytest.approx(there - here)
    assert found["past_change_spread"][0, 370] == pytest.approx(0, abs=1e-9)


def test_a_short_history_has_no_usual_course():
    found = features.at_horizon(features.build(panel(waves(weeks=180))), 2)
    assert np.isnan(found["past_change"]).all()


def test_sizes_survive_zeros_and_unknown_places():
    values = np.array([[0.0] * 10, [np.nan] * 10, list(range(1, 11))])
    found = features.sizes(values)
    assert (found > 0).all()
    assert np.isfinite(found).all()
    assert (features.sizes(np.zeros((2, 5))) == 1).all()


def test_neighbours_are_those_that_move_alike():
    rng = np.random.default_rng(5)
    north, south = rng.normal(size=200).cumsum(), rng.normal(size=200).cumsum()
    u = np.stack([north + 10, north + 11, north + 12, south, south + 1, south + 2])
    found = features.neighbours(u)
    assert np.corrcoef(np.diff(found[0]), np.diff(north))[0, 1] > np.corrcoef(np.diff(found[0]), np.diff(south))[0, 1]
