"""Who did what inside the wall, when and why: appended, never changed, and a change anywhere is found."""

import datetime as dt
import json
import multiprocessing

import numpy as np
import pytest
from helpers_wall import visits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.errors import InputError, WallError
from salus.privacy import attack, certificate, keys, ledger, log, zones
from salus.privacy import release as releases
from salus.privacy.gaps import Gaps
from salus.privacy.policy import Policy

RULE = Policy(weeks_held_back=0)


@pytest.fixture
def root(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(3), 1500))
    releases.release(root, definitions, places, RULE, key=key, why="weekly bulletin")
    attack.attack(root, places, key=key)
    return root


def test_every_act_is_listed_with_who_when_what_and_why(root, key):
    entries = log.read(zones.existing(root), key)
    assert [e.what for e in entries] == ["ingest", "ingested", "release", "released", "attack"]
    assert entries[2].why == "weekly bulletin"
    assert entries[4].why == ""
    assert all(e.who for e in entries)
    assert all(dt.datetime.fromisoformat(e.when) for e in entries)
    assert log.verify(zones.existing(root), key) == []
    assert key.secret.hex() not in (root / "vault" / log.NAME).read_text()


def test_a_release_that_was_refused_is_listed_with_the_gate(root, places, definitions, key, monkeypatch):
    monkeypatch.setattr(Gaps, "closed", lambda self: list(self.hidden))
    other = Policy(weeks_held_back=0, syndromes=("influenza",), name="other")
    with pytest.raises(WallError):
        releases.release(root, definitions, places, Policy(weeks_held_back=0, minimum_interval=40), key=key)
    with pytest.raises(WallError, match="gate missed"):
        releases.release(
            root, definitions.head(1).with_columns(code=definitions["code"].head(1)), places, other, key=key
        )
    entries = log.read(zones.existing(root), key)
    assert [e.what for e in entries[-2:]] == ["release", "refused"]
    assert "gate missed" in entries[-1].details["because"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_bit_anywhere_is_found(root, key, data):
    wall = zones.existing(root)
    file = root / "vault" / log.NAME
    good = file.read_bytes()
    where, bit = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(good[:where] + bytes([good[where] ^ 1 << bit]) + good[where + 1 :])
    try:
        assert log.verify(wall, key)
    finally:
        file.write_bytes(good)


@pytest.mark.parametrize("change", ["first", "middle", "last", "swapped", "twice", "all"])
def test_entries_taken_out_or_moved_are_found(root, key, change):
    file = root / "vault" / log.NAME
    lines = file.read_bytes().splitlines(keepends=True)
    kept = {
        "first": lines[1:],
        "middle": lines[:1] + lines[2:],
        "last": lines[:-1],
        "swapped": [lines[1], lines[0], *lines[2:]],
        "twice": [*lines, lines[-1]],
        "all": [],
    }[change]
    file.write_bytes(b"".join(kept))
    assert log.verify(zones.existing(root), key)


def test_a_log_cut_back_with_its_head_is_found_by_the_certificates(root, key):
    wall = zones.existing(root)
    file, head = root / "vault" / log.NAME, root / "vault" / log.HEAD
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0])
    first = json.loads(lines[0])
    head.write_text(json.dumps({"number": first["number"], "hash": first["hash"]}))
    assert any("certificate" in problem for problem in log.verify(wall, key))


def test_nobody_without_the_key_can_write_an_entry(root, key):
    wall = zones.existing(root)
    with ledger.locked(wall):
        log.append(wall, keys.Key(bytes(range(50, 82))), "nothing", why="")
    assert log.verify(wall, key)


def test_a_line_that_was_never_finished_is_dropped_and_said(root, key):
    wall = zones.existing(root)
    with (root / "vault" / log.NAME).open("ab") as file:
        file.write(b'{"number": 5, "what": "rel')
    assert log.verify(wall, key)
    with ledger.locked(wall):
        log.append(wall, key, "attack", why="")
    assert log.verify(wall, key) == []
    assert log.read(wall, key)[-1].details["unfinished_line_before"] == 26


def test_a_clock_that_goes_back_is_said_and_breaks_nothing(root, key, monkeypatch):
    wall = zones.existing(root)
    monkeypatch.setattr(log.provenance, "utc_text", lambda: "2001-01-01T00:00:00Z")
    with ledger.locked(wall):
        entry = log.append(wall, key, "attack", why="")
    assert entry.details["clock_went_back"] is True
    assert log.verify(wall, key) == []


def _write(root, secret, number):
    wall = zones.existing(root)
    for _ in range(number):
        with ledger.locked(wall):
            log.append(wall, keys.Key(secret), "attack", why="")


def test_many_processes_write_one_chain(root, key):
    context = multiprocessing.get_context("fork")
    crowd = [context.Process(target=_write, args=(root, key.secret, 5)) for _ in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    entries = log.read(zones.existing(root), key)
    assert [e.number for e in entries] == list(range(1, 26))
    assert log.verify(zones.existing(root), key) == []


def test_the_certificate_holds_the_end_of_the_log(root, key):
    [folder] = [f for f in (root / "release").iterdir() if f.is_dir()]
    claims = json.loads((folder / certificate.NAME).read_text())["claims"]
    [head] = [c for c in claims if c["claim"] == "log_head"]
    assert head["value"] == log.read(zones.existing(root), key)[2].hash
    assert head["needs"] == "key and records"


def test_a_wall_without_a_log_says_so(tmp_path, key):
    wall = zones.create(tmp_path / "wall")
    with pytest.raises(InputError, match="there is no log"):
        log.read(wall, key)
