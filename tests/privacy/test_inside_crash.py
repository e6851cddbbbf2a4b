"""Killed at any step, an extract or the assessed rows are there whole or not at all, and the next try makes them."""

import shutil

import numpy as np
import pytest
from helpers_kill import Killed, armed
from helpers_wall import visits

from salus.copd.record_wall import assess_records
from salus.privacy import extract, log, zones
from salus.privacy.extract_rule import ExtractRule


def extracted(root, definitions, places, key):
    rule = ExtractRule(syndromes=("influenza", "hfmd"), k_anonymity=3, l_diversity=1, t_closeness=0.9, most_dropped=0.9)
    return extract.extract(root, definitions, places, rule, key=key).file.parent


def assessed(root, definitions, places, key):
    return assess_records(root, key=key).file


@pytest.mark.slow
@pytest.mark.parametrize(("act", "inside"), [(extracted, "record/extracts/*"), (assessed, "record/copd/*.parquet")])
def test_a_kill_at_every_step_leaves_all_or_nothing(wall, definitions, places, key, tmp_path, act, inside):
    base = wall(visits(np.random.default_rng(8), 900))
    wanted = act(shutil.copytree(base, tmp_path / "undisturbed"), definitions, places, key)
    whole = {f.name: f.read_bytes() for f in ([wanted] if wanted.is_file() else wanted.iterdir())}
    moment, outcomes, survived = 0, [], False
    while not survived:
        moment += 1
        root = shutil.copytree(base, tmp_path / "again" / str(moment))
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                act(root, definitions, places, key)
                survived = True
            except Killed:
                survived = False
        out = [f for f in root.glob(inside) if not f.name.startswith(".")]
        assert len(out) <= 1, moment
        for there in out:
            found = {f.name: f.read_bytes() for f in ([there] if there.is_file() else there.iterdir())}
            assert found == whole, moment
        again = act(root, definitions, places, key)
        assert {f.name: f.read_bytes() for f in ([again] if again.is_file() else again.iterdir())} == whole, moment
        assert log.verify(zones.existing(root), key) == [], moment
        outcomes.append(bool(out))
        shutil.rmtree(root)
    assert moment > 5
    assert outcomes == sorted(outcomes), "once it is there it stays"
