"""What can be wrong with the body's measures and with the blow: other units, and values that hardly anybody has.

Shares are of the 7,296 people of 40 to 79 in NHANES 2007-2010 and, where it has the answers, of the 15,508 of
2013-2023. What more than 1 in 500 of them have is asked about or noted, never refused for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import polars as pl

from salus.copd.answers import confirmed
from salus.copd.model import RiskModel
from salus.copd.questions import LITRES_A_MINUTE, all_items
from salus.copd.rules import Rule, pair, rounded

POUND_KG = 0.45359237
INCH_CM = 2.54
BMI_POUNDS = (42.0, 50.0)
"""Body mass index from which on pounds taken for kilograms are asked about, and from which on the weight is refused
until it is confirmed: 1 in 100 adults of NHANES lies above 50, and a person of 23 weighed in pounds comes to 50."""
BMI_LOWEST = 11.0
BMI_APART = 0.05
"""Relative difference of a body mass index given and one computed that rounding can't explain."""


WEIGHT_ALONE = (120.0, 160.0)
"""Weight in kg, where no height and no waist say more, from which on pounds are noted, and from which on they are asked
about: 1 in 21 and 1 in 18 people weigh more than the first, 1 in 243 and 1 in 182 more than the second."""
WAIST_LOWEST = 60.0
"""Waist in cm under which inches are asked about: nobody of the 7,296 has less than 60, 2 have less than 62."""
WAIST_BY_WEIGHT = (8.4, 14.2)
"""Waist in cm over the root of the weight in kg: 8.6 to 13.9 in all of the 7,296. Pounds for kilograms take a third off
it, inches for centimetres three fifths."""
WAIST_BY_HEIGHT = (0.35, 1.05)
"""Waist over height, where the weight is not known: .357 to 1.010 in all of the 7,296."""
FLOW_HIGHEST = 1.7
"""Peak flow over that expected of healthy people of the age, sex and height, from which on it is asked about: 1 of
5,706 people blew more."""
AFTER_BEFORE = (0.75, 1.5)
"""FEV1 and FVC after a bronchodilator over those before: outside of it 1 of 577 people of the survey each. A large
change may be true in asthma, so that it is a note."""


def of_body() -> Iterator[Rule]:
    """Rules of weight, height and waist."""
    yield from _of_weight()
    yield from _of_weight_alone()
    yield from _of_waist()


def _of_weight() -> Iterator[Rule]:
    weight, height, given = pl.col("weight_kg"), pl.col("height_cm"), pl.col("bmi")
    made = weight * 10_000 / (height * height)
    asked, refused = BMI_POUNDS
    values = ("weight_kg", "height_cm", rounded(made), rounded(weight * POUND_KG))
    yield Rule(
        "confirm",
        ("weight_kg", "height_cm"),
        (made > refused) & ~pl.col(confirmed("weight_kg")),
        {
            "en": "weight is {} kg at a height of {} cm, a body mass index of {}: it looks like pounds ({} kg). "
            "Write it in kilograms, or confirm weight_kg",
            "zh": "体重 {} kg、身高 {} cm，体质指数为 {}：看起来是磅（{} kg）。请用公斤填写，或确认 weight_kg",
        },
        values,
    )
    yield Rule(
        "note",
        ("weight_kg", "height_cm"),
        (made > asked) & (made <= refused) & ~pl.col(confirmed("weight_kg")),
        {
            "en": "weight is {} kg at a height of {} cm, a body mass index of {}: check that it is not pounds ({} kg)",
            "zh": "体重 {} kg、身高 {} cm，体质指数为 {}：请核对是否为磅（{} kg）",
        },
        values,
    )
    yield Rule(
        "contradiction",
        ("weight_kg", "height_cm"),
        made < BMI_LOWEST,
        {
            "en": "weight is {} kg at a height of {} cm, a body mass index of {}: one of the two is wrong or of "
            "another unit. Correct it",
            "zh": "体重 {} kg、身高 {} cm，体质指数为 {}：其中之一有误或单位不符。请更正",
        },
        values[:3],
    )
    yield Rule(
        "contradiction",
        ("bmi", "weight_kg", "height_cm"),
        (given - made).abs() > BMI_APART * given,
        {
            "en": "body mass index is {}, but {} kg at {} cm make {}. Correct one of them, or give it in the "
            "right unit",
            "zh": "体质指数为 {}，但 {} kg、{} cm 得 {}。请更正其中之一或改用正确单位",
        },
        ("bmi", *values[:3]),
    )


def _of_weight_alone() -> Iterator[Rule]:
    weight, (asked, refused) = pl.col("weight_kg"), WEIGHT_ALONE
    alone = pl.all_horizontal(pl.col("height_cm", "waist_cm", "bmi").is_null()) & ~pl.col(confirmed("weight_kg"))
    values = ("weight_kg", rounded(weight * POUND_KG))
    yield Rule(
        "confirm",
        ("weight_kg",),
        (weight > refused) & alone,
        {
            "en": "weight is {} kg, and no height says whether that can be: it looks like pounds ({} kg). Write it in "
            "kilograms, give the height, or confirm weight_kg",
            "zh": "体重 {} kg，且没有身高可供核对：看起来是磅（{} kg）。请用公斤填写、补充身高，或确认 weight_kg",
        },
        values,
    )
    yield Rule(
        "note",
        ("weight_kg",),
        (weight > asked) & (weight <= refused) & alone,
        {
            "en": "weight is {} kg, without a height: check that it is not pounds ({} kg)",
            "zh": "体重 {} kg，没有身高：请核对是否为磅（{} kg）",
        },
        values,
    )


def _of_waist() -> Iterator[Rule]:
    waist, weight, height = pl.col("waist_cm"), pl.col("weight_kg"), pl.col("height_cm")
    unsure, inches = ~pl.col(confirmed("waist_cm")), rounded(waist * INCH_CM)
    yield Rule(
        "confirm",
        ("waist_cm",),
        (waist < WAIST_LOWEST) & unsure,
        {
            "en": "waist is {} cm: it looks like inches ({} cm). Write it in centimetres, or confirm waist_cm",
            "zh": "腰围为 {} cm：看起来是英寸（{} cm）。请用厘米填写，或确认 waist_cm",
        },
        ("waist_cm", inches),
    )
    small, large = WAIST_BY_WEIGHT
    squared, likely = waist * waist, (waist >= WAIST_LOWEST) & unsure
    yield Rule(
        "confirm",
        ("waist_cm", "weight_kg"),
        (squared < small**2 * weight) & likely,
        {
            "en": "waist is {} cm at a weight of {} kg, and nobody in the survey is so slim for the weight: check that "
            "they are not inches ({} cm) or pounds ({} kg). Correct one of the two, or confirm waist_cm",
            "zh": "腰围 {} cm、体重 {} kg，调查中没有人在此体重下腰围这么小：请核对是否为英寸（{} cm）或磅（{} kg）。"
            "请更正其中之一，或确认 waist_cm",
        },
        ("waist_cm", "weight_kg", inches, rounded(weight * POUND_KG)),
    )
    yield Rule(
        "confirm",
        ("waist_cm", "weight_kg"),
        (squared > large**2 * weight) & likely,
        {
            "en": "waist is {} cm at a weight of {} kg, and nobody in the survey is so wide for the weight. Correct "
            "one of the two, or confirm waist_cm",
            "zh": "腰围 {} cm、体重 {} kg，调查中没有人在此体重下腰围这么大。请更正其中之一，或确认 waist_cm",
        },
        ("waist_cm", "weight_kg"),
    )
    slim, wide = WAIST_BY_HEIGHT
    yield Rule(
        "confirm",
        ("waist_cm", "height_cm"),
        ((waist < slim * height) | (waist > wide * height)) & weight.is_null() & likely,
        {
            "en": "waist is {} cm at a height of {} cm, which nobody in the survey has: check the units. Correct one "
            "of the two, or confirm waist_cm",
            "zh": "腰围 {} cm、身高 {} cm，调查中没有这样的人：请核对单位。请更正其中之一，或确认 waist_cm",
        },
        ("waist_cm", "height_cm"),
    )


@lru_cache
def expected_flow() -> pl.Expr:
    """Peak flow in L/min that healthy people of the same age, sex and height blow.

    It is that of the models (:func:`salus.copd.design.log_expected_flow`), as an expression over answers.

    Examples
    --------
    >>> person = pl.DataFrame({"age": [62.0], "sex": ["male"], "height_cm": [170.0]})
    >>> round(person.select(expected_flow()).item())
    526
    """
    age, tall = (pl.col("age") - 60) / 10, (pl.col("height_cm") / 170).log()
    male = (pl.col("sex") == "male").cast(pl.Float64)
    by = RiskModel.load("y_llngl", "B").expected_flow
    of_all = by["one"] + age * (by["age"] + by["age_squared"] * age) + by["log_height"] * tall
    of_men = by["male"] + by["male_age"] * age + by["male_log_height"] * tall
    return LITRES_A_MINUTE * (of_all + male * of_men).exp()


def _of_flow() -> Iterator[Rule]:
    yield Rule(
        "confirm",
        ("pef_lpm", "age", "sex", "height_cm"),
        (pl.col("pef_lpm") > FLOW_HIGHEST * expected_flow()) & ~pl.col(confirmed("pef_lpm")),
        {
            "en": "peak flow is {} L/min; about {} L/min are expected of this age, sex and height, and hardly anybody "
            "blows so much more. Correct it, or confirm pef_lpm",
            "zh": "呼气峰流速为 {} L/min；按年龄、性别和身高预计约为 {} L/min，几乎没有人高出这么多。"
            "请更正，或确认 pef_lpm",
        },
        ("pef_lpm", rounded(expected_flow(), 0)),
    )


def _of_change() -> Iterator[Rule]:
    for before, after, name in (("fev1_l", "post_fev1_l", "FEV1"), ("fvc_l", "post_fvc_l", "FVC")):
        yield Rule(
            "note",
            (after, before),
            ~(pl.col(after) / pl.col(before)).is_between(*AFTER_BEFORE) & ~pl.col(confirmed(after)),
            {
                "en": f"{name} is {{}} L before and {{}} L after a bronchodilator, a change that hardly anybody has: "
                "check that both sessions are this person's, in litres, and not exchanged",
                "zh": f"{name}在舒张前为 {{}} L、舒张后为 {{}} L，几乎没有人变化这么大：请核对两次检查是否同属此人、"
                "单位是否为升、是否颠倒",
            },
            (before, after),
        )


def of_blow() -> Iterator[Rule]:
    """Rules of peak flow and spirometry."""
    yield from _of_flow()
    yield from _of_change()
    for first, second in (("fvc_l", "fev1_l"), ("post_fvc_l", "post_fev1_l")):
        because = (", which can't be more", "，前者不可能小于后者")
        yield pair(first, second, pl.col(second) > pl.col(first), because=because)
    litres = pl.col("pef_lpm") / 60
    yield Rule(
        "contradiction",
        ("pef_lpm", "fev1_l"),
        litres < pl.col("fev1_l"),
        {
            "en": "peak flow is {} L/min, less than the mean flow of the first second ({} L/min by FEV1). "
            "Correct one of them",
            "zh": "呼气峰流速为 {} L/min，小于第一秒的平均流速（按FEV1为 {} L/min）。请更正其中之一",
        },
        ("pef_lpm", rounded(60 * pl.col("fev1_l"), 0)),
    )
    for volume, other in (("fev1_l", "fvc_l"), ("post_fev1_l", "post_fvc_l")):
        for here, gone in ((volume, other), (other, volume)):
            names = all_items()[here].shorts, all_items()[gone].shorts
            yield Rule(
                "note",
                (here,),
                pl.col(here).is_not_null() & pl.col(gone).is_null(),
                {
                    "en": f"{names[0]['en']} is there without {names[1]['en']}, so the spirometry is not read",
                    "zh": f"只有{names[0]['zh']}而没有{names[1]['zh']}，因此不解读肺功能",
                },
            )
