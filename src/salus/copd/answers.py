"""Answers as people and tables give them, into typed columns by item: words, units, names of columns.

Nothing is judged here: a cell that can't be read keeps its text in a column of its own (:func:`unread`), and
:mod:`salus.copd.checks` refuses that row with its reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from salus.copd.questions import Item, all_items, item_named
from salus.errors import InputError

Answer = str | float | bool | None

ID_COLUMNS = ("id", "person", "person_id", "patient", "patient_id", "seqn", "编号")
"""Columns that name a person; the first of them that there is is given back beside the row's number."""
CONFIRMED = "confirmed"
"""Column, or key, with the names of items whose unusual value was looked at and is right, separated by blanks."""

_BLANK = ("", "na", "n/a", "nan", "null", "none given", "?", "-", "unknown", "未知", "不知道", "不详")
_POUND, _INCH, _FOOT = 0.45359237, 2.54, 30.48
_LITRES = {"l": 1.0, "升": 1.0, "ml": 0.001, "毫升": 0.001}
_IN_YEARS = ("age", "smk_years", "quit_years", "smk_start_age", "smk_quit_age", "cough_years", "phlegm_years")
_UNITS: Mapping[str, Mapping[str, float]] = {
    "height_cm": {"cm": 1, "厘米": 1, "公分": 1, "m": 100, "米": 100, "mm": 0.1, "in": _INCH, '"': _INCH, "inch": _INCH,
                  "inches": _INCH, "英寸": _INCH, "ft": _FOOT, "'": _FOOT, "feet": _FOOT, "英尺": _FOOT},
    "waist_cm": {"cm": 1, "厘米": 1, "in": _INCH, '"': _INCH, "inches": _INCH, "尺": 100 / 3},
    "weight_kg": {"kg": 1, "公斤": 1, "千克": 1, "lb": _POUND, "lbs": _POUND, "pounds": _POUND, "磅": _POUND,
                  "斤": 0.5, "市斤": 0.5, "g": 0.001},
    "pef_lpm": {"l/min": 1, "升/分": 1, "l/s": 60, "升/秒": 60},
    "smk_cpd": {"packs": 20, "pack": 20, "包": 20, "支": 1, "支/天": 1},
    **{name: {"年": 1, "岁": 1, "years": 1, "year": 1, "yrs": 1, "y": 1} for name in _IN_YEARS},
    "fev1_l": _LITRES, "fvc_l": _LITRES, "post_fev1_l": _LITRES, "post_fvc_l": _LITRES,
}  # fmt: skip
_NUMBER = r"(-?\d+(?:[.,]\d+)?)"
_WITH_UNIT = re.compile(_NUMBER + r"\s*([^\d\s.,-][^\d\s]*)?$")
_FEET_INCHES = re.compile(r"(\d+)\s*(?:'|ft|feet|英尺)\s*" + _NUMBER + r"\s*(?:\"|''|in|inch|inches|英寸)?$")


def unread(name: str) -> str:
    """Column with the text of an item's cells that could not be read; null where all is well."""
    return f"?{name}"


def confirmed(name: str) -> str:
    """Boolean column: the value of an item was looked at and is right."""
    return f"!{name}"


def from_person(answers: Mapping[str, Any], *, looked_at: Sequence[str] = ()) -> pl.DataFrame:
    """One person's answers as a table of one row.

    Parameters
    ----------
    answers : Mapping of str to (str, float, bool or None)
        Answer by item or by another name of its column (``weight_lb``); text may carry its unit (``5 ft 9``).
    looked_at : sequence of str
        Items whose unusual value is right.

    Raises
    ------
    NameNotFoundError
        A key is no item; the message suggests the near ones.
    InputError
        An item is given twice.

    Examples
    --------
    >>> told = from_person({"age": 62, "height": "5 ft 9", "weight_lb": 180, "smk_status": "以前", "cough_3mo": "没有"})
    >>> [round(v, 1) if isinstance(v, float) else v for v in told.row(0)]
    [62.0, 175.3, 81.6, 'former', 0.0]
    """
    known = {name: value for name, value in answers.items() if name != CONFIRMED}
    for name in known:
        if _column(name) is None:
            item_named(name)
    columns: dict[str, pl.Series] = {}
    for name, value in known.items():
        plain = value.isoformat() if isinstance(value, date) else value
        columns[name] = pl.Series(name, [plain], strict=False)
    listed = [*looked_at, *str(answers.get(CONFIRMED) or "").split()]
    for name in listed:
        item_named(name)
    if not columns:
        columns["age"] = pl.Series("age", [None], dtype=pl.Float64)
    return typed(pl.DataFrame(columns).with_columns(pl.lit(" ".join(listed)).alias(CONFIRMED)))


def typed(frame: pl.DataFrame, label: str = "the table") -> pl.DataFrame:
    """A table's columns by item, in our units.

    Parameters
    ----------
    frame : polars.DataFrame
        A row a person. Columns by the items' names or another name that they know; others are passed over.
    label : str
        What messages call the table.

    Returns
    -------
    polars.DataFrame
        A column for each item that the table has, :func:`unread` beside those with cells that can't be read, and
        :func:`confirmed` where something was confirmed.

    Raises
    ------
    InputError
        No column is an item, or two are the same one.
    """
    found: dict[str, str] = {}
    out: list[pl.Series] = []
    for name in frame.columns:
        match = _column(name)
        if match is None:
            continue
        item, factor = match
        if item.name in found:
            raise InputError(
                f"{label} has two columns for {item.shorts['en']}: '{found[item.name]}' and '{name}'. "
                "Leave one of them out."
            )
        found[item.name] = name
        if frame[name].dtype.is_nested():
            raise InputError(f"{label} has lists or groups of values in '{name}'. Give one value a cell.")
        values, strange = _values(frame[name], item, factor, male=_simple(name) == "male")
        out.append(values.alias(item.name))
        if strange.null_count() < strange.len():
            out.append(strange.alias(unread(item.name)))
    if not found and frame.width:
        some = ", ".join(f"'{c}'" for c in frame.columns[:8])
        raise InputError(
            f"{label} has no column that Salus knows for COPD; it has {some}. Name the columns by the items, "
            "such as age, sex, height_cm, weight_kg, smk_status (docs/copd.md lists them)."
        )
    if CONFIRMED in frame.columns:
        words = frame[CONFIRMED].cast(pl.String).fill_null("").str.to_lowercase()
        for name in all_items():
            here = words.str.contains(rf"(^|[\s,;]){name}($|[\s,;])")
            if here.any():
                out.append(here.alias(confirmed(name)))
    return pl.DataFrame(out) if out else pl.DataFrame({"age": pl.Series([None] * frame.height, dtype=pl.Float64)})


def person_column(frame: pl.DataFrame) -> str | None:
    """The column that names a person, None where there is none."""
    simple = {_simple(name): name for name in reversed(frame.columns)}
    return next((simple[name] for name in ID_COLUMNS if name in simple), None)


def columns_of(names: Sequence[str]) -> list[str]:
    """Those of a table's columns that are read at all."""
    return [name for name in names if _column(name) is not None or name == CONFIRMED or _simple(name) in ID_COLUMNS]


def item_of(column: str) -> str | None:
    """The item that a column of a table holds by its name, None where it is none.

    Examples
    --------
    >>> item_of("weight_lb"), item_of("PEF (L/s)"), item_of("stratum")
    ('weight_kg', 'pef_lpm', None)
    """
    match = _column(column)
    return None if match is None else match[0].name


def _simple(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).strip().casefold()
    return re.sub(r"[\s()/\[\]-]+", "_", text).strip("_")


def _column(name: str) -> tuple[Item, float] | None:
    """The item of a column, and the factor to its unit."""
    items, wanted = all_items(), _simple(name)
    if wanted == "male":
        return items["sex"], 1.0
    if wanted in items:
        return items[wanted], 1.0
    return next(((item, item.columns[wanted]) for item in items.values() if wanted in item.columns), None)


def _values(raw: pl.Series, item: Item, factor: float, *, male: bool) -> tuple[pl.Series, pl.Series]:
    """The column typed, and the text of cells that can't be read."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, raw.len())
    if raw.dtype == pl.Null:
        return pl.Series([None], dtype=item.dtype).new_from_index(0, raw.len()), nothing
    if male:
        there = (raw.fill_nan(None) if raw.dtype.is_float() else raw).is_not_null()
        in_words = raw.cast(pl.Float64, strict=False).replace_strict(
            {1.0: "male", 0.0: "female"}, default="male is not 1 or 0"
        )
        raw = pl.select(pl.when(there).then(in_words)).to_series()
    if item.kind == "number" and raw.dtype.is_numeric():
        number = raw.cast(pl.Float64)
        if raw.dtype.is_float():
            number = number.fill_nan(None)
        return (number if factor == 1 else number * factor), nothing
    if item.kind != "number" and item.is_number and (raw.dtype.is_numeric() or raw.dtype == pl.Boolean):
        number = raw.cast(pl.Float64)
        if raw.dtype.is_float():
            number = number.fill_nan(None)
        allowed = [float(level.value) for level in item.levels]
        if pl.select(pl.any_horizontal([number == value for value in allowed]).all()).item():
            return number, nothing
        strange = number.is_not_null() & ~number.is_in(allowed)
        told = pl.select(pl.when(strange).then(raw.cast(pl.String))).to_series()
        return pl.select(pl.when(~strange).then(number)).to_series(), told
    if raw.dtype.is_float():
        raw = raw.cast(pl.Int64, strict=False)
    text = raw.cast(pl.String)
    tidy = {word: unicodedata.normalize("NFKC", word).strip() for word in text.drop_nulls().unique()}
    asked = {word: said for word, said in tidy.items() if said.casefold() not in _BLANK}
    read = {word: _read(said, item, factor) for word, said in asked.items()}
    known = {word: value for word, value in read.items() if value is not None}
    lost = {word: said for word, said in asked.items() if read[word] is None}
    values = text.replace_strict(known, default=None, return_dtype=item.dtype)
    return values, text.replace_strict(lost, default=None, return_dtype=pl.String) if lost else nothing


def _read(word: str, item: Item, factor: float) -> float | str | None:
    if item.kind == "number":
        return _number(word.casefold(), item.name, factor)
    low = word.casefold()
    for level in item.levels:
        if low in (level.value.casefold(), level.en.casefold(), unicodedata.normalize("NFKC", level.zh), *level.words):
            return float(level.value) if item.is_number else level.value
    if item.is_number and re.fullmatch(r"\d\.0+", low):
        return _read(low[0], item, factor)
    return None


def _number(text: str, name: str, factor: float) -> float | None:
    units = _UNITS.get(name, {})
    if name == "height_cm" and (both := _FEET_INCHES.match(text)):
        return float(both[1]) * _FOOT + _decimal(both[2]) * _INCH
    found = _WITH_UNIT.match(text)
    if found is None:
        return None
    value, unit = _decimal(found[1]), found[2]
    if unit is None:
        return value * factor
    by = units.get(unit.rstrip("."))
    return None if by is None else value * by


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))
