"""Places: built-in tables, spellings, nesting, own files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from salus.errors import NameNotFoundError, TableError
from salus.surveillance import places
from salus.tables.contracts import PLACES


@pytest.mark.parametrize(
    ("country", "level", "count", "population"),
    [
        ("JP", "prefecture", 47, 126.146e6),
        ("US", "state|district", 51, 331.449e6),
        ("CN", "province", 31, 1409.78e6),
        ("DE", "state", 16, 83.237e6),
    ],
)
def test_built_in_places_are_complete_and_their_people_add_up(
    country: str, level: str, count: int, population: float
) -> None:
    table = places.known(country)
    parts = table.filter(pl.col("location_level").is_in(level.split("|")))
    assert parts.height == count
    assert parts["population"].sum() == pytest.approx(population, rel=1e-4)
    assert table["population"][0] == pytest.approx(population, rel=2e-3)
    told = parts.select("name", "name_zh", "parent", "tile_row", "tile_column")
    assert told.null_count().row(0) == (0, 0, 0, 0, 0)


def test_all_places_fit_the_contract_and_no_two_share_a_code_or_tile() -> None:
    table = places.known()
    assert PLACES.check(table).equals(table)
    assert table.drop_nulls("tile_row").select("parent", "tile_row", "tile_column").is_duplicated().sum() == 0
    assert places.verify(table).height == table.height


def test_tiles_keep_neighbours_in_their_direction() -> None:
    at = {r["location"]: (r["tile_row"], r["tile_column"]) for r in places.known().to_dicts()}
    for north, south in (
        ("Hokkaido", "Aomori"),
        ("Tokyo", "Kanagawa"),
        ("53", "06"),
        ("Heilongjiang", "Hainan"),
        ("Hamburg", "Bayern"),
    ):
        assert at[north][0] < at[south][0]
    for west, east in (
        ("Nagasaki", "Tokyo"),
        ("06", "36"),
        ("Xinjiang", "Shandong"),
        ("Nordrhein-Westfalen", "Sachsen"),
    ):
        assert at[west][1] < at[east][1]


@pytest.mark.parametrize(
    ("spelling", "beside", "place"),
    [
        ("北京", "上海", "Beijing"),
        ("東京都", "大阪府", "Tokyo"),
        ("Hyogo-ken", "Osaka-fu", "Hyogo"),
        ("Hokkaidou", "Ooita", "Hokkaido"),
        ("Total", "Guangdong", "China"),
        ("Total", "Aichi", "Japan"),
        ("Bundesweit", "Bayern", "Deutschland"),
        ("Thueringen", "Sachsen", "Thüringen"),
        ("AL", "US", "01"),
        ("DE", "New York", "10"),
        ("Germany", "Bayern", "Deutschland"),
        ("Xizang", "Shaanxi", "Tibet"),
        ("North district", "South district", "North district"),
        ("Total", "North district", "Total"),
    ],
)
def test_spellings_are_harmonised_by_the_company_they_keep(spelling: str, beside: str, place: str) -> None:
    assert places.harmonise([spelling, beside])[spelling] == place


def test_shanxi_and_shaanxi_stay_apart() -> None:
    assert places.harmonise(["Shanxi", "Shaanxi", "山西", "陕西省"]) == {
        "Shanxi": "Shanxi",
        "Shaanxi": "Shaanxi",
        "山西": "Shanxi",
        "陕西省": "Shaanxi",
    }


def test_a_departments_own_numbers_are_not_taken_for_states() -> None:
    own = [f"{k:02d}" for k in range(1, 21)]
    assert places.country(own) is None
    assert places.labels(own)["01"] == "01"
    states = places.known("US").filter(pl.col("location_level").is_in(["state", "district"]))["location"].to_list()
    assert places.country(states) == "US"
    assert places.labels(states, "zh")["06"] == "加利福尼亚州"
    assert places.country(["Tokyo", "Berlin"]) is None


def test_names_in_both_languages_and_own_places_keep_theirs() -> None:
    assert (places.name("Tokyo"), places.name("Tokyo", "zh"), places.name("JP", "zh")) == ("Tokyo", "东京都", "日本")
    assert places.name("Ward 7", "zh") == "Ward 7"
    with pytest.raises(NameNotFoundError, match="no country with built-in places 'FR'"):
        places.known("FR")


def test_nesting() -> None:
    assert len(places.children("Japan")) == 47
    assert places.ancestors("New York City") == ["36", "US"]
    assert places.ancestors("US") == []


def test_own_places_are_read_and_every_fault_is_named(tmp_path: Path) -> None:
    good = tmp_path / "places.csv"
    good.write_text(
        "location,name,parent,tile_row,tile_column\nP,Province,,,\nA,North,P,0,0\nB,South,P,1,0\n", encoding="utf-8"
    )
    assert places.children("P", places.read(good)) == ["A", "B"]
    bad = tmp_path / "bad.csv"
    bad.write_text(
        "location,name,parent,tile_row,tile_column\nA,North,B,0,0\nB,South,A,0,1\nC,West,X,2,2\nD,East,X,2,2\n",
        encoding="utf-8",
    )
    with pytest.raises(TableError) as caught:
        places.read(bad)
    assert {f.kind for f in caught.value.faults} == {"unknown parent", "circle", "shared tile"}
    assert "bad.csv" in str(caught.value)
    with pytest.raises(TableError, match="in a circle"):
        places.ancestors("A", pl.DataFrame({"location": ["A", "B"], "parent": ["B", "A"]}))


@pytest.mark.parametrize(
    ("country", "some"),
    [
        ("DE", {"Bayern": "BY", "Thüringen": "TH"}),
        ("CN", {"Henan": "HA", "Hebei": "HE", "Tibet": "XZ"}),
        ("US", {"11": "DC"}),
    ],
)
def test_every_tile_has_its_own_official_code(country: str, some: dict[str, str]) -> None:
    tiled = places.known(country).drop_nulls("tile_row")
    shorts = dict(tiled.select("location", "short").iter_rows())
    assert all(shorts.values())
    assert len(set(shorts.values())) == len(shorts)
    assert some.items() <= shorts.items()
