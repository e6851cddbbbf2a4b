"""Nowcast: what the last periods will read once all reports are in, from how earlier first releases were revised.

Past revisions are resampled whole: one past day of one place gives the ratio of what is known now to what was known
then, for each of its last periods together. Revisions of the same place, and of values of about the same size, count
more; so nothing is assumed about the form of the revisions, half-reported counts and rare corrections alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from salus.forecasting import mixture
from salus.forecasting.model import TAUS, Floats, Model, tidy
from salus.surveillance.panel import Panel

AGES = 4
"""Periods at the end that are nowcast; older ones are taken as they are."""
DAYS = 110
"""Past days, one period apart, that are learned from."""
SETTLED = 4
"""Periods after which a value counts as final when revisions are learned."""
FEWEST = 40
"""Past revisions of all places together below which nothing is nowcast."""
BORROWED = 10.0
"""Revisions of other places count together as so many of the place's own; with many of its own they matter little."""
ALIKE = 1.0
"""Values are alike within about this difference of their logarithms."""
RECENT = 26.0
"""Periods after which a past revision counts by the factor 1/e."""
LATELY = 26
"""Past days by which it is told whether a forecast needs nowcasts."""
FAR = 0.1
"""Share by which first releases must lie off, all together, for that."""
DRAWS = 8
"""Nowcasts that a forecast is made from; each is as likely as the others."""


@dataclass(frozen=True)
class Revised:
    """Likely final values of the last periods.

    Attributes
    ----------
    draws : numpy.ndarray, shape (draws, places, ages)
        Final values, age 0 the last period; NaN where nothing is known yet. All draws are as likely.
    learned : numpy.ndarray of int, shape (places,)
        Past revisions of all places that a place's draws are taken from; 0 where there are too few, and the values
        are taken as they are.
    """

    draws: Floats
    learned: np.ndarray

    def quantiles(self, levels: Floats = TAUS) -> Floats:
        """Quantiles of the final values.

        Parameters
        ----------
        levels : numpy.ndarray, shape (levels,)
            Quantile levels.

        Returns
        -------
        numpy.ndarray, shape (places, ages, levels)
            In the signal's unit.
        """
        return np.moveaxis(np.quantile(self.draws, levels, axis=0), 0, -1)


def nowcast(panel: Panel, draws: int = 200, *, ages: int = AGES, seed: int = 1) -> Revised:
    """Likely final values of the last periods of each place.

    Parameters
    ----------
    panel : Panel
        What was known; nothing is nowcast where it has no vintages.
    draws : int
        How many equally likely ones.
    ages : int
        Periods at the end.
    seed : int
        Of the order in which places' draws meet.

    Returns
    -------
    Revised
        At least 0; the values as they are where too little is known of past revisions.
    """
    places, periods = panel.values.shape
    now = np.full((places, ages), np.nan)
    now[:, : min(ages, periods)] = panel.values[:, ::-1][:, :ages]
    answer = np.repeat(now[None], draws, axis=0)
    learned = np.zeros(places, dtype=np.int64)
    if panel.vintages is None or not places:
        return Revised(answer, learned)
    known = panel.vintages.seen(panel.locations, DAYS + 1, ages + SETTLED)
    seen, final = known[:, SETTLED:, :ages], known[:, : DAYS + 1 - SETTLED, SETTLED:]
    least = np.concatenate([seen[seen > 0], final[final > 0]]).min(initial=np.inf)
    if not np.isfinite(least):
        return Revised(answer, learned)
    ratio, size = np.log(final + least) - np.log(seen + least), np.log(seen + least)
    chance = np.random.default_rng(seed)
    for place in range(places):
        due = np.isfinite(now[place])
        order = chance.permutation(draws)  # drawn for each place, so that one with few reports changes no other
        if not due.any():
            continue
        newest = int(np.argmax(due))
        whole = np.isfinite(ratio[:, :, due]).all(axis=2)
        if whole.sum() < FEWEST:
            continue
        of, day = np.nonzero(whole)
        near = np.log(now[place, newest] + least) - size[of, day, newest]
        weight = np.exp(-0.5 * (near / ALIKE) ** 2 - day / RECENT) + 1e-9
        own = of == place
        weight[~own] *= min(1.0, BORROWED / weight[~own].sum()) if (~own).any() else 1.0
        taken = _spread(ratio[of, day, newest], weight, draws)[order]
        answer[:, place, due] = np.exp(ratio[of[taken], day[taken]][:, due]) * (now[place, due] + least) - least
        learned[place] = of.size
    return Revised(np.maximum(answer, 0.0), learned)


def needed(panel: Panel) -> bool:
    """Whether first releases are so far from what they become that a forecast should start from nowcasts.

    Where they are near, a nowcast of the last week is better than its first release, but a forecast from it is not (see
    `benchmarks/nowcast`).

    Parameters
    ----------
    panel : Panel
        What was known.

    Returns
    -------
    bool
        True where the first releases of the last half year, of all places together, were later raised or lowered by
        more than a tenth.
    """
    if panel.vintages is None or not panel.locations:
        return False
    known = panel.vintages.seen(panel.locations, LATELY + SETTLED, 1 + SETTLED)
    first, later = known[:, SETTLED:, 0], known[:, :LATELY, SETTLED]
    both = np.isfinite(first) & np.isfinite(later)
    if both.sum() < FEWEST:
        return False
    before, after = float(first[both].sum()), float(later[both].sum())
    return min(before, after) * (1 + FAR) < max(before, after)


class AfterRevision(Model):
    """Any model, asked on nowcasts of the last periods instead of on their first releases.

    The model answers on each of several equally likely nowcasts; their forecasts are pooled as probabilities. Without
    vintages, or with too few, it is the model itself.

    Parameters
    ----------
    model : Model
        The model.
    draws : int
        Nowcasts.
    seed : int
        Of the nowcasts.
    where : callable, optional
        Tells of a panel whether to use nowcasts, such as :func:`needed`; always when left out.

    Examples
    --------
    >>> from salus.forecasting.persistence import Persistence
    >>> AfterRevision(Persistence()).name
    'persistence'
    """

    name = "after_revision"
    title = "After revision"
    title_zh = "修订后"

    def __init__(
        self, model: Model, draws: int = DRAWS, seed: int = 1, where: Callable[[Panel], bool] | None = None
    ) -> None:
        self.model, self._draws, self._seed, self._where = model, draws, seed, where
        self.name = model.name  # type: ignore[misc]  # a wrapper speaks under the name of what it wraps
        self.title, self.title_zh = model.title, model.title_zh  # type: ignore[misc]  # likewise

    def fit(self, panel: Panel) -> None:
        """Let the model learn; see :meth:`Model.fit`."""
        self.model.fit(panel)

    def explain(self, panel: Panel, horizons: Sequence[int]) -> pl.DataFrame | None:
        """What moves the forecast of the model inside; see :meth:`Model.explain`."""
        return self.model.explain(panel, horizons)

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles pooled over nowcasts; see :meth:`Model.predict`."""
        if self._where is not None and not self._where(panel):
            return self.model.predict(panel, horizons)
        revised = nowcast(panel, self._draws, seed=self._seed)
        if not revised.learned.any():
            return self.model.predict(panel, horizons)
        said = [tidy(self.model.predict(with_values(panel, draw), horizons)) for draw in revised.draws]
        shape = said[0].shape
        known = np.all([np.isfinite(q).all(axis=2) for q in said], axis=0)
        answer = np.full(shape, np.nan)
        pooled = mixture.pool([q[known] for q in said], [1.0] * len(said), TAUS, TAUS)
        answer[known] = np.maximum(pooled, 0.0)
        return answer


def with_values(panel: Panel, last: Floats) -> Panel:
    """The panel with other values of its last periods.

    Parameters
    ----------
    panel : Panel
        What was known.
    last : numpy.ndarray, shape (places, ages)
        Values, age 0 the last period.
    """
    count = min(last.shape[1], panel.values.shape[1])
    values = panel.values.copy()
    values[:, values.shape[1] - count :] = last[:, :count][:, ::-1]
    return replace(panel, values=values)


def _spread(key: Floats, weight: Floats, draws: int) -> np.ndarray:
    """Rows taken in proportion to their weights, evenly over the values of a key."""
    order = np.argsort(key.round(9), kind="stable")  # equal ratios stay equal, whatever the unit
    mass = np.cumsum(weight[order])
    at = np.searchsorted(mass, (np.arange(draws) + 0.5) / draws * mass[-1])
    return np.asarray(order[np.minimum(at, order.size - 1)])
