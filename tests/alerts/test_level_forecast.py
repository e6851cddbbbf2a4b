"""Alerts: who gets one, from which probability on, and what it says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus import registry
from salus.alerts.detector import Detector
from salus.alerts.level_forecast import LevelForecast
from salus.surveillance.levels import LevelScheme
from salus.tables.contracts import ALERTS, FORECASTS

DAY = dt.date(2024, 1, 7)
NAMES = ("low", "raised", "warning")
Chances = Mapping[tuple[str, int], Sequence[float]]


def scheme(*places: str) -> LevelScheme:
    return LevelScheme("official", "", "", NAMES, ("低", "升高", "警报"), dict.fromkeys(places, (2.0, 5.0)), "")


def pmf(chances: Chances) -> pl.DataFrame:
    """Level probabilities by place and horizon, among quantile rows that a detector must not count."""
    rows: list[tuple[object, ...]] = []
    for (place, horizon), shares in chances.items():
        task = ("m", DAY, "flu", "cases", place, horizon, DAY + dt.timedelta(weeks=horizon))
        rows += [(*task, "pmf", str(k), float(p)) for k, p in enumerate(shares)]
        rows.append((*task, "quantile", "0.5", 99.0))
    return pl.DataFrame(
        rows, schema=dict(zip(FORECASTS.names, (c.dtype for c in FORECASTS.columns), strict=True)), orient="row"
    )


def last(values: Mapping[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "location": list(values),
            "date": [DAY - dt.timedelta(days=6)] * len(values),
            "target_end_date": [DAY] * len(values),
            "value": list(values.values()),
        }
    )


def detect(chances: Chances, values: Mapping[str, float], cost_ratio: float = 1.0) -> pl.DataFrame:
    table = LevelForecast(cost_ratio).detect(pmf(chances), last(values), scheme(*values))
    ALERTS.check(table)
    return table


def test_a_place_at_the_highest_level_gets_one_now_whatever_is_forecast() -> None:
    [alert] = detect({("A", 1): (1, 0, 0)}, {"A": 6.2}).rows(named=True)
    assert alert == {
        "detector": "level_forecast", "reference_date": DAY, "disease": "flu", "signal": "cases", "location": "A",
        "horizon": 0, "target_end_date": DAY, "level": 2, "probability": 1.0,
        "reason": "at the highest level (warning), last known value 6.2",
    }  # fmt: skip


def test_a_probable_rise_gets_one_at_the_first_horizon_that_reaches_the_threshold() -> None:
    chances = {("A", 1): (0.7, 0.2, 0.1), ("A", 2): (0.4, 0.5, 0.1), ("A", 3): (0.1, 0.2, 0.7)}
    [alert] = detect(chances, {"A": 1.0}).rows(named=True)
    assert (alert["horizon"], alert["level"], alert["target_end_date"]) == (2, 1, dt.date(2024, 1, 21))
    assert alert["probability"] == pytest.approx(0.6)
    assert alert["reason"] == "60% likely to reach the level 'raised' or a higher one by 2024-01-21, from 1 now"


def test_only_levels_above_the_present_one_count() -> None:
    assert detect({("A", 1): (0.2, 0.5, 0.3)}, {"A": 3.0}).height == 0
    [alert] = detect({("A", 1): (0.1, 0.3, 0.6)}, {"A": 3.0}).rows(named=True)
    assert (alert["level"], alert["probability"]) == (2, pytest.approx(0.6))


def test_a_value_on_a_cut_is_at_the_higher_level() -> None:
    assert detect({("A", 1): (1, 0, 0)}, {"A": 5.0})["level"].to_list() == [2]
    assert detect({("A", 1): (1, 0, 0)}, {"A": 4.999}).height == 0


def test_the_cost_ratio_moves_the_threshold() -> None:
    chances = {("A", 1): (0.74, 0.26, 0.0)}
    assert LevelForecast(1).threshold == 0.5
    assert LevelForecast(1 / 3).threshold == pytest.approx(0.25)
    assert LevelForecast(3).threshold == pytest.approx(0.75)
    assert detect(chances, {"A": 1.0}).height == 0
    assert detect(chances, {"A": 1.0}, cost_ratio=1 / 3).height == 1
    assert detect(chances, {"A": 1.0}, cost_ratio=0.4).height == 0


@settings(deadline=None, max_examples=60)
@given(p=st.floats(0, 1), ratio=st.floats(0.05, 20))
def test_the_rule_is_the_one_that_costs_least(p: float, ratio: float) -> None:
    """Alarm exactly where the expected cost of a false alarm is at most that of a missed rise."""
    alarmed = detect({("A", 1): (1 - p, p, 0.0)}, {"A": 1.0}, cost_ratio=ratio).height == 1
    false_alarm, missed = ratio * (1 - p), p
    if abs(false_alarm - missed) > 1e-9:
        assert alarmed == (false_alarm < missed)


def test_places_without_levels_forecasts_or_a_rise_get_none() -> None:
    chances = {("quiet", 1): (0.9, 0.1, 0.0), ("rising", 1): (0.1, 0.9, 0.0), ("foreign", 1): (0.0, 0.0, 1.0)}
    values = {"quiet": 1.0, "rising": 1.0, "silent": 9.0, "foreign": 9.0}
    table = LevelForecast().detect(pmf(chances), last(values), scheme("quiet", "rising", "silent"))
    assert table["location"].to_list() == ["rising"]


def test_nothing_to_say_is_an_empty_table_in_the_contract() -> None:
    table = detect({("A", 1): (1, 0, 0)}, {"A": 0.0})
    assert table.height == 0
    assert table.columns == list(ALERTS.names)


def test_alerts_are_sorted_by_place_whatever_the_order_of_the_rows() -> None:
    chances = {(p, h): (0.0, 1.0, 0.0) for p in "CAB" for h in (3, 1, 2)}
    values = dict.fromkeys("BCA", 1.0)
    table = detect(chances, values)
    assert table.select("location", "horizon").rows() == [("A", 1), ("B", 1), ("C", 1)]
    shuffled = LevelForecast().detect(
        pmf(chances).sample(fraction=1, shuffle=True, seed=2), last(values).reverse(), scheme(*values)
    )
    assert shuffled.equals(table)


def test_every_registered_detector_is_one() -> None:
    assert "level_forecast" in registry.names("detector")
    for name in registry.names("detector"):
        detector = registry.load("detector", name)
        assert issubclass(detector, Detector)
        assert detector.name == name
