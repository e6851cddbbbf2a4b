"""What levels rest on: the same seasons for all places, the pandemic's apart, counts left out as what they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from salus.surveillance.baseline import baseline, in_pandemic
from salus.surveillance.levels import choose
from salus.surveillance.seasons import Seasons
from salus.surveillance.weeks import Cadence

ISO = Cadence("week", 0)
FLU = "Influenza (lab-confirmed) age 60+"


def weekly(
    first: int, last: int, sizes: Mapping[str, float], strength: Mapping[int, float] | None = None
) -> pl.DataFrame:
    """Winter waves from August to July, the last season half gone; a factor for single seasons."""
    start = dt.date.fromisocalendar(first, 31, 1)
    weeks = (dt.date.fromisocalendar(last, 5, 1) - start).days // 7
    days = [start + dt.timedelta(weeks=k) for k in range(weeks)]
    rows = []
    for place, size in sizes.items():
        for day in days:
            season = day.year if day.isocalendar().week >= 31 else day.year - 1
            wave = np.exp(-0.5 * (((day - dt.date(season + 1, 1, 25)).days / 7) / 4) ** 2)
            calm = 3 + 2 * np.cos(2 * np.pi * (day - dt.date(season + 1, 1, 25)).days / 365)
            rows.append((place, day, round(size * (calm + 100 * wave) * (strength or {}).get(season, 1.0))))
    schema = {"location": pl.String, "date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(("season", "inside"), [(2019, False), (2020, True), (2021, True), (2022, False)])
def test_a_season_is_the_pandemics_when_most_of_it_is(season: int, inside: bool) -> None:
    assert in_pandemic(Seasons(ISO, 31), season) == inside


def test_the_pandemics_seasons_are_left_out_and_named_where_there_are_others() -> None:
    history = weekly(2019, 2024, {"A": 1.0, "B": 2.0}, {2020: 0.01, 2021: 0.1})
    scheme = choose(FLU, "cases", history, ISO)
    usual = history.filter(pl.col("date") < dt.date(2020, 7, 27))
    assert (scheme.seasons, scheme.omitted, scheme.pandemic) == (("2019/20", "2022/23"), ("2020/21", "2021/22"), ())
    assert scheme.cuts["A"][3] > 0.8 * usual.filter(pl.col("location") == "A")["value"].max()


def test_the_pandemics_seasons_count_and_are_named_where_there_are_no_others() -> None:
    scheme = choose(FLU, "cases", weekly(2020, 2023, {"A": 1.0}, {2020: 0.1, 2021: 0.5}), ISO)
    assert (scheme.seasons, scheme.omitted, scheme.pandemic) == (("2020/21", "2021/22"), (), ("2020/21", "2021/22"))


def test_one_usual_season_is_enough_to_leave_the_pandemics_out() -> None:
    scheme = choose(FLU, "cases", weekly(2020, 2024, {"A": 1.0}, {2020: 0.01, 2021: 0.3}), ISO)
    assert scheme.seasons == ("2022/23",)


def test_other_diseases_keep_those_years() -> None:
    scheme = choose("Dengue", "cases", weekly(2019, 2024, {"A": 1.0}), ISO)
    assert scheme.seasons == ("2019/20", "2020/21", "2021/22", "2022/23")
    assert scheme.omitted == ()


def test_a_nation_with_a_longer_past_rests_on_the_seasons_of_its_parts() -> None:
    parts = {f"State {k}": 100.0 for k in range(5)}
    nation = weekly(2010, 2019, {"Nation": 500.0}, dict.fromkeys(range(2010, 2016), 0.2))
    scheme = choose("flu", "cases", pl.concat([weekly(2016, 2019, parts), nation]), ISO)
    assert scheme.seasons == ("2016/17", "2017/18")
    assert scheme.cuts["Nation"] == pytest.approx([5 * c for c in scheme.cuts["State 0"]], rel=0.05)


def test_a_place_that_lacks_a_season_says_so_in_both_languages() -> None:
    parts = {f"State {k}": 1.0 for k in range(5)}
    late = weekly(2018, 2020, {"New": 1.0})
    scheme = choose("flu", "cases", pl.concat([weekly(2016, 2020, parts), late]), ISO)
    assert scheme.seasons == ("2016/17", "2017/18", "2018/19")
    assert scheme.notes == {"New": "cuts are from other seasons than those of most places: 2018/19"}
    assert scheme.notes_zh["New"].endswith("2018/19")


@pytest.mark.parametrize(("signal", "adds"), [("cases", True), ("per_100000", False)])
def test_of_a_count_no_whole_has_a_cut_below_one_of_its_parts(signal: str, adds: bool) -> None:
    """The part is known in its high weeks alone, so its percentiles are above the nation's."""
    nation = weekly(2016, 2020, {"Nation": 3.0})
    part = weekly(2016, 2020, {"Part": 2.5}).filter((pl.col("value") > 8) | (pl.col("date").dt.week() % 2 == 0))
    others = weekly(2016, 2020, {"Other": 0.5})
    parents = {"Part": "Nation", "Other": "Nation", "Nation": None}
    scheme = choose("flu", signal, pl.concat([nation, part, others]), ISO, "percentile", parents=parents)
    above = all(w >= p for w, p in zip(scheme.cuts["Nation"], scheme.cuts["Part"], strict=True))
    assert above == adds
    assert ("Nation" in scheme.notes) == adds


def test_the_built_in_places_tell_what_lies_in_what() -> None:
    states = weekly(2016, 2020, {"Bayern": 2.0, "Hessen": 1.0, "Sachsen": 1.0})
    nation = weekly(2016, 2020, {"Deutschland": 1.0})
    scheme = choose("flu", "cases", pl.concat([states, nation]), ISO, "percentile")
    assert scheme.cuts["Deutschland"] == scheme.cuts["Bayern"]


def hide(history: pl.DataFrame, under: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The history without small counts, and which they were."""
    small = (pl.col("value") > 0) & (pl.col("value") < under)
    return history.filter(~small), history.filter(small).select("location", "date")


def test_upper_cuts_are_those_of_the_exact_counts_though_small_ones_are_left_out() -> None:
    exact = weekly(2014, 2019, {"A": 1.0})
    shown, hidden = hide(exact, 10)
    cuts = choose("flu", "cases", exact, ISO, "percentile").cuts["A"]
    mine = choose("flu", "cases", shown, ISO, "percentile", left_out=hidden)
    missing = choose("flu", "cases", shown, ISO, "percentile")
    assert mine.cuts["A"][1:] == pytest.approx(cuts[1:], rel=0.05)
    assert mine.cuts["A"][0] == shown["value"].min()
    assert missing.cuts["A"][1] > 1.2 * cuts[1]
    assert "are left out to protect persons" in mine.notes["A"]
    assert "为保护个人而未公布" in mine.notes_zh["A"]


def test_a_place_that_shows_too_little_has_no_level() -> None:
    exact = weekly(2014, 2019, {"Large": 3.0, "Small": 0.3})
    shown, hidden = hide(exact, 20)
    scheme = choose("flu", "cases", shown, ISO, left_out=hidden)
    assert set(scheme.cuts) == {"Large"}
    assert scheme.hidden == ("Small",)
    assert scheme.notes["Small"].startswith("no level: ")


def test_counts_left_out_make_a_season_complete() -> None:
    exact = weekly(2014, 2019, {"A": 1.0})
    shown, hidden = hide(exact, 10)
    assert baseline(shown, ISO).seasons == ()
    found = baseline(shown, ISO, left_out=hidden)
    assert {"2015/16", "2016/17"} <= set(found.seasons)
    assert found.least == shown["value"].min()
    assert np.isfinite(found.places["A"]).all()
