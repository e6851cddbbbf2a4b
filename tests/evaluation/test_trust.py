"""Trust labels: thresholds, what is shown where nothing is gained, and how little is too little."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.evaluation.trust import FEWEST_ORIGINS, HIGH, MODERATE, covered, label
from salus.surveillance.levels import LevelScheme
from salus.tables.contracts import FORECASTS, LEVELS, TRUST

FIRST = dt.date(2023, 1, 2)
SCHEME = LevelScheme("official", "", "", ("low", "high"), ("低", "高"), {"A": (15.0,), "B": (15.0,)}, "")


def week(k: int) -> dt.date:
    return FIRST + dt.timedelta(weeks=k)


def end(k: int) -> dt.date:
    return week(k) + dt.timedelta(days=6)


def forecasts(model: str, medians: Sequence[float], spread: float, place: str = "A", horizon: int = 1) -> pl.DataFrame:
    """One forecast a week from week 0, evenly spread to both sides of its median."""
    rows = [
        (model, end(k), "flu", "cases", place, horizon, end(k + horizon), "quantile", f"{t:g}", m + spread * (t - 0.5))
        for k, m in enumerate(medians)
        for t in LEVELS
    ]
    return pl.DataFrame(rows, schema=FORECASTS.names, orient="row").cast({"value": pl.Float64, "horizon": pl.Int64})


def series(values: Sequence[float | None], place: str = "A") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "location": place,
            "disease": "flu",
            "signal": "cases",
            "date": [week(k) for k in range(len(values))],
            "value": values,
        },
        schema_overrides={"value": pl.Float64},
    )


def known(values: Sequence[float], place: str = "A") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "disease": "flu",
            "signal": "cases",
            "location": place,
            "reference_date": [end(k) for k in range(len(values))],
            "date": [week(k) for k in range(len(values))],
            "value": values,
        },
        schema_overrides={"value": pl.Float64},
    )


def labelled(
    skill: float, *, count: int = 40, null: float = 10.0, outside: float = 9.0, scheme: LevelScheme | None = None
) -> dict[str, object]:
    """The label of a model whose spread and errors are so many times persistence's; one truth in twenty is outside."""
    truth = [20.0] * (count + 1)
    errors = [outside * null / 10 if k % 20 == 3 else 0.0 for k in range(count)]
    table = label(
        forecasts("m", [20 + skill * e for e in errors], skill * null),
        forecasts("persistence", [20 + e for e in errors], null),
        series(truth), known(truth[:-1]), scheme, ["A"], [1], "m",
    )  # fmt: skip
    assert table.height == 1
    TRUST.check(table)
    return table.row(0, named=True)


@pytest.mark.parametrize("skill", [0.5, 1.0, 1.25])
def test_the_skill_is_the_sum_of_wis_over_persistences(skill: float) -> None:
    assert labelled(skill)["skill"] == pytest.approx(skill)


@pytest.mark.parametrize(
    ("skill", "expected"),
    [(0.5, "high"), (HIGH - 1e-6, "high"), (HIGH + 1e-6, "moderate"), (MODERATE - 1e-6, "moderate"),
     (MODERATE + 1e-6, "low"), (1 - 1e-6, "low"), (1 + 1e-6, "withheld"), (1.6, "withheld")],
)  # fmt: skip
def test_thresholds(skill: float, expected: str) -> None:
    found = labelled(skill)
    assert found["label"] == expected
    assert found["shown"] == ("persistence" if expected == "withheld" else "m")


def test_a_model_that_is_persistence_is_withheld() -> None:
    assert labelled(1.0)["label"] == "withheld"


def mixed(inside: int, count: int = 100) -> dict[str, object]:
    """A model much better than persistence, whose 95 % band holds the truth so many times of a hundred."""
    truth = [20.0 if k < inside else 23.0 for k in range(count)]
    table = label(
        forecasts("m", [20.0] * count, 4.0), forecasts("persistence", [20.0] * count, 40.0),
        series([20.0, *truth]), known([20.0] * count), None, ["A"], [1], "m",
    )  # fmt: skip
    return table.row(0, named=True)


@pytest.mark.parametrize(
    ("inside", "count", "expected"),
    [
        (89, 100, "moderate"),
        (90, 100, "high"),
        (95, 100, "high"),
        (99, 100, "high"),
        (100, 100, "moderate"),
        (52, 52, "high"),
        (46, 52, "high"),
        (45, 52, "moderate"),
        (20, 20, "high"),
    ],
)
def test_a_label_of_high_asks_for_bands_as_wide_as_chance_allows(inside: int, count: int, expected: str) -> None:
    """52 of 52 truths inside a 95 % band come about by chance in 7 % of cases, 100 of 100 in 0.6 %."""
    found = mixed(inside, count)
    assert found["coverage95"] == pytest.approx(inside / count)
    assert isinstance(found["skill"], float)
    assert found["skill"] < HIGH
    assert found["label"] == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(FEWEST_ORIGINS - 1, "unknown"), (FEWEST_ORIGINS, "high"), (1, "unknown")]
)
def test_few_origins_give_no_label_and_the_model_is_shown(count: int, expected: str) -> None:
    truth = [20.0 if k % 10 else 26.0 for k in range(count + 1)]
    table = label(
        forecasts("m", [20.0] * count, 8.0), forecasts("persistence", [20.0] * count, 60.0),
        series(truth), known(truth[:-1]), None, ["A"], [1], "m",
    )  # fmt: skip
    found = table.row(0, named=True)
    assert (found["label"], found["shown"], found["origins"]) == (expected, "m", count)
    if expected == "unknown":
        assert found["reason"] == f"only {count} past forecasts could be scored; {FEWEST_ORIGINS} are needed"


def test_only_forecasts_whose_truth_is_known_are_counted() -> None:
    truth: list[float | None] = [20.0 if k % 3 else None for k in range(31)]
    table = label(
        forecasts("m", [20.0] * 30, 5.0), forecasts("persistence", [20.0] * 30, 10.0),
        series(truth), known([20.0] * 30), None, ["A"], [1], "m",
    )  # fmt: skip
    assert table["origins"].item() == 20


@pytest.mark.parametrize("what", ["no forecasts", "no truth", "none in reach"])
def test_without_any_scored_forecast_every_place_is_unknown_and_the_model_is_shown(what: str) -> None:
    tested, null = forecasts("m", [20.0] * 5, 5.0), forecasts("persistence", [20.0] * 5, 10.0)
    truth = series([20.0] * 6)
    if what == "no forecasts":
        tested, null = tested.clear(), null.clear()
    elif what == "no truth":
        truth = series([None] * 6)
    else:
        truth = truth.head(1)
    table = label(tested, null, truth, known([20.0] * 5), SCHEME, ["A", "B"], [1, 2], "m")
    assert table.select("location", "horizon", "label", "shown", "origins").rows() == [
        (p, h, "unknown", "m", 0) for p in "AB" for h in (1, 2)
    ]
    TRUST.check(table)


def test_last_values_too_old_to_be_known_leave_the_status_columns_empty() -> None:
    table = label(
        forecasts("m", [20.0] * 30, 5.0), forecasts("persistence", [20.0] * 30, 10.0),
        series([20.0] * 31), known([20.0] * 30).clear(), SCHEME, ["A"], [1], "m",
    )  # fmt: skip
    assert table["skill"].item() == pytest.approx(0.5)
    assert table["status_accuracy"].item() is None


def test_a_null_that_never_erred_can_not_be_beaten() -> None:
    found = labelled(0.5, null=0.0)
    assert (found["label"], found["shown"], found["skill"]) == ("withheld", "persistence", None)
    assert "nothing can beat it" in str(found["reason"])


def test_reasons_are_in_words() -> None:
    assert labelled(0.5)["reason"] == (
        "over 40 past forecasts it was 50 % better than assuming no change; its 95 % band held 95 % of what happened"
    )
    assert labelled(1.25)["reason"] == (
        "over 40 past forecasts it was 25 % worse than assuming no change, which is shown instead"
    )


def test_status_accuracy_stands_beside_that_of_repeating_the_last_level() -> None:
    # the level changes every fifth week; the model calls the first half of the changes and no false one
    truth = [20.0 if (k // 5) % 2 else 10.0 for k in range(41)]
    changes = [k for k in range(40) if truth[k + 1] != truth[k]]
    called = changes[: len(changes) // 2]
    medians = [truth[k + 1] if k in called else truth[k] for k in range(40)]
    table = label(
        forecasts("m", medians, 2.0), forecasts("persistence", truth[:-1], 2.0),
        series(truth), known(truth[:-1]), SCHEME, ["A"], [1], "m",
    )  # fmt: skip
    found = table.row(0, named=True)
    assert found["changes"] == len(changes) == 8
    assert found["changes_called"] == pytest.approx(0.5)
    assert found["persistence_accuracy"] == pytest.approx(1 - 8 / 40)
    assert found["status_accuracy"] == pytest.approx(1 - 4 / 40)


def test_places_and_horizons_are_labelled_each_by_its_own() -> None:
    truth = pl.concat([series([20.0] * 32), series([20.0] * 32, "B")])
    now = pl.concat([known([20.0] * 30), known([20.0] * 30, "B")])
    spreads = {("A", 1): 5.0, ("A", 2): 9.0, ("B", 1): 9.9, ("B", 2): 20.0}
    mine = pl.concat([forecasts("m", [20.0] * 30, s, p, h) for (p, h), s in spreads.items()])
    null = pl.concat([forecasts("persistence", [20.0] * 30, 10.0, p, h) for p, h in spreads])
    table = label(mine, null, truth, now, SCHEME, ["A", "B", "C"], [1, 2], "m")
    found = {(p, h): s for p, h, s in table.select("location", "horizon", "label").iter_rows()}
    assert found == {
        ("A", 1): "high", ("A", 2): "moderate", ("B", 1): "low", ("B", 2): "withheld",
        ("C", 1): "unknown", ("C", 2): "unknown",
    }  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(skill=st.floats(0.05, 3), outside=st.floats(0, 15), count=st.integers(1, 60))
def test_the_label_follows_from_the_row_itself(skill: float, outside: float, count: int) -> None:
    found = labelled(skill, outside=outside, count=count, scheme=SCHEME)
    told, inside = found["skill"], found["coverage95"]
    assert isinstance(told, float)
    assert isinstance(inside, float)
    expected = (
        "unknown" if count < FEWEST_ORIGINS
        else "withheld" if told >= 1
        else "high" if told <= HIGH and covered(count)[0] <= round(inside * count) <= covered(count)[1]
        else "moderate" if told <= MODERATE
        else "low"
    )  # fmt: skip
    assert found["label"] == expected
    assert (found["shown"] == "persistence") == (expected == "withheld")
