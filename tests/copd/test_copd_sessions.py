"""Spirometry in columns says the same as one person at a time."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from salus.copd.interpretation import STEPS, Session, interpret
from salus.copd.sessions import interpret_table
from salus.errors import InputError

GRADES = ("A", "B", "D", "E", "U", "F", None)


def people() -> pl.DataFrame:
    chance = np.random.default_rng(5)
    pairs = list(itertools.product(GRADES, GRADES)) * 2
    n = len(pairs)
    fvc = chance.uniform(1.5, 5.5, n)
    post_fvc = fvc * chance.uniform(0.95, 1.15, n)
    grades = chance.choice(np.array(GRADES, dtype=object), (n, 2))
    frame = pl.DataFrame(
        {
            "age": chance.uniform(30, 85, n),
            "height_cm": chance.uniform(150, 190, n),
            "sex": chance.choice(["male", "female"], n).tolist(),
            "fev1_l": fvc * chance.uniform(0.35, 0.95, n),
            "fvc_l": fvc,
            "post_fev1_l": post_fvc * chance.uniform(0.35, 0.95, n),
            "post_fvc_l": post_fvc,
            "q_fev1": [a for a, _ in pairs],
            "q_fvc": [b for _, b in pairs],
            "q_post_fev1": grades[:, 0].tolist(),
            "q_post_fvc": grades[:, 1].tolist(),
        }
    )
    only_pre = pl.Series(chance.uniform(0, 1, n) < 0.3)
    gone = [pl.when(~only_pre).then(pl.col(c)).alias(c) for c in ("post_fev1_l", "post_fvc_l")]
    return frame.with_columns(gone)


@pytest.mark.parametrize(("equation", "group"), [("gli_global_2022", None), ("gli_2012", "north_east_asian")])
def test_columns_agree_with_one_person_at_a_time(equation: str, group: str | None) -> None:
    frame = people()
    table = interpret_table(frame, equation=equation, group=group)
    read = 0
    for person, row in zip(frame.iter_rows(named=True), table.iter_rows(named=True), strict=True):
        pre = Session(person["fev1_l"], person["fvc_l"], person["q_fev1"], person["q_fvc"])
        post = None
        if person["post_fev1_l"] is not None:
            post = Session(person["post_fev1_l"], person["post_fvc_l"], person["q_post_fev1"], person["q_post_fvc"])
        try:
            said = interpret(
                person["age"], person["height_cm"], person["sex"], pre=pre, post=post, equation=equation, group=group
            )
        except InputError:
            assert row["reason"] is not None
            assert row["below_lln"] is None
            continue
        read += 1
        for name in ("read", "permits", "below_lln", "below_070", "pattern", "severity", "gold", "next_step"):
            assert row[name] == getattr(said, name), (name, person)
        for measure, value in said.values.items():
            assert row[f"{measure}_z"] == pytest.approx(value.z)
            assert row[f"{measure}_lln"] == pytest.approx(value.lln)
        if said.response is None:
            assert row["response"] is None
        else:
            assert row["response"] == said.response.positive
            assert row["response_fev1"] == pytest.approx(said.response.fev1_percent)
    assert read > 50
    assert set(table["next_step"].drop_nulls()) == set(STEPS.values())


def test_a_person_without_spirometry_is_told_why() -> None:
    frame = pl.DataFrame({"age": [60.0], "height_cm": [170.0], "sex": ["female"]})
    assert interpret_table(frame)["reason"][0].startswith("there is no spirometry")
