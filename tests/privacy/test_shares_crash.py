"""Killed at any step, a site sends the same file as undisturbed, and a combiner releases the same sum."""

import datetime as dt
import json
import shutil

import polars as pl
import pytest
from test_release_crash import Killed, armed

from salus.errors import OutputError
from salus.privacy import budget, deidentify, joint, ledger, log, rounds, sharing, verification, zones
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.privacy.signatures import Member

OURS = Key(bytes(range(60, 92)))
KEYS = [Key(bytes(range(n, n + 32))) for n in range(3)]
DAYS = (dt.date(2024, 1, 1), dt.date(2024, 1, 7))
TODAY = dt.date(2025, 1, 1)


@pytest.fixture
def walls(line_list, tmp_path):
    """Three walls of a few persons each."""
    for n, key in enumerate(KEYS):
        source = line_list([{"person_id": f"s{n}-{k}", "district": "A1"} for k in range(9)])
        deidentify.ingest(source, tmp_path / f"wall{n}", key, today=TODAY)
    return [tmp_path / f"wall{n}" for n in range(3)]


@pytest.fixture
def agreed(tmp_path, definitions, places):
    def make(kind):
        rule = Policy(kind=kind, syndromes=("influenza",))
        members = [(f"site{n}", Member.of(key)) for n, key in enumerate(KEYS)]
        return rounds.make(tmp_path / "round.json", members, definitions, places, rule, DAYS, key=OURS)

    return make


def share(wall, out, definitions, key):
    known = [Member.of(k).public for k in (OURS, *KEYS)]
    return sharing.share(wall, out.parent / "round.json", out, definitions, known, key=key)


@pytest.mark.slow
def test_a_kill_at_every_step_of_sharing(walls, agreed, definitions, tmp_path):
    agreed("differential_privacy")
    shutil.copytree(walls[0], tmp_path / "undisturbed")
    share(tmp_path / "undisturbed", tmp_path / "wanted.share", definitions, KEYS[0])
    wanted = (tmp_path / "wanted.share").read_bytes()
    moment, outcomes = -1, []
    while True:
        moment += 2
        root = shutil.copytree(walls[0], tmp_path / "again" / str(moment))
        shutil.copy(tmp_path / "round.json", tmp_path / "again" / "round.json")
        out = tmp_path / "again" / f"{moment}.share"
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                share(root, out, definitions, KEYS[0])
                survived = True
            except Killed:
                survived = False
        assert not out.exists() or out.read_bytes() in (b"", wanted), moment
        report = share(root, out, definitions, KEYS[0])
        assert out.read_bytes() == wanted, moment
        wall = zones.existing(root)
        assert log.verify(wall, KEYS[0]) == [], moment
        assert [(a.year, a.epsilon) for a in budget.read(wall).allotments] == [(2024, 1.0)], moment
        taken = pl.read_parquet(next((root / "vault" / "shares").glob("[!.]*/contributions.parquet")))
        assert taken["counts"].sum() == 9, moment
        assert ledger.read(wall, KEYS[0]).released["influenza"]["rounds"] == [report.round], moment
        outcomes.append(report.already)
        shutil.rmtree(root)
        if survived:
            break
    assert moment > 20
    assert outcomes == sorted(outcomes), "once the file is kept it stays"
    assert {True, False} == set(outcomes)


@pytest.mark.slow
def test_a_kill_at_every_step_of_combining(walls, agreed, definitions, tmp_path):
    this = agreed("suppression")
    sent = [tmp_path / f"{n}.share" for n in range(3)]
    for wall, out, key in zip(walls, sent, KEYS, strict=True):
        share(wall, out, definitions, key)
    stride, moment, outcomes = 5, -4, []
    undisturbed = joint.combine(sent, tmp_path / "round.json", tmp_path / "undisturbed", definitions, key=OURS)
    wanted = undisturbed.series.read_bytes()
    while True:
        moment += stride
        root = tmp_path / "sum" / str(moment)
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                joint.combine(sent, tmp_path / "round.json", root, definitions, key=OURS)
                survived = True
            except Killed:
                survived = False
        out = [f for f in (root / "release").glob("[!.]*") if f.is_dir()]
        for folder in out:
            assert not [f for f in verification.verify(folder) if f.fails], moment
        report = joint.combine(sent, tmp_path / "round.json", root, definitions, key=OURS)
        assert report.already == bool(out), moment
        assert report.id == undisturbed.id, moment
        assert report.series.read_bytes() == wanted, moment
        assert pl.read_parquet(report.exact).filter(location="P")["value"].sum() == 27, moment
        wall = zones.existing(root)
        assert log.verify(wall, OURS) == [], moment
        assert [e.id for e in ledger.read(wall, OURS).entries] == [this.id], moment
        outcomes.append(bool(out))
        shutil.rmtree(root)
        if survived:
            break
    assert moment > 40
    assert outcomes == sorted(outcomes), "once the release is there it stays"
    assert {True, False} == set(outcomes)


def test_a_full_disk_at_a_site_leaves_nothing_shared(walls, agreed, definitions, tmp_path, monkeypatch):
    agreed("suppression")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sharing.durable, "write", full)
    with pytest.raises(OutputError, match="the disk is full"):
        share(walls[0], tmp_path / "0.share", definitions, KEYS[0])
    monkeypatch.undo()
    assert not (tmp_path / "0.share").exists()
    content = json.loads((walls[0] / "vault" / "ledger.json").read_bytes())
    assert content["released"] == {}
    assert not share(walls[0], tmp_path / "0.share", definitions, KEYS[0]).already
