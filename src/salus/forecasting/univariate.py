"""Models that see one place at a time: a series without holes, and statsforecast models, fitted once and carried on."""

from __future__ import annotations

import abc
import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.forecasting.season import harmonics
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

FEWEST = 20
"""Known values that a model of one place needs."""
WHOLE_YEARS = 2
"""Years of values needed before the harmonics of the year are fitted."""
_LEVEL = 90
_Z90 = float(norm.ppf(0.95))


@dataclass(frozen=True)
class Track:
    """What is known of one place, without holes.

    Attributes
    ----------
    location : str
        The place.
    starts : tuple of datetime.date
        First days of the periods from the first known value to the last.
    values : numpy.ndarray, shape (periods,)
        On the fourth-root scale; missing values inside are interpolated, for fitting only.
    known : numpy.ndarray of bool, shape (periods,)
        Where a value was known.
    gap : int
        Periods between the last known value and the panel's last.
    """

    location: str
    starts: tuple[dt.date, ...]
    values: Floats
    known: NDArray[np.bool_]
    gap: int

    @property
    def is_constant(self) -> bool:
        """Whether all values are the same."""
        return bool(np.ptp(self.values) == 0)


def tracks(panel: Panel) -> list[Track | None]:
    """The series of each place, from its first known value to its last.

    Parameters
    ----------
    panel : Panel
        What was known.

    Returns
    -------
    list of Track or None
        One a place; None where fewer than :data:`FEWEST` values are known.
    """
    found: list[Track | None] = []
    for place, row, gap in zip(panel.locations, root(panel.values), panel.gaps, strict=True):
        known = np.isfinite(row)
        if known.sum() < FEWEST:
            found.append(None)
            continue
        first, stop = int(np.argmax(known)), row.size - int(gap)
        inside, index = known[first:stop], np.arange(stop - first)
        filled = np.interp(index, index[inside], row[first:stop][inside])
        found.append(Track(place, panel.starts[first:stop], filled, inside, int(gap)))
    return found


def normal_quantiles(mean: Floats, sigma: Floats) -> Floats:
    """Quantiles in the signal's unit from a normal distribution on the fourth-root scale.

    Parameters
    ----------
    mean, sigma : numpy.ndarray, shape (...)
        Centre and standard deviation.

    Returns
    -------
    numpy.ndarray, shape (..., 23)
        Quantiles at :data:`salus.forecasting.model.TAUS`.
    """
    return unroot(mean[..., None] + sigma[..., None] * norm.ppf(TAUS))


@dataclass(frozen=True)
class Fitted:
    """A statsforecast model of one place, to be carried on over later values.

    Attributes
    ----------
    model : object
        Fitted AutoARIMA or AutoETS.
    first : datetime.date
        First day of the series that it was fitted on.
    cadence : Cadence
        Cadence of the series.
    harmonics : int
        Harmonics of the year among its regressors; 0 for none.
    correction : float
        Standard deviation of the errors at known values over that at all values, interpolated ones included.
    """

    model: Any
    first: dt.date
    cadence: Cadence
    harmonics: int
    correction: float

    def regressors(self, starts: Sequence[dt.date]) -> Floats | None:
        """The regressors of some periods, or None where the model has none.

        Parameters
        ----------
        starts : sequence of datetime.date
            First days of periods.
        """
        return harmonics(self.cadence, starts, self.harmonics) if self.harmonics else None

    def carry_on(self, track: Track, steps: int) -> dict[str, Any]:
        """The model run over a series, orders and coefficients as fitted; keys as statsforecast has them.

        Parameters
        ----------
        track : Track
            The series as known now.
        steps : int
            How many periods ahead.
        """
        ahead = [self.cadence.shift(track.starts[-1], k) for k in range(1, steps + 1)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nothing is optimised here, so no word of convergence is meant
            answer: dict[str, Any] = self.model.forward(
                track.values,
                h=steps,
                X=self.regressors(track.starts),
                X_future=self.regressors(ahead),
                level=[_LEVEL],
                fitted=True,
            )
        return answer

    def forecast(self, track: Track, steps: int) -> tuple[Floats, Floats]:
        """Centre and standard deviation of the periods after a series, on the fourth-root scale.

        Parameters
        ----------
        track : Track
            The series as known now.
        steps : int
            How many periods ahead.
        """
        answer = self.carry_on(track, steps)
        mean = np.asarray(answer["mean"], dtype=np.float64)
        upper = np.asarray(answer[f"hi-{_LEVEL}"], dtype=np.float64)
        return mean, (upper - mean) / _Z90 * self.correction


class Univariate(Model):
    """Base of the models that fit each place alone on the fourth-root scale.

    :meth:`fit` chooses and stores the orders and coefficients of each place; :meth:`predict` carries them over the
    values known since, which takes milliseconds a place. A place that was not fitted, or whose history begins on
    another day than when it was fitted, is fitted on what :meth:`predict` is given. A constant series stays what it is;
    a place with fewer than 20 known values, or for which no stable model is found, is not answered.
    """

    def __init__(self) -> None:
        self._fitted: dict[tuple[str, str, str], Fitted | None] = {}

    @abc.abstractmethod
    def estimate(self, track: Track, cadence: Cadence) -> Fitted | None:
        """Fit one place.

        Parameters
        ----------
        track : Track
            Its series, not constant.
        cadence : Cadence
            Length of a period.

        Returns
        -------
        Fitted or None
            None where no stable model is found.
        """

    def fit(self, panel: Panel) -> None:
        """Choose and store orders and coefficients of each place."""
        self._fitted = {}
        for track in tracks(panel):
            if track is not None and not track.is_constant:
                self._fitted[panel.disease, panel.signal, track.location] = self.estimate(track, panel.cadence)

    def fitted(self, panel: Panel, track: Track) -> Fitted | None:
        """The stored model of a place, or one fitted now.

        Parameters
        ----------
        panel : Panel
            What was known.
        track : Track
            The place's series in it, not constant.
        """
        stored = self._fitted.get((panel.disease, panel.signal, track.location))
        if stored is None or stored.first != track.starts[0] or stored.cadence != panel.cadence:
            return self.estimate(track, panel.cadence)
        return stored

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles of a normal distribution on the fourth-root scale; see :meth:`Model.predict`."""
        answer = np.full((len(panel.locations), len(horizons), TAUS.size), np.nan)
        for p, track in enumerate(tracks(panel)):
            if track is None:
                continue
            if track.is_constant:
                answer[p] = unroot(track.values[-1:])
                continue
            fitted = self.fitted(panel, track)
            if fitted is None:
                continue
            mean, sigma = fitted.forecast(track, track.gap + max(horizons))
            steps = np.array(horizons) + track.gap - 1
            answer[p] = normal_quantiles(mean[steps], sigma[steps])
        return answer


def correction(errors: Floats, known: NDArray[np.bool_]) -> float:
    """How much wider the errors at known values are than those at all values.

    Interpolated values are foreseen too well; left in, they would make the forecast too sure of itself.

    Parameters
    ----------
    errors : numpy.ndarray, shape (periods,)
        One-step errors within the fitted series.
    known : numpy.ndarray of bool, shape (periods,)
        Where the value was known.

    Returns
    -------
    float
        Ratio of the root mean squares; 1 where there are no errors.
    """
    everywhere = float(np.sqrt(np.nanmean(errors**2)))
    at_known = float(np.sqrt(np.nanmean(errors[known] ** 2)))
    return at_known / everywhere if everywhere > 0 else 1.0
