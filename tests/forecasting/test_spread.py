"""Widening: as much as hidden years ask for, never less than nothing, the median untouched."""

import numpy as np
import pytest
from scipy.stats import norm

from salus.forecasting import spread
from salus.forecasting.features import FURTHEST
from salus.forecasting.learning import Rows
from salus.forecasting.model import TAUS


def rows(scale: float, count: int = 6000) -> Rows:
    rng = np.random.default_rng(1)
    return Rows(
        table=np.zeros((count, 1), np.float32),
        change=scale * rng.standard_normal(count),
        weight=np.ones(count),
        level=np.full(count, 9.0),
        ahead=np.tile(np.arange(1, FURTHEST + 1), count // FURTHEST),
        year=np.arange(count) * 6 // count,
        target_year=np.arange(count) * 6 // count,
        panel=np.zeros(count, np.int64),
    )


def unit_normal(seen: Rows, asked: Rows) -> np.ndarray:
    return np.tile(norm.ppf(TAUS), (asked.change.size, 1))


def test_ranges_that_hold_are_left_and_narrow_ones_are_widened_by_what_is_missing():
    assert spread.learn(rows(1.0), unit_normal, 1, 11, 21) == pytest.approx(np.ones(FURTHEST), abs=0.08)
    assert spread.learn(rows(1.6), unit_normal, 1, 11, 21) == pytest.approx(np.full(FURTHEST, 1.6), abs=0.12)


def test_ranges_that_are_too_wide_are_not_narrowed_and_none_is_widened_without_end():
    assert spread.learn(rows(0.5), unit_normal, 1, 11, 21).tolist() == [1.0] * FURTHEST
    assert spread.learn(rows(5.0), unit_normal, 1, 11, 21).tolist() == [spread.WIDEST] * FURTHEST


def test_a_year_that_is_asked_was_hidden_with_its_targets():
    def forecast(seen: Rows, asked: Rows) -> np.ndarray:
        assert not set(seen.year % spread.FOLDS) & set(asked.year % spread.FOLDS)
        assert not set(seen.target_year % spread.FOLDS) & set(asked.year % spread.FOLDS)
        assert set(asked.panel) == {0}
        return unit_normal(seen, asked)

    every = rows(1.0)
    mixed = Rows(**{**{n: getattr(every, n) for n in every.__dataclass_fields__}, "panel": np.arange(6000) % 2})
    spread.learn(mixed, forecast, 1, 11, 21)


def test_with_one_year_nothing_is_known_of_the_spread():
    one = rows(3.0)
    short = Rows(**{**{n: getattr(one, n) for n in one.__dataclass_fields__}, "year": np.zeros(6000, int),
                    "target_year": np.zeros(6000, int)})  # fmt: skip
    assert spread.learn(short, unit_normal, 1, 11, 21).tolist() == [1.0] * FURTHEST


def test_tails_are_widened_more_than_the_middle_and_the_median_stays():
    q = np.tile(norm.ppf(TAUS), (1, 1))
    wide = spread.widened(q, TAUS, np.array([1.5]))[0]
    assert wide[11] == q[0, 11]
    assert wide[21] == pytest.approx(1.5 * q[0, 21])
    assert wide[16] / q[0, 16] < 1.08
    assert (np.diff(wide) > 0).all()
