"""The status table: where each place is and where it goes, from the forecast that is shown."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.forecasting.model import TAUS, to_table
from salus.surveillance.levels import LevelScheme
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence
from salus.tables.contracts import LEVELS, TRUST
from salus.workflows.status import level_rows, matrix, shown_forecasts, status_table

WEEK = Cadence("week", 0)
FIRST = dt.date(2024, 1, 1)
NAMES, NAMES_ZH = ("low", "raised", "warning"), ("低", "升高", "警报")


def panel(values: list[list[float]], names: str = "ABC") -> Panel:
    table = np.array(values, dtype=float)
    starts = tuple(WEEK.shift(FIRST, k) for k in range(table.shape[1]))
    return Panel(
        "flu",
        "cases",
        WEEK,
        WEEK.end(starts[-1]),
        starts,
        tuple(names[: len(table)]),
        table,
        np.full(len(table), np.nan),
    )


def scheme(*places: str) -> LevelScheme:
    return LevelScheme("official", "", "", NAMES, NAMES_ZH, dict.fromkeys(places, (2.0, 5.0)), "")


def trusted(labels: dict[tuple[str, int], str]) -> pl.DataFrame:
    rows = [
        {"location": p, "horizon": h, "label": s, "shown": "persistence" if s == "withheld" else "m", "origins": 30,
         "reason": "as it is"}
        for (p, h), s in labels.items()
    ]  # fmt: skip
    types = {c.name: c.dtype for c in TRUST.columns}
    return TRUST.check(pl.DataFrame(rows, schema_overrides=types).with_columns(
        pl.lit(None, dtype=d).alias(n) for n, d in types.items() if n not in rows[0]
    ))  # fmt: skip


def evenly(known: Panel, low: float, high: float, model: str = "m", horizons: tuple[int, ...] = (1, 2)) -> pl.DataFrame:
    quantiles = np.broadcast_to(low + (high - low) * TAUS, (len(known.locations), len(horizons), TAUS.size))
    return to_table(model, known, horizons, quantiles)


def test_a_row_a_place_and_horizon_and_the_last_known_value_at_horizon_0() -> None:
    known = panel([[1, 2, 3], [4, 5, 6]])
    labels = {(p, h): "high" for p in "AB" for h in (1, 2)}
    table = status_table(known, evenly(known, 0.0, 8.0), trusted(labels), scheme("A", "B"))
    assert table.select("location", "horizon").rows() == [(p, h) for p in "AB" for h in (0, 1, 2)]
    now = table.filter(pl.col("horizon") == 0)
    assert now.select("value", "level", "level_name", "target_end_date", "shown", "trust", "note").rows() == [
        (3.0, 1, "raised", dt.date(2024, 1, 21), "observed", "observed", None),
        (6.0, 2, "warning", dt.date(2024, 1, 21), "observed", "observed", None),
    ]
    assert now["probability_higher"].null_count() == 2
    ahead = table.row(1, named=True)
    assert ahead["target_end_date"] == dt.date(2024, 1, 28)
    assert [ahead[c] for c in ("value", "lower50", "upper50", "lower95", "upper95")] == pytest.approx(
        [4, 2, 6, 0.2, 7.8]
    )
    assert [ahead[f"probability_{k}"] for k in range(3)] == pytest.approx([2 / 8, 3 / 8, 3 / 8])
    assert "probability_3" not in table.columns


def test_late_and_silent_places_keep_the_period_that_they_reported() -> None:
    row = [1.0] * 12
    late, one, silent = row[:], row[:], row[:]
    late[-2:], one[-1:], silent[-10:] = [np.nan] * 2, [np.nan], [np.nan] * 10
    known = panel([late, one, silent])
    shown = evenly(known.without(["C"]), 0, 4)
    table = status_table(known, shown, trusted({(p, h): "low" for p in "AB" for h in (1, 2)}), scheme("A", "B", "C"))
    now = table.filter(pl.col("horizon") == 0)
    assert now["note"].to_list() == ["last report 2 weeks late", "last report 1 week late", "last report 10 weeks late"]
    assert now["target_end_date"].to_list() == [WEEK.end(known.starts[k]) for k in (-3, -2, -11)]
    ahead = table.filter(pl.col("horizon") == 1)
    assert ahead["location"].to_list() == ["A", "B"]
    assert ahead["target_end_date"].unique().to_list() == [known.target_end(1)]


def test_a_place_without_cuts_has_no_level_and_no_probability_of_one() -> None:
    known = panel([[1, 2, 3], [4, 5, 6]])
    labels = {(p, h): "high" for p in "AB" for h in (1, 2)}
    table = status_table(known, evenly(known, 0, 8), trusted(labels), scheme("A"))
    rest = table.filter(pl.col("location") == "B")
    assert rest.select("level", "level_name", "probability_0").null_count().row(0) == (3, 3, 3)
    assert rest["probability_higher"].to_list()[1:] == pytest.approx([0.25, 0.25])
    assert set(level_rows(evenly(known, 0, 8), scheme("A"))["location"]) == {"A"}


@pytest.mark.parametrize(("value", "higher"), [(2.0, 0.75), (4.0, 0.5), (7.0, 0.125), (0.0, 1.0)])
def test_the_probability_of_a_higher_value(value: float, higher: float) -> None:
    known = panel([[1, 1, value]])
    table = status_table(known, evenly(known, 0, 8), trusted({("A", 1): "high", ("A", 2): "high"}), scheme("A"))
    assert table["probability_higher"].to_list()[1:] == pytest.approx([higher] * 2, abs=1e-9)


def test_a_tie_with_the_last_value_is_shared() -> None:
    """A forecast that is sure of the last value, such as zero, calls neither a rise nor a fall."""
    known = panel([[0, 0, 0], [3, 3, 3]])
    quantiles = np.array([[[0.0] * 23], [[3.0] * 23]])
    shown = to_table("m", known, [1], quantiles)
    table = status_table(known, shown, trusted({("A", 1): "high", ("B", 1): "high"}), scheme("A", "B"))
    assert table.filter(pl.col("horizon") == 1)["probability_higher"].to_list() == pytest.approx([0.5, 0.5])


def test_withheld_places_show_persistence_and_the_others_the_model() -> None:
    known = panel([[1, 2, 3], [4, 5, 6]])
    labels = {("A", 1): "withheld", ("A", 2): "high", ("B", 1): "unknown", ("B", 2): "withheld"}
    mine, null = evenly(known, 0, 8), evenly(known, 1, 2, "persistence")
    shown = shown_forecasts(mine, null, trusted(labels))
    table = status_table(known, shown, trusted(labels), scheme("A", "B")).filter(pl.col("horizon") > 0)
    assert table.select("shown", "trust", "value").rows() == [
        ("persistence", "withheld", 1.5), ("m", "high", 4.0), ("m", "unknown", 4.0), ("persistence", "withheld", 1.5)
    ]  # fmt: skip
    assert shown.height == 4 * len(LEVELS)
    assert shown.group_by("location", "horizon").agg(pl.col("model").n_unique())["model"].to_list() == [1] * 4


def test_the_matrix_is_ordered_by_place_horizon_and_level_whatever_the_order_of_the_rows() -> None:
    known = panel([[1, 2, 3], [4, 5, 6]])
    rows = evenly(known, 0, 8)
    tasks, quantiles = matrix(rows.sample(fraction=1, shuffle=True, seed=5))
    assert tasks.select("location", "horizon").rows() == [("A", 1), ("A", 2), ("B", 1), ("B", 2)]
    np.testing.assert_allclose(quantiles, np.tile(8 * TAUS, (4, 1)))


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(st.floats(0, 4), min_size=23, max_size=23),
    last=st.floats(0, 20),
    cuts=st.lists(st.floats(0.01, 30), min_size=1, max_size=4, unique=True),
)
def test_probabilities_add_up_and_the_level_is_the_most_probable(
    steps: list[float], last: float, cuts: list[float]
) -> None:
    known = panel([[1.0, 1.0, last]])
    quantiles = np.cumsum(steps)[None, None, :]
    names = tuple(f"level {k}" for k in range(len(cuts) + 1))
    own = LevelScheme("percentile", "", "", names, names, {"A": tuple(sorted(cuts))}, "")
    shown = to_table("m", known, [1], quantiles)
    table = status_table(known, shown, trusted({("A", 1): "low"}), own)
    row = table.row(1, named=True)
    chances = [row[f"probability_{k}"] for k in range(len(names))]
    pmf = level_rows(shown, own)
    assert pmf["value"].to_list() == pytest.approx(chances)
    assert pmf["output_type_id"].to_list() == [str(k) for k in range(len(names))]
    assert sum(chances) == pytest.approx(1)
    assert chances[row["level"]] == max(chances)
    assert 0 <= row["probability_higher"] <= 1
    assert row["lower95"] <= row["lower50"] <= row["value"] <= row["upper50"] <= row["upper95"]


def test_a_withheld_place_repeats_its_level_now_and_tells_no_chance_of_a_rise() -> None:
    known = panel([[1, 2, 3], [4, 5, 6]])
    labels = {("A", 1): "withheld", ("A", 2): "high", ("B", 1): "withheld", ("B", 2): "unknown"}
    table = status_table(known, evenly(known, 6, 8), trusted(labels), scheme("A", "B")).filter(pl.col("horizon") > 0)
    assert table.select("level", "level_name", "trust").rows() == [
        (1, "raised", "withheld"), (2, "warning", "high"), (2, "warning", "withheld"), (2, "warning", "unknown")
    ]  # fmt: skip
    assert [p is None for p in table["probability_higher"]] == [True, False, True, False]


def test_a_place_whose_latest_count_is_left_out_has_no_level_now() -> None:
    known = panel([[1, 2, np.nan], [4, 5, np.nan], [1, 2, 6]])
    hidden = pl.DataFrame({"location": ["A", "C"], "date": [known.starts[2], known.starts[1]]})
    trust = trusted({(p, h): "withheld" if h == 1 else "low" for p in "ABC" for h in (1, 2)})
    table = status_table(known, evenly(known, 0, 8), trust, scheme("A", "B", "C"), hidden)
    now = table.filter(pl.col("horizon") == 0)
    assert now.select("level", "note").rows() == [
        (None, "newer counts are left out to protect persons"), (2, "last report 1 week late"), (2, None)
    ]  # fmt: skip
    assert table.filter(pl.col("horizon") == 1)["level"].to_list() == [None, 2, 2]
