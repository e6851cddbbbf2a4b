"""Quantile regressions of the change over all places, signals and diseases at once, and their combination.

The change from the last known value to the one that is forecast, on the fourth-root scale, is learned with the horizon
as a feature. Places share what they have seen: fitted place by place the same regression is a sixth worse. Trees and
networks fail in different weeks, and a network that is not told the time of year fails differently when an epidemic
comes out of season; pooled as probabilities they are wide where they disagree.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from salus.forecasting import learning, mixture, spread
from salus.forecasting.calendar import SEASONAL
from salus.forecasting.features import FURTHEST
from salus.forecasting.learning import Rows
from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.network import QuantileNetwork
from salus.forecasting.scale import unroot
from salus.forecasting.trees import QuantileTrees
from salus.surveillance.panel import Panel

LEARNED = np.array([0.01, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.99])
"""Quantile levels that are fitted; the others are interpolated on the normal scale."""
LOW, MIDDLE, HIGH = 1, 4, 7
ROWS = 150_000
"""Rows drawn for a fit."""
FEWEST_ROWS = 300
"""With fewer rows nothing is learned and nothing answered."""
FEWER_PASSES = 4
"""Passes of the networks that only tell how wide the ranges must be."""


class Learner(Protocol):
    """Learns quantiles of a change from features; NaN where unknown."""

    def fit(self, table: NDArray[np.float32], change: Floats, weight: Floats) -> None:
        """Learn from rows."""

    def predict(self, table: NDArray[np.float32]) -> Floats:
        """Quantiles, shape (rows, levels)."""


@dataclass(frozen=True)
class Member:
    """One regression of a pool.

    Attributes
    ----------
    make : callable
        Makes the learner.
    weight : float
        Its weight in the pool.
    season : bool
        Whether it is told the time of year and its usual course.
    every : int
        It learns from every so many rows.
    """

    make: Callable[[], Learner]
    weight: float = 1.0
    season: bool = True
    every: int = 1


Fitted = tuple[Member, NDArray[np.bool_], Learner]
"""A member, the columns that it looks at, and what it has learned."""


class Pooled(Model):
    """Pooled quantile regression by trees; needs about a year of history over all places together."""

    name = "pooled"
    title = "Pooled quantile regression (LightGBM)"
    title_zh = "多地区联合分位数回归（LightGBM）"
    members: ClassVar[tuple[Member, ...]] = (Member(lambda: QuantileTrees(LEARNED)),)

    def __init__(self) -> None:
        self._fitted: list[Fitted] = []
        self._factors = np.ones(FURTHEST)

    def fit(self, panel: Panel) -> None:
        """Learn from the panel and those it carries; see :meth:`Model.fit`."""
        self._fitted, self._factors = [], np.ones(FURTHEST)
        if not panel.locations:
            return
        rows = learning.draw(panel, ROWS)
        if rows.change.size < FEWEST_ROWS or not np.ptp(rows.change):
            return
        offered = learning.offered(panel)
        timeless = np.array([not name.startswith(SEASONAL) for name in learning.names(panel)])
        columns = [offered if member.season else offered & timeless for member in self.members]
        with threadpool_limits(1):
            self._fitted = _fitted(self.members, columns, rows)
        self._factors = self._widening(rows, offered, timeless)

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles from the last known value of each place; see :meth:`Model.predict`."""
        answer = np.full((len(panel.locations), len(horizons), TAUS.size), np.nan)
        if not self._fitted or not panel.locations:
            return answer
        asked = learning.ask(panel, horizons)
        with threadpool_limits(1):
            change = _said(self._fitted, asked.table, TAUS)
        change = spread.widened(change, TAUS, self._factors[asked.learned - 1])
        middle = change[:, [TAUS.tolist().index(0.5)]]
        change = middle + (change - middle) * np.sqrt(asked.ahead / asked.learned)[:, None]
        values = unroot(asked.level[:, None] + change) * asked.size[:, None]
        values[values < _smallest(panel.values)[asked.place, None] / 2] = 0.0
        answer[asked.place, asked.horizon] = values
        return answer

    def _widening(self, rows: Rows, offered: NDArray[np.bool_], timeless: NDArray[np.bool_]) -> Floats:
        """Widening of the ranges at each horizon; single regressions are left as they are."""
        return np.ones(FURTHEST)


class Combination(Pooled):
    """The default: networks with and without the time of year, and trees, pooled as probabilities and widened.

    Ranges are widened by what years that were hidden from the networks have shown, never narrowed.
    """

    name = "combination"
    title = "Combination of pooled networks and trees"
    title_zh = "联合神经网络与决策树的组合模型"
    members: ClassVar[tuple[Member, ...]] = (
        Member(lambda: QuantileNetwork(LEARNED, seed=1)),
        Member(lambda: QuantileNetwork(LEARNED, seed=2)),
        Member(lambda: QuantileNetwork(LEARNED, seed=3), season=False),
        Member(lambda: QuantileTrees(LEARNED), weight=1.5, every=2),
    )

    def _widening(self, rows: Rows, offered: NDArray[np.bool_], timeless: NDArray[np.bool_]) -> Floats:
        half = rows.where(np.arange(rows.change.size) % 2 == 0)
        pair = [
            Member(lambda: QuantileNetwork(LEARNED, seed=4, epochs=FEWER_PASSES)),
            Member(lambda: QuantileNetwork(LEARNED, seed=5, epochs=FEWER_PASSES), season=False),
        ]

        def forecast(seen: Rows, asked: Rows) -> Floats:
            return _said(_fitted(pair, [offered, offered & timeless], seen), asked.table, LEARNED)

        with threadpool_limits(1):
            return spread.learn(half, forecast, LOW, MIDDLE, HIGH)


class Network(Pooled):
    """One pooled network alone: what the combination is measured against."""

    name = "network"
    title = "Pooled quantile regression (neural network)"
    title_zh = "多地区联合分位数回归（神经网络）"
    members: ClassVar[tuple[Member, ...]] = (Member(lambda: QuantileNetwork(LEARNED)),)


def _smallest(values: Floats) -> Floats:
    """The smallest value over zero that each place has ever reported: less than half of it is nothing."""
    over = np.where(values > 0, values, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(over), over, over.min(initial=np.inf) if np.isfinite(over).any() else 0.0)


def _fitted(members: Sequence[Member], columns: Sequence[NDArray[np.bool_]], rows: Rows) -> list[Fitted]:
    """The members fitted side by side, each on its columns so far as any row knows them."""

    def fit(member: Member, wanted: NDArray[np.bool_]) -> Fitted:
        some = slice(None, None, member.every)
        table = rows.table[some]
        used = wanted & np.isfinite(table).any(axis=0)
        learner = member.make()
        learner.fit(table[:, used], rows.change[some], rows.weight[some])
        return member, used, learner

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(fit, members, columns))


def _said(fitted: Sequence[Fitted], table: NDArray[np.float32], levels: Floats) -> Floats:
    """What the members say together."""
    said = [learner.predict(table[:, columns]) for _, columns, learner in fitted]
    return mixture.pool(said, [member.weight for member, *_ in fitted], LEARNED, levels)
