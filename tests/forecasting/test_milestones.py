"""Peak, onset, weeks above and coming totals: worked by hand on short paths."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from helpers_panels import MONTH, WEEK, panel_of

from salus.errors import InputError
from salus.forecasting.milestones import NEVER, Course, course, season_ahead, table
from salus.surveillance.panel import Panel
from salus.surveillance.seasons import Seasons
from salus.tables.contracts import MILESTONES

ENDS = tuple(dt.date(2024, 1, 7) + dt.timedelta(weeks=k) for k in range(5))
PATHS = np.array(
    [
        [
            [1.0, 4.0, 9.0, 9.0, 2.0],
            [1.0, 4.0, 3.0, 2.0, 1.0],
            [1.0, 4.0, 5.0, 6.0, 7.0],
            [1.0, 4.0, 1.0, 5.0, 1.0],
        ]
    ]
)


def short() -> Course:
    return Course(("A",), ENDS, PATHS, 2, "2024")


def yearly() -> tuple[Panel, Seasons]:
    """Two calendar years of months and a half; season from April."""
    return panel_of(np.arange(30.0)[None] + 1, MONTH), Seasons(MONTH, 4)


def test_the_peak_is_the_first_of_the_highest_periods_known_ones_too() -> None:
    assert short().peak().tolist() == [[2, 1, 4, 3]]
    assert short().size().tolist() == [[9, 4, 7, 5]]


@pytest.mark.parametrize(
    ("threshold", "run", "expected"),
    [(4.0, 1, [1] * 4), (5.0, 1, [2, 5, 2, 3]), (5.0, 2, [2, 5, 2, 5]), (5.0, 3, [5, 5, 2, 5]), (4.0, 2, [1, 5, 1, 5])],
)  # fmt: skip
def test_the_season_begins_where_a_run_of_periods_is_at_or_above(
    threshold: float, run: int, expected: list[int]
) -> None:
    assert short().onset(np.array([threshold]), run).tolist() == [expected]


def test_periods_above_and_the_coming_total() -> None:
    assert short().above(np.array([4.0])).tolist() == [[3, 1, 4, 2]]
    assert short().coming(2).tolist() == [[18, 5, 11, 6]]
    assert short().coming().tolist() == [[20, 6, 18, 7]]


def test_an_unknown_past_week_is_neither_peak_nor_above() -> None:
    values = PATHS.copy()
    values[:, :, 1] = np.nan
    found = Course(("A",), ENDS, values, 2, "2024")
    assert found.peak().tolist() == [[2, 2, 4, 3]]
    assert found.above(np.array([4.0])).tolist() == [[2, 0, 3, 1]]


def test_the_season_is_that_of_the_next_period_and_goes_to_its_end() -> None:
    panel, seasons = yearly()
    assert panel.starts[-1] == dt.date(2010, 6, 1)
    assert season_ahead(panel, seasons) == (2010, 3, 9)
    at_the_end = panel_of(np.ones((1, 27)), MONTH)
    assert at_the_end.starts[-1] == dt.date(2010, 3, 1)
    assert season_ahead(at_the_end, seasons) == (2010, 0, 12)


def test_what_is_known_of_the_season_stands_before_the_paths() -> None:
    panel, seasons = yearly()
    paths = np.full((1, 5, 10), 7.0)
    found = course(panel, seasons, paths)
    assert found.known == 3
    assert found.values[0, 0].tolist() == [28, 29, 30, *[7] * 9]
    assert (found.ends[0], found.ends[-1]) == (dt.date(2010, 4, 30), dt.date(2011, 3, 31))
    assert found.label == "2010/11"


def test_places_without_paths_are_left_out_and_short_paths_refused() -> None:
    panel = panel_of(np.ones((2, 30)), MONTH)
    paths = np.ones((2, 3, 9))
    paths[1] = np.nan
    assert course(panel, Seasons(MONTH, 4), paths).locations == ("P0",)
    with pytest.raises(InputError, match=r"go 4 periods ahead, the season 2010/11 9\. Give paths of 9 periods"):
        course(panel, Seasons(MONTH, 4), paths[:, :, :4])


def test_a_series_younger_than_the_season_leaves_its_beginning_unknown() -> None:
    panel = panel_of(np.ones((1, 2)), MONTH)
    found = course(panel, Seasons(MONTH, 12), np.ones((1, 4, 10)))
    assert np.isnan(found.values[0, 0, 0])
    assert found.values[0, 0, 1:].tolist() == [1.0] * 11


def rows(**options: object) -> pl.DataFrame:
    panel = panel_of(np.ones((1, 20)), WEEK)
    return table(short(), "m", panel, {"A": (5.0, 100.0)}, **options)  # type: ignore[arg-type]  # as the test has them


def test_every_answer_is_a_distribution_in_the_contract() -> None:
    found = MILESTONES.check(rows())
    told = {
        target: dict(zip(part["output_type_id"], part["value"], strict=True))
        for (target,), part in found.group_by("target", maintain_order=True)
    }
    assert list(told) == [
        "peak", "peak size", "next 3", "onset of level 1", "periods at level 1", "onset of level 2",
        "periods at level 2",
    ]  # fmt: skip
    assert told["peak"] == {ENDS[k].isoformat(): p for k, p in enumerate([0, 0.25, 0.25, 0.25, 0.25])}
    assert told["onset of level 1"][NEVER] == 0.25
    assert told["onset of level 2"][NEVER] == 1.0
    assert told["periods at level 2"]["0.99"] == 0
    assert told["peak size"]["0.5"] == 6.0
    for target, chances in told.items():
        if found.filter(target=target)["output_type"][0] == "pmf":
            assert sum(chances.values()) == pytest.approx(1)


def test_rates_have_no_coming_total_and_places_without_levels_no_onset() -> None:
    found = rows(adds_up=False)
    assert "next 3" not in found["target"].to_list()
    panel = panel_of(np.ones((1, 20)), WEEK)
    assert set(table(short(), "m", panel)["target"]) == {"peak", "peak size", "next 3"}


def test_a_place_with_fewer_levels_than_another_has_rows_of_its_own_only() -> None:
    both = Course(("A", "B"), ENDS, np.repeat(PATHS, 2, axis=0), 2, "2024")
    found = table(both, "m", panel_of(np.ones((2, 20)), WEEK), {"A": (5.0, 100.0), "B": (4.0,)})
    assert "onset of level 2" not in found.filter(location="B")["target"].to_list()
    assert found.filter(location="B", target="onset of level 1", output_type_id=ENDS[1].isoformat())["value"][0] == 1.0
