"""Pooling of distributions: of one it is that one, of two that disagree it is wide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from salus.forecasting import mixture
from salus.forecasting.learning import Rows
from salus.forecasting.mixture import pool
from salus.forecasting.model import TAUS

LEVELS = np.array([0.01, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.99])


def normal(mean: float, sd: float) -> np.ndarray:
    return mean + sd * norm.ppf(LEVELS)[None, :]


def test_a_pool_of_one_is_that_one():
    assert pool([normal(3, 2)], [1.0], LEVELS, TAUS)[0] == pytest.approx(3 + 2 * norm.ppf(TAUS), abs=0.06)


def test_the_mixture_of_two_normals_is_that_of_their_probabilities():
    found = pool([normal(0, 1), normal(3, 0.5)], [2.0, 1.0], LEVELS, TAUS)[0]
    below = 2 / 3 * norm.cdf(found) + 1 / 3 * norm.cdf(found, 3, 0.5)
    assert below == pytest.approx(TAUS, abs=0.012)


def test_disagreement_is_kept_as_doubt():
    apart = pool([normal(0, 1), normal(4, 1)], [1.0, 1.0], LEVELS, TAUS)[0]
    assert apart[-2] - apart[1] > 6


@given(st.lists(st.floats(-5, 5), min_size=18, max_size=18), st.floats(0.1, 5), st.floats(0.1, 5))
def test_a_pool_is_ascending_and_between_its_members(drawn, weight, other):
    members = [np.sort(np.array(drawn[:9]))[None, :], np.sort(np.array(drawn[9:]))[None, :]]
    found = pool(members, [weight, other], LEVELS, LEVELS)[0]
    assert (np.diff(found) >= -1e-9).all()
    low, high = np.minimum(*members)[0], np.maximum(*members)[0]
    inside = slice(1, -1)
    assert (found[inside] >= low[0] - 1e-6).all()
    assert (found[inside] <= high[-1] + 1e-6).all()


def test_weight_goes_to_the_member_that_has_erred_less_and_the_more_the_longer_it_lasts():
    levels = np.array([0.1, 0.5, 0.9])
    since = np.repeat(np.arange(12), 30)
    rows = Rows(
        np.zeros((360, 1), np.float32), np.random.default_rng(1).normal(0, 1, 360), np.ones(360), np.ones(360),
        np.ones(360, int), np.zeros(360, int), np.zeros(360, int), np.zeros(360, int),
    )  # fmt: skip
    good, bad = np.tile([-1.28, 0, 1.28], (360, 1)), np.tile([0.72, 2, 3.28], (360, 1))
    before = np.array([1.0, 3.0])
    after = mixture.favoured(before, np.stack([good, bad]), levels, rows, since)
    assert after.sum() == pytest.approx(4)
    assert after[0] > 2 * before[0]
    week = since == 0
    short = mixture.favoured(before, np.stack([good, bad])[:, week], levels, rows.where(week), since[week])
    assert before[0] < short[0] < after[0]
    assert mixture.favoured(before, np.stack([good, good]), levels, rows, since) == pytest.approx(before)
    nothing = mixture.favoured(before, np.empty((2, 0, 3)), levels, rows.where(since < 0), since[since < 0])
    assert nothing.tolist() == before.tolist()
