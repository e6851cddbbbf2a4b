"""Obstruction, severity, GOLD grade, response, quality: each rule at its bounds."""

from __future__ import annotations

import polars as pl
import pytest

from salus.copd.interpretation import STEPS, Session, gold_grade, interpret, response_of, severity_of
from salus.copd.outcomes import outcomes
from salus.copd.quality import GRADES, PERMITS, grade, permitted
from salus.copd.reference import expected, expected_table
from salus.errors import InputError

PERSON = (62.0, 170.0, "male")
NORMAL = expected(*PERSON)


def blown(percent_fev1: float, ratio: float, **grades: str) -> Session:
    fev1 = percent_fev1 / 100 * NORMAL["fev1"].predicted
    return Session(fev1, fev1 / ratio, **grades)


def test_severity_bounds() -> None:
    assert [severity_of(z) for z in (0, -1.645, -1.65, -2.5, -2.51, -4.0, -4.01)] == [
        "none",
        "none",
        "mild",
        "mild",
        "moderate",
        "moderate",
        "severe",
    ]


def test_gold_bounds() -> None:
    assert [gold_grade(0.69, p) for p in (100, 80, 79.99, 50, 49.99, 30, 29.99)] == [1, 1, 2, 2, 3, 3, 4]
    assert gold_grade(0.70, 20) is None


def test_the_session_after_a_bronchodilator_decides() -> None:
    said = interpret(*PERSON, pre=blown(60, 0.55), post=blown(95, 0.78))
    assert (said.read, said.below_lln, said.below_070, said.pattern, said.gold) == (
        "post",
        False,
        False,
        "normal",
        None,
    )
    assert said.read_because == "the session after a bronchodilator decides"
    assert said.response is not None
    assert said.response.positive


@pytest.mark.parametrize(
    ("pre", "post", "step"),
    [
        (Session(1.0, 2.4), Session(2.9, 3.5), "reversible"),
        (Session(1.9, 3.4), Session(2.75, 3.6), "reversible"),
        (Session(2.4, 3.6), Session(2.65, 3.6), "gone"),  # no rise above 10 % of predicted
        (Session(2.3, 3.5, "A", "E"), Session(2.9, 3.5), "gone"),  # the FVC is higher, so the response is not known
        (Session(1.4, 2.4), Session(1.7, 2.1), "gone_low"),
        (Session(2.3, 3.5, "E", "A"), Session(2.9, 3.5), "none"),  # the FEV1 was higher: no obstruction is sure
        (Session(2.8, 3.5), Session(2.9, 3.5), "none"),
        (Session(1.0, 2.4), Session(1.6, 3.5), "post"),
        (Session(1.0, 2.4), Session(2.9, 3.5, "A", "F"), "pre"),
    ],
)
def test_obstruction_that_is_gone_after_a_bronchodilator_is_followed_up(pre: Session, post: Session, step: str) -> None:
    said = interpret(52, 175, "male", pre=pre, post=post)
    assert said.next_step == STEPS[step]
    assert (said.before is not None) == (step in ("reversible", "gone", "gone_low"))
    if said.before is not None:
        assert said.before.measured == pytest.approx(pre.fev1 / pre.fvc)
        assert "COPD is not confirmed" in said.next_step
        assert (said.below_lln, said.below_070) == (False, False)


def test_before_a_bronchodilator_there_is_no_gold_grade_and_nothing_is_confirmed() -> None:
    said = interpret(*PERSON, pre=blown(60, 0.55))
    assert (said.read, said.below_lln, said.below_070, said.gold, said.response) == ("pre", True, True, None, None)
    assert said.next_step.startswith("repeat after a bronchodilator")


def test_the_two_rules_of_obstruction_are_shown_where_they_disagree() -> None:
    old = interpret(85, 165, "female", post=Session(1.5, 2.2))
    assert (old.below_lln, old.below_070) == (False, True)
    young = interpret(25, 180, "male", post=Session(3.6, 5.0))
    assert (young.below_lln, young.below_070) == (True, False)
    assert young.gold is None
    assert "repeat on another day" in young.next_step
    assert interpret(*PERSON, post=blown(60, 0.5)).next_step.startswith("clinical assessment: obstruction")


def test_patterns() -> None:
    low_fvc = NORMAL["fvc"].lln - 0.2
    cases = {
        "normal": Session(NORMAL["fev1"].predicted, NORMAL["fvc"].predicted),
        "obstructive": Session(1.9, NORMAL["fvc"].predicted),
        "obstructive_low_fvc": Session(1.2, low_fvc),
        "low_fvc": Session(low_fvc * 0.8, low_fvc),
        "low_fev1": Session(NORMAL["fev1"].lln - 0.02, NORMAL["fvc"].lln + 0.1),
    }
    for pattern, session in cases.items():
        assert interpret(*PERSON, post=session).pattern == pattern
    assert "lung volumes" in interpret(*PERSON, post=cases["low_fvc"]).next_step
    assert interpret(*PERSON, post=cases["normal"]).next_step.startswith("none")


def test_quality_decides_what_is_read_and_said() -> None:
    bad_post = blown(60, 0.5, grade_fev1="F")
    said = interpret(*PERSON, pre=blown(60, 0.55), post=bad_post)
    assert said.read == "pre"
    assert said.read_because == "the session after a bronchodilator is of too low a quality"
    assert said.response is None
    assert interpret(*PERSON, pre=blown(60, 0.55), post=blown(60, 0.5, grade_fvc="E")).read == "pre"
    assert interpret(*PERSON, post=blown(60, 0.5, grade_fvc="D")).permits == "caution"
    with pytest.raises(InputError, match="grade F"):
        interpret(*PERSON, post=bad_post)
    with pytest.raises(InputError, match="no spirometry session"):
        interpret(*PERSON)


@pytest.mark.parametrize(
    ("grade_fev1", "grade_fvc", "ratio", "obstructed"),
    [
        ("E", "A", 0.5, None),  # FEV1 may be higher: the ratio too
        ("E", "A", 0.8, False),
        ("A", "E", 0.5, True),  # FVC may be higher: the ratio only lower
        ("A", "U", 0.8, None),
        ("E", "E", 0.5, None),
        ("U", "E", 0.8, None),
        ("D", "C", 0.5, True),
    ],
)
def test_a_value_that_is_reached_at_least(
    grade_fev1: str, grade_fvc: str, ratio: float, obstructed: bool | None
) -> None:
    said = interpret(*PERSON, post=blown(100 if ratio > 0.7 else 60, ratio, grade_fev1=grade_fev1, grade_fvc=grade_fvc))
    assert (said.below_lln, said.below_070) == (obstructed, obstructed)
    assert (said.pattern == "not_readable") == (obstructed is None)
    assert said.next_step.startswith("repeat the spirometry") == (obstructed is None)
    assert said.gold == (2 if obstructed else None)
    assert (said.severity is None) == (grade_fev1 in "EU" and ratio < 0.7)


def test_response_is_above_ten_percent_of_predicted_not_of_the_first_blow() -> None:
    tenth = 0.1 * NORMAL["fev1"].predicted
    pre = Session(0.8, 2.0)
    assert not response_of(pre, Session(0.8 + tenth - 1e-6, 2.0), NORMAL).positive
    assert response_of(pre, Session(0.8 + tenth + 1e-6, 2.0), NORMAL).positive
    assert response_of(pre, Session(0.8, 2.0 + 0.11 * NORMAL["fvc"].predicted), NORMAL).positive
    assert response_of(pre, Session(0.7, 2.0), NORMAL).fev1_percent < 0


def test_many_at_once_say_what_one_says() -> None:
    sessions = [Session(1.2, 2.5), Session(2.0, 3.4), Session(2.6, 3.4), Session(3.0, 3.9)]
    table = expected_table(
        [62.0] * 4, [170.0] * 4, "male", fev1=[s.fev1 for s in sessions], fvc=[s.fvc for s in sessions]
    )
    many = outcomes(table)
    one = [interpret(*PERSON, post=s) for s in sessions]
    assert many["below_lln"].to_list() == [i.below_lln for i in one]
    assert many["below_070"].to_list() == [i.below_070 for i in one]
    assert many["moderate_or_worse"].to_list() == [(i.gold or 0) >= 2 for i in one]
    assert outcomes(expected_table([99.0], [170.0], "male", fev1=[1.0], fvc=[2.0])).rows() == [(None, None, None)]
    assert many.schema == dict.fromkeys(many.columns, pl.Boolean)


@pytest.mark.parametrize(
    ("acceptable", "usable", "letter"),
    [
        ([3.0, 2.9, 2.85], 0, "A"),
        ([3.0, 2.85, 2.0], 0, "A"),
        ([3.0, 2.85], 0, "B"),
        ([3.0, 2.84], 0, "C"),
        ([3.0, 2.8, 2.7], 0, "C"),
        ([3.0, 2.75], 0, "D"),
        ([3.0, 2.74, 2.7], 0, "E"),
        ([3.0], 2, "E"),
        ([], 1, "U"),
        ([], 0, "F"),
    ],
)
def test_grades_at_their_bounds(acceptable: list[float], usable: int, letter: str) -> None:
    assert grade(acceptable, usable=usable) == letter


def test_grades_have_a_meaning_and_others_are_refused() -> None:
    assert set(PERMITS) == set(GRADES)
    assert permitted() == "full"
    with pytest.raises(InputError, match="no grade"):
        permitted("G")
    with pytest.raises(InputError, match="litres"):
        grade([3.0, -1.0])
