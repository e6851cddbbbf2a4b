"""The contract of a detector: from forecasts and what is known to alerts, one file and one entry point each."""

from __future__ import annotations

import abc
from typing import ClassVar

import polars as pl

from salus.surveillance.levels import LevelScheme


class Detector(abc.ABC):
    """Base of every detector.

    Attributes
    ----------
    name : str
        The registered name.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def detect(self, forecasts: pl.DataFrame, last_known: pl.DataFrame, scheme: LevelScheme) -> pl.DataFrame:
        """Alerts of one reference date.

        Parameters
        ----------
        forecasts : polars.DataFrame
            `forecasts` contract with `pmf` rows, of one reference date, disease and signal.
        last_known : polars.DataFrame
            ``location``, ``date``, ``target_end_date``, ``value``: the last known value of each place.
        scheme : LevelScheme
            Epidemic levels.

        Returns
        -------
        polars.DataFrame
            `alerts` contract, sorted by place and horizon; no row where there is nothing to say.
        """
