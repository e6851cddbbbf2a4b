"""As-of backtests: origins, refits, and that each origin sees what was known then and nothing else."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus import registry
from salus.errors import InputError, TooShortError
from salus.evaluation.backtest import backtest, origins
from salus.forecasting.answer import answer, new_model, unusable
from salus.forecasting.model import Floats
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import Panel
from salus.surveillance.series import Series, read_histories, read_series
from salus.tables.contracts import FORECASTS, LEVELS

MONDAY, SUNDAY = dt.date(2021, 1, 4), dt.date(2021, 1, 3)
TYPES = {"location": pl.String, "date": pl.Date, "value": pl.Float64, "as_of": pl.Date}


class Recorder(Persistence):
    """Persistence that writes down what it was handed, and has no answer for the place 'mute'."""

    name = "recorder"
    fitted: ClassVar[list[Panel]] = []
    asked: ClassVar[list[Panel]] = []

    def fit(self, panel: Panel) -> None:
        self.fitted.append(panel)

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        self.asked.append(panel)
        found = super().predict(panel, horizons)
        found[[p == "mute" for p in panel.locations]] = np.nan
        return found


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    """The recording model, registered as a plug-in is."""
    Recorder.fitted.clear()
    Recorder.asked.clear()
    points = registry._found("model") | {"recorder": EntryPoint("recorder", f"{__name__}:Recorder", "salus.models")}
    monkeypatch.setattr(registry, "_found", lambda kind: points)
    return Recorder


def frame(entries: list[tuple[object, ...]], *extra: str, signal: str = "cases") -> pl.DataFrame:
    names = ["location", "date", "value", *extra]
    table = pl.DataFrame(entries, schema={n: TYPES[n] for n in names}, orient="row")
    return table.with_columns(pl.lit("Influenza").alias("disease"), pl.lit(signal).alias("signal"))


def wave(k: int, place: int, period: float) -> float:
    return round(50 + 40 * math.sin(2 * math.pi * k / period) + 7 * place + (k * 13 + place * 5) % 11, 1)


def weekly(count: int = 90, places: Sequence[str] = ("A", "B", "C")) -> pl.DataFrame:
    return frame(
        [(p, MONDAY + dt.timedelta(weeks=k), wave(k, i, 52.18)) for i, p in enumerate(places) for k in range(count)]
    )


def vintages(count: int = 60, places: Sequence[str] = ("A", "B", "C"), revisions: int = 3) -> pl.DataFrame:
    """MMWR weeks, first known on the Saturday a week after their end, then raised three times."""
    return frame(
        [
            (p, SUNDAY + dt.timedelta(weeks=k), wave(k, i, 52.18) * (0.8 + 0.05 * r), _saturday(k + r))
            for i, p in enumerate(places)
            for k in range(count)
            for r in range(revisions + 1)
        ],
        "as_of",
    )  # fmt: skip


def _saturday(k: int) -> dt.date:
    """The day on which week k of :func:`vintages` is first known."""
    return SUNDAY + dt.timedelta(weeks=k, days=13)


def days_of(series: Series, first: int, count: int) -> list[dt.date]:
    start = series.cadence.end(series.cadence.shift(MONDAY, first))
    return origins(series, start, series.cadence.shift(start, count - 1))


# --- origins ----------------------------------------------------------------------------------------------------------


def months() -> Series:
    return read_series(frame([("A", dt.date(2019 + m // 12, m % 12 + 1, 1), 5.0 + m % 5) for m in range(48)]))


def daily() -> Series:
    return read_series(frame([("A", MONDAY + dt.timedelta(days=k), 5.0 + k % 5) for k in range(200)]))


def test_weekly_origins_step_a_week_from_the_start_and_the_end_is_included() -> None:
    series = read_series(weekly())
    found = origins(series, dt.date(2022, 1, 1), dt.date(2022, 1, 29))
    assert [d.isoformat() for d in found] == ["2022-01-01", "2022-01-08", "2022-01-15", "2022-01-22", "2022-01-29"]
    assert origins(series, dt.date(2022, 1, 1), dt.date(2022, 1, 28)) == found[:4]
    assert origins(series, found[0], found[0]) == found[:1]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2019-12-31", ["2019-12-31", "2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"]),
        ("2021-02-28", ["2021-02-28", "2021-03-31", "2021-04-30", "2021-05-31", "2021-06-30"]),
        ("2020-02-28", ["2020-02-28", "2020-03-28", "2020-04-28", "2020-05-28", "2020-06-28"]),
        ("2021-01-30", ["2021-01-30", "2021-02-28", "2021-03-30", "2021-04-30", "2021-05-30"]),
        ("2019-12-15", ["2019-12-15", "2020-01-15", "2020-02-15", "2020-03-15", "2020-04-15"]),
    ],
)
def test_monthly_origins_stay_on_their_day_or_on_the_month_end(start: str, expected: list[str]) -> None:
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(expected[-1])
    assert [d.isoformat() for d in origins(months(), first, last)] == expected


def test_daily_origins_step_a_day() -> None:
    found = origins(daily(), dt.date(2021, 2, 27), dt.date(2021, 3, 2))
    assert [d.isoformat() for d in found] == ["2021-02-27", "2021-02-28", "2021-03-01", "2021-03-02"]


@settings(deadline=None, max_examples=60)
@given(kind=st.sampled_from(["week", "month", "day"]), start=st.dates(dt.date(2019, 1, 1), dt.date(2022, 12, 31)),
       reach=st.integers(0, 800))  # fmt: skip
def test_origins_ascend_one_period_apart_within_start_and_end(kind: str, start: dt.date, reach: int) -> None:
    series = {"week": lambda: read_series(weekly(12)), "month": months, "day": daily}[kind]()
    end = start + dt.timedelta(days=reach)
    found = origins(series, start, end)
    assert found[0] == start
    assert found[-1] <= end < series.cadence.shift(series.cadence.start(found[-1]), 2)
    held = [series.cadence.start(d) for d in found]
    assert [series.cadence.between(a, b) for a, b in itertools.pairwise(held)] == [1] * (len(found) - 1)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InputError, match=r"end on 2022-01-01, before they start on 2022-01-08"):
        origins(read_series(weekly()), dt.date(2022, 1, 8), dt.date(2022, 1, 1))


# --- fitting ----------------------------------------------------------------------------------------------------------


def test_refits_at_most_once_a_season(recorder: type[Recorder]) -> None:
    series = read_series(weekly(140))
    days = days_of(series, 20, 110)
    table = backtest(series, days, [1, 2], "recorder")
    assert [p.reference_date for p in recorder.fitted] == [days[0], days[52], days[104]]
    assert [p.reference_date for p in recorder.asked] == days
    assert table["reference_date"].unique().sort().to_list() == days


def test_months_are_refitted_after_twelve_and_on_request(recorder: type[Recorder]) -> None:
    series = months()
    days = origins(series, dt.date(2020, 12, 31), dt.date(2022, 6, 30))
    backtest(series, days, [1], "recorder")
    assert [p.reference_date for p in recorder.fitted] == [days[0], days[12]]
    recorder.fitted.clear()
    backtest(series, days, [1], "recorder", refit_every=5)
    assert [p.reference_date for p in recorder.fitted] == days[::5]


def test_train_before_fits_once_on_what_was_known_before_that_day(recorder: type[Recorder]) -> None:
    series = read_series(vintages())
    days = [_saturday(k) for k in range(40, 56)]
    backtest(series, days, [1], "recorder", train_before=days[0], refit_every=2)
    [panel] = recorder.fitted
    assert panel.reference_date == days[0] - dt.timedelta(days=1)
    known = series.known_on(panel.reference_date)
    assert known["as_of"].max() < days[0]
    assert panel.history()["value"].sum() == pytest.approx(known["value"].sum())


def test_training_may_not_reach_past_the_first_origin() -> None:
    series = read_series(weekly())
    days = days_of(series, 40, 5)
    with pytest.raises(InputError, match=rf"start on {days[0]}.*{days[1]}.*the future"):
        backtest(series, days, [1], "persistence", train_before=days[1])


def test_a_day_too_early_is_passed_over_and_the_model_is_fitted_on_the_next(recorder: type[Recorder]) -> None:
    series = read_series(weekly())
    days = [MONDAY - dt.timedelta(weeks=3), *days_of(series, 1, 6)]
    table = backtest(series, days, [1], "recorder")
    assert table["reference_date"].unique().sort().to_list() == days[3:]  # four values are needed
    assert recorder.fitted[0].reference_date == days[1]
    assert len(recorder.fitted) == 1


def test_nothing_to_forecast_on_any_day_is_said() -> None:
    with pytest.raises(TooShortError, match="nothing of Influenza"):
        backtest(read_series(weekly()), [dt.date(2020, 1, 5)], [1], "persistence")
    with pytest.raises(TooShortError, match="at least one origin"):
        backtest(read_series(weekly()), [], [1], "persistence")


def test_progress_counts_the_days() -> None:
    series = read_series(weekly())
    told: list[tuple[int, int]] = []
    backtest(series, days_of(series, 30, 3), [1], "persistence", progress=lambda k, n: told.append((k, n)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# --- what each origin sees --------------------------------------------------------------------------------------------


def test_each_origin_is_handed_what_was_known_then(recorder: type[Recorder]) -> None:
    series = read_series(vintages())
    days = [_saturday(k) for k in range(20, 30)]
    backtest(series, days, [1], "recorder")
    for panel, k in zip(recorder.asked, range(20, 30), strict=True):
        assert panel.starts[-1] == SUNDAY + dt.timedelta(weeks=k)
        ages = np.clip(k - np.arange(k + 1), 0, 3)
        expected = [[wave(j, i, 52.18) * (0.8 + 0.05 * a) for j, a in enumerate(ages)] for i in range(3)]
        np.testing.assert_allclose(panel.values, expected)


@pytest.mark.parametrize(
    "model", ["persistence", "seasonal_naive", "last_year_drift", pytest.param("pooled", marks=pytest.mark.slow)]
)
def test_poisoned_rows_of_later_vintages_change_nothing(model: str) -> None:
    clean = vintages(100)
    days = [_saturday(k) for k in (70, 71, 72, 73)]
    late = pl.col("as_of") > days[-1]
    dirty = clean.with_columns(pl.when(late).then(9e5 + pl.col("value") ** 2).otherwise(pl.col("value")).alias("value"))
    plain = clean.drop("as_of").unique(["location", "date"], keep="last", maintain_order=True)
    plain = plain.with_columns(pl.lit("visits").alias("signal"))
    unknown = pl.col("date") + pl.duration(weeks=9) > days[-1]
    spoiled = plain.with_columns(pl.when(unknown).then(7e5).otherwise(pl.col("value")).alias("value"))

    def said(rows: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
        series = read_series(rows)
        also = [h for item in (rows, history) for h in read_histories(item, "Influenza", series.cadence)]
        return backtest(series, days, [1, 2, 3, 4], model, also=also)

    reference = said(clean, plain)
    assert said(dirty, spoiled).equals(reference)
    seen = backtest(read_series(dirty), [_saturday(75)], [1], model)
    assert seen["value"].max() > 1e4, "the poison is there to be seen later"
    FORECASTS.check(reference)


def test_an_origin_does_not_depend_on_the_origins_after_it() -> None:
    series = read_series(weekly())
    days = days_of(series, 60, 8)
    whole = backtest(series, days, [1, 3], "last_year_drift")
    assert backtest(series, days[:3], [1, 3], "last_year_drift").equals(
        whole.filter(pl.col("reference_date") <= days[2])
    )


# --- late, silent, mute -----------------------------------------------------------------------------------------------


def median(table: pl.DataFrame, place: str, horizon: int = 1) -> float:
    rows = table.filter(pl.col("location") == place, pl.col("horizon") == horizon, pl.col("output_type_id") == "0.5")
    return float(rows["value"].item())


def test_a_late_place_is_bridged_and_never_shifted() -> None:
    rows = weekly(60)
    last = MONDAY + dt.timedelta(weeks=59)
    late = rows.filter(~((pl.col("location") == "B") & (pl.col("date") > last - dt.timedelta(weeks=3))))
    series, day = read_series(late), last + dt.timedelta(days=6)
    table = backtest(series, [day], [1, 4], "persistence")
    ends = table.group_by("location").agg(pl.col("target_end_date").unique().sort())
    assert ends["target_end_date"].to_list() == [[day + dt.timedelta(weeks=1), day + dt.timedelta(weeks=4)]] * 3
    assert median(table, "B") == pytest.approx(wave(56, 1, 52.18))
    assert median(table, "A") == pytest.approx(wave(59, 0, 52.18))
    # three weeks more to go: the spread is that of changes over four weeks, not over one
    whole = backtest(read_series(rows), [last - dt.timedelta(weeks=3) + dt.timedelta(days=6)], [4], "persistence")
    one, other = (
        t.filter(pl.col("location") == "B", pl.col("horizon") == h)["value"] for t, h in ((table, 1), (whole, 4))
    )
    assert one.to_list() == pytest.approx(other.to_list())


def test_a_source_that_is_late_as_a_whole_is_bridged_and_never_shifted() -> None:
    rows = vintages(60)
    day = _saturday(50)
    missing = rows.filter(~((pl.col("as_of") == day) & (pl.col("date") == SUNDAY + dt.timedelta(weeks=50))))
    on_time, late = (backtest(read_series(r), [day], [1, 2, 3, 4], "persistence") for r in (rows, missing))
    for table in (on_time, late):
        ends = table.select("horizon", "target_end_date").unique().sort("horizon")["target_end_date"].to_list()
        assert [(e - day).days for e in ends] == [0, 7, 14, 21]
    assert median(late, "A") == pytest.approx(wave(49, 0, 52.18) * 0.85)
    assert median(on_time, "A") == pytest.approx(wave(50, 0, 52.18) * 0.8)


def test_places_that_can_not_be_forecast_are_named_with_the_reason() -> None:
    rows = weekly(60, ["full", "silent", "short", "never"])
    end = MONDAY + dt.timedelta(weeks=59)
    rows = rows.filter(
        ~((pl.col("location") == "silent") & (pl.col("date") > end - dt.timedelta(weeks=9))),
        ~((pl.col("location") == "short") & (pl.col("date") < end - dt.timedelta(weeks=2))),
    ).with_columns(pl.when(pl.col("location") == "never").then(None).otherwise(pl.col("value")).alias("value"))
    panel = read_series(rows).panel(end + dt.timedelta(days=6))
    reasons = unusable(panel)
    assert {p: why[0] for p, why in reasons.items()} == {
        "silent": "silent for 9 weeks",
        "short": "only 3 values are known; 4 are needed",
        "never": "no value was ever reported",
    }
    assert reasons["silent"][1] == "已连续9周未报告"
    found = answer(new_model("persistence"), panel, [1, 2])
    assert found.unusable == reasons
    assert found.table["location"].unique().to_list() == ["full"]
    eight = rows.filter(pl.col("location") != "silent").vstack(
        weekly(52, ["x", "silent"]).filter(pl.col("location") == "silent")
    )
    assert "silent" not in unusable(read_series(eight).panel(end + dt.timedelta(days=6)))


def test_a_place_without_an_answer_gets_persistence_and_is_named(recorder: type[Recorder]) -> None:
    panel = read_series(weekly(60, ["A", "mute"])).panel(MONDAY + dt.timedelta(weeks=60))
    found = answer(new_model("recorder"), panel, [1, 2])
    assert found.stands_in == ("mute",)
    own = answer(new_model("persistence"), panel, [1, 2]).table
    assert found.table.drop("model").equals(own.drop("model"))
    assert found.table["model"].unique().to_list() == ["recorder"]
    assert found.table.height == 2 * 2 * len(LEVELS)


def test_no_usable_place_is_an_error_that_names_the_reasons() -> None:
    panel = read_series(weekly(3)).panel(MONDAY + dt.timedelta(days=20))
    with pytest.raises(
        TooShortError, match=r"no place can be forecast for Influenza on 2021-01-24.*only 3 values.*A, B, C"
    ):
        answer(new_model("persistence"), panel, [1])


def test_a_plug_in_that_is_no_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"odd": EntryPoint("odd", "collections:OrderedDict", "salus.models")}
    monkeypatch.setattr(registry, "_found", lambda kind: points)
    with pytest.raises(InputError, match=r"'odd' is a OrderedDict, a subclass of salus.forecasting.Model was wanted"):
        new_model("odd")
