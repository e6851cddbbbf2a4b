"""Past seasons as trajectories, on simulated epidemics whose peaks are known."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from helpers_panels import MONTH, WEEK, panel_of
from numpy.typing import NDArray

from salus.evaluation.scores import ranked_probability_score, weighted_interval_score
from salus.forecasting.milestones import course, season_ahead
from salus.forecasting.model import TAUS
from salus.forecasting.trajectories import Trajectories
from salus.surveillance.panel import Panel
from salus.surveillance.seasons import Seasons

Floats = NDArray[np.float64]
PLACES, YEARS = 6, 8
SEASONS = Seasons(WEEK, 36)


@cache
def truth(seed: int = 4) -> Floats:
    """Epidemic waves (places, weeks) of every year: height, week and width vary by year, a little by place."""
    chance = np.random.default_rng(seed)
    weeks = int(YEARS * 52.18)
    week = np.arange(weeks) + 0.0
    log = np.zeros((PLACES, weeks))
    for year in range(YEARS + 1):
        height = chance.normal(0.0, 0.15) + chance.normal(0.0, 0.05, PLACES)
        middle = 52.18 * year + chance.normal(0.0, 3.0) + chance.normal(0.0, 1.0, PLACES)
        width = np.exp(chance.normal(np.log(4.0), 0.1, PLACES))
        log += 4 * np.exp(height)[:, None] * np.exp(-0.5 * ((week - middle[:, None]) / width[:, None]) ** 2)
    mean = np.linspace(2, 8, PLACES)[:, None] * np.exp(0.7 * log)
    return np.asarray(chance.poisson(mean * np.exp(0.05 * chance.standard_normal(mean.shape))).astype(float))


def known(week: int) -> Panel:
    return panel_of(truth()[:, : week + 1])


def first_week(season: int) -> int:
    return WEEK.between(panel_of(truth()).starts[0], SEASONS.first(season))


@cache
def played() -> tuple[Floats, Floats, Floats, Floats]:
    """Scores of peak week and size (ours, climatology's) over four seasons, each asked every four weeks."""
    week_ours, week_past, size_ours, size_past = [], [], [], []
    for season in range(2023, 2026):
        start, length = first_week(season), SEASONS.length(season)
        whole = truth()[:, start : start + length]
        earlier = np.stack([truth()[:, (i := first_week(s)) : i + length] for s in range(2020, season)])
        past_week = np.bincount(earlier.argmax(axis=2).ravel(), minlength=length) / earlier[..., 0].size
        past_size = np.quantile(earlier.max(axis=2), TAUS, axis=0).T
        for age in range(4, 24, 4):
            panel = known(start + age)
            _, _, ahead = season_ahead(panel, SEASONS)
            found = course(panel, SEASONS, Trajectories().paths(panel, ahead))
            chances = np.stack([np.bincount(x, minlength=length) / x.size for x in found.peak()])
            week_ours.append(ranked_probability_score(chances, whole.argmax(axis=1)))
            week_past.append(ranked_probability_score(np.tile(past_week, (PLACES, 1)), whole.argmax(axis=1)))
            size = np.quantile(found.size(), TAUS, axis=1).T
            size_ours.append(weighted_interval_score(size, whole.max(axis=1)))
            size_past.append(weighted_interval_score(past_size, whole.max(axis=1)))
    return np.array(week_ours), np.array(week_past), np.array(size_ours), np.array(size_past)


def test_the_week_of_the_peak_is_told_better_than_by_past_peaks() -> None:
    ours, past, _, _ = played()
    assert ours.mean() < 0.8 * past.mean()


def test_the_size_of_the_peak_is_told_better_than_by_past_peaks() -> None:
    _, _, ours, past = played()
    assert ours.mean() < 0.8 * past.mean()


def test_the_nearer_the_peak_the_better() -> None:
    ours = played()[0].reshape(3, 5, PLACES).mean(axis=(0, 2))
    assert ours[-1] < 0.3 * ours[0]


def test_paths_to_the_end_of_the_season_hold_what_they_promise() -> None:
    inside = []
    for week in range(200, 330, 13):
        panel = known(week)
        paths = Trajectories().paths(panel, 26)
        came = truth()[:, week + 1 : week + 27]
        low, high = np.quantile(paths, (0.05, 0.95), axis=1)
        inside.append(((came >= low - 1) & (came <= high + 1)).mean())
    assert 0.78 < np.mean(inside) <= 1.0


def test_a_season_seen_before_is_followed_to_its_peak() -> None:
    """Three equal years: the fourth is as they were."""
    week = np.arange(52 * 4 + 8)
    wave = 5 + 200 * np.exp(-0.5 * (((week % 52.18) - 26) / 4) ** 2)
    panel = panel_of(wave[None, : 3 * 52 + 18])
    paths = Trajectories().paths(panel, 20)
    middle = np.median(paths[0], axis=0)
    assert abs(int(middle.argmax()) - int(wave[3 * 52 + 18 :][:20].argmax())) <= 1
    assert middle.max() == pytest.approx(wave.max(), rel=0.1)


def test_a_larger_season_is_scaled_up() -> None:
    week = np.arange(52 * 4)
    wave = 5 + 200 * np.exp(-0.5 * (((week % 52.18) - 26) / 4) ** 2)
    larger = np.where(week >= 3 * 52, 1.6 * wave, wave)
    now = 3 * 52 + 24
    peak = np.median(Trajectories().paths(panel_of(larger[None, :now]), 10)[0], axis=0).max()
    assert 1.25 * 205 < peak < 1.8 * 205


def test_other_places_carry_a_young_one() -> None:
    values = truth()[:, :300].copy()
    values[2, :285] = np.nan
    paths = Trajectories().paths(panel_of(values), 30)
    assert np.isfinite(paths).all()


def test_quantiles_are_those_of_the_paths_and_a_seed_only_mixes_them() -> None:
    panel = known(300)
    model = Trajectories()
    paths = model.paths(panel, 8)
    np.testing.assert_allclose(
        model.predict(panel, [1, 4]), np.moveaxis(np.quantile(paths[:, :, [0, 3]], TAUS, axis=1), 0, -1)
    )
    np.testing.assert_array_equal(paths, model.paths(panel, 8))
    other = model.paths(panel, 8, seed=2)
    assert (other != paths).any()
    np.testing.assert_array_equal(np.sort(other, axis=1), np.sort(paths, axis=1))


def test_single_missing_reports_cost_no_season() -> None:
    values = truth()[:, :300].copy()
    gone = values.copy()
    gone[:, 40:290:11] = np.nan
    whole, holed = (np.median(Trajectories().paths(panel_of(v), 20), axis=1) for v in (values, gone))
    assert np.isfinite(holed).all()
    assert np.median(np.abs(np.log((holed + 1) / (whole + 1)))) < 0.2


def test_what_comes_later_is_not_seen() -> None:
    panel = known(300)
    longer = panel_of(np.concatenate([panel.values, np.full((PLACES, 5), 1e6)], axis=1))
    cut = replace(longer, starts=panel.starts, values=longer.values[:, :301], reference_date=panel.reference_date)
    np.testing.assert_array_equal(Trajectories().paths(cut, 20), Trajectories().paths(panel, 20))


def test_months_go_to_the_end_of_the_year() -> None:
    month = np.arange(12 * 8)
    values = (3 + 2 * np.sin(2 * np.pi * month / 12)) ** 4 * np.exp(0.1 * np.random.default_rng(1).standard_normal(96))
    panel = panel_of(np.stack([values, 2 * values])[:, :90], MONTH)
    paths = Trajectories().paths(panel, 6)
    assert paths.shape == (2, 400, 6)
    low, high = np.quantile(paths[0], (0.025, 0.975), axis=0)
    assert ((values[90:] >= low * 0.8) & (values[90:] <= high * 1.2)).all()
    assert panel.target_end(6) > dt.date(2015, 12, 1)
