"""Killed at any step, a wall has the ingest or has it not; the next try makes it, and nothing is there twice."""

import datetime as dt
import shutil
import subprocess
import sys
import time

import polars as pl
import pytest
from helpers_wall import TODAY
from test_release_crash import Killed, armed

from salus.privacy import deidentify, ledger, log, zones
from salus.sources.linelist import open_linelist


@pytest.mark.slow
def test_a_kill_at_every_step_of_an_ingest(line_list, key, tmp_path):
    first = line_list([{"person_id": "p", "encounter_id": "v"}, {"icd10": "nonsense"}])
    second = line_list([{"person_id": f"q{n}", "visit_date": dt.date(2024, 1, 5)} for n in range(9)] + [{"icd10": "x"}])
    base = tmp_path / "base"
    deidentify.ingest(first, base, key, today=TODAY)
    wanted = shutil.copytree(base, tmp_path / "undisturbed")
    undisturbed = deidentify.ingest(second, wanted, key, today=TODAY)
    moment, outcomes = 0, []
    while True:
        moment += 1
        root = shutil.copytree(base, tmp_path / "again" / str(moment))
        wall = zones.existing(root)
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                deidentify.ingest(second, root, key, today=TODAY)
                survived = True
            except Killed:
                survived = False
        known = ledger.read(wall, key)
        assert [e.number for e in known.entries] in ([1], [1, 2]), moment
        for part, entry in zip(ledger.parts(wall, known), known.entries, strict=True):
            assert pl.read_parquet(part).height == entry.kept, moment
        report = deidentify.ingest(second, root, key, today=TODAY)
        assert report.already == (len(known.entries) == 2), moment
        assert (report.kept, sum(report.set_aside.values())) == (9, 1), moment
        assert len(list(wall.path("record").glob("*.parquet"))) == 2, moment
        assert pl.read_parquet(report.quarantine).height == 1, moment
        assert not list(wall.path("vault").glob(".work-*")), moment
        assert log.verify(wall, key) == [], moment
        assert ledger.read(wall, key) == ledger.read(zones.existing(wanted), key), moment
        rows = [pl.read_parquet(r.part).sort(pl.all()) for r in (report, undisturbed)]
        assert rows[0].equals(rows[1]), moment
        outcomes.append(report.already)
        shutil.rmtree(root)
        if survived:
            break
    assert moment > 15
    assert outcomes == sorted(outcomes), "once the records are there they stay"
    assert {True, False} == set(outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("sight", ["vault/.work-*/stage.parquet", "vault/.work-*/aside.parquet", "record/*-*.parquet"])
def test_kill_nine_while_the_engine_writes(key, tmp_path, sight):
    """A real process, killed at the sight of a file: the engine's own writes are in no Python call."""
    rows = [f"p{n},v{n},2024-01-{n % 28 + 1:02d},A{n % 3 + 1},J10.1" for n in range(40_000)]
    (tmp_path / "visits.csv").write_text("person_id,encounter_id,visit_date,district,icd10\n" + "\n".join(rows) + "\n")
    root = tmp_path / "wall"
    work = (
        "import sys; from salus.privacy import deidentify; from salus.privacy.keys import Key\n"
        "from salus.sources.linelist import open_linelist\n"
        "deidentify.ingest(open_linelist([sys.argv[1]]), sys.argv[2], Key(bytes(range(32))))\n"
    )
    running = subprocess.Popen([sys.executable, "-c", work, str(tmp_path / "visits.csv"), str(root)])
    while running.poll() is None and not list(root.glob(sight)):
        time.sleep(0.0005)
    running.kill()
    assert running.wait() in (0, -9)
    report = deidentify.ingest(open_linelist([tmp_path / "visits.csv"]), root, key)
    wall = zones.existing(root)
    assert (report.rows, report.kept, report.persons) == (40_000, 40_000, 40_000)
    assert [p.name for p in wall.path("record").glob("*.parquet")] == [report.part.name]
    assert pl.read_parquet(report.part)["encounter"].n_unique() == 40_000
    assert not list(wall.path("vault").glob(".work-*")) or report.already
    assert log.verify(wall, key) == []
