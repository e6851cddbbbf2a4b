"""What the pooled model looks at: for each place and period, from that period and earlier ones alone.

Every feature is computed on ``u``, the fourth root of the value over the place's own size (its 95th percentile), so
that places, signals and diseases can be learned from together.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salus.forecasting.scale import root
from salus.surveillance.panel import Panel

Floats = NDArray[np.float64]
YEARS_BACK = 5
"""Past years whose course around the same week is looked at."""
FEWEST_YEARS = 4
"""Past years from which a usual course can be told."""
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
    """

    u: Floats
    size: Floats
    columns: dict[str, Floats]
    season: int


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
    everywhere = _nanmean(u, axis=0)[None, :] * np.ones_like(u)
    _around(columns, "nation", everywhere, u)
    _around(columns, "neighbours", neighbours(u), u)
    spread = _nanstd(u - shifted(u, 2), axis=0)
    columns["nation_disagreement"] = spread[None, :] * np.ones_like(u)
    _calendar(columns, panel, u)
    columns["log_size"] = np.log(size)[:, None] * np.ones_like(u)
    people = np.log(panel.population)
    columns["log_people"] = people[:, None] * np.ones_like(u)
    return Grid(u, size, columns, season)


def at_horizon(grid: Grid, ahead: int) -> dict[str, Floats]:
    """Features of past years around the week that is forecast.

    Parameters
    ----------
    grid : Grid
        From :func:`build`.
    ahead : int
        Periods from the last known value to the one that is forecast.

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
    usual = _nanmean(change, axis=0) * enough
    return {
        "last_year_change": change[0] * enough,
        "past_change": usual,
        "past_change_everywhere": _nanmean(usual, axis=0)[None, :] * np.ones_like(u),
        "past_change_spread": _nanstd(change, axis=0) * enough,
        "past_level": (_nanmean(level, axis=0) - u) * enough,
        "past_max_level": (_nanmax(level, axis=0) - u) * enough,
        "ahead": np.full_like(u, float(ahead)),
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


def shifted(values: Floats, periods: int) -> Floats:
    """Values so many periods earlier, NaN where there were none.

    Parameters
    ----------
    values : numpy.ndarray, shape (..., periods)
        Any values.
    periods : int
        How far back; at least 0.
    """
    if periods == 0:
        return values
    moved = np.full_like(values, np.nan)
    if periods < values.shape[-1]:
        moved[..., periods:] = values[..., :-periods]
    return moved


def trailing_mean(values: Floats, width: int) -> Floats:
    """Mean of the last ``width`` periods, of those known; NaN where fewer than half are.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Any values.
    width : int
        Periods, this one included.
    """
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=-1)
    count = np.cumsum(known, axis=-1).astype(float)
    total[..., width:] = total[..., width:] - total[..., :-width]
    count[..., width:] = count[..., width:] - count[..., :-width]
    return np.where(count * 2 >= width, total / np.maximum(count, 1), np.nan)


def trailing_max(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Greatest of the last ``width`` periods, of those known, and how long ago it was.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Any values.
    width : int
        Periods, this one included.

    Returns
    -------
    greatest, since : numpy.ndarray, shape (places, periods)
        NaN where nothing is known in the window; ``since`` in periods, to the latest of equal ones.
    """
    greatest, since = np.full_like(values, -np.inf), np.full_like(values, np.nan)
    for back in range(min(width, values.shape[-1])):
        past = shifted(values, back)
        higher = past > greatest
        greatest = np.where(higher, past, greatest)
        since = np.where(higher, float(back), since)
    return np.where(np.isfinite(greatest), greatest, np.nan), since


def quadratic(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Slope at the end, and curvature, of a parabola through the last ``width`` periods.

    Parameters
    ----------
    values : numpy.ndarray, shape (places, periods)
        Any values; a window with a gap gives NaN.
    width : int
        Periods, this one included; at least 3.

    Returns
    -------
    slope, curvature : numpy.ndarray, shape (places, periods)
        Per period, and per period squared.
    """
    x = np.arange(-width + 1, 1.0)
    solve = np.linalg.pinv(np.stack([np.ones(width), x, x**2], axis=1))
    slope, curve = np.zeros_like(values), np.zeros_like(values)
    for back in range(width):
        past = shifted(values, back)
        slope += solve[1, width - 1 - back] * past
        curve += solve[2, width - 1 - back] * past
    return slope, curve


def _around(columns: dict[str, Floats], name: str, values: Floats, u: Floats) -> None:
    columns[f"{name}_level"] = values - u
    for lag in (1, 2, 4):
        columns[f"{name}_change_{lag}"] = values - shifted(values, lag)


def _calendar(columns: dict[str, Floats], panel: Panel, u: Floats) -> None:
    middle = np.array([(s.timetuple().tm_yday - 1) / 365.25 for s in panel.starts])
    angle = 2 * np.pi * middle
    wide = np.ones((u.shape[0], 1))
    columns["season_sine"], columns["season_cosine"] = wide * np.sin(angle), wide * np.cos(angle)
    days = np.array([(s - s.replace(month=12, day=25)).days for s in panel.starts], dtype=float)
    days = np.where(days < -182, days + 365, days)
    columns["days_from_christmas"] = wide * days


def _nanmean(values: Floats, axis: int) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def _nanstd(values: Floats, axis: int) -> Floats:
    mean = np.expand_dims(_nanmean(values, axis), axis)
    return np.sqrt(_nanmean((values - mean) ** 2, axis))


def _nanmax(values: Floats, axis: int) -> Floats:
    known = np.isfinite(values)
    greatest = np.where(known, values, -np.inf).max(axis=axis)
    return np.where(known.any(axis=axis), greatest, np.nan)
