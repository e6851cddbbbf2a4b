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


BAND = spread.Band(1, 11, 21)


def unit_normal(seen: Rows) -> spread.Forecaster:
    return lambda table: np.tile(norm.ppf(TAUS), (len(table), 1))


def factors(known: Rows) -> np.ndarray:
    return spread.learn(known, unit_normal, BAND)[0]


def test_ranges_that_hold_are_left_and_narrow_ones_are_widened_by_what_is_missing():
    assert factors(rows(1.0)) == pytest.approx(np.ones(FURTHEST), abs=0.08)
    assert factors(rows(1.6)) == pytest.approx(np.full(FURTHEST, 1.6), abs=0.12)


def test_ranges_that_are_too_wide_are_not_narrowed_and_none_is_widened_without_end():
    assert factors(rows(0.5)).tolist() == [1.0] * FURTHEST
    assert factors(rows(5.0)).tolist() == [spread.WIDEST] * FURTHEST


def test_a_year_that_is_asked_was_hidden_with_its_targets():
    every = rows(1.0)
    years = np.arange(6000)[:, None].astype(np.float32) * 6 // 6000
    mixed = Rows(**{**{n: getattr(every, n) for n in every.__dataclass_fields__}, "panel": np.arange(6000) % 2,
                    "table": years})  # fmt: skip
    asked = []

    def fit(seen: Rows) -> spread.Forecaster:
        learned = {*(seen.year % spread.FOLDS), *(seen.target_year % spread.FOLDS)}

        def forecast(table: np.ndarray) -> np.ndarray:
            assert not learned & set(table[:, 0] % spread.FOLDS)
            asked.append(set(table[:, 0]))
            return unit_normal(seen)(table)

        return forecast

    witness = spread.learn(mixed, fit, BAND)[1]
    assert set.union(*asked) == {0, 1, 2, 3, 4, 5}
    assert witness is not None
    witness(np.zeros((1, 1), np.float32))  # it has not seen the latest year: its own assertion


def test_ranges_that_failed_in_the_last_weeks_are_widened_by_what_they_lacked_as_far_as_there_is_evidence():
    ahead, since = np.repeat(np.arange(1, 5), 200), np.tile(np.repeat(np.arange(20), 10), 4)
    always = spread.lately(np.full(800, 1.8), ahead, since)
    assert (always > 1.5).all()
    assert (always < 1.8).all()
    few = since < 5
    assert (spread.lately(np.full(few.sum(), 1.8), ahead[few], since[few]) < always).all()
    held = spread.lately(np.full(800, 0.7), ahead, since)
    assert held.tolist() == [1.0] * FURTHEST
    before, now = (np.where(when, 1.8, 0.5) for when in (since == 19, since == 0))
    assert spread.lately(now, ahead, since)[0] > spread.lately(before, ahead, since)[0]


def test_with_one_year_nothing_is_known_of_the_spread():
    one = rows(3.0)
    short = Rows(**{**{n: getattr(one, n) for n in one.__dataclass_fields__}, "year": np.zeros(6000, int),
                    "target_year": np.zeros(6000, int)})  # fmt: skip
    assert factors(short).tolist() == [1.0] * FURTHEST


def test_tails_are_widened_more_than_the_middle_and_the_median_stays():
    q = np.tile(norm.ppf(TAUS), (1, 1))
    wide = spread.widened(q, TAUS, np.array([1.5]))[0]
    assert wide[11] == q[0, 11]
    assert wide[21] == pytest.approx(1.5 * q[0, 21])
    assert wide[16] / q[0, 16] < 1.08
    assert (np.diff(wide) > 0).all()
