"""Differential privacy: the noise is OpenDP's and enough, paid once, the same in each rerun, and sums add up."""

import datetime as dt
import json
import multiprocessing
import shutil

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, SPAN, TODAY, visits
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.errors import InputError, WallError
from salus.privacy import attack, budget, deidentify, ledger, noise, policy, verification, zones
from salus.privacy import release as releases
from salus.privacy.policy import Policy
from salus.privacy.tree import tree
from salus.tables.contracts import SERIES

RULE = Policy(name="noisy", kind="differential_privacy", weeks_held_back=0)


def values(report):
    return pl.read_parquet(report.series)["value"]


@pytest.mark.parametrize(("epsilon", "bound"), [(1.0, 2), (0.1, 1), (0.7, 3), (10.0, 52)])
def test_the_scale_is_what_opendp_says_is_enough(epsilon, bound):
    import opendp.prelude as dp

    scale = noise.scale(epsilon, bound)
    assert scale == pytest.approx(bound / epsilon, rel=1e-6)
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    assert dp.m.make_laplace(*space, scale=scale).map(bound) <= epsilon


def test_noise_is_discrete_laplace_and_new_each_time():
    drawn = noise.laplace(np.zeros(20_000, dtype=np.int64), 2.0, 1)
    assert drawn.dtype == np.int64
    q = np.exp(-2.0)
    assert abs(drawn.mean()) < 0.05
    assert drawn.var() == pytest.approx(2 * q / (1 - q) ** 2, rel=0.15)
    assert (drawn == 0).mean() == pytest.approx((1 - q) / (1 + q), rel=0.05)
    assert not np.array_equal(drawn, noise.laplace(np.zeros(20_000, dtype=np.int64), 2.0, 1))


@st.composite
def noisy_tables(draw):
    size = draw(st.integers(1, 12))
    parent = [-1] + [draw(st.integers(max(-1, k - 5), k - 1)) for k in range(1, size)]
    rows = draw(st.integers(1, 4))
    return tree(parent), np.array([[draw(st.integers(-30, 200)) for _ in range(size)] for _ in range(rows)])


@settings(max_examples=100, deadline=None)
@given(noisy_tables())
def test_what_is_released_adds_up_and_is_a_count(table):
    places, noisy = table
    done = noise.consistent(places, noisy)
    assert done.dtype == np.int64
    assert (done >= 0).all()
    for place, parts in enumerate(places.children):
        if parts:
            assert (done[:, place] == done[:, list(parts)].sum(axis=1)).all()


@settings(max_examples=50, deadline=None)
@given(noisy_tables())
def test_what_adds_up_already_stays(table):
    places, noisy = table
    true = np.abs(noisy)
    for place in reversed(range(places.size)):
        if places.children[place]:
            true[:, place] = true[:, list(places.children[place])].sum(axis=1)
    assert (noise.consistent(places, true) == true).all()


def test_totals_are_better_than_the_sums_of_their_parts():
    rng = np.random.default_rng(1)
    places = tree([-1] + [0] * 30)
    true = np.concatenate([[3000], np.full(30, 100)])
    noisy = true + np.round(rng.laplace(0, 4, (400, 31))).astype(np.int64)
    done = noise.consistent(places, noisy)
    summed = noisy[:, 1:].sum(axis=1)
    assert np.abs(done[:, 0] - 3000).mean() < 0.5 * np.abs(summed - 3000).mean()


@pytest.fixture
def root(wall):
    return wall(visits(np.random.default_rng(11)))


def test_a_release_with_noise_is_a_series_of_whole_counts_that_verifies(root, places, definitions, key):
    report = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    table = SERIES.check(pl.read_parquet(report.series))
    assert table["value"].null_count() == 0
    exact = pl.read_parquet(report.exact)
    assert not table["value"].equals(exact["value"])
    assert (table["value"] - exact["value"]).abs().mean() < 30
    findings = {f.claim: f for f in verification.verify(report.folder)}
    assert not [f for f in findings.values() if f.fails]
    for claim in ("epsilon", "delta", "contributions_per_person_year", "noise_scale", "places_add_up"):
        assert findings[claim].holds, claim
    assert findings["delta"].stated == "0"
    assert "2024: 1 of 2" in findings["budget_left"].stated
    page = (report.folder / "certificate.html").read_text()
    assert "epsilon" in page
    assert "1 to 10" not in page
    assert "噪声" in (report.folder / "certificate.zh.html").read_text()


def test_what_is_computed_from_exact_records_stays_inside(root, places, definitions, key):
    report = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    inside = json.loads((report.exact.parent / "inside.json").read_text())
    assert 0 < inside["share_beyond_bound"] < 1
    assert inside["mean_absolute_error"]["province"] >= 0
    outside = "".join(f.read_text() for f in report.folder.iterdir() if f.suffix != ".parquet")
    for word in ("share", "mean_absolute_error", "beyond"):
        assert word not in outside, word


def test_a_rerun_returns_the_same_numbers_and_pays_nothing(root, places, definitions, key):
    first = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    spent = budget.read(zones.existing(root))
    before = values(first)
    shutil.rmtree(first.folder)
    again = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    assert again.id == first.id
    assert values(again).equals(before)
    assert budget.read(zones.existing(root)) == spent


def test_later_records_leave_released_weeks_as_they_were(root, places, definitions, key, line_list):
    first = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    late = [
        {"encounter_id": f"n{n}", "person_id": f"n{n}", "visit_date": MONDAY + dt.timedelta(days=30)} for n in range(9)
    ]
    late += [{"encounter_id": "end", "person_id": "end", "visit_date": MONDAY + dt.timedelta(days=34), "icd10": "I10"}]
    deidentify.ingest(line_list(late), root, key, today=TODAY)
    longer = (MONDAY, MONDAY + dt.timedelta(days=34))
    second = releases.release(root, definitions, places, RULE, key=key, weeks=longer)
    assert second.id != first.id
    old, new = pl.read_parquet(first.series), pl.read_parquet(second.series)
    assert new.filter(pl.col("date") <= old["date"].max())["value"].equals(old["value"])
    assert new["date"].n_unique() == old["date"].n_unique() + 1
    assert len(budget.read(zones.existing(root)).allotments) == 1, "the year was paid for once"


def test_noise_that_is_lost_is_never_drawn_anew(root, places, definitions, key):
    report = releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    shutil.rmtree(report.folder)
    shutil.rmtree(root / "vault" / "noise")
    with pytest.raises(WallError, match=r"noise of release .* is gone"):
        releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)


def test_one_person_moves_few_counts_however_often_ill(wall, places, definitions, key, line_list):
    """The bound holds over all releases: weeks that a person was counted in before are remembered."""
    often = [
        {"encounter_id": f"v{n}-{s}", "person_id": "often", "visit_date": MONDAY + dt.timedelta(days=7 * n), "icd10": s}
        for n in range(4)
        for s in ("J10.1", "B08.4")
    ]
    root = wall(often)
    one = Policy(name="a", kind="differential_privacy", weeks_held_back=0, contributions_per_person_year=3)
    weeks = [(MONDAY + dt.timedelta(days=7 * a), MONDAY + dt.timedelta(days=7 * b - 1)) for a, b in ((0, 1), (0, 4))]
    for span in weeks:
        releases.release(root, definitions, places, one, key=key, weeks=span)
    used = [pl.read_parquet(f) for f in (root / "vault" / "noise").glob("*/contributions.parquet")]
    assert pl.concat(used)["counts"].sum() == 3
    assert len(used) == 2


def _try_to_spend(root, number, queue):
    wall = zones.existing(root)
    try:
        with ledger.locked(wall):
            budget.spend(wall, f"scheme{number}", [2024], 0.4, limit=1.0, release=str(number))
        queue.put(True)
    except WallError:
        queue.put(False)


def test_processes_at_once_can_not_overspend(tmp_path):
    zones.create(tmp_path / "wall")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    crowd = [context.Process(target=_try_to_spend, args=(tmp_path / "wall", n, queue)) for n in range(6)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    assert sorted(queue.get() for _ in crowd) == [False] * 4 + [True] * 2
    assert budget.read(zones.existing(tmp_path / "wall")).left(2024) == pytest.approx(0.2)


def test_the_budget_of_a_year_stops_a_release_and_says_so(root, places, definitions, key):
    half = {"kind": "differential_privacy", "weeks_held_back": 0, "epsilon": 0.6, "epsilon_limit": 1.0}
    releases.release(root, definitions, places, Policy(name="a", syndromes=("influenza",), **half), key=key, weeks=SPAN)
    before = {f for f in root.rglob("*") if f.is_file()}
    with pytest.raises(WallError, match=r"gate missed: .* 0\.4 of the budget of 2024"):
        releases.release(root, definitions, places, Policy(name="b", syndromes=("hfmd",), **half), key=key, weeks=SPAN)
    assert {f for f in root.rglob("*") if f.is_file()} == before
    other = half | {"epsilon": 0.4, "epsilon_limit": 2.0}
    with pytest.raises(WallError, match="limit"):
        releases.release(root, definitions, places, Policy(name="c", syndromes=("hfmd",), **other), key=key, weeks=SPAN)


def test_a_syndrome_is_never_released_both_ways(root, places, definitions, key):
    releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    with pytest.raises(WallError, match="another policy"):
        releases.release(root, definitions, places, Policy(weeks_held_back=0), key=key)


def test_an_attack_knows_what_epsilon_allows(root, places, definitions, key):
    releases.release(root, definitions, places, RULE, key=key, weeks=SPAN)
    found = attack.attack(root, places, key=key)
    assert found.subtraction["counts_left_out"] == 0
    assert found.membership["knows_all_others"] == pytest.approx((np.e - 1) / (np.e + 1))
    assert any("at most 46%" in line for line in found.lines())


def test_the_policy_that_comes_with_salus_says_what_it_promises(tmp_path):
    given_policy = policy.load("differential_privacy")
    assert (given_policy.kind, given_policy.epsilon) == ("differential_privacy", 1.0)
    (tmp_path / "p.toml").write_text(given_policy.as_toml())
    assert policy.load(tmp_path / "p.toml") == given_policy
    assert "minimum_cell" not in given_policy.as_toml()
    assert "epsilon" not in Policy().as_toml()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epsilon = 0", "above 0"),
        ("epsilon = 50", "at most 10"),
        ("epsilon = 2\nepsilon_limit = 1", "from epsilon"),
        ("contributions_per_person_year = 0", "1 to 52"),
        ('revisions = "allow"', "paid for once"),
        ("minimum_cell = 11", "no meaning"),
        ("epsilon = true", "a number"),
    ],
)
def test_a_policy_that_can_not_be_kept_is_refused(tmp_path, text, said):
    (tmp_path / "p.toml").write_text(f'kind = "differential_privacy"\n{text}')
    with pytest.raises(InputError, match=said):
        policy.load(tmp_path / "p.toml")
