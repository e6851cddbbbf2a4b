"""What a bulletin says of withheld forecasts, counts left out to protect persons, and the seasons of its levels."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest

from salus.workflows.run import Run, run

MONDAY = dt.date(2021, 1, 4)
NAMES = {"A": "甲区", "B": "乙区", "C": "丙区", "D": "丁区"}


def made(hidden: dict[str, int] | None = None, model: str = "persistence") -> Run:
    """Four districts; of some the last counts are left out."""
    rows = []
    for n, place in enumerate(NAMES):
        for k in range(150):
            value = round((60 + 50 * math.sin(2 * math.pi * k / 52) + 7 * math.sin(1.7 * k + n)) * (1 + n))
            gone = k >= 150 - (hidden or {}).get(place, 0)
            rows.append(
                (place, "Dengue", "cases", MONDAY + dt.timedelta(weeks=k), None if gone else float(value), gone)
            )
    columns = ["location", "disease", "signal", "date", "value", "left_out"]
    table = pl.DataFrame(rows, schema=columns, orient="row", schema_overrides={"value": pl.Float64}).with_columns(
        source=pl.lit("simulated")
    )
    tiles = {"tile_row": [0, 0, 1, 1], "tile_column": [0, 1, 0, 1]}
    places = pl.DataFrame(
        {"location": list(NAMES), "name": [f"District {p}" for p in NAMES], "name_zh": list(NAMES.values())} | tiles
    )
    return run(table, model=model, places_table=places, as_of=MONDAY + dt.timedelta(weeks=150, days=-1))


@pytest.fixture(scope="module")
def withheld() -> Run:
    """Persistence never beats itself, so every forecast is withheld."""
    return made()


@pytest.fixture(scope="module")
def veiled() -> Run:
    return made({"A": 3})


def test_withheld_forecasts_are_hatched_and_repeat_the_level_now(withheld: Run) -> None:
    page = withheld.bulletin.html()
    assert set(withheld.trust["label"]) == {"withheld"}
    assert page.count('fill="url(#map-ahead-h)"') == 4
    assert 'fill="url(#map-now-h)"' not in page
    assert "Hatched: no forecast is good enough to give, so the level now is repeated." in page
    assert "A dash: " not in page
    assert "斜线：没有足够可靠的预测，因此重复目前的水平。" in withheld.bulletin.html("zh")
    now, ahead = (withheld.status.filter(pl.col("horizon") == h).sort("location")["level"].to_list() for h in (0, 2))
    assert now == ahead


def test_no_sentence_or_key_figure_rests_on_withheld_forecasts(withheld: Run) -> None:
    overview = withheld.bulletin.overview
    assert overview.expected is None
    assert "expected" not in withheld.bulletin.first_sentence()
    assert withheld.status.filter(pl.col("horizon") > 0)["probability_higher"].null_count() == 16


def test_counts_left_out_are_said_so_wherever_they_would_stand(veiled: Run) -> None:
    english, chinese = veiled.bulletin.html(), veiled.bulletin.html("zh")
    assert "missing" not in english.split("<body", 1)[1]
    assert english.count("left out</td>") >= 4
    assert "The latest dengue counts of District A are left out to protect persons." in english
    assert "3 counts of this time are left out to protect persons" in english
    assert "Latest counts left out to protect persons, so that no level can be told: District A." in english
    assert "A dash: no level can be told." in english
    assert "短横：无法判定水平。" in chinese
    assert "未公布" in chinese
    assert "缺失" not in chinese
    now = veiled.status.filter(pl.col("location") == "A", pl.col("horizon") == 0).row(0, named=True)
    assert (now["level"], now["note"]) == (None, "newer counts are left out to protect persons")


def test_the_seasons_of_the_levels_are_named(withheld: Run) -> None:
    assert withheld.scheme.seasons
    assert f"The levels rest on the past seasons {', '.join(withheld.scheme.seasons)}." in withheld.bulletin.html()
    assert f"水平依据以往流行季：{'、'.join(withheld.scheme.seasons)}。" in withheld.bulletin.html("zh")
