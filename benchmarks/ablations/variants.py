"""The default model with one choice undone: how members are put together, or what is learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from salus.forecasting import features, learning, mixture
from salus.forecasting.calendar import SEASONAL
from salus.forecasting.members import Member
from salus.forecasting.model import TAUS, Model
from salus.forecasting.pooled import FASTER, LEARNED, Combination, Network
from salus.forecasting.scale import root, unroot
from salus.forecasting.trees import QuantileTrees
from salus.surveillance.panel import Panel

Floats = NDArray[np.float64]
LESSER_TREES = 60
"""Trees of the smaller pool."""
Believed = tuple[Floats, Floats]
"""Weights of the members, and widening at each horizon."""
MEMBERS = Combination.members
TREES = np.array([isinstance(member.make(), QuantileTrees) for member in MEMBERS])
TIMELESS = np.array([not member.season for member in MEMBERS])
PLAIN = np.array([member.weight for member in MEMBERS])
_POOL = mixture.pool


class Asked(Combination):
    """The default, whose beliefs can be changed after the fit; what it believes on a day is worked out once."""

    def __init__(self) -> None:
        super().__init__()
        self.change: Callable[[Believed], Believed] = TOGETHER["as it is"]
        self._on_day: dict[object, Believed] = {}

    def _believed(self, panel: Panel) -> Believed:
        if panel.reference_date not in self._on_day:
            self._on_day[panel.reference_date] = super()._believed(panel)
        return self.change(self._on_day[panel.reference_date])


def only(kept: NDArray[np.bool_]) -> Callable[[Believed], Believed]:
    """The weights of some members alone."""
    return lambda found: (found[0] * kept, found[1])


TOGETHER: dict[str, Callable[[Believed], Believed]] = {
    "as it is": lambda found: found,
    "networks alone": only(~TREES),
    "trees alone": only(TREES),
    "no network without the time of year": only(~TIMELESS),
    "one network and the trees": only(TREES | (np.arange(PLAIN.size) == 0)),
    "weights fixed": lambda found: (PLAIN, found[1]),
    "ranges not widened": lambda found: (found[0], np.ones_like(found[1])),
}
"""Variants that ask the same fitted members."""
AVERAGED = "quantiles averaged, not probabilities"


def averaged(members: Sequence[Floats], weights: Floats, levels: Floats, wanted: Floats) -> Floats:
    """Mean of the members' quantiles; takes the place of :func:`salus.forecasting.mixture.pool`."""
    each = [_POOL([member], [1.0], levels, wanted) for member in members]
    return np.asarray(np.average(np.stack(each), axis=0, weights=np.asarray(weights)))


def averaging() -> AbstractContextManager[object]:
    """Within it members are put together by :func:`averaged`."""
    return mock.patch.object(mixture, "pool", averaged)


class Smaller(Combination):
    """Two networks and fewer trees, no witnesses: a quarter of the time, to be fitted anew for every variant."""

    name = "smaller"
    title = "A smaller combination"
    title_zh = "较小的组合模型"
    members = (
        MEMBERS[0],
        MEMBERS[4],
        Member(lambda: QuantileTrees(LEARNED, trees=LESSER_TREES, rate=FASTER), weight=0.75, every=6),
    )
    witnesses = ()


@contextmanager
def blind(*beginnings: str) -> Iterator[None]:
    """No feature whose name begins so."""
    build, at_horizon = features.build, features.at_horizon

    def nothing(columns: dict[str, Floats]) -> dict[str, Floats]:
        return {k: np.full_like(v, np.nan) if k.startswith(beginnings) else v for k, v in columns.items()}

    def built(panel: Panel) -> features.Grid:
        grid = build(panel)
        return replace(grid, columns=nothing(grid.columns))

    def later(grid: features.Grid, ahead: int) -> dict[str, Floats]:
        return nothing(at_horizon(grid, ahead))

    with mock.patch.object(features, "build", built), mock.patch.object(features, "at_horizon", later):
        yield


@contextmanager
def nobody_else() -> Iterator[None]:
    """No other disease or signal to learn from."""
    with mock.patch.object(learning, "companions", return_value=[]):
        yield


@contextmanager
def every_row_alike() -> Iterator[None]:
    """Rows weigh the same at any height."""
    draw = learning.draw

    def drawn(panel: Panel, most: int, seed: int = 1) -> learning.Rows:
        rows = draw(panel, most, seed)
        return replace(rows, weight=np.ones_like(rows.weight))

    with mock.patch.object(learning, "draw", drawn):
        yield


SMALLER = "a smaller pool"
LEARNED_ANEW: dict[str, Callable[[], AbstractContextManager[None]]] = {
    SMALLER: nullcontext,
    "no other diseases or histories": nobody_else,
    "no holidays": lambda: blind("holidays", "target_holidays"),
    "no usual course of past years": lambda: blind("past_", "last_year_"),
    "no time of year at all": lambda: blind(*SEASONAL),
    "no neighbours": lambda: blind("neighbours"),
    "no nation": lambda: blind("nation", "share_rising"),
    "no state of the season": lambda: blind("below_", "above_", "since_", "year_mass", "half_year_mass"),
    "every row weighs the same": every_row_alike,
}
"""Variants of :class:`Smaller`: within what they are fitted and asked. The first is that pool as it is."""


class OneByOne(Model):
    """A network for each place, which sees no other place, disease or signal."""

    name = "one_by_one"
    title = "One network a place"
    title_zh = "每地一个网络"

    def __init__(self) -> None:
        self._each: dict[str, Network] = {}

    def fit(self, panel: Panel) -> None:
        """Fit each place on its own rows."""
        for number, place in enumerate(panel.locations):
            self._each[place] = Network()
            self._each[place].fit(_one(panel, number))

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Ask each place's network."""
        said = np.full((len(panel.locations), len(horizons), TAUS.size), np.nan)
        for number, place in enumerate(panel.locations):
            if place in self._each:
                said[number] = self._each[place].predict(_one(panel, number), horizons)[0]
        return said


SINGLE: dict[str, Callable[[], Model]] = {"one network, all places": Network, "one network a place": OneByOne}
"""Pooled against place by place, with the fastest member; to be compared with each other."""


ADDED = {
    f"with {title} too": name
    for name, title in (
        ("auto_arima", "AutoARIMA"), ("auto_ets", "AutoETS"), ("saaim", "SAAIM"), ("renewal", "a renewal model"),
        ("trajectories", "past seasons as trajectories"), ("last_year_drift", "last year's drift"),
        ("seasonal_naive", "the seasonal naive"),
    )
}  # fmt: skip
"""Variants with one more member, at a quarter of the weight."""
QUARTER = (3.0, 1.0)


def joined(ours: Floats, other: Floats) -> Floats:
    """Mixture of two forecasts, three to one, on the fourth-root scale.

    Parameters
    ----------
    ours, other : numpy.ndarray, shape (rows, 23)
        Quantiles in the signal's unit; where the other is NaN, ours stand.
    """
    there = np.isfinite(other).all(axis=1)
    both = [root(np.maximum(q[there], 0.0)) for q in (ours, other)]
    answer = ours.copy()
    answer[there] = unroot(_POOL(both, QUARTER, TAUS, TAUS))
    return answer


def _one(panel: Panel, number: int) -> Panel:
    here = slice(number, number + 1)
    return replace(
        panel,
        locations=panel.locations[here],
        values=panel.values[here],
        population=panel.population[here],
        also=(),
        vintages=None,
    )
