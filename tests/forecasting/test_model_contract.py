"""What every registered forecasting model must keep: form, no leaks, repeatability, no dependence on order or unit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from salus import registry
from salus.forecasting.model import TAUS, Model, tidy, to_table
from salus.surveillance.panel import Panel
from salus.surveillance.series import Series, read_series
from salus.surveillance.weeks import Cadence
from salus.tables.contracts import FORECASTS

pytestmark = pytest.mark.filterwarnings("error")

MODELS = registry.names("model")
HORIZONS = (1, 2, 3, 4)
WEEK, MONTH, DAY = Cadence("week", 0), Cadence("month"), Cadence("day")
FIRST = {"week": dt.date(2020, 6, 29), "month": dt.date(2008, 1, 1), "day": dt.date(2023, 1, 2)}
PERIODS = 135


def epidemic(places: int, periods: int, cadence: Cadence, seed: int = 1) -> NDArray[np.float64]:
    """Seasonal waves with autocorrelated noise, a level of its own for each place."""
    chance = np.random.default_rng(seed)
    noise = np.zeros((places, periods))
    for t in range(1, periods):
        noise[:, t] = 0.8 * noise[:, t - 1] + 0.12 * chance.standard_normal(places)
    season = 2 * np.pi * np.arange(periods) / (cadence.per_year if cadence.kind != "day" else 7)
    level = np.linspace(1.5, 3.0, places)[:, None]
    return np.asarray((level + 0.5 * np.sin(season + 0.3) + noise).clip(0.2) ** 4)


def panel_of(values: NDArray[np.float64], cadence: Cadence = WEEK, names: tuple[str, ...] | None = None) -> Panel:
    """A panel of given values, places named A, B, C ... unless named."""
    starts = tuple(cadence.shift(FIRST[cadence.kind], k) for k in range(values.shape[1]))
    names = names or tuple("ABCDEFGH"[: values.shape[0]])
    people = np.full(len(names), 1e6)
    return Panel("Influenza", "cases", cadence, cadence.end(starts[-1]), starts, names, values, people)


@cache
def usual() -> Panel:
    return panel_of(epidemic(3, PERIODS, WEEK))


def fitted(name: str, panel: Panel) -> Model:
    model: Model = registry.load("model", name)()
    model.fit(panel)
    return model


@cache
def usual_model(name: str) -> Model:
    return fitted(name, usual())


@cache
def usual_answer(name: str) -> NDArray[np.float64]:
    return usual_model(name).predict(usual(), HORIZONS)


def keeps_form(answer: NDArray[np.float64], places: int, horizons: int = 4) -> None:
    """Shape, finite or all NaN, and after tidying ascending and not negative."""
    assert answer.shape == (places, horizons, TAUS.size)
    known = np.isfinite(answer)
    assert (known.all(axis=-1) | np.isnan(answer).all(axis=-1)).all()
    clean = tidy(answer)
    assert (np.isfinite(clean) == known).all()
    assert not (np.diff(clean, axis=-1) < 0).any()
    assert not (clean < 0).any()


@pytest.mark.parametrize("name", MODELS)
def test_model_carries_its_registered_name_and_both_titles(name: str) -> None:
    model = registry.load("model", name)
    assert issubclass(model, Model)
    assert model.name == name
    assert model.title
    assert any("\u4e00" <= letter <= "\u9fff" for letter in model.title_zh)


@pytest.mark.parametrize("name", MODELS)
def test_every_place_and_horizon_of_a_usual_panel_is_answered(name: str) -> None:
    answer = usual_answer(name)
    keeps_form(answer, 3)
    assert np.isfinite(answer).all()
    assert (tidy(answer)[..., -1] > tidy(answer)[..., 0]).all()
    table = to_table(name, usual(), HORIZONS, answer)
    assert FORECASTS.check(table).height == 3 * 4 * 23
    assert table["target_end_date"].unique().sort().to_list() == [
        usual().reference_date + dt.timedelta(days=7 * h) for h in HORIZONS
    ]


@pytest.mark.parametrize("name", MODELS)
def test_predicting_learns_nothing_and_changes_nothing(name: str) -> None:
    model, before = usual_model(name), usual().values.copy()
    expected = usual_answer(name)
    earlier = replace(usual(), starts=usual().starts[:-10], values=usual().values[:, :-10] * 2)
    model.predict(earlier, HORIZONS)
    np.testing.assert_array_equal(model.predict(usual(), HORIZONS), expected)
    np.testing.assert_array_equal(usual().values, before)


@pytest.mark.parametrize("name", MODELS)
def test_a_horizon_asked_alone_is_answered_the_same(name: str) -> None:
    alone = usual_model(name).predict(usual(), [3, 1])
    np.testing.assert_allclose(alone, usual_answer(name)[:, [2, 0]], rtol=1e-12)


# --- nothing sees the future ------------------------------------------------------------------------------------------

REFERENCE = dt.date(2023, 1, 22)
FUTURE = 12


def rows(disease: str = "Influenza", signal: str = "cases", seed: int = 1) -> pl.DataFrame:
    """Two places up to twelve weeks after the reference date, without vintages."""
    periods = WEEK.between(FIRST["week"], WEEK.start(REFERENCE)) + 1 + FUTURE
    values = epidemic(2, periods, WEEK, seed)
    return pl.DataFrame(
        [
            (place, disease, signal, WEEK.shift(FIRST["week"], t), float(values[p, t]), 1e6)
            for p, place in enumerate("AB")
            for t in range(periods)
        ],
        schema={
            "location": pl.String,
            "disease": pl.String,
            "signal": pl.String,
            "date": pl.Date,
            "value": pl.Float64,
            "population": pl.Float64,
        },
        orient="row",
    )


def with_vintages(table: pl.DataFrame) -> pl.DataFrame:
    """Each value first known 6 days after its week, 10 % low, and corrected 14 days later."""
    end = pl.col("date") + pl.duration(days=6)
    first = table.with_columns((end + pl.duration(days=6)).alias("as_of"), pl.col("value") * 0.9)
    return pl.concat([first, table.with_columns((end + pl.duration(days=20)).alias("as_of"))])


def poisoned(table: pl.DataFrame, reference: dt.date) -> pl.DataFrame:
    """Every row that was not known on the reference date made absurd, others added, and the rows shuffled."""
    known_from = pl.col("as_of") if "as_of" in table.columns else pl.col("date") + pl.duration(days=6)
    late = known_from > reference
    swapped = pl.col("location").replace({"A": "B", "B": "A"})
    past, future = table.filter(~late), table.filter(late)
    future = future.with_columns(pl.col("value") * 1000, pl.col("population") * 7, swapped.alias("location"))
    pieces = [past, future, future.with_columns(pl.lit("ZZ").alias("location"))]
    if "as_of" in table.columns:
        day = pl.lit(reference + dt.timedelta(days=1)).alias("as_of")
        revised = past.unique(["location", "date"], keep="last", maintain_order=True)
        pieces.append(revised.with_columns(day, pl.col("value") * 1000))
        pieces.append(revised.with_columns(day, pl.lit("ZY").alias("location")))
    key = [c for c in ("location", "date", "as_of") if c in table.columns]
    return pl.concat(pieces).unique(key, keep="first", maintain_order=True).sample(fraction=1.0, shuffle=True, seed=5)


def forecast(name: str, main: Series, also: list[Series], fit_on: dt.date) -> pl.DataFrame:
    """Fitted on one day, asked on the reference date."""
    model: Model = registry.load("model", name)()
    model.fit(main.learning_panel(fit_on, also))
    panel = main.panel(REFERENCE)
    return to_table(name, panel, HORIZONS, model.predict(panel, HORIZONS))


def read_all(table: pl.DataFrame, others: pl.DataFrame, near: pl.DataFrame) -> tuple[Series, list[Series]]:
    """The main series with a companion disease in its file, and a history of another signal."""
    main = read_series(pl.concat([table, near]), "Influenza", "cases", companions=True)
    return main, [read_series(others, "Influenza", "visits", hold_back=8)]


@pytest.mark.parametrize("vintages", [False, True], ids=["without as_of", "with as_of"])
@pytest.mark.parametrize("name", MODELS)
def test_neither_later_rows_nor_the_order_of_rows_nor_a_second_run_change_a_bit(name: str, vintages: bool) -> None:
    tables = [rows(), rows(signal="visits", seed=2), rows(disease="RSV", seed=3)]
    if vintages:
        tables = [with_vintages(t) for t in tables]
    clean = read_all(*tables)
    dirty = read_all(*(poisoned(t, REFERENCE) for t in tables))
    fit_on = REFERENCE - dt.timedelta(weeks=5)
    expected = forecast(name, *clean, fit_on)
    assert expected.height == 2 * 4 * 23
    assert forecast(name, *dirty, fit_on).equals(expected)
    later = REFERENCE + dt.timedelta(days=70)
    assert np.nanmax(clean[0].panel(later).values) < 1e3, "the clean rows are sound"
    assert np.nanmax(dirty[0].panel(later).values) > 1e4, "the poison is there to be seen later"


@pytest.mark.parametrize("name", MODELS)
def test_a_place_is_answered_the_same_wherever_it_stands(name: str) -> None:
    order = np.array([2, 0, 1])
    turned = replace(usual(), values=usual().values[order], locations=tuple("ABC"[i] for i in order))
    answer = usual_model(name).predict(turned, HORIZONS)
    np.testing.assert_allclose(answer, usual_answer(name)[order], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_ten_times_the_values_give_about_ten_times_the_quantiles(name: str) -> None:
    larger = replace(usual(), values=usual().values * 10)
    answer = tidy(fitted(name, larger).predict(larger, HORIZONS))
    expected = 10 * tidy(usual_answer(name))
    centre = slice(1, 22)
    np.testing.assert_allclose(answer[..., centre], expected[..., centre], rtol=0.15, atol=0.5)


# --- short, empty and odd input ---------------------------------------------------------------------------------------


ODD_PLACES = ("constant", "gone", "late", "never", "silent", "sound", "sparse", "spike", "young", "zero")


def odd_places() -> Panel:
    """One place of each kind that surveillance sees."""
    values = epidemic(len(ODD_PLACES), PERIODS, WEEK)
    place = {name: values[i] for i, name in enumerate(ODD_PLACES)}
    place["constant"][:] = 7.0
    place["gone"][30:] = np.nan
    place["late"][-3:] = np.nan
    place["never"][:] = np.nan
    place["silent"][-12:] = np.nan
    place["sparse"][:] = np.arange(PERIODS) % 17 == 0
    place["spike"][:] = 0.0
    place["spike"][100] = 500.0
    place["young"][:-8] = np.nan
    place["zero"][:] = 0.0
    return panel_of(values, names=ODD_PLACES)


def odd_panels() -> dict[str, Panel]:
    base = epidemic(2, PERIODS, WEEK)
    pandemic = base.copy()
    pandemic[:, 20:75] = np.nan
    return {
        "no place": panel_of(np.empty((0, PERIODS))),
        "one place": panel_of(base[:1]),
        "three periods": panel_of(base[:, :3]),
        "one period": panel_of(base[:, :1]),
        "thirty periods": panel_of(base[:, :30]),
        "all zero": panel_of(np.zeros_like(base)),
        "all missing": panel_of(np.full_like(base, np.nan)),
        "a pandemic gap": panel_of(pandemic),
        "a straight line": panel_of(np.arange(PERIODS, dtype=np.float64)[None] ** 4),
        "monthly": panel_of(epidemic(2, 120, MONTH), MONTH),
        "daily": panel_of(epidemic(2, 150, DAY), DAY),
    }


ANSWERED = {"one place", "a pandemic gap", "monthly", "daily"}
"""Panels that every model must answer in full."""


@pytest.mark.parametrize("case", odd_panels())
@pytest.mark.parametrize("name", MODELS)
def test_odd_panels_are_answered_or_left_out(name: str, case: str) -> None:
    panel = odd_panels()[case]
    answer = fitted(name, panel).predict(panel, HORIZONS)
    keeps_form(answer, len(panel.locations))
    if case in ANSWERED:
        assert np.isfinite(answer).all()
    if case == "all missing":
        assert np.isnan(answer).all()
    if case == "all zero":
        assert not (tidy(answer) > 1.0).any()
    table = to_table(name, panel, HORIZONS, answer)
    assert FORECASTS.check(table).height == int(np.isfinite(answer).sum())


@pytest.mark.parametrize("name", MODELS)
def test_odd_places_are_answered_or_left_out_and_harm_no_other(name: str) -> None:
    panel = odd_places()
    answer = fitted(name, panel).predict(panel, HORIZONS)
    keeps_form(answer, len(ODD_PLACES))
    of = dict(zip(ODD_PLACES, tidy(answer), strict=True))
    assert np.isnan(of["never"]).all()
    assert np.isfinite(of["late"]).all()
    sound = panel.values[ODD_PLACES.index("sound"), -1]
    assert sound / 3 < of["sound"][0, 11] < sound * 3
    for flat, value in (("constant", 7.0), ("zero", 0.0)):
        if np.isfinite(of[flat]).all():
            assert abs(of[flat][0, 11] - value) < 2.0


@pytest.mark.parametrize("name", MODELS)
def test_places_that_were_not_fitted_are_answered(name: str) -> None:
    others = panel_of(epidemic(2, PERIODS, WEEK, seed=9), names=("X", "Y"))
    answer = usual_model(name).predict(others, HORIZONS)
    keeps_form(answer, 2)
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_late_place_is_bridged_and_not_shifted(name: str) -> None:
    """With the last two weeks missing, horizon 1 has the spread of three weeks ahead at least in part."""
    values = usual().values.copy()
    values[:, -2:] = np.nan
    late = usual_model(name).predict(replace(usual(), values=values), HORIZONS)
    assert np.isfinite(late).all()
    widths = np.log(tidy(late)[:, 0, 18] / tidy(late)[:, 0, 4])
    usually = np.log(tidy(usual_answer(name))[:, 0, 18] / tidy(usual_answer(name))[:, 0, 4])
    assert widths.mean() >= 0.95 * usually.mean()


def test_tidy_sorts_clips_and_leaves_out_whole_vectors() -> None:
    crossing: Any = np.linspace(-1, 1, 23)[::-1].copy()
    broken: Any = crossing.copy()
    broken[4] = np.nan
    clean = tidy(np.stack([crossing, broken]))
    assert (np.diff(clean[0]) >= 0).all()
    assert clean[0].min() == 0.0
    assert np.isnan(clean[1]).all()
