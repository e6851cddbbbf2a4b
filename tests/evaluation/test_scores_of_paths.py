"""Scores of joint paths and of ordered classes: worked by hand, and proper on simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from salus.evaluation.scores import energy_score, ranked_probability_score, variogram_score


def test_energy_score_by_hand() -> None:
    """Paths (0, 0), (3, 4) and (6, 8); truth (0, 0): mean distance 5, all pairs 5, 5 and 10 apart, half their mean."""
    paths = np.array([[[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]])
    np.testing.assert_allclose(energy_score(paths, np.zeros((1, 2))), [5 - 20 / 3 / 2])


def test_energy_score_in_one_dimension_is_the_ranked_probability_score_of_a_normal() -> None:
    """CRPS of a standard normal at its mean is (sqrt(2) - 1) / sqrt(pi) = 0.23370 (Gneiting and Raftery 2007, 4.2)."""
    paths = np.random.default_rng(1).standard_normal((20, 1000, 1))
    assert energy_score(paths, np.zeros((20, 1))).mean() == pytest.approx(0.23370, abs=0.003)


def test_energy_score_of_few_paths_is_no_larger_on_average() -> None:
    chance = np.random.default_rng(2)
    truth = chance.standard_normal((4000, 2))
    few, many = (energy_score(chance.standard_normal((4000, n, 2)), truth).mean() for n in (3, 40))
    assert few == pytest.approx(many, rel=0.03)


def test_variogram_score_by_hand() -> None:
    """Pairs (1, 2), (1, 3), (2, 3): truth 1, 2, 1 at power 1; expected 2, 2, 2; errors 1, 0, 1."""
    paths = np.array([[[0.0, 2.0, 0.0], [0.0, 2.0, 4.0]]])
    truth = np.array([[0.0, 1.0, 2.0]])
    np.testing.assert_allclose(variogram_score(paths, truth, 1.0), [2 / 3])
    np.testing.assert_allclose(variogram_score(paths[:, :1, :2], truth[:, :2]), [(np.sqrt(2) - 1) ** 2])


@pytest.mark.parametrize("score", [energy_score, variogram_score])
def test_the_true_dependence_scores_best(score: object) -> None:
    assert callable(score)
    chance = np.random.default_rng(3)
    tasks, draws = 600, 100

    def paths(rho: float, count: int) -> np.ndarray:
        z = chance.standard_normal((tasks, count, 2))
        return np.stack([z[..., 0], rho * z[..., 0] + np.sqrt(1 - rho**2) * z[..., 1]], axis=-1)

    truth = paths(0.8, 1)[:, 0]
    found = {rho: score(paths(rho, draws), truth).mean() for rho in (-0.5, 0.8)}
    assert found[0.8] < found[-0.5]


def test_ranked_probability_score_by_hand() -> None:
    """Chances .2 .5 .3 and class 1: cumulated .2 .7, came 0 1, errors .04 + .09."""
    np.testing.assert_allclose(ranked_probability_score(np.array([[0.2, 0.5, 0.3]]), np.array([1])), [0.13])
    certain = np.eye(5)[[0, 4, 2]]
    np.testing.assert_allclose(ranked_probability_score(certain, np.array([3, 4, 0])), [3, 0, 2])
