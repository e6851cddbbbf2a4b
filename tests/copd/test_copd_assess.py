"""What an answer says: probability, reasons that add up, missing answers, flags, both languages."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers_people import CDQ_OWN, HEALTHY, SMOKER

from salus.copd import Assessment, assess
from salus.copd.answers import from_person
from salus.copd.assessment import ASKED_FOR, SHOWN, models, models_of
from salus.copd.checks import check
from salus.copd.instruments import INSTRUMENTS
from salus.copd.interview import start
from salus.copd.model import RiskModel
from salus.copd.people import assess_table
from salus.copd.questions import all_items
from salus.copd.told import count, told
from salus.errors import InputError


def one(**more: Any) -> Assessment:
    return assess(SMOKER | more)


def test_the_probability_is_the_models_own() -> None:
    said = one()
    frame = check(from_person(SMOKER)).fine
    for risk, model in zip(said.risks, models_of("A", (*SHOWN, ASKED_FOR)), strict=True):
        wanted = model.predict(frame).row(0)
        assert (risk.probability, risk.lower, risk.upper) == pytest.approx(wanted)
        assert 0 < risk.lower < risk.probability < risk.upper < 1
    assert tuple(r.outcome for r in said.risks) == (*SHOWN, ASKED_FOR)


def test_the_reasons_add_up_to_the_log_odds() -> None:
    for person in (SMOKER, HEALTHY, SMOKER | {"pef_lpm": 250}):
        said = assess(person)
        assert said.primary is not None
        p = said.primary.probability
        assert said.reference is not None
        total = said.reference + sum(r.effect for r in said.reasons)
        assert total == pytest.approx(math.log(p / (1 - p)))


def test_what_was_not_asked_may_be_nothing_and_the_range_holds_it() -> None:
    said = assess({k: v for k, v in SMOKER.items() if not k.startswith("occ")})
    dust = {m.item: m for m in said.missing if m.item.startswith("occ")}
    assert len(dust) == 4
    assert all(0.0 in (m.at_lowest, m.at_highest) for m in dust.values())


def test_the_next_step_says_what_stays_after_a_bronchodilator() -> None:
    said = assess(SMOKER)
    by = {r.outcome: count(r.probability, 100) for r in said.risks}
    [step] = next(s for s in told(said).sections if s.key == "next").text
    assert f"about {by['y_llngl']} are below the lower limit before the bronchodilator" in step
    assert f"about {by['y_post070']} below .70 after it" in step


def test_a_lower_peak_flow_raises_the_probability_and_moves_the_tier() -> None:
    flows = [assess(SMOKER | {"pef_lpm": f}) for f in (550, 400, 250)]
    assert {f.tier for f in flows} == {"B"}
    chances = [f.primary.probability for f in flows if f.primary is not None]
    assert chances == sorted(chances)
    assert chances[0] < chances[-1] / 2


def test_what_a_missing_answer_would_change_is_what_answering_it_does() -> None:
    said = one()
    assert said.missing
    for missing in said.missing:
        assert missing.lowest <= missing.highest
        for value, chance in ((missing.at_lowest, missing.lowest), (missing.at_highest, missing.highest)):
            again = assess(SMOKER | {missing.item: value})
            assert again.primary is not None
            assert again.primary.probability == pytest.approx(chance)


def test_any_answer_can_be_missing() -> None:
    for name in SMOKER:
        rest = {k: v for k, v in SMOKER.items() if k != name}
        said = assess(rest)
        assert said.primary is not None
        assert 0 < said.primary.probability < 1
        if all_items()[name].kind != "number" or all_items()[name].tries:
            assert name in {m.item for m in said.missing}


def test_what_follows_from_an_answer_is_not_missing() -> None:
    said = assess(HEALTHY)
    gone = {m.item for m in said.missing}
    assert not gone & {"smk_years", "smk_cpd", "wheeze_rx"}


def test_scope_flags() -> None:
    assert "under_40" in assess(HEALTHY | {"age": 35}).flags
    assert "over_79" in assess(SMOKER | {"age": 84}).flags
    assert "no_age" in assess({k: v for k, v in SMOKER.items() if k != "age"}).flags
    assert not {"under_40", "over_79"} & set(one().flags)
    free = assess(HEALTHY)
    assert "asymptomatic" in free.flags
    assert free.next_step == "asymptomatic"
    assert "Preventive Services Task Force" in "\n".join(told(free).lines())
    known = one(emphysema_ever=1)
    assert known.next_step == "diagnosed"
    assert "outside" in assess(SMOKER | {"height_cm": 215}).flags


@pytest.mark.parametrize(
    ("odd", "flags"),
    [({"pef_lpm": 65}, "outside"), ({"pef_lpm": 90}, None), ({"age": 84}, "over_79"), ({"height_cm": 215}, "outside")],
    ids=["low flow", "usual flow", "old", "tall"],
)
def test_what_is_outside_the_models_data_is_flagged_alike_for_one_person_and_in_a_table(
    odd: dict[str, Any], flags: str | None
) -> None:
    person = SMOKER | odd
    said = assess(person)
    assert [f for f in said.flags if f != "subgroup"] == ([flags] if flags else [])
    assert assess_table(pl.DataFrame([person, SMOKER], infer_schema_length=None))["flags"].to_list() == [flags, None]
    if "pef_lpm" in odd and flags:
        assert "peak flow 65 L/min (data from 81.9 to 953.1)" in "\n".join(told(said).lines())


def test_two_models_of_one_outcome_and_tier_are_refused() -> None:
    with pytest.raises(InputError, match="two models of y_llngl, tier A, were given"):
        assess(SMOKER, local=[models("A")[0], models("A")[0]])


def test_an_unanswered_symptom_is_no_absent_symptom() -> None:
    assert "asymptomatic" not in assess({k: v for k, v in HEALTHY.items() if k != "cough_3mo"}).flags


def test_instruments_only_where_all_their_items_are_there() -> None:
    assert one().instruments == {}
    said = assess(SMOKER | CDQ_OWN)
    assert list(said.instruments) == ["cdq"]
    wanted = INSTRUMENTS["cdq"].score(
        {"age": 62, "pack_years": 30, "bmi": 80 / 1.7**2, "weather_affects_cough": "yes", "phlegm_without_cold": True,
         "phlegm_in_the_morning": False, "wheeze_ever": True, "allergies_ever": False}
    )  # fmt: skip
    assert said.instruments["cdq"] == wanted
    assert assess({**SMOKER, **CDQ_OWN, "age": 38, "smk_years": 20}).instruments == {}


def test_spirometry_is_read_by_rule_and_not_predicted() -> None:
    said = assess(SMOKER | {"fev1_l": 1.8, "fvc_l": 3.4})
    assert (said.tier, said.risks, said.reasons) == ("C", (), ())
    assert said.spirometry is not None
    assert said.spirometry.below_lln is True
    assert assess(SMOKER | {"fev1_l": 1.8, "fvc_l": 3.4}, tier="A").tier == "A"


REVERSED = {
    "age": 52,
    "sex": "male",
    "height_cm": 175,
    "fev1_l": 1.9,
    "fvc_l": 3.4,
    "post_fev1_l": 2.75,
    "post_fvc_l": 3.6,
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_obstruction_that_reverses_is_told_with_what_was_before(lang: str) -> None:
    text = "\n".join(told(assess(REVERSED, lang=lang), lang).lines())
    before, step = {
        "en": ("Before the bronchodilator FEV1/FVC was 0.56 (lower limit 0.68, z-score -3.02): airflow obstruction.",
               "Assess for asthma and follow up"),
        "zh": ("舒张前FEV1/FVC为 0.56（下限 0.68，z值 -3.02）：有气流阻塞。", "评估是否哮喘并随访"),
    }[lang]  # fmt: skip
    assert before in text
    assert step in text
    row = assess_table(pl.DataFrame([REVERSED]), lang=lang).row(0, named=True)
    assert (row["read"], row["permits"], row["pattern"], row["response"]) == ("post", "full", "normal", True)
    assert row["next_step"].casefold().startswith(step.casefold())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_grade_that_asks_for_caution_is_told(lang: str) -> None:
    blown = SMOKER | {"fev1_l": 1.2, "fvc_l": 3.4}
    for grade, permits, words in (
        ("D", "caution", {"en": "Read with caution: blows of grade D", "zh": "请谨慎判读：质量等级为D"}),
        ("E", "at_least", {"en": "Of grade E or U", "zh": "质量等级为E或U"}),
        ("C", "full", {"en": "", "zh": ""}),
    ):
        person = blown | {"q_fev1": grade, "q_fvc": grade}
        text = "\n".join(told(assess(person, lang=lang), lang).lines())
        assert words[lang] in text
        assert (words["en"] == "") == ("grade D" not in text and "等级为D" not in text and "等级为E" not in text
                                       and "grade E" not in text)  # fmt: skip
        assert assess_table(pl.DataFrame([person]))["permits"][0] == permits


def test_equations_that_disagree_are_shown() -> None:
    base = {"age": 62, "sex": "male", "height_cm": 170, "fvc_l": 3.4}
    lln = assess(base | {"fev1_l": 2.2}).spirometry
    assert lln is not None
    ratio = lln.values["fev1_fvc"].lln
    near = assess(base | {"fev1_l": 3.4 * (ratio - 0.001)})
    assert near.others
    assert all(not other.below_lln for other in near.others)
    assert any("GLI-2012" in line for line in told(near).lines())
    assert assess(base | {"fev1_l": 1.2}).others == ()


def test_a_tier_that_is_not_reached_is_refused() -> None:
    with pytest.raises(InputError, match="tier B needs a peak flow"):
        assess(SMOKER, tier="B")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_words_say_a_natural_frequency_and_never_an_accuracy_or_a_diagnosis(lang: str) -> None:
    for person in (SMOKER, HEALTHY, SMOKER | {"pef_lpm": 300}, SMOKER | {"fev1_l": 1.8, "fvc_l": 3.4}):
        said = assess(person, lang=lang)
        text = "\n".join(told(said, lang).lines())
        assert not re.search(r"accura|sensitiv|specific|AUROC|准确|精度|灵敏|特异", text, re.IGNORECASE)
        assert not re.search(r"has COPD|have COPD|患有慢阻肺|患慢阻肺", text)
        assert ("INSIDE ONLY" if lang == "en" else "仅限内部") in text
        assert "{" not in text
        if said.primary is not None:
            n = count(said.primary.probability, 100)
            assert (f"Of 100 people with these answers, about {n} have" if lang == "en" else f"约 {n} 人") in text
            assert "1.2" in text


def test_chinese_text_is_chinese() -> None:
    for person in (SMOKER | CDQ_OWN, HEALTHY | {"age": 35}, SMOKER | {"fev1_l": 1.8, "fvc_l": 3.4}):
        for line in told(assess(person, lang="zh"), "zh").lines():
            rest = re.sub(
                r"COPD Diagnostic Questionnaire|GLI Global|GLI-2012|NHANES III|FEV1|FVC|GOLD|CDQ|L/min", "", line
            )
            assert not re.search(r"[A-Za-z]{4,}", rest), line


def test_rare_things_are_counted_in_a_thousand() -> None:
    young = {"age": 41, "sex": "female", "height_cm": 150, "weight_kg": 95, "smk_status": "never", "pef_lpm": 600}
    said = assess(HEALTHY | young)
    assert said.primary is not None
    if said.primary.probability < 0.01:
        assert told(said).headline.startswith("Of 1,000 people")
    assert count(0.0001, 1000) == "<1"


def test_as_dict_is_json_and_says_that_it_is_inside_only() -> None:
    for person in (SMOKER, SMOKER | {"fev1_l": 1.8, "fvc_l": 3.4}):
        made = json.loads(json.dumps(assess(person).as_dict()))
        assert made["inside_only"] is True


def test_a_table_says_the_same_as_one_person_at_a_time() -> None:
    people = [SMOKER, HEALTHY, SMOKER | {"pef_lpm": 300}, SMOKER | {"fev1_l": 1.8, "fvc_l": 3.4}, SMOKER | CDQ_OWN]
    table = assess_table(pl.DataFrame(people, infer_schema_length=None), outcomes=(*SHOWN, ASKED_FOR))
    for person, row in zip(people, table.iter_rows(named=True), strict=True):
        said = assess(person)
        assert row["tier"] == said.tier
        assert (row["flags"] or "").split() == [f for f in said.flags if f != "subgroup"]
        if said.primary is not None:
            wanted = [getattr(said.primary, k) for k in ("probability", "lower", "upper")]
            assert [row[k] for k in ("probability", "lower", "upper")] == pytest.approx(wanted)
            assert [row[r.outcome] for r in said.risks] == pytest.approx([r.probability for r in said.risks])
        else:
            assert said.spirometry is not None
            assert row["below_lln"] == said.spirometry.below_lln
            assert row["fev1_z"] == pytest.approx(said.spirometry.values["fev1"].z)
        for name in INSTRUMENTS:
            result = said.instruments.get(name)
            assert row[name] == (None if result is None else result.points)


def test_the_order_and_the_company_of_rows_change_nothing() -> None:
    chance = np.random.default_rng(3)
    people = [SMOKER | {"age": int(a), "smk_years": 10} for a in chance.integers(40, 79, 60)]
    frame = pl.DataFrame(people)
    whole = assess_table(frame)
    turned = assess_table(frame.reverse())
    assert turned["probability"].reverse().to_list() == pytest.approx(whole["probability"].to_list())
    alone = assess_table(frame[7:8])
    assert alone["probability"][0] == pytest.approx(whole["probability"][7])


@pytest.mark.parametrize("tier", ["A", "B"])
def test_every_group_outside_the_bounds_is_flagged_for_its_people_and_for_no_others(tier: str) -> None:
    """Ethnicity changes no probability, and its groups are flagged only where it was recorded."""
    flow = {"pef_lpm": 400} if tier == "B" else {}
    wanted: dict[str, set[str]] = {}
    for outcome in (*SHOWN, "y_post070"):
        for row in RiskModel.load(outcome, tier).audit:
            if not 0.8 <= row["observed_expected"] <= 1.25:
                wanted.setdefault(row["subgroup"], set()).add(outcome)
    assert len(wanted) >= 4
    people = [SMOKER | flow | {"ethnicity": e} for e in ("white", "black", "mexican", "other_hispanic", "other")]
    people += [SMOKER | flow, SMOKER | flow | {"age": 45, "smk_years": 20}]
    groups = ["white", "black", "mexican", "other_hispanic", "other", None, None]
    table = assess_table(pl.DataFrame(people, infer_schema_length=None), outcomes=(*SHOWN, "y_post070"))
    plain = assess(people[5])
    for person, group, row in zip(people, groups, table.iter_rows(named=True), strict=True):
        theirs = [*([f"ethnicity: {group}"] if group else []), "age: 40-49" if person["age"] == 45 else "age: 60-69"]
        theirs = [name for name in theirs if name in wanted]
        found = {part.rpartition(" (")[0]: part.rpartition(" (")[2] for part in (row["subgroups"] or "").split(" | ")}
        assert {name for name in found if name} == set(theirs)
        assert all(set(found[name].rstrip(")").split(", ")) == wanted[name] for name in theirs)
        said = assess(person)
        assert said.subgroups is not None
        told_of = {(one.group, one.outcome) for one in said.subgroups}
        assert told_of == {(n, o) for n in theirs for o in wanted[n] if o in SHOWN}
        assert ("subgroup" in said.flags) == bool(told_of)
        assert bool(said.untold) == (group is None)
        if person["age"] == 62:
            assert said.risks == plain.risks
    assert {one.group for one in plain.untold} <= {name for name in wanted if name.startswith("ethnicity")}


def test_groups_are_told_with_what_was_found() -> None:
    flagged = told(assess(SMOKER | {"ethnicity": "mexican"}))
    [flags] = [section for section in flagged.sections if section.key == "flags"]
    assert "found for 100 expected, by definition)" in " ".join(flags.text)
    chinese = told(assess(SMOKER | {"ethnicity": "mexican"}, lang="zh"), "zh")
    assert "按不同定义实有" in " ".join(next(s for s in chinese.sections if s.key == "flags").text)


def test_a_departments_own_model_takes_the_place_of_the_packaged_one_and_is_named() -> None:
    known = {"slope": 1.0, "intercept": -1.0, "where": "Yuzhong, 2026", "people": 900, "events": 80}
    own = replace(models("A")[0], calibration=known)
    plain, local = one(), assess(SMOKER, local=[own])
    assert plain.primary is not None
    assert local.primary is not None
    odds = [r.probability / (1 - r.probability) for r in (plain.primary, local.primary)]
    assert math.log(odds[1] / odds[0]) == pytest.approx(-1)
    assert local.risks[1:] == plain.risks[1:]
    assert "y_llngl: version 1.2, calibrated on 900 people of Yuzhong, 2026" in local.model
    assert "y_lln12: version 1.2, not calibrated on local data" in local.model
    assert "已用Yuzhong, 2026的 900 人校准" in told(local, "zh").foot[1]
    assert assess_table(pl.DataFrame([SMOKER]), local=[own])["probability"][0] == local.primary.probability
    with pytest.raises(InputError, match="a model of y_post070 was given"):
        assess(SMOKER, local=[replace(own, outcome="y_post070")])


@pytest.mark.parametrize(
    ("gate", "other"), [("education", "education_percentile"), ("poverty_ratio", "income_percentile")]
)
def test_elsewhere_one_is_asked_for_the_place_in_the_own_country(gate: str, other: str) -> None:
    interview = start("zh")
    while interview.next is not None and interview.next.name != gate:
        interview = interview.answered(interview.next, "")[0]
    assert interview.next is not None
    assert "美国" in interview.next.questions["zh"]

    def asked_after(answer: str) -> list[str]:
        assert interview.next is not None
        now, names = interview.answered(interview.next, answer)[0], []
        while now.next is not None:
            names.append(now.next.name)
            now = now.answered(now.next, "")[0]
        return names

    assert other in asked_after("")
    assert other not in asked_after("3")


@pytest.mark.parametrize(("lang", "heart"), [("en", "speaks for the heart"), ("zh", "心脏")])
def test_a_reason_that_may_surprise_says_why(lang: str, heart: str) -> None:
    answers = {"age": 62, "sex": "male", "dyspnea_exertion": "yes", "chest_pain": "yes", "smk_status": "never"}
    said = assess(answers, lang=lang)
    assert {r.name: r.effect for r in said.reasons}["chest_pain"] < 0
    unsaid = assess({name: value for name, value in answers.items() if name != "chest_pain"}, lang=lang)
    assert heart in "\n".join(told(said, lang).lines())
    assert heart not in "\n".join(told(unsaid, lang).lines())
