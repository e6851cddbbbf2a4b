"""Forecasts that add up: in every sample, without harm to a level, on simulated truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from helpers_panels import panel_of
from numpy.typing import NDArray
from scipy.stats import norm

from salus.evaluation.scores import weighted_interval_score
from salus.forecasting.coherence import Coherent, Hierarchy, hierarchy, reconciled, trusted
from salus.forecasting.model import TAUS
from salus.forecasting.paths import changes
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import Panel

HORIZONS = (1, 2)
PARENTS = {"P0": "P4", "P1": "P4", "P2": "P5", "P3": "P5", "P4": "P6", "P5": "P6", "P6": None}
"""Four districts in two provinces in one nation."""
Floats = NDArray[np.float64]


def nation(periods: int = 160, seed: int = 1) -> Panel:
    """Districts that wander together in part; P4 = P0 + P1, P5 = P2 + P3, P6 all."""
    chance = np.random.default_rng(seed)
    shared = np.cumsum(0.1 * chance.standard_normal(periods))
    own = np.cumsum(0.1 * chance.standard_normal((4, periods)), axis=1)
    parts = np.round(np.array([[20.0], [60.0], [200.0], [5.0]]) * np.exp(shared + own))
    sums = np.stack([parts[:2].sum(axis=0), parts[2:].sum(axis=0), parts.sum(axis=0)])
    return panel_of(np.concatenate([parts, sums]))


def both(panel: Panel, found: Hierarchy, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    plain = Persistence().predict(panel, HORIZONS)
    return plain, *reconciled(plain, changes(panel, HORIZONS), found, seed=seed)


def test_families_are_found_from_the_top_down_and_checked_against_the_figures() -> None:
    found = hierarchy(nation(), PARENTS)
    assert [(f.total, f.parts.tolist()) for f in found.families] == [(6, [4, 5]), (4, [0, 1]), (5, [2, 3])]
    assert found.refused == ()
    values = nation().values
    values[5, -40:] *= 1.5
    odd = hierarchy(replace(nation(), values=values), PARENTS)
    assert [f.total for f in odd.families] == [4]
    assert odd.refused == ("P6", "P5")
    assert hierarchy(nation(), {}).families == ()


def test_every_sample_adds_up_and_so_do_the_means() -> None:
    panel = nation()
    _, _, samples = both(panel, hierarchy(panel, PARENTS))
    np.testing.assert_allclose(samples[:2].sum(axis=0), samples[4])
    np.testing.assert_allclose(samples[2:4].sum(axis=0), samples[5])
    np.testing.assert_allclose(samples[4:6].sum(axis=0), samples[6])
    mean = samples.mean(axis=1)
    np.testing.assert_allclose(mean[:4].sum(axis=0), mean[6])
    assert samples.min() >= 0


def test_the_total_keeps_its_forecast_and_the_parts_stay_near_theirs() -> None:
    panel = nation()
    plain, answer, samples = both(panel, hierarchy(panel, PARENTS))
    np.testing.assert_array_equal(answer[6], plain[6])
    np.testing.assert_allclose(np.quantile(samples[6], TAUS, axis=0, method="hazen").T, plain[6], rtol=0.02)
    np.testing.assert_allclose(answer[..., 11], plain[..., 11], rtol=0.2)
    assert (np.diff(answer, axis=-1) >= 0).all()


def test_parts_become_better_where_the_total_knows_more() -> None:
    """The truth of the total is forecast sharply, its parts vaguely and 30 % too low: reconciled they score better."""
    chance = np.random.default_rng(2)
    z = norm.ppf(TAUS)
    panel = panel_of(np.exp(np.cumsum(0.1 * chance.standard_normal((3, 120)), axis=1)))
    panel.values[2] = panel.values[:2].sum(axis=0)
    found = hierarchy(panel, {"P0": "P2", "P1": "P2"})
    plain_wis, our_wis = [], []
    for _ in range(60):
        truth = 100 * np.exp(0.05 * chance.standard_normal(2) + 0.2 * chance.standard_normal())
        q = np.stack([70 * np.exp(0.2 * z), 70 * np.exp(0.2 * z), truth.sum() * np.exp(0.01 * z)])[:, None]
        answer, _ = reconciled(q, changes(panel, (1,)), found, 200)
        plain_wis.append(weighted_interval_score(q[:2, 0], truth).mean())
        our_wis.append(weighted_interval_score(answer[:2, 0], truth).mean())
    assert np.mean(our_wis) < 0.5 * np.mean(plain_wis)


def test_no_level_is_harmed_on_simulated_truth() -> None:
    long = nation(260, seed=3)
    plain_wis, our_wis = np.zeros(7), np.zeros(7)
    for last in range(120, 255, 5):
        panel = replace(long, values=long.values[:, :last], starts=long.starts[:last])
        plain, answer, _ = both(panel, hierarchy(panel, PARENTS))
        truth = long.values[:, last + 1]
        plain_wis += weighted_interval_score(plain[:, 1], truth)
        our_wis += weighted_interval_score(answer[:, 1], truth)
    assert our_wis[:4].sum() < 1.02 * plain_wis[:4].sum()
    assert our_wis[4:6].sum() < 1.02 * plain_wis[4:6].sum()
    assert our_wis[6] == pytest.approx(plain_wis[6])


def test_rates_are_averaged_by_people() -> None:
    counts = nation()
    people = np.array([1e5, 3e5, 6e5, 2e5, 4e5, 8e5, 12e5])
    panel = replace(counts, values=counts.values / people[:, None] * 1e5, population=people)
    found = hierarchy(panel, PARENTS, adds_up=False)
    assert len(found.families) == 3
    _, _, samples = both(panel, found)
    share = people[:4] / people[6]
    np.testing.assert_allclose(np.tensordot(share, samples[:4], axes=1), samples[6])
    assert hierarchy(panel, PARENTS).families == (), "rates do not add up"
    unknown = replace(panel, population=np.full(7, np.nan))
    assert hierarchy(unknown, PARENTS, adds_up=False).families == ()


def test_a_family_without_all_forecasts_is_left_as_it_is() -> None:
    panel = nation()
    plain = Persistence().predict(panel, HORIZONS)
    plain[1] = np.nan
    answer, samples = reconciled(plain, changes(panel, HORIZONS), hierarchy(panel, PARENTS))
    np.testing.assert_array_equal(answer[:2], plain[:2])
    assert np.isnan(samples[1]).all()
    np.testing.assert_allclose(samples[2:4].sum(axis=0), samples[5])
    np.testing.assert_allclose(samples[4:6].sum(axis=0), samples[6])


def test_parts_that_are_drawn_as_nothing_share_what_the_total_has() -> None:
    panel = panel_of(np.zeros((3, 60)))
    found = hierarchy(panel, {"P0": "P2", "P1": "P2"})
    q = np.zeros((3, 1, 23))
    q[2, 0, 12:] = 4.0
    answer, samples = reconciled(q, changes(panel, (1,)), found, 100)
    np.testing.assert_allclose(samples[:2].sum(axis=0), samples[2])
    np.testing.assert_allclose(answer[0, 0, 20], 2.0)


def test_a_total_that_is_not_trusted_is_the_sum_of_its_parts_and_one_half_trusted_lies_between() -> None:
    panel = nation()
    found = hierarchy(panel, {"P4": "P6", "P5": "P6"})
    plain = Persistence().predict(panel, HORIZONS)
    plain[6] *= 1.5
    past = changes(panel, HORIZONS)
    none, half, whole = (reconciled(plain, past, found, trust={6: t})[0] for t in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(none[4:6], plain[4:6], rtol=0.02, atol=0.5)
    np.testing.assert_array_equal(whole[6], plain[6])
    middle = [q[6, 0, 11] for q in (none, half, whole)]
    assert middle[0] < middle[1] < middle[2]
    assert middle[1] == pytest.approx((middle[0] + middle[2]) / 2, rel=0.02)


class Biased(Persistence):
    """Persistence, with some places forecast far too high."""

    def __init__(self, *places: int) -> None:
        self.places = list(places)

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        answer = super().predict(panel, horizons)
        answer[self.places] *= 2
        return answer


def test_the_level_that_came_nearer_lately_is_followed() -> None:
    panel = nation()
    found = hierarchy(panel, {"P4": "P6", "P5": "P6"})
    bad_total, bad_parts, even = (trusted(m, panel, found, 1)[6] for m in (Biased(6), Biased(4, 5), Biased()))
    assert bad_total < 0.2
    assert bad_parts > 0.8
    assert 0.2 < even < 0.8
    told = Coherent(Biased(6), {"P4": "P6", "P5": "P6"}).predict(panel, HORIZONS)[6, 0, 11]
    assert told < 1.25 * Persistence().predict(panel, HORIZONS)[6, 0, 11]


def test_what_came_lately_is_compared_without_what_came_after_it() -> None:
    """Only periods that the panel knows are looked at, and each is forecast from earlier ones alone."""
    seen: list[tuple[int, bool]] = []

    class Watching(Persistence):
        def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
            seen.append((panel.values.shape[1], panel.reference_date == panel.cadence.end(panel.starts[-1])))
            return super().predict(panel, horizons)

    panel = nation()
    trusted(Watching(), panel, hierarchy(panel, PARENTS), 2)
    assert seen == [(160 - back, True) for back in range(2, 10)]


def test_the_same_seed_gives_the_same_bits() -> None:
    panel = nation()
    one, again, other = (both(panel, hierarchy(panel, PARENTS), seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
