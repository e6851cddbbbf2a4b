"""Calibration of a packaged model on a department's own people, and how many of them it takes.

Only two numbers are learned: a slope and an intercept of the log-odds. The order in which people are ranked stays that
of the model. Before this a model's probabilities may not be called right where it is used; after it they were fitted
there, on the people named in the file, and are still to be checked on others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from salus.copd import performance as measure
from salus.copd.admission import admitted, outcome_of, were_trained_on
from salus.copd.cohort import WEIGHT, design_of, read_people
from salus.copd.design import Floats
from salus.copd.fitting import expit, fit
from salus.copd.locale import EDUCATION, INCOME
from salus.copd.model import RiskModel
from salus.errors import InputError

SLOPE_ERROR = 0.15
"""Standard error of the slope that is asked for: 95 % of .3 to either side."""
RATIO_ERROR = 0.15
"""Standard error of the logarithm of observed over expected that is asked for: 95 % of 34 % to either side."""
_EXACT = 1e-6
"""What a whole number may be off by rounding."""
SOURCE = (
    "Riley RD, Debray TPA, Collins GS et al. Minimum sample size for external validation of a clinical prediction "
    "model with a binary outcome. Statistics in Medicine 2021, 40(19), 4230-4251"
)
"""Where the formulae of :func:`needed` were published; the errors that are asked for are our choice."""


@dataclass(frozen=True)
class Needed:
    """People that a calibration takes.

    Attributes
    ----------
    for_ratio, for_slope : int
        For observed over expected, and for the slope.
    people, events : int
        The larger of the two, and how many of them would have the outcome.
    """

    for_ratio: int
    for_slope: int
    people: int
    events: int


def needed(log_odds: Floats, weights: Floats, prevalence: float) -> Needed:
    """People that it takes, from the spread of the model's log-odds among those at hand.

    Parameters
    ----------
    log_odds : ndarray of float, shape (n,)
        Of the model, for people like those that it will be used on.
    weights : ndarray of float, shape (n,)
        Their weights.
    prevalence : float
        Share with the outcome, 0 to 1.

    Returns
    -------
    Needed
        For observed over expected (1 - prevalence) / (prevalence x error^2); for the slope the inverse of the
        information on it, where the model is well calibrated: see :data:`SOURCE`.

    Examples
    --------
    >>> spread = np.linspace(-6, 1, 200)
    >>> n = needed(spread, np.ones(200), 0.1)
    >>> n.for_ratio, n.people == max(n.for_ratio, n.for_slope)
    (400, True)
    """
    p = expit(log_odds)
    inform = p * (1 - p)
    one, mixed, two = (float(np.average(inform * log_odds**power, weights=weights)) for power in (0, 1, 2))
    ratio = math.ceil((1 - prevalence) / (prevalence * RATIO_ERROR**2) - _EXACT)
    slope = math.ceil(one / (SLOPE_ERROR**2 * (one * two - mixed**2)) - _EXACT)
    people = max(ratio, slope)
    return Needed(ratio, slope, people, math.ceil(people * prevalence))


def recalibrate_file(path: str | Path, where: str, *, outcome: str = "y_mod", tier: str = "A") -> RiskModel:
    """Calibrate a packaged model on a file; see :func:`recalibrate`."""
    model = RiskModel.load(outcome, tier)
    found = recalibrate(read_people(path), where, model, name=str(path))
    if not were_trained_on([model], path):
        return found
    warning = "the model was trained on this very file: its calibration there says nothing of another place"
    return replace(found, calibration={**found.calibration, "notes": [warning, *found.calibration["notes"]]})


def recalibrate(frame: pl.DataFrame, where: str, model: RiskModel, *, name: str = "the table") -> RiskModel:
    """Calibrate a model on a department's own people.

    Parameters
    ----------
    frame : polars.DataFrame
        Items and the outcome of people who all had spirometry whatever their answers were, columns named as in the
        data dictionary; `age`, `spiro_ok`; `wt_mec_6yr`, where people stand for more than themselves.
    where : str
        Place and time of these people, for the label of the model.
    model : RiskModel
        Model to calibrate.
    name : str
        What the person calls the table, for messages.

    Returns
    -------
    RiskModel
        The same with `calibration`: `slope` and `intercept` with their standard errors, `where`, `people`, `events`,
        `needed`, `source`, `notes` (what was assumed, and who was left out).

    Raises
    ------
    InputError
        There are fewer people than the calibration takes; the message says how many it takes. Or the slope found is not
        above 0: the model does not hold there. Or a column is absent or wrong, as :func:`salus.copd.admission.admitted`
        says; or nobody has the peak flow that the model takes.
    """
    if not where.strip():
        raise InputError("the place of these people is empty. Say where and when, such as 'Yuzhong district, 2026'")
    who = admitted(frame, name)
    kept, notes = who.people, list(who.notes)
    if model.outcome not in kept.columns:
        raise InputError(f"{name} has no column {model.outcome}")
    kept = kept.filter(pl.Series(~np.isnan(outcome_of(kept, model.outcome, name))))
    kept, more = _asked(kept, model, name)
    y, design = outcome_of(kept, model.outcome, name), design_of(kept)
    if WEIGHT not in kept.columns:
        more.append(f"no weights in a column {WEIGHT}: everybody counts once")
    plain = replace(model, calibration={})
    at = measure.log_odds(plain.predict(kept, interval=False)["probability"].to_numpy())
    events, prevalence = int(y.sum()), float(np.average(y, weights=design.weights)) if len(y) else 0.0
    if not 0 < events < len(y):
        raise InputError(f"{name} has {len(y):,} people with {model.outcome}, {events} of them with the outcome: "
                         "a calibration needs both")  # fmt: skip
    if measure.parted(y, at):
        raise InputError(
            f"the probabilities of the {len(y):,} people of {name} are all alike, or part those with {model.outcome} "
            "from the others altogether: no slope can be fitted to them. Bring more people, or more of the answers"
        )
    takes = needed(at, design.weights, prevalence)
    effective = math.floor(design.weights.sum() ** 2 / (design.weights**2).sum())
    if effective < takes.people:
        counted = f"{len(y):,} people" if effective == len(y) else f"{len(y):,} people, worth {effective:,} by weights,"
        raise InputError(
            f"{name} has {counted} with {model.outcome}, {events} with the outcome. This model takes {takes.people:,} "
            f"people there, about {takes.events:,} with the outcome ({takes.for_ratio:,} for observed over expected, "
            f"{takes.for_slope:,} for the slope; {SOURCE}). Bring more, or use the model without calibration"
        )
    try:
        found = fit(at[:, None], y, design.weights, np.zeros(1))
    except np.linalg.LinAlgError as error:
        raise InputError(f"no slope can be fitted to the probabilities in {name}. Bring more people") from error
    slope = float(found.coefficients[0])
    if slope <= 0:
        raise InputError(
            f"the slope found in {name} is {slope:.2f}: the model does not hold there, and none was written"
        )
    errors = np.sqrt(np.diag(found.bread))
    known = {
        "slope": round(slope, 6),
        "slope_error": round(float(errors[1]), 6),
        "intercept": round(found.intercept, 6),
        "intercept_error": round(float(errors[0]), 6),
        "where": where.strip(),
        "people": len(y),
        "events": events,
        "prevalence": round(prevalence, 6),
        "needed": takes.people,
        "source": SOURCE,
        "notes": notes + more,
    }
    return replace(model, calibration=known)


def _asked(kept: pl.DataFrame, model: RiskModel, name: str) -> tuple[pl.DataFrame, list[str]]:
    """Those with a peak flow, where the model takes one, and what nobody was asked."""
    notes, items = [], [item.name for item in model.items()]
    if "pef_lps" in items:
        lacking = kept.height if "pef_lps" not in kept.columns else kept["pef_lps"].null_count()
        if lacking == kept.height:
            raise InputError(f"{name} has no peak flow in pef_lps, which tier {model.tier} takes. Calibrate tier A")
        if lacking:
            notes.append(f"no pef_lps for {lacking:,} of {kept.height:,} people, who are left out")
            kept = kept.filter(pl.col("pef_lps").is_not_null())
    known = {column for column in kept.columns if kept[column].null_count() < kept.height}
    placed = {item for item, place in (("poverty_ratio", INCOME), ("education", EDUCATION)) if place in known}
    if lacking_items := [item for item in items if item not in known | placed]:
        notes.append(
            f"no values in {', '.join(lacking_items)}: taken as answers that nobody gave. The calibration holds for "
            "people who are asked as little"
        )
    return kept, notes
