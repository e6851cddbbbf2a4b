"""The ways from fine to coarse of what a row tells: places, times, age groups, sexes.

Each step is made of whole groups of the step before, so what reads the same at one step reads the same at all coarser.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.errors import InputError

ALL = "all"
"""Text of a column that is not told."""

ELSEWHERE = "elsewhere"
"""Where districts lie that the table of places does not have."""

WIDE_AGES = {"0-4": "0-14", "5-14": "0-14", "15-24": "15-64", "25-44": "15-64", "45-64": "15-64", "65+": "65+"}
"""Age group as recorded -> wide age group."""


@dataclass(frozen=True)
class Hierarchy:
    """Values of one column, and how they read at each step.

    Attributes
    ----------
    column : str
        Which.
    steps : tuple of str
        Names of the L steps, finest first.
    groups : numpy.ndarray of int, shape (L, V)
        Group of each of the V values at each step.
    labels : tuple of tuple of str
        How each group of each step reads.

    Examples
    --------
    >>> found = hierarchy("age_group", ["0-4", "5-14", "65+"], {"wide": WIDE_AGES.get, "all": lambda _: ALL})
    >>> found.groups.tolist(), found.labels[0]
    ([[0, 0, 1], [0, 0, 0]], ('0-14', '65+'))
    """

    column: str
    steps: tuple[str, ...]
    groups: np.ndarray
    labels: tuple[tuple[str, ...], ...]

    def loss(self, step: int, values: np.ndarray) -> float:
        """How much is lost at a step: share of the other values that a value can no longer be told from, 0 to 1.

        Parameters
        ----------
        step : int
            Which, from 0.
        values : numpy.ndarray of int
            Value of each row.
        """
        size = self.groups.shape[1]
        if size < 2:
            return 0.0
        group = self.groups[step]
        lost = np.bincount(group)[group] - 1  # whole numbers, whose sum is the same in any order of rows
        return float(lost[values].sum() / ((size - 1) * values.size))


def hierarchy(column: str, values: Sequence[str], ways: dict[str, Callable[[str], str | None]]) -> Hierarchy:
    """A hierarchy of texts.

    Parameters
    ----------
    column : str
        Which.
    values : sequence of str
        The values, each once.
    ways : dict of str to callable
        Step -> how a value reads at it; None for as it is.
    """
    groups, labels = [], []
    for way in ways.values():
        read = [way(v) or v for v in values]
        names = sorted(set(read))
        at = {name: n for n, name in enumerate(names)}
        groups.append([at[r] for r in read])
        labels.append(tuple(names))
    return Hierarchy(column, tuple(ways), np.array(groups, dtype=np.int64).reshape(len(ways), -1), tuple(labels))


def of_ages(values: Sequence[str], steps: Sequence[str]) -> Hierarchy:
    """Age groups as recorded, wide, or not told.

    Parameters
    ----------
    values : sequence of str
        Age groups.
    steps : sequence of str
        Some of ``recorded``, ``wide``, ``all``.
    """
    ways: dict[str, Callable[[str], str | None]] = {"recorded": str, "wide": WIDE_AGES.get, "all": _not_told}
    return hierarchy("age_group", values, {s: ways[s] for s in steps})


def of_sexes(values: Sequence[str], steps: Sequence[str]) -> Hierarchy:
    """Sex as recorded, or not told.

    Parameters
    ----------
    values : sequence of str
        Sexes.
    steps : sequence of str
        Some of ``recorded``, ``all``.
    """
    ways: dict[str, Callable[[str], str | None]] = {"recorded": str, "all": _not_told}
    return hierarchy("sex", values, {s: ways[s] for s in steps})


def of_weeks(first_days: Sequence[dt.date], steps: Sequence[str]) -> Hierarchy:
    """Weeks, and the month, quarter and year of their fourth day.

    Parameters
    ----------
    first_days : sequence of datetime.date
        First day of each week.
    steps : sequence of str
        Some of ``week``, ``month``, ``quarter``, ``year``, ``all``.

    Examples
    --------
    >>> found = of_weeks([dt.date(2024, 12, 30)], ["week", "month", "quarter", "year"])
    >>> [names[0] for names in found.labels]
    ['2024-12-30', '2025-01', '2025-Q1', '2025']
    """
    fourth = {d.isoformat(): d + dt.timedelta(days=3) for d in first_days}
    ways: dict[str, Callable[[str], str | None]] = {
        "week": str,
        "month": lambda d: f"{fourth[d]:%Y-%m}",
        "quarter": lambda d: f"{fourth[d].year:04d}-Q{(fourth[d].month + 2) // 3}",
        "year": lambda d: f"{fourth[d].year:04d}",
        "all": _not_told,
    }
    return hierarchy("period", list(fourth), {s: ways[s] for s in steps})


def of_places(districts: Sequence[str], places: pl.DataFrame, steps: Sequence[str]) -> Hierarchy:
    """Districts, the places above them one after the other, or not told.

    Parameters
    ----------
    districts : sequence of str
        Districts of the records.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`, nested by ``parent``.
    steps : sequence of str
        Some of ``district``, ``above``, ``all``.

    Raises
    ------
    InputError
        A place lies in itself.
    """
    parent: dict[str, str | None] = dict.fromkeys(places["location"])
    if "parent" in places.columns:
        parent = dict(places.select("location", "parent").iter_rows())
    chains = {d: _chain(d, parent) for d in districts}
    height = max((len(c) for c in chains.values()), default=1)
    ways: dict[str, Callable[[str], str | None]] = {}
    if "district" in steps:
        ways["district"] = str
    if "above" in steps:
        for n in range(1, height):
            ways[f"{n} above"] = {d: c[min(n, len(c) - 1)] for d, c in chains.items()}.get
    if "all" in steps or not ways:
        ways["all"] = _not_told
    return hierarchy("place", list(districts), ways)


def _chain(district: str, parent: dict[str, str | None]) -> list[str]:
    if district not in parent:
        return [district, ELSEWHERE]
    chain = [district]
    while (above := parent.get(chain[-1])) is not None:
        if above in chain:
            raise InputError(
                f"the place '{district}' lies in itself by way of '{above}'. Correct the parents in the places table."
            )
        chain.append(above)
    return chain


def _not_told(_: str) -> str:
    return ALL
