"""The network: learns quantiles, also of what it must extrapolate or can't see, and the same ones every time."""

import numpy as np
import pytest

from salus.forecasting.network import QuantileNetwork

LEVELS = np.array([0.1, 0.5, 0.9])


def noisy(rows: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 3)).astype(np.float32)
    spread = 0.1 + 0.4 * (x[:, 1] > 0)
    return x, x[:, 0] + spread * rng.standard_normal(rows), np.ones(rows)


def fitted(seed: int = 1) -> QuantileNetwork:
    network = QuantileNetwork(LEVELS, seed=seed)
    network.fit(*noisy(20_000))
    return network


def test_quantiles_hold_what_they_promise_and_tell_small_noise_from_large():
    """Where the noise is small they are too wide rather than too narrow: units left out in learning look like noise."""
    x, y, _ = noisy(20_000, seed=5)
    said = fitted().predict(x)
    quiet, loud = x[:, 1] < -0.1, x[:, 1] > 0.1
    assert [(y[loud] < said[loud, j]).mean() for j in range(3)] == pytest.approx(list(LEVELS), abs=0.04)
    assert 0.8 < ((y > said[:, 0]) & (y < said[:, 2]))[quiet].mean() < 0.96
    width = said[:, 2] - said[:, 0]
    assert width[loud].mean() > 2 * width[quiet].mean()


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    x, *_ = noisy(50, seed=6)
    assert np.array_equal(fitted().predict(x), fitted().predict(x))
    assert not np.array_equal(fitted().predict(x), fitted(seed=2).predict(x))


def test_a_row_is_answered_the_same_alone_as_among_others():
    x, *_ = noisy(200, seed=7)
    network = fitted()
    assert network.predict(x)[[70]] == pytest.approx(network.predict(x[[70]]), rel=1e-10)


def test_an_unknown_feature_is_no_obstacle():
    x, y, w = noisy(20_000)
    x[::3, 2] = np.nan
    network = QuantileNetwork(LEVELS)
    network.fit(x, y, w)
    assert np.isfinite(network.predict(np.full((1, 3), np.nan, np.float32))).all()


def test_weighted_rows_are_learned_best():
    """Two answers to the same question: the one that weighs ten times as much is given."""
    x = np.zeros((4000, 1), np.float32)
    y = np.tile([0.0, 1.0], 2000)
    network = QuantileNetwork(LEVELS)
    network.fit(x, y, np.where(y == 1, 10.0, 1.0))
    assert network.predict(x[:1])[0, 1] > 0.8


def test_few_rows_are_gone_over_more_often():
    x, y, w = noisy(400)
    network = QuantileNetwork(LEVELS)
    network.fit(x, y, w)
    asked, truth, _ = noisy(2000, seed=8)
    assert np.corrcoef(network.predict(asked)[:, 1], truth)[0, 1] > 0.75


def test_where_nothing_ever_changed_nothing_is_expected_to():
    x, _, w = noisy(400)
    network = QuantileNetwork(LEVELS)
    network.fit(x, np.zeros(400), w)
    assert not network.predict(x).any()
