"""What pooled models learn from: rows of features with the change that followed, drawn from all panels at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salus.forecasting import features
from salus.forecasting.features import FURTHEST, Grid
from salus.forecasting.scale import root
from salus.forecasting.windows import shifted
from salus.surveillance.panel import Panel
from salus.surveillance.signals import unit

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
OWN_SHARE, OWN_SHARE_A_YEAR = 0.5, 0.05
"""Share of the rows that is drawn from the panel itself when there are others: grows by the year, to a half."""
MOST_PANELS = 8
"""Other signals and diseases that are learned from: those with most movement against noise."""
LEAST_MOVEMENT = 1.15
"""Mean change over four periods, beside that over one, from which a panel is taken to move rather than to flicker."""
SHORTEST = 60
"""Periods that another panel must have to be learned from."""
FEWEST_CHANGES = 300
"""Changes that another panel must show to be learned from."""
FLOOR = 0.1
"""Added to a row's level for its weight: a place at nothing still counts."""
OFFERED = 0.5
"""Share of the places that must be able to offer a feature at the panel's end for it to be learned."""


@dataclass(frozen=True)
class Rows:
    """Rows to learn from.

    Attributes
    ----------
    table : numpy.ndarray, shape (rows, features)
        Features, 32-bit; NaN where unknown.
    change : numpy.ndarray, shape (rows,)
        Change from the row's period to the one that followed ``ahead`` periods later, on the common scale.
    weight : numpy.ndarray, shape (rows,)
        Weight in learning: the scaled value itself, between the scale of learning and that on which people count.
    level : numpy.ndarray, shape (rows,)
        Value at the row's period, on the common scale.
    ahead : numpy.ndarray, shape (rows,)
        Periods ahead.
    year : numpy.ndarray, shape (rows,)
        Years from the row's period to the end of its panel, and those from the target's period: whole numbers.
    panel : numpy.ndarray, shape (rows,)
        0 for the panel that is forecast, 1 and so on for others.
    """

    table: Table
    change: Floats
    weight: Floats
    level: Floats
    ahead: NDArray[np.int64]
    year: NDArray[np.int64]
    target_year: NDArray[np.int64]
    panel: NDArray[np.int64]

    def where(self, keep: NDArray[np.bool_]) -> Rows:
        """Some of the rows.

        Parameters
        ----------
        keep : numpy.ndarray of bool, shape (rows,)
            Those to keep.
        """
        return Rows(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Question:
    """What is asked at the end of a panel: a row a place and horizon.

    Attributes
    ----------
    table : numpy.ndarray, shape (rows, features)
        Features at the place's last known value.
    place, horizon : numpy.ndarray, shape (rows,)
        Which place and which of the horizons asked, by number.
    level, size : numpy.ndarray, shape (rows,)
        Last known value on the common scale; the place's size in the signal's unit.
    ahead, learned : numpy.ndarray, shape (rows,)
        Periods from the last known value to the target, and those of them that are learned.
    names : tuple of str
        Of the features.
    """

    table: Table
    place: NDArray[np.int64]
    horizon: NDArray[np.int64]
    level: Floats
    size: Floats
    ahead: NDArray[np.int64]
    learned: NDArray[np.int64]
    names: tuple[str, ...]


def draw(panel: Panel, most: int, seed: int = 1) -> Rows:
    """Rows from a panel and those that it carries.

    Parameters
    ----------
    panel : Panel
        What is to be forecast, as known.
    most : int
        Rows in all, about; fewer where there are fewer.
    seed : int
        Which rows.

    Returns
    -------
    Rows
        Nearer horizons have more rows than further ones.
    """
    others = companions(panel)
    years = len(panel.starts) / panel.cadence.per_year
    own = min(OWN_SHARE, years * OWN_SHARE_A_YEAR) if others else 1.0
    drawn = [_rows(panel, 0, most * own, seed)]
    drawn += [_rows(other, i + 1, most * (1 - own) / len(others), seed) for i, other in enumerate(others)]
    return Rows(*(np.concatenate([getattr(r, name) for r in drawn]) for name in Rows.__dataclass_fields__))


def ask(panel: Panel, horizons: Sequence[int]) -> Question:
    """What is asked of each place that has any value.

    Parameters
    ----------
    panel : Panel
        What was known.
    horizons : sequence of int
        Periods ahead, from 1.

    Returns
    -------
    Question
        Places without any value have no row.
    """
    grid = features.build(panel)
    last = panel.values.shape[1] - 1 - panel.gaps
    there = np.nonzero(last >= 0)[0]
    place, horizon = np.repeat(there, len(horizons)), np.tile(np.arange(len(horizons)), there.size)
    ahead = np.asarray(horizons, dtype=np.int64)[horizon] + panel.gaps[place]
    learned = np.minimum(ahead, FURTHEST)
    named = (*grid.columns, *features.at_horizon(grid, 1))
    table = np.empty((place.size, len(named)), np.float32)
    for step in np.unique(learned):
        these = learned == step
        table[these] = _table(grid, int(step), place[these], last[place[these]])
    return Question(table, place, horizon, grid.u[place, last[place]], grid.size[place], ahead, learned, named)


def recent(panel: Panel, periods: int, most: int) -> tuple[Rows, NDArray[np.int64]]:
    """Rows of the panel's last periods whose outcome is known by now: what a forecast can be held against.

    Parameters
    ----------
    panel : Panel
        What was known.
    periods : int
        How far back the outcomes go.
    most : int
        Rows in all; of more, so many are drawn.

    Returns
    -------
    rows : Rows
        Of all places and horizons; ``year`` and ``target_year`` are not told.
    since : numpy.ndarray, shape (rows,)
        Periods from the outcome to the panel's end.
    """
    grid = features.build(panel)
    end = panel.values.shape[1] - 1
    first = max(end - periods + 1, 0)
    parts = []
    for ahead in range(1, FURTHEST + 1):
        change = _change(grid, ahead)
        place, period = np.argwhere(np.isfinite(change)).T
        place, period = place[period + ahead >= first], period[period + ahead >= first]
        nothing = np.zeros(place.size, np.int64)
        level = grid.u[place, period]
        parts.append((_table(grid, ahead, place, period), change[place, period], level + FLOOR, level, nothing + ahead,
                      nothing, nothing, nothing, end - period - ahead))  # fmt: skip
    *columns, since = (np.concatenate(column) for column in zip(*parts, strict=True))
    drawn = np.sort(np.random.default_rng(1).permutation(since.size)[:most])
    return Rows(*(column[drawn] for column in columns)), since[drawn]


def names(panel: Panel) -> list[str]:
    """Names of the features, in the order of the columns.

    Parameters
    ----------
    panel : Panel
        Any.
    """
    grid = features.build(panel)
    return [*grid.columns, *features.at_horizon(grid, 1)]


def offered(panel: Panel) -> NDArray[np.bool_]:
    """The features that most places of a panel can offer at its end; what only others can is not to be learned.

    Parameters
    ----------
    panel : Panel
        What is to be forecast.

    Returns
    -------
    numpy.ndarray of bool, shape (features,)
        In the order of :func:`names`.
    """
    grid = features.build(panel)
    ends = [values[:, -1 - FURTHEST :] for values in (*grid.columns.values(), *features.at_horizon(grid, 1).values())]
    return np.array([np.isfinite(end).any(axis=1).mean() >= OFFERED for end in ends])


def companions(panel: Panel) -> list[Panel]:
    """The carried panels that are worth learning from.

    Those of the panel's cadence that move rather than flicker; where some of them count as the panel does (cases with
    cases, rates with rates), those alone: rates jump by other steps than counts.

    Parameters
    ----------
    panel : Panel
        What is to be forecast.

    Returns
    -------
    list of Panel
        At most :data:`MOST_PANELS`, most movement first.
    """
    counts = unit(panel.signal).adds_up
    same = [other for other in panel.also if other.cadence.kind == panel.cadence.kind]
    alike = [other for other in same if unit(other.signal).adds_up == counts]
    return moving(alike) or moving(same)


def moving(panels: Sequence[Panel]) -> list[Panel]:
    """The panels with most movement against noise: the change over four periods beside the change over one.

    Parameters
    ----------
    panels : sequence of Panel
        Any.

    Returns
    -------
    list of Panel
        At most :data:`MOST_PANELS`, most movement first; those that only flicker are left out.
    """
    found = []
    for panel in panels:
        if len(panel.starts) < SHORTEST:
            continue
        u = root(panel.values / features.sizes(panel.values)[:, None])
        near, far = (np.abs(u - shifted(u, lag)) for lag in (1, 4))
        near, far = near[np.isfinite(near)], far[np.isfinite(far)]
        if near.size >= FEWEST_CHANGES and near.sum() > 0 and far.mean() > LEAST_MOVEMENT * near.mean():
            found.append((float(far.mean() / near.mean()), panel.disease, panel.signal, panel))
    found.sort(key=lambda item: (-item[0], item[1], item[2]))
    return [panel for *_, panel in found[:MOST_PANELS]]


def _change(grid: Grid, ahead: int) -> Floats:
    """Change from each period to the one so many ahead; NaN where either is unknown."""
    change = np.full_like(grid.u, np.nan)
    change[:, :-ahead] = grid.u[:, ahead:] - grid.u[:, :-ahead]
    return change


def _table(grid: Grid, ahead: int, place: NDArray[np.int64], period: NDArray[np.int64]) -> Table:
    """Features of some places and periods, for one horizon."""
    columns = (*grid.columns.values(), *features.at_horizon(grid, ahead).values())
    return np.stack([column[place, period] for column in columns], axis=-1).astype(np.float32)


def _rows(panel: Panel, number: int, most: float, seed: int) -> Rows:
    """Up to ``most`` rows of one panel, drawn by the seed."""
    grid = features.build(panel)
    years = ((len(panel.starts) - 1 - np.arange(len(panel.starts))) // round(panel.cadence.per_year)).astype(np.int64)
    nearer = 1 / np.sqrt(np.arange(1, FURTHEST + 1))
    parts = []
    for ahead in range(1, FURTHEST + 1):
        change = _change(grid, ahead)
        known = np.argwhere(np.isfinite(change))
        order = np.random.default_rng([seed, number, ahead]).permutation(len(known))
        place, period = known[np.sort(order[: round(most * nearer[ahead - 1] / nearer.sum())])].T
        level = grid.u[place, period]
        parts.append(
            (
                _table(grid, ahead, place, period),
                change[place, period],
                level + FLOOR,
                level,
                np.full(place.size, ahead),
                years[period],
                years[np.minimum(period + ahead, years.size - 1)],
                np.full(place.size, number),
            )
        )
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
