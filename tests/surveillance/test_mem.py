"""The Moving Epidemic Method against R's `mem`, and on real diseases.

Reference values: PyPI `epimem` 0.2.0 (itself checked against R `mem` 2.18 to machine precision) on SEASONS:
`m = epimem.mem_model(SEASONS.T)`, then its `epidemic_onset, post_epidemic, medium, high, very_high,
epidemic_durations`.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.surveillance import mem
from salus.surveillance.seasons import find
from salus.surveillance.weeks import Cadence

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
WEEK = np.arange(33)
WAVES = ((80, 15, 2.5), (150, 12, 2), (60, 18, 3), (110, 16, 2.2), (95, 20, 2.8), (130, 14, 3.1))
SEASONS = np.array([3 + WEEK % 4 + a * np.exp(-0.5 * ((WEEK - c) / s) ** 2) for a, c, s in WAVES])


def test_thresholds_equal_those_of_the_authors_software() -> None:
    found = mem.fit(SEASONS)
    want = (15.093093061603854, 18.414341198179066, 82.88722348087842, 132.0950177207915, 162.30991123710317)
    np.testing.assert_allclose([found.epidemic, found.post, *found.intensity], want, rtol=1e-12)
    assert [end - begin for begin, end in map(mem.timing, SEASONS)] == [10, 8, 11, 9, 10, 11]


def test_thresholds_scale_with_the_unit() -> None:
    one, many = mem.fit(SEASONS), mem.fit(SEASONS * 1000)
    np.testing.assert_allclose(np.array(many.cuts), 1000 * np.array(one.cuts))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e4), min_size=5, max_size=60).filter(lambda v: sum(v) > 1e-3))
def test_accumulated_percentage_rises_to_100_and_the_epidemic_lies_in_the_season(values: list[float]) -> None:
    season = np.array(values)
    percentage, _ = mem.map_curve(season)
    assert (np.diff(percentage) >= -1e-9).all()
    assert percentage[-1] == pytest.approx(100)
    begin, end = mem.timing(season)
    assert 0 <= begin < end <= len(season)


def test_unknown_weeks_are_bridged_and_empty_seasons_have_no_epidemic() -> None:
    gap = SEASONS[0].copy()
    gap[[2, 15, 16]] = np.nan
    begin, end = mem.timing(gap)
    assert begin <= 15 < end
    assert mem.timing(np.zeros(33)) == (0, 0)
    assert mem.timing(np.full(33, np.nan)) == (0, 0)
    assert not mem.epidemic_weeks(np.zeros((3, 33)), waves="several").any()
    assert np.isnan(mem.fit(np.zeros((3, 33)), waves="several").epidemic)


def test_several_waves_and_years_without_an_epidemic_are_found() -> None:
    week = np.arange(52)

    def bump(size: float, centre: float) -> np.ndarray:
        return size * np.exp(-0.5 * ((week - centre) / 3) ** 2)

    seasons = np.array(
        [0.2 + bump(10, 20) + bump(5, 38), 0.2 + bump(0.4, 20), 0.2 + bump(9, 22) + bump(6, 40), 0.2 + bump(0.5, 21)]
    )
    found = mem.epidemic_weeks(seasons, waves="several")
    assert found[0, [20, 38]].all()
    assert not found[0, 30]
    assert not found[[1, 3]].any()
    assert mem.epidemic_weeks(seasons, waves="one")[[1, 3]].any()  # why the plain method fails here
    many = np.concatenate([seasons, 1.1 * seasons, 0.95 * seasons])
    assert mem.leave_one_out(many, waves="several").agreement > 0.95


def test_one_giant_season_and_an_empty_one_hardly_move_the_threshold_of_several_waves() -> None:
    usual = mem.fit(SEASONS, waves="several").epidemic
    giant = np.concatenate([SEASONS, SEASONS[:1] * 100])
    empty = np.concatenate([SEASONS, SEASONS[:1] * 0.001])
    assert mem.fit(giant, waves="several").epidemic < 1.35 * usual
    assert mem.fit(empty, waves="several").epidemic == pytest.approx(usual, rel=0.01)


@pytest.mark.real_data
@pytest.mark.parametrize("before", [dt.date(2020, 1, 1), dt.date(2024, 1, 1)])
@pytest.mark.parametrize("disease", ["Influenza", "Hand, foot and mouth disease"])
def test_left_out_seasons_of_japan_are_told_right(disease: str, before: dt.date) -> None:
    path = REAL / "sentinel_japan" / "sentinel_per_site.parquet"
    if not path.exists():
        pytest.skip("the real surveillance files are not there (SALUS_REAL_DATA)")
    table = pl.read_parquet(path).filter(pl.col("disease") == disease, pl.col("date") < before).drop_nulls("value")
    calendar = find(table, Cadence("week", 0))
    total = mem.Agreement()
    for _, rows in table.group_by("location"):
        values = calendar.matrix(rows)[1][:-1, :52]
        total += mem.leave_one_out(values[np.isfinite(values).mean(axis=1) >= 0.8], waves="several")
    assert total.agreement >= 0.95
    assert total.sensitivity >= 0.90
