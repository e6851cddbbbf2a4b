"""A model's answer for every place: where the model has none, persistence stands in and the place is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from salus import registry
from salus.errors import InputError, TooShortError
from salus.forecasting.model import Model, to_table
from salus.forecasting.newcomers import borrowed, newcomers
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import SILENT_AFTER, Panel
from salus.surveillance.series import SHORTEST


@dataclass(frozen=True)
class Answer:
    """Forecasts of one model on one day.

    Attributes
    ----------
    table : polars.DataFrame
        Rows in the `forecasts` contract.
    stands_in : tuple of str
        Places for which the model has no answer and persistence stands in, under the model's name.
    unusable : dict of str to (str, str)
        Places that can't be forecast at all, with the reason in English and Chinese.
    borrowed : tuple of str
        Places without a history, forecast from what the others say of a person, times their population.
    """

    table: pl.DataFrame
    stands_in: tuple[str, ...]
    unusable: dict[str, tuple[str, str]]
    borrowed: tuple[str, ...] = ()


def new_model(name: str) -> Model:
    """A fresh model by its registered name.

    Parameters
    ----------
    name : str
        Registered name.

    Raises
    ------
    NameNotFoundError
        There is no such model; the near ones are suggested.
    """
    model = registry.load("model", name)()
    if not isinstance(model, Model):
        raise InputError(
            f"the model '{name}' is a {type(model).__name__}, a subclass of salus.forecasting.Model was wanted."
        )
    return model


def unusable(panel: Panel) -> dict[str, tuple[str, str]]:
    """Places that can't be forecast, and why.

    Parameters
    ----------
    panel : Panel
        What was known.

    Returns
    -------
    dict of str to (str, str)
        Reason in English and Chinese by place.
    """
    reasons: dict[str, tuple[str, str]] = {}
    known = np.isfinite(panel.values).sum(axis=1)
    kind = panel.cadence.name()
    unit = {"day": "天", "week": "周", "month": "个月"}[panel.cadence.kind]
    for place, count, gap in zip(panel.locations, known, panel.gaps, strict=True):
        if count == 0:
            reasons[place] = ("no value was ever reported", "从未报告任何数值")
        elif gap > SILENT_AFTER:
            reasons[place] = (f"silent for {gap} {kind}", f"已连续{gap}{unit}未报告")
        elif count < SHORTEST:
            reasons[place] = (
                f"only {count} values are known; {SHORTEST} are needed",
                f"仅有{count}个数值，至少需要{SHORTEST}个",
            )
    return reasons


def answer(model: Model, panel: Panel, horizons: Sequence[int]) -> Answer:
    """Forecast all places that can be forecast.

    Parameters
    ----------
    model : Model
        Fitted.
    panel : Panel
        What was known on the reference date.
    horizons : sequence of int
        Periods ahead, from 1.

    Returns
    -------
    Answer
        Every place of the panel is in its table or named as unusable.

    Raises
    ------
    TooShortError
        No place can be forecast.
    """
    left_out = unusable(panel)
    usable = panel.without(list(left_out))
    if not usable.locations:
        raise TooShortError(_nothing(panel, left_out))
    quantiles = model.predict(usable, horizons)
    lacking = np.asarray(~np.isfinite(quantiles).all(axis=(1, 2)))
    if lacking.any():
        quantiles = np.where(lacking[:, None, None], Persistence().predict(usable, horizons), quantiles)
    names = tuple(p for p, missing in zip(usable.locations, lacking, strict=True) if missing)
    fresh = [p for p, new in zip(panel.locations, newcomers(panel), strict=True) if new and p in left_out]
    young = panel.without(sorted(set(panel.locations) - set(fresh)))
    theirs = borrowed(young, usable, quantiles) if fresh else None
    if theirs is None:
        return Answer(to_table(model.name, usable, horizons, quantiles), names, left_out)
    rest = {place: why for place, why in left_out.items() if place not in set(fresh)}
    whole = panel.without(list(rest))
    said = dict(zip((*usable.locations, *fresh), (*quantiles, *theirs), strict=True))
    table = to_table(model.name, whole, horizons, np.stack([said[p] for p in whole.locations]))
    return Answer(table, names, rest, tuple(fresh))


def _nothing(panel: Panel, left_out: dict[str, tuple[str, str]]) -> str:
    """Why no place can be forecast; places of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for place, (reason, _) in left_out.items():
        by_reason.setdefault(reason, []).append(place)
    why = []
    for reason, places in list(by_reason.items())[:5]:
        more = f" and {len(places) - 5} more" if len(places) > 5 else ""
        why.append(f"{reason} ({', '.join(places[:5])}{more})")
    return (
        f"{panel.label}: no place can be forecast for {panel.disease} on {panel.reference_date}: {', '.join(why)}. "
        f"Give {SHORTEST} or more values of at least one place, the last of them no older than {SILENT_AFTER} "
        f"{panel.cadence.name()}, or ask for an earlier day."
    )
