"""Impossible values, other units and contradictions are named, and never scored."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers_people import SMOKER

from salus.copd import assess
from salus.copd.answers import from_person, typed
from salus.copd.assessment import models
from salus.copd.body_rules import expected_flow
from salus.copd.checks import check
from salus.copd.design import Quantities, log_expected_flow
from salus.copd.people import Tally, assess_table
from salus.copd.questions import all_items
from salus.errors import InputError, NameNotFoundError

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"weight_kg": 180}, "confirm: weight_kg", "looks like pounds (81.6 kg)"),
    ({"weight_kg": 400}, "other unit: weight_kg", "looks like pounds"),
    ({"weight_kg": 80000}, "other unit: weight_kg", "looks like grams"),
    ({"height_cm": 5.6}, "other unit: height_cm", "looks like feet (170.7 cm)"),
    ({"height_cm": 67}, "other unit: height_cm", "looks like inches (170.2 cm)"),
    ({"height_cm": 1.7}, "other unit: height_cm", "looks like metres (170.0 cm)"),
    ({"age": 150}, "out of bounds: age", "age is 150: 18 to 110 years are wanted"),
    ({"age": 1961}, "other unit: age", "looks like a year of birth"),
    ({"age": -5}, "out of bounds: age", "age is -5"),
    ({"age": float("inf")}, "out of bounds: age", "age is ∞"),
    ({"pef_lpm": 6.5}, "other unit: pef_lpm", "looks like L/s (390.0 L/min)"),
    ({"pef_lps": 390}, "other unit: pef_lpm", "looks like L/min in a column of L/s (390.0 L/min)"),
    ({"pack_years": -5}, "out of bounds: pack_years", "pack-years is -5"),
    ({"smk_status": "never"}, "contradiction: smk_cpd", "smoking is never, but cigarettes a day is 20"),
    ({"smk_status": "current", "quit_years": 3}, "contradiction: quit_years", "smoking is now, but"),
    ({"smk_status": "current", "smk_cpd": 0}, "contradiction: smk_cpd", "cigarettes a day is 0"),
    ({"quit_age": 70}, "contradiction: smk_quit_age", "age is 62, but age when smoking ended is 70"),
    ({"smk_start_age": 40, "smk_quit_age": 30}, "contradiction: smk_quit_age", "age when smoking began is 40"),
    ({"smk_years": 60}, "contradiction: smk_years", "begins before the age of 5"),
    ({"quit_years": 40}, "contradiction: quit_years", "make more than the age of 62"),
    ({"wheeze_12mo": 0, "wheeze_attacks": 3}, "contradiction: wheeze_attacks", "wheezing in the last 12 months is no"),
    ({"cough_3mo": "no", "cough_years": 4}, "contradiction: cough_years", "but years with cough is 4"),
    ({"asthma_ever": 0, "asthma_now": 1}, "contradiction: asthma_now", "asthma ever is no, but asthma now is yes"),
    ({"bmi": 40}, "contradiction: bmi", "80 kg at 170 cm make 27.7"),
    ({"weight_kg": 30}, "contradiction: weight_kg", "body mass index of 10.4"),
    ({"fev1_l": 3.4, "fvc_l": 1.8}, "contradiction: fev1_l", "FVC is 1.8, but FEV1 is 3.4"),
    ({"fev1_l": 1800, "fvc_l": 3400}, "other unit: fev1_l", "looks like millilitres (1.8 L)"),
    ({"fev1_l": 2.6, "fvc_l": 3.4, "pef_lpm": 120}, "contradiction: pef_lpm", "mean flow of the first second"),
    ({"waist_cm": 34}, "other unit: waist_cm", "looks like inches (86.4 cm)"),
    ({"waist_cm": 45, "weight_kg": 120}, "confirm: waist_cm", "looks like inches (114.3 cm)"),
    (
        {"waist_cm": 62, "height_cm": 185, "weight_kg": 168},
        "confirm: waist_cm",
        "inches (157.5 cm) or pounds (76.2 kg)",
    ),
    ({"waist_cm": 150, "weight_kg": 50}, "confirm: waist_cm", "nobody in the survey is so wide for the weight"),
    ({"waist_cm": 60, "weight_kg": 100}, "confirm: waist_cm", "nobody in the survey is so slim for the weight"),
    ({"waist_cm": 65, "weight_kg": 200, "height_cm": None}, "confirm: waist_cm", "or pounds (90.7 kg)"),
    ({"weight_kg": 195, "height_cm": None}, "confirm: weight_kg", "no height says whether that can be"),
    (
        {"waist_cm": 180, "weight_kg": None},
        "confirm: waist_cm",
        "at a height of 170 cm, which nobody in the survey has",
    ),
    ({"smk_start_age": 60, "smk_years": 40}, "contradiction: smk_years", "began at 60 and 40 years smoked make more"),
    (
        {"smk_start_age": 40, "quit_years": 30, "smk_years": 5},
        "contradiction: quit_years",
        "began at 40 and 30 years since",
    ),
    ({"smk_status": "current", "smk_years": 0}, "confirm: smk_years", "smoking is now, but years smoked is 0"),
    ({"smk_years": 0, "smk_cpd": 0}, "confirm: smk_cpd", "years smoked is 0 and cigarettes a day is 0"),
    (
        {"pef_lpm": 900, "age": 75, "sex": "female", "height_cm": 150, "weight_kg": 60},
        "confirm: pef_lpm",
        "are expected",
    ),
    ({"smk_cpd": "lots"}, "unreadable: smk_cpd", "'lots', which can't be read"),
    ({"cough_3mo": 7}, "unreadable: cough_3mo", "one of yes, no is wanted"),
    ({"weight_kg": "80 stone"}, "unreadable: weight_kg", "'80 stone'"),
    ({"sex": "M?"}, "unreadable: sex", "one of female, male"),
]
IDS = ["-".join(f"{k}={v}" for k, v in bad.items()) for bad, _, _ in BAD]


@pytest.mark.parametrize(("bad", "kind", "said"), BAD, ids=IDS)
def test_a_bad_answer_is_named_and_refused(bad: dict[str, Any], kind: str, said: str) -> None:
    found = check(from_person(SMOKER | bad))
    assert found.fine.is_empty()
    assert kind in found.refused["kinds"][0].to_list()
    assert said in " ".join(found.refused["reasons"][0])
    with pytest.raises(InputError, match=re.escape(said)):
        assess(SMOKER | bad)


@pytest.mark.parametrize(("bad", "kind", "said"), BAD, ids=IDS)
def test_the_reason_is_there_in_chinese(bad: dict[str, Any], kind: str, said: str) -> None:
    found = check(from_person(SMOKER | bad), "zh")
    assert kind in found.refused["kinds"][0].to_list()
    for reason in found.refused["reasons"][0]:
        assert re.search("[一-鿿]", reason)
        assert not re.search(r"\b(is|are|wanted|looks)\b", reason)


def test_the_row_is_refused_in_a_table_with_its_own_reasons_and_the_others_are_scored() -> None:
    people = [SMOKER, *(SMOKER | bad for bad, _, _ in BAD if not any(isinstance(v, str) for v in bad.values()))]
    frame = pl.DataFrame(people, infer_schema_length=None, strict=False)
    frame = frame.drop("pef_lps", "quit_age")
    tally = Tally()
    table = assess_table(frame, tally=tally)
    assert table.height == len(people) == tally.rows == tally.scored + tally.refused
    assert table["refused"].is_null().sum() == tally.scored
    assert table.filter(pl.col("refused").is_not_null())["probability"].is_null().all()
    assert table.filter(pl.col("refused").is_null())["probability"].is_not_null().all()
    assert table["refused"][0] is None


def test_a_confirmed_weight_is_scored() -> None:
    heavy = SMOKER | {"weight_kg": 180}
    assert assess(heavy, confirmed=["weight_kg"]).tier == "A"
    frame = pl.DataFrame([heavy, heavy | {"confirmed": "weight_kg"}], infer_schema_length=None)
    assert assess_table(frame)["refused"].is_null().to_list() == [False, True]


def test_between_likely_and_impossible_the_weight_is_scored_with_a_note() -> None:
    said = assess(SMOKER | {"weight_kg": 130})
    assert "check that it is not pounds" in said.notes[0]


def test_each_value_that_is_asked_about_may_be_confirmed() -> None:
    for bad, kind, _ in BAD:
        if kind.startswith("confirm: "):
            assert assess(SMOKER | bad, confirmed=[kind.removeprefix("confirm: ")]).tier in "AB"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"smk_cpd": 1}, "cigarettes a day is 1: if packs are meant"),
        ({"weight_kg": 130, "height_cm": None}, "check that it is not pounds (59.0 kg)"),
        ({"fev1_l": 1.0, "fvc_l": 2.4, "post_fev1_l": 2.9, "post_fvc_l": 3.5}, "FEV1 is 1 L before and 2.9 L after"),
        ({"fev1_l": 2.9, "fvc_l": 3.5, "post_fev1_l": 1.9, "post_fvc_l": 3.4}, "not exchanged"),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else None,
)
def test_what_some_people_have_is_scored_with_a_note(odd: dict[str, Any], said: str) -> None:
    assert said in " ".join(assess(SMOKER | odd).notes)
    assert re.search("请", assess(SMOKER | odd, lang="zh").notes[0])


@pytest.mark.parametrize(
    "usual",
    [
        {"waist_cm": 66, "weight_kg": 45, "height_cm": 155},
        {"waist_cm": 150, "weight_kg": 125, "height_cm": 175},
        {"waist_cm": 60, "weight_kg": 43, "height_cm": 150},
        {"smk_start_age": 20, "smk_years": 30, "quit_years": 12},
        {"smk_cpd": 5},
        {"pef_lpm": 750},
        {"smk_status": "current", "smk_years": 0, "age": 19, "height_cm": None},
        {"fev1_l": 1.9, "fvc_l": 3.4, "post_fev1_l": 2.75, "post_fvc_l": 3.6},
    ],
    ids=lambda v: "-".join(v),
)
def test_what_people_have_is_scored_without_a_word(usual: dict[str, Any]) -> None:
    said = assess(SMOKER | usual)
    assert said.notes == ()


def test_the_expected_peak_flow_is_that_of_the_models() -> None:
    people = pl.DataFrame({"age": [45.0, 62, 79], "sex": ["male", "female", "male"], "height_cm": [185.0, 150, 170]})
    wanted = log_expected_flow(
        Quantities(people.with_columns(male=(pl.col("sex") == "male").cast(pl.Float64))),
        models("B")[0].expected_flow,
    )
    assert people.select(expected_flow()).to_series().to_list() == pytest.approx(list(60 * np.exp(wanted)))


def test_an_answer_that_can_not_be_read_is_the_only_reason() -> None:
    with pytest.raises(InputError) as caught:
        assess({"age": "old"})
    assert "can't be read" in str(caught.value)
    assert "no answer is known" not in str(caught.value)
    assert "no answer is known" in assess_table(pl.DataFrame({"age": ["old", None]}))["refused"][1]


def test_pack_years_that_do_not_fit_are_noted() -> None:
    assert "check them" in assess(SMOKER | {"pack_years": 80}).notes[0]


def test_a_typo_in_an_item_suggests_the_right_one() -> None:
    with pytest.raises(NameNotFoundError, match="smk_status"):
        assess({"smk_stats": "never"})


def test_two_columns_for_one_item_are_refused() -> None:
    with pytest.raises(InputError, match="two columns for weight: 'weight_kg' and 'weight_lb'"):
        typed(pl.DataFrame({"weight_kg": [80], "weight_lb": [176]}))


def test_a_table_without_a_known_column_is_refused() -> None:
    with pytest.raises(InputError, match="no column that Salus knows"):
        typed(pl.DataFrame({"colour": ["red"]}))


def test_nobody_known_of_is_refused() -> None:
    with pytest.raises(InputError, match="no answer is known"):
        assess({})


@pytest.mark.parametrize(
    ("given", "item", "wanted"),
    [
        ({"height": "5 ft 9"}, "height_cm", 175.26),
        ({"height": "5'9\""}, "height_cm", 175.26),
        ({"height": "1,75 m"}, "height_cm", 175.0),
        ({"height_in": 69}, "height_cm", 175.26),
        ({"weight": "180 lb"}, "weight_kg", 81.6466266),
        ({"weight_lb": "180"}, "weight_kg", 81.6466266),
        ({"体重": "150斤"}, "weight_kg", 75.0),
        ({"peak_flow": "6.5 L/s"}, "pef_lpm", 390.0),
        ({"pef_lps": 6.5}, "pef_lpm", 390.0),
        ({"smk_cpd": "1.5 packs"}, "smk_cpd", 30.0),
        ({"fev1_ml": 1800}, "fev1_l", 1.8),
        ({"年龄": "６２"}, "age", 62.0),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else None,
)
def test_a_unit_that_is_said_is_converted(given: dict[str, Any], item: str, wanted: float) -> None:
    assert from_person(given)[item][0] == pytest.approx(wanted)


@pytest.mark.parametrize("word", ["yes", "Y", "是", "有", True, 1, 1.0, "1"])
def test_yes_in_many_words(word: Any) -> None:
    assert from_person({"cough_3mo": word})["cough_3mo"][0] == 1


def test_every_item_has_question_and_short_name_in_both_languages() -> None:
    for item in all_items().values():
        assert re.search("[一-鿿]", item.questions["zh"]), item.name
        assert item.questions["en"].endswith("?")
        assert item.questions["zh"].endswith("？")
        assert item.shorts["en"]
        assert item.shorts["zh"]
        if item.kind == "number":
            assert item.low < item.high
            assert all(item.low <= value <= item.high for value in item.tries)
