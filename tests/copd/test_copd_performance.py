"""Figures of merit against recomputations written otherwise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.copd import performance as measure
from salus.copd.cohort import design_of, eligible, read_people
from salus.copd.fitting import expit, fit, sandwich
from salus.errors import InputError

CHANCE = np.random.default_rng(5)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_auroc_counts_pairs(seed: int) -> None:
    chance = np.random.default_rng(seed)
    y, score, w = np.r_[0, 1, chance.integers(0, 2, 28)], chance.integers(0, 8, 30), chance.random(30) + 0.1
    with_it, without = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    pairs = [(w[i] * w[j], (score[i] > score[j]) + 0.5 * (score[i] == score[j])) for i in with_it for j in without]
    assert np.isclose(measure.auroc(y, score, w), np.average([v for _, v in pairs], weights=[k for k, _ in pairs]))
    assert np.isclose(measure.auroc(y, -score, w), 1 - measure.auroc(y, score, w))
    batch = measure.auroc(y, score, np.stack([w, 2 * w, np.ones(30)]))
    assert np.allclose(batch[:2], measure.auroc(y, score, w))


def test_average_precision_of_a_perfect_and_of_an_empty_score() -> None:
    y, w = np.array([0, 0, 0, 1]), np.ones(4)
    assert measure.auprc(y, np.array([1, 2, 3, 4.0]), w) == 1
    assert measure.auprc(y, np.zeros(4), w) == 0.25


def test_sensitivity_at_a_specificity() -> None:
    y = np.r_[np.zeros(100), np.ones(10)]
    score = np.r_[np.arange(100), np.linspace(85, 99, 10)].astype(float)
    found = measure.sensitivity_at(y, score, np.ones(110))
    threshold = np.quantile(score[:100], 0.9)
    assert abs(found - (score[100:] >= threshold).mean()) < 0.11
    sent = measure.flagged_at(y, score, np.ones(110), found)
    assert abs(sent - (0.1 * 100 + found * 10) / 110) < 0.02


def test_net_benefit_by_hand() -> None:
    y, chosen = np.array([1, 1, 0, 0, 0]), np.array([1.0, 0, 1, 0, 0])
    assert np.isclose(measure.net_benefit(y, chosen, np.ones(5), 0.2), 1 / 5 - 1 / 5 * 0.25)


def test_calibration_finds_what_was_put_in() -> None:
    at = CHANCE.normal(-2, 1.2, 200_000)
    y = (CHANCE.random(200_000) < expit(0.3 + 0.8 * at)).astype(float)
    slope, _ = measure.calibration(y, expit(at), np.ones(len(y)))
    assert abs(slope - 0.8) < 0.02
    y = (CHANCE.random(200_000) < expit(0.3 + at)).astype(float)
    slope, intercept = measure.calibration(y, expit(at), np.ones(len(y)))
    assert abs(slope - 1) < 0.03
    assert abs(intercept - 0.3) < 0.03
    assert measure.observed_expected(y, expit(at), np.ones(len(y))) > 1.1


def test_the_fit_is_where_the_score_is_zero() -> None:
    x, w = CHANCE.normal(size=(400, 3)), CHANCE.random(400) + 0.2
    y = (CHANCE.random(400) < expit(-1 + x[:, 0])).astype(float)
    penalty = np.array([0.0, 5.0, 5.0])
    found = fit(x, y, w, penalty)
    gradient = x.T @ (w / w.mean() * found.residuals) - penalty * found.coefficients
    assert np.abs(gradient).max() < 1e-3
    assert abs((w * found.residuals).sum()) < 1e-3
    with pytest.raises(InputError, match="same outcome"):
        fit(x, np.ones(400), w, penalty)


def test_the_sandwich_is_as_wide_as_repeated_samples() -> None:
    estimates, errors = [], []
    for seed in range(60):
        chance = np.random.default_rng(seed)
        unit = np.repeat(np.arange(60), 15)
        x = chance.normal(size=(900, 1)) + 0.7 * chance.normal(size=60)[unit][:, None]
        y = (chance.random(900) < expit(-1 + 0.5 * x[:, 0])).astype(float)
        table = pl.DataFrame({"stratum": unit // 2, "psu": unit % 2 + 1, "wt_mec_6yr": np.ones(900)})
        found = fit(x, y, np.ones(900), np.zeros(1))
        estimates.append(found.coefficients[0])
        errors.append(np.sqrt(sandwich(x, found, design_of(table))[1, 1]))
    assert 0.75 < np.mean(errors) / np.std(estimates) < 1.3


def test_bootstrap_weights_keep_the_total_of_each_stratum() -> None:
    table = pl.DataFrame({"stratum": [1, 1, 1, 1, 2, 2], "psu": [1, 1, 2, 2, 1, 2], "wt_mec_6yr": [1.0, 2, 3, 4, 5, 6]})
    design = design_of(table)
    drawn = design.replicates(4000)
    assert np.allclose(drawn.mean(axis=0), design.weights, rtol=0.06)
    assert design.freedom == 2
    assert set(np.unique(drawn[:, 0])) == {0.0, 2.0}


def test_a_table_without_design_is_taken_person_by_person() -> None:
    design = design_of(pl.DataFrame({"age": [50, 60, 70]}))
    assert len(design.notes) == 2
    assert design.replicates(10).shape == (10, 3)
    with pytest.raises(InputError, match="missing or not positive for 1 of 2"):
        design_of(pl.DataFrame({"wt_mec_6yr": [1.0, 0.0]}))


def test_people_outside_are_left_out_and_an_empty_rest_is_told(tmp_path: object) -> None:
    table = pl.DataFrame({"age": [39, 40, 79, 80], "spiro_ok": [1, 1, 1, 1]})
    assert eligible(table)["age"].to_list() == [40, 79]
    with pytest.raises(InputError, match="nobody aged 40 to 79"):
        eligible(table.with_columns(pl.lit(0).alias("spiro_ok")))
    with pytest.raises(InputError, match="no column spiro_ok"):
        eligible(table.drop("spiro_ok"))
    with pytest.raises(InputError, match="there is no file"):
        read_people(f"{tmp_path}/nothing.parquet")
