"""Forecasts that add up: the nation is the sum of its states, in every sample and so in the mean.

Parts are drawn together, with the dependence of past changes. Draw by draw, in the order of their sums, the total gets
a mean of that sum and of its own forecast, weighted by how near each came in the last periods; then the parts are
raised or lowered by one factor so that they add up to it. So the level that knows more is followed. Minimum-trace
reconciliation (Wickramasuriya, Athanasopoulos, Hyndman: Optimal forecast reconciliation for hierarchical and grouped
time series through trace minimization, Journal of the American Statistical Association 2019, 114(526), 804-819) is what
it is measured against in `benchmarks/coherence`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from salus.forecasting.model import TAUS, Floats, Model, tidy
from salus.forecasting.paths import changes, joint
from salus.forecasting.scale import root
from salus.surveillance.panel import Panel
from salus.surveillance.signals import adds_up as is_count

DRAWS = 1000
"""Samples from which the quantiles of parts are taken."""
AGREES = 0.02
"""Largest difference of a total from its parts, as a share of it, at which it is a total."""
OFTEN = 0.9
"""Share of the last year's periods in which it must be."""
REPLAYED = 8
"""Last periods on which the forecasts of a total and of its parts are compared."""
EVEN = 0.25
"""How much of the comparison is held to be even, as a share of it."""


@dataclass(frozen=True)
class Family:
    """A place that is the sum, or of rates the mean, of others.

    Attributes
    ----------
    total : int
        Number of the place.
    parts : numpy.ndarray of int, shape (parts,)
        Numbers of the places that it is made of; some may be totals themselves.
    weights : numpy.ndarray, shape (parts,)
        1 for counts; for rates each part's share of the people.
    """

    total: int
    parts: np.ndarray
    weights: Floats


@dataclass(frozen=True)
class Hierarchy:
    """Which places are made of which.

    Attributes
    ----------
    locations : tuple of str
        All places, in the order of the panel.
    families : tuple of Family
        Each after the one that its total is a part of.
    refused : tuple of str
        Places that other places lie in but that do not agree with them, by what is known; they are left as they are.
    """

    locations: tuple[str, ...]
    families: tuple[Family, ...]
    refused: tuple[str, ...] = ()


def hierarchy(panel: Panel, parents: Mapping[str, str | None], *, adds_up: bool = True) -> Hierarchy:
    """The totals of a panel, each checked against what is known.

    Parameters
    ----------
    panel : Panel
        What was known.
    parents : mapping of str to str or None
        Place that each place lies in.
    adds_up : bool
        Counts; else rates, which are averaged by population.

    Returns
    -------
    Hierarchy
        Without families where no place is made of others.

    Examples
    --------
    >>> import datetime as dt
    >>> from salus.surveillance.weeks import Cadence
    >>> cadence, days = Cadence("month"), tuple(dt.date(2024, m, 1) for m in range(1, 13))
    >>> values = np.array([[1.0] * 12, [2.0] * 12, [3.0] * 12])
    >>> panel = Panel("D", "cases", cadence, dt.date(2024, 12, 31), days, ("A", "B", "N"), values, np.ones(3))
    >>> [(f.total, f.parts.tolist()) for f in hierarchy(panel, {"A": "N", "B": "N"}).families]
    [(2, [0, 1])]
    """
    number = {place: i for i, place in enumerate(panel.locations)}
    below: dict[str, list[int]] = {}
    for place, parent in sorted(parents.items()):
        if place in number and parent in number and parent is not None:
            below.setdefault(parent, []).append(number[place])
    families, refused = [], []
    for total in sorted(below, key=lambda place: (_depth(place, parents), place)):
        parts = np.array(sorted(below[total]))
        people = panel.population[parts]
        weights = np.ones(parts.size) if adds_up else people / people.sum()
        if _agrees(panel, number[total], parts, weights):
            families.append(Family(number[total], parts, weights))
        else:
            refused.append(total)
    return Hierarchy(panel.locations, tuple(families), tuple(refused))


def reconciled(
    quantiles: Floats,
    past: Floats,
    found: Hierarchy,
    draws: int = DRAWS,
    *,
    trust: Mapping[int, float] | None = None,
    seed: int = 1,
) -> tuple[Floats, Floats]:
    """Quantiles and samples of forecasts that add up.

    Parameters
    ----------
    quantiles : numpy.ndarray, shape (places, horizons, 23)
        Forecasts of the hierarchy's places; NaN where there is none.
    past : numpy.ndarray, shape (origins, places, horizons)
        Past changes or errors; see :func:`salus.forecasting.paths.joint`.
    found : Hierarchy
        Which places are made of which. A family that lacks a forecast is left as it is.
    draws : int
        Samples.
    trust : mapping of int to float, optional
        By number of the total the weight of its own forecast against the sum of its parts, from 0 to 1; 1 where left
        out.
    seed : int
        Of the samples.

    Returns
    -------
    quantiles : numpy.ndarray, shape (places, horizons, 23)
        As given for places of no family, and for totals of weight 1 that are no part.
    samples : numpy.ndarray, shape (places, draws, horizons)
        Every one adds up.
    """
    known = np.asarray(np.isfinite(quantiles).all(axis=(1, 2)))
    samples = np.full((quantiles.shape[0], draws, quantiles.shape[1]), np.nan)
    samples[known] = joint(quantiles[known], past[:, known], draws, seed=seed)
    families = [f for f in found.families if known[f.total] and known[f.parts].all()]
    for family in reversed(families):  # from the smallest: a total's draws get the order of its parts' sums
        summed = _summed(samples, family)
        order = np.argsort(np.argsort(summed, axis=0, kind="stable"), axis=0, kind="stable")
        own = np.take_along_axis(np.sort(samples[family.total], axis=0), order, axis=0)
        share = 1.0 if trust is None else trust.get(family.total, 1.0)
        samples[family.total] = share * own + (1 - share) * summed
    answer = quantiles.copy()
    for family in families:
        if trust is not None and trust.get(family.total, 1.0) < 1:
            answer[family.total] = np.quantile(samples[family.total], TAUS, axis=0).T
    for family in families:
        summed = _summed(samples, family)
        nothing = summed <= 0
        factor = samples[family.total] / np.where(nothing, 1.0, summed)
        even = _even(samples, family)
        moved = np.where(nothing, samples[family.total] * even, samples[family.parts] * factor)
        samples[family.parts] = moved
        answer[family.parts] = np.moveaxis(np.quantile(moved, TAUS, axis=1), 0, -1)
    return answer, samples


def trusted(model: Model, panel: Panel, found: Hierarchy, horizon: int) -> dict[int, float]:
    """How far each total's own forecast is to be followed, by how near it and the sum of its parts came lately.

    Parameters
    ----------
    model : Model
        Fitted.
    panel : Panel
        What was known; its last periods are forecast again from those before them.
    found : Hierarchy
        Which places are made of which.
    horizon : int
        Periods ahead.

    Returns
    -------
    dict of int to float
        By number of the total the inverse of its squared error on the fourth-root scale, against that of the sum, drawn
        towards 1/2; 1/2 where nothing can be compared.
    """
    errors = {family.total: np.zeros(2) for family in found.families}
    for back in range(horizon, horizon + REPLAYED):
        if panel.values.shape[1] <= back + 1:
            break
        starts = panel.starts[:-back]
        before = replace(
            panel,
            values=panel.values[:, :-back],
            starts=starts,
            reference_date=panel.cadence.end(starts[-1]),
            also=(),
            vintages=None,
        )
        said = tidy(model.predict(before, [horizon]))
        known = np.asarray(np.isfinite(said).all(axis=(1, 2)))
        for family in found.families:
            truth = panel.values[family.total, -1 - back + horizon]
            if not np.isfinite(truth) or not known[family.total] or not known[family.parts].all():
                continue
            parts = joint(said[family.parts], changes(before, [horizon])[:, family.parts], 100)
            summed = np.median(np.tensordot(family.weights, parts, axes=1))
            own = said[family.total, 0, TAUS.size // 2]
            errors[family.total] += (root(np.array([own, summed])) - root(np.array(truth))) ** 2
    shares = {}
    for total, (own, summed) in errors.items():
        even = EVEN * (own + summed) / 2
        shares[total] = (summed + even) / (own + summed + 2 * even) if own + summed > 0 else 0.5
    return shares


class Coherent(Model):
    """Any model, with its answers for parts moved so that they add up to those for their totals.

    Parameters
    ----------
    model : Model
        The model.
    parents : mapping of str to str or None
        Place that each place lies in.

    Examples
    --------
    >>> from salus.forecasting.persistence import Persistence
    >>> Coherent(Persistence(), {}).name
    'persistence'
    """

    name = "coherent"
    title = "Coherent"
    title_zh = "加总一致"

    def __init__(self, model: Model, parents: Mapping[str, str | None]) -> None:
        self.model, self._parents = model, parents
        self.name = model.name  # type: ignore[misc]  # a wrapper speaks under the name of what it wraps
        self.title, self.title_zh = model.title, model.title_zh  # type: ignore[misc]  # likewise

    def fit(self, panel: Panel) -> None:
        """Let the model learn; see :meth:`Model.fit`."""
        self.model.fit(panel)

    def explain(self, panel: Panel, horizons: Sequence[int]) -> pl.DataFrame | None:
        """What moves the forecast of the model inside; see :meth:`Model.explain`."""
        return self.model.explain(panel, horizons)

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        """Quantiles that belong to samples that add up; see :meth:`Model.predict`."""
        said = tidy(self.model.predict(panel, horizons))
        known = pl.Series(panel.values[np.isfinite(panel.values)])
        found = hierarchy(panel, self._parents, adds_up=is_count(panel.signal, known))
        if not found.families:
            return said
        trust = trusted(self.model, panel, found, min(horizons))
        return reconciled(said, changes(panel, horizons), found, trust=trust)[0]


def _summed(samples: Floats, family: Family) -> Floats:
    """What the parts add up to, shape (draws, horizons)."""
    return np.asarray(np.tensordot(family.weights, samples[family.parts], axes=1))


def _even(samples: Floats, family: Family) -> Floats:
    """What each part gets of a total of 1 where all parts are drawn as nothing, shape (parts, 1, horizons)."""
    usual = samples[family.parts].mean(axis=1, keepdims=True)
    whole = np.tensordot(family.weights, usual, axes=1)[None]
    return np.where(whole > 0, usual / np.where(whole > 0, whole, 1.0), 1 / family.weights.sum())


def _depth(place: str, parents: Mapping[str, str | None]) -> int:
    """How many places a place lies in, one in the other."""
    count, above = 0, parents.get(place)
    while above is not None and count <= len(parents):
        count, above = count + 1, parents.get(above)
    return count


def _agrees(panel: Panel, total: int, parts: np.ndarray, weights: Floats) -> bool:
    year = round(panel.cadence.per_year)
    whole, summed = panel.values[total, -year:], weights @ panel.values[parts, -year:]
    both = np.isfinite(whole) & np.isfinite(summed)
    if not both.any():
        return False
    near = np.abs(whole - summed)[both] <= AGREES * np.maximum(whole, summed)[both] + 1e-9
    return bool(near.mean() >= OFTEN)
