"""Nowcasts: on simulated reporting delays with known truth first, then on what the US hospitals reported."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_triangle import FIRST, day, series, simulated
from numpy.typing import NDArray

from salus.evaluation.scores import weighted_interval_score
from salus.forecasting.answer import answer
from salus.forecasting.model import TAUS
from salus.forecasting.nowcast import AfterRevision, Revised, needed, nowcast, with_values
from salus.forecasting.persistence import Persistence
from salus.forecasting.seasonal_naive import SeasonalNaive
from salus.surveillance.series import read_series

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
AGES = 4
Floats = NDArray[np.float64]


@cache
def nowcasts() -> tuple[Floats, Floats, Floats]:
    """Quantiles (tasks, ages, 23), first releases and truths (tasks, ages) of the last 40 weeks of all places."""
    final, _ = simulated()
    q, face, truth = [], [], []
    for week in range(68, 106):
        panel = series().panel(day(week))
        q.append(nowcast(panel).quantiles())
        face.append(panel.values[:, ::-1][:, :AGES])
        truth.append(final[:, : week + 1][:, ::-1][:, :AGES])
    return np.concatenate(q), np.concatenate(face), np.concatenate(truth)


@pytest.mark.parametrize("age", range(3))
def test_ranges_hold_what_they_promise_when_half_of_the_reports_are_missing(age: int) -> None:
    q, _, truth = nowcasts()
    for low, high, promised in ((5, 17, 0.6), (3, 19, 0.8), (1, 21, 0.95)):
        held = float(((truth[:, age] >= q[:, age, low]) & (truth[:, age] <= q[:, age, high])).mean())
        assert abs(held - promised) < 0.07 or held > promised, (age, promised, held)
    assert ((truth[:, age] >= q[:, age, 1]) & (truth[:, age] <= q[:, age, 21])).mean() > 0.91


@pytest.mark.parametrize("age", range(3))
def test_the_nowcast_is_centred_where_first_releases_are_far_too_low(age: int) -> None:
    q, face, truth = nowcasts()
    total = truth[:, age].sum()
    assert abs(q[:, age, 11].sum() / total - 1) < 0.04
    if age == 0:
        assert face[:, 0].sum() / total < 0.75
    nowcast_wis = weighted_interval_score(q[:, age], truth[:, age]).mean()
    face_wis = np.abs(face[:, age] - truth[:, age]).mean()
    assert nowcast_wis < (0.35, 0.45, 0.7)[age] * face_wis


def test_places_keep_their_own_delays() -> None:
    """The first place reports 40 % at once, the last 80 %: its values are raised less."""
    panel = series().panel(day(100))
    raised = nowcast(panel).quantiles()[:, 0, 11] / np.maximum(panel.values[:, -1], 1)
    assert raised[1] > 1.5
    assert raised[-1] < 1.45


def test_what_is_complete_stays_as_it_is() -> None:
    panel = series().panel(day(100))
    draws = nowcast(panel).draws
    np.testing.assert_allclose(draws[:, :, 3], np.broadcast_to(panel.values[:, -4], draws.shape[:2]))
    rows = simulated()[1].sort("as_of").unique(["location", "date"], keep="last").with_columns(
        as_of=pl.col("date") + pl.duration(days=6)
    )  # fmt: skip
    unrevised = read_series(rows).panel(day(100))
    found = nowcast(unrevised)
    assert (found.learned > 0).all()
    np.testing.assert_allclose(found.draws, np.broadcast_to(unrevised.values[:, ::-1][:, :AGES], found.draws.shape))


def test_a_zero_that_is_later_filled_is_not_taken_for_certain() -> None:
    rows = []
    for week in range(80):
        start = FIRST + dt.timedelta(weeks=week)
        late = float(week % 2)  # every second first zero becomes a one
        rows += [("A", start, day(week), 0.0), ("A", start, day(week + 1), late)]
    frame = pl.DataFrame(rows, schema=["location", "date", "as_of", "value"], orient="row")
    panel = read_series(frame.with_columns(disease=pl.lit("Influenza"), signal=pl.lit("cases"))).panel(day(79))
    last = nowcast(panel).draws[:, 0, 0]
    assert set(np.unique(last.round(9))) == {0.0, 1.0}
    assert 0.4 < last.mean() < 0.6


def test_nothing_known_later_changes_a_nowcast() -> None:
    at = day(90)
    rows = simulated()[1]
    later = pl.col("as_of") > at
    poisoned = read_series(rows.with_columns(value=pl.when(later).then(1e9).otherwise(pl.col("value"))))
    np.testing.assert_array_equal(nowcast(poisoned.panel(at)).draws, nowcast(series().panel(at)).draws)
    ours = AfterRevision(Persistence()).predict(poisoned.panel(at), [1, 4])
    np.testing.assert_array_equal(ours, AfterRevision(Persistence()).predict(series().panel(at), [1, 4]))


def test_ten_times_the_counts_give_ten_times_the_nowcast() -> None:
    larger = read_series(simulated()[1].with_columns(pl.col("value") * 10)).panel(day(100))
    np.testing.assert_allclose(nowcast(larger).draws, 10 * nowcast(series().panel(day(100))).draws)


def test_late_places_are_left_unknown_and_the_rest_is_nowcast() -> None:
    at = day(100)
    rows = simulated()[1].filter((pl.col("location") != "P2") | (pl.col("date") < FIRST + dt.timedelta(weeks=100)))
    found = nowcast(read_series(rows).panel(at))
    assert np.isnan(found.draws[:, 2, 0]).all()
    assert np.isfinite(found.draws[:, 2, 1:]).all()
    assert np.isfinite(found.draws[:, [0, 1, 3, 4, 5]]).all()


def test_nowcasts_are_needed_where_first_releases_are_a_tenth_off_and_not_elsewhere() -> None:
    assert needed(series().panel(day(100)))
    assert not needed(series().panel(day(4)))
    assert not needed(replace(series().panel(day(100)), vintages=None))
    for late, wanted in ((0.03, False), (0.3, True), (-0.3, True)):
        first = simulated()[1].sort("as_of").unique(["location", "date"], keep="first")
        rows = pl.concat(
            [first, first.with_columns(pl.col("value") * (1 + late), pl.col("as_of") + pl.duration(days=7))]
        )
        assert needed(read_series(rows).panel(day(100))) == wanted


def test_without_vintages_or_with_few_the_model_is_asked_as_it_is() -> None:
    bare = replace(series().panel(day(100)), vintages=None)
    young = series().panel(day(8))
    for panel in (bare, young):
        found = nowcast(panel)
        assert not found.learned.any()
        np.testing.assert_array_equal(
            AfterRevision(Persistence()).predict(panel, [1, 2]), Persistence().predict(panel, [1, 2])
        )


def test_a_rebasing_of_all_history_between_seasons_is_not_taken_for_a_usual_revision() -> None:
    """Between two seasons no one looks, and the source recounts everything by a fifth."""
    rows = []
    for week in range(100):
        start = FIRST + dt.timedelta(weeks=week)
        if week < 60:
            rows += [("A", start, day(week), 100.0), ("A", start, day(80), 120.0)]
        elif week >= 80:
            rows += [("A", start, day(week), 100.0)]
    frame = pl.DataFrame(rows, schema=["location", "date", "as_of", "value"], orient="row")
    panel = read_series(frame.with_columns(disease=pl.lit("Influenza"), signal=pl.lit("cases"))).panel(day(90))
    found = nowcast(panel)
    assert found.learned[0] > 0
    np.testing.assert_allclose(found.draws[:, 0, 0], 100.0)


def test_forecasts_after_revision_beat_those_from_first_releases() -> None:
    final, _ = simulated()
    plain, revised = [], []
    for week in range(68, 100, 3):
        panel = series().panel(day(week))
        truth = final[:, week + 2]
        for model, into in ((Persistence(), plain), (AfterRevision(Persistence()), revised)):
            into.append(weighted_interval_score(model.predict(panel, [2])[:, 0], truth).sum())
    assert np.sum(revised) < 0.8 * np.sum(plain)


def test_the_forecast_is_the_pool_over_nowcasts_and_not_that_of_their_mean() -> None:
    """The doubt about the last week goes into the forecast: it is wider than one that takes a nowcast for certain."""
    panel = series().panel(day(100))
    found = nowcast(panel, 8)
    middle = with_values(panel, np.median(found.draws, axis=0))
    certain = Persistence().predict(middle, [1])
    pooled = AfterRevision(Persistence()).predict(panel, [1])
    width = (pooled[..., 21] - pooled[..., 1]) / (certain[..., 21] - certain[..., 1])
    assert np.mean(width) > 1.05
    assert (np.diff(pooled, axis=-1) >= 0).all()


def test_a_place_that_the_model_can_not_answer_stays_without_answer() -> None:
    panel = series().panel(day(30))
    assert np.isnan(AfterRevision(SeasonalNaive()).predict(panel, [1])).all()
    named = answer(AfterRevision(SeasonalNaive()), panel, [1])
    assert named.stands_in == panel.locations
    assert named.table["model"].unique().to_list() == ["seasonal_naive"]


def test_quantiles_are_those_of_the_draws() -> None:
    draws = np.arange(101.0)[:, None, None]
    np.testing.assert_allclose(Revised(draws, np.array([1])).quantiles(TAUS)[0, 0], 100 * TAUS)


@pytest.mark.real_data
@pytest.mark.slow
def test_us_admissions_nowcasts_are_no_worse_than_first_releases() -> None:
    table = pl.read_parquet(REAL / "influenza_us/admissions_vintages.parquet").filter(
        pl.col("as_of") < dt.date(2024, 6, 1)
    )
    us = read_series(table)
    final = us.panel(dt.date(2024, 5, 11))
    ours, face = np.zeros(AGES), np.zeros(AGES)
    for week in range(0, 28, 3):
        panel = us.panel(dt.date(2023, 10, 14) + dt.timedelta(weeks=week))
        q = nowcast(panel).quantiles()
        rows = [final.locations.index(p) for p in panel.locations]
        for age in range(AGES):
            at = final.starts.index(panel.starts[-1 - age])
            truth, first = final.values[rows, at], panel.values[:, -1 - age]
            known = np.isfinite(truth) & np.isfinite(first)
            ours[age] += weighted_interval_score(q[known, age], truth[known]).sum()
            face[age] += np.abs(first - truth)[known].sum()
    assert (ours < face).all()
