"""Rows to learn from: which panels, which rows, and what is asked at the end."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from salus.forecasting import learning
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK = Cadence("week", 0)


def panel(places: int, weeks: int, signal: str = "cases", seed: int = 1) -> Panel:
    rng = np.random.default_rng(seed)
    season = 30 * np.exp(2 * np.sin(2 * np.pi * np.arange(weeks) / 52))
    values = rng.poisson(season * rng.uniform(0.5, 2, (places, 1))).astype(float)
    starts = tuple(WEEK.shift(dt.date(2014, 1, 6), k) for k in range(weeks))
    names = tuple(f"P{i:02d}" for i in range(places))
    return Panel("x", signal, WEEK, WEEK.end(starts[-1]), starts, names, values, np.full(places, np.nan))


def test_counts_are_learned_from_counts_where_there_are_any():
    rates, counts = panel(6, 200, "ili_percent"), panel(6, 200, "flusurv_admissions")
    own = panel(4, 100, "admissions")
    both = dataclasses.replace(own, also=(rates, counts))
    assert [p.signal for p in learning.companions(both)] == ["flusurv_admissions"]
    assert [p.signal for p in learning.companions(dataclasses.replace(own, also=(rates,)))] == ["ili_percent"]


def test_the_change_and_the_years_belong_to_the_row():
    own = panel(1, 160)
    rows = learning.draw(own, 10**6)
    assert set(rows.ahead) == {1, 2, 3, 4}
    u = own.values[0] ** 0.25 / np.quantile(own.values[0], 0.95) ** 0.25
    one = rows.where(rows.ahead == 3)
    assert one.change == pytest.approx(u[3:] - u[:-3])
    assert one.level == pytest.approx(u[:-3])
    assert (one.year[0], one.year[-1], one.target_year[-1]) == (159 // 52, 3 // 52, 0)
    assert (rows.target_year <= rows.year).all()


def test_a_panel_of_many_years_gives_more_rows_of_its_own():
    other = panel(20, 300, "visits", seed=3)
    share = []
    for weeks in (60, 300):
        rows = learning.draw(dataclasses.replace(panel(20, weeks), also=(other,)), 8000)
        share.append((rows.panel == 0).mean())
    assert share == pytest.approx([60 / 52 * 0.05, 300 / 52 * 0.05], abs=0.05)


def test_what_is_asked_stands_at_the_last_known_value():
    own = panel(3, 120)
    own.values[1, -2:] = np.nan
    own.values[2] = np.nan
    asked = learning.ask(own, [1, 4])
    assert asked.place.tolist() == [0, 0, 1, 1]
    assert asked.ahead.tolist() == [1, 4, 3, 6]
    assert asked.learned.tolist() == [1, 4, 3, 4]
    assert asked.table.shape[1] == len(learning.names(own))
    assert asked.level[2] == pytest.approx((own.values[1, -3] / asked.size[2]) ** 0.25)


def test_recent_rows_have_the_outcome_and_know_nothing_later():
    own = panel(2, 120)
    rows, since = learning.recent(own, 5, 1000)
    assert set(since) == {0, 1, 2, 3, 4}
    assert rows.change.size == 2 * 5 * 4
    u = own.values**0.25 / np.quantile(own.values, 0.95, axis=1)[:, None] ** 0.25
    one = (rows.ahead == 3) & (since == 0)
    assert rows.change[one] == pytest.approx(u[:, 119] - u[:, 116])
    earlier = dataclasses.replace(own, starts=own.starts[:117], values=own.values[:, :117])
    scale = learning.features.sizes(own.values) / learning.features.sizes(earlier.values)
    change = learning.names(own).index("change_1")
    asked = learning.ask(earlier, [3]).table[:, change] / scale**0.25
    assert rows.table[one, change] == pytest.approx(asked, rel=1e-5)


def test_of_many_recent_rows_some_are_drawn_the_same_each_time():
    own = panel(6, 120)
    (some, since), (again, _) = learning.recent(own, 20, 100), learning.recent(own, 20, 100)
    assert some.change.size == since.size == 100
    assert np.array_equal(some.table, again.table, equal_nan=True)
    assert len(set(since)) > 10
