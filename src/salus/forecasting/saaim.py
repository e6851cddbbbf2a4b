"""SAAIM: ARIMA as the prior, gradient-boosted trees as the measurement, joined by a Kalman-type weight.

Su K, Xu L, Li G, et al. Forecasting influenza activity using self-adaptive AI model and multi-source data in Chongqing,
China. eBioMedicine 2019;47:284-292.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np

from salus.forecasting.auto_arima import ArimaModel
from salus.forecasting.model import TAUS, Floats, Model
from salus.forecasting.scale import root, unroot
from salus.forecasting.season import harmonics, lags
from salus.forecasting.univariate import Fitted, Track, tracks
from salus.surveillance.panel import SILENT_AFTER, Panel
from salus.surveillance.weeks import Cadence

WINDOWS = {"day": 56, "week": 26, "month": 12}
"""Recent periods whose errors give the weight and the spread; kept out of what both members are fitted on."""
FEWEST_ERRORS = 10
"""Recent errors that a place needs for a weight and spread of its own; with fewer, those of all places are taken."""
DISTANCES = 8
"""The trees learn forecasts of 1 to so many periods ahead."""
LAGS = 6
_TREES = 150
_PARAMETERS = {
    "objective": "l2",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbosity": -1,
}


class Saaim(Model):
    """Prior x, measurement z, answer x + K (z - x) with K = P / (P + R), on the fourth-root scale.

    The prior is the ARIMA of each place (:class:`salus.forecasting.auto_arima.ArimaModel`), the measurement one
    LightGBM pooled over the places (the paper used XGBoost) on lags, the changes that followed the same period of the
    last two seasons, the time of year and the distance. P and R are the mean squared errors of the two over the last
    half year (of months: year, of days: eight weeks). Both are fitted on what lies before that window, so that its
    errors, each from its own origin, are errors at values not seen. The spread is that of the joined forecast in the
    same window, its shape taken from all places. A constant series stays what it is; a place with fewer than 20 known
    values before the window, constant before it, silent for more than eight periods, or without a stable ARIMA, is not
    answered.
    """

    name = "saaim"
    title = "SAAIM (ARIMA and boosted trees, weighted by their recent errors)"
    title_zh = "SAAIM 自适应模型（ARIMA 与梯度提升树按近期误差加权）"

    def __init__(self) -> None:
        self._prior = ArimaModel()
        self._measurement: lgb.Booster | None = None

    def fit(self, panel: Panel) -> None:
        """Fit both members on what lies before the window of recent errors."""
        before = _before_window(panel)
        self._prior = ArimaModel()
        self._prior.fit(before)
        self._measurement = _train(before)

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles around the joined forecast; see :meth:`Model.predict`."""
        answer = np.full((len(panel.locations), len(horizons), TAUS.size), np.nan)
        past = _before_window(panel)
        measurement = self._measurement if self._measurement is not None else _train(past)
        members: dict[int, _Member] = {}
        for p, (track, held) in enumerate(zip(tracks(panel), tracks(past), strict=True)):
            if track is None or track.gap > SILENT_AFTER:
                continue
            if track.is_constant:
                answer[p] = unroot(track.values[-1:])
            elif held is not None and not held.is_constant and measurement is not None:
                fitted = self._prior.fitted(panel, held)
                if fitted is not None:
                    members[p] = _Member(track, fitted)
        if measurement is None or not members:
            return answer
        grid = _Grid.of(panel, past)
        window = WINDOWS[panel.cadence.kind]
        for gap in sorted({m.track.gap for m in members.values()}):
            for j, horizon in enumerate(horizons):
                joined = _join(grid, members, measurement, horizon + gap, window)
                for p, member in members.items():
                    if member.track.gap == gap and p in joined:
                        answer[p, j] = unroot(joined[p])
        return answer


@dataclass
class _Member:
    """A place with its prior, and the prior's forecasts from all origins so far."""

    track: Track
    fitted: Fitted
    paths: Floats | None = None

    def prior(self, distance: int, periods: int) -> Floats:
        """The prior's forecast over a distance from each origin of the panel, shape (periods,)."""
        if self.paths is None or self.paths.shape[1] < distance:
            self.paths = rolling(self.fitted, self.track, max(distance, DISTANCES))
        full = np.full(periods, np.nan)
        stop = periods - self.track.gap
        full[stop - self.track.values.size : stop] = self.paths[:, distance - 1]
        return full


def _join(
    grid: _Grid, members: dict[int, _Member], measurement: lgb.Booster, distance: int, window: int
) -> dict[int, Floats]:
    """Quantiles of each place over a distance from its last known value, on the fourth-root scale."""
    places, periods = sorted(members), grid.values.shape[1]
    first = max(0, periods - window - distance)
    unit, now = grid.scale[places], grid.values[places, first:]
    prior = np.stack([members[p].prior(distance, periods)[first:] for p in places])
    rows = grid.features(distance)[places, first:]
    change = np.asarray(measurement.predict(rows.reshape(-1, rows.shape[2])), dtype=np.float64).reshape(now.shape)
    measured = now + change * unit
    truth = now + grid.changes(distance)[places, first:] * unit
    of_prior, of_measured = _mean_square((prior - truth) / unit), _mean_square((measured - truth) / unit)
    total = of_prior + of_measured
    weight = np.divide(of_prior, total, out=np.full_like(total, 0.5), where=total > 0)
    joined = prior + weight * (measured - prior)
    errors = (joined - truth) / unit
    spread = np.sqrt(_mean_square(errors))
    shape = np.divide(errors, spread, out=np.full_like(errors, np.nan), where=spread > 0)
    shape = np.sort(shape[np.isfinite(shape)])
    if shape.size == 0:
        return {}
    quantiles = np.quantile(np.concatenate([shape, -shape]), TAUS)
    last = {p: periods - 1 - members[p].track.gap - first for p in places}
    return {p: joined[row, last[p]] + spread[row] * unit[row] * quantiles for row, p in enumerate(places)}


def _mean_square(errors: Floats) -> Floats:
    """Mean square of each place's errors; that of all places where it has fewer than ten; shape (places, 1)."""
    known = np.isfinite(errors)
    square = np.where(known, errors, 0.0) ** 2
    count = known.sum(axis=1)
    everywhere = square.sum() / max(int(count.sum()), 1)
    own = square.sum(axis=1) / np.maximum(count, 1)
    return np.where(count >= FEWEST_ERRORS, own, everywhere)[:, None]


def rolling(fitted: Fitted, track: Track, steps: int) -> Floats:
    """Forecasts of a fitted ARIMA from every origin of a series, each from the values up to its origin.

    Parameters
    ----------
    fitted : Fitted
        An ARIMA without seasonal orders.
    track : Track
        The series.
    steps : int
        How far ahead.

    Returns
    -------
    numpy.ndarray, shape (periods, steps)
        On the fourth-root scale; NaN at the first origins, which lack the lags.
    """
    size = track.values.size
    coefficients: dict[str, float] = fitted.model.model_["coef"]
    difference = int(fitted.model.model_["arma"][5])
    extended = [*track.starts, *(fitted.cadence.shift(track.starts[-1], k) for k in range(1, steps + 1))]
    regression = np.full(size + steps, coefficients.get("intercept", 0.0))
    columns = fitted.regressors(extended)
    if columns is not None:
        regression += columns @ np.array([v for k, v in coefficients.items() if k.startswith("ex_")])
    noise = track.values - regression[:size]
    autoregression = np.array([1.0, *(-v for k, v in coefficients.items() if k.startswith("ar"))])
    for _ in range(difference):
        autoregression = np.convolve(autoregression, [1.0, -1.0])
    moving = [v for k, v in coefficients.items() if k.startswith("ma")]
    shocks = track.values - np.asarray(fitted.carry_on(track, 1)["fitted"], dtype=np.float64)
    paths = np.zeros((size, steps))
    for k in range(1, steps + 1):
        for i, coefficient in enumerate(-autoregression[1:], start=1):
            paths[:, k - 1] += coefficient * (paths[:, k - i - 1] if k > i else _lagged(noise, i - k))
        for i, coefficient in enumerate(moving, start=1):
            if i >= k:
                paths[:, k - 1] += coefficient * _lagged(shocks, i - k)
    targets = np.arange(size)[:, None] + np.arange(1, steps + 1)
    return np.asarray(paths + regression[targets])


def _lagged(values: Floats, by: int) -> Floats:
    """Values so many periods before, NaN where there are none; along the last axis."""
    shifted = np.full_like(values, np.nan)
    if by < values.shape[-1]:
        shifted[..., by:] = values[..., : values.shape[-1] - by]
    return shifted


def _before_window(panel: Panel) -> Panel:
    """The panel without the periods of the window; one period is left at the least."""
    stop = max(1, len(panel.starts) - WINDOWS[panel.cadence.kind])
    return replace(panel, starts=panel.starts[:stop], values=panel.values[:, :stop])


@dataclass(frozen=True)
class _Grid:
    """Fourth roots (places, periods), with each place's mean and standard deviation before the window (places, 1)."""

    cadence: Cadence
    starts: tuple[dt.date, ...]
    values: Floats
    centre: Floats
    scale: Floats

    @classmethod
    def of(cls, panel: Panel, before: Panel) -> _Grid:
        """The grid of a panel, its units from the part before the window; 0 and 1 where they can't be told."""
        values = root(before.values)
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=1, keepdims=True), 1)
        centre = np.where(known, values, 0.0).sum(axis=1, keepdims=True) / count
        scale = np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(axis=1, keepdims=True) / count)
        return cls(panel.cadence, panel.starts, root(panel.values), centre, np.where(scale > 0, scale, 1.0))

    def features(self, distance: int) -> Floats:
        """What the trees see from each origin, shape (places, periods, features); unknown is NaN."""
        columns = [(self.values - self.centre) / self.scale]
        columns += [(self.values - _lagged(self.values, k)) / self.scale for k in range(1, LAGS)]
        for step in lags(self.cadence, distance, 2):
            columns.append((_lagged(self.values, step - distance) - _lagged(self.values, step)) / self.scale)
        targets = [self.cadence.shift(start, distance) for start in self.starts]
        columns += [np.broadcast_to(c, self.values.shape) for c in harmonics(self.cadence, targets).T]
        columns.append(np.full(self.values.shape, float(distance)))
        return np.stack(columns, axis=-1)

    def changes(self, distance: int) -> Floats:
        """Change from each origin to the period so far ahead, in units of the place; (places, periods)."""
        ahead = np.full_like(self.values, np.nan)
        if self.values.shape[1] > distance:
            ahead[:, :-distance] = self.values[:, distance:]
        return (ahead - self.values) / self.scale


def _train(before: Panel) -> lgb.Booster | None:
    """Trees for the change over 1 to 8 periods; None where no place has enough to learn from."""
    learnt = [p for p, track in enumerate(tracks(before)) if track is not None]
    learnt.sort(key=lambda p: before.locations[p])
    if not learnt:
        return None
    grid = _Grid.of(replace(before, values=before.values[learnt]), replace(before, values=before.values[learnt]))
    rows, targets = [], []
    for distance in range(1, DISTANCES + 1):
        change = grid.changes(distance)
        known = np.isfinite(change)
        rows.append(grid.features(distance)[known])
        targets.append(change[known])
    data = lgb.Dataset(np.concatenate(rows), np.concatenate(targets), params={"verbosity": -1})
    return lgb.train(_PARAMETERS, data, num_boost_round=_TREES)
