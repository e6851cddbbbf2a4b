"""Counts rounded to 5 and rates of few digits: a written policy, attacked and checked like every other."""

import csv
import json
import shutil

import numpy as np
import polars as pl
import pytest
from helpers_wall import visits
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bounds import ends, series

from salus.errors import InputError
from salus.privacy import (
    attack,
    bounds,
    certificate,
    membership,
    policy,
    rounding,
    signatures,
    suppression,
    verification,
)
from salus.privacy import release as releases
from salus.privacy.policy import Policy

RULE = Policy(weeks_held_back=0, round_to=5, rates_per=100_000, breakdowns=("sex",), breakdown_level="province")
counts = st.sampled_from([0, 0, 1, 2, 5, 10, 11, 12, 25, 60, 403])


def test_an_interval_by_hand():
    # the whole is 48 to 52, the parts shown 13 to 17 and 23 to 27
    found = bounds.intervals(series([50, None, 15, 25], [-1, 0, 0, 0]), None, Policy(round_to=5))
    assert ends(found) == {"1": (4, 16)}
    # 10 is 11 or 12: the minimum cell is known
    found = bounds.intervals(series([25, None, 10], [-1, 0, 0]), None, Policy(round_to=5))
    assert ends(found) == {"1": (11, 16)}


@settings(max_examples=40, deadline=None)
@given(st.lists(counts, min_size=2, max_size=6), st.sampled_from(["show", "hide"]))
def test_rounding_never_tells_more(parts, zeros):
    values = np.array([[sum(parts), *parts]])
    parent = [-1] + [0] * len(parts)
    rule, plain = Policy(round_to=5, zeros=zeros), Policy(zeros=zeros)
    hidden = suppression.suppress(suppression.tree(parent), values, 11, 15, zeros)[0]
    told = [
        [None if h else float(v) for h, v in zip(hidden, row, strict=True)]
        for row in (values[0], rounding.rounded(values[0], 5))
    ]
    exact, loose = (bounds.intervals(series(t, parent), None, r) for t, r in zip(told, (plain, rule), strict=True))
    assert (loose["low"] <= exact["low"]).all()
    assert (loose["high"] >= exact["high"]).all()


@pytest.fixture
def made(wall, places, definitions, key):
    return releases.release(wall(visits(np.random.default_rng(4))), definitions, places, RULE, key=key)


def test_a_release_is_rounded_and_holds_its_gates(made, key):
    for file in (made.series, made.breakdowns):
        shown = pl.read_parquet(file)["value"].drop_nulls()
        assert shown.len()
        assert (shown % 5 == 0).all()
    exact = pl.read_parquet(made.exact).select("location", "disease", "date", true="value")
    both = pl.read_parquet(made.series).join(exact, on=["location", "disease", "date"]).drop_nulls("value")
    assert (both["value"] - both["true"]).abs().max() == 2
    stated = {c["claim"]: c["value"] for c in json.loads(made.certificate.read_text())["claims"]}
    assert stated["rounded_to"] == "5"
    assert int(stated["smallest_count_shown"]) >= 10
    assert int(stated["narrowest_interval"]) >= 15
    assert "nearest 5: 11 reads 10." in (made.folder / "certificate.html").read_text()
    assert "5的倍数" in (made.folder / "certificate.zh.html").read_text()
    assert "nearest 5" in (made.folder / "README.md").read_text()


def test_everybody_can_check_it_and_whoever_has_the_records_the_rest(made, places, definitions, key):
    known = {"public_key": signatures.public_key(key), "definitions": definitions, "places": places}
    findings = verification.verify(made.folder, root=made.folder.parents[1], key=key, **known)
    held = {f.claim for f in findings if f.holds}
    assert not [f.line() for f in findings if f.fails]
    assert held >= {"rounded_to", "rates", "narrowest_interval", "interval_around_value", "counts"}


def test_rates_are_of_the_counts_shown_and_no_finer(made):
    rows = list(csv.DictReader((made.folder / rounding.RATES_FILE).open()))
    assert len(rows) == pl.read_parquet(made.series).height
    for row in rows:
        told = row["rate_per_100000"]
        assert bool(told) == bool(row["cases"])
        if told:
            assert len(told.replace(".", "").strip("0")) <= rounding.digits(float(row["cases"]))


def test_rates_that_are_not_of_the_counts_fail(made, tmp_path, key):
    other = shutil.copytree(made.folder, tmp_path / "other")
    rates = other / rounding.RATES_FILE
    rates.write_text(rates.read_text().rstrip("\n") + "1\n")
    content = json.loads((other / certificate.NAME).read_text())
    content["files"][rates.name] = certificate.hash_of(rates)
    content["signature"] = signatures.sign(key, certificate.signed_part(content))
    (other / certificate.NAME).write_bytes(certificate.rendered(content))
    assert "rates" in [f.claim for f in verification.verify(other) if f.fails]


def test_an_attack_on_a_rounded_release_recovers_nothing_and_membership_tells_less(made, places, definitions, key):
    root = made.folder.parents[1]
    found = attack.attack(root, places, key=key)
    assert found.subtraction["counts_left_out"] > 0
    assert found.subtraction["recovered"] == found.subtraction["within_minimum_cell"] == 0
    shown, exact = (pl.read_parquet(f) for f in (made.series, made.exact))
    plain = exact.join(
        shown.select("location", "disease", "date", s="value"),
        on=["location", "disease", "date"],
        maintain_order="left",
    ).with_columns(value=pl.when(pl.col("s").is_not_null()).then("value"))
    before, after = membership.infer(plain, exact), membership.infer(shown, exact, 5)
    assert after.knows_all_others < before.knows_all_others
    assert after.advantage <= before.advantage


def test_who_knows_all_others_tells_a_person_only_where_the_rounded_count_would_be_another():
    exact = pl.concat(series([float(n)], [-1], week) for week, n in enumerate((13, 14)))  # without them 10 and 15
    assert membership.infer(exact.with_columns(value=pl.lit(15.0)), exact, 5).knows_all_others == pytest.approx(13 / 27)
    assert membership.infer(exact, exact).knows_all_others == 1.0


def test_policies_without_rounding_keep_their_id_and_their_file(tmp_path):
    plain = policy.load()
    assert "round_to" not in plain.as_dict()
    assert "rates_per" not in plain.as_toml()
    (tmp_path / "p.toml").write_text(RULE.as_toml())
    assert policy.load(tmp_path / "p.toml") == RULE


@pytest.mark.parametrize("setting", [{"round_to": 10}, {"rates_per": 12}], ids=lambda s: next(iter(s)))
def test_what_is_not_allowed_is_refused(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        Policy(**setting)
