"""What stands around a forecast: nowcasts before it, totals that add up, joint paths, and answers about the season."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from salus.errors import InputError
from salus.forecasting.answer import new_model
from salus.forecasting.coherence import Coherent, Hierarchy, reconciled
from salus.forecasting.milestones import course, season_ahead, table
from salus.forecasting.model import Floats, Model
from salus.forecasting.nowcast import AGES, AfterRevision, needed, nowcast
from salus.forecasting.paths import DRAWS, Paths, anchored, changes, joint
from salus.forecasting.trajectories import FORGET, Trajectories
from salus.surveillance import seasons
from salus.surveillance.levels import LevelScheme
from salus.surveillance.panel import Panel
from salus.tables.contracts import MILESTONES, NOWCASTS
from salus.workflows.status import matrix

NOWCAST = ("auto", "on", "off")
"""When forecasts start from nowcasts: where first releases are far from what they become, always, never."""
_BANDS = {"lower95": 0.025, "lower50": 0.25, "median": 0.5, "upper50": 0.75, "upper95": 0.975}


def maker(
    model: str, nowcasts: str = "auto", *, coherent: bool = False, parents: Mapping[str, str | None] | None = None
) -> Callable[[], Model]:
    """How a model is made, with what is to stand around it.

    Parameters
    ----------
    model : str
        Registered name.
    nowcasts : {'auto', 'on', 'off'}
        When forecasts start from nowcasts.
    coherent : bool
        Whether parts add up to their totals.
    parents : mapping of str to str or None, optional
        Place that each place lies in.

    Returns
    -------
    callable
        Makes a fresh model that carries the name of the one asked for.

    Raises
    ------
    InputError
        ``nowcasts`` is none of the three.
    NameNotFoundError
        There is no such model.
    """
    around(new_model(model), nowcasts)
    return lambda: around(new_model(model), nowcasts, coherent=coherent, parents=parents)


def around(
    made: Model, nowcasts: str = "auto", *, coherent: bool = False, parents: Mapping[str, str | None] | None = None
) -> Model:
    """A model with what is to stand around it.

    Parameters
    ----------
    made : Model
        Fresh, or trained before.
    nowcasts, coherent, parents
        As for :func:`maker`.

    Returns
    -------
    Model
        It carries the name of the one inside.

    Raises
    ------
    InputError
        ``nowcasts`` is none of the three.
    """
    if nowcasts not in NOWCAST:
        raise InputError(f"--nowcast '{nowcasts}' is none of {', '.join(NOWCAST)}. Write one of them.")
    if nowcasts != "off":
        made = AfterRevision(made, where=needed if nowcasts == "auto" else None)
    return Coherent(made, parents or {}) if coherent else made


def nowcast_table(panel: Panel) -> pl.DataFrame | None:
    """Likely final values of the last periods.

    Parameters
    ----------
    panel : Panel
        What was known.

    Returns
    -------
    polars.DataFrame or None
        `nowcasts` contract, a row a place and period; None where the source does not say when each value was known.
    """
    if panel.vintages is None:
        return None
    found = nowcast(panel)
    q = found.quantiles(np.array(list(_BANDS.values())))
    rows = []
    for i, place in enumerate(panel.locations):
        for age in range(min(AGES, len(panel.starts)) if found.learned[i] else 0):
            value = panel.values[i, -1 - age]
            if np.isfinite(value):
                rows.append((place, panel.target_end(-age), value, *(float(x) for x in q[i, age])))
    schema = {name: NOWCASTS[name].dtype for name in ("location", "target_end_date", "value", *_BANDS)}
    return NOWCASTS.check(pl.DataFrame(rows, schema=schema, orient="row").sort("location", "target_end_date"))


def joint_paths(
    panel: Panel, shown: pl.DataFrame, draws: int = DRAWS, found: Hierarchy | None = None
) -> tuple[Paths, list[int]]:
    """Sample paths through the horizons of a forecast, places together.

    Parameters
    ----------
    panel : Panel
        What was known.
    shown : polars.DataFrame
        Quantile rows of the forecasts that are shown, the same horizons for each place.
    draws : int
        Paths.
    found : Hierarchy, optional
        Totals to which the parts are to add up in every path, of the places that are forecast.

    Returns
    -------
    paths : Paths
        With the margins of the forecast, those of parts as near as adding up lets them be.
    horizons : list of int
        Of its periods.
    """
    tasks, q = matrix(shown)
    horizons = tasks["horizon"].unique().sort().to_list()
    names = tasks["location"].unique(maintain_order=True).to_list()
    part = panel.without([p for p in panel.locations if p not in set(names)])
    quantiles = q.reshape(len(names), len(horizons), -1)
    past = changes(part, horizons)
    values = joint(quantiles, past, draws) if found is None else reconciled(quantiles, past, found, draws)[1]
    return Paths(part, part.locations, tuple(panel.target_end(h) for h in horizons), values), horizons


def milestones(
    panel: Panel, shown: pl.DataFrame, scheme: LevelScheme, model: str, *, adds_up: bool, run: int = 1
) -> pl.DataFrame:
    """Answers about the whole season: past seasons as trajectories, beginning with the forecast that is shown.

    Parameters
    ----------
    panel : Panel
        What was known.
    shown : polars.DataFrame
        Quantile rows of the forecasts that are shown.
    scheme : LevelScheme
        Levels, for onset and periods above.
    model : str
        Name of the model that is shown.
    adds_up : bool
        Whether values of several periods may be summed.
    run : int
        Periods in a row at or above a level's cut that make an onset.

    Returns
    -------
    polars.DataFrame
        `milestones` contract; without rows of places of which too few past seasons are known, and for days.
    """
    if panel.cadence.kind == "day":
        return MILESTONES.empty()
    found = seasons.find(panel.history(), panel.cadence)
    _, _, ahead = season_ahead(panel, found)
    paths = Trajectories().paths(panel, ahead)
    tasks, q = matrix(shown)
    horizons: Sequence[int] = tasks["horizon"].unique().sort().to_list()
    near = [h for i, h in enumerate(horizons) if h == i + 1 and h <= ahead]
    said = [panel.locations.index(p) for p in tasks["location"].unique(maintain_order=True)]
    rest = np.setdiff1d(np.arange(len(panel.locations)), said)
    paths[rest] = np.nan  # what can't be forecast for weeks can't be for the season
    if near:
        first: Floats = q.reshape(len(said), len(horizons), -1)[:, : len(near)]
        paths[said] = anchored(paths[said], first, FORGET[panel.cadence.kind])
    whole = course(panel, found, paths)
    return table(whole, model, panel, scheme.cuts, run=run, adds_up=adds_up)
