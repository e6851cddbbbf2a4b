"""What a stranger can check: every byte of a release is covered, and every statement is checked or said not to be."""

import json
import re
import shutil
import sys

import numpy as np
import polars as pl
import pytest
from helpers_wall import SPAN, TODAY, visits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.errors import InputError
from salus.privacy import certificate, deidentify, keys, page_words, policy, signatures, verification
from salus.privacy import release as releases
from salus.privacy.policy import Policy
from salus.tables.contracts import CERTIFICATES

RULE = Policy(weeks_held_back=0, breakdowns=("age_group", "sex"), breakdown_level="province")


@pytest.fixture
def released(wall, places, definitions, key):
    return releases.release(wall(visits(np.random.default_rng(4))), definitions, places, RULE, key=key)


@pytest.fixture
def sent(released, tmp_path):
    """The release as it arrives elsewhere: a folder alone."""
    return shutil.copytree(released.folder, tmp_path / "elsewhere" / released.id)


def by_claim(findings):
    return {f.claim: f for f in findings}


def refused(folder):
    """Whether a release fails, or says that it is of a format that no version writes."""
    try:
        return any(f.fails for f in verification.verify(folder))
    except InputError as error:
        return "of format" in str(error)


def test_on_another_machine_every_statement_is_checked_or_said_not_to_be(sent, released, key):
    shutil.rmtree(released.folder.parents[1])
    content = json.loads((sent / certificate.NAME).read_text())
    findings = by_claim(verification.verify(sent, public_key=signatures.public_key(key)))
    assert not [f for f in findings.values() if f.fails]
    assert {c["claim"] for c in content["claims"]} <= set(findings)
    checked = {c for c, f in findings.items() if f.holds}
    assert checked >= {"signature", "signer", "narrowest_interval", "counts_left_out", "zeros_shown", "policy"}
    assert checked >= {f"file {f.name}" for f in sent.iterdir() if f.name != certificate.NAME}
    assert checked >= {f"{d}_counts_left_out" for d in ("age_group", "sex")}
    left = {c: f.why for c, f in findings.items() if not f.holds and not c.startswith("forecast_cost_")}
    assert set(left) == {"inputs", "definitions", "places", "code_version", "interval_around_value", "log_head"}
    assert "records" in left["inputs"]
    assert all(left.values())


def test_the_claims_keep_their_contract_and_positive_counts_apart_from_zeros(released):
    content = json.loads(released.certificate.read_text())
    CERTIFICATES.check(pl.DataFrame(content["claims"]))
    stated = {c["claim"]: c["value"] for c in content["claims"]}
    values = pl.read_parquet(released.series)["value"]
    assert int(stated["counts_shown"]) == (values > 0).sum() == released.shown
    assert int(stated["zeros_shown"]) == (values == 0).sum() == released.zeros
    assert int(stated["counts_left_out"]) == values.null_count() == released.left_out


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_bit_anywhere_fails(sent, data):
    file = data.draw(st.sampled_from(sorted(sent.iterdir())))
    good = file.read_bytes()
    where, bit = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(good[:where] + bytes([good[where] ^ 1 << bit]) + good[where + 1 :])
    try:
        assert refused(sent)
    finally:
        file.write_bytes(good)


def test_every_byte_of_the_certificate_counts(sent):
    file = sent / certificate.NAME
    good = file.read_bytes()
    for where in range(0, len(good), 7):
        for changed in (good[:where] + good[where + 1 :], good[:where] + b" " + good[where:]):
            file.write_bytes(changed)
            assert refused(sent), where


@pytest.mark.parametrize("change", ["added", "taken", "link", "folder", "emptied"])
def test_a_file_added_or_taken_away_fails(sent, change, tmp_path):
    if change == "added":
        (sent / "notes.txt").write_text("trust me")
    elif change == "folder":
        (sent / "more").mkdir()
    elif change == "emptied":
        (sent / "README.md").write_bytes(b"")
    else:
        (sent / "README.md").rename(tmp_path / "README.md")
        if change == "link":
            (sent / "README.md").symlink_to(tmp_path / "README.md")
    findings = verification.verify(sent)
    assert any(f.fails for f in findings)
    assert not [f for f in findings if f.claim == "narrowest_interval" and f.holds]


def test_whoever_signs_anew_is_somebody_else(sent, key):
    stranger = keys.Key(bytes(range(100, 132)))
    content = json.loads((sent / certificate.NAME).read_text())
    content["signer"]["public_key"] = signatures.public_key(stranger)
    content["signature"] = signatures.sign(stranger, certificate.signed_part(content))
    (sent / certificate.NAME).write_bytes(certificate.rendered(content))
    unknown = by_claim(verification.verify(sent))
    assert unknown["signature"].holds
    assert not unknown["signer"].holds
    assert "--public-key" in unknown["signer"].why
    assert by_claim(verification.verify(sent, public_key=signatures.public_key(key)))["signer"].fails


def test_a_false_statement_that_is_signed_fails_too(sent, key):
    content = json.loads((sent / certificate.NAME).read_text())
    for row in content["claims"]:
        if row["claim"] == "narrowest_interval":
            row["value"] = "400"
    content["signature"] = signatures.sign(key, certificate.signed_part(content))
    (sent / certificate.NAME).write_bytes(certificate.rendered(content))
    failed = [f.claim for f in verification.verify(sent) if f.fails]
    assert "narrowest_interval" in failed
    assert "words of certificate.html" in failed


def test_the_table_of_places_and_the_definitions_can_be_compared(sent, places, definitions):
    found = by_claim(verification.verify(sent, places=places, definitions=definitions))
    assert found["places"].holds
    assert found["definitions"].holds
    other = by_claim(verification.verify(sent, places=places.head(3), definitions=definitions.head(1)))
    assert other["places"].fails
    assert not other["definitions"].holds
    assert not other["definitions"].fails


def test_what_is_no_release_is_said_without_the_words_of_the_system(tmp_path, released, sent):
    file = tmp_path / "release.zip"
    file.write_text("x")
    for path, said in [
        (tmp_path / "gone", "there is no folder"),
        (file, "is a file, not a release"),
        (tmp_path, "is not a release: there is no file certificate.json"),
        (released.folder.parent, "is not a release"),
    ]:
        with pytest.raises(InputError, match=said) as raised:
            verification.verify(path)
        assert "Errno" not in str(raised.value)
        assert "Give the folder of one release" in str(raised.value)
    newer = json.loads((sent / certificate.NAME).read_text()) | {"format": 99}
    (sent / certificate.NAME).write_text(json.dumps(newer))
    with pytest.raises(InputError, match="Use a newer Salus"):
        verification.verify(sent)


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"format": 2}',
        b"[" * 100_000,
        b'{"format": 2, "files": {"../../secret": "x"}}',
        b'{"format": true}',
        b'{"format": "\\ud800"}',
        b"\xff\xfe",
    ],
    ids=["empty", "null", "list", "nothing", "parts", "deep", "path", "bool", "surrogate", "bytes"],
)
def test_a_hostile_certificate_fails(sent, hostile):
    (sent / certificate.NAME).write_bytes(hostile)
    assert [f.fails for f in verification.verify(sent)] == [True]


def test_the_page_says_in_both_languages_what_the_certificate_says(released):
    content = json.loads(released.certificate.read_text())
    english, chinese = page_words.TEXT["en"], page_words.TEXT["zh"]
    for name in certificate.PAGES.values():
        page = (released.folder / name).read_text()
        for row in content["claims"]:
            value = (english if name == "certificate.html" else chinese).get(row["value"], row["value"])
            assert (f"{int(value):,}" if value.isdecimal() and len(value) < 16 else value) in page, row
        for file, digest in content["files"].items():
            assert file.startswith("certificate") or (file in page and digest in page)
        assert signatures.fingerprint(content["signer"]["public_key"]) in page
        assert not re.search(r"<script|https?://", page)
    assert set(english) == set(chinese)
    for key in english:
        assert set(re.findall(r"{\w+}", english[key])) == set(re.findall(r"{\w+}", chinese[key])), key
    assert set(page_words.CLAIMS["en"]) == set(page_words.CLAIMS["zh"])


def test_only_the_owner_can_enter_the_wall(released):
    root = released.folder.parents[1]
    if sys.platform != "win32":
        for folder in (root, *(root / zone for zone in ("vault", "record", "count", "release"))):
            assert folder.stat().st_mode & 0o777 == 0o700


def test_simulated_records_and_what_is_not_promised_stand_on_the_pages(wall, places, definitions, key):
    rule = Policy(weeks_held_back=0, revisions="allow")
    report = releases.release(wall([{}], simulated=True), definitions, places, rule, key=key)
    english, chinese = ((report.folder / name).read_text() for name in certificate.PAGES.values())
    assert "SIMULATED" in english
    assert "模拟记录" in chinese
    assert "the difference of two releases is not guarded" in english
    assert "两次发布之间的差值不受保护" in chinese


def test_the_default_policy_gives_a_page_of_plain_words(wall, places, definitions, key):
    report = releases.release(wall([{}]), definitions, places, Policy(weeks_held_back=0), key=key)
    assert policy.load().minimum_cell == 11
    assert "so that no count of 1 to 10 is shown" in (report.folder / "certificate.html").read_text()


@pytest.mark.parametrize("kind", ["suppression", "differential_privacy"])
def test_with_the_records_the_rest_is_checked(wall, places, definitions, key, line_list, kind):
    root = wall(visits(np.random.default_rng(9), 1500))
    rule = Policy(weeks_held_back=0, kind=kind)
    first = releases.release(root, definitions, places, rule, key=key, weeks=SPAN)
    late = [{"encounter_id": f"late{n}", "person_id": f"late{n}"} for n in range(6)]
    deidentify.ingest(line_list(late), root, key, today=TODAY)
    second = releases.release(root, definitions, places, rule, key=key, weeks=SPAN)
    inside = {"definitions": definitions, "places": places, "root": root, "key": key}
    for report in (first, second):
        found = by_claim(verification.verify(report.folder, public_key=signatures.public_key(key), **inside))
        assert not [f for f in found.values() if f.fails]
        assert {c for c, f in found.items() if not f.holds} <= {"code_version", "budget_left"}
        assert found["counts"].holds


def test_a_count_that_was_never_counted_is_found_by_the_records_alone(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(9), 1500))
    folder = releases.release(root, definitions, places, Policy(weeks_held_back=0, minimum_interval=11), key=key).folder
    table = pl.read_parquet(folder / "series.parquet")
    alone = pl.col("disease") == "HFMD"
    table.with_columns(value=pl.when(alone).then(pl.lit(None)).otherwise("value")).write_parquet(
        folder / "series.parquet"
    )
    table = pl.read_parquet(folder / "series.parquet")
    top = (pl.col("location") == "P") & (pl.col("value").is_null())
    table.with_columns(value=pl.when(top).then(600.0).otherwise("value")).write_parquet(folder / "series.parquet")
    content = json.loads((folder / certificate.NAME).read_text())
    content["files"]["series.parquet"] = certificate.hash_of(folder / "series.parquet")
    content["signature"] = signatures.sign(key, certificate.signed_part(content))
    (folder / certificate.NAME).write_bytes(certificate.rendered(content))
    inside = {"definitions": definitions, "places": places, "root": root, "key": key}
    assert by_claim(verification.verify(folder, **inside))["counts"].fails


def test_to_check_against_the_records_everything_is_needed(sent, released, key):
    with pytest.raises(InputError, match="give the key, the places and the definitions"):
        verification.verify(sent, root=released.folder.parents[1], key=key)
