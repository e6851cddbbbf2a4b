"""Killed at any step, a wall has the ingest or has it not; the next try makes it, and nothing is there twice."""

import datetime as dt
import shutil

import polars as pl
import pytest
from helpers_wall import TODAY
from test_release_crash import Killed, armed

from salus.privacy import deidentify, ledger, log, zones


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
