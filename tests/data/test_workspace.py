"""What the workspace keeps, what it answers, and what it says when something is wrong."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from helpers_workspace import MONDAY, origin, rows, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.data import layout, manifest
from salus.data.imports import Origin
from salus.data.provenance import hash_file
from salus.data.workspace import Workspace
from salus.errors import InputError, NameNotFoundError, OutputError, WorkspaceError
from salus.tables.contracts import SERIES


def day(k: int) -> dt.date:
    return MONDAY + dt.timedelta(days=k)


def frame(values: dict[int, float | None], as_of: dict[int, int] | None = None) -> pl.DataFrame:
    """One place's weeks by number; ``as_of`` in days."""
    table = pl.DataFrame(
        {
            "location": ["A"] * len(values),
            "disease": "Influenza",
            "signal": "cases",
            "date": [day(7 * k) for k in values],
            "value": list(values.values()),
            "period_end": [day(7 * k + 6) for k in values],
        },
        schema_overrides={"value": pl.Float64, "date": pl.Date, "period_end": pl.Date},
    )
    return table if as_of is None else table.with_columns(pl.Series("as_of", [day(as_of[k]) for k in values]))


# ---------------------------------------------------------------------------------------------------- what it keeps


def test_the_same_import_twice_changes_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    first = workspace.add(rows(), origin("a.csv"))
    before = tree(tmp_path / "w")
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "w").rglob("*")}
    again = workspace.add(rows(), origin("a.csv"))
    assert (first.added, again.added) == (True, False)
    assert again.record == first.record
    assert tree(tmp_path / "w") == before
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "w").rglob("*")} == times


def test_the_same_file_read_in_another_way_is_another_import(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    source = origin("a.csv").source
    origins = [
        Origin(source),
        Origin(source, as_of=day(30)),
        Origin(source, filters={"disease": "Influenza"}),
        Origin(source, filters={"signal": "Influenza"}),
        Origin(source, mapping={"when": "date"}),
        origin("b.csv"),
    ]
    assert [workspace.add(rows(), o).added for o in origins] == [True] * 6
    assert workspace.add(rows(), Origin(source, command="salus data import", profile="p")).added is False


def test_files_are_only_ever_added(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    kept: dict[str, str] = {}
    for k in range(4):
        workspace.add(rows(3 + k, float(k)), origin(f"{k}.csv"))
        now = {n: h for n, h in tree(tmp_path / "w").items() if n != manifest.NAME}
        assert kept.items() <= now.items()
        assert len(now) == len(kept) + 2
        kept = now


def test_the_manifest_tells_each_files_hash_rows_dates_and_import(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    made = workspace.add(rows(5), origin("a.csv")).record
    content = json.loads((tmp_path / "w" / "manifest.json").read_text("utf-8"))
    hashes = tree(tmp_path / "w")
    assert len(content["files"]) == 2
    for file in content["files"]:
        assert file["sha256"] == hashes[file["path"]]
        assert (file["rows"], file["first"], file["last"]) == (10, "2024-01-01", "2024-01-29")
        assert file["import_id"] == made.id
    assert content["imports"][0]["sha256"] == origin("a.csv").source.sha256
    assert content["imports"][0]["source"] == "a.csv"


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    given_rows = rows(4).with_columns(
        pl.lit("cases per week").alias("unit"), pl.lit(1e6).alias("population"), pl.lit(None, pl.String).alias("parent")
    )
    workspace = Workspace(tmp_path)
    workspace.add(given_rows, origin("a.csv"))
    back = workspace.read()
    expected = given_rows.select(n for n in SERIES.names if n in given_rows.columns and n != "parent")
    assert back.equals(expected.sort("disease", "signal", "location", "date"))
    assert SERIES.check(back).equals(back)
    assert workspace.vintages().equals(back), "no row was stamped, so there is no as_of"


def older(workspace: Workspace, column: str) -> None:
    """Make a workspace one of a Salus that did not know a column yet: without it in its files, hashes as they are."""
    content = manifest.load(workspace.path)
    assert content is not None
    files = []
    for file in content.files:
        path = workspace.path / file.path
        table = pl.read_parquet(path)
        assert column in table.columns
        path.chmod(0o644)
        table.drop(column).write_parquet(path)
        files.append(replace(file, bytes=path.stat().st_size, sha256=hash_file(path).sha256))
    manifest.save(replace(content, files=tuple(files)), workspace.path)


@pytest.mark.parametrize("newer", [False, True], ids=["old files alone", "old and new files"])
def test_a_workspace_from_before_a_column_is_read_and_added_to(tmp_path: Path, newer: bool) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.add(rows(4), origin("a.csv"))
    before = workspace.read()
    older(workspace, "left_out")
    workspace = Workspace(tmp_path / "w")
    assert not workspace.verify()
    assert workspace.read().equals(before)
    assert workspace.vintages().equals(before)
    if newer:
        late = rows(5).filter(pl.col("date") == MONDAY + dt.timedelta(weeks=4))
        late = late.with_columns(value=pl.lit(None, pl.Float64), left_out=pl.lit(value=True))
        workspace.add(late, origin("b.csv"))
        found = workspace.read()
        assert found.filter(pl.col("left_out")).height == late.height
        assert found.filter(pl.col("left_out").is_null()).height == before.height


@pytest.mark.parametrize(
    "name",
    ["手足口病" * 40, "a/b\\c:*?", "..", "Ünïcode, (age 0-4)", "x" * 300, " ", "CON", "it's; DROP TABLE rows"],
)
def test_any_disease_name_has_its_place(tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.add(rows(2, diseases=(name, name + "!")), origin("a.csv"))
    assert set(workspace.read([name, name + "!"])["disease"]) == {name, name + "!"}
    assert set(workspace.read(name)["disease"]) == {name}
    assert {p.name for p in tmp_path.iterdir()} == {"w"}
    assert all(layout._DATA_PATH.fullmatch(f.path) for f in workspace.manifest().files)


def test_periods_are_those_of_the_series_asked_for(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(2), origin("a.csv"))
    workspace.add(rows(3, diseases=("Influenza",)), origin("b.csv"))
    found = workspace.periods([("Influenza", "cases"), ("Measles", "cases")])
    assert found.rows() == [("Influenza", "cases", day(7 * k)) for k in range(3)]


def test_contents_are_listed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(2), origin("a.csv"))
    workspace.add(rows(4, diseases=("Influenza",)), origin("b.csv"))
    assert workspace.contents().rows() == [
        ("Hand, foot and mouth", "cases", 4, day(0), day(7), 1),
        ("Influenza", "cases", 12, day(0), day(21), 2),
    ]


# ------------------------------------------------------------------------------------------- what was known on a day


def test_without_as_of_a_row_is_known_once_its_period_has_ended(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(frame({0: 1.0, 1: 2.0}), origin("a.csv"), imported_on=day(400))
    assert workspace.read(as_of=day(5)).height == 0
    assert workspace.read(as_of=day(6))["value"].to_list() == [1.0]
    assert workspace.read(as_of=day(13))["value"].to_list() == [1.0, 2.0]
    assert workspace.read(as_of=day(399), by_import=True).height == 0
    assert workspace.read(as_of=day(400), by_import=True)["value"].to_list() == [1.0, 2.0]


def test_with_as_of_the_latest_no_later_than_the_day_counts(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for known, value in ((10, 1.0), (20, 2.0), (30, None)):
        workspace.add(frame({0: value}, {0: known}), origin(f"{known}"), imported_on=day(400))
    assert workspace.read(as_of=day(9)).height == 0
    assert [workspace.read(as_of=day(k))["value"].item() for k in (10, 19, 20, 29, 30)] == [1.0, 1.0, 2.0, 2.0, None]
    assert workspace.vintages()["as_of"].to_list() == [day(10), day(20), day(30)]


def test_a_stamped_import_is_known_from_its_stamp(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(frame({0: 1.0, 1: 1.0}), origin("a", as_of=day(14)), imported_on=day(400))
    assert workspace.read(as_of=day(13)).height == 0
    assert workspace.read(as_of=day(14)).height == 2


def test_a_revision_without_as_of_does_not_change_the_past(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(frame({0: 1.0}), origin("a"), imported_on=day(10))
    past = {k: workspace.read(as_of=day(k)) for k in range(20)}
    workspace.add(frame({0: 5.0, 1: 7.0}), origin("b"), imported_on=day(20))
    for k in range(13):
        assert workspace.read(as_of=day(k)).equals(past[k])
    assert workspace.read(as_of=day(19))["value"].to_list() == [1.0, 7.0]
    assert workspace.read(as_of=day(20))["value"].to_list() == [5.0, 7.0]
    assert workspace.read()["value"].to_list() == [5.0, 7.0]
    assert workspace.vintages().select("date", "value", "as_of").rows() == [
        (day(0), 1.0, day(6)),
        (day(0), 5.0, day(20)),
        (day(7), 7.0, day(13)),
    ]


def test_of_two_values_known_on_one_day_the_one_imported_later_counts(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for number, value in enumerate((3.0, 1.0, 2.0)):
        workspace.add(frame({0: value}, {0: 10}), origin(f"stamped {number}"), imported_on=day(400))
        assert workspace.read(as_of=day(10))["value"].item() == value
        assert workspace.vintages()["value"].to_list() == [value]
    both = pl.concat([frame({0: 8.0}, {0: 20}), frame({0: 9.0}, {0: 15})])
    workspace.add(both, origin("two vintages"), imported_on=day(400))
    assert workspace.read(by_import=True)["value"].item() == 8.0, "of one import, the vintage that was known last"


Row = tuple[str, int, float, int | None]
one_import = st.tuples(
    st.sampled_from([0, 6, 13, 20, 40]),
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from("AB"), st.integers(0, 4), st.integers(0, 9).map(float), st.sampled_from([6, 13, 40])),
        min_size=1,
        max_size=8,
    ),
)


def naive(imports: list[tuple[int, list[Row]]], today: int, by_import: bool) -> dict[tuple[str, int], float]:
    """The rule of the module's text, row by row."""
    best: dict[tuple[str, int], tuple[int, int, float]] = {}
    had: set[tuple[str, int]] = set()
    for number, (imported_on, held) in enumerate(imports):
        for place, week, value, as_of in held:
            if as_of is not None:
                known = as_of
            elif (place, week) in had:
                known = max(imported_on, 7 * week + 6)
            else:
                known = 7 * week + 6
            if by_import:
                known = max(known, imported_on)
            # among vintages of one import that by_import puts on one day, the latest as_of counts
            candidate = (known, number, as_of if as_of is not None else -1, value)
            if known <= today and ((place, week) not in best or candidate[:3] > best[place, week][:3]):
                best[place, week] = candidate
        had |= {(place, week) for place, week, _, _ in held}
    return {key: found[-1] for key, found in best.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(one_import, min_size=1, max_size=4),
    st.lists(st.sampled_from([5, 6, 12, 13, 14, 39, 40, 70]), min_size=2, max_size=2),
    st.booleans(),
)
def test_any_day_is_answered_as_by_hand(
    drawn: list[tuple[int, bool, list[tuple[str, int, float, int]]]], days: list[int], by_import: bool
) -> None:
    imports: list[tuple[int, list[Row]]] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        for k, (imported_on, stamped, held) in enumerate(drawn):
            unique = {(p, w, a if stamped else None): v for p, w, v, a in held}
            kept: list[Row] = [(p, w, v, a) for (p, w, a), v in unique.items()]
            imports.append((imported_on, kept))
            table = pl.DataFrame(
                {
                    "location": [r[0] for r in kept],
                    "disease": "Influenza",
                    "signal": "cases",
                    "date": [day(7 * r[1]) for r in kept],
                    "value": [r[2] for r in kept],
                    "period_end": [day(7 * r[1] + 6) for r in kept],
                }
            )
            if stamped:
                table = table.with_columns(pl.Series("as_of", [day(r[3] or 0) for r in kept]))
            workspace.add(table, origin(str(k)), imported_on=day(imported_on))
        vintages = workspace.vintages(by_import=by_import)
        for today in days:
            found = workspace.read(as_of=day(today), by_import=by_import)
            expected = naive(imports, today, by_import)
            assert {(r["location"], (r["date"] - MONDAY).days // 7): r["value"] for r in found.to_dicts()} == expected
            assert found.height == len(expected)
            if "as_of" in vintages.columns:
                by_hand = (
                    vintages.filter(pl.col("as_of") <= day(today))
                    .sort("as_of")
                    .unique(["location", "date"], keep="last")
                    .sort("location", "date")
                )
                assert by_hand["value"].to_list() == found["value"].to_list(), "vintages and read disagree"


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_a_workspace_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"there is no workspace at .*nowhere.*salus data import"):
        Workspace(tmp_path / "nowhere").read()
    assert not (tmp_path / "nowhere").exists()
    assert Workspace(tmp_path / "nowhere").find(origin("a")) is None
    assert Workspace(tmp_path / "nowhere").periods([("Influenza", "cases")]).height == 0


def test_a_typo_suggests_the_near_name(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(), origin("a"))
    with pytest.raises(NameNotFoundError, match="Did you mean 'Influenza'"):
        workspace.read("Influenca")
    with pytest.raises(NameNotFoundError, match="no signal 'admissions'"):
        workspace.read("Influenza", "admissions")
    assert workspace.read("hand foot and mouth").height == 6


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(WorkspaceError, match=r"is no workspace and holds other files, such as thesis\.docx"):
        Workspace(tmp_path).add(rows(), origin("a"))
    assert tree(tmp_path).keys() == {"thesis.docx"}
    with pytest.raises(WorkspaceError, match="is a file, a workspace is a folder"):
        Workspace(tmp_path / "thesis.docx").add(rows(), origin("a"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t[:-40], "is damaged: it is not JSON"),
        (lambda t: b"", "is damaged: it is not JSON"),
        (lambda t: t.replace(b'"rows": 6', b'"rows": 7'), "does not match its own checksum"),
        (lambda t: t.replace(b"salus-workspace", b"other"), "does not say that it is a salus-workspace"),
        (lambda t: t.replace(b'"version": 1', b'"version": 99'), "is of format 99, written by a newer Salus"),
        (lambda t: b"[1, 2]", "does not say that it is"),
        (lambda t: b"\xff\xfe\x00", "is damaged: it is not JSON"),
    ],
)
def test_a_damaged_or_newer_manifest_is_told_and_nothing_is_touched(tmp_path: Path, spoil, message: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(), origin("a"))
    path = tmp_path / manifest.NAME
    spoiled = spoil(path.read_bytes())
    assert spoiled != path.read_bytes()
    path.write_bytes(spoiled)
    before = tree(tmp_path)
    for act in (workspace.read, workspace.verify, lambda: workspace.add(rows(), origin("b"))):
        with pytest.raises(WorkspaceError, match=message) as caught:
            act()
        assert str(path) in str(caught.value)
    assert tree(tmp_path) == before


def test_a_lost_manifest_is_not_an_empty_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(), origin("a"))
    (tmp_path / manifest.NAME).unlink()
    before = tree(tmp_path)
    for act in (workspace.read, lambda: workspace.add(rows(), origin("b"))):
        with pytest.raises(WorkspaceError, match=r"manifest\.json is missing, but there are data files"):
            act()
    assert tree(tmp_path) == before


def test_an_older_manifest_from_a_backup_loses_no_data_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(), origin("a"))
    backup = (tmp_path / manifest.NAME).read_bytes()
    workspace.add(rows(4), origin("b"))
    (tmp_path / manifest.NAME).write_bytes(backup)
    files = {n for n in tree(tmp_path) if n.endswith(".parquet")}
    assert len(workspace.verify()) == 2
    workspace.add(rows(5), origin("c"))
    assert files < {n for n in tree(tmp_path) if n.endswith(".parquet")}


def test_verify_names_the_damaged_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for name in "abc":
        workspace.add(rows(30, diseases=("Influenza",)), origin(name))
    assert workspace.verify() == []
    flipped, cut, gone = (f.path for f in workspace.manifest().files)
    data = bytearray((tmp_path / flipped).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / flipped).write_bytes(data)
    os.truncate(tmp_path / cut, 100)
    (tmp_path / gone).unlink()
    found = {d.path: d.problem for d in workspace.verify()}
    assert found.keys() == {flipped, cut, gone}
    assert found[flipped] == "its bytes were changed after it was written"
    assert found[cut].startswith("it has 100 bytes, ")
    assert found[gone] == "it is missing"


def test_reading_a_damaged_file_names_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(rows(), origin("a"))
    path = workspace.manifest().files[0].path
    os.truncate(tmp_path / path, 50)
    with pytest.raises(WorkspaceError, match=r"the workspace is damaged.*bytes,.*were written") as caught:
        workspace.read()
    assert str(tmp_path / path) in str(caught.value)
    (tmp_path / path).unlink()
    with pytest.raises(WorkspaceError, match="it is missing"):
        workspace.read()
    assert workspace.read("Influenza").height == 6, "the other disease can still be read"


def test_a_note_that_names_files_outside_is_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    workspace = Workspace(tmp_path / "w")
    workspace.add(rows(), origin("a"))
    (tmp_path / "w" / layout.PENDING).write_text('{"files": ["../precious.txt"]}')
    with pytest.raises(WorkspaceError, match=r"import\.json is damaged"):
        workspace.add(rows(), origin("b"))
    assert (tmp_path / "precious.txt").exists()
    assert workspace.read().height == 12


def test_what_cant_be_imported_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(InputError, match="has no rows to import"):
        workspace.add(rows().head(0), origin("a"))
    with pytest.raises(InputError, match=r"a column 'as_of' of its own\. Leave out --as-of"):
        workspace.add(frame({0: 1.0}, {0: 10}), origin("a", as_of=day(30)))
    with pytest.raises(
        InputError, match="has 4 rows that begin after the as-of day 2024-01-10, the first on 2024-01-15"
    ):
        workspace.add(rows(3), origin("a", as_of=dt.date(2024, 1, 10)))
    assert not (tmp_path / "w").exists()


def test_no_permission_is_told(locked_folder: Path) -> None:
    with pytest.raises(OutputError, match=r"can't write .*w: there is no permission to write there"):
        Workspace(locked_folder / "w").add(rows(), origin("a"))
    with pytest.raises(OutputError, match="can't write /proc/salus/w: "):
        Workspace("/proc/salus/w").add(rows(), origin("a"))


def test_a_workspace_that_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace(tmp_path / "w").add(rows(), origin("a"))

    def refuse(path: object, flags: int, *rest: object) -> int:
        assert not flags & (os.O_WRONLY | os.O_RDWR), f"{path} was opened for writing"
        return real(path, flags, *rest)

    real = os.open
    monkeypatch.setattr(os, "open", refuse)
    before = tree(tmp_path / "w")
    assert Workspace(tmp_path / "w").read().height == 12
    assert Workspace(tmp_path / "w").verify() == []
    assert Workspace(tmp_path / "w").add(rows(), origin("a")).added is False
    assert tree(tmp_path / "w") == before


def test_a_full_disk_leaves_the_workspace_as_it_was(small_disk: Path) -> None:
    workspace = Workspace(small_disk / "w")
    workspace.add(rows(2), origin("first"))
    before = tree(small_disk)
    many = rows(3000, diseases=("A", "B", "C")).with_columns(pl.col("date").hash().cast(pl.Float64).alias("value"))
    with pytest.raises(OutputError, match="the disk is full; make room and run the same command again"):
        workspace.add(many, origin("second"))
    assert tree(small_disk) == before
    assert workspace.verify() == []
    assert workspace.add(rows(3), origin("third")).added
