"""What is counted, in words: the unit of each signal in English and Chinese."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Unit:
    """Words after a value of a signal.

    Attributes
    ----------
    many, one : str
        English, in the plural and after the whole number 1.
    zh : str
        Chinese.
    """

    many: str
    one: str
    zh: str


@cache
def _table() -> dict[str, Unit]:
    text = (files("salus.surveillance") / "data" / "signals.csv").read_text(encoding="utf-8")
    return {
        row["signal"]: Unit(row["unit"], row["unit_one"], row["unit_zh"]) for row in csv.DictReader(text.splitlines())
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
