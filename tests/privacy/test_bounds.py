"""The attack by linear programming on what is released, all tables at once: intervals are exact, and wide enough."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from salus.errors import InputError
from salus.privacy import bounds, suppression
from salus.privacy.policy import Policy

RULE = Policy(weeks_held_back=0)
SEX = Policy(weeks_held_back=0, breakdowns=("sex",), breakdown_level="province")
DAY = dt.date(2024, 1, 1)
counts = st.sampled_from([0, 0, 1, 1, 2, 5, 10, 11, 12, 25, 60, 400])


def series(values, parent, week=0, population=None):
    """A released series of places 0, 1, 2 ...; None is a count left out."""
    names = [str(k) for k in range(len(values))]
    level = ["province" if p < 0 else "district" for p in parent]
    return pl.DataFrame(
        {
            "location": names,
            "parent": [None if p < 0 else names[p] for p in parent],
            "location_level": level,
            "disease": "Influenza",
            "date": DAY + dt.timedelta(days=7 * week),
            "value": pl.Series(values, dtype=pl.Float64),
            "population": pl.Series([population] * len(values), dtype=pl.Float64),
        },
        schema_overrides={"parent": pl.String},
    )


def by_sex(values, location="0", week=0):
    return pl.DataFrame(
        {
            "location": location,
            "disease": "Influenza",
            "date": DAY + dt.timedelta(days=7 * week),
            "dimension": "sex",
            "category": ["female", "male", "other", "unknown"],
            "value": pl.Series(values, dtype=pl.Float64),
        }
    )


def ends(table, **where):
    return {r["location"]: (r["low"], r["high"]) for r in table.filter(**where).iter_rows(named=True)}


def test_a_lone_gap_comes_back():
    found = bounds.intervals(series([123, None, 20, 100], [-1, 0, 0, 0]), None, RULE)
    assert ends(found) == {"1": (3, 3)}


def test_two_gaps_share_what_is_left():
    found = bounds.intervals(series([123, None, None, 100], [-1, 0, 0, 0]), None, RULE)
    assert ends(found) == {"1": (1, 22), "2": (1, 22)}


def test_zeros_that_are_hidden_open_the_lower_end():
    rule = Policy(weeks_held_back=0, zeros="hide")
    assert ends(bounds.intervals(series([9, None, None], [-1, 0, 0]), None, rule)) == {"1": (0, 9), "2": (0, 9)}


def test_nothing_above_leaves_no_upper_end_but_the_population():
    free = bounds.intervals(series([None, None, None], [-1, 0, 0]), None, RULE)
    assert ends(free) == {"0": (2, np.inf), "1": (1, np.inf), "2": (1, np.inf)}
    few = bounds.intervals(series([None, None, None], [-1, 0, 0], population=14), None, RULE)
    assert ends(few) == {"0": (2, 14), "1": (1, 13), "2": (1, 13)}


def test_tables_of_one_place_are_attacked_together():
    """The place's count is left out, but its categories add up to it: tables that look safe one by one."""
    found = bounds.intervals(series([None, None, 40], [-1, 0, 0]), by_sex([30, 15, 0, 0]), SEX)
    assert ends(found) == {"0": (45, 45), "1": (5, 5)}


def test_categories_of_which_none_is_shown_are_between_nothing_and_the_total():
    found = bounds.intervals(series([12], [-1]), by_sex([None] * 4), SEX)
    assert found.select("low", "high", "whole").rows() == [(0, 12, True)] * 4


def test_equal_systems_are_solved_once_and_answered_each():
    weeks = pl.concat([series([50, None, None], [-1, 0, 0], week=w) for w in range(30)])
    found = bounds.intervals(weeks, None, RULE)
    assert found.height == 60
    assert set(found.select("low", "high").rows()) == {(1, 49)}


def test_tables_that_do_not_add_up_are_told():
    with pytest.raises(InputError, match="do not add up"):
        bounds.intervals(series([10, None, 40], [-1, 0, 0]), None, RULE)


@st.composite
def tables(draw):
    """A random tree of places with counts and, for the root, counts by sex; what is left out is drawn too."""
    size = draw(st.integers(2, 9))
    parent = [-1] + [draw(st.integers(max(0, k - 4), k - 1)) for k in range(1, size)]
    tree = suppression.tree(parent)
    values = [0] * size
    for k in reversed(range(size)):
        parts = tree.children[k]
        values[k] = sum(values[p] for p in parts) if parts else draw(counts)
    split = draw(st.integers(0, values[0]))
    hide = draw(st.lists(st.booleans(), min_size=size + 4, max_size=size + 4))
    return parent, values, [split, values[0] - split, 0, 0], hide


@settings(max_examples=30, deadline=None)
@given(tables())
def test_the_intervals_are_those_of_one_large_programme(table):
    parent, values, sexes, hide = table
    rule = Policy(weeks_held_back=0, zeros="hide", breakdowns=("sex",), breakdown_level="province")
    everything = values + sexes
    shown = [None if h else v for v, h in zip(everything, hide, strict=True)]
    found = bounds.intervals(series(shown[: len(values)], parent), by_sex(shown[len(values) :]), rule)
    system, n = [], len(everything)
    for k in range(len(values)):
        parts = [j for j, p in enumerate(parent) if p == k]
        groups = [parts, list(range(len(values), n))] if k == 0 else [parts]
        system += [[1 if c == k else -1 if c in group else 0 for c in range(n)] for group in groups if group]
    box = [(0, None) if h else (v, v) for v, h in zip(everything, hide, strict=True)]
    wanted = []
    for k in np.flatnonzero(hide):
        aim = np.eye(n)[k]
        least = linprog(aim, A_eq=system, b_eq=[0] * len(system), bounds=box)
        most = linprog(-aim, A_eq=system, b_eq=[0] * len(system), bounds=box)
        wanted.append((least.fun, np.inf if most.status == 3 else -most.fun))
    assert found.height == len(wanted)
    for (low, high), (least, most) in zip(found.select("low", "high").rows(), wanted, strict=True):
        assert (low, high) == pytest.approx((least, most))


@settings(max_examples=30, deadline=None)
@given(tables(), st.sampled_from(["show", "hide"]))
def test_what_the_policy_leaves_out_passes_the_attack(table, zeros):
    parent, values, _, _ = table
    rule = Policy(weeks_held_back=0, zeros=zeros)
    gone = suppression.suppress(suppression.tree(parent), np.array([values]), 11, 15, zeros)[0]
    shown = [None if g else v for v, g in zip(values, gone, strict=True)]
    found = bounds.intervals(series(shown, parent), None, rule)
    exact = np.array([values[int(k)] for k in found["location"]])
    width = (found["high"] - found["low"]).to_numpy()
    assert (width >= 15).all()
    assert (width >= exact).all(), "at least +-50 % of the value"
    assert (found["high"].to_numpy() >= 1.5 * exact).all(), "no upper end under one and a half times the value"
    if width.size:
        assert bounds.tightest(found, pl.Series(exact)) == (width.min(), (width / exact.clip(1)).min())
    else:
        assert bounds.tightest(found, pl.Series(exact)) == (np.inf, np.inf)
