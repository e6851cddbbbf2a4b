"""The regressions of a pool: how each is made, fitted on its columns, asked, and kept in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from salus.forecasting.learning import Rows

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
Columns = NDArray[np.bool_]


class Learner(Protocol):
    """Learns quantiles of a change from features; NaN where unknown."""

    def fit(self, table: Table, change: Floats, weight: Floats) -> None:
        """Learn from rows."""

    def predict(self, table: Table) -> Floats:
        """Quantiles, shape (rows, levels)."""

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` gave."""


@dataclass(frozen=True)
class Member:
    """One regression of a pool.

    Attributes
    ----------
    make : callable
        Makes the learner.
    weight : float
        Its weight in the pool, before the last weeks are looked at.
    season : bool
        Whether it is told the time of year and its usual course.
    every : int
        It learns from every so many rows.
    witness : int
        Number of the witness that stands for it where it has seen what came.
    once : bool
        As a witness, it is fitted with the latest year hidden alone, not with others too: what is slow to fit.
    """

    make: Callable[[], Learner]
    weight: float = 1.0
    season: bool = True
    every: int = 1
    witness: int = 0
    once: bool = False


@dataclass(frozen=True)
class Fitted:
    """A member that has learned.

    Attributes
    ----------
    columns : numpy.ndarray of bool, shape (features,)
        Those that it looks at.
    learner : Learner
        What it has learned.
    """

    columns: Columns
    learner: Learner

    def predict(self, table: Table) -> Floats:
        """Quantiles of change.

        Parameters
        ----------
        table : numpy.ndarray, shape (rows, features)
            All features.

        Returns
        -------
        numpy.ndarray, shape (rows, levels)
            Ascending.
        """
        return self.learner.predict(table[:, self.columns])

    def state(self) -> dict[str, Any]:
        """What :func:`restored` takes."""
        return {"columns": np.nonzero(self.columns)[0].tolist(), "learned": self.learner.state()}


def fit(members: Sequence[Member], offered: Columns, timeless: Columns, rows: Rows) -> list[Fitted]:
    """Fit members side by side, each on its columns so far as any row knows them.

    Parameters
    ----------
    members : sequence of Member
        To be fitted.
    offered, timeless : numpy.ndarray of bool, shape (features,)
        Features that the panel offers; those that don't tell the time of year.
    rows : Rows
        To learn from.

    Returns
    -------
    list of Fitted
        In the order of the members.
    """

    def one(member: Member) -> Fitted:
        some = slice(None, None, member.every)
        table = rows.table[some]
        columns = (offered if member.season else offered & timeless) & np.isfinite(table).any(axis=0)
        learner = member.make()
        learner.fit(table[:, columns], rows.change[some], rows.weight[some])
        return Fitted(columns, learner)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, members))


def restored(members: Sequence[Member], states: Sequence[dict[str, Any]], features: int) -> list[Fitted]:
    """Members as they were stored.

    Parameters
    ----------
    members : sequence of Member
        Which they are.
    states : sequence of dict
        From :meth:`Fitted.state`, one a member; none where the history was too short for any.
    features : int
        Columns of the table.

    Returns
    -------
    list of Fitted
        In the order of the members.
    """
    found = []
    for member, state in zip(members, states, strict=bool(states)):
        columns = np.zeros(features, dtype=bool)
        columns[state["columns"]] = True
        learner = member.make()
        learner.restore(state["learned"])
        found.append(Fitted(columns, learner))
    return found
