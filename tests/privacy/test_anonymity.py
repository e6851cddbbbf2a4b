"""k by persons, l and t: by hand, and against a plain count of histories with sets."""

import datetime as dt
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.errors import InputError, NameNotFoundError
from salus.privacy import anonymity, extract, extract_rule, hierarchies
from salus.privacy.anonymity import Rows, judge
from salus.privacy.extract_rule import ExtractRule

TOLD = ("place", "age_group", "sex", "period")
NAMES = ("person", "district", "age_group", "sex", "week", "syndrome")
MONDAY = dt.date(2024, 1, 1)
PLACES = pl.DataFrame(
    [("P", None), ("A", "P"), ("B", "P"), ("A1", "A"), ("A2", "A"), ("B1", "B")],
    schema=["location", "parent"],
    orient="row",
)


def visits(rows):
    """Rows of person, district, age group, sex, number of the week, syndrome."""
    table = pl.DataFrame(rows, schema=NAMES, orient="row")
    return table.with_columns(week=pl.lit(MONDAY) + pl.duration(days=7 * pl.col("week")))


def measured(table):
    """Smallest k and l and largest t of a table, counted with sets."""
    at = {c: n for n, c in enumerate(table.columns)}
    rows = list(table.iter_rows())
    history = defaultdict(set)
    for r in rows:
        history[r[at["person"]]].add(tuple(r[at[c]] for c in TOLD))
    alike = Counter(frozenset(h) for h in history.values())
    whole = Counter(r[at["syndrome"]] for r in rows)
    had = defaultdict(Counter)
    for r in rows:
        had[frozenset(history[r[at["person"]]]), tuple(r[at[c]] for c in TOLD)][r[at["syndrome"]]] += 1
    far = [sum(abs(c[s] / c.total() - n / whole.total()) for s, n in whole.items()) / 2 for c in had.values()]
    return min(alike.values()), min(len(c) for c in had.values()), max(far)


def test_a_person_of_many_rows_is_one():
    person, told = np.array([0, 0, 0, 0, 1]), np.array([[7, 7, 7, 7, 7]])
    found = judge(Rows(person, told, np.array([0, 1, 2, 0, 0])))
    assert found.persons.tolist() == [2]
    assert found.syndromes.tolist() == [3]


def test_classes_are_whole_histories():
    person = np.array([0, 0, 1, 1, 2, 3])
    told = np.array([[1, 2, 2, 1, 1, 1]])
    found = judge(Rows(person, told, np.array([0, 0, 0, 0, 0, 1])))
    assert found.of.tolist() == [1, 1, 0, 0] or found.of.tolist() == [0, 0, 1, 1]
    assert found.persons.tolist() == [2, 2]


def test_k_l_and_t_by_hand():
    # A1: four persons, three of influenza and one of rsv; B1: two persons, both of rsv. In all: half and half.
    rows = [(n, "A1", "65+", "male", 0, "influenza") for n in (1, 2, 3)] + [(4, "A1", "65+", "male", 0, "rsv")]
    rows += [(n, "B1", "65+", "male", 0, "rsv") for n in (5, 6)]
    fine = ExtractRule(k_anonymity=2, l_diversity=1, t_closeness=1, most_dropped=0)
    table, found = extract.anonymised(visits(rows), PLACES, fine)
    assert found["coarseness"]["place"] == "district"
    assert (found["k_anonymity"], found["l_diversity"], found["t_closeness"]) == (2, 1, 0.5)
    assert measured(table) == (2, 1, 0.5)
    # two syndromes everywhere are had only together: A1 and B1 are both of P
    _, found = extract.anonymised(
        visits(rows), PLACES, ExtractRule(k_anonymity=2, l_diversity=2, t_closeness=1, most_dropped=0)
    )
    assert found["coarseness"]["place"] == "2 above"
    assert (found["k_anonymity"], found["l_diversity"], found["t_closeness"]) == (6, 2, 0.0)
    # or B1 is dropped, which leaves a whole of which A1 is all
    table, found = extract.anonymised(
        visits(rows), PLACES, ExtractRule(k_anonymity=2, l_diversity=2, t_closeness=0.3, most_dropped=0.4)
    )
    assert (found["coarseness"]["place"], found["persons"], found["t_closeness"]) == ("district", 4, 0.0)
    assert found["dropped"] == {"too few persons": 0, "too few syndromes": 2, "too far from the whole": 0}
    assert table["person"].to_list() == [1, 2, 3, 4]


def test_a_known_set_of_visits_is_the_class_not_each_visit():
    """Every visit alone is shared by three persons, but each pair of visits is one person's."""
    pairs = list(combinations(range(4), 2))
    rows = [
        (n, "A1", "0-4", "female", w * 5, s) for n, pair in enumerate(pairs) for w, s in zip(pair, "ab", strict=True)
    ]
    rule = ExtractRule(k_anonymity=3, l_diversity=1, t_closeness=1, most_dropped=0, dates=("week", "all"))
    table, found = extract.anonymised(visits(rows), PLACES, rule)
    assert found["coarseness"]["period"] == "all"
    assert found["k_anonymity"] == 6
    assert set(table["period"]) == {"all"}


def test_columns_get_coarser_by_whole_groups():
    weeks = [MONDAY + dt.timedelta(days=7 * n) for n in range(120)]
    for way in (
        hierarchies.of_weeks(weeks, extract_rule.STEPS["dates"]),
        hierarchies.of_ages(["0-4", "5-14", "15-24", "25-44", "45-64", "65+", "unknown"], ("recorded", "wide", "all")),
        hierarchies.of_places(["A1", "A2", "B1", "Z9"], PLACES, ("district", "above", "all")),
    ):
        for fine, coarse in zip(way.groups[:-1], way.groups[1:], strict=True):
            pairs = set(zip(fine.tolist(), coarse.tolist(), strict=True))
            assert len({f for f, _ in pairs}) == len(pairs), way.column
        assert [way.loss(s, np.arange(way.groups.shape[1])) for s in (0, len(way.steps) - 1)] == [0.0, 1.0]


def test_a_place_that_lies_in_itself_is_named():
    round_ = pl.DataFrame({"location": ["A", "B"], "parent": ["B", "A"]})
    with pytest.raises(InputError, match="lies in itself"):
        hierarchies.of_places(["A"], round_, ("district", "above"))


person_visits = st.tuples(
    st.integers(0, 11),
    st.sampled_from(["A1", "A2", "B1"]),
    st.sampled_from(["0-4", "5-14", "65+"]),
    st.sampled_from(["female", "male"]),
    st.sampled_from([0, 1, 6, 40]),
    st.sampled_from(["influenza", "rsv", "hfmd"]),
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(person_visits, min_size=4, max_size=60),
    k=st.integers(2, 4),
    diverse=st.integers(1, 2),
    t=st.sampled_from([0.2, 0.5, 1.0]),
    most=st.sampled_from([0.0, 0.3, 0.9]),
    shuffled=st.randoms(use_true_random=False),
)
def test_no_class_is_below_what_is_wanted_in_whatever_order(rows, k, diverse, t, most, shuffled):
    rule = ExtractRule(k_anonymity=k, l_diversity=diverse, t_closeness=t, most_dropped=most)
    seen = visits(rows).unique(maintain_order=True)
    other = seen.sample(fraction=1, shuffle=True, seed=shuffled.randint(0, 10_000))
    try:
        table, found = extract.anonymised(seen, PLACES, rule)
    except InputError:
        with pytest.raises(InputError):
            extract.anonymised(other, PLACES, rule)
        return
    smallest, fewest, farthest = measured(table)
    assert smallest >= k
    assert fewest >= diverse
    assert farthest <= t + 1e-9
    assert (smallest, fewest) == (found["k_anonymity"], found["l_diversity"])
    assert farthest == pytest.approx(found["t_closeness"])
    gone = seen["person"].n_unique() - table["person"].n_unique()
    assert gone == sum(found["dropped"].values())
    assert gone <= most * seen["person"].n_unique()
    again, told = extract.anonymised(other, PLACES, rule)
    assert again.equals(table)
    assert told == found


def test_what_cannot_be_held_is_said():
    seen = visits([(n, "A1", "0-4", "female", 0, "rsv") for n in range(5)])
    with pytest.raises(InputError, match=r"no extract holds k = 11, l = 2.*100\.0% are dropped"):
        extract.anonymised(seen, PLACES, ExtractRule())
    with pytest.raises(InputError, match="nobody was seen"):
        extract.anonymised(seen.head(0), PLACES, ExtractRule())


def test_the_rule_is_a_file_of_its_own_form(tmp_path):
    usual = extract_rule.load()
    assert (usual.k_anonymity, usual.l_diversity, usual.most_dropped) == (11, 2, 0.1)
    (tmp_path / "rule.toml").write_text(usual.as_toml())
    assert extract_rule.load(tmp_path / "rule.toml") == usual
    (tmp_path / "odd.toml").write_text("k_anonimity = 3\n")
    with pytest.raises(NameNotFoundError, match="k_anonymity"):
        extract_rule.load(tmp_path / "odd.toml")


@pytest.mark.parametrize(
    "setting",
    [
        {"k_anonymity": 1},
        {"l_diversity": 0},
        {"t_closeness": 1.5},
        {"most_dropped": 1.0},
        {"dates": ("year", "week")},
        {"places": ()},
        {"week_start": "friday"},
        {"version": 2},
    ],
    ids=lambda s: next(iter(s)),
)
def test_a_rule_that_makes_no_sense_is_refused(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        ExtractRule(**setting)


def test_reasons_are_the_three():
    assert anonymity.REASONS == ("too few persons", "too few syndromes", "too far from the whole")
