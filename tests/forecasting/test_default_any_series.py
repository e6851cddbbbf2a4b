"""The default model on every kind of series that it promises: short, all zero, with a gap, any cadence, a new place.

The members are few and small, so that each case takes a second; everything else is as it is.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from helpers_panels import DAY, MONTH, WEEK, panel_of
from numpy.typing import NDArray

from salus.forecasting import network, pooled, weekdays
from salus.forecasting.answer import Answer, answer
from salus.forecasting.members import Member
from salus.forecasting.model import TAUS
from salus.forecasting.network import QuantileNetwork
from salus.forecasting.persistence import Persistence
from salus.forecasting.pooled import LEARNED, Combination
from salus.forecasting.trees import QuantileTrees
from salus.surveillance.panel import Panel
from salus.surveillance.series import read_series
from salus.surveillance.weeks import Cadence

Floats = NDArray[np.float64]
MEDIAN, LOW, HIGH = (TAUS.tolist().index(level) for level in (0.5, 0.025, 0.975))


class Small(Combination):
    """The default with one small network, one without the season, and few trees."""

    members: ClassVar[tuple[Member, ...]] = (
        Member(lambda: QuantileNetwork(LEARNED, seed=1, epochs=1)),
        Member(lambda: QuantileNetwork(LEARNED, seed=3, epochs=1), season=False, witness=1),
        Member(lambda: QuantileTrees(LEARNED, trees=4, rate=0.4), every=3, witness=2),
    )
    witnesses: ClassVar[tuple[Member, ...]] = (
        Member(lambda: QuantileNetwork(LEARNED, seed=4, epochs=1), weight=2.0),
        Member(lambda: QuantileNetwork(LEARNED, seed=5, epochs=1), season=False),
        Member(lambda: QuantileTrees(LEARNED, seed=2, trees=3, rate=0.4), every=3, once=True),
    )


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "ROWS", 2_000)
    monkeypatch.setattr(network, "FEWEST_STEPS", 150)
    monkeypatch.setattr(network, "HIDDEN", (24, 12))


def waves(places: int, periods: int, cadence: Cadence = WEEK, seed: int = 1) -> Floats:
    """Seasonal counts with autocorrelated noise, from 20 to 60 a period."""
    chance = np.random.default_rng(seed)
    noise = np.zeros((places, periods))
    for t in range(1, periods):
        noise[:, t] = 0.8 * noise[:, t - 1] + 0.1 * chance.standard_normal(places)
    season = np.sin(2 * np.pi * np.arange(periods) / cadence.per_year)
    return np.asarray(np.round(np.linspace(20, 60, places)[:, None] * np.exp(0.6 * season + noise)))


def forecast(panel: Panel, horizons: tuple[int, ...] = (1, 2, 4)) -> tuple[Answer, dict[str, Floats]]:
    """The answer, and the quantiles of each place, shape (horizons, 23)."""
    model = Small()
    model.fit(panel)
    found = answer(model, panel, horizons)
    quantiles = found.table.sort("location", "horizon", pl.col("output_type_id").cast(pl.Float64))
    by_place = {
        str(place): rows["value"].to_numpy().reshape(len(horizons), 23)
        for (place,), rows in quantiles.group_by(["location"], maintain_order=True)
    }
    for said in by_place.values():
        assert np.isfinite(said).all()
        assert (np.diff(said, axis=1) >= 0).all()
        assert (said >= 0).all()
    named = set(by_place) | set(found.unusable)
    assert named == set(panel.locations), "no place is dropped"
    return found, by_place


@pytest.mark.parametrize("cadence", [WEEK, MONTH, DAY], ids=["weeks", "months", "days"])
def test_each_cadence(cadence: Cadence) -> None:
    periods = {"week": 170, "month": 130, "day": 200}[cadence.kind]
    found, said = forecast(panel_of(waves(4, periods, cadence), cadence))
    assert not found.stands_in
    last = waves(4, periods, cadence)[:, -1]
    for place, value in zip(said.values(), last, strict=True):
        assert value / 2.5 < place[0, MEDIAN] < value * 2.5


@pytest.mark.parametrize("scale", [1.0, 0.01], ids=["counts", "rates"])
def test_counts_and_rates(scale: float) -> None:
    panel = panel_of(waves(4, 170) * scale)
    panel = replace(panel, signal="cases" if scale == 1.0 else "per_sentinel")
    _, said = forecast(panel)
    last = panel.values[:, -1]
    for place, value in zip(said.values(), last, strict=True):
        assert value / 2.5 < place[0, MEDIAN] < value * 2.5
        assert place[0, LOW] < place[0, MEDIAN] < place[0, HIGH]


def test_eight_weeks_in_all_are_answered_by_no_change_and_it_is_said() -> None:
    panel = panel_of(waves(3, 8))
    found, said = forecast(panel)
    assert found.stands_in == panel.locations
    np.testing.assert_allclose([q[0, MEDIAN] for q in said.values()], panel.values[:, -1])


def test_eight_weeks_of_one_place_beside_long_ones_are_answered_by_the_model() -> None:
    values = waves(4, 170)
    values[1, :-8] = np.nan
    found, said = forecast(panel_of(values))
    assert not found.stands_in
    assert values[1, -1] / 3 < said["P1"][0, MEDIAN] < values[1, -1] * 3


def test_nothing_but_zeros_is_answered_with_about_zero() -> None:
    found, said = forecast(panel_of(np.zeros((2, 120))))
    assert found.stands_in == ("P0", "P1")
    assert max(q.max() for q in said.values()) < 1.0


def test_a_place_of_zeros_among_others_is_answered_with_about_zero() -> None:
    values = waves(4, 170)
    values[2] = 0.0
    _, said = forecast(panel_of(values))
    assert said["P2"][0, MEDIAN] < 1.0


def test_a_pandemic_gap_is_passed_over() -> None:
    values = waves(4, 260)
    values[:, 90:190] = np.nan
    found, said = forecast(panel_of(values))
    assert not found.stands_in
    for place, value in zip(said.values(), values[:, -1], strict=True):
        assert value / 2.5 < place[0, MEDIAN] < value * 2.5


# --- a new place ------------------------------------------------------------------------------------------------------


def with_people(values: Floats, people: list[float]) -> Panel:
    return replace(panel_of(values), population=np.array(people))


def test_a_new_place_has_the_rates_of_the_others_times_its_people_and_is_named() -> None:
    rates = waves(8, 170) / np.linspace(20, 60, 8)[:, None]
    people = [float(20_000 * (k + 1)) for k in range(8)] + [50_000.0]
    values = np.concatenate([np.round(rates * np.array(people[:8])[:, None] / 1000), np.full((1, 170), np.nan)])
    found, said = forecast(with_people(values, people))
    assert found.borrowed == ("P8",)
    assert "P8" not in found.unusable
    others = np.array([said[f"P{k}"][0] / people[k] for k in range(8)]) * people[8]
    assert others[:, MEDIAN].min() < said["P8"][0, MEDIAN] < others[:, MEDIAN].max()
    width = (others[:, HIGH] - others[:, LOW]).mean()
    assert said["P8"][0, HIGH] - said["P8"][0, LOW] > width, "wider than a place that is known"


def test_a_place_with_three_values_is_new_and_one_that_fell_silent_is_not() -> None:
    values = waves(4, 170)
    values[0, :-3], values[1, :] = np.nan, np.nan
    values[1, 20:22] = 5.0
    found, _ = forecast(with_people(values, [1e5] * 4))
    assert found.borrowed == ("P0",)
    assert set(found.unusable) == {"P1"}


def test_a_new_place_without_population_is_named_with_the_reason() -> None:
    values = waves(3, 170)
    values[2] = np.nan
    found, said = forecast(with_people(values, [1e5, 1e5, float("nan")]))
    assert found.unusable == {"P2": ("no value was ever reported", "从未报告任何数值")}
    assert found.borrowed == ()
    assert set(said) == {"P0", "P1"}


def test_counts_of_places_whose_people_are_unknown_tell_a_new_one_nothing() -> None:
    values = waves(3, 170)
    values[2] = np.nan
    found, _ = forecast(with_people(values, [float("nan"), float("nan"), 1e5]))
    assert set(found.unusable) == {"P2"}
    rates = replace(with_people(values / 100, [float("nan"), float("nan"), 1e5]), signal="per_sentinel")
    assert forecast(rates)[0].borrowed == ("P2",)


def test_others_are_forecast_as_if_there_were_no_new_place() -> None:
    values = waves(4, 60)
    values[3] = np.nan
    panel = with_people(values, [1e5] * 4)
    both, alone = (answer(Persistence(), p, [1, 2]).table for p in (panel, panel.without(["P3"])))
    assert both.filter(pl.col("location") != "P3").equals(alone)
    assert both.filter(pl.col("location") == "P3").height == 2 * 23


def test_a_row_with_an_empty_value_and_a_population_makes_a_new_place() -> None:
    first = dt.date(2024, 1, 1)
    rows: list[tuple[object, ...]] = [
        ("A", "Influenza", "cases", first + dt.timedelta(weeks=k), 5.0 + k, 1000.0) for k in range(20)
    ]
    rows.append(("B", "Influenza", "cases", first + dt.timedelta(weeks=19), None, 3000.0))
    names = ["location", "disease", "signal", "date", "value", "population"]
    panel = read_series(pl.DataFrame(rows, schema=names, orient="row")).panel(first + dt.timedelta(weeks=20))
    assert panel.locations == ("A", "B")
    assert panel.population.tolist() == [1000.0, 3000.0]


# --- days -------------------------------------------------------------------------------------------------------------

WEEKEND = np.array([1.3, 1.1, 1.0, 1.0, 0.95, 0.5, 0.4])


def days(count: int, places: int = 4) -> Floats:
    chance = np.random.default_rng(2)
    level = np.linspace(40, 200, places)[:, None] * np.exp(0.4 * np.sin(np.arange(count) / 40))
    return np.asarray(chance.poisson(level * WEEKEND[np.arange(count) % 7]).astype(float))


def test_days_of_the_week_are_taken_out_and_put_back() -> None:
    """A week ahead the expected course has the days of the week."""
    _, said = forecast(panel_of(days(300), DAY), (1, 2, 3, 4, 5, 6, 7))
    wanted = WEEKEND[(300 + np.arange(7)) % 7]
    for place in said.values():
        shape = place[:, MEDIAN] / place[:, MEDIAN].mean()
        assert np.corrcoef(shape, wanted)[0, 1] > 0.95
        np.testing.assert_allclose(shape, wanted / wanted.mean(), atol=0.2)


def test_factors_are_those_of_the_days_and_need_three_weeks() -> None:
    found = weekdays.factors(panel_of(days(300), DAY))
    np.testing.assert_allclose(found, np.repeat(WEEKEND[None] / WEEKEND.mean(), 4, axis=0), atol=0.1)
    assert (weekdays.factors(panel_of(days(20), DAY)) == 1).all()
    growing = np.exp(np.arange(140) / 7 * np.log(1.5))[None] * 50
    np.testing.assert_allclose(weekdays.factors(panel_of(growing, DAY)), 1.0, atol=0.03)


def test_a_day_without_reports_is_a_gap_not_a_zero() -> None:
    values = days(300)
    values[:, np.arange(300) % 7 == 6] = 0.0
    panel, found = weekdays.levelled(panel_of(values, DAY))
    assert (found[:, 6] < weekdays.CLOSED).all()
    assert np.isnan(panel.values[:, np.arange(300) % 7 == 6]).all()
    _, said = forecast(panel_of(values, DAY), (1, 2, 3, 4, 5, 6, 7))
    closed = next(h for h in range(7) if (300 + h) % 7 == 6)
    for place in said.values():
        assert place[closed, HIGH] < 0.2 * place[(closed + 2) % 7, MEDIAN]


@pytest.mark.parametrize("cadence", [WEEK, MONTH], ids=["weeks", "months"])
def test_other_cadences_are_left_as_they_are(cadence: Cadence) -> None:
    panel = panel_of(waves(2, 40, cadence), cadence)
    same, found = weekdays.levelled(panel)
    assert same is panel
    assert (weekdays.at(found, panel, [1, 2]) == 1).all()
