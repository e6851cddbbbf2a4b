"""Exact counts as tables: persons of each district, week, syndrome, age group and sex, summed up over the places."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.privacy import nesting, suppression
from salus.privacy.policy import Policy
from salus.privacy.steps import counting
from salus.privacy.suppression import Tree


@dataclass(frozen=True)
class Counts:
    """Exact counts, inside the wall.

    Attributes
    ----------
    places : polars.DataFrame
        The places counted, parents first; ``location``, ``parent`` (nearest one above that is counted),
        ``location_level``, ``population``.
    tree : Tree
        The same, by row number.
    syndromes, diseases : tuple of str
        Keys of the S syndromes, and the names that series use for them.
    weeks : tuple of datetime.date
        First days of the W weeks, all of them whole.
    values : numpy.ndarray of int, shape (S, W, N)
        Persons.
    breakdowns : dict of str to numpy.ndarray of int, shape (S, W, N, K)
        The same by the categories of ``age_group`` or ``sex``; only the places of the breakdown's level are filled.
        Under differential privacy of the policy's one dimension, with the places above.
    cells : polars.DataFrame
        Every count of places that is not zero: ``district``, ``syndrome``, ``date``, ``age_group``, ``sex``,
        ``persons``.
    rows_counted, beyond_bound : int
        Records of the syndromes in the weeks, and those among them that counted for nobody new.
    unplaced : dict of str to int
        ``districts`` that the places table does not have and their ``persons``, in no count; empty where there are
        none. What such a district is called is kept nowhere, for it may be no district at all.
    """

    places: pl.DataFrame
    tree: Tree
    syndromes: tuple[str, ...]
    diseases: tuple[str, ...]
    weeks: tuple[dt.date, ...]
    values: np.ndarray
    breakdowns: dict[str, np.ndarray]
    cells: pl.DataFrame
    rows_counted: int
    beyond_bound: int
    unplaced: dict[str, int]


def categories(breakdown: str) -> list[str]:
    """Values that a breakdown can have, in order.

    Parameters
    ----------
    breakdown : {'age_group', 'sex', 'age_sex'}
        Which; the last is both crossed.
    """
    if breakdown == "age_sex":
        return [f"{age} {sex}" for age in counting.AGE_NAMES for sex in counting.SEX_NAMES]
    return list(counting.AGE_NAMES if breakdown == "age_group" else counting.SEX_NAMES)


def tabulate(
    cells: pl.DataFrame,
    rows: int,
    places: pl.DataFrame,
    policy: Policy,
    diseases: Mapping[str, str],
    weeks: Sequence[dt.date],
) -> Counts:
    """Counts of districts as tables of all places that a policy counts.

    Parameters
    ----------
    cells : polars.DataFrame
        Every count that is not zero: ``district``, ``syndrome``, ``date``, ``age_group``, ``sex``, ``persons``.
    rows : int
        How many records they are made of.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`.
    policy : Policy
        Which levels and breakdowns.
    diseases : mapping of str to str
        Syndrome -> name that series use, in the order of syndromes.
    weeks : sequence of datetime.date
        First days of the weeks, consecutive.

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        The places don't nest.
    """
    kept = nesting.counted_places(places, policy)
    leaf = nesting.leaf_of(places, kept)
    placed = cells.filter(pl.col("district").is_in(list(leaf)))
    others = cells.filter(~pl.col("district").is_in(list(leaf)))
    unplaced = {"districts": others["district"].n_unique(), "persons": int(others["persons"].sum())}
    tree = suppression.tree(nesting.parents(kept))
    values, breakdowns = _arrays(placed, kept, tree, leaf, list(diseases), list(weeks), policy)
    return Counts(
        places=kept,
        tree=tree,
        syndromes=tuple(diseases),
        diseases=tuple(diseases.values()),
        weeks=tuple(weeks),
        values=values,
        breakdowns=breakdowns,
        cells=placed,
        rows_counted=rows,
        beyond_bound=rows - int(cells["persons"].sum()),
        unplaced=unplaced if others.height else {},
    )


def _arrays(
    placed: pl.DataFrame,
    kept: pl.DataFrame,
    tree: Tree,
    leaf: dict[str, int],
    syndromes: list[str],
    grid: list[dt.date],
    policy: Policy,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Counts of every place, and by category for those of the breakdown's level."""
    rows = np.array([leaf[d] for d in placed["district"]], dtype=np.int64)
    which = np.array([syndromes.index(s) for s in placed["syndrome"]], dtype=np.int64)
    week = ((placed["date"] - grid[0]).dt.total_days() // 7).to_numpy().astype(np.int64)
    persons = placed["persons"].to_numpy()

    def nested(axis: np.ndarray, size: int) -> np.ndarray:
        values = np.zeros((len(syndromes), len(grid), kept.height, size), dtype=np.int64)
        np.add.at(values, (which, week, rows, axis), persons)
        for place in reversed(range(tree.size)):
            if tree.parent[place] >= 0:
                values[:, :, tree.parent[place]] += values[:, :, place]
        return values

    total = nested(np.zeros(placed.height, dtype=np.int64), 1)[..., 0]
    found = {}
    if policy.noisy:
        here, wanted = (
            nesting.broken_down(kept, policy.breakdown_level),
            [policy.dimension] if policy.breakdowns else [],
        )
    else:
        here = (kept["location_level"] == policy.breakdown_level).fill_null(value=False).to_numpy()
        wanted = list(policy.breakdowns)
    for breakdown in wanted:
        names = categories(breakdown)
        cell = placed["age_group"] + " " + placed["sex"] if breakdown == "age_sex" else placed[breakdown]
        axis = np.array([names.index(c) for c in cell], dtype=np.int64)
        found[breakdown] = nested(axis, len(names)) * here[None, None, :, None]
    return total, found
