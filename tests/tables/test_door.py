"""From a department's own export to a checked table."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from salus.errors import InputError, TableError
from salus.tables import door
from salus.tables.contracts import PLACES, SERIES
from salus.tables.profiles import save_profile
from salus.tables.series_rules import series_faults

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
TODAY = dt.date(2026, 1, 1)
HEADER = "location,disease,signal,date,value"


@pytest.fixture(autouse=True)
def _no_profiles(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUS_HOME", str(tmp_path_factory.mktemp("home")))


def csv(folder: Path, *lines: str, encoding: str = "utf-8", name: str = "cases.csv") -> Path:
    file = folder / name
    file.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return file


def faults(file: Path | pl.DataFrame, **options: object) -> list[tuple[str, str | None, tuple[int, ...]]]:
    found = door.inspect(file, SERIES, today=TODAY, **options)
    return [(f.kind, f.column, f.rows) for f in found.faults]


def test_a_japanese_export_loads_without_a_question(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "都道府県,病名,年,週,定点当たり",
        "東京都,手足口病,2023,5,5.2",
        "大阪府,手足口病,令和5年,第6週,",
        encoding="cp932",
    )
    table = door.read(file, SERIES, today=TODAY)
    assert table.rows() == [
        ("東京都", "手足口病", "per_sentinel", dt.date(2023, 1, 30), 5.2),
        ("大阪府", "手足口病", "per_sentinel", dt.date(2023, 2, 6), None),
    ]


def test_a_chinese_export_in_gb18030(tmp_path: Path) -> None:
    file = csv(tmp_path, "地区;病种;年份;月份;发病数(例)", "北京;手足口病;2023;5月;12", encoding="gb18030")
    assert door.read(file, SERIES, today=TODAY).rows() == [("北京", "手足口病", "cases", dt.date(2023, 5, 1), 12.0)]


def test_weeks_dated_by_their_end(tmp_path: Path) -> None:
    file = csv(tmp_path, "state,disease,week_ending_date,admissions", "06,influenza,2024-01-06,7")
    assert door.read(file, SERIES, today=TODAY).row(0)[3] == dt.date(2023, 12, 31)


def test_the_system_of_weeks_is_asked_for_and_given(tmp_path: Path) -> None:
    file = csv(tmp_path, "state,disease,year,week,cases", "06,influenza,2024,1,7")
    with pytest.raises(TableError, match=r"--map 'week=week:iso' or --map 'week=week:mmwr'"):
        door.read(file, SERIES, today=TODAY)
    for word, day in (("iso", dt.date(2024, 1, 1)), ("mmwr", dt.date(2023, 12, 31))):
        assert door.read(file, SERIES, mapping={"week": f"week:{word}"}, today=TODAY)["date"].to_list() == [day]


def test_the_second_time_loads_without_a_question(tmp_path: Path) -> None:
    mapping = {
        "Ort": "location",
        "Tag": "date:day-first",
        "Anzahl": "value",
        "=Influenza": "disease",
        "=cases": "signal",
    }
    file = csv(tmp_path, "Ort;Tag;Anzahl", "Kiel;3/4/2024;7")
    with pytest.raises(TableError):
        door.read(file, SERIES, today=TODAY)
    first = door.read(file, SERIES, mapping=mapping, today=TODAY)
    save_profile(["Ort", "Tag", "Anzahl"], "series", mapping)
    second = csv(tmp_path, "Ort;Tag;Anzahl", "Kiel;3/4/2024;7", name="next.csv")
    assert_frame_equal(door.read(second, SERIES, today=TODAY), first)
    assert first.row(0) == ("Kiel", "Influenza", "cases", dt.date(2024, 4, 3), 7.0)


def test_every_kind_of_file_gives_the_same_table(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "location": ["01", "02"],
            "disease": "influenza",
            "signal": "admissions",
            "date": [dt.date(2024, 1, 7), dt.date(2024, 1, 14)],
            "value": [3.0, None],
            "as_of": dt.date(2024, 2, 1),
        }
    )
    frame.write_csv(tmp_path / "x.csv")
    frame.write_csv(tmp_path / "x.tsv", separator="\t")
    frame.write_parquet(tmp_path / "x.parquet")
    frame.write_ndjson(tmp_path / "x.jsonl")
    frame.write_excel(tmp_path / "x.xlsx")
    for name in ("x.csv", "x.tsv", "x.parquet", "x.jsonl", "x.xlsx"):
        assert_frame_equal(door.read(tmp_path / name, SERIES, today=TODAY), frame)


def test_rows_are_numbered_as_in_the_file_after_a_filter(tmp_path: Path) -> None:
    file = csv(tmp_path, HEADER, "A,,cases,2024-01-01,1", "", "A,flu,cases,2024-01-08,-1", "A,flu,cases,nonsense,2")
    chosen = faults(file, select=lambda frame: frame.filter(pl.col("disease") == "flu"))
    assert chosen == [("date", "date", (4,)), ("negative", "value", (3,))]
    assert ("missing value", "disease", (1,)) in faults(file)


def test_a_filter_that_leaves_nothing_gives_an_empty_table(tmp_path: Path) -> None:
    file = csv(tmp_path, HEADER, "A,flu,cases,2024-01-01,1")
    table = door.read(file, SERIES, select=lambda frame: frame.clear(), today=TODAY)
    assert table.schema == {c: SERIES[c].dtype for c in SERIES.names[:5]}


def test_text_is_trimmed_before_the_filter(tmp_path: Path) -> None:
    file = csv(tmp_path, HEADER, " A , flu ,cases,2024-01-01,1")
    table = door.read(file, SERIES, select=lambda frame: frame.filter(pl.col("disease") == "flu"), today=TODAY)
    assert table["location"].to_list() == ["A"]


def test_faults_carry_the_files_own_column_names(tmp_path: Path) -> None:
    file = csv(tmp_path, "地区,病种,日期,发病数", "北京,流感,2023-01-02,-1", "北京,流感,下周,1", "北京,流感,,1")
    assert faults(file) == [("date", "日期", (2,)), ("missing value", "日期", (3,)), ("negative", "发病数", (1,))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["A,flu,cases,2026-01-05,1"], ("future", "date", (1,))),
        (["A,flu,cases,0203-01-02,1", "A,flu,cases,2024-01-08,1"], ("too early", "date", (1,))),
        (["A,flu,cases,2024-01-01,", "B,flu,cases,2024-01-01,NA"], ("all missing", "value", ())),
        (["A,flu,cases,2024-01-01,1", "A,flu,cases,2024-01-01,2"], ("duplicate", None, (1, 2))),
    ],
)
def test_rules_of_whole_rows(lines: list[str], expected: tuple, tmp_path: Path) -> None:
    assert faults(csv(tmp_path, HEADER, *lines)) == [expected]


def test_a_value_can_not_be_known_before_its_period(tmp_path: Path) -> None:
    file = csv(
        tmp_path, HEADER + ",as_of", "A,flu,cases,2024-01-08,1,2024-01-01", "A,flu,cases,2024-01-01,1,2026-02-01"
    )
    assert faults(file) == [("future", "as_of", (2,)), ("future", "date", (1,))]


def test_a_place_with_two_populations(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        HEADER + ",population",
        "A,flu,cases,2024-01-01,1,1000",
        "A,flu,cases,2024-01-08,1,1100",
        "A,hfmd,cases,2024-01-08,1,1200",
        "B,flu,cases,2024-01-08,1,",
    )
    with pytest.raises(TableError, match=r"rows 2, 3: A has two populations for 2024-01-08: 1,100 and 1,200"):
        door.read(file, SERIES, today=TODAY)


def test_populations_that_differ_by_rounding_are_a_warning() -> None:
    days = [dt.date(2024, 1, 1)] * 2
    table = pl.DataFrame(
        {"location": ["A", "A"], "date": days, "value": [1.0, 2.0], "population": [30_165_000.0, 30_166_000.0]}
    )
    assert [f.severity for f in series_faults(table, TODAY)] == ["warning"]


def test_other_contracts_have_no_series_rules(tmp_path: Path) -> None:
    file = csv(tmp_path, "location,name", "A,Alpha")
    assert door.read(file, PLACES).rows() == [("A", "Alpha")]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        door.read(tmp_path, SERIES)


BIG = """
import resource, sys
import polars as pl
from salus.errors import TableError
from salus.tables import door
from salus.tables.contracts import SERIES
try:
    door.read(sys.argv[1], SERIES)
except TableError as error:
    print([(f.kind, f.column, f.rows) for f in error.faults])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_ten_million_rows_with_one_bad_one_in_the_middle(tmp_path: Path) -> None:
    weeks = pl.date_range(dt.date(2000, 1, 3), dt.date(2019, 2, 25), "1w", eager=True).dt.to_string()
    block = pl.DataFrame({"date": weeks}).head(1000)
    good = 10_000
    with (tmp_path / "big.csv").open("wb") as out:
        out.write(b"location,disease,signal,date,value\n")
        for place in range(good):
            lines = block.select(
                pl.format("place {},Influenza,cases,{},{}", pl.lit(place), "date", pl.int_range(pl.len()))
            )
            text = "\n".join(lines.to_series()) + "\n"
            out.write((text.replace(",500\n", ",many\n") if place == good // 2 else text).encode())
    done = subprocess.run(
        [sys.executable, "-c", BIG, str(tmp_path / "big.csv")], capture_output=True, text=True, check=True
    )
    found, memory = done.stdout.splitlines()
    assert found == str([("type", "value", (good // 2 * 1000 + 501,))])
    assert int(memory) < 4096


@pytest.mark.real_data
def test_every_real_series_file_passes_the_door() -> None:
    files = [p for p in sorted(REAL.rglob("*.parquet")) if set(SERIES.required) <= set(pl.read_parquet_schema(p))]
    if not files:
        pytest.skip("the real surveillance files are not there (SALUS_REAL_DATA)")
    assert len(files) >= 10
    for file in files:
        table = door.read(file, SERIES, select=lambda frame: frame.drop_nulls("disease"))
        assert table.height > 1000, file
        assert table.columns[:5] == SERIES.names[:5]
