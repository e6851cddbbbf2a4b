"""The end of the log: cut back it is missed by its head, by the wall's list, and by what was noted elsewhere."""

import dataclasses
import json
import shutil
import unicodedata

import pytest
from helpers_wall import TODAY

from salus.errors import InputError
from salus.privacy import deidentify, ledger, log, zones


@pytest.fixture
def root(wall, key):
    """A wall with five lines in its log: ingest, ingested, and three of attacks."""
    root = wall([{}])
    place = zones.existing(root)
    with ledger.locked(place):
        for _ in range(3):
            log.append(place, key, "attack", why="")
    return root


def cut(root, number):
    """The log without its last lines, and the head that belongs to what is left, as without the key it can be made."""
    file, head = root / "vault" / log.NAME, root / "vault" / log.HEAD
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-number]))
    last = json.loads(lines[-number - 1])
    head.write_text(json.dumps({"number": last["number"], "hash": last["hash"]}))


def test_a_cut_end_is_found_without_any_certificate(root, key):
    wall = zones.existing(root)
    cut(root, 1)
    assert log.verify(wall, key) == ["log.head was changed, or written with another key"]


def test_a_head_with_a_key_to_it_of_another_line_is_found(root, key):
    wall = zones.existing(root)
    file = root / "vault" / log.HEAD
    content = json.loads(file.read_bytes())
    entry = log.read(wall, key)[-2]
    file.write_text(json.dumps(content | {"number": entry.number, "hash": entry.hash}))
    assert log.verify(wall, key)


def test_a_cut_end_is_remembered_by_the_line_after_it(root, key):
    wall = zones.existing(root)
    cut(root, 1)
    with ledger.locked(wall):
        log.append(wall, key, "attack", why="")
    assert any("line 5" in problem and "log.head" in problem for problem in log.verify(wall, key))
    with ledger.locked(wall):
        log.append(wall, key, "attack", why="")
    assert len(log.verify(wall, key)) == 1, "and ever after"


def test_an_old_head_with_its_log_is_found_by_the_list(wall, line_list, key):
    root = wall([{}])
    vault = root / "vault"
    kept = {f: f.read_bytes() for f in (vault / log.NAME, vault / log.HEAD)}
    deidentify.ingest(line_list([{"encounter_id": "more"}]), root, key, today=TODAY)
    for file, content in kept.items():
        file.write_bytes(content)
    assert log.verify(zones.existing(root), key) == ["the list of the wall names line 3, which the log does not have"]


def test_a_log_that_is_gone_is_found(wall, key):
    root = wall([{}])
    for name in (log.NAME, log.HEAD):
        (root / "vault" / name).unlink()
    assert log.verify(zones.existing(root), key)


def test_what_was_noted_elsewhere_tells_an_old_copy_of_the_whole_wall(root, key, tmp_path):
    wall = zones.existing(root)
    old = shutil.copytree(root, tmp_path / "old")
    with ledger.locked(wall):
        log.append(wall, key, "attack", why="")
    noted = log.read(wall, key)[-1].hash
    assert log.verify(wall, key, noted=noted) == []
    assert log.verify(zones.existing(old), key) == []
    assert log.verify(zones.existing(old), key, noted=noted) == ["the line that was noted elsewhere is not in the log"]


def test_a_head_of_an_earlier_version_is_read_once(root, key):
    """Walls from before the head had a key: the next line says so, and from then on it must have one."""
    wall = zones.existing(root)
    file, head = root / "vault" / log.NAME, root / "vault" / log.HEAD
    previous, old = "0" * 64, b""
    for entry in log.read(wall, key):
        plain = dataclasses.asdict(entry) | {"previous": previous}
        plain["details"].pop("end", None)
        del plain["hash"]
        previous = log._hash(key, plain)
        old += log._rendered(log.Entry(**plain, hash=previous))
    (root / "vault" / "ledger.json").write_text(
        json.dumps({k: v for k, v in json.loads((root / "vault" / "ledger.json").read_text()).items() if k != "log"})
    )
    file.write_bytes(old)
    head.write_text(json.dumps({"number": 5, "hash": previous}))
    assert log.verify(wall, key) == []
    with ledger.locked(wall):
        log.append(wall, key, "attack", why="")
    assert "mac" in json.loads(head.read_bytes())
    assert log.verify(wall, key) == []
    cut(root, 1)
    head.write_text(json.dumps({"number": 5, "hash": previous}))
    assert log.verify(wall, key) == [], "as before the change: only what is noted elsewhere tells"
    with ledger.locked(wall):
        log.append(wall, key, "attack", why="")
        log.append(wall, key, "attack", why="")
    cut(root, 1)
    assert log.verify(wall, key)


def test_an_ingest_that_failed_says_so_and_one_that_did_not_too(wall, line_list, key):
    root = wall([{}])
    with pytest.raises(InputError, match="no row of"):
        deidentify.ingest(line_list([{"icd10": "nonsense"}]), root, key, today=TODAY, why="monthly")
    entries = log.read(zones.existing(root), key)
    assert [e.what for e in entries] == ["ingest", "ingested", "ingest", "refused"]
    assert entries[1].details["line"] == 1
    assert entries[3].details["line"] == 3
    assert "no row of" in entries[3].details["because"]
    assert entries[3].why == "monthly"


def test_a_reason_can_not_write_lines_of_its_own(root, key):
    wall = zones.existing(root)
    why = "fine\n6  2024-01-01T00:00:00Z  boss  released\x1b[2K\u2028\u202e\x9b 审计\u3000八月"
    with ledger.locked(wall):
        entry = log.append(wall, key, "attack", why=why, file="a\nb")
    assert log.read(wall, key)[-1].why == why
    said = entry.line()
    assert said.splitlines() == [said]
    assert "fine\\n6" in said
    assert "file a\\nb" in said
    assert "审计\u3000八月" in said
    assert not [c for c in said if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


def test_a_reason_that_is_no_text_is_kept_as_far_as_it_can_be(root, key):
    wall = zones.existing(root)
    with ledger.locked(wall):
        entry = log.append(wall, key, "attack", why="caf\udce9")
    assert entry.why == "caf\\udce9"
    assert log.verify(wall, key) == []
