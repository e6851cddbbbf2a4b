"""Releases and changes of keys on disks that are full or read-only, two at once, and with a clock that goes back."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path

import polars as pl
import pytest
from helpers_bad_input import SALUS, executable, refused, salus, tree

from salus.privacy import keys, ledger, log, verification, zones

PLACES = "location,name,parent,location_level,population\nP,P,,province,9000\nA,A,P,district,9000\n"
VISITS = "person_id,visit_date,district,icd10\n" + "".join(
    f"p{n},2024-01-{n % 21 + 1:02d},A,J10.1\n" for n in range(300)
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two keys, places, a policy, and a wall with three weeks of influenza."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SALUS_KEY", raising=False)
    keys.create(Path("office.key"))
    keys.create(Path("new.key"))
    Path("visits.csv").write_text(VISITS)
    Path("places.csv").write_text(PLACES)
    Path("policy.toml").write_text('syndromes = ["influenza"]\n')
    said = salus(
        "records", "ingest", "visits.csv", "--format", "linelist", "--root", "wall", "--key-file", "office.key"
    )
    assert said.status == 0, said
    return tmp_path


RELEASE = ["records", "release", "--root", "wall", "--places", "places.csv", "--policy", "policy.toml"]
RELEASE += ["--key-file", "office.key"]
ROTATE = ["records", "rotate", "--root", "wall", "--key-file", "office.key", "--new-key-file", "new.key"]


def key_of(command: list[str]) -> keys.Key:
    return keys.load(Path("new.key" if command is ROTATE else "office.key"))


def out() -> list[Path]:
    return [f for f in Path("wall/release").iterdir() if f.is_dir()]


def check(command: list[str]) -> None:
    """After whatever happened the command works, and gives what it would have given."""
    said = salus(*command)
    assert said.status == 0, said
    wall, secret = zones.existing("wall"), key_of(command)
    assert log.verify(wall, secret) == []
    records = pl.concat([pl.read_parquet(p) for p in ledger.parts(wall, ledger.read(wall, secret))])
    assert (records.height, records["person"].n_unique()) == (300, 300)
    if command is RELEASE:
        assert len(out()) == 1
        assert not [f for f in verification.verify(out()[0]) if f.fails]
        shown = pl.read_parquet(out()[0] / "series.parquet").filter(location="A")
        assert shown["value"].to_list() == [104.0, 98.0]


@pytest.mark.parametrize("command", [RELEASE, ROTATE], ids=["release", "rotate"])
@pytest.mark.parametrize("size", [600, 4_000])
def test_a_full_disk(place: Path, command: list[str], size: int) -> None:
    """No file may grow beyond a size: at the log, or in the middle of the work."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        said = salus(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    refused(said, "wall")
    assert out() == []
    ledger.read(zones.existing("wall"), keys.load(Path("office.key")))
    check(command)


def test_a_disk_that_may_not_be_written(place: Path) -> None:
    inside = [Path("wall"), *Path("wall").rglob("*")]
    for path in inside:
        path.chmod(0o500 if path.is_dir() else 0o400)
    before = {path: digest for path, (digest, _, _) in tree(place).items()}
    prefix = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    try:
        refused(executable(*RELEASE, prefix=prefix), "can't write wall", "no permission to write there")
        assert {path: digest for path, (digest, _, _) in tree(place).items()} == before
    finally:
        for path in inside:
            path.chmod(0o700 if path.is_dir() else 0o600)
    check(RELEASE)


@pytest.mark.slow
def test_a_release_and_an_ingest_at_once_come_one_after_the_other(place: Path) -> None:
    Path("more.csv").write_text(VISITS.replace("\np", "\nq"))
    ingest = ["records", "ingest", "more.csv", "--format", "linelist", "--root", "wall", "--key-file", "office.key"]
    running = [
        subprocess.Popen([SALUS, *c], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for c in ([*RELEASE, "--json"], ingest)
    ]
    said = [p.communicate(timeout=120) for p in running]
    assert [p.returncode for p in running] == [0, 0], said
    wall, secret = zones.existing("wall"), keys.load(Path("office.key"))
    assert [e.number for e in ledger.read(wall, secret).entries] == [1, 2]
    assert [json.loads(said[0][0])["id"]] == [f.name for f in out()]
    assert log.verify(wall, secret) == []
    assert not [f for f in verification.verify(out()[0]) if f.fails]
    shown = pl.read_parquet(out()[0] / "series.parquet").filter(location="A")["value"].to_list()
    assert shown in ([104.0, 98.0], [208.0, 196.0]), "before the ingest or after it, nothing in between"


def test_a_clock_that_goes_backwards_changes_no_release(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from salus.data import provenance

    monkeypatch.setattr(provenance, "utc_text", lambda *_: "2001-01-01T00:00:00Z")
    check(RELEASE)
    before = tree(Path("wall/release"))
    assert salus(*RELEASE).status == 0
    assert tree(Path("wall/release")) == before
    wall, secret = zones.existing("wall"), keys.load(Path("office.key"))
    assert any(e.details.get("clock_went_back") for e in log.read(wall, secret))
