"""Columns of a file into columns of a contract: by their names in several languages, or by the person's word.

A mapping is written as a dictionary of texts, and on the command line as ``--map``:

===========================  ==============================================================
``{"Ort": "location"}``      the file's column ``Ort`` is the contract's ``location``
``{"=Influenza": "disease"}``  no column holds it: every row has this text
``{"Datum": "date:day-first"}``  and doubtful dates are read so (see :data:`salus.tables.dates.STYLES`)
===========================  ==============================================================

Beside a contract's own columns, a date may be put together from ``year`` and ``week`` (``week:iso``, ``week:mmwr``) or
``year`` and ``month``, or be the last day of a week (``week_end``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from salus.errors import Fault, InputError, NameNotFoundError, TableError
from salus.tables.contract import Contract
from salus.tables.dates import DateStyle
from salus.tables.names import fold

DATE_PARTS = ("year", "month", "week", "week_end")
"""What may stand for a `date` column."""

_BRACKETS = re.compile(r"[(\[（【].*?[)\]）】]")


@dataclass(frozen=True)
class ColumnMap:
    """Where each column of a contract comes from.

    Attributes
    ----------
    columns : dict of str to str
        Column of the contract, or a date part -> column of the file.
    constants : dict of str to str
        Column of the contract -> the text of every row.
    styles : dict of str to DateStyle
        Column of the contract, or a date part -> how its dates are read.
    """

    columns: dict[str, str]
    constants: dict[str, str] = field(default_factory=dict)
    styles: dict[str, DateStyle] = field(default_factory=dict)


def parse_options(options: Sequence[str]) -> dict[str, str]:
    """The mapping that ``--map`` options spell.

    Parameters
    ----------
    options : sequence of str
        Each ``COLUMN=contract column``; the last equals sign divides.

    Returns
    -------
    dict of str to str
        Column of the file (or ``=text``) -> column of the contract.

    Raises
    ------
    InputError
        An option has no equals sign or no name on one side.

    Examples
    --------
    >>> parse_options(["Ort=location", "=Influenza=disease"])
    {'Ort': 'location', '=Influenza': 'disease'}
    """
    mapping = {}
    for option in options:
        name, sign, target = option.rpartition("=")
        if not sign or not name.strip("= ") or not target.strip():
            raise InputError(
                f"--map {option!r} can't be understood. Write --map 'COLUMN=location', or "
                "--map '=Influenza=disease' for a text that holds for every row."
            )
        mapping[name.strip()] = target.strip()
    return mapping


def match_columns(
    columns: Sequence[str], contract: Contract, mapping: Mapping[str, str] | None = None, label: str = "the table"
) -> ColumnMap:
    """Find each column of a contract among a file's columns.

    The person's mapping comes first, then columns of the contract's own names, then names known to mean them
    (``data/column_names.csv``). A name that tells what is counted (``cases``, ``定点当たり``) gives the signal too.

    Parameters
    ----------
    columns : sequence of str
        The file's columns.
    contract : Contract
        What is wanted.
    mapping : mapping of str to str, optional
        Column of the file -> column of the contract, in the forms above.
    label : str
        What messages call the file.

    Returns
    -------
    ColumnMap
        Every required column is among its columns, date parts and constants.

    Raises
    ------
    NameNotFoundError
        The mapping names a column that the file or the contract does not have.
    TableError
        A required column can't be found, or several may be meant.

    Examples
    --------
    >>> from salus.tables.contracts import SERIES
    >>> found = match_columns(["都道府県", "病名", "年", "週", "定点当たり"], SERIES)
    >>> found.columns["location"], found.columns["week"], found.styles["week"].word, found.constants
    ('都道府県', '週', 'iso', {'signal': 'per_sentinel'})
    """
    found = _explicit(columns, contract, mapping or {}, label)
    taken = set(found.columns.values())
    settled = {*found.columns, *found.constants}
    has_date = "date" in contract.names
    targets = [*contract.names, *(DATE_PARTS if has_date else ())]
    faults: list[Fault] = []
    hints: dict[str, str] = {}
    for target in targets:
        if target in settled:
            continue
        own = [c for c in columns if c not in taken and c == target]
        alike = own or [c for c in columns if c not in taken and target in _meanings(c)]
        if len(alike) > 1 and target not in DATE_PARTS:
            faults.append(_several(target, alike))
        elif alike:
            found.columns[target] = alike[0]
            hints[target] = _meanings(alike[0]).get(target, "")
    if has_date:
        _settle_date(found, hints)
    kept = set(found.columns.values())
    _from_names(found, hints, contract)
    settled = {*found.columns, *found.constants, *(str(f.column) for f in faults)}
    if _parts(found):
        settled.add("date")
    if "value" in settled and "value" not in found.columns:
        settled.add("signal")  # the value's column, once chosen, may tell it
    faults += [_absent(name, contract, columns, kept) for name in contract.required if name not in settled]
    if faults:
        raise TableError(label, faults)
    return found


def _explicit(columns: Sequence[str], contract: Contract, mapping: Mapping[str, str], label: str) -> ColumnMap:
    found = ColumnMap({})
    parts = DATE_PARTS if "date" in contract.names else ()
    for name, target in mapping.items():
        column, _, word = target.partition(":")
        if column not in (*contract.names, *parts):
            raise NameNotFoundError(f"column of the {contract.name} table", column, [*contract.names, *parts])
        if column in found.columns or column in found.constants:
            raise InputError(f"the mapping names '{column}' twice. Map one column to it.")
        if name.startswith("="):
            found.constants[column] = name[1:]
            continue
        if name not in columns:
            alike = [c for c in columns if fold(c) == fold(name)]
            if len(alike) != 1:
                raise NameNotFoundError("column", name, columns, label)
            name = alike[0]
        found.columns[column] = name
        if word:
            found.styles[column] = DateStyle(word)
    return found


def _settle_date(found: ColumnMap, hints: dict[str, str]) -> None:
    """Keep one way to the date: the date itself, the end of the week, or a year with a week or month."""
    columns = found.columns
    if "date" in found.constants or "date" in columns:
        for part in DATE_PARTS:
            columns.pop(part, None)
    elif "week_end" in columns:
        for part in ("year", "month", "week"):
            columns.pop(part, None)
    elif "year" in columns and "week" in columns:
        columns.pop("month", None)
    elif "year" not in columns:
        for part in ("week", "month"):
            if part in columns:
                columns["date"] = columns.pop(part)
                hints["date"] = hints.pop(part, "") if part == "week" else ""
                if part in found.styles:
                    found.styles["date"] = found.styles.pop(part)
                break
        columns.pop("month", None)
    for part in ("date", "week"):
        if part in columns and part not in found.styles and hints.get(part):
            found.styles[part] = DateStyle(hints[part])


def _from_names(found: ColumnMap, hints: dict[str, str], contract: Contract) -> None:
    if "signal" in contract.names and "signal" not in found.columns and "signal" not in found.constants:
        value = found.columns.get("value")
        signal = hints.get("value") or (_meanings(value).get("value") if value else None)
        if signal:
            found.constants["signal"] = signal


def _parts(found: ColumnMap) -> bool:
    return "week_end" in found.columns or ("year" in found.columns and bool({"week", "month"} & set(found.columns)))


def _several(target: str, alike: Sequence[str]) -> Fault:
    shown = " or ".join(f"'{c}'" for c in alike)
    return Fault(
        "ambiguous column",
        f"{shown} may each be '{target}'",
        f"Say which, as in --map '{alike[0]}={target}'",
        column=target,
    )


_EXAMPLES = {"disease": "Influenza", "signal": "cases"}


def _absent(name: str, contract: Contract, columns: Sequence[str], kept: set[str]) -> Fault:
    free = [c for c in columns if c not in kept]
    example = free[0] if free else "COLUMN"
    also = ""
    if name == "date":
        also = ", or which hold the year and the week, as in --map 'COLUMN=year' --map 'COLUMN=week:iso'"
    elif name in _EXAMPLES:
        also = f", or give one text for all rows, as in --map '={_EXAMPLES[name]}={name}'"
    remedy = f"Say which column it is, as in --map '{example}={name}'{also}"
    if "date" not in contract.names:  # a table beside the series, for which no command takes --map
        remedy = f"Add a column '{name}', or rename the one that holds it"
    return Fault(
        "missing column",
        f"there is no column '{name}' ({contract[name].doc}); the file has {', '.join(columns) or 'no columns'}",
        remedy,
        column=name,
    )


@cache
def _aliases() -> dict[str, dict[str, str]]:
    """Folded alias -> column -> what else the name tells."""
    table: dict[str, dict[str, str]] = {}
    text = resources.files("salus.tables").joinpath("data/column_names.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        table.setdefault(fold(row["alias"]), {})[row["column"]] = row["means"]
    return table


def _meanings(name: str) -> dict[str, str]:
    """What a file's column may be: by its name, or by its name without what stands in brackets."""
    return _aliases().get(fold(name)) or _aliases().get(fold(_BRACKETS.sub("", name))) or {}
