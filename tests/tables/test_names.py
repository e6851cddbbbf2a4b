"""Names folded and resolved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.errors import InputError, NameNotFoundError
from salus.tables.names import fold, resolve


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hand, foot and mouth", "hand foot & mouth"),
        ("ＨＦＭＤ", "hfmd"),
        ("per_sentinel", "Per sentinel"),
        ("Chlamydial pneumonia(excluding psittacosis)", "chlamydial pneumonia (excluding psittacosis)"),
        ("Thüringen", "THURINGEN"),
        ("ｲﾝﾌﾙｴﾝｻﾞ", "インフルエンザ"),
        ("Weißenburg", "weissenburg"),
    ],
)
def test_what_people_write_differently_folds_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Shanxi", "Shaanxi"), ("ハス", "バス"), ("age 0-4", "age 0-14"), ("手足口病", "手足病"), ("A", "B")],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_an_exact_name_wins_over_a_folded_one() -> None:
    assert resolve("signal", "Cases", ["cases", "Cases"]) == "Cases"


def test_several_folded_names_are_refused() -> None:
    with pytest.raises(InputError, match="may be any of 'cases', 'Cases'"):
        resolve("signal", "CASES", ["cases", "Cases"])


def test_a_typo_gets_suggestions() -> None:
    with pytest.raises(NameNotFoundError, match="Did you mean 'admissions'"):
        resolve("signal", "admisions", ["admissions", "cases"])


def test_a_name_of_punctuation_is_not_found() -> None:
    with pytest.raises(NameNotFoundError):
        resolve("signal", "--", ["cases", "!!"])
