"""Suppression can't be undone: by subtraction, by linear programming, by anything linear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from salus.errors import InputError
from salus.privacy import suppression
from salus.privacy.suppression import tree

MINIMUM, WIDTH = 11, 15
counts = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 9, 10, 11, 12, 15, 25, 60, 400])


@st.composite
def tables(draw, largest=14):
    """A random tree of places, leaves counted at random, sums above."""
    size = draw(st.integers(1, largest))
    parent = [-1] + [draw(st.integers(max(-1, k - 5), k - 1)) for k in range(1, size)]
    places = tree(parent)
    values = np.zeros((1, size), dtype=np.int64)
    for k in reversed(range(size)):
        parts = list(places.children[k])
        values[0, k] = values[0, parts].sum() if parts else draw(counts)
    return places, values


def linear_bounds(places, values, hidden, lowest, target):
    """Least and most of one count, given all that is shown: the strongest linear attack."""
    sums = [(k, parts) for k, parts in enumerate(places.children) if parts]
    equal = np.zeros((len(sums), places.size))
    for row, (k, parts) in enumerate(sums):
        equal[row, k] = 1
        equal[row, list(parts)] = -1
    box = [(lowest, None) if hidden[k] else (values[k], values[k]) for k in range(places.size)]
    aim = np.zeros(places.size)
    aim[target] = 1
    system = {"A_eq": equal, "b_eq": np.zeros(len(sums))} if sums else {}
    least, most = linprog(aim, bounds=box, **system), linprog(-aim, bounds=box, **system)
    assert least.status == 0
    assert most.status in (0, 3)
    return least.fun, np.inf if most.status == 3 else -most.fun


@settings(max_examples=120, deadline=None)
@given(tables(), st.sampled_from(["show", "hide"]))
def test_no_linear_programme_places_a_count_left_out(table, zeros):
    places, values = table
    lowest = 1 if zeros == "show" else 0
    hidden = suppression.suppress(places, values, MINIMUM, WIDTH, zeros)
    low, high = suppression.intervals(places, values, hidden, lowest)
    for k in np.flatnonzero(hidden[0])[:5]:
        least, most = linear_bounds(places, values[0], hidden[0], lowest, k)
        assert most - least >= WIDTH - 1e-6
        assert least - 1e-6 <= values[0, k] <= most + 1e-6
        assert (least, most) == pytest.approx((low[0, k], high[0, k]))


@settings(max_examples=300, deadline=None)
@given(tables(40), st.sampled_from(["show", "hide"]))
def test_what_is_shown_is_allowed_and_what_is_hidden_stays_wide(table, zeros):
    places, values = table
    hidden = suppression.suppress(places, values, MINIMUM, WIDTH, zeros)
    shown = values[~hidden]
    assert not ((shown > 0) & (shown < MINIMUM)).any()
    assert zeros == "show" or not (shown == 0).any()
    assert zeros == "hide" or not (values[hidden] == 0).any()
    low, high = suppression.intervals(places, values, hidden, 1 if zeros == "show" else 0)
    assert suppression.narrowest(low, high, hidden) >= WIDTH
    assert ((low <= values) & (values <= high)).all()


@settings(max_examples=200, deadline=None)
@given(tables(25), st.sampled_from(["show", "hide"]))
def test_no_difference_of_a_place_and_parts_is_small(table, zeros):
    """Subtraction: a place shown less its nearest places shown never leaves one count, nor a sum under the minimum."""
    places, values = table
    hidden = suppression.suppress(places, values, MINIMUM, WIDTH, zeros)[0]

    def gaps(place):
        for part in places.children[place]:
            if hidden[part]:
                yield from gaps(part) if places.children[part] else [part]

    for place in np.flatnonzero(~hidden):
        missing = list(gaps(place))
        assert len(missing) != 1
        assert not missing or values[0, missing].sum() >= MINIMUM


@settings(max_examples=100, deadline=None)
@given(tables(20))
def test_more_tables_at_once_change_nothing(table):
    places, values = table
    many = np.vstack([values, values * 0, values])
    hidden = suppression.suppress(places, many, MINIMUM, WIDTH, "show")
    assert (hidden[0] == hidden[2]).all()
    assert not hidden[1].any()
    assert (hidden[0] == suppression.suppress(places, values, MINIMUM, WIDTH, "show")[0]).all()


def test_primary_suppression_alone_would_be_undone_and_the_attack_sees_it():
    places, values = tree([-1, 0, 0, 0]), np.array([[123, 3, 20, 100]])
    alone = suppression.primary(values, MINIMUM, "show")
    low, high = suppression.intervals(places, values, alone, 1)
    assert (low[0, 1], high[0, 1]) == (3, 3)
    assert suppression.narrowest(low, high, alone) == 0


def test_a_parent_hidden_for_its_sibling_does_not_come_back_from_its_parts():
    # province 75 = A 30 (A1 16 + A2 14) + B 10 + C 35: A must go to protect B, then parts of A, for they tell of A
    places, values = tree([-1, 0, 0, 0, 1, 1]), np.array([[75, 30, 10, 35, 16, 14]])
    gone = suppression.suppress(places, values, MINIMUM, WIDTH, "show")
    assert gone.tolist() == [[False, True, True, True, True, True]]
    alone = np.array([[False, True, True, False, False, False]])
    assert suppression.narrowest(*suppression.intervals(places, values, alone, 1), alone) == 0


def test_a_place_left_out_is_not_known_by_half_from_its_parts():
    # A 100 = A1 90 + A2 10 is small in part only; B 60 protects it. A1 must not tell that A is 91 at least
    places, values = tree([-1, 0, 0, 0, 1, 1]), np.array([[400, 100, 5, 295, 90, 10]])
    gone = suppression.suppress(places, values, MINIMUM, WIDTH, "show")[0]
    assert gone[4]


@settings(max_examples=200, deadline=None)
@given(tables(30), st.sampled_from(["show", "hide"]))
def test_every_count_left_out_could_be_half_or_half_as_large_again(table, zeros):
    places, values = table
    hidden = suppression.suppress(places, values, MINIMUM, WIDTH, zeros)
    low, high = suppression.intervals(places, values, hidden, 1 if zeros == "show" else 0)
    assert (high - low >= values)[hidden].all()
    assert (high >= 1.5 * values)[hidden].all()
    # the lower end, but for the one person that a count left out is known to be where zeros are shown
    low, _ = suppression.intervals(places, values, hidden, 0)
    assert (low <= values - values // 2)[hidden].all()


def test_a_whole_column_of_small_counts_takes_the_parent_with_it():
    places, values = tree([-1, 0, 0]), np.array([[12, 6, 6]])
    assert suppression.suppress(places, values, MINIMUM, WIDTH, "show").all()


def test_sums_that_are_none_are_refused():
    with pytest.raises(InputError, match="not the sum of its parts"):
        suppression.suppress(tree([-1, 0, 0]), np.array([[9, 3, 5]]), MINIMUM, WIDTH, "show")
    with pytest.raises(InputError, match="does not stand before"):
        tree([1, -1])
