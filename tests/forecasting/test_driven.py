"""Drivers in the pooled models: they help where they lead, are named as a reason, tell nothing later, and are off."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from salus.forecasting import features
from salus.forecasting.members import Member
from salus.forecasting.model import TAUS, Floats
from salus.forecasting.pooled import LEARNED, Pooled
from salus.forecasting.trees import QuantileTrees
from salus.surveillance.series import Series, open_series

MONDAY = dt.date(2019, 1, 7)
WEEKS, PLACES = 260, "ABCD"
REFERENCE = MONDAY + dt.timedelta(weeks=200, days=-1)


class Few(Pooled):
    """Trees alone, few of them."""

    members: ClassVar[tuple[Member, ...]] = (Member(lambda: QuantileTrees(LEARNED, trees=15, rate=0.35)),)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salus.forecasting.pooled.ROWS", 3_000)


@cache
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases that follow the temperature of two weeks before, and the temperature."""
    chance = np.random.default_rng(4)
    cases, weather = [], []
    for place in PLACES:
        warm = np.zeros(WEEKS)
        for t in range(1, WEEKS):
            warm[t] = 0.6 * warm[t - 1] + chance.standard_normal()
        level = 0.0
        for t in range(WEEKS):
            level = 0.7 * level - (0.5 * warm[t - 2] if t > 1 else 0.0) + 0.05 * chance.standard_normal()
            day = MONDAY + dt.timedelta(weeks=t)
            cases.append((place, "Influenza", "cases", day, float(np.round(200 * np.exp(0.5 * level)))))
            weather.append((place, "temperature", day, float(8 + 5 * warm[t])))
    return (
        pl.DataFrame(cases, schema=["location", "disease", "signal", "date", "value"], orient="row"),
        pl.DataFrame(weather, schema=["location", "driver", "date", "value"], orient="row"),
    )


def opened(*, driven: bool, weather: pl.DataFrame | None = None) -> Series:
    cases, usual = tables()
    return open_series(cases, drivers=[usual if weather is None else weather] if driven else [])[0]


def loss(series: Series) -> float:
    """Mean pinball loss two weeks ahead on 25 weeks that the model has not seen."""
    model = Few()
    model.fit(series.panel(REFERENCE))
    found = []
    truth = series.panel(MONDAY + dt.timedelta(weeks=WEEKS, days=-1)).values
    for k in range(200, 250, 2):
        said = model.predict(series.panel(MONDAY + dt.timedelta(weeks=k, days=-1)), [2])[:, 0]
        gap = truth[:, k + 1][:, None] - said
        found.append(np.maximum(TAUS * gap, (TAUS - 1) * gap).mean())
    return float(np.mean(found))


def forecast(series: Series) -> Floats:
    model = Few()
    model.fit(series.panel(REFERENCE))
    return model.predict(series.panel(REFERENCE), [1, 2, 3, 4])


def test_what_leads_the_disease_makes_the_forecast_better() -> None:
    assert loss(opened(driven=True)) < 0.8 * loss(opened(driven=False))


def test_it_is_named_among_the_reasons_and_the_shares_add_up() -> None:
    model, panel = Few(), opened(driven=True).panel(REFERENCE)
    model.fit(panel)
    told = model.explain(panel, [2])
    assert told is not None
    size = told.group_by("kind").agg(pl.col("share").abs().mean()).sort("share", descending=True)
    assert "drivers" in size["kind"].head(2).to_list()
    assert "drivers" not in _kinds(opened(driven=False))


def _kinds(series: Series) -> list[str]:
    model, panel = Few(), series.panel(REFERENCE)
    model.fit(panel)
    told = model.explain(panel, [2])
    assert told is not None
    return told["kind"].unique().to_list()


def test_no_value_of_a_driver_after_the_day_changes_a_bit() -> None:
    _, usual = tables()
    late = pl.col("date") + pl.duration(days=6) > REFERENCE
    poison = usual.with_columns(pl.when(late).then(pl.col("value") * -1000).otherwise(pl.col("value")).alias("value"))
    more = usual.filter(late, pl.col("location") == "A").with_columns(location=pl.lit("ZZ"))
    poisoned = pl.concat([poison, more]).sample(fraction=1.0, shuffle=True, seed=3)
    clean = forecast(opened(driven=True))
    np.testing.assert_array_equal(forecast(opened(driven=True, weather=poisoned)), clean)
    assert np.abs(clean - forecast(opened(driven=False))).max() > 1


def test_without_a_driver_nothing_is_looked_at_but_what_was() -> None:
    plain = features.build(opened(driven=False).panel(REFERENCE)).columns
    driven = features.build(opened(driven=True).panel(REFERENCE)).columns
    assert not [name for name in plain if name.startswith("driver_")]
    assert [name for name in driven if not name.startswith("driver_")] == list(plain)
    for name, values in plain.items():
        np.testing.assert_array_equal(values, driven[name])
