"""What is counted, in words: the unit of each signal in English and Chinese, and whether it adds up over places."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl


@dataclass(frozen=True)
class Unit:
    """Words after a value of a signal.

    Attributes
    ----------
    many, one : str
        English, in the plural and after the whole number 1.
    zh : str
        Chinese.
    adds_up : bool
        It is a count: that of a place is the sum of its parts'.
    """

    many: str
    one: str
    zh: str
    adds_up: bool = False


@cache
def _table() -> dict[str, Unit]:
    text = (files("salus.surveillance") / "data" / "signals.csv").read_text(encoding="utf-8")
    return {
        row["signal"]: Unit(row["unit"], row["unit_one"], row["unit_zh"], row["adds_up"] == "yes")
        for row in csv.DictReader(text.splitlines())
    }


def unit(signal: str, stated: str | None = None) -> Unit:
    """Unit of a signal.

    Parameters
    ----------
    signal : str
        Name of the signal.
    stated : str, optional
        Unit that the table states, used for a signal that Salus has no words for.

    Returns
    -------
    Unit
        For an unknown signal without a stated unit, the signal's name.

    Examples
    --------
    >>> unit("per_sentinel").many
    'cases per sentinel site'
    >>> unit("bed_days", "days in bed").zh
    'days in bed'
    """
    plain = stated or signal.replace("_", " ")
    return _table().get(signal, Unit(plain, plain, plain))


def adds_up(signal: str, values: pl.Series) -> bool:
    """Whether a signal is a count, so that a place's value is the sum of its parts'.

    Parameters
    ----------
    signal : str
        Name of the signal.
    values : polars.Series
        Its values, which decide for a signal that Salus does not know: counts are whole numbers.

    Examples
    --------
    >>> adds_up("cases", pl.Series([1.0])), adds_up("per_100000", pl.Series([1.0])), adds_up("deaths", pl.Series([0.5]))
    (True, False, False)
    """
    known = _table().get(signal)
    return known.adds_up if known is not None else bool((values.drop_nulls() % 1 == 0).all())
