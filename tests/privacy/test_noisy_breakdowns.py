"""Counts by age group and sex under differential privacy: paid from one epsilon, noised once, and they add up."""

import dataclasses
import json
import shutil

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, SPAN, TODAY, visits
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from salus.errors import InputError, WallError
from salus.privacy import (
    attack,
    breakdowns,
    budget,
    deidentify,
    federated,
    margins,
    noise,
    noised,
    policy,
    site_releases,
    verification,
    zones,
)
from salus.privacy import release as releases
from salus.privacy.counts import Counts
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.privacy.signatures import public_key
from salus.privacy.tree import tree

BOTH = {"breakdowns": ("age_group", "sex"), "breakdown_level": "district"}
PLAIN = {"name": "noisy", "kind": "differential_privacy", "weeks_held_back": 0}
RULE = Policy(**PLAIN, **BOTH)
WIDE = Policy(**PLAIN, **BOTH, contributions_per_person_year=52)
SUMS = [("age_sex", "age_group"), ("age_sex", "sex")]


@pytest.fixture
def root(wall):
    return wall(visits(np.random.default_rng(11), 1500))


@pytest.fixture
def quiet(monkeypatch):
    """No noise is drawn, and what it would have been is written down."""
    drawn = []

    def laplace(counts, epsilon, bound):
        drawn.append((counts.shape, epsilon, bound))
        return counts.astype(np.int64)

    monkeypatch.setattr(noise, "laplace", laplace)
    return drawn


def checked(report, rule):
    """Every sum that must hold, of the tables as written."""
    series, broken = pl.read_parquet(report.series), pl.read_parquet(report.breakdowns)
    value = pl.col("value")
    assert broken["value"].null_count() == 0
    assert (broken["value"] >= 0).all()
    assert (broken["value"] == broken["value"].round()).all()
    keys = ["location", "disease", "date"]
    totals = series.select(*keys, total="value")
    by_place = broken.group_by(*keys, "dimension").agg(value.sum()).join(totals, on=keys)
    assert (by_place["value"] == by_place["total"]).all()
    above = dict(series.select("location", "parent").unique().iter_rows())
    parts = broken.with_columns(parent=pl.col("location").replace_strict(above)).drop_nulls("parent")
    wanted = parts.group_by("parent", "disease", "date", "dimension", "category").agg(of_parts=value.sum())
    both = wanted.join(
        broken, left_on=wanted.columns[:5], right_on=["location", "disease", "date", "dimension", "category"]
    )
    assert both.height == wanted.height > 0
    assert (both["of_parts"] == both["value"]).all()
    if len(rule.breakdowns) == 2:
        for cells, margin in SUMS:
            found = broken.filter(dimension=cells).group_by(*keys, margin).agg(of_cells=value.sum())
            shown = broken.filter(dimension=margin).join(found, on=[*keys, margin])
            assert shown.height == found.height > 0
            assert (shown["value"] == shown["of_cells"]).all()
    return series, broken


def test_cells_margins_places_and_totals_add_up_and_a_stranger_can_check_it(root, places, definitions, key):
    report = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    _, broken = checked(report, RULE)
    assert set(broken["dimension"]) == {"age_sex", "age_group", "sex"}
    assert set(broken["location"]) == set(places["location"]), "districts, and the places above them"
    findings = {f.claim: f for f in verification.verify(report.folder)}
    assert not [f.line() for f in findings.values() if f.fails]
    assert findings["breakdowns_add_up"].stated == "yes"
    assert (findings["epsilon"].stated, findings["epsilon_of_breakdowns"].stated) == ("1", "0.25")
    assert float(findings["noise_scale_of_breakdowns"].stated) == pytest.approx(2 / (0.25 / 3), rel=1e-3)
    assert float(findings["noise_scale"].stated) == pytest.approx(2 / (0.75 / 3), rel=1e-3)
    shown = [int(findings[f"age_sex_{kind}_shown"].stated) for kind in ("counts", "zeros")]
    assert sum(shown) == broken.filter(dimension="age_sex").height
    assert broken["noisy"].min() < 0, "as drawn"
    assert "2024: 1 of 2" in findings["budget_left"].stated, "breakdowns are paid from the same epsilon"
    assert "same epsilon" in (report.folder / "certificate.html").read_text()
    assert "按年龄组与性别交叉" in (report.folder / "certificate.zh.html").read_text()
    inside = verification.verify(report.folder, definitions=definitions, places=places, root=root, key=key)
    assert not [f.line() for f in inside if f.fails]
    assert {f.claim for f in inside if f.holds} >= {"counts", "inputs"}


def test_all_noise_together_is_worth_epsilon_and_every_cell_has_it_once(quiet, root, places, definitions, key):
    """Three levels of totals, three of cells; a person is in one count of each."""
    rule = Policy(**PLAIN, **BOTH, breakdown_share=0.4)
    report = releases.release(root, definitions, places, rule, key=key, weeks=SPAN)
    tables = pl.read_parquet(report.series).select("disease", "date").unique().height
    assert [shape for shape, _, _ in quiet] == [
        *((tables, n) for n in (1, 2, 6)),
        *((tables, n, 28) for n in (1, 2, 6)),
    ]
    assert sum(epsilon for _, epsilon, _ in quiet) == pytest.approx(rule.epsilon, rel=1e-12)
    assert sum(epsilon for shape, epsilon, _ in quiet if len(shape) == 3) == pytest.approx(0.4)
    assert {bound for _, _, bound in quiet} == {rule.contributions_per_person_year}


def test_noise_of_cells_is_of_the_scale_that_is_stated(monkeypatch):
    """Over 22,000 cells: mean, variance and zeros of discrete Laplace."""
    seen = []
    plain = noise.laplace

    def laplace(counts, epsilon, bound):
        drawn = plain(counts, epsilon, bound)
        seen.append(((drawn - counts).ravel(), noise.scale(epsilon, bound)))
        return drawn

    monkeypatch.setattr(noise, "laplace", laplace)
    frame = pl.DataFrame(
        {"location": ["P", "A"], "parent": [None, "P"], "location_level": ["province", "district"]},
    )
    rule = Policy(**PLAIN, **BOTH, epsilon=8.0, epsilon_limit=8.0)
    exact = Counts(
        frame, tree([-1, 0]), ("s",), ("d",), (MONDAY,), np.zeros((1, 1, 2), int), {}, pl.DataFrame(), 0, 0, {}
    )
    values = np.full((400, 2, 28), 5)
    breakdowns.noisy(exact, values, rule, 1)
    noises = np.concatenate([n for n, _ in seen])
    scale = breakdowns.scale(frame, rule, 1)
    assert {round(s, 9) for _, s in seen} == {round(scale, 9)} == {2.0}
    q = np.exp(-1 / scale)
    assert noises.size == 22_400
    assert abs(noises.mean()) < 0.15
    assert noises.var() == pytest.approx(noise.variance(scale), rel=0.15)
    assert (noises == 0).mean() == pytest.approx((1 - q) / (1 + q), rel=0.12)


def test_without_noise_the_release_is_the_plain_count_whatever_the_order_of_rows(
    quiet, line_list, tmp_path, places, definitions, key
):
    rows = visits(np.random.default_rng(5), 1500)
    rows = [r | {"sex": None} if n % 7 == 0 else r for n, r in enumerate(rows)]
    rows = [r | {"encounter_id": f"e{n}"} for n, r in enumerate(rows)]
    rows = [r | {"birth_date": None} if n % 11 == 0 else r for n, r in enumerate(rows)]
    made = []
    for name, order in (("one", rows), ("other", rows[::-1])):
        deidentify.ingest(line_list(order), tmp_path / name, key, today=TODAY)
        made.append(releases.release(tmp_path / name, definitions, places, WIDE, key=key, weeks=SPAN))
    tables = [pl.read_parquet(m.breakdowns) for m in made]
    assert tables[0].drop("source").equals(tables[1].drop("source"))
    inside = pl.read_parquet(made[0].exact.parent / "breakdowns.parquet")
    assert tables[0]["value"].equals(inside["value"])
    assert tables[0]["noisy"].equals(inside["value"])
    assert tables[0].filter(category="unknown unknown")["value"].sum() > 0, "unknown is a category of its own"
    cells = pl.read_parquet(made[0].exact.parent / "cells.parquet")
    women = cells.filter(age_group="65+", sex="female", district="A1", syndrome="influenza")["persons"].sum()
    shown = tables[0].filter(category="65+ female", location="A1", disease="Influenza")["value"].sum()
    assert shown == women > 0


@pytest.mark.parametrize(("which", "dimensions"), [(("age_group",), {"age_group"}), (("sex",), {"sex"})])
def test_one_breakdown_alone_at_a_higher_level(root, places, definitions, key, which, dimensions):
    rule = Policy(**PLAIN, breakdowns=which, breakdown_level="prefecture")
    report = releases.release(root, definitions, places, rule, key=key, weeks=SPAN)
    _, broken = checked(report, rule)
    assert set(broken["dimension"]) == dimensions
    assert set(broken["location"]) == {"P", "A", "B"}
    assert not [f.line() for f in verification.verify(report.folder) if f.fails]


def test_a_rerun_and_a_later_release_show_the_same_numbers_and_pay_once(root, places, definitions, key):
    first = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    before = pl.read_parquet(first.breakdowns)
    spent = budget.read(zones.existing(root))
    shutil.rmtree(first.folder)
    again = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    assert pl.read_parquet(again.breakdowns).equals(before)
    weeks = (MONDAY, pl.read_parquet(first.series)["date"].unique().sort()[1])
    part = releases.release(root, definitions, places, RULE, key=key, weeks=(weeks[0], weeks[1]))
    old = before.filter(pl.col("date") == MONDAY).drop("source")
    assert pl.read_parquet(part.breakdowns).drop("source").equals(old), "weeks released before stand as they were"
    assert part.weeks_frozen == 2
    assert budget.read(zones.existing(root)) == spent
    assert not [f for f in verification.verify(part.folder) if f.fails]
    inside = verification.verify(part.folder, definitions=definitions, places=places, root=root, key=key)
    assert not [f.line() for f in inside if f.fails]


def test_breakdowns_that_are_added_later_are_another_policy(root, places, definitions, key):
    releases.release(root, definitions, places, Policy(**PLAIN), key=key, weeks=SPAN)
    with pytest.raises(WallError, match="another policy"):
        releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)


def test_what_is_exact_stays_inside_and_a_changed_byte_outside_fails(root, places, definitions, key):
    report = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    inside = json.loads((report.exact.parent / "inside.json").read_text())
    assert set(inside["mean_absolute_error_breakdowns"]) == {"age_sex", "age_group", "sex"}
    assert set(inside["mean_absolute_error_breakdowns"]["sex"]) == {"province", "prefecture", "district"}
    outside = "".join(f.read_text() for f in report.folder.iterdir() if f.suffix != ".parquet")
    assert "mean_absolute_error" not in outside
    assert "inside only" in pl.read_parquet(report.exact.parent / "breakdowns.parquet")["source"][0]
    table = pl.read_parquet(report.breakdowns)
    assert "inside only" not in table["source"][0]
    table.with_columns(value=pl.col("value") + 1).write_parquet(report.breakdowns)
    assert [f.claim for f in verification.verify(report.folder) if f.fails] == ["file breakdowns.parquet"]
    report.breakdowns.unlink()
    assert [f.claim for f in verification.verify(report.folder) if f.fails] == ["file breakdowns.parquet"]


def test_breakdowns_that_do_not_add_up_are_never_certified_as_if_they_did(root, places, definitions, key):
    report = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    series, broken = pl.read_parquet(report.series), pl.read_parquet(report.breakdowns)
    value, first = pl.col("value"), pl.int_range(pl.len()) == 0
    changed = {
        "one more": broken.with_columns(pl.when(first).then(value + 1).otherwise(value).alias("value")),
        "not whole": broken.with_columns(value + 0.5),
        "another name": broken.with_columns(pl.col("category").str.replace("0-4", "5-14")),
        "left out": broken.with_columns(value=pl.lit(None, dtype=pl.Float64)),
        "a row less": broken.head(-1),
        "another order": broken.reverse(),
        "another noise": broken.with_columns(
            pl.when(first).then(pl.col("noisy") + 1).otherwise("noisy").alias("noisy")
        ),
    }
    assert noised.claims(series, RULE, 1, broken)["breakdowns_add_up"] == "yes"
    for name, table in changed.items():
        assert noised.claims(series, RULE, 1, table)["breakdowns_add_up"] == "no", name


def test_an_attack_looks_at_the_cells_too(root, places, definitions, key):
    releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    found = attack.attack(root, places, key=key)
    assert found.subtraction["counts_left_out"] == 0
    assert found.membership_breakdowns["persons"] == found.membership["persons"]
    assert found.membership_breakdowns["knows_all_others"] == pytest.approx((np.e - 1) / (np.e + 1))
    assert 0 <= found.membership_breakdowns["advantage"] < 0.5
    assert any("by age group or sex" in line for line in found.lines())


def test_noisy_breakdowns_of_sites_are_summed_only_where_all_have_the_same(line_list, tmp_path, places, definitions):
    keys = [Key(bytes(range(n, n + 32))) for n in range(2)]
    made = []
    for n, one in enumerate(keys):
        deidentify.ingest(line_list(visits(np.random.default_rng(n), 600)), tmp_path / f"w{n}", one, today=TODAY)
        weeks = (MONDAY, MONDAY.replace(day=21))
        made.append(releases.release(tmp_path / f"w{n}", definitions, places, RULE, key=one, weeks=weeks))
    public = [public_key(k) for k in keys]
    report = federated.combine([m.folder for m in made], public, tmp_path / "both", key=keys[0])
    total = pl.read_parquet(tmp_path / "both" / "breakdowns.parquet")
    parts = [pl.read_parquet(m.breakdowns) for m in made]
    for column in ("value", "noisy"):
        assert total[column].equals(parts[0][column] + parts[1][column])
    assert report.breakdowns == total.height
    assert all(f.holds for f in federated.verify(tmp_path / "both", public_key=public[0]))
    content = json.loads((tmp_path / "both" / federated.NAME).read_bytes())
    scale = breakdowns.scale(places, RULE, 1)
    wanted = np.sqrt(2 * noise.variance(scale))
    assert float(content["claims"]["noise_standard_deviation_of_breakdowns"]) == pytest.approx(wanted, rel=1e-3)
    total.with_columns(value=pl.col("value") + 1).write_parquet(tmp_path / "both" / "breakdowns.parquet")
    assert [f.claim for f in federated.verify(tmp_path / "both") if f.fails] == ["sums"]
    sites = [site_releases.load(m.folder, public) for m in made]
    for other in (None, sites[1].breakdowns.filter(dimension="age_group"), sites[1].breakdowns.head(-1)):
        mixed = [sites[0], dataclasses.replace(sites[1], breakdowns=other)]
        assert site_releases.summed_breakdowns(mixed, site_releases.summed(mixed)[0]) is None
    unlike = dataclasses.replace(report, breakdowns=0)
    assert any("in no sum" in line for line in unlike.lines())


@st.composite
def noisy_cells(draw):
    size = draw(st.integers(1, 9))
    parent = [-1] + [draw(st.integers(max(-1, k - 4), k - 1)) for k in range(1, size)]
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    shape = (draw(st.integers(1, 3)), size, draw(st.integers(1, 6)))
    return tree(parent), np.rint(rng.laplace(draw(st.integers(-20, 40)), draw(st.integers(0, 30)), shape)).astype(int)


@settings(max_examples=80, deadline=None)
@given(noisy_cells())
def test_whatever_the_noise_cells_are_counts_that_add_up_both_ways(table):
    places, noisy = table
    totals = noise.consistent(places, noisy.sum(axis=2))
    done = margins.split(places, totals, noisy)
    assert done.dtype == np.int64
    assert (done >= 0).all()
    assert (done.sum(axis=2) == totals).all()
    for place, parts in enumerate(places.children):
        if parts:
            assert (done[:, place] == done[:, list(parts)].sum(axis=1)).all()


@settings(max_examples=40, deadline=None)
@given(noisy_cells())
def test_cells_that_add_up_already_stay(table):
    places, noisy = table
    true = np.abs(noisy)
    for place in reversed(range(places.size)):
        if places.children[place]:
            true[:, place] = true[:, list(places.children[place])].sum(axis=1)
    assert (margins.split(places, true.sum(axis=2), true) == true).all()


def test_the_nearest_table_is_found():
    """Beside a general solver, on small tables."""
    rng = np.random.default_rng(4)
    true = rng.poisson(6, (4, 3, 4))
    wanted, rows, columns = true + rng.normal(0, 6, true.shape), true.sum(axis=2), true.sum(axis=1)
    found = margins.table(wanted, rows, columns)
    sums = np.array(
        [np.kron(np.eye(3)[k], np.ones(4)) for k in range(3)] + [np.tile(np.eye(4)[k], 3) for k in range(3)]
    )
    for k in range(4):
        best = minimize(
            lambda x, w: ((x - w) ** 2).sum(),
            true[k].ravel(),
            args=(wanted[k].ravel(),),
            bounds=[(0, None)] * 12,
            constraints=LinearConstraint(sums, *[np.concatenate([rows[k], columns[k, :3]])] * 2),
        )
        assert np.abs(found[k] - best.x.reshape(3, 4)).max() < 2.0, "but for the rounding"


def test_parts_of_the_largest_count_are_better_for_the_noise_above_them():
    rng = np.random.default_rng(1)
    places = tree([-1] + [0] * 30)
    true = np.repeat(np.array([50, 20, 5, 0])[None, None], 31, axis=1)
    true[:, 0] *= 30
    true = np.repeat(true, 60, axis=0)
    noisy = true + np.rint(rng.laplace(0, 8, true.shape)).astype(int)
    done = margins.split(places, true.sum(axis=2), noisy)
    summed = noisy[:, 1:].sum(axis=1)
    assert np.abs(done - true)[:, 0].mean() < 0.5 * np.abs(summed - true[:, 0]).mean()
    assert np.abs(done - true)[:, 1:].mean() < np.abs(noisy - true)[:, 1:].mean()


def test_a_policy_with_breakdowns_survives_being_written_and_without_them_is_the_same_as_ever(tmp_path):
    (tmp_path / "p.toml").write_text(RULE.as_toml())
    assert policy.load(tmp_path / "p.toml") == RULE
    assert set(Policy(**PLAIN).as_dict()) & {"breakdowns", "breakdown_level", "breakdown_share"} == set()
    assert "breakdown_share" not in Policy().as_toml()
    assert Policy(**PLAIN).epsilon_of_places == Policy(**PLAIN).epsilon


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('breakdowns = ["sex"]', "breakdown_level"),
        ('breakdowns = ["name"]\nbreakdown_level = "x"', "age_group"),
        ('breakdowns = ["sex", "sex"]\nbreakdown_level = "x"', "each once"),
        ('breakdowns = ["sex"]\nbreakdown_level = "x"\nbreakdown_share = 1.0', "below 1"),
        ('breakdowns = ["sex"]\nbreakdown_level = "x"\nbreakdown_share = 0', "above 0"),
    ],
)
def test_a_policy_of_breakdowns_that_can_not_be_kept_is_refused(tmp_path, text, said):
    (tmp_path / "p.toml").write_text(f'kind = "differential_privacy"\n{text}')
    with pytest.raises(InputError, match=said):
        policy.load(tmp_path / "p.toml")
