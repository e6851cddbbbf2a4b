"""Questionnaires: every point of every answer, cut-offs, ranges where items are missing, answers that can't be."""

from __future__ import annotations

import itertools
import math

import pytest

from salus.copd.instruments import INSTRUMENTS, LEFT_OUT, instrument, score, score_all
from salus.copd.questionnaire import Choice, Instrument
from salus.errors import InputError, NameNotFoundError

LOWEST = {
    "cdq": {
        "age": 45,
        "pack_years": 0,
        "bmi": 35.0,
        "weather_affects_cough": "no_cough",
        "phlegm_without_cold": False,
        "phlegm_in_the_morning": True,
        "wheeze_ever": False,
        "allergies_ever": True,
    },
    "puma": {
        "sex": "female",
        "age": 45,
        "pack_years": 10,
        "breathless_walking_fast": False,
        "phlegm_usually": False,
        "cough_usually": False,
        "asked_to_spirometry": False,
    },
}

POINTS = [
    # CDQ: Price 2006
    *(("cdq", "age", a, p) for a, p in ((40, 0), (49, 0), (50, 4), (59, 4), (60, 8), (69, 8), (70, 10), (99, 10))),
    *(
        ("cdq", "pack_years", a, p)
        for a, p in ((0, 0), (14, 0), (14.9, 0), (15, 2), (24, 2), (25, 3), (49, 3), (50, 7))
    ),
    *(("cdq", "bmi", a, p) for a, p in ((25.3, 5), (25.4, 1), (29.7, 1), (29.8, 0))),
    *(("cdq", "weather_affects_cough", a, p) for a, p in (("yes", 3), ("no", 0), ("no_cough", 0), (True, 3))),
    *(("cdq", "phlegm_without_cold", a, p) for a, p in (("yes", 3), ("no", 0))),
    *(("cdq", "phlegm_in_the_morning", a, p) for a, p in (("yes", 0), ("no", 3))),
    *(("cdq", "wheeze_ever", a, p) for a, p in (("yes", 4), ("No", 0))),
    *(("cdq", "allergies_ever", a, p) for a, p in (("yes", 0), ("no", 3))),
    # PUMA: Lopez Varela 2016
    *(("puma", "sex", a, p) for a, p in (("male", 1), ("female", 0))),
    *(("puma", "age", a, p) for a, p in ((40, 0), (49, 0), (50, 1), (59, 1), (60, 2), (85, 2))),
    *(("puma", "pack_years", a, p) for a, p in ((19.9, 0), (20, 1), (30, 1), (30.1, 2))),
    *(
        ("puma", item, a, p)
        for item in ("breathless_walking_fast", "phlegm_usually", "cough_usually", "asked_to_spirometry")
        for a, p in ((True, 1), (False, 0))
    ),
]


@pytest.mark.parametrize(("name", "item", "answer", "points"), POINTS)
def test_points_of_each_answer(name: str, item: str, answer: object, points: int) -> None:
    assert score(name, LOWEST[name]).points == 0
    assert score(name, {**LOWEST[name], item: answer}).points == points


def test_every_item_and_every_number_of_points_is_tested() -> None:
    for name, each in INSTRUMENTS.items():
        for item in each.items:
            tested = {p for n, i, _, p in POINTS if (n, i) == (name, item.name)}
            points = item.points.values() if isinstance(item, Choice) else [b.points for b in item.bands]
            assert tested == set(points), (name, item.name)


def test_published_ranges_and_cutoffs() -> None:
    assert (INSTRUMENTS["cdq"].possible, INSTRUMENTS["cdq"].cutoffs) == ((0, 38), (17, 20))
    assert (INSTRUMENTS["puma"].possible, INSTRUMENTS["puma"].cutoffs) == ((0, 9), (5,))


def test_cutoffs_are_reached_from_their_own_value_on() -> None:
    five = {**LOWEST["puma"], "sex": "male", "age": 60, "pack_years": 31}
    assert (score("puma", five).points, score("puma", five).positive) == (5, {5: True})
    assert score("puma", {**five, "sex": "female"}).positive == {5: False}
    sixteen = {**LOWEST["cdq"], "age": 70, "phlegm_without_cold": True, "allergies_ever": False}
    assert (score("cdq", sixteen).points, score("cdq", sixteen).positive) == (16, {17: False, 20: False})
    seventeen = {**sixteen, "bmi": 27.0}
    assert (score("cdq", seventeen).points, score("cdq", seventeen).positive) == (17, {17: True, 20: False})


@pytest.mark.parametrize("each", INSTRUMENTS.values(), ids=lambda i: i.name)
def test_each_missing_item_gives_the_range_of_what_is_possible(each: Instrument) -> None:
    base = LOWEST[each.name]
    for item, unknown in itertools.product(each.items, (None, math.nan)):
        said = each.score({**base, item.name: unknown})
        assert (said.points, said.least, said.most) == (None, *item.possible)
        assert said.missing == (item.name,)
    nothing = each.score({})
    assert (nothing.least, nothing.most) == each.possible
    assert nothing.positive == dict.fromkeys(each.cutoffs)
    assert len(nothing.missing) == len(each.items)


def test_positive_is_said_only_where_missing_items_cannot_change_it() -> None:
    sure = {"sex": "male", "age": 65, "pack_years": 40}
    assert score("puma", sure).positive == {5: True}
    assert score("puma", {**sure, "age": 55}).positive == {5: None}
    low = {**LOWEST["puma"], "pack_years": None, "cough_usually": None}
    assert score("puma", low).positive == {5: False}


@pytest.mark.parametrize(
    ("item", "answer", "message"),
    [
        ("age", 39, "age is 39: 40 to 120 years"),
        ("age", "old", "a number in years is wanted"),
        ("pack_years", -1, "pack_years is -1"),
        ("sex", "m", "sex is 'm': one of female, male"),
        ("cough_usually", "sometimes", "one of no, yes"),
        ("sex", True, "one of female, male"),
        ("age", math.inf, "age is inf"),
    ],
)
def test_answers_that_cannot_be_are_named(item: str, answer: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        score("puma", {**LOWEST["puma"], item: answer})


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InputError, match=r"age is 20.*sex is 'x'|sex is 'x'.*age is 20"):
        score("puma", {"age": 20, "sex": "x"})


def test_side_by_side_on_one_person() -> None:
    person = {**LOWEST["cdq"], **LOWEST["puma"], "bmi": 24.0}
    assert {n: r.points for n, r in score_all(person).items()} == {"cdq": 5, "puma": 0}


def test_left_out_ones_say_why_and_unknown_ones_suggest() -> None:
    assert not set(LEFT_OUT) & set(INSTRUMENTS)
    for name in LEFT_OUT:
        with pytest.raises(InputError, match="does not score"):
            instrument(name)
    with pytest.raises(NameNotFoundError, match="puma"):
        instrument("pumma")


def test_each_names_its_paper_two_sources_and_terms() -> None:
    for each in INSTRUMENTS.values():
        assert any(ch.isdigit() for ch in each.paper)
        assert each.terms
        assert each.made_for
        assert len(each.checked_with) >= 2
        assert len({i.name for i in each.items}) == len(each.items)
