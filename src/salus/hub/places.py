"""A hub's own table of places: its codes, other names of them, and populations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from salus.errors import InputError
from salus.tables.reading import read_raw


@dataclass(frozen=True)
class HubPlaces:
    """Names and populations of a hub's places.

    Attributes
    ----------
    codes : mapping of str to str
        Any name of a place -> the hub's code; names of several places are left out.
    population : mapping of str to float
        People, by the hub's code.
    """

    codes: Mapping[str, str] = field(default_factory=dict)
    population: Mapping[str, float] = field(default_factory=dict)


def read_places(path: str | Path) -> HubPlaces:
    """A hub's table of places, as a rule its `auxiliary-data/locations.csv`.

    Parameters
    ----------
    path : str or Path
        Table with the column `location`, the hub's code; `population` where counts are to be compared with it; every
        other text column holds another name of the place.

    Returns
    -------
    HubPlaces
        Codes by every name, and populations.

    Raises
    ------
    InputError
        The table can't be read or has no column `location`.
    """
    table = read_raw(path)
    if "location" not in table.columns:
        raise InputError(
            f"{path} has no column 'location'; it has {', '.join(table.columns)}. "
            "Give the hub's table of places, with its codes in 'location'."
        )
    table = table.with_columns(pl.col("location").cast(pl.String).str.strip_chars()).drop_nulls("location")
    codes = {code: code for code in table["location"]}
    named: dict[str, set[str]] = {}
    for column in [n for n in table.columns if n not in ("location", "population")]:
        texts = table[column].cast(pl.String).str.strip_chars()
        if texts.cast(pl.Float64, strict=False).is_null().all():
            for name, code in zip(texts, table["location"], strict=True):
                named.setdefault(name, set()).add(code)
    codes |= {
        name: next(iter(found)) for name, found in named.items() if name and len(found) == 1 and name not in codes
    }
    return HubPlaces(codes, _population(table, path))


def _population(table: pl.DataFrame, path: str | Path) -> dict[str, float]:
    if "population" not in table.columns:
        return {}
    people = table["population"].cast(pl.String).str.replace_all(",", "").cast(pl.Float64, strict=False)
    if (people.is_null() & table["population"].is_not_null()).any() or (people <= 0).any():
        raise InputError(f"{path}: 'population' holds something else than numbers above 0. Correct it.")
    return {c: p for c, p in zip(table["location"], people, strict=True) if p is not None}
