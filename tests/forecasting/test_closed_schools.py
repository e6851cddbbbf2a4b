"""School terms in the pooled models: foreseen before the holidays begin, whatever the week of the year."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from salus.forecasting import stored
from salus.forecasting.members import Member
from salus.forecasting.model import TAUS
from salus.forecasting.pooled import LEARNED, Pooled
from salus.forecasting.trees import QuantileTrees
from salus.surveillance.series import open_series

MONDAY, WEEKS, PLACES = dt.date(2018, 1, 1), 312, "ABCDEF"


class Few(Pooled):
    """Trees alone, few of them."""

    members: ClassVar[tuple[Member, ...]] = (Member(lambda: QuantileTrees(LEARNED, trees=30, rate=0.3)),)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salus.forecasting.pooled.ROWS", 4_000)


@cache
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases that fall to a third while schools are closed, at another time each year and place; and the terms."""
    chance = np.random.default_rng(2)
    terms, cases = [], []
    for place in PLACES:
        closed = np.zeros(WEEKS, bool)
        for year in range(WEEKS // 52):
            for begins in chance.choice(np.arange(2, 46, 8), 3, replace=False) + chance.integers(0, 5):
                first = year * 52 + int(begins)
                closed[first : first + 3] = True
                day = MONDAY + dt.timedelta(weeks=first)
                terms.append((place, "schools", day, day + dt.timedelta(days=20)))
        level = 300 * np.where(closed, 1 / 3, 1.0) * np.exp(0.05 * chance.standard_normal(WEEKS))
        cases += [
            (place, "Influenza", "cases", MONDAY + dt.timedelta(weeks=k), float(round(level[k]))) for k in range(WEEKS)
        ]
    return (
        pl.DataFrame(cases, schema=["location", "disease", "signal", "date", "value"], orient="row"),
        pl.DataFrame(terms, schema=["location", "calendar", "first", "last"], orient="row"),
    )


def errors(*, told: bool) -> float:
    """Mean absolute error on the log scale a week ahead, over the last year."""
    cases, terms = tables()
    series = open_series(cases, drivers=[terms] if told else [])[0]
    first = MONDAY + dt.timedelta(weeks=WEEKS - 45, days=-1)
    model = Few()
    model.fit(series.learning_panel(first, []))
    truth = cases.pivot("location", index="date", values="value").sort("date").select(list(PLACES)).to_numpy()
    middle, found = TAUS.tolist().index(0.5), []
    for week in range(WEEKS - 45, WEEKS - 1, 3):
        said = model.predict(series.panel(MONDAY + dt.timedelta(weeks=week, days=-1)), [1])[:, 0, middle]
        found.append(np.abs(np.log(said / truth[week])).mean())
    return float(np.mean(found))


def test_closed_schools_are_foreseen() -> None:
    assert errors(told=True) < 0.5 * errors(told=False)


def test_a_stored_model_knows_its_calendar() -> None:
    """Another calendar is other data: the hash that the file gives tells them apart."""
    cases, terms = tables()
    day = MONDAY + dt.timedelta(weeks=200, days=-1)
    moved = terms.with_columns(pl.col("first", "last").dt.offset_by("1w"))
    one, other = (stored.origin(open_series(cases, drivers=[t])[0].learning_panel(day, [])) for t in (terms, moved))
    assert one.data_sha256 != other.data_sha256
