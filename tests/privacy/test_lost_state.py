"""A file of the vault that is gone is never taken for one that never was: one clear error, and nothing is changed."""

import datetime as dt
import functools
import shutil

import pytest
from helpers_wall import MONDAY, TODAY, everything

from salus.errors import WallError
from salus.privacy import budget, deidentify, keys, ledger, log, policy, rounds, sharing, signatures, zones
from salus.privacy import release as releases
from salus.privacy.policy import Policy

PLAIN = Policy(weeks_held_back=0)
NOISY = Policy(kind="differential_privacy", weeks_held_back=0)
SPAN = (MONDAY, MONDAY + dt.timedelta(days=13))
LATER = (MONDAY + dt.timedelta(days=14), MONDAY + dt.timedelta(days=27))


def refused(root, what, said):
    before = everything(root)
    with pytest.raises(WallError, match=said):
        what()
    assert everything(root) == before


TRACES = {
    "all": [],
    "log": ["vault/released", "release/*/", "count/*/", "record/*.parquet"],
    "copies": ["vault/log.*", "release/*/", "count/*/", "record/*.parquet"],
    "release": ["vault/log.*", "vault/released", "count/*/", "record/*.parquet"],
    "counts": ["vault/log.*", "vault/released", "release/*/", "record/*.parquet"],
}


@pytest.mark.parametrize("left", TRACES)
def test_a_list_that_is_gone_is_refused_by_whatever_was_made_with_it(wall, line_list, places, definitions, key, left):
    root = wall([{}] * 30)
    releases.release(root, definitions, places, PLAIN, key=key, weeks=SPAN)
    for gone in ["vault/ledger.json", *TRACES[left]]:
        for path in root.glob(gone):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    late = line_list([{"encounter_id": "late"}])
    for what in (
        lambda: deidentify.ingest(late, root, key, today=TODAY),
        lambda: releases.release(root, definitions, places, PLAIN, key=key, weeks=SPAN),
    ):
        refused(root, what, r"ledger\.json is gone: .*Restore the vault from its backup")


def test_a_list_that_is_gone_is_refused_after_an_ingest_alone(wall, line_list, key):
    root = wall([{}])
    (root / "vault" / "ledger.json").unlink()
    refused(root, lambda: deidentify.ingest(line_list([{}]), root, key, today=TODAY), "line 2 of .*log.jsonl was made")


def test_an_ingest_that_was_killed_before_its_list_goes_on(line_list, key, tmp_path):
    """What the first ingest leaves where it is killed is no trace of a list."""
    root = tmp_path / "wall"
    source = line_list([{}])
    report = deidentify.ingest(source, root, key, today=TODAY)
    (root / "vault" / "ledger.json").unlink()
    file = root / "vault" / log.NAME
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert report.part.exists()
    assert not deidentify.ingest(source, root, key, today=TODAY).already


def test_a_file_of_records_that_is_gone_is_refused(wall, line_list, places, definitions, key):
    root = wall([{}])
    next((root / "record").glob("*.parquet")).unlink()
    refused(root, lambda: releases.release(root, definitions, places, PLAIN, key=key), "is gone, though the wall")
    refused(root, lambda: deidentify.ingest(line_list([{}]), root, key, today=TODAY), "is gone, though the wall")


@pytest.fixture
def noisy(wall, places, definitions, key):
    root = wall([{"person_id": "p", "visit_date": MONDAY + dt.timedelta(days=7 * k)} for k in range(4)])
    releases.release(root, definitions, places, NOISY, key=key, weeks=SPAN)
    return root


def test_a_budget_that_is_gone_is_not_begun_anew(noisy, places, definitions, key):
    (noisy / "vault" / "budget.json").unlink()
    for weeks in (SPAN, LATER):
        again = functools.partial(releases.release, noisy, definitions, places, NOISY, key=key, weeks=weeks)
        refused(noisy, again, r"budget\.json is gone or an old copy.*Restore the vault from its backup")
    with pytest.raises(WallError, match="gone"):
        budget.read(zones.existing(noisy))


def test_a_budget_of_earlier_is_not_gone_on_with(noisy, places, definitions, key):
    old = (noisy / "vault" / "budget.json").read_bytes()
    last_year = (MONDAY - dt.timedelta(days=21), MONDAY - dt.timedelta(days=8))
    releases.release(noisy, definitions, places, NOISY, key=key, weeks=last_year)
    more = (MONDAY - dt.timedelta(days=21), SPAN[1])
    releases.release(noisy, definitions, places, NOISY, key=key, weeks=more)
    (noisy / "vault" / "budget.json").write_bytes(old)
    refused(
        noisy,
        lambda: releases.release(noisy, definitions, places, NOISY, key=key, weeks=LATER),
        r"budget\.json is gone or an old copy: the list of the wall names 2 payments",
    )


@pytest.mark.parametrize("gone", ["*", "*/*", "*/contributions.parquet", "*/noisy.parquet"])
@pytest.mark.parametrize("weeks", [SPAN, LATER], ids=["same", "later"])
def test_noise_that_is_gone_is_neither_drawn_anew_nor_forgotten(noisy, places, definitions, key, gone, weeks):
    for path in (noisy / "vault" / "noise").glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    refused(
        noisy,
        lambda: releases.release(noisy, definitions, places, NOISY, key=key, weeks=weeks),
        "the noise of release .* is gone from the vault.*Restore the vault from its backup",
    )


def test_a_round_that_is_gone_is_not_forgotten(wall, places, definitions, key, tmp_path):
    root = wall([{"person_id": "p", "visit_date": MONDAY + dt.timedelta(days=7 * k)} for k in range(4)])
    others = [keys.Key(bytes(range(n, n + 32))) for n in (40, 80, 120)]
    members = [(f"s{n}", signatures.Member.of(k)) for n, k in enumerate([key, *others[:2]])]
    known = [signatures.public_key(k) for k in others]
    rule = policy.load("differential_privacy")

    def share(name, weeks):
        file = tmp_path / f"{name}.json"
        rounds.make(file, members, definitions, places, rule, weeks, key=others[2])
        return sharing.share(root, file, tmp_path / f"{name}.share", definitions, known, key=key)

    share("first", SPAN)
    shutil.rmtree(root / "vault" / "shares")
    for name, weeks in (("same", SPAN), ("over", (MONDAY, LATER[1])), ("later", LATER)):
        refused(root, lambda n=name, w=weeks: share(n, w), "gone.*(Restore the vault|from a copy)")
    assert ledger.read(zones.existing(root), key).released
