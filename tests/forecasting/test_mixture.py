"""Pooling of distributions: of one it is that one, of two that disagree it is wide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

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
