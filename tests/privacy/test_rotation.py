"""A new key for a wall: same persons, other numbers; old certificates and the log hold; killed at any step, no harm."""

import datetime as dt
import json
import shutil

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, TODAY, everything, visits
from test_release_crash import Killed, armed

from salus.errors import OutputError, WallError, WorkspaceError
from salus.privacy import budget, deidentify, keys, ledger, log, ring, rotation, signatures, verification, zones
from salus.privacy import release as releases
from salus.privacy.keys import Key
from salus.privacy.policy import Policy

NEW, THIRD = Key(bytes(range(32, 64))), Key(bytes(range(100, 132)))
RULE = Policy(weeks_held_back=0, syndromes=("influenza",))
NOISY = Policy(kind="differential_privacy", syndromes=("influenza",), weeks_held_back=0)
SPAN = (MONDAY, MONDAY + dt.timedelta(days=13))


def persons(root, key):
    wall = zones.existing(root)
    return pl.concat([pl.read_parquet(p) for p in ledger.parts(wall, ledger.read(wall, key))])


def classes(rows):
    """Which rows are of one person, whatever the number."""
    keyed = rows.sort("date", "district", "age_group", "sex", "code")
    return keyed.group_by("person").agg(pl.len(), pl.col("date").min(), pl.col("district").sort()).select(
        "len", "date", "district"
    ).sort("len", "date", pl.col("district").list.join(" "))  # fmt: skip


def test_the_same_persons_under_other_numbers(wall, key):
    root = wall(visits(np.random.default_rng(3), 300))
    before = persons(root, key)
    report = rotation.rotate(root, key, NEW, why="yearly")
    after = persons(root, NEW)
    assert (report.ingests, report.generation, report.already) == (1, 1, False)
    assert not set(before["person"]) & set(after["person"])
    assert not set(before["encounter"]) & set(after["encounter"])
    assert classes(after).equals(classes(before))
    assert sorted(p.name for p in (root / "record").glob("*.parquet")) == [
        e.part for e in ledger.read(zones.existing(root), NEW).entries
    ]


def test_who_comes_again_after_two_changes_is_the_same_person(line_list, key, tmp_path):
    first = line_list([{"person_id": "p", "encounter_id": "v"}, {"person_id": "q", "encounter_id": "w"}])
    again = line_list([{"person_id": "p", "encounter_id": "v", "icd10": "B08.4"}, {"person_id": "p"}])
    root = tmp_path / "wall"
    deidentify.ingest(first, root, key, today=TODAY)
    rotation.rotate(root, key, NEW)
    rotation.rotate(root, NEW, THIRD)
    deidentify.ingest(again, root, THIRD, today=TODAY)
    old, new = (
        pl.read_parquet(p) for p in ledger.parts(zones.existing(root), ledger.read(zones.existing(root), THIRD))
    )
    assert set(new["person"]) < set(old["person"])
    assert set(new["encounter"]) & set(old["encounter"])
    chain = key.surrogate("person", "p")
    for later in (NEW, THIRD):
        chain = later.surrogate("person", str(chain))
    assert set(new["person"]) == {chain}
    assert deidentify.ingest(first, root, THIRD, today=TODAY).already


def test_old_certificates_hold_and_new_ones_are_of_the_new_key(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(4), 1500))
    old = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    frozen = old.series.read_bytes()
    rotation.rotate(root, key, NEW)
    inside = {"definitions": definitions, "places": places, "root": root, "key": NEW}
    findings = verification.verify(old.folder, public_key=signatures.public_key(key), **inside)
    assert not [f.line() for f in findings if f.fails]
    assert {f.claim for f in findings if f.holds} >= {"inputs", "log_head", "counts", "signer", "signature"}
    new = releases.release(root, definitions, places, RULE, key=NEW, weeks=SPAN)
    assert new.signer == signatures.fingerprint(signatures.public_key(NEW))
    both = [pl.read_parquet(s).drop("source") for s in (old.series, new.series)]
    assert both[0].equals(both[1])
    assert not [f for f in verification.verify(new.folder, public_key=signatures.public_key(NEW), **inside) if f.fails]
    assert old.series.read_bytes() == frozen


def test_the_bound_of_a_person_goes_on_over_a_change_of_keys(wall, places, definitions, key):
    root = wall([{"person_id": "p", "visit_date": MONDAY + dt.timedelta(days=7 * k)} for k in range(4)])
    releases.release(root, definitions, places, NOISY, key=key, weeks=SPAN)
    rotation.rotate(root, key, NEW)
    later = (MONDAY + dt.timedelta(days=14), MONDAY + dt.timedelta(days=27))
    releases.release(root, definitions, places, NOISY, key=NEW, weeks=later)
    taken = [pl.read_parquet(f) for f in sorted((root / "vault" / "noise").glob("*/contributions*.parquet"))]
    assert len(taken) == 2
    assert pl.concat(taken).group_by("person").agg(pl.col("counts").sum())["counts"].to_list() == [2]
    assert len(budget.read(zones.existing(root)).allotments) == 1


def test_the_log_holds_over_a_change_and_shows_a_changed_line_before_it(wall, key):
    root = wall([{"person_id": "p"}])
    rotation.rotate(root, key, NEW, why="a key leaked")
    place = zones.existing(root)
    entries = log.read(place, NEW)
    assert [e.what for e in entries] == ["ingest", "ingested", "rotate", "rotated"]
    assert {e.why for e in entries[2:]} == {"a key leaked"}
    assert log.verify(place, NEW) == []
    path = root / "vault" / log.NAME
    path.write_bytes(path.read_bytes().replace(b'"ingest"', b'"INGEST"', 1))
    assert any("line 1 was changed" in said for said in log.verify(place, NEW))


def test_a_given_up_key_opens_nothing_and_nothing_of_it_lies_open(wall, key):
    root = wall([{"person_id": "p"}])
    rotation.rotate(root, key, NEW)
    with pytest.raises(WallError, match=r"changed by `salus records rotate`: give the one that it was changed for"):
        ledger.read(zones.existing(root), key)
    everywhere = b"".join(everything(root).values())
    for use in keys.RETIRED_USES:
        assert key.derived(use) not in everywhere
        assert key.derived(use).hex().encode() not in everywhere
    with pytest.raises(WallError, match="the new key is the old one"):
        rotation.rotate(root, NEW, NEW)
    with pytest.raises(WallError, match="not the key that the records"):
        rotation.rotate(root, THIRD, Key(bytes(range(7, 39))))


def test_what_is_kept_of_old_keys_is_guarded_against_loss_and_change(wall, key):
    root = wall([{"person_id": "p"}])
    rotation.rotate(root, key, NEW)
    place = zones.existing(root)
    path = ring.path_of(place, NEW)
    content = path.read_bytes()
    digits = json.loads(content)["locked"]
    path.write_bytes(content.replace(digits.encode(), ("0" * len(digits)).encode()))
    with pytest.raises(WorkspaceError, match=r"gone or damaged.*Restore it"):
        ring.read(place, NEW, 1)
    path.unlink()
    with pytest.raises(WorkspaceError, match="gone or damaged"):
        ring.read(place, NEW, 1)
    path.write_bytes(content)
    assert ring.read(place, NEW, 1).retired[0].check == key.check


def test_a_lost_key_is_told_and_changes_nothing(line_list, wall, places, definitions, key):
    root = wall([{"person_id": "p"}])
    more = line_list([{"person_id": "r"}])
    before = everything(root)
    logged = (root / "vault" / log.NAME).read_bytes()
    for attempt in (
        lambda: deidentify.ingest(more, root, NEW, today=TODAY),
        lambda: releases.release(root, definitions, places, RULE, key=NEW),
        lambda: rotation.rotate(root, NEW, THIRD),
    ):
        with pytest.raises(WallError, match=r"not the key that the records .* if it is lost, begin a new wall"):
            attempt()
        assert everything(root) == before
    assert (root / "vault" / log.NAME).read_bytes() == logged


def test_a_full_disk_leaves_the_old_key_in_force(wall, key, monkeypatch):
    root = wall([{"person_id": "p"}])
    before = everything(root)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rotation.ring, "write", full)
    with pytest.raises(OutputError, match=r"disk is full.*The old key is still the one in force"):
        rotation.rotate(root, key, NEW)
    monkeypatch.undo()
    left = {f: c for f, c in everything(root).items() if ".g1." not in f.name}
    assert left == before
    assert rotation.rotate(root, key, NEW).generation == 1


@pytest.mark.slow
def test_a_kill_at_every_step_of_a_change_of_keys(line_list, places, definitions, key, tmp_path):
    base = tmp_path / "base"
    for n in range(2):
        rows = [{"person_id": f"p{k}", "visit_date": MONDAY + dt.timedelta(days=n)} for k in range(4)]
        edge = [{"visit_date": MONDAY + dt.timedelta(days=d), "icd10": "I10"} for d in (0, 27)]
        deidentify.ingest(line_list([*rows, *edge]), base, key, today=TODAY)
    releases.release(base, definitions, places, NOISY, key=key, weeks=SPAN)
    wanted = shutil.copytree(base, tmp_path / "undisturbed")
    rotation.rotate(wanted, key, NEW)
    moment, outcomes = -1, []
    while True:
        moment += 2
        root = shutil.copytree(base, tmp_path / "again" / str(moment))
        place = zones.existing(root)
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                rotation.rotate(root, key, NEW)
                survived = True
            except Killed:
                survived = False
        in_force = NEW if json.loads((root / "vault" / "ledger.json").read_bytes())["key_check"] == NEW.check else key
        assert persons(root, in_force).height == 12, moment
        assert [p for p in log.verify(place, in_force) if "never finished" not in p] == [] or not survived, moment
        report = rotation.rotate(root, key, NEW)
        assert report.already == (in_force is NEW), moment
        assert persons(root, NEW).sort(pl.all()).equals(persons(wanted, NEW).sort(pl.all())), moment
        assert log.verify(place, NEW) == [], moment
        assert [e.what for e in log.read(place, NEW)].count("rotated") == 1, moment
        names = {f.relative_to(root) for f in everything(root) if not f.name.endswith((".lock", ".part"))}
        assert names == {f.relative_to(wanted) for f in everything(wanted) if not f.name.endswith(".lock")}, moment
        outcomes.append(report.already)
        shutil.rmtree(root)
        if survived:
            break
    assert moment > 20
    assert outcomes == sorted(outcomes), "once the new key is in force it stays"
    assert {True, False} == set(outcomes)
