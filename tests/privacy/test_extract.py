"""Rows of single persons are written inside, by rule, and nowhere else."""

import json
import re

import numpy as np
import polars as pl
import pytest
from helpers_wall import visits
from typer.testing import CliRunner

from salus.cli import records
from salus.errors import InputError, NameNotFoundError, WallError
from salus.privacy import extract, log, zones
from salus.privacy.extract_rule import ExtractRule

RULE = ExtractRule(k_anonymity=5, l_diversity=2, t_closeness=0.5)


@pytest.fixture
def root(wall):
    return wall(visits(np.random.default_rng(7)))


@pytest.fixture
def made(root, places, definitions, key):
    return extract.extract(root, definitions, places, RULE, key=key, why="audit")


def test_the_table_lies_in_the_record_zone_and_says_what_it_holds(root, made, key):
    assert zones.zone_of(made.file) == "record"
    table = pl.read_parquet(made.file)
    assert tuple(table.columns) == extract.COLUMNS
    assert (table.height, table["person"].n_unique()) == (made.rows, made.persons)
    assert made.k_anonymity >= 5
    assert made.persons_seen - made.persons == sum(made.dropped.values())
    stored = json.loads((made.file.parent / "extract.json").read_text())
    assert stored == made.as_dict()
    assert "INSIDE ONLY" in (made.file.parent / "README.md").read_text()
    assert not list((root / "release").rglob("*.parquet"))
    entry = log.read(zones.existing(root), key)[-1]
    assert (entry.what, entry.why, entry.details["extract"]) == ("extract", "audit", made.id)


def test_nobody_is_alone_with_known_visits_any_more(made):
    before = {(u["visits"], u["also"]): u["share"] for u in made.before if u["persons"]}
    assert before[2, True] > 0.2
    assert any(u["persons"] for u in made.after if u["visits"] == 1)
    assert all(u["share"] == 0 for u in made.after)
    said = "\n".join(made.lines())
    for word in ("INSIDE ONLY", "k: each person", "l: at each visit", "t: their shares", "dropped", "0.09", "2 visits"):
        assert word in said, word


def test_numbers_of_persons_are_new_in_each_extract(root, places, definitions, key, made):
    again = extract.extract(root, definitions, places, RULE, key=key)
    assert pl.read_parquet(again.file).equals(pl.read_parquet(made.file))
    other = extract.extract(root, definitions, places, ExtractRule(k_anonymity=4, t_closeness=0.5), key=key)
    first, second = (set(pl.read_parquet(f.file)["person"]) for f in (made, other))
    inside = set(pl.concat(pl.read_parquet(f) for f in (root / "record").glob("*.parquet"))["person"])
    assert not first & second
    assert not first & inside


@pytest.mark.parametrize("where", ["release/mine", "count/mine", "vault/mine", "record", "../elsewhere"])
def test_every_other_place_is_refused(root, places, definitions, key, where):
    before = {f for f in root.parent.rglob("*") if f.is_file()}
    with pytest.raises(WallError, match="record zone of their wall alone"):
        extract.extract(root, definitions, places, RULE, key=key, out=root / where)
    assert {f for f in root.parent.rglob("*") if f.is_file()} == before


def test_a_link_out_of_the_wall_is_no_way_out(root, places, definitions, key, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "record" / "way").symlink_to(outside)
    with pytest.raises(WallError, match="outside the wall"):
        extract.extract(root, definitions, places, RULE, key=key, out=root / "record" / "way" / "x")
    assert not list(outside.iterdir())


def test_a_folder_of_its_own_is_taken_and_no_records_are_replaced(root, places, definitions, key):
    report = extract.extract(root, definitions, places, RULE, key=key, out=root / "record" / "extracts" / "august")
    assert report.file == root / "record" / "extracts" / "august" / "extract.parquet"
    (root / "record" / "other").mkdir()
    with pytest.raises(WallError, match="is no extract"):
        extract.extract(root, definitions, places, RULE, key=key, out=root / "record" / "other")


def test_what_is_missing_is_named(root, places, definitions, key):
    with pytest.raises(NameNotFoundError, match="influenza"):
        extract.extract(root, definitions, places, ExtractRule(syndromes=("influensa",)), key=key)
    with pytest.raises(InputError, match="no extract holds"):
        extract.extract(root, definitions, places, ExtractRule(k_anonymity=100_000), key=key)
    assert not list((root / "record").rglob("extract.parquet"))
    assert "refused" in [e.what for e in log.read(zones.existing(root), key)]


def test_from_the_command_line(root, key, tmp_path, monkeypatch, places):
    monkeypatch.setenv("SALUS_KEY", key.secret.hex())
    places.write_csv(tmp_path / "places.csv")
    (tmp_path / "rule.toml").write_text('k_anonymity = 5\nt_closeness = 0.9\nsyndromes = ["influenza", "hfmd"]\n')
    common = [
        "extract",
        "--root",
        str(root),
        "--places",
        str(tmp_path / "places.csv"),
        "--rule",
        str(tmp_path / "rule.toml"),
    ]
    shown = CliRunner().invoke(records.app, common).stdout
    assert re.match(r"INSIDE ONLY\.", shown)
    found = json.loads(CliRunner().invoke(records.app, [*common, "--json"]).stdout)
    assert found["wanted"]["k_anonymity"] == 5
    assert zones.zone_of(found["file"]) == "record"
