"""A distribution from quantiles keeps them, and the categories of change follow the hub's definitions."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.hub.distribution import cumulative, mean
from salus.hub.rate_change import CATEGORIES, probabilities, thresholds
from salus.tables.contracts import LEVELS

QUANTILES = st.lists(st.floats(0, 1000).map(lambda v: round(v)), min_size=23, max_size=23).map(sorted)
LEVEL = np.array(LEVELS)


@settings(max_examples=100, deadline=None)
@given(QUANTILES)
def test_the_distribution_passes_through_its_quantiles_and_ends_at_0_and_1(q: list[float]) -> None:
    table = np.array([q], dtype=float)
    up_to = cumulative(LEVELS, table, table)[0]
    below = cumulative(LEVELS, table, table, below=True)[0]
    assert (up_to >= LEVEL - 1e-12).all()
    assert (below <= LEVEL + 1e-12).all()
    grid = np.linspace(-10, 3000, 200)[None, :]
    whole = cumulative(LEVELS, table, grid)[0]
    assert whole[0] == 0
    assert whole[-1] == 1
    assert (np.diff(whole) >= 0).all()
    assert 0 <= mean(LEVELS, table)[0] <= q[-1] + (q[-1] - q[-2]) * 2 / 3 + 1e-9


@settings(max_examples=100, deadline=None)
@given(QUANTILES, st.floats(0, 500), st.floats(1e5, 1e7), st.integers(0, 3))
def test_categories_sum_to_one_and_none_is_negative(q: list[float], base: float, people: float, h: int) -> None:
    cuts = np.array([thresholds(dt.date(2024, 12, 7))[h]])
    found = probabilities(LEVELS, np.array([q], float), np.array([base]), np.array([people]), cuts)
    assert found.shape == (1, len(CATEGORIES))
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "people", "h", "day", "category"),
    [
        (9, 1e6, 0, dt.date(2024, 1, 6), "stable"),  # under 10 admissions, whatever the rate
        (9, 1e5, 0, dt.date(2024, 1, 6), "stable"),
        (10, 1e6, 0, dt.date(2024, 1, 6), "increase"),  # 1 per 100,000 is no longer stable
        (-10, 1e6, 0, dt.date(2024, 1, 6), "decrease"),
        (20, 1e6, 0, dt.date(2024, 1, 6), "large_increase"),  # 2 per 100,000 is large in the first week
        (20, 1e6, 1, dt.date(2024, 1, 6), "increase"),  # and not in the second
        (-30, 1e6, 1, dt.date(2024, 1, 6), "large_decrease"),
        (24, 1e6, 3, dt.date(2024, 1, 6), "stable"),
        (25, 1e6, 3, dt.date(2024, 1, 6), "increase"),
        (24, 1e6, 3, dt.date(2025, 1, 4), "increase"),  # the next season's thresholds are lower
        (9, 1e6, 3, dt.date(2025, 1, 4), "stable"),
        (16, 1e6, 0, dt.date(2025, 1, 4), "increase"),
        (17, 1e6, 0, dt.date(2025, 1, 4), "large_increase"),
        (12, 1e5, 0, dt.date(2025, 1, 4), "large_increase"),  # a small place: 12 per 100,000
    ],
)
def test_a_certain_change_falls_into_the_category_of_the_definition(
    change: float, people: float, h: int, day: dt.date, category: str
) -> None:
    q = np.full((1, len(LEVELS)), 200.0 + change)
    found = probabilities(LEVELS, q, np.array([200.0]), np.array([people]), np.array([thresholds(day)[h]]))
    assert dict(zip(CATEGORIES, found[0], strict=True))[category] == 1.0
