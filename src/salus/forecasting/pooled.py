"""Quantile regressions of the change over all places, signals and diseases at once, and their combination.

The change from the last known value to the one that is forecast, on the fourth-root scale, is learned with the horizon
as a feature. Places share what they have seen: fitted place by place the same regression is a sixth worse. Trees and
networks fail in different weeks, and a network that is not told the time of year fails differently when an epidemic
comes out of season; pooled as probabilities they are wide where they disagree. What the last weeks have shown of each
shifts their weights and widens the ranges.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from salus.errors import InputError
from salus.forecasting import learning, members, mixture, reasons, spread, weekdays
from salus.forecasting.calendar import SEASONAL
from salus.forecasting.features import FURTHEST
from salus.forecasting.learning import Rows
from salus.forecasting.members import Fitted, Member
from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.network import QuantileNetwork
from salus.forecasting.scale import unroot
from salus.forecasting.spread import Band
from salus.forecasting.trees import QuantileTrees
from salus.surveillance.panel import Panel

LEARNED = np.array([0.01, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.99])
"""Quantile levels that are fitted; the others are interpolated on the normal scale."""
BAND = Band(low=1, middle=4, high=7)
ROWS = 150_000
"""Rows drawn for a fit."""
FEWEST_ROWS = 300
"""With fewer rows nothing is learned and nothing answered."""
LOOKED_AT = 2_000
"""Recent outcomes, of all places and horizons, that the members are held against."""
FEWER_TREES, FASTER = 120, 0.075
"""Trees of the combination, and their rate of learning: a fifth less time than trees alone may take."""
FEWER_PASSES, FEWEST_TREES = 4, 60
"""Passes and trees of the witnesses, which only tell how members of their kind err."""


class Pooled(Model):
    """Pooled quantile regression by trees; needs about a year of history over all places together."""

    name = "pooled"
    title = "Pooled quantile regression (LightGBM)"
    title_zh = "多地区联合分位数回归（LightGBM）"
    members: ClassVar[tuple[Member, ...]] = (Member(lambda: QuantileTrees(LEARNED)),)
    witnesses: ClassVar[tuple[Member, ...]] = ()
    """Smaller regressions fitted with years hidden from them, to tell how far the members can be believed; none: as is.
    """

    def __init__(self) -> None:
        self._fitted: list[Fitted] = []
        self._witnesses: list[Fitted] = []
        self._factors = np.ones(FURTHEST)
        self._until: dt.date | None = None
        self._names: tuple[str, ...] = ()
        self._typical = np.empty(0, np.float32)

    def fit(self, panel: Panel) -> None:
        """Learn from the panel and those it carries; see :meth:`Model.fit`."""
        Pooled.__init__(self)
        if not panel.locations:
            return
        panel, _ = weekdays.levelled(panel)
        rows = learning.draw(panel, ROWS)
        if rows.change.size < FEWEST_ROWS or not np.ptp(rows.change):
            return
        self._until, self._names = panel.starts[-1], tuple(learning.names(panel))
        self._typical = _typical(rows)
        offered = learning.offered(panel)
        timeless = np.array([not name.startswith((*SEASONAL, "driver_")) for name in self._names])
        with threadpool_limits(1):
            self._fitted = members.fit(self.members, offered, timeless, rows)
            if self.witnesses:
                self._hide(rows, offered, timeless)

    def state(self) -> dict[str, Any]:
        """What was learned; see :meth:`Model.state`."""
        if not self._fitted or self._until is None:
            return {}
        return {
            "features": list(self._names),
            "typical": [None if np.isnan(v) else float(v) for v in self._typical],
            "until": self._until.isoformat(),
            "factors": self._factors.tolist(),
            "members": [fitted.state() for fitted in self._fitted],
            "witnesses": [fitted.state() for fitted in self._witnesses],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what was learned before; see :meth:`Model.restore`."""
        self._names = tuple(state["features"])
        self._typical = np.array([np.nan if v is None else v for v in state["typical"]], dtype=np.float32)
        self._until = dt.date.fromisoformat(state["until"])
        self._factors = np.array(state["factors"], dtype=float)
        self._fitted = members.restored(self.members, state["members"], len(self._names))
        self._witnesses = members.restored(self.witnesses, state["witnesses"], len(self._names))

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles from the last known value of each place; see :meth:`Model.predict`."""
        answer = np.full((len(panel.locations), len(horizons), TAUS.size), np.nan)
        if not self._fitted or not panel.locations:
            return answer
        panel, days = weekdays.levelled(panel)
        asked = self._ask(panel, horizons)
        with threadpool_limits(1):
            weights, factors = self._believed(panel)
            said = [fitted.predict(asked.table) for fitted in self._fitted]
        change = mixture.pool(said, weights, LEARNED, TAUS)
        change = spread.widened(change, TAUS, factors[asked.learned - 1])
        middle = change[:, [TAUS.tolist().index(0.5)]]
        change = middle + (change - middle) * np.sqrt(asked.ahead / asked.learned)[:, None]
        values = unroot(asked.level[:, None] + change) * asked.size[:, None]
        values[values < _smallest(panel.values)[asked.place, None] / 2] = 0.0
        answer[asked.place, asked.horizon] = values
        return answer * weekdays.at(days, panel, horizons)[:, :, None]

    def explain(self, panel: Panel, horizons: Sequence[int]) -> pl.DataFrame | None:
        """What moves the median forecast; see :meth:`Model.explain`."""
        if not self._fitted or not panel.locations:
            return None
        panel, _ = weekdays.levelled(panel)
        asked = self._ask(panel, horizons)
        with threadpool_limits(1):
            weights, _ = self._believed(panel)

            def median(table: NDArray[np.float32]) -> Floats:
                said = [fitted.predict(table) for fitted in self._fitted]
                return mixture.pool(said, weights, LEARNED, np.array([0.5]))[:, 0]

            kinds, found = reasons.shares(self._names, asked.table, self._typical, median)
        return pl.DataFrame(
            {
                "location": [panel.locations[i] for i in np.repeat(asked.place, len(kinds))],
                "horizon": np.asarray(horizons)[np.repeat(asked.horizon, len(kinds))],
                "kind": kinds * asked.place.size,
                "share": found.ravel(),
            }
        )

    def _ask(self, panel: Panel, horizons: Sequence[int]) -> learning.Question:
        """What is asked, in the features that were learned."""
        asked = learning.ask(panel, horizons)
        if asked.names != self._names:
            raise InputError(
                f"the stored model looks at {len(self._names)} features, this version of Salus at {len(asked.names)}, "
                "others or in another order. Train it again with `salus train`."
            )
        return asked

    def _hide(self, rows: Rows, offered: NDArray[np.bool_], timeless: NDArray[np.bool_]) -> None:
        """Learn from hidden years how wide the ranges must be; keep the witnesses that have not seen the latest."""
        kept: list[list[Fitted]] = []

        def fit(seen: Rows) -> spread.Forecaster:
            chosen = [member for member in self.witnesses if not (member.once and kept)]
            kept.append(members.fit(chosen, offered, timeless, seen))
            pairs = [(m.weight, f) for m, f in zip(chosen, kept[-1], strict=True) if not m.once]

            def forecast(table: NDArray[np.float32]) -> Floats:
                said = [fitted.predict(table) for _, fitted in pairs]
                return mixture.pool(said, [weight for weight, _ in pairs], LEARNED, LEARNED)

            return forecast

        half = rows.where(np.arange(rows.change.size) % 2 == 0)
        self._factors, witness = spread.learn(half, fit, BAND)
        self._witnesses = kept[0] if witness else []

    def _believed(self, panel: Panel) -> tuple[Floats, Floats]:
        """Weights of the members, and widening at each horizon, as hidden years and the last weeks ask for them.

        Of what came after the fit the members are asked, of what came before it their witnesses: neither had seen it.
        """
        weights = np.array([member.weight for member in self.members])
        if not self.witnesses:
            return weights, self._factors
        rows, since = learning.recent(panel, spread.LOOK_BACK, LOOKED_AT)
        starts = np.array(panel.starts, dtype="datetime64[D]")
        unseen = starts[len(starts) - 1 - since] > np.datetime64(self._until)
        if not self._witnesses:
            rows, since, unseen = rows.where(unseen), since[unseen], unseen[unseen]
        said = np.empty((len(self.members), since.size, LEARNED.size))
        if unseen.any():
            said[:, unseen] = [fitted.predict(rows.table[unseen]) for fitted in self._fitted]
        if not unseen.all():
            told = [fitted.predict(rows.table[~unseen]) for fitted in self._witnesses]
            said[:, ~unseen] = [told[member.witness] for member in self.members]
        weights = mixture.favoured(weights, said, LEARNED, rows, since)
        pooled = mixture.pool(list(said), weights, LEARNED, LEARNED)
        asked = spread.lately(BAND.needed(pooled, rows), rows.ahead, since)
        return weights, np.maximum(self._factors, asked)


class Combination(Pooled):
    """The default: networks with and without the time of year, and trees, pooled as probabilities.

    Their weights follow how they have done in the last weeks, and ranges are widened by what years that were hidden
    from them, and the last weeks, have shown; never narrowed.
    """

    name = "combination"
    title = "Combination of pooled networks and trees"
    title_zh = "联合神经网络与决策树的组合模型"
    members: ClassVar[tuple[Member, ...]] = (
        Member(lambda: QuantileNetwork(LEARNED, seed=1), weight=0.5),
        Member(lambda: QuantileNetwork(LEARNED, seed=2), weight=0.5),
        Member(lambda: QuantileNetwork(LEARNED, seed=11), weight=0.5),
        Member(lambda: QuantileNetwork(LEARNED, seed=12), weight=0.5),
        Member(lambda: QuantileNetwork(LEARNED, seed=3), weight=0.5, season=False, witness=1),
        Member(lambda: QuantileNetwork(LEARNED, seed=13), weight=0.5, season=False, witness=1),
        Member(lambda: QuantileTrees(LEARNED, trees=FEWER_TREES, rate=FASTER), weight=1.5, every=3, witness=2),
    )
    witnesses: ClassVar[tuple[Member, ...]] = (
        Member(lambda: QuantileNetwork(LEARNED, seed=4, epochs=FEWER_PASSES), weight=2.0),
        Member(lambda: QuantileNetwork(LEARNED, seed=5, epochs=FEWER_PASSES), season=False),
        Member(lambda: QuantileTrees(LEARNED, seed=2, trees=FEWEST_TREES, rate=FASTER), weight=1.5, every=3, once=True),
    )


class Network(Pooled):
    """One pooled network alone: what the combination is measured against."""

    name = "network"
    title = "Pooled quantile regression (neural network)"
    title_zh = "多地区联合分位数回归（神经网络）"
    members: ClassVar[tuple[Member, ...]] = (Member(lambda: QuantileNetwork(LEARNED)),)


def _typical(rows: Rows) -> NDArray[np.float32]:
    """Median of what is known of each feature; NaN where nothing is."""
    known = np.isfinite(rows.table).any(axis=0)
    typical = np.full(rows.table.shape[1], np.nan, np.float32)
    typical[known] = np.nanmedian(rows.table[:, known], axis=0)
    return typical


def _smallest(values: Floats) -> Floats:
    """The smallest value over zero that each place has ever reported: less than half of it is nothing."""
    over = np.where(values > 0, values, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(over), over, over.min(initial=np.inf) if np.isfinite(over).any() else 0.0)
