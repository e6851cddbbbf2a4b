"""Membership: whether somebody who knows a person's place, week and disease can tell from the counts if they are in.

Two who try it. One knows every other record, as differential privacy supposes: a count that is shown then tells at
once. The other knows what anybody can: the counts of the weeks around, and takes a count above their mean as a sign.
For that one the world with the person (the count as it is) is compared with the one without (one less).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.privacy.rounding import rounded


@dataclass(frozen=True)
class Membership:
    """What counts tell about single persons.

    Attributes
    ----------
    persons : int
        Persons counted, over weeks and diseases.
    knows_all_others : float
        Share of persons for whom some count is shown that they are in: who knows all other records can tell.
    auc : float
        Chance that a count with the person looks more like it than one without; 0.5 is a coin.
    advantage : float
        Most by which "is in it" is said more often of those who are than of those who are not; 0 to 1.
    """

    persons: int
    knows_all_others: float
    auc: float
    advantage: float


def infer(shown: pl.DataFrame, exact: pl.DataFrame, round_to: int = 1) -> Membership:
    """Try to tell from counts whether persons are in them.

    Parameters
    ----------
    shown : polars.DataFrame
        Released: ``location``, ``parent``, ``disease``, ``date``, ``value`` (null where left out).
    exact : polars.DataFrame
        The same, exact.
    round_to : int
        Multiple to which the counts shown were rounded; a person is told from such a count only where it would have
        been another without them.

    Returns
    -------
    Membership
    """
    keys = ["disease", "date", "location"]
    table = shown.select(*keys, "parent", c="value").join(exact.select(*keys, n="value"), on=keys).sort(keys)
    parents = dict(table.select("location", "parent").unique().iter_rows())
    inner = {p for p in parents.values() if p is not None}
    places = sorted(parents)
    wide = {
        name: table.pivot(on="location", index=["disease", "date"], values=name).sort("disease", "date")
        for name in ("c", "n")
    }
    counts, true = (wide[name].select(places).cast(pl.Float64).to_numpy() for name in ("c", "n"))
    leaves = [k for k, p in enumerate(places) if p not in inner]
    seen = ~np.isnan(counts)
    less = true - 1.0 if round_to == 1 else rounded(true - 1.0, round_to)
    if round_to > 1:
        seen &= counts != less
    any_shown = np.column_stack(
        [seen[:, [places.index(a) for a in _chain(places[k], parents)]].any(axis=1) for k in leaves]
    )
    weight = np.nan_to_num(true[:, leaves])
    persons = float(weight.sum())
    if not persons:
        return Membership(0, 0.0, 0.5, 0.0)
    around = _around(counts[:, leaves], wide["n"]["disease"].to_numpy())
    here = counts[:, leaves]
    known = ~np.isnan(here) & (around > 0) & (here >= 1) & (weight > 0)
    w = weight[known] / persons
    without = here - 1 if round_to == 1 else less[:, leaves]
    inside, outside = here[known] / around[known], without[known] / around[known]
    blind = 1.0 - w.sum()
    auc, advantage = _compared(inside, outside, w)
    return Membership(
        persons=int(persons),
        knows_all_others=float((weight * any_shown).sum() / persons),
        auc=float(0.5 + (auc - 0.5) * (1 - blind)),
        advantage=float(advantage * (1 - blind)),
    )


def _chain(place: str, parents: dict[str, str | None]) -> list[str]:
    chain = [place]
    while (above := parents[chain[-1]]) is not None:
        chain.append(above)
    return chain


def _around(counts: np.ndarray, disease: np.ndarray) -> np.ndarray:
    """Mean of the counts shown in the two weeks before and after; NaN where none is."""
    total, number = np.zeros(counts.shape), np.zeros(counts.shape)
    for step in (-2, -1, 1, 2):
        moved = np.full(counts.shape, np.nan)
        if abs(step) < len(counts):
            into = slice(max(step, 0), len(counts) + min(step, 0))
            out = slice(max(-step, 0), len(counts) + min(-step, 0))
            moved[into] = np.where((disease[into] == disease[out])[:, None], counts[out], np.nan)
        there = ~np.isnan(moved)
        total += np.where(there, moved, 0.0)
        number += there
    return np.divide(total, number, out=np.full(counts.shape, np.nan), where=number > 0)


def _compared(inside: np.ndarray, outside: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """AUC and largest advantage of a score, weighted."""
    if not weight.size:
        return 0.5, 0.0
    levels = np.unique(np.concatenate([inside, outside]))
    share = weight / weight.sum()
    a = np.bincount(np.searchsorted(levels, inside), share, levels.size)
    b = np.bincount(np.searchsorted(levels, outside), share, levels.size)
    below = np.cumsum(b) - b
    auc = float((a * (below + 0.5 * b)).sum())
    return auc, float(np.abs(np.cumsum(b) - np.cumsum(a)).max())
