"""The contract of a forecasting model: one class, fitted and asked on what was known on one day.

A model is one file with one class and one entry point under ``salus.models``. It is handed a
:class:`~salus.surveillance.panel.Panel` and nothing else; it answers with the 23 quantiles of each place and horizon.
Every registered model is tested for schema, determinism, leaks, order of places, scale, and short or empty input.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.errors import InputError
from salus.surveillance.panel import Panel
from salus.tables.contracts import FORECASTS, LEVELS

Floats = NDArray[np.float64]
TAUS: Floats = np.array(LEVELS)
"""The quantile levels that a model answers for, ascending, shape (23,)."""


class Model(abc.ABC):
    """Base of every forecasting model.

    Attributes
    ----------
    name : str
        The registered name.
    title, title_zh : str
        What a bulletin calls it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    title_zh: ClassVar[str]

    def fit(self, panel: Panel) -> None:
        """Learn from what was known on the panel's reference date; models that learn nothing keep this.

        Parameters
        ----------
        panel : Panel
            What was known; its `also` panels are there to learn from.
        """

    def state(self) -> dict[str, Any]:
        """What was learned, for a file; empty where nothing was.

        Returns
        -------
        dict
            Of what JSON holds: texts, numbers, lists and dicts.
        """
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` gave, instead of fitting.

        Parameters
        ----------
        state : dict
            Of the same model.
        """
        raise InputError(f"the model '{self.name}' learns nothing that could be taken up. Forecast with --model.")

    def explain(self, panel: Panel, horizons: Sequence[int]) -> pl.DataFrame | None:
        """What moves the median forecast of each place and horizon, by kind of evidence.

        Parameters
        ----------
        panel, horizons
            As for :meth:`predict`.

        Returns
        -------
        polars.DataFrame or None
            ``location``, ``horizon``, ``kind`` (a key of :data:`salus.forecasting.reasons.KINDS`) and ``share``: by how
            much the kind moves the change that is expected, on the model's own scale; above zero upward. None where a
            model can't tell.
        """
        return None

    @abc.abstractmethod
    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles of each place and horizon.

        Parameters
        ----------
        panel : Panel
            What was known on the reference date, the same places or others than those fitted on. Values at the end may
            be missing (``panel.gaps``): horizons count from the panel's last period all the same.
        horizons : sequence of int
            Periods after the panel's last, from 1.

        Returns
        -------
        numpy.ndarray, shape (places, horizons, 23)
            Quantiles in the signal's unit, at :data:`TAUS`; NaN for a place that can't be answered.
        """


def tidy(quantiles: Floats) -> Floats:
    """Quantiles that never cross and never fall below zero.

    Parameters
    ----------
    quantiles : numpy.ndarray, shape (..., 23)
        Raw quantiles; a vector with any NaN becomes all NaN.

    Returns
    -------
    numpy.ndarray
        Same shape, sorted along the last axis and at least 0.
    """
    broken = ~np.isfinite(quantiles).all(axis=-1, keepdims=True)
    return np.where(broken, np.nan, np.sort(np.maximum(np.where(broken, 0.0, quantiles), 0.0), axis=-1))


def to_table(model: str, panel: Panel, horizons: Sequence[int], quantiles: Floats) -> pl.DataFrame:
    """Quantiles as rows of the `forecasts` contract.

    Parameters
    ----------
    model : str
        Name of the model.
    panel : Panel
        What was asked on.
    horizons : sequence of int
        The horizons, in the order of the array.
    quantiles : numpy.ndarray, shape (places, horizons, 23)
        From :meth:`Model.predict`; places that are NaN are left out.

    Returns
    -------
    polars.DataFrame
        23 rows a place and horizon.
    """
    clean = tidy(quantiles)
    places, steps, count = clean.shape
    frame = pl.DataFrame(
        {
            "location": np.repeat(np.array(panel.locations, dtype=object), steps * count).tolist(),
            "horizon": np.tile(np.repeat(np.array(horizons, dtype=np.int64), count), places),
            "target_end_date": [panel.target_end(h) for _ in range(places) for h in horizons for _ in range(count)],
            "output_type_id": [f"{t:g}" for t in LEVELS] * (places * steps),
            "value": clean.ravel(),
        },
        schema_overrides={"location": pl.String, "target_end_date": pl.Date},
    )
    return (
        frame.filter(pl.col("value").is_not_nan())
        .with_columns(
            pl.lit(model).alias("model"),
            pl.lit(panel.reference_date).alias("reference_date"),
            pl.lit(panel.disease).alias("disease"),
            pl.lit(panel.signal).alias("signal"),
            pl.lit("quantile").alias("output_type"),
        )
        .select(FORECASTS.names)
    )
