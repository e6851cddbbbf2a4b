"""Scores equal the referees' and keep what they promise; the referee is our own second implementation."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.errors import InputError, TableError
from salus.evaluation.scores import calibration, ratio, score, summary
from salus.evaluation.status import last_known, onset_lead, status_scores, status_tasks
from salus.tables.contracts import FORECASTS, LEVELS, SCORES

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
RACE = REAL.parent / "race"
SUNDAY = dt.date(2021, 1, 3)
ANY = {"model": "m", "disease": "flu", "signal": "cases"}


def forecast_table(q: np.ndarray, *, places: int = 3, horizons: int = 2, model: str = "m") -> pl.DataFrame:
    """Forecasts made each Sunday for some places and horizons, from a matrix of quantiles."""
    rows = []
    for i, row in enumerate(q):
        horizon = i // places % horizons + 1
        made = SUNDAY + dt.timedelta(days=7 * (i // (places * horizons)))
        task = (model, made, "flu", "cases", f"P{i % places}", horizon, made + dt.timedelta(days=7 * horizon))
        rows += [(*task, "quantile", f"{t:g}", float(v)) for t, v in zip(LEVELS, row, strict=True)]
    return pl.DataFrame(rows, schema={c.name: c.dtype for c in FORECASTS.columns}, orient="row")


def truth_table(values: np.ndarray) -> pl.DataFrame:
    """Weekly series of places P0, P1 ... from values of shape (weeks, places); the first week ends on SUNDAY."""
    weeks, places = values.shape
    return pl.DataFrame(
        {
            "location": [f"P{p}" for _ in range(weeks) for p in range(places)],
            "date": [SUNDAY + dt.timedelta(days=7 * w - 6) for w in range(weeks) for _ in range(places)],
            "value": values.ravel(),
        }
    ).with_columns(disease=pl.lit("flu"), signal=pl.lit("cases"))


def load(name: str) -> ModuleType:
    if not (RACE / f"{name}.py").exists():
        pytest.skip(f"the referee {name}.py is not beside the real data (SALUS_REAL_DATA)")
    sys.path.insert(0, str(RACE))
    try:
        spec = importlib.util.spec_from_file_location(name, RACE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(RACE))


# whole and half numbers, so that truths tie with quantiles, quantiles with each other, and zeros abound
halves = st.integers(0, 12).map(lambda k: max(k - 4, 0) / 2)


@st.composite
def tied_tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    weeks = draw(st.integers(1, 4))
    q = draw(st.lists(st.lists(halves, min_size=23, max_size=23).map(sorted), min_size=6 * weeks, max_size=6 * weeks))
    y = draw(st.lists(st.lists(halves, min_size=3, max_size=3), min_size=weeks + 2, max_size=weeks + 2))
    return np.array(q), np.array(y)


@pytest.mark.real_data
@settings(max_examples=60, deadline=None)
@given(tied_tables())
def test_generated_tables_with_ties_and_zeros_score_as_the_referee_scores_them(
    tables: tuple[np.ndarray, np.ndarray],
) -> None:
    referee = load("referee")
    q, y = tables
    forecasts, truth = forecast_table(q), truth_table(y)
    ours = score(forecasts, truth).sort(referee.KEY)
    named = truth.select(
        "location", (pl.col("date") + dt.timedelta(days=6)).alias("target_end_date"), pl.col("value").alias("truth")
    )
    theirs = referee.scores(referee.wide(forecasts), named).sort(referee.KEY)
    assert ours.height == theirs.height == len(q)
    for column in ("wis", "log_wis", "inside50", "inside95", "abs_error", "truth"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=0, atol=1e-12, err_msg=column)


@pytest.mark.real_data
@pytest.mark.parametrize("disease", ["hfmd", "influenza"])
def test_real_persistence_forecasts_score_as_both_referees_score_them(disease: str) -> None:
    referee, sentinel = load("referee"), load("sentinel")
    name, cuts = sentinel.NAMES[disease]
    named = sentinel.observed(REAL / "sentinel_japan", disease)
    first, last = dt.date(2022, 9, 1), dt.date(2023, 3, 1)
    wide = {p: sentinel.persistence(named, first, last, p) for p in (1.0, 0.25)}
    truth = pl.read_parquet(REAL / "sentinel_japan" / "sentinel_per_site.parquet").filter(pl.col("disease") == name)
    ours, forecasts = {}, {}
    for power, table in wide.items():
        long = table.unpivot(index=referee.KEY, variable_name="output_type_id")
        forecasts[power] = long.with_columns(
            pl.col("output_type_id").str.slice(1),
            horizon=((pl.col("target_end_date") - pl.col("reference_date")).dt.total_days() // 7),
            model=pl.lit(str(power)),
            disease=pl.lit(name),
            signal=pl.lit("per_sentinel"),
            output_type=pl.lit("quantile"),
        )
        ours[power] = score(forecasts[power], truth)
        theirs = referee.scores(table, named)
        both = ours[power].join(theirs, on=referee.KEY, suffix="_referee")
        assert both.height == theirs.height == ours[power].height > 4000
        for column in ("wis", "log_wis", "inside50", "inside95", "abs_error"):
            np.testing.assert_allclose(both[column], both[column + "_referee"], rtol=0, atol=1e-9, err_msg=column)
    found = summary(ours[0.25], ours[1.0])
    now = named.select("location", pl.col("target_end_date").alias("reference_date"), pl.col("truth").alias("now"))
    known = last_known(truth, wide[0.25]["reference_date"].unique().to_list(), patience=2)
    status = status_scores(forecasts[0.25], truth, known, cuts)
    for h in sentinel.HORIZONS:
        at = pl.col("target_end_date") == pl.col("reference_date") + pl.duration(days=7 * h)
        mine, base = (referee.scores(wide[p].filter(at), named) for p in (0.25, 1.0))
        row = found.row(by_predicate=pl.col("horizon") == h, named=True)
        for skill, column in (("skill", "wis"), ("log_skill", "log_wis"), ("error_skill", "abs_error")):
            n, *figures = referee.ratio(mine, base, column)
            assert row["matched"] == n
            np.testing.assert_allclose(
                [row[skill], row[skill + "_low"], row[skill + "_high"]], figures, rtol=0, atol=1e-9
            )
        np.testing.assert_allclose(row["wape"], mine["abs_error"].sum() / mine["truth"].sum(), rtol=0, atol=1e-9)
        tasks = mine.join(wide[0.25].select(*referee.KEY, "q0.5"), on=referee.KEY).join(
            now, on=["location", "reference_date"]
        )
        real, past, called = (np.digitize(tasks[c], cuts) for c in ("truth", "now", "q0.5"))
        change = real != past
        want = [(called == real).mean(), (past == real).mean(), change.sum(), (called == real)[change].mean()]
        got = status.row(by_predicate=pl.col("horizon") == h, named=True)
        np.testing.assert_allclose(
            [got[c] for c in ("accuracy", "persistence_accuracy", "changes", "changes_called")], want, atol=1e-9
        )


def test_interval_score_of_a_point_forecast_is_its_absolute_error() -> None:
    found = score(forecast_table(np.full((6, 23), 4.0)), truth_table(np.full((4, 3), 7.0)))
    assert found.columns == SCORES.names
    np.testing.assert_allclose(found["wis"], 3.0)
    np.testing.assert_allclose(found["log_wis"], np.log(8) - np.log(5))


def test_place_in_the_distribution_is_between_its_neighbours_and_ties_count_by_share() -> None:
    zeros = np.array([[0.0] * 12 + [float(k) for k in range(1, 12)]])
    found = score(forecast_table(zeros, places=1, horizons=1), truth_table(np.zeros((3, 1)))).row(0, named=True)
    assert found["pit"] == 0.25  # the mass at zero reaches from 0 to the median
    assert found["inside50"] == 0.5  # 0.25-0.5 of the 0-0.5 that ties
    assert found["inside95"] == pytest.approx(0.95)


@settings(max_examples=40, deadline=None)
@given(st.lists(halves, min_size=23, max_size=23).map(sorted), st.integers(0, 9), st.floats(0.1, 50))
def test_interval_score_scales_with_the_unit_and_is_not_negative(row: list[float], y: int, factor: float) -> None:
    q, truth = np.array([row]), np.full((3, 1), float(y))
    one = score(forecast_table(q, places=1, horizons=1), truth_table(truth))
    many = score(forecast_table(q * factor, places=1, horizons=1), truth_table(truth * factor))
    assert one["wis"][0] >= 0
    assert many["wis"][0] == pytest.approx(factor * one["wis"][0], abs=1e-9)


def test_the_true_distribution_scores_best_and_is_calibrated() -> None:
    rng = np.random.default_rng(3)
    weeks = 1200
    y = rng.gamma(4, 2, (weeks + 2, 3))
    sample = np.quantile(rng.gamma(4, 2, 200_000), LEVELS)
    centre = sample[11]
    true, narrow, wide = (np.tile(centre + k * (sample - centre), (6 * weeks, 1)) for k in (1.0, 0.4, 1.8))
    truth = truth_table(y)
    tables = [
        score(forecast_table(q, model=m), truth)
        for q, m in ((true, "true"), (narrow, "narrow"), (np.maximum(wide, 0), "wide"))
    ]
    found = {r["model"]: r for r in summary(pl.concat(tables), tables[0], by=["model"]).to_dicts()}
    assert found["true"]["skill"] == 1.0
    assert found["narrow"]["skill_low"] > 1.0
    assert found["wide"]["skill_low"] > 1.0
    assert found["true"]["coverage50"] == pytest.approx(0.5, abs=0.03)
    assert found["true"]["coverage95"] == pytest.approx(0.95, abs=0.015)
    shares = calibration(forecast_table(true), truth, by=["model"])
    np.testing.assert_allclose(shares["share"], shares["level"], atol=0.025)
    assert shares["tasks"].unique().to_list() == [6 * weeks]


def test_calibration_of_a_mass_at_zero_shares_the_tie() -> None:
    zeros = np.array([[0.0] * 12 + [float(k) for k in range(1, 12)]])
    found = calibration(forecast_table(zeros, places=1, horizons=1), truth_table(np.zeros((3, 1))))
    at = dict(found.select("level", "share").iter_rows())
    assert at[0.25] == pytest.approx(0.5)
    assert at[0.5] == at[0.99] == 1.0


def test_unknown_truth_is_left_out_and_the_latest_vintage_counts() -> None:
    forecasts = forecast_table(np.tile(np.arange(23.0), (6, 1)))
    truth = truth_table(np.full((4, 3), 5.0)).with_columns(
        value=pl.when(pl.col("location") == "P1").then(None).otherwise(pl.col("value")),
        as_of=pl.lit(dt.date(2021, 2, 1)),
    )
    later = truth.with_columns(value=pl.lit(9.0), as_of=pl.lit(dt.date(2021, 3, 1))).filter(pl.col("location") == "P2")
    found = score(forecasts, pl.concat([later, truth]))
    assert dict(found.select("location", "truth").unique().iter_rows()) == {"P0": 5.0, "P2": 9.0}
    early = score(forecasts, pl.concat([later, truth]), truth_as_of=dt.date(2021, 2, 28))
    assert set(early["truth"]) == {5.0}


def test_row_order_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    forecasts, truth = forecast_table(np.sort(rng.gamma(2, 2, (60, 23)), axis=1)), truth_table(rng.gamma(2, 2, (14, 3)))
    mixed = score(forecasts.sample(fraction=1, shuffle=True, seed=1), truth)
    assert mixed.sort(SCORES.key).equals(score(forecasts, truth).sort(SCORES.key))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.filter(pl.col("output_type_id") != "0.3"), "lacks the quantile levels 0.3"),
        (lambda t: t.with_columns(value=22 - pl.col("value")), "decrease with the level"),
        (lambda t: pl.concat([t, t.head(1)]), "stands more than once"),
        (lambda t: t.with_columns(value=pl.lit(None, dtype=pl.Float64)), "wanted a number"),
        (lambda t: t.with_columns(value=pl.lit(float("nan"))), "can't be used"),
        (lambda t: t.drop("horizon"), "no column 'horizon'"),
    ],
)
def test_unusable_forecasts_are_refused_in_words(spoil: object, message: str) -> None:
    forecasts = forecast_table(np.tile(np.arange(23.0), (6, 1)))
    with pytest.raises(TableError, match=message):
        score(spoil(forecasts), truth_table(np.ones((4, 3))))


def test_a_truth_of_another_disease_is_refused_and_both_are_named() -> None:
    truth = truth_table(np.ones((4, 3))).with_columns(disease=pl.lit("measles"))
    with pytest.raises(InputError, match=r"begin with flu, cases, P0.*truth with measles, cases, P0"):
        score(forecast_table(np.ones((6, 23))), truth)


def test_summary_without_matching_baseline_says_null() -> None:
    scores = score(forecast_table(np.tile(np.arange(23.0), (6, 1))), truth_table(np.ones((4, 3))))
    found = summary(scores, scores.with_columns(location=pl.lit("elsewhere")).unique(SCORES.key))
    assert found["matched"].to_list() == [0, 0]
    assert found["skill"].is_null().all()
    with pytest.raises(InputError, match="several models"):
        summary(scores, pl.concat([scores, scores.with_columns(model=pl.lit("n"))]))


def test_ratio_bounds_hold_the_ratio_and_a_perfect_baseline_has_none() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.gamma(2, 1, 60), rng.gamma(2, 1, 60)
    value, low, high = ratio(a, b)
    assert low is not None
    assert high is not None
    assert low < value < high
    assert value == pytest.approx(a.sum() / b.sum())
    assert ratio(a, np.zeros(60)) == (None, None, None)


def status_case() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """One place, levels 0 0 0 1 1 0 by the cut 5; forecasts that always say 6 at horizon 1 and 1 at horizon 2."""
    truth = truth_table(np.array([[1.0], [1], [1], [8], [8], [1]]))
    q = np.tile(np.array([[6.0], [1.0]]) + np.linspace(-0.5, 0.5, 23), (4, 1))
    forecasts = forecast_table(q, places=1)
    return forecasts, truth, last_known(truth, forecasts["reference_date"].to_list())


def test_status_scores_by_hand() -> None:
    forecasts, truth, known = status_case()
    tasks = status_tasks(forecasts, truth, known, [5.0])
    near = tasks.filter(pl.col("horizon") == 1)
    assert near.select("came", "before", "called").rows() == [(0, 0, 1), (0, 0, 1), (1, 0, 1), (1, 1, 1)]
    found = status_scores(forecasts, truth, known, {"P0": (5.0,)}).row(0, named=True)
    assert (found["accuracy"], found["persistence_accuracy"]) == (0.5, 0.75)
    assert (found["changes"], found["changes_called"]) == (1, 1.0)
    assert (found["change_calls"], found["change_calls_right"]) == (3, pytest.approx(1 / 3))
    assert found["brier"] == pytest.approx(1.0, abs=0.03)  # surely wrong in two of four: 2 each
    assert found["rps"] == pytest.approx(0.5, abs=0.02)
    assert found["rps_skill"] == pytest.approx(-1.0, abs=0.05)  # repeating the last level failed once


def test_onset_lead_counts_periods_that_the_call_was_held() -> None:
    forecasts, truth, known = status_case()
    assert onset_lead(forecasts, truth, known, [5.0]).row(0) == ("m", "flu", "cases", 1, 1.0, 1.0, 1.0, 2)
    both = forecasts.with_columns(value=pl.col("value") - pl.col("value") + 6)
    assert onset_lead(both, truth, known, [5.0])["mean_lead"].to_list() == [2.0]
    none = forecasts.with_columns(value=pl.col("value") * 0)
    assert onset_lead(none, truth, known, [5.0]).select("called", "mean_lead", "false_onsets").row(0) == (0.0, 0.0, 0)


def test_stated_level_probabilities_take_the_place_of_the_median() -> None:
    forecasts, truth, known = status_case()
    tasks = forecasts.unique(["reference_date", "horizon"])
    pmf = pl.concat(
        tasks.with_columns(output_type=pl.lit("pmf"), output_type_id=pl.lit(level), value=pl.lit(p))
        for level, p in (("0", 0.7), ("1", 0.3))
    )
    both = pl.concat([forecasts, pmf])
    found = status_tasks(both, truth, known, [5.0])
    assert set(found["called"]) == {0}
    assert found["brier"][0] == pytest.approx(2 * 0.3**2)
    with pytest.raises(TableError, match="stated for some tasks but not for"):
        status_tasks(both.filter((pl.col("output_type") == "quantile") | (pl.col("horizon") == 1)), truth, known, [5.0])
    with pytest.raises(TableError, match="found the level '1'"):
        status_tasks(both, truth, known, [])


def test_status_wants_cuts_for_every_place_and_some_last_value() -> None:
    forecasts, truth, known = status_case()
    with pytest.raises(InputError, match="no level cuts for P0"):
        status_scores(forecasts, truth, known, {"P1": [5.0]})
    with pytest.raises(InputError, match="last known value"):
        status_scores(forecasts, truth, known.clear(), [5.0])


def test_last_known_value_respects_the_day_and_the_vintage() -> None:
    truth = truth_table(np.array([[1.0], [2.0], [3.0]]))
    assert last_known(truth, [SUNDAY, dt.date(2021, 1, 16)])["value"].to_list() == [1.0, 2.0]
    first = truth.with_columns(as_of=pl.col("date") + dt.timedelta(days=13))
    final = truth.with_columns(as_of=pl.lit(dt.date(2021, 6, 1)), value=pl.col("value") * 10)
    both = pl.concat([first, final])
    assert last_known(both, [dt.date(2021, 1, 10), dt.date(2021, 6, 1)], patience=30)["value"].to_list() == [1.0, 30.0]
    assert last_known(truth, [dt.date(2022, 1, 1)]).height == 0


def test_sixty_thousand_tasks_are_scored_in_seconds() -> None:
    tasks = 60_000
    rng = np.random.default_rng(0)
    week = np.arange(tasks) // 200
    made = (np.datetime64(SUNDAY) + 7 * week).astype("datetime64[D]")
    table = pl.DataFrame(
        {
            "reference_date": made,
            "target_end_date": made + np.timedelta64(7),
            "location": [f"P{i % 200}" for i in range(tasks)],
        }
    )
    forecasts = (
        table.with_columns(pl.Series("value", np.sort(rng.gamma(2, 3, (tasks, 23)), axis=1)).cast(pl.List(pl.Float64)))
        .with_columns(
            output_type_id=pl.lit([f"{t:g}" for t in LEVELS]), output_type=pl.lit("quantile"), horizon=pl.lit(1)
        )
        .explode("value", "output_type_id")
        .with_columns(**{k: pl.lit(v) for k, v in ANY.items()})
    )
    truth = truth_table(rng.gamma(2, 3, (302, 200)))
    start = time.process_time()
    assert score(forecasts, truth).height == tasks
    assert time.process_time() - start < 8  # CPU seconds; about one on an idle machine
