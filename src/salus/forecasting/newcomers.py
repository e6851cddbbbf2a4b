"""Places without a history: what the other places say of a person, times the people there.

A new place is told by its population alone. Its forecast is the mixture of the other places' forecasts of the same
periods, each per person (of rates as they are): so it is as wide as places differ and as any of them is uncertain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salus.forecasting import mixture
from salus.forecasting.model import TAUS, Floats, tidy
from salus.forecasting.scale import root, unroot
from salus.surveillance.panel import SILENT_AFTER, Panel
from salus.surveillance.series import SHORTEST
from salus.surveillance.signals import adds_up

FEW = 5
"""Other places below which they can't tell how much places differ."""
APART = (0.5, 1.0, 2.0)
"""Times their rates that the new one's may be, where the others are so few: an assumption."""


def newcomers(panel: Panel) -> NDArray[np.bool_]:
    """Places with people and fewer than :data:`salus.surveillance.series.SHORTEST` values, none of them long ago.

    Parameters
    ----------
    panel : Panel
        What was known.

    Returns
    -------
    numpy.ndarray of bool, shape (places,)
        One that has fallen silent is not new.
    """
    known = np.isfinite(panel.values).sum(axis=1)
    people = np.isfinite(panel.population) & (panel.population > 0)
    return np.asarray(people & ((known == 0) | ((known < SHORTEST) & (panel.gaps <= SILENT_AFTER))))


def borrowed(panel: Panel, others: Panel, quantiles: Floats) -> Floats | None:
    """Forecasts of new places from those of the others.

    Parameters
    ----------
    panel : Panel
        The new places, with their population.
    others : Panel
        The places that are forecast from their own history.
    quantiles : numpy.ndarray, shape (others, horizons, 23)
        Their forecasts, at :data:`~salus.forecasting.model.TAUS`.

    Returns
    -------
    numpy.ndarray or None, shape (places, horizons, 23)
        None where no other place tells a rate: of counts, one whose people are known.

    Examples
    --------
    >>> import datetime as dt
    >>> from salus.surveillance.weeks import Cadence
    >>> day = dt.date(2026, 1, 5)
    >>> def panel(names, people):
    ...     unknown = np.full((len(names), 1), np.nan)
    ...     return Panel("Influenza", "cases", Cadence("week"), day, (day,), names, unknown, np.array(people))
    >>> said = 10.0 + TAUS + np.array([0.0, 5, 10, 15, 20, 25])[:, None, None]
    >>> found = borrowed(panel(("New",), [2000.0]), panel(tuple("ABCDEF"), [1000.0] * 6), said)
    >>> found[0, 0, [1, 11, 21]].round().tolist()
    [20.0, 46.0, 72.0]
    """
    counts = adds_up(others.signal, others.history()["value"])
    people = others.population if counts else np.ones(len(others.locations))
    usable = np.isfinite(people) & (people > 0) & np.isfinite(quantiles).all(axis=(1, 2))
    if not usable.any():
        return None
    rates = tidy(quantiles[usable]) / people[usable, None, None]
    if usable.sum() < FEW:
        rates = np.concatenate([rates * times for times in APART])
    pooled = unroot(mixture.pool(list(root(rates)), np.ones(len(rates)), TAUS, TAUS))
    times = panel.population if counts else np.ones(len(panel.locations))
    return np.asarray(times[:, None, None] * pooled[None])
