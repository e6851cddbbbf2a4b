"""Renewal: new cases come from recent ones, by a reproduction number that changes with time.

Cases of each day are the cases of the days before, weighted by how long it takes from one infection to the next (the
generation interval), times the reproduction number of the day (Fraser 2007, doi:10.1371/journal.pone.0000758; Cori et
al. 2013, doi:10.1093/aje/kwt133). The number of the last periods is carried on and fades towards one; how fast, and how
many periods are looked at, is what would have been best in the past of all places together. Ranges are lognormal, as
wide as past errors at like heights.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma, norm

from salus.forecasting.features import FURTHEST, sizes
from salus.forecasting.model import TAUS, Floats, Model
from salus.surveillance import diseases
from salus.surveillance.panel import Panel

INTERVALS: dict[str, float] = {
    "influenza": 2.5,
    "ili": 2.5,
    "covid19": 3.0,
    "rsv": 7.5,
    "measles": 11.7,
    "chickenpox": 14.0,
    "mumps": 18.0,
    "rubella": 18.3,
    "pertussis": 22.8,
}
"""Mean days from case to case, by disease. Source: serial intervals of Vink, Bootsma & Wallinga (2014), Am J Epidemiol
180(9), 865-875, doi:10.1093/aje/kwu209, influenza between those of A(H3N2), 2.2, and A(H1N1), 2.8; COVID-19: generation
time of Omicron BA.1 of Xu et al. (2023), BMC Med 21, 374, doi:10.1186/s12916-023-03070-8."""
USUAL_INTERVAL = 5.0
"""Mean days where none is listed: an assumption."""
SPREAD = 0.4
"""Standard deviation of the interval over its mean: an assumption."""
FADES = (0.0, 0.4, 0.6, 0.8, 0.9)
"""Shares of the number's logarithm that may be left a period later; of 0 there is no change."""
SMOOTHED = (1, 2, 3)
"""Periods whose numbers may be averaged."""
YEARS = 2
"""Length of the past that is looked at."""
FEWEST = 30
"""Past errors at a horizon from which a spread can be told."""
FLOOR = 0.02
"""Share of a place's size that is added before a logarithm is taken."""
ALIKE = 1.0
"""Distance in logarithms over which errors at other heights count less."""
OWN = 4.0
"""Weight of a place's own errors beside those of others."""
UNTOLD = 0.4
"""Standard deviation of the logarithm a period ahead, where no past tells one."""
FASTEST = 3.0
"""Greatest logarithm of a change between two periods, and of the reproduction number."""


class Renewal(Model):
    """Time-varying reproduction number on days, of any cadence; answers from the first known value on."""

    name = "renewal"
    title = "Renewal equation (time-varying reproduction number)"
    title_zh = "更新方程（时变再生数）"

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles around the course that the last reproduction numbers lead to; see :meth:`Model.predict`."""
        places, periods = panel.values.shape
        answer = np.full((places, len(horizons), TAUS.size), np.nan)
        there = np.nonzero(panel.gaps < periods)[0]
        if there.size == 0:
            return answer
        size = sizes(panel.values)
        positive = np.where(panel.values > 0, panel.values, np.inf)
        least = np.minimum(positive.min(axis=1, initial=np.inf), size) / 2
        floor = np.maximum(FLOOR * size, least)
        level = np.log(_filled(panel.values) + floor[:, None])
        length = max(1, round(365.25 / panel.cadence.per_year))
        weights = interval(panel.disease, length)
        window = min(periods, round(YEARS * panel.cadence.per_year))
        asked = [h + int(panel.gaps[p]) for p in there for h in horizons]
        ahead = max(FURTHEST, *asked) if asked else FURTHEST
        # every period of the window is looked at as if it were the last
        rows, columns = np.nonzero(np.isfinite(panel.values[:, periods - window :]))
        columns = columns + periods - window
        past = _past(level, rows, columns, weights.size, length)
        fade, smoothed, least_loss, error = 0.0, 1, np.inf, np.full((rows.size, FURTHEST), np.nan)
        for one, width in product(FADES, SMOOTHED):
            missed = _missed(_course(past, weights, length, one, width), level, panel.values, rows, columns)
            loss = float(np.nanmean(np.abs(missed))) if np.isfinite(missed).any() else np.inf
            if loss < least_loss - 1e-9:
                fade, smoothed, least_loss, error = one, width, loss, missed
        last = periods - 1 - panel.gaps[there]
        now = _past(level, there, last, weights.size, length)
        course = _course(now, weights, length, fade, smoothed, ahead)
        height = level - np.log(size)[:, None]
        for i, p in enumerate(there):
            for j, h in enumerate(horizons):
                step = h + int(panel.gaps[p])
                mean, sd = _spread(error, min(step, FURTHEST), rows == p, height[rows, columns] - height[p, last[i]])
                sd *= np.sqrt(step / min(step, FURTHEST))
                answer[p, j] = np.exp(course[i, step - 1] + mean + sd * norm.ppf(TAUS)) - floor[p]
        return np.where(np.isfinite(answer), np.maximum(answer, 0.0), np.nan)


def interval(disease: str, length: int) -> Floats:
    """How likely so many days lie between an infection and the one that it causes.

    Parameters
    ----------
    disease : str
        By any of its names.
    length : int
        Days of a period.

    Returns
    -------
    numpy.ndarray, shape (days,)
        For 1, 2, ... days; they sum to one. Whole periods of days, at least two periods.

    Examples
    --------
    >>> found = interval("flu", 7)
    >>> found.size, int(found.argmax()) + 1
    (14, 2)
    """
    known = diseases.find(disease)
    mean = INTERVALS.get(known.key, USUAL_INTERVAL) if known is not None else USUAL_INTERVAL
    shape, scale = SPREAD**-2, mean * SPREAD**2
    days = max(2, int(np.ceil(gamma.ppf(0.99, shape, scale=scale) / length))) * length
    mass = np.diff(gamma.cdf(np.arange(days + 1) + 0.5, shape, scale=scale), prepend=0.0)[1:]
    return np.asarray(mass / mass.sum())


def _filled(values: Floats) -> Floats:
    """Unknown values as the last known one before them, and those at the beginning as the first."""
    places, periods = values.shape
    known = np.isfinite(values)
    at = np.maximum.accumulate(np.where(known, np.arange(periods), -1), axis=1)
    at = np.where(at < 0, known.argmax(axis=1)[:, None], at)
    return np.nan_to_num(values[np.arange(places)[:, None], at], nan=0.0)


def _past(level: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64], days: int, length: int) -> Floats:
    """Cases of each day of the last periods, growing within a period as it grew from the one before it.

    Shape (rows, days); what is later than a row's own period is not looked at.
    """
    periods = days // length + max(SMOOTHED)
    at = columns[:, None] - np.arange(periods, -1, -1)[None, :]
    seen = level[rows[:, None], np.maximum(at, 0)]
    growth = np.clip(np.diff(seen, axis=1), -FASTEST, FASTEST)
    inside = (np.arange(length) + 0.5) / length - 0.5
    shape = np.exp(growth[:, :, None] * inside)
    daily = np.exp(seen[:, 1:, None]) * shape / shape.sum(axis=2, keepdims=True)
    return np.asarray(daily.reshape(len(rows), -1))


def _course(daily: Floats, weights: Floats, length: int, fade: float, smoothed: int, ahead: int = FURTHEST) -> Floats:
    """Logarithm of the value of each coming period, shape (rows, ahead)."""
    window, turned = weights.size, weights[::-1]
    numbers = []
    for back in range(smoothed):
        days = range(daily.shape[1] - (back + 1) * length, daily.shape[1] - back * length)
        caused = sum(daily[:, d - window : d] @ turned for d in days)
        numbers.append(np.log(daily[:, days.start : days.stop].sum(axis=1) / caused))
    number = np.clip(np.mean(numbers, axis=0), -FASTEST, FASTEST)
    whole = np.concatenate([daily, np.empty((len(daily), ahead * length))], axis=1)
    start = daily.shape[1]
    for day in range(ahead * length):
        now = np.exp(number * fade ** (day / length + 0.5)) if fade > 0 else 1.0
        whole[:, start + day] = now * (whole[:, start + day - window : start + day] @ turned)
    return np.asarray(np.log(whole[:, start:].reshape(len(daily), ahead, length).sum(axis=2)))


def _missed(
    course: Floats, level: Floats, values: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Floats:
    """What came less what was said, in logarithms, shape (rows, FURTHEST); NaN where nothing is known."""
    at = columns[:, None] + np.arange(1, FURTHEST + 1)
    inside = at < values.shape[1]
    at = np.minimum(at, values.shape[1] - 1)
    known = inside & np.isfinite(values[rows[:, None], at])
    return np.where(known, level[rows[:, None], at] - course, np.nan)


def _spread(error: Floats, step: int, own: NDArray[np.bool_], apart: Floats) -> tuple[float, float]:
    """Mean and standard deviation of past errors, those of the place and of like heights above all."""
    at = error[:, step - 1]
    known = np.isfinite(at)
    if known.sum() < FEWEST:
        return 0.0, UNTOLD * float(np.sqrt(step))
    weight = np.exp(-0.5 * (apart[known] / ALIKE) ** 2) * np.where(own[known], OWN, 1.0) + 1e-6
    weight /= weight.sum()
    mean = float(weight @ at[known])
    return mean, float(np.sqrt(weight @ (at[known] - mean) ** 2)) + 1e-3
