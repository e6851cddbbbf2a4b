"""Joint paths: the margins are kept, and what goes together in truth goes together in the paths."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from helpers_panels import panel_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from salus.errors import InputError
from salus.forecasting.model import TAUS
from salus.forecasting.paths import FEWEST, Paths, anchored, at_levels, changes, joint
from salus.tables.contracts import FORECASTS

HORIZONS = (1, 2, 3, 4)
Floats = NDArray[np.float64]


def walk(places: int, periods: int, common: float = 0.0, seed: int = 1, step: float = 0.05) -> Floats:
    """Random walks on the fourth-root scale; ``common`` is the correlation of two places' steps."""
    chance = np.random.default_rng(seed)
    shared = chance.standard_normal((1, periods))
    own = chance.standard_normal((places, periods))
    return np.asarray((10 + step * np.cumsum(np.sqrt(common) * shared + np.sqrt(1 - common) * own, axis=1)) ** 4)


def margins(places: int = 1, step: float = 0.05, last: float = 10.0) -> Floats:
    """What a random walk's margins truly are."""
    z = norm.ppf(TAUS)
    return np.stack([np.stack([(last + step * np.sqrt(h) * z) ** 4 for h in HORIZONS])] * places)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1e4), min_size=46, max_size=46), st.integers(0, 99))
def test_every_margin_is_kept_whatever_goes_together(values: list[float], seed: int) -> None:
    q = np.sort(np.array(values).reshape(1, 2, 23), axis=-1)
    past = np.random.default_rng(seed).standard_normal((40, 1, 2))
    paths = joint(q, past, 400, seed=seed)
    other = joint(q, past[:5] * 0, 400, seed=seed + 1)
    np.testing.assert_array_equal(np.sort(paths, axis=1), np.sort(other, axis=1))
    laid = np.moveaxis(at_levels(q, (np.arange(400) + 0.5) / 400), 2, 1)
    np.testing.assert_allclose(np.sort(paths, axis=1), laid)
    assert paths.min() >= 0


def test_quantiles_of_the_paths_are_the_forecast() -> None:
    paths = joint(margins(), changes(panel_of(walk(1, 200)), HORIZONS), 1000)
    found = np.quantile(paths[0], TAUS, axis=0, method="hazen").T
    np.testing.assert_allclose(found, margins()[0], rtol=2e-3)


def test_horizons_of_a_random_walk_go_together_as_they_do_in_truth() -> None:
    """Correlation of h1 and h4 is 1/2, of h2 and h4 its root."""
    paths = joint(margins(), changes(panel_of(walk(1, 400)), HORIZONS), 4000)[0]
    rank = spearmanr(paths).statistic
    wanted = np.sqrt(np.minimum.outer(HORIZONS, HORIZONS) / np.maximum.outer(HORIZONS, HORIZONS))
    np.testing.assert_allclose(2 * np.sin(np.pi / 6 * rank), wanted, atol=0.12)


def test_places_that_move_together_do_so_in_the_paths_and_others_do_not() -> None:
    for common in (0.0, 0.8):
        past = changes(panel_of(walk(2, 500, common)), HORIZONS)
        paths = joint(margins(2), past, 4000)
        found = 2 * np.sin(np.pi / 6 * spearmanr(paths[0, :, 0], paths[1, :, 0]).statistic)
        assert abs(found - 0.8 * common) < 0.1, found  # a fifth of the dependence is held back


def test_the_sum_over_four_weeks_has_the_width_that_it_should() -> None:
    """Truth: 90 % of the sums of random walks lie in the range; margins taken as independent are far too narrow."""
    chance = np.random.default_rng(3)
    steps = 0.05 * np.cumsum(chance.standard_normal((4000, 4)), axis=1)
    truth = ((10 + steps) ** 4).sum(axis=1)
    panel = panel_of(walk(1, 400))
    held = []
    for past in (changes(panel, HORIZONS), chance.standard_normal((400, 1, 4))):
        total = joint(margins(), past, 2000)[0].sum(axis=1)
        low, high = np.quantile(total, (0.05, 0.95))
        held.append(((truth >= low) & (truth <= high)).mean())
    assert abs(held[0] - 0.9) < 0.03
    assert held[1] < 0.8


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_order() -> None:
    past = changes(panel_of(walk(3, 100)), HORIZONS)
    one, again, other = (joint(margins(3), past, 50, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(np.sort(one, axis=1), np.sort(other, axis=1))


@pytest.mark.parametrize("origins", [0, 5, FEWEST - 1])
def test_with_little_past_the_horizons_go_together_as_in_a_random_walk(origins: int) -> None:
    past = np.random.default_rng(1).standard_normal((origins, 1, 4))
    rank = spearmanr(joint(margins(), past, 2000)[0]).statistic
    assert abs(2 * np.sin(np.pi / 6 * rank[0, 3]) - 0.5) < 0.1


def test_unknown_values_and_flat_series_do_no_harm() -> None:
    values = walk(3, 120)
    values[0, 20:60] = np.nan
    values[1] = 7.0
    values[2] = np.nan
    paths = joint(margins(3), changes(panel_of(values), HORIZONS), 100)
    assert np.isfinite(paths).all()


def test_changes_are_those_between_an_origin_and_each_horizon() -> None:
    values = np.array([[1.0, 16.0, 81.0, 256.0]])
    np.testing.assert_allclose(changes(panel_of(values), (1, 2)), [[[1, 2]], [[1, 2]]])
    assert changes(panel_of(values), (1, 9)).shape == (0, 1, 2)


def test_another_number_of_places_is_refused() -> None:
    with pytest.raises(InputError, match="past is of 2 places and 4 horizons, the quantiles of 1 and 4"):
        joint(margins(), np.zeros((30, 2, 4)))


def test_paths_become_sample_rows_of_the_contract() -> None:
    panel = panel_of(walk(2, 50))
    values = joint(margins(2), changes(panel, HORIZONS), 10)
    ends = tuple(panel.target_end(h) for h in HORIZONS)
    table = FORECASTS.check(Paths(panel, panel.locations, ends, values).table("m", HORIZONS))
    assert table.height == 2 * 10 * 4
    assert table["output_type"].unique().to_list() == ["sample"]
    one = table.filter(location="P1", output_type_id="3").sort("horizon")
    np.testing.assert_array_equal(one["value"], values[1, 3])
    assert one["target_end_date"][0] == panel.target_end(1) > dt.date(2019, 1, 1)


def test_anchored_paths_have_the_forecast_first_and_keep_their_order() -> None:
    chance = np.random.default_rng(1)
    paths = (9 + np.cumsum(0.1 * chance.standard_normal((1, 500, 12)), axis=2)) ** 4
    found = anchored(paths, margins(), 0.8)
    np.testing.assert_allclose(np.quantile(found[0, :, :4], TAUS, axis=0, method="hazen").T, margins()[0], rtol=3e-3)
    for h in range(4):
        np.testing.assert_array_equal(np.argsort(found[0, :, h]), np.argsort(paths[0, :, h]))
    moved = found[0, :, 3:] ** 0.25 - paths[0, :, 3:] ** 0.25
    np.testing.assert_allclose(moved[:, 1:], moved[:, :-1] * 0.8, atol=1e-9)


def test_paths_that_have_the_forecast_already_are_left_as_they_are() -> None:
    paths = joint(margins(), changes(panel_of(walk(1, 200)), HORIZONS), 300)
    np.testing.assert_allclose(anchored(paths, margins(), 0.8), paths)
    assert np.isnan(anchored(paths * np.nan, margins(), 0.8)).all()
