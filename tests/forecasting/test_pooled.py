"""The pooled regression: learns what is there to learn, knows what it can't answer."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from salus.forecasting import learning, pooled, trees
from salus.forecasting.model import TAUS, tidy
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK = Cadence("week", 0)


def panel(values: np.ndarray, signal: str = "cases") -> Panel:
    starts = tuple(WEEK.shift(dt.date(2012, 1, 2), k) for k in range(values.shape[1]))
    places = tuple(f"P{i:02d}" for i in range(values.shape[0]))
    return Panel("x", signal, WEEK, WEEK.end(starts[-1]), starts, places, values, np.full(len(places), np.nan))


def waves(places: int, weeks: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    late = rng.uniform(-3, 3, (places, 1))
    season = np.exp(2 * np.sin(2 * np.pi * (np.arange(weeks) - late) / 52)) * 40
    return rng.poisson(season * rng.uniform(0.5, 2, (places, 1))).astype(float)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(trees, "TREES", 40)
    monkeypatch.setattr(pooled, "ROWS", 12_000)


def pinball(q: np.ndarray, truth: np.ndarray) -> float:
    gap = truth[..., None] - q
    return float(np.maximum(TAUS * gap, (TAUS - 1) * gap).mean())


def test_beats_persistence_on_a_regular_season():
    values = waves(12, 420)
    known, truth = values[:, :400], values[:, 400:404]
    model = pooled.Pooled()
    model.fit(panel(known))
    ours = tidy(model.predict(panel(known), [1, 2, 3, 4]))
    null = tidy(Persistence().predict(panel(known), [1, 2, 3, 4]))
    assert pinball(ours, truth) < 0.8 * pinball(null, truth)


def test_too_little_to_learn_from_is_not_answered():
    model = pooled.Pooled()
    model.fit(panel(waves(1, 20)))
    assert np.isnan(model.predict(panel(waves(1, 20)), [1])).all()


def test_other_panels_that_only_flicker_are_not_learned_from():
    noise = np.random.default_rng(2).poisson(20, (8, 300)).astype(float)
    found = learning.moving([panel(noise, "noise"), panel(waves(8, 300), "waves"), panel(waves(8, 40), "short")])
    assert [p.signal for p in found] == ["waves"]


def test_what_the_panel_itself_can_not_offer_is_not_learned():
    short = panel(waves(4, 150))
    offered = learning.offered(short)
    hidden = {n for n, there in zip(learning.names(short), offered, strict=True) if not there}
    assert {"past_change", "past_level", "log_people", "holidays"} <= hidden
    assert not hidden & {"level", "change_1", "ahead", "season_sine"}


def test_a_late_place_is_forecast_from_its_last_value_over_the_longer_distance():
    values = waves(10, 400)
    late = values.copy()
    late[3, -2:] = np.nan
    model = pooled.Pooled()
    model.fit(panel(values))
    answer = tidy(model.predict(panel(late), [1, 2]))
    shorter = tidy(model.predict(panel(values[:, :-2]), [3, 4]))
    assert np.isfinite(answer[3]).all()
    assert answer[3, :, 11] == pytest.approx(shorter[3, :, 11], rel=0.25)


def test_further_than_learned_is_wider():
    values = waves(10, 400)
    model = pooled.Pooled()
    model.fit(panel(values))
    q = tidy(model.predict(panel(values), [6, 12]))
    width = q[:, :, -2] - q[:, :, 1]
    assert (width[:, 1] > width[:, 0]).mean() > 0.9


def test_the_panels_carried_along_are_learned_from():
    """A panel of one season alone can't know the fall; with a longer history beside it the forecast changes."""
    long, short = panel(waves(12, 400), "other"), panel(waves(6, 60, seed=9))
    alone, helped = pooled.Pooled(), pooled.Pooled()
    alone.fit(short)
    helped.fit(dataclasses.replace(short, also=(long,)))
    assert not np.array_equal(alone.predict(short, [4]), helped.predict(short, [4]))
