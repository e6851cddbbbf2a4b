"""One gradient-boosted quantile regression over all places, signals and diseases at once.

The change from the last known value to the one that is forecast, on the fourth-root scale, is learned by LightGBM for 9
quantile levels with the horizon as a feature; the other levels are interpolated on the normal scale. Places share what
they have seen: fitted place by place the same regression is a sixth worse.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from salus.forecasting import features
from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.surveillance.panel import Panel

LEARNED = np.array([0.01, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.99])
"""Quantile levels that are fitted."""
FURTHEST = 6
"""Periods ahead that are learned; further ones take the spread of these, widened by the square root of distance."""
ROWS = 150_000
"""Rows drawn for a fit."""
OWN_SHARE, OWN_SHARE_A_YEAR = 0.5, 0.05
"""Share of the rows that is drawn from the panel itself when there are others: grows by the year, to a half."""
FEWEST_ROWS = 300
"""With fewer rows nothing is learned and nothing answered."""
TREES = 150
MOST_PANELS = 8
"""Other signals and diseases that are learned from: those with most movement against noise."""
LEAST_MOVEMENT = 1.15
"""Mean change over four periods, beside that over one, from which a panel is taken to move rather than to flicker."""
SHORTEST = 60
"""Periods that another panel must have to be learned from."""
SETTINGS: dict[str, Any] = {
    "objective": "quantile",
    "learning_rate": 0.06,
    "num_leaves": 31,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # the levels are fitted side by side instead: threads inside a tree stall on a busy machine
    "verbose": -1,
}


class Pooled(Model):
    """Pooled quantile regression; needs about a year of history over all places together.

    Rows are weighted by the square of the scaled value, between the scale of the learning and the scale on which people
    count, so that the weeks that matter to them are learned best.
    """

    name = "pooled"
    title = "Pooled quantile regression (LightGBM)"
    title_zh = "多地区联合分位数回归（LightGBM）"

    def __init__(self) -> None:
        self._boosters: list[lightgbm.Booster] = []

    def fit(self, panel: Panel) -> None:
        """Learn from the panel and those it carries; see :meth:`Model.fit`."""
        self._boosters = []
        if not panel.locations:
            return
        same = _moving([other for other in panel.also if other.cadence.kind == panel.cadence.kind])
        years = len(panel.starts) / panel.cadence.per_year
        own = min(OWN_SHARE, years * OWN_SHARE_A_YEAR) if same else 1.0
        drawn = [_rows(panel, 0, round(ROWS * own))]
        drawn += [_rows(other, i + 1, round(ROWS * (1 - own) / len(same))) for i, other in enumerate(same)]
        table, change, weight = (np.concatenate(part) for part in zip(*drawn, strict=True))
        table[:, ~_offered(panel)] = np.nan
        if change.size < FEWEST_ROWS or not np.ptp(change):
            return
        settings = SETTINGS | {"min_data_in_leaf": int(np.clip(change.size / 800, 10, 150))}
        data = lightgbm.Dataset(
            table, change, weight=weight, categorical_feature=[table.shape[1] - 1], params=settings, free_raw_data=False
        ).construct()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self._boosters = list(
                pool.map(lambda tau: lightgbm.train(settings | {"alpha": float(tau)}, data, TREES), LEARNED)
            )

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles from the last known value of each place; see :meth:`Model.predict`."""
        places, periods = panel.values.shape
        answer = np.full((places, len(horizons), TAUS.size), np.nan)
        if not self._boosters or not places:
            return answer
        grid = features.build(panel)
        last = np.minimum(periods - 1 - panel.gaps, periods - 1)
        there = np.nonzero(last >= 0)[0]
        base = np.stack(list(grid.columns.values()), axis=-1)[there, last[there]]
        now = grid.u[there, last[there]]
        for j, horizon in enumerate(horizons):
            ahead = horizon + panel.gaps[there]
            learned = np.minimum(ahead, FURTHEST)
            later = np.empty((there.size, 0))
            for step in np.unique(learned):
                block = np.stack(list(features.at_horizon(grid, int(step)).values()), axis=-1)[there, last[there]]
                later = np.full((there.size, block.shape[1]), np.nan) if later.size == 0 else later
                later[learned == step] = block[learned == step]
            table = np.column_stack([base, later, np.zeros(there.size)]).astype(np.float32)
            change = np.sort(np.stack([b.predict(table) for b in self._boosters], axis=-1), axis=-1)
            middle = change[:, [LEARNED.tolist().index(0.5)]]
            change = middle + (change - middle) * np.sqrt(ahead / learned)[:, None]
            every = PchipInterpolator(norm.ppf(LEARNED), change, axis=-1)(norm.ppf(TAUS))
            answer[there, j] = unroot(now[:, None] + every) * grid.size[there, None]
        return answer


def _offered(panel: Panel) -> NDArray[np.bool_]:
    """The columns that most places of a panel can offer at its end; what only others can is not to be learned."""
    grid = features.build(panel)
    ends = [values[:, -1 - FURTHEST :] for values in (*grid.columns.values(), *features.at_horizon(grid, 1).values())]
    offered = [np.isfinite(end).any(axis=1).mean() >= 0.5 for end in ends]
    return np.array([*offered, True])


def _moving(panels: Sequence[Panel]) -> list[Panel]:
    """The panels with most movement against noise: the change over four periods beside the change over one."""
    found = []
    for panel in panels:
        if len(panel.starts) < SHORTEST:
            continue
        u = root(panel.values / features.sizes(panel.values)[:, None])
        near, far = (np.abs(u - features.shifted(u, lag)) for lag in (1, 4))
        near, far = near[np.isfinite(near)], far[np.isfinite(far)]
        if near.size >= FEWEST_ROWS and near.sum() > 0 and far.mean() > LEAST_MOVEMENT * near.mean():
            found.append((float(far.mean() / near.mean()), panel.disease, panel.signal, panel))
    found.sort(key=lambda item: (-item[0], item[1], item[2]))
    return [panel for *_, panel in found[:MOST_PANELS]]


def _rows(panel: Panel, number: int, most: int) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Features with the panel number, change and weight of up to ``most`` rows, drawn by a fixed seed."""
    grid = features.build(panel)
    base = np.stack(list(grid.columns.values()), axis=-1).astype(np.float32)
    tables, changes, weights = [], [], []
    nearer = 1 / np.sqrt(np.arange(1, FURTHEST + 1))
    for ahead in range(1, FURTHEST + 1):
        later = np.stack(list(features.at_horizon(grid, ahead).values()), axis=-1).astype(np.float32)
        change = np.full_like(grid.u, np.nan)
        change[:, :-ahead] = grid.u[:, ahead:] - grid.u[:, :-ahead]
        known = np.argwhere(np.isfinite(change))
        drawn = np.random.default_rng([1, number, ahead]).permutation(len(known))[
            : round(most * nearer[ahead - 1] / nearer.sum())
        ]
        place, period = known[np.sort(drawn)].T
        tables.append(np.column_stack([base[place, period], later[place, period]]))
        changes.append(change[place, period])
        weights.append((grid.u[place, period] + 0.1) ** 2)
    table = np.concatenate(tables)
    return (
        np.column_stack([table, np.full(len(table), number, dtype=np.float32)]),
        np.concatenate(changes),
        np.concatenate(weights),
    )
