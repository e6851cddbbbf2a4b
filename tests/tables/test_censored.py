"""Counts that a source keeps back to protect persons are told as such, not as a slip of the pen."""

import polars as pl
import pytest

from salus.errors import Fault
from salus.tables.contract import Column, Contract

COUNTS = Contract("counts", "Counts.", (Column("value", pl.Float64, "count", nullable=True, minimum=0),))


def faults(*values: str) -> list[Fault]:
    return COUNTS.inspect(pl.DataFrame({"value": list(values)}))[1]


@pytest.mark.parametrize(
    "text",
    ["<5", "< 10", "＜5", "≤4", "<=4", "1-4", "1–4", "1～4", "1 to 4", "*", "***", "less than 5", "少于5", "不足 10"],
)
def test_a_count_kept_back_is_told_as_such(text: str) -> None:
    (fault,) = faults("3", text)
    assert (fault.kind, fault.severity, fault.rows) == ("censored", "error", (2,))
    assert "to protect persons" in fault.message
    assert "Leave these cells empty" in fault.remedy


@pytest.mark.parametrize("text", ["abc", "5*", ">5", "<", "1,000", "1-", "a-b", "-", "5-"])
def test_anything_else_that_is_no_number_is_not(text: str) -> None:
    assert [fault.kind for fault in faults("3", text)] == ["type"]


def test_numbers_are_numbers() -> None:
    assert faults("-0", "1e-4", "12", "0.5") == []
    assert [fault.kind for fault in faults("-4")] == ["negative"]


def test_both_kinds_are_told_apart_with_their_rows() -> None:
    found = faults("<5", "x", "7", "*")
    assert [(fault.kind, fault.rows, fault.count) for fault in found] == [("censored", (1, 4), 2), ("type", (2,), 1)]
