"""A file's columns found by their names, by the person's word, and from a profile."""

import json
from pathlib import Path

import pytest

from salus.errors import InputError, NameNotFoundError, OutputError, TableError
from salus.tables.columns import match_columns, parse_options
from salus.tables.contracts import PLACES, SERIES
from salus.tables.profiles import fingerprint, load_profile, profile_folder, save_profile


@pytest.mark.parametrize(
    ("header", "columns", "constants"),
    [
        (["location", "disease", "signal", "date", "value"], {c: c for c in SERIES.names[:5]}, {}),
        (
            ["地区", "病种", "报告日期", "发病数"],
            {"location": "地区", "disease": "病种", "date": "报告日期", "value": "发病数"},
            {"signal": "cases"},
        ),
        (
            ["都道府県", "疾患名", "年", "週", "定点当たり（人）"],
            {"location": "都道府県", "disease": "疾患名", "year": "年", "week": "週", "value": "定点当たり（人）"},
            {"signal": "per_sentinel"},
        ),
        (
            ["保健所", "病名", "年月日", "報告数"],
            {"location": "保健所", "disease": "病名", "date": "年月日", "value": "報告数"},
            {"signal": "cases"},
        ),
        (
            ["State", "Condition", "Epiweek", "Admissions"],
            {"location": "State", "disease": "Condition", "date": "Epiweek", "value": "Admissions"},
            {"signal": "admissions"},
        ),
        (
            ["Region", "Krankheit", "Week ending date", "Fälle", "note"],
            {"location": "Region", "disease": "Krankheit", "week_end": "Week ending date", "value": "Fälle"},
            {"signal": "cases"},
        ),
        (
            ["location", "disease", "signal", "date", "week", "year", "value", "Cases"],
            {c: c for c in SERIES.names[:5]},
            {},
        ),
    ],
)
def test_columns_are_found_by_name(header: list[str], columns: dict[str, str], constants: dict[str, str]) -> None:
    found = match_columns(header, SERIES)
    assert found.columns == columns
    assert found.constants == constants


def test_the_header_tells_the_week_system() -> None:
    for name, word in (("週", "iso"), ("MMWR week", "mmwr"), ("KW", "iso")):
        found = match_columns(["location", "disease", "year", name, "cases"], SERIES)
        assert found.styles["week"].word == word
    assert "week" not in match_columns(["location", "disease", "year", "week", "cases"], SERIES).styles


def test_a_mapping_wins_and_the_rest_is_found() -> None:
    mapping = {"Ort": "location", "=Influenza": "disease", "Datum": "date:day-first"}
    found = match_columns(["Ort", "Datum", "Fälle", "Bundesland"], SERIES, mapping)
    assert found.columns == {"location": "Ort", "date": "Datum", "value": "Fälle"}
    assert found.constants == {"disease": "Influenza", "signal": "cases"}
    assert found.styles["date"].word == "day-first"


def test_what_is_missing_is_said_with_the_option_to_give() -> None:
    with pytest.raises(TableError) as caught:
        match_columns(["Ort", "Datum", "x"], SERIES, label="cases.csv")
    message = str(caught.value)
    assert message.startswith("cases.csv can't be used")
    assert "there is no column 'location'" in message
    assert "the file has Ort, Datum, x" in message
    assert "--map 'Ort=location'" in message
    assert "--map '=Influenza=disease'" in message


def test_two_columns_that_may_be_one_are_asked_for() -> None:
    with pytest.raises(TableError) as caught:
        match_columns(["地区", "病种", "日期", "发病数", "病例数"], SERIES)
    assert [f.kind for f in caught.value.faults] == ["ambiguous column"]
    assert "--map '发病数=value'" in str(caught.value)
    assert match_columns(["地区", "病种", "日期", "发病数", "病例数"], SERIES, {"发病数": "value"}).constants == {
        "signal": "cases"
    }


@pytest.mark.parametrize(
    ("mapping", "error", "said"),
    [
        ({"Orrt": "location"}, NameNotFoundError, "Did you mean 'Ort'"),
        ({"Ort": "locatoin"}, NameNotFoundError, "Did you mean 'location'"),
        ({"Ort": "location", "x": "location"}, InputError, "names 'location' twice"),
        ({"Ort": "location:weekly"}, InputError, "no way to read dates named 'weekly'"),
    ],
)
def test_a_wrong_mapping_is_refused(mapping: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        match_columns(["Ort", "x"], SERIES, mapping)


def test_other_contracts_have_no_date_parts() -> None:
    assert match_columns(["location", "name", "week"], PLACES).columns == {"location": "location", "name": "name"}


def test_options_are_parsed() -> None:
    assert parse_options(["a=b=value", "=x=disease"]) == {"a=b": "value", "=x": "disease"}
    for wrong in ("location", "=location", "x="):
        with pytest.raises(InputError, match="can't be understood"):
            parse_options([wrong])


def test_a_profile_is_found_again_by_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUS_HOME", str(tmp_path))
    header, mapping = ["Ort", "Größe"], {"Ort": "location", "=流感": "disease"}
    path = save_profile(header, "series", mapping)
    assert path.parent == profile_folder() == tmp_path / "profiles"
    assert load_profile(header, "series") == mapping
    assert load_profile(header[::-1], "series") is None
    assert load_profile(header, "places") is None
    assert [p.name for p in path.parent.iterdir()] == [f"{fingerprint(header, 'series')}.json"]


def test_the_profile_folder_without_salus_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SALUS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert profile_folder() == tmp_path / ".config" / "salus" / "profiles"


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2, "mapping": {}}', '{"format": 1}'])
def test_a_damaged_profile_is_named(content: str, tmp_path: Path) -> None:
    path = save_profile(["a"], "series", {"a": "location"}, tmp_path)
    path.write_text(content)
    with pytest.raises(InputError, match=f"{path.name}.* Delete it and map the columns anew"):
        load_profile(["a"], "series", tmp_path)


def test_a_profile_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be remembered"):
        save_profile(["a"], "series", {"a": "location"}, tmp_path / "file")


def test_profiles_hold_no_data(tmp_path: Path) -> None:
    path = save_profile(["a"], "series", {"a": "location"}, tmp_path)
    assert set(json.loads(path.read_text())) == {"format", "contract", "columns", "mapping"}
