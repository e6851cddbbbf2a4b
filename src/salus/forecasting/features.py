"""What the pooled models look at: for each place and period, from that period and earlier ones alone.

Every feature is computed on ``u``, the fourth root of the value over the place's own size (its 95th percentile), so
that places, signals and diseases can be learned from together.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salus.forecasting import calendar
from salus.forecasting.scale import root
from salus.forecasting.windows import (
    known_max,
    known_mean,
    known_spread,
    quadratic,
    shifted,
    trailing_max,
    trailing_mean,
)
from salus.surveillance.panel import Panel

Floats = NDArray[np.float64]
FURTHEST = 4
"""Periods ahead that are learned; further ones take the spread of these, widened by the square root of distance."""
YEARS_BACK = 5
"""Past years whose course around the same week is looked at."""
FEWEST_YEARS = 4
"""Past years from which a usual course can be told."""
FAINT = 1e-3
"""Share of a place's size that is added before a logarithm is taken, so that zeros have one."""
NEIGHBOURS = 6
"""Places, most alike in their past changes, that count as neighbours."""


@dataclass(frozen=True)
class Grid:
    """A panel on the common scale.

    Attributes
    ----------
    u : numpy.ndarray, shape (places, periods)
        Fourth root of value over size; NaN where unknown.
    size : numpy.ndarray, shape (places,)
        95th percentile of the known values, in the signal's unit.
    columns : dict of str to numpy.ndarray, shape (places, periods)
        Features that do not depend on the horizon.
    season : int
        Periods after which the season repeats.
    ahead : tuple of dict
        What calendars tell of the period so many ahead, from one; a value a period, or one a place and period.
    """

    u: Floats
    size: Floats
    columns: dict[str, Floats]
    season: int
    ahead: tuple[dict[str, Floats], ...] = ()


def sizes(values: Floats) -> Floats:
    """Size of each place: the 95th percentile of what is known, never under a fiftieth of the panel's median size.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Values; NaN where unknown.

    Returns
    -------
    numpy.ndarray, shape (places,)
        In the signal's unit; 1 where nothing but zeros is known anywhere.
    """
    if values.shape[1] == 0:
        return np.ones(values.shape[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a place without any value has no percentile
        size = np.nanquantile(values, 0.95, axis=1)
    if not (size > 0).any():
        return np.ones(values.shape[0])
    typical = np.median(size[size > 0])
    return np.where(np.isfinite(size), np.maximum(size, typical / 50), typical)


def build(panel: Panel) -> Grid:
    """All features of a panel.

    Parameters
    ----------
    panel : Panel
        What was known; only its own values are looked at, not those of ``panel.also``.

    Returns
    -------
    Grid
        Features at every place and period, each from that period and earlier ones.
    """
    size = sizes(panel.values)
    u = root(panel.values / size[:, None])
    season = panel.cadence.season_length if panel.cadence.kind != "day" else 364
    columns: dict[str, Floats] = {"level": u}
    for lag in range(1, 7):
        columns[f"change_{lag}"] = u - shifted(u, lag)
    columns["step_1"] = shifted(u, 1) - shifted(u, 2)
    columns["step_2"] = shifted(u, 2) - shifted(u, 3)
    for width in (2, 4, 8):
        columns[f"mean_{width}"] = trailing_mean(u, width) - u
    for width in (4, 6, 10):
        slope, curve = quadratic(u, width)
        columns[f"slope_{width}"], columns[f"curve_{width}"] = slope, curve
    step = u - shifted(u, 1)
    columns["jerk_6"] = trailing_mean(np.abs(step - shifted(step, 1)), 6)
    columns["roughness_8"] = trailing_mean(np.abs(step), 8)
    columns["roughness_year"] = trailing_mean(np.abs(step), season)
    half_year_max, columns["since_half_year_max"] = trailing_max(u, season // 2)
    columns["below_half_year_max"] = half_year_max - u
    columns["below_year_max"] = trailing_max(u, season)[0] - u
    columns["above_half_year_min"] = u + trailing_max(-u, season // 2)[0]
    mass = u**4
    recent, before = trailing_mean(mass, season), shifted(trailing_mean(mass, season), season)
    columns["year_mass"] = root(recent)
    columns["year_mass_before"] = root(before)
    columns["half_year_mass"] = root(trailing_mean(mass, season // 2))
    columns["below_highest"] = np.fmax.accumulate(np.nan_to_num(u, nan=-np.inf), axis=1) - u
    for lag in (1, 2):
        columns[f"growth_{lag}"] = np.log((mass + FAINT) / (shifted(mass, lag) + FAINT))
    _together(columns, u, step)
    around = neighbours(u)
    _around(columns, "neighbours", around, u)
    columns["neighbours_slope_4"], columns["neighbours_curve_4"] = quadratic(around, 4)
    spread = known_spread(u - shifted(u, 2), axis=0)
    columns["nation_disagreement"] = spread[None, :] * np.ones_like(u)
    for name, row in calendar.now(panel).items():
        columns[name] = row[None, :] * np.ones_like(u)
    columns["log_size"] = np.log(size)[:, None] * np.ones_like(u)
    people = np.log(panel.population)
    columns["log_people"] = people[:, None] * np.ones_like(u)
    _driven(columns, panel, season)
    later = tuple(calendar.later(panel, ahead) | _driven_later(panel, ahead) for ahead in range(1, FURTHEST + 1))
    return Grid(u, size, columns, season, later)


def _driven(columns: dict[str, Floats], panel: Panel, season: int) -> None:
    """Drivers of the last periods, and how far from the usual at this time of year; in the place's own spread."""
    for driver in panel.drivers:
        if driver.later:
            columns[f"driver_{driver.name}_0"] = driver.values
            columns[f"driver_{driver.name}_before"] = shifted(driver.values, 1)
            continue
        known = driver.values[np.isfinite(driver.values)]
        values = root(driver.values) if known.size and known.min() >= 0 else driver.values
        centre, spread = known_mean(values, axis=1)[:, None], known_spread(values, axis=1)[:, None]
        scaled = (values - centre) / np.maximum(spread, 1e-9)
        for lag in (0, 2, 4):
            columns[f"driver_{driver.name}_{lag}"] = shifted(scaled, lag)
        columns[f"driver_{driver.name}_mean_4"] = trailing_mean(scaled, 4)
        past = np.stack([shifted(scaled, season * year) for year in range(1, YEARS_BACK + 1)])
        columns[f"driver_{driver.name}_unusual"] = scaled - known_mean(past, axis=0)


def _driven_later(panel: Panel, ahead: int) -> dict[str, Floats]:
    """What is known before it comes, in the period so many ahead and in the one before that."""
    found: dict[str, Floats] = {}
    for driver in panel.drivers:
        if driver.later:
            found[f"driver_{driver.name}_target"] = driver.later[ahead - 1]
            found[f"driver_{driver.name}_target_before"] = driver.later[ahead - 2] if ahead > 1 else driver.values
    return found


def at_horizon(grid: Grid, ahead: int) -> dict[str, Floats]:
    """Features of the week that is forecast: its calendar, and past years around it.

    Parameters
    ----------
    grid : Grid
        From :func:`build`.
    ahead : int
        Periods from the last known value to the one that is forecast, at most :data:`FURTHEST`.

    Returns
    -------
    dict of str to numpy.ndarray, shape (places, periods)
        Change of last year from here to there, its mean and spread over the past years, and the mean level there; NaN
        where fewer than :data:`FEWEST_YEARS` past years are known.
    """
    u, season = grid.u, grid.season
    changes, levels = [], []
    for year in range(1, YEARS_BACK + 1):
        if season * year < ahead:
            continue
        then = shifted(u, season * year - ahead)
        changes.append(then - shifted(u, season * year))
        levels.append(then)
    change, level = np.stack(changes), np.stack(levels)
    enough = np.where(np.isfinite(change).sum(axis=0) >= FEWEST_YEARS, 1.0, np.nan)
    usual = known_mean(change, axis=0) * enough
    return {
        "last_year_change": change[0] * enough,
        "past_change": usual,
        "past_change_everywhere": known_mean(usual, axis=0)[None, :] * np.ones_like(u),
        "past_change_spread": known_spread(change, axis=0) * enough,
        "past_level": (known_mean(level, axis=0) - u) * enough,
        "past_max_level": (known_max(level, axis=0) - u) * enough,
        "ahead": np.full_like(u, float(ahead)),
        **{name: np.broadcast_to(row, u.shape) for name, row in grid.ahead[ahead - 1].items()},
    }


def neighbours(u: Floats) -> Floats:
    """Mean of the places whose past changes went most alike.

    Parameters
    ----------
    u : numpy.ndarray, shape (places, periods)
        Values on the common scale.

    Returns
    -------
    numpy.ndarray, shape (places, periods)
        Weighted mean of up to :data:`NEIGHBOURS` other places; NaN where there is none.
    """
    places, periods = u.shape
    if places < 3 or periods < 12:
        return np.full_like(u, np.nan)
    change = u - shifted(u, 2)
    known = np.isfinite(change)
    centred = np.where(known, change, 0.0)
    norm = np.sqrt((centred**2).sum(axis=1))
    alike = centred @ centred.T / np.maximum(np.outer(norm, norm), 1e-9)
    np.fill_diagonal(alike, -1.0)
    weight = np.zeros_like(alike)
    for p in range(places):
        best = np.argsort(-alike[p], kind="stable")[: min(NEIGHBOURS, places - 1)]
        weight[p, best] = np.maximum(alike[p, best], 0.05)
    there = np.isfinite(u).astype(float)
    total = weight @ there
    return np.where(total > 0, weight @ np.where(there > 0, u, 0.0) / np.maximum(total, 1e-9), np.nan)


def _together(columns: dict[str, Floats], u: Floats, step: Floats) -> None:
    """All places together: mean on the common scale, and the growth of their summed share."""
    wide = np.ones_like(u)
    _around(columns, "nation", known_mean(u, axis=0)[None, :] * wide, u)
    mass = known_mean(u**4, axis=0)[None, :]
    level = root(mass)
    columns["nation_root"] = level * wide
    for lag in (1, 2, 3):
        columns[f"nation_growth_{lag}"] = np.log((mass + FAINT) / (shifted(mass, lag) + FAINT)) * wide
    for width in (4, 6):
        slope, curve = quadratic(level, width)
        columns[f"nation_slope_{width}"], columns[f"nation_curve_{width}"] = slope * wide, curve * wide
    rising = np.where(np.isfinite(step), (step > 0).astype(float), np.nan)
    columns["share_rising"] = known_mean(rising, axis=0)[None, :] * wide


def _around(columns: dict[str, Floats], name: str, values: Floats, u: Floats) -> None:
    columns[f"{name}_level"] = values - u
    for lag in (1, 2, 4):
        columns[f"{name}_change_{lag}"] = values - shifted(values, lag)
