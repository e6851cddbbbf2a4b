"""Predicted values, lower limits, z-scores: a recomputation written otherwise, another implementation, real people."""

from __future__ import annotations

import csv
import math
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.copd.equations import EQUATIONS, MEASURES
from salus.copd.reference import equation_named, expected, expected_table
from salus.errors import InputError, NameNotFoundError

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
NHANES = REAL / "copd_nhanes" / "nhanes_spirometry_2007_2010.parquet"
OTHER = pl.read_csv(Path(__file__).with_name("reference_values.csv"), comment_prefix="#")
"""Made by pyspiro 1.0.0 (`pip install pyspiro`; `zscore` and `lln` of BOWERMAN_2022, GLI_2012 and HANKINSON_1999)."""


def by_hand(equation: str, measure: str, age: float, height: float, sex: str, group: str) -> tuple[float, float, float]:
    """L, M and S of one person from the shipped figures, without NumPy, read between two rows by hand."""

    def rows(name: str) -> list[dict[str, str]]:
        text = files("salus.copd").joinpath("data", f"{name}.csv").read_text("utf-8")
        return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))

    c = next(r for r in rows(f"{equation}_coefficients") if r["measure"] == measure and r["sex"] == sex)
    table = rows(f"{equation}_splines")
    before = [r for r in table if float(r["age"]) <= age][-1]
    after = next(r for r in table if float(r["age"]) >= age)
    gap = float(after["age"]) - float(before["age"])
    share = (age - float(before["age"])) / gap if gap else 0.0

    def spline(part: str) -> float:
        name = f"{measure}_{sex}_{part}"
        if name not in before:
            return 0.0
        return float(before[name]) * (1 - share) + float(after[name]) * share

    def of_group(part: str) -> float:
        return float(c.get(f"{part}_{group}", 0.0))

    m = height ** float(c["m_ln_height"]) * age ** float(c["m_ln_age"])
    m *= math.exp(float(c["m_constant"]) + of_group("m") + spline("m"))
    s = age ** float(c["s_ln_age"]) * math.exp(float(c["s_constant"]) + of_group("s") + spline("s"))
    power = float(c["l_constant"]) + float(c["l_ln_age"]) * math.log(age) + spline("l")
    return power, m, s


@settings(max_examples=60, deadline=None)
@given(
    equation=st.sampled_from(["gli_global_2022", "gli_2012"]),
    age=st.floats(3, 95),
    height=st.floats(90, 210),
    sex=st.sampled_from(["male", "female"]),
    group=st.sampled_from(EQUATIONS["gli_2012"].groups),
)
def test_gli_agrees_with_a_recomputation(equation: str, age: float, height: float, sex: str, group: str) -> None:
    found = expected(
        age, height, sex, fev1=1.9, fvc=2.7, equation=equation, group=group if equation == "gli_2012" else None
    )
    for measure, value in (("fev1", 1.9), ("fvc", 2.7), ("fev1_fvc", 1.9 / 2.7)):
        power, m, s = by_hand(equation, measure, age, height, sex, group)
        assert found[measure].predicted == pytest.approx(m, rel=1e-9)
        assert found[measure].lln == pytest.approx(m * (1 - 1.645 * power * s) ** (1 / power), rel=1e-6)
        assert found[measure].z == pytest.approx(((value / m) ** power - 1) / (power * s), abs=1e-4)
        assert found[measure].percent == pytest.approx(100 * value / m, rel=1e-9)


def test_nhanes3_agrees_with_the_printed_equations() -> None:
    # Hankinson 1999, tables 4 to 6: white men of 20 and over; black women of 18 and over; Mexican-American boys
    man = expected(45, 178, "male", equation="nhanes3", group="caucasian")
    assert man["fev1"].predicted == pytest.approx(0.5536 - 0.01303 * 45 - 0.000172 * 45**2 + 0.00014098 * 178**2)
    assert man["fev1"].lln == pytest.approx(0.5536 - 0.01303 * 45 - 0.000172 * 45**2 + 0.00011607 * 178**2)
    assert man["fev1_fvc"].predicted == pytest.approx(0.88066 - 0.002066 * 45)
    woman = expected(45, 163, "female", equation="NHANES3", group="african-american")
    assert woman["fvc"].predicted == pytest.approx(-0.3039 + 0.00536 * 45 - 0.000265 * 45**2 + 0.00013606 * 163**2)
    assert woman["fev1_fvc"].lln == pytest.approx(0.80978 - 0.002039 * 45)
    boy = expected(19.9, 170, "male", equation="nhanes3", group="mexican_american")
    assert boy["fev1"].predicted == pytest.approx(-0.8218 - 0.04248 * 19.9 + 0.004291 * 19.9**2 + 0.00015104 * 170**2)


@pytest.mark.parametrize(
    # GLI-2012: pyspiro has the network's workbook with up to ten digits, we the four digits of the paper's tables
    ("equation", "lln", "z"),
    [("gli_global_2022", 1e-4, 1e-4), ("gli_2012", 2e-4, 2e-3), ("nhanes3", 1e-4, 1e-4)],
)
@pytest.mark.parametrize("measure", MEASURES)
def test_agrees_with_another_implementation(equation: str, lln: float, z: float, measure: str) -> None:
    those = OTHER.filter(equation=equation, measure=measure)
    ours = expected_table(
        those["age"],
        those["height_cm"],
        those["sex"],
        fev1=[1.9] * those.height,
        fvc=[2.7] * those.height,
        equation=equation,
        group=those["group"] if EQUATIONS[equation].groups else None,
    )
    assert those.height >= 18
    assert ours["reason"].null_count() == those.height
    np.testing.assert_allclose(ours[f"{measure}_lln"], those["lln"], atol=lln, rtol=0)
    np.testing.assert_allclose(ours[f"{measure}_z"], those["z"], atol=z, rtol=0)


@pytest.mark.real_data
def test_agrees_with_the_columns_of_nhanes() -> None:
    if not NHANES.is_file():
        pytest.skip("the NHANES file is not there (SALUS_REAL_DATA)")
    people = pl.read_parquet(NHANES).filter(pl.col("height_cm").is_not_nan())
    people = people.with_columns(
        pl.col("fev1_l", "fvc_l").cast(pl.Float64).fill_nan(None),
        sex=pl.when(pl.col("male") == 1).then(pl.lit("male")).otherwise(pl.lit("female")),
    )
    race = people["race5"]
    white = {"mexican": "caucasian", "other_hispanic": "caucasian", "white": "caucasian"}
    of_2012 = race.replace_strict({**white, "black": "african_american", "other": "other"})
    of_nh3 = race.replace_strict(
        {
            "mexican": "mexican_american",
            "other_hispanic": "mexican_american",
            "white": "caucasian",
            "black": "african_american",
            "other": "caucasian",
        }
    )
    age, height, sex = people["age"], people["height_cm"], people["sex"]
    blown = {"fev1": people["fev1_l"], "fvc": people["fvc_l"]}
    world = expected_table(age + 0.5, height, sex, **blown)
    old = expected_table(age + 0.5, height, sex, **blown, equation="gli-2012", group=of_2012)
    usa = expected_table(age, height, sex, equation="nhanes3", group=of_nh3)
    pairs = [
        *((world[f"{m}_z"], f"gligl_z_{m.replace('_', '')}") for m in MEASURES),
        *((old[f"{m}_z"], f"gli12_z_{m.replace('_', '')}") for m in MEASURES),
        (world["fev1_fvc_lln"], "gligl_lln_ratio"),
        (old["fev1_fvc_lln"], "gli12_lln_ratio"),
        (usa["fev1_fvc_lln"], "nh3_lln_ratio"),
        (world["fev1_percent"], "gligl_fev1_pct"),
    ]
    for ours, column in pairs:
        theirs = people[column].cast(pl.Float64).fill_nan(None)
        both = ours.is_not_null() & theirs.is_not_null()
        assert both.sum() > 9000
        np.testing.assert_allclose(ours.filter(both), theirs.filter(both), atol=1e-4, rtol=0, err_msg=column)


def test_a_value_on_the_lower_limit_has_the_z_of_the_5th_percentile() -> None:
    for equation, group in (("gli_global_2022", None), ("gli_2012", "south_east_asian"), ("nhanes3", "caucasian")):
        low = expected(58.3, 166, "female", equation=equation, group=group)
        at = expected(58.3, 166, "female", fev1=low["fev1"].lln, fvc=low["fvc"].lln, equation=equation, group=group)
        assert at["fev1"].z == pytest.approx(-1.645, abs=1e-9)
        assert at["fvc"].z == pytest.approx(-1.645, abs=1e-9)


def test_one_person_outside_the_equations_is_an_error_and_a_row_is_empty_with_the_reason() -> None:
    ages, heights, sexes = [62.0, 99, None, 62, 62, 62, 62], [170.0, 170, 170, 1.7, None, 170, 170], ["male"] * 7
    sexes[5], sexes[6] = "m", None
    table = expected_table(np.array(ages, dtype=float), np.array(heights, dtype=float), sexes)
    assert table["reason"].to_list() == [
        None,
        "the age is 99: GLI Global 2022 holds from 3 to 95 years",
        "the age is missing",
        "the height is 1.7: 80 to 230 cm are wanted. Is it in centimetres?",
        "the height is missing",
        "the sex is 'm': 'male' or 'female' is wanted",
        "the sex is missing",
    ]
    numbers = table.drop("reason")
    assert numbers["fev1_predicted"].null_count() == 6
    assert np.isnan(numbers["fev1_predicted"].to_numpy()[1])
    assert all(numbers[c].null_count() >= 6 for c in numbers.columns)
    with pytest.raises(InputError, match="the age is 99"):
        expected(99, 170, "male")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"fev1": 1800.0, "fvc": 3.4}, "fev1 is 1800.*Is it in litres"),
        ({"fev1": 3.4, "fvc": 1.8}, "Are they exchanged"),
        ({"fev1": -1.0}, "fev1 is -1"),
        ({"group": "caucasian"}, "takes no ethnic group"),
        ({"equation": "gli_2012"}, "needs an ethnic group: one of caucasian"),
        ({"equation": "gli_2012", "group": "mexican_american"}, "the group is 'mexican_american': GLI-2012 has"),
        ({"equation": "nhanes3", "group": "caucasian", "age": 80.5}, "NHANES III holds from 8 to 80"),
    ],
)
def test_what_cannot_be_is_named(kwargs: dict[str, object], message: str) -> None:
    person = {"age": 62, "height_cm": 170, "sex": "male"} | kwargs
    with pytest.raises(InputError, match=message):
        expected(**person)  # type: ignore[arg-type]


def test_names_lengths_and_kinds() -> None:
    assert equation_named("GLI-2012").name == "gli_2012"
    with pytest.raises(NameNotFoundError, match="gli_2012"):
        equation_named("gli_2013")
    with pytest.raises(InputError, match="different lengths"):
        expected_table([60, 61], [170], "male")
    with pytest.raises(InputError, match="not a number"):
        expected_table(["sixty"], [170], "male")
    with pytest.raises(InputError, match="sex must be words"):
        expected_table([60], [170], [1])  # type: ignore[list-item]


def test_missing_blows_leave_the_predicted_values() -> None:
    table = expected_table([62, 62], [170, 170], "male", fev1=[None, 2.0], fvc=[3.0, None])
    assert table["fev1_z"].to_list()[0] is None
    assert table["fev1_fvc_z"].null_count() == 2
    assert table["fvc_predicted"].null_count() == 0
    assert expected_table([], [], "male").height == 0


def test_order_and_company_do_not_matter() -> None:
    ages, heights = np.linspace(18, 90, 40), np.linspace(150, 190, 40)
    sexes = ["male", "female"] * 20
    together = expected_table(ages, heights, sexes)
    backwards = expected_table(ages[::-1], heights[::-1], sexes[::-1])
    assert together.equals(backwards.reverse())
