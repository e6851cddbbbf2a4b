"""Killed at any step, a wall has the release or has it not; the next try makes it, and nothing is paid twice."""

import shutil

import numpy as np
import pytest
from helpers_kill import Killed, armed
from helpers_wall import MONDAY, visits

from salus.privacy import budget, log, verification, zones
from salus.privacy import release as releases
from salus.privacy.policy import Policy


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "stride"), [("suppression", 5), ("differential_privacy", 1)])
def test_a_kill_at_every_step_of_a_release(wall, places, definitions, key, tmp_path, kind, stride):
    base = wall(visits(np.random.default_rng(8), 400))
    rule = Policy(weeks_held_back=0, kind=kind, syndromes=("influenza",))
    span = (MONDAY, MONDAY + np.timedelta64(13, "D").item())
    moment, outcomes = 1 - stride, []
    while True:
        moment += stride
        root = shutil.copytree(base, tmp_path / "again" / str(moment))
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                releases.release(root, definitions, places, rule, key=key, weeks=span)
                survived = True
            except Killed:
                survived = False
        out = [f for f in (root / "release").iterdir() if f.is_dir() and not f.name.startswith(".")]
        for folder in out:
            assert not [f for f in verification.verify(folder) if f.fails], moment
        before = {f.name: (f / "series.parquet").read_bytes() for f in out}
        report = releases.release(root, definitions, places, rule, key=key, weeks=span)
        assert not [f for f in verification.verify(report.folder) if f.fails], moment
        assert report.already == bool(out), moment
        assert before in ({}, {report.id: report.series.read_bytes()}), moment
        assert log.verify(zones.existing(root), key) == [], moment
        assert not [f for f in root.rglob("*.part") if f.is_dir()] or out, moment
        spent = budget.read(zones.existing(root)).allotments
        assert len(spent) == (1 if kind == "differential_privacy" else 0), moment
        outcomes.append(bool(out))
        shutil.rmtree(root)
        if survived:
            break
    assert moment > 30
    assert outcomes == sorted(outcomes), "once the release is there it stays"
    assert True in outcomes
    assert False in outcomes
