"""The renewal model on epidemics that follow the renewal equation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers_panels import MONTH, WEEK, panel_of
from numpy.typing import NDArray

from salus.forecasting.model import TAUS
from salus.forecasting.renewal import USUAL_INTERVAL, Renewal, interval

Floats = NDArray[np.float64]
MEDIAN = TAUS.tolist().index(0.5)


def epidemic(weeks: int, number: Floats, seed: int = 1, start: float = 100.0) -> Floats:
    """Weekly cases (1, weeks) of daily renewal with a reproduction number for each day, Poisson."""
    chance = np.random.default_rng(seed)
    w = interval("influenza", 7)
    days = [start] * w.size
    for day in range(weeks * 7):
        days.append(float(chance.poisson(number[day] * np.dot(w, days[::-1][: w.size]))))
    return np.asarray(days[w.size :]).reshape(weeks, 7).sum(axis=1)[None].astype(float)


def waves(weeks: int) -> Floats:
    """A reproduction number that goes slowly up and down around one."""
    return np.asarray(np.exp(0.12 * np.sin(2 * np.pi * np.arange(weeks * 7) / (20 * 7))))


def test_growth_is_carried_on_where_it_has_lasted_before() -> None:
    values = epidemic(96, waves(96))
    growing = [t for t in range(60, 92) if values[0, t] > 1.15 * values[0, t - 1]]
    assert len(growing) >= 5
    ratios = []
    for t in growing:
        panel = replace(panel_of(values[:, : t + 1]), disease="influenza")
        ratios.append(Renewal().predict(panel, [1])[0, 0, MEDIAN] / values[0, t])
    assert np.mean(ratios) > 1.05, "a growing epidemic is expected to grow on"


def test_it_is_better_than_no_change_on_epidemics_that_renew_themselves() -> None:
    values = epidemic(110, waves(110), seed=3)
    ours, none = [], []
    for t in range(60, 106):
        panel = replace(panel_of(values[:, : t + 1]), disease="influenza")
        said = np.log(Renewal().predict(panel, [2])[0, 0, MEDIAN])
        ours.append(abs(said - np.log(values[0, t + 2])))
        none.append(abs(np.log(values[0, t]) - np.log(values[0, t + 2])))
    assert np.mean(ours) < 0.8 * np.mean(none)


def test_the_interval_is_that_of_the_disease_and_covers_whole_periods() -> None:
    for disease, mean in (("RS virus infection", 7.5), ("Whooping cough", 22.8), ("Some new fever", USUAL_INTERVAL)):
        found = interval(disease, 7)
        assert found.size % 7 == 0
        assert found.sum() == pytest.approx(1.0)
        assert np.arange(1, found.size + 1) @ found == pytest.approx(mean, rel=0.06)


def test_further_periods_are_answered_and_wider() -> None:
    panel = panel_of(epidemic(80, waves(80)))
    answer = Renewal().predict(panel, [1, 4, 12])[0]
    width = np.log(answer[:, -2] / answer[:, 1])
    assert (np.diff(width) > 0).all()


def test_months_and_unknown_periods_are_answered() -> None:
    values = epidemic(80, waves(80))
    values[0, 30:50] = np.nan
    values[0, -2:] = np.nan
    for cadence in (WEEK, MONTH):
        assert np.isfinite(Renewal().predict(panel_of(values, cadence), [1, 2])).all()
