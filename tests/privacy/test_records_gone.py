"""Records that are gone or damaged: one sentence with what to do, from each command that reads them."""

import numpy as np
import pytest
from helpers_wall import TODAY, visits

from salus.errors import WallError, WorkspaceError
from salus.privacy import attack, deidentify, extract, log, zones
from salus.privacy import release as releases
from salus.privacy.policy import Policy

RULE = Policy(weeks_held_back=0)
ACTS = {
    "release": lambda root, definitions, places, key: releases.release(root, definitions, places, RULE, key=key),
    "attack": lambda root, definitions, places, key: attack.attack(root, places, key=key),
    "extract": lambda root, definitions, places, key: extract.extract(root, definitions, places, key=key),
}


def gone(part):
    part.unlink()


def cut(part):
    part.write_bytes(part.read_bytes()[:900])


@pytest.mark.parametrize("harm", [gone, cut])
@pytest.mark.parametrize("act", ACTS)
def test_records_that_are_gone_or_damaged_are_said(tmp_path, line_list, definitions, places, key, act, harm):
    root = tmp_path / "wall"
    deidentify.ingest(line_list(visits(np.random.default_rng(1), 400)), root, key, today=TODAY)
    if act == "attack":
        releases.release(root, definitions, places, RULE, key=key)
    [part] = (root / "record").glob("*.parquet")
    harm(part)
    with pytest.raises(
        (WallError, WorkspaceError),
        match=rf"{part.name} (is gone|can't be read to its end).*Restore (it from a copy|the wall from its backup)",
    ):
        ACTS[act](root, definitions, places, key)
    assert log.verify(zones.existing(root), key) == []
