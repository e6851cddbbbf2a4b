"""The difference between two forecasts in parts, where every part is known beforehand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from helpers_panels import WEEK
from numpy.typing import NDArray

from salus.errors import InputError
from salus.forecasting.change import TOLD, Change, revised, split
from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import Panel

FIRST = dt.date(2024, 1, 1)
PARTS = ["revised_data", "new_data", "model_change"]


class Known(Model):
    """Two thirds of the last value and a third of the one before, plus what it was fitted with."""

    name = "known"
    title = "Known"
    title_zh = "已知"

    def __init__(self, offset: float = 10.0) -> None:
        self.offset = offset

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        last = panel.values.shape[1] - 1 - panel.gaps
        rows = np.arange(len(panel.locations))
        middle = self.offset + (2 * panel.values[rows, last] + panel.values[rows, last - 1]) / 3
        return np.repeat((middle[:, None] + TAUS)[:, None], len(horizons), axis=1)


def panel(values: NDArray[np.float64], names: Sequence[str] = ("A", "B")) -> Panel:
    starts = tuple(WEEK.shift(FIRST, k) for k in range(values.shape[1]))
    people = np.full(len(names), np.nan)
    return Panel("Influenza", "cases", WEEK, WEEK.end(starts[-1]), starts, tuple(names), values, people)


def known(weeks: int = 12) -> NDArray[np.float64]:
    return np.arange(2 * weeks, dtype=float).reshape(2, weeks) * 3 + 30


def parts(found: Change, place: str = "A") -> dict[str, float]:
    row = found.table.filter(pl.col("location") == place, pl.col("horizon") == 1, pl.col("output_type_id") == "0.5")
    return {name: row[name][0] for name in ["before", *PARTS, "now"]}


def adds_up(found: Change) -> None:
    rest = found.table["now"] - found.table["before"]
    total = sum((found.table[name].fill_null(0.0) for name in PARTS), start=pl.Series([0.0] * found.table.height))
    np.testing.assert_allclose(total, rest, rtol=0, atol=1e-9)


def test_where_only_a_figure_was_revised_only_that_part_moves() -> None:
    now = known()
    now[0, -1] += 30
    found = split(Known(), Known(), panel(known()), panel(now), [1, 2])
    assert parts(found)["revised_data"] == pytest.approx(20.0)
    assert parts(found)["new_data"] == parts(found)["model_change"] == 0.0
    assert all(parts(found, "B")[name] == 0.0 for name in PARTS)
    adds_up(found)


def test_where_only_a_week_came_only_new_data_moves() -> None:
    found = split(Known(), Known(), panel(known()[:, :-1]), panel(known()), [1, 2, 3])
    assert parts(found)["new_data"] == pytest.approx(3.0)
    assert parts(found)["revised_data"] == parts(found)["model_change"] == 0.0
    assert found.table["horizon"].unique().to_list() == [1, 2, 3]
    assert found.table["output_type_id"].unique().sort().to_list() == sorted(TOLD)
    adds_up(found)


def test_where_only_the_model_was_fitted_anew_only_the_model_moves() -> None:
    found = split(Known(10.0), Known(17.0), panel(known()), panel(known()), [1])
    assert parts(found)["model_change"] == pytest.approx(7.0)
    assert parts(found)["revised_data"] == parts(found)["new_data"] == 0.0
    adds_up(found)


def test_all_three_at_once_each_have_their_own_part() -> None:
    now = known()
    now[0, -2] += 9  # known a week ago, revised since
    found = split(Known(10.0), Known(12.0), panel(known()[:, :-1]), panel(now), [1])
    told = parts(found)
    assert told["revised_data"] == pytest.approx(6.0)
    assert told["new_data"] == pytest.approx(now[0, -1] * 2 / 3 + now[0, -2] / 3 - (now[0, -2] * 2 + now[0, -3]) / 3)
    assert told["model_change"] == pytest.approx(2.0)
    adds_up(found)


def test_the_same_periods_are_compared() -> None:
    found = split(Persistence(), Persistence(), panel(known()[:, :-2]), panel(known()), [1, 2])
    ends = found.table.select("horizon", "target_end_date").unique().sort("horizon")["target_end_date"].to_list()
    assert ends == [panel(known()).target_end(h) for h in (1, 2)]
    expected = Persistence().predict(panel(known()[:, :-2]), [3])[0, 0, TAUS.tolist().index(0.5)]
    assert parts(found)["before"] == pytest.approx(expected)


def test_revisions_that_are_not_known_are_not_told() -> None:
    found = split(Known(), Known(), panel(known()[:, :-1]), panel(known()), [1], revisions=False)
    assert found.table["revised_data"].is_null().all()
    adds_up(found)


def test_with_nowcasts_the_age_of_figures_stays() -> None:
    """The step before the new week is the new panel without it, so that figures are as old as they are now."""
    now = known()
    now[0, -2] += 9
    found = split(Known(), Known(), panel(known()[:, :-1]), panel(now), [1], nowcast=True)
    assert parts(found)["revised_data"] == pytest.approx(6.0)
    adds_up(found)


def test_a_place_that_is_new_is_named() -> None:
    then, now = panel(known()[:1, :-1], ["A"]), panel(known())
    found = split(Known(), Known(), then, now, [1])
    assert found.table["location"].unique().to_list() == ["A"]
    assert found.left_out == {"B": ("not known on 2024-03-17", "2024-03-17尚无该地数据")}


def test_what_was_not_revised_stays_the_panel_itself() -> None:
    then = panel(known()[:, :-1])
    same = revised(then, panel(known()))
    np.testing.assert_array_equal(same.values, then.values)
    assert replace(same, values=then.values, population=then.population) == replace(then)


def test_more_known_then_than_now_is_refused() -> None:
    with pytest.raises(InputError, match="Give the later table first"):
        split(Known(), Known(), panel(known()), panel(known()[:, :-1]), [1])
