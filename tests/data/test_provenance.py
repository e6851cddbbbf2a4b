"""The run id depends on what made the result and on nothing else; the record tells nobody's name."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import platform
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.data import provenance
from salus.data.provenance import InputFile, canonical, command_line, hash_file, run_id, run_record, short_id, versions
from salus.errors import InputError

ONE = InputFile("a.csv", "1" * 64, 10)
TWO = InputFile("b.csv", "2" * 64, 10)


def test_a_file_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    (tmp_path / "病例.csv").write_bytes(data)
    assert hash_file(tmp_path / "病例.csv") == InputFile("病例.csv", hashlib.sha256(data).hexdigest(), len(data))


def test_what_cant_be_hashed_is_told(tmp_path: Path, locked_folder: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*nowhere\.csv\. Check the name"):
        hash_file("nowhere.csv")
    with pytest.raises(InputError, match="is a folder, a file was wanted"):
        hash_file(locked_folder)


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("first")
    real = hashlib.file_digest

    def digest(handle: object, name: str) -> object:
        path.write_text("second and longer")
        return real(handle, name)

    monkeypatch.setattr(provenance.hashlib, "file_digest", digest)
    with pytest.raises(InputError, match="was changed while it was read"):
        hash_file(path)


def test_the_id_is_the_same_at_any_time_and_place() -> None:
    at = {"started": dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "finished": dt.datetime(2020, 1, 2, tzinfo=dt.UTC)}
    one = run_record("run", [ONE, TWO], {"disease": "Influenza", "as_of": dt.date(2024, 1, 6)}, seed=1, **at)
    two = run_record("run", [TWO, ONE], {"as_of": "2024-01-06", "disease": "Influenza"}, seed=1, typed="salus run ...")
    assert one["run_id"] == two["run_id"]
    renamed = InputFile("c.csv", ONE.sha256, ONE.bytes)
    assert run_record("run", [renamed, TWO], one["options"], seed=1)["run_id"] == one["run_id"]


@pytest.mark.parametrize(
    "changed",
    [
        {"command": "forecast"},
        {"inputs": [ONE]},
        {"inputs": [ONE, InputFile("b.csv", "3" * 64, 10)]},
        {"options": {"disease": "Measles"}},
        {"options": {}},
        {"seed": 2},
        {"seed": None},
    ],
)
def test_the_id_changes_with_each_thing_that_counts(changed: dict[str, object]) -> None:
    base = {"command": "run", "inputs": [ONE, TWO], "options": {"disease": "Influenza"}, "seed": 1}

    def made(parts: dict[str, object]) -> str:
        parts = dict(parts)
        return run_record(parts.pop("command"), parts.pop("inputs"), parts.pop("options"), **parts)["run_id"]

    assert made(base) != made(base | changed)


def test_the_id_changes_with_a_version() -> None:
    found = versions()
    assert run_id([ONE], "run", {}, found) != run_id([ONE], "run", {}, found | {"polars": "0"})
    assert run_id([ONE], "run", {}, found) == run_id([ONE], "run", {}, dict(reversed(found.items())))


def test_the_versions_are_those_of_all_that_salus_needs() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert {"salus", "polars", "duckdb", "numpy", "lightgbm", "weasyprint"} <= found.keys()
    assert "pytest" not in found, "what only developers need changes no result"
    assert all(v[0].isdigit() for v in found.values()), found


def test_the_record_is_json_and_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "geheim").mkdir()
    file = tmp_path / "geheim" / "a.csv"
    file.write_text("x")
    monkeypatch.setattr(
        "sys.argv", [str(tmp_path / "geheim" / "salus"), "run", str(file), f"--out={tmp_path / 'geheim'}/o"]
    )
    record = run_record("run", [file], {"mapping": file, "horizons": [1, 2]}, typed=command_line())
    text = json.dumps(record)
    assert record["typed"] == "salus run a.csv --out=o"
    assert record["inputs"] == [{"name": "a.csv", "sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}]
    assert "geheim" not in text
    assert platform.node() not in text
    assert f'"{getpass.getuser()}' not in text
    assert record["platform"] == f"{platform.system()} {platform.machine()}"
    assert record["started_utc"] <= record["finished_utc"]
    assert record["started_utc"].endswith("Z")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        run_record("run", [], {}, started=dt.datetime(2024, 1, 1))  # noqa: DTZ001 (that it has no zone is the point)


def test_paths_inside_the_working_folder_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command_line(["salus", str(tmp_path / "data" / "a.csv"), "-", "--x", "/", "", "../b c"]) == (
        'salus data/a.csv - --x / "" "../b c"'
    )


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_like)
def test_one_value_has_one_text(value: object) -> None:
    try:
        text = canonical(value)
    except UnicodeEncodeError:  # half a surrogate pair, which no file or option holds
        return
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert short_id(value) == short_id(json.loads(text))


def test_what_has_no_one_text_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no place in a run record"):
        canonical({"a": object()})
