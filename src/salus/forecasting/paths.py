"""Joint paths: samples over several periods and places whose every margin is the forecast that is shown.

Each margin is laid out at evenly spread probabilities, so it is kept as it is; how the margins go together is told by
ranks alone (Clark, Gangopadhyay, Hay, Rajagopalan, Wilby: The Schaake shuffle, Journal of Hydrometeorology 2004, 5(1),
243-262), here those of a Gaussian copula that is learned from past changes, or from past forecasts' errors.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import norm, rankdata

from salus.errors import InputError
from salus.forecasting.model import TAUS, Floats
from salus.forecasting.scale import root, unroot
from salus.surveillance.panel import Panel
from salus.tables.contracts import FORECASTS

DRAWS = 200
"""Paths drawn."""
OWN = 0.8
"""Share of the dependence that is each pair's own; the rest is that of all places together, which knows no place."""
FEWEST = 20
"""Past origins below which the horizons are taken to go together as those of a random walk do."""


@dataclass(frozen=True)
class Paths:
    """Equally likely courses of the next periods.

    Attributes
    ----------
    panel : Panel
        What was known.
    locations : tuple of str
        Places, in the order of the array.
    ends : tuple of datetime.date
        Last days of the periods.
    values : numpy.ndarray, shape (places, draws, periods)
        In the signal's unit, at least 0. Draws of one number belong together across places.
    """

    panel: Panel
    locations: tuple[str, ...]
    ends: tuple[dt.date, ...]
    values: Floats

    def table(self, model: str, horizons: Sequence[int]) -> pl.DataFrame:
        """The paths as `sample` rows.

        Parameters
        ----------
        model : str
            Name of the model whose margins they have.
        horizons : sequence of int
            The horizon of each period.

        Returns
        -------
        polars.DataFrame
            `forecasts` contract; ``output_type_id`` is the number of the path, from 0.
        """
        places, draws, steps = self.values.shape
        frame = pl.DataFrame(
            {
                "location": np.repeat(np.array(self.locations, dtype=object), draws * steps).tolist(),
                "output_type_id": np.tile(np.repeat(np.arange(draws).astype(str), steps), places).tolist(),
                "horizon": np.tile(np.array(horizons, dtype=np.int64), places * draws),
                "target_end_date": list(self.ends) * (places * draws),
                "value": self.values.ravel(),
            },
            schema_overrides={"location": pl.String, "output_type_id": pl.String, "target_end_date": pl.Date},
        )
        return frame.with_columns(
            pl.lit(model).alias("model"),
            pl.lit(self.panel.reference_date).alias("reference_date"),
            pl.lit(self.panel.disease).alias("disease"),
            pl.lit(self.panel.signal).alias("signal"),
            pl.lit("sample").alias("output_type"),
        ).select(FORECASTS.names)


def changes(panel: Panel, horizons: Sequence[int]) -> Floats:
    """Past changes over each horizon, from which it is learned how horizons and places go together.

    Parameters
    ----------
    panel : Panel
        What was known.
    horizons : sequence of int
        Periods ahead, from 1.

    Returns
    -------
    numpy.ndarray, shape (origins, places, horizons)
        On the fourth-root scale; NaN where unknown.
    """
    values = root(panel.values)
    count = max(values.shape[1] - max(horizons), 0)
    found = [values[:, h : h + count] - values[:, :count] for h in horizons]
    return np.moveaxis(np.array(found), (0, 1, 2), (2, 1, 0)) if count else np.empty((0, len(values), len(horizons)))


def joint(quantiles: Floats, past: Floats, draws: int = DRAWS, *, seed: int = 1) -> Floats:
    """Samples that have the margins given, and go together as past changes or errors did.

    Parameters
    ----------
    quantiles : numpy.ndarray, shape (places, horizons, 23)
        Margins, not decreasing.
    past : numpy.ndarray, shape (origins, places, horizons)
        Past changes or errors, of which only ranks within place and horizon count; NaN where unknown.
    draws : int
        How many samples; at least 2.
    seed : int
        Of the draws.

    Returns
    -------
    numpy.ndarray, shape (places, draws, horizons)
        Sorted along the draws, each place and horizon holds the margin's values at ``draws`` evenly spread levels,
        whatever the past and the seed.

    Raises
    ------
    InputError
        Shapes differ.

    Examples
    --------
    >>> margins = np.stack([norm.ppf(TAUS) + 5, 2 * norm.ppf(TAUS) + 9])[None]
    >>> together = np.arange(50.0)[:, None, None] * np.ones((1, 1, 2))
    >>> paths = joint(margins, together, 100)
    >>> float(np.corrcoef(paths[0].T)[0, 1].round(1))
    1.0
    """
    places, horizons, _ = quantiles.shape
    if past.shape[1:] != (places, horizons):
        raise InputError(
            f"the past is of {past.shape[1]} places and {past.shape[2]} horizons, the quantiles of {places} and "
            f"{horizons}. Give both of the same."
        )
    answer = np.sort(at_levels(quantiles, (np.arange(draws) + 0.5) / draws), axis=2)
    order = np.argsort(np.argsort(_together(past, draws, seed), axis=0, kind="stable"), axis=0, kind="stable")
    return np.take_along_axis(np.moveaxis(answer, 2, 1), np.moveaxis(order, 0, 1), axis=1)


def anchored(paths: Floats, quantiles: Floats, fade: float) -> Floats:
    """Paths whose first periods have the margins of a forecast, and whose later ones go on from there.

    Parameters
    ----------
    paths : numpy.ndarray, shape (places, draws, periods)
        Paths of at least as many periods as the forecast has horizons, at least 0; NaN where there are none.
    quantiles : numpy.ndarray, shape (places, horizons, 23)
        The forecast of the first periods.
    fade : float
        Share of the move of the last anchored period that each later one keeps of the one before, on the fourth-root
        scale.

    Returns
    -------
    numpy.ndarray, shape (places, draws, periods)
        In each anchored period the draws keep their order.
    """
    draws, near = paths.shape[1], quantiles.shape[1]
    order = np.argsort(np.argsort(paths[:, :, :near], axis=1, kind="stable"), axis=1, kind="stable")
    margins = np.sort(at_levels(quantiles, (np.arange(draws) + 0.5) / draws), axis=2)
    first = np.take_along_axis(np.moveaxis(margins, 2, 1), order, axis=1)
    moved = root(first[:, :, -1:]) - root(paths[:, :, near - 1 : near])
    later = unroot(root(paths[:, :, near:]) + moved * fade ** np.arange(1, paths.shape[2] - near + 1))
    return np.where(np.isfinite(paths), np.concatenate([first, later], axis=2), np.nan)


def at_levels(quantiles: Floats, levels: Floats) -> Floats:
    """Values of distributions at any levels: straight lines between quantiles on the normal scale, their slope beyond.

    Parameters
    ----------
    quantiles : numpy.ndarray, shape (..., 23)
        At :data:`salus.forecasting.model.TAUS`.
    levels : numpy.ndarray, shape (levels,)
        In (0, 1).

    Returns
    -------
    numpy.ndarray, shape (..., levels)
        At least 0 where no quantile is negative.
    """
    known, asked = norm.ppf(TAUS), norm.ppf(levels)
    above = np.clip(np.searchsorted(known, asked), 1, known.size - 1)
    share = (asked - known[above - 1]) / (known[above] - known[above - 1])
    low, high = quantiles[..., above - 1], quantiles[..., above]
    found = low + share * (high - low)
    return np.where(quantiles[..., :1] >= 0, np.maximum(found, 0.0), found)


def _together(past: Floats, draws: int, seed: int) -> Floats:
    """Normal scores that go together as the past did, shape (draws, places, horizons)."""
    chance = np.random.default_rng(seed)
    places, horizons = past.shape[1:]
    common = _of_all(past)
    alone = chance.standard_normal((draws, places, horizons)) @ np.linalg.cholesky(common).T
    if past.shape[0] < FEWEST:
        return alone
    scores = normal_scores(past)
    mixed = np.einsum("dt,tph->dph", chance.standard_normal((draws, len(past))), scores) / np.sqrt(len(past))
    return np.sqrt(OWN) * mixed + np.sqrt(1 - OWN) * alone


def _of_all(past: Floats) -> Floats:
    """How the horizons go together in all places; those of a random walk where too little is known."""
    horizons = past.shape[2]
    rows = normal_scores(past).reshape(-1, horizons)
    whole = rows[np.isfinite(past).all(axis=2).ravel()]
    if len(whole) < FEWEST or not np.ptp(whole, axis=0).all():
        steps = np.arange(1.0, horizons + 1)
        return np.sqrt(np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps))
    return np.asarray(0.999 * np.corrcoef(whole.T).reshape(horizons, horizons) + 0.001 * np.eye(horizons))


def normal_scores(past: Floats) -> Floats:
    """Ranks within each place and horizon as values of a standard normal; 0 where unknown.

    Parameters
    ----------
    past : numpy.ndarray, shape (origins, places, horizons)
        Any values; NaN where unknown.
    """
    known = np.isfinite(past)
    count = known.sum(axis=0)
    rank = rankdata(np.where(known, past, np.inf), axis=0)
    level = np.where(known, (rank - 0.5) / np.maximum(count, 1), 0.5)
    return np.asarray(norm.ppf(level))
