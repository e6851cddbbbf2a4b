"""Training of the risk models: penalty by leaving one survey cycle out, fit, covariance, audit, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import t as student

from salus.copd.cohort import AGES, WEIGHT, Design, design_of, eligible
from salus.copd.design import FLOW_COLUMNS, Floats, Quantities, Term, columns, flow_columns, signs
from salus.copd.fitting import expit, fit, sandwich
from salus.copd.guides import guide, severity, towards
from salus.copd.locale import places
from salus.copd.model import OUTCOMES, RiskModel
from salus.copd.model_items import MODEL_ITEMS
from salus.copd.nhanes_people import read_training
from salus.copd.performance import observed_expected
from salus.copd.recipe import STRENGTHS, TERMS
from salus.copd.subgroups import subgroups
from salus.copd.verification import Verified, verification
from salus.data.provenance import InputFile, hash_file
from salus.errors import InputError, NameNotFoundError

MODEL_VERSION = "1.2"
Strength = tuple[float, float]
"""Ridge penalties on the columns and on the guides."""
_REPLICATES = 200
_FEWEST_OF_A_GROUP = 20


@dataclass(frozen=True)
class Prepared:
    """The people that one model is trained on.

    Attributes
    ----------
    frame : polars.DataFrame
        Eligible people whose outcome is known.
    y : ndarray of float, shape (n,)
        Outcome.
    design : Design
        Survey design, with the weights of verification where the outcome needs them.
    fold : ndarray of int, shape (n,)
        Number of the survey cycle; of the group of sampling units where there is one cycle only.
    severity : ndarray of float, shape (n, 2)
        z-scores of FEV1/FVC and FEV1 by GLI Global 2022; nan where height or sex is missing.
    verified : Verified or None
        Who has a second blow, for the outcome after a bronchodilator.
    """

    frame: pl.DataFrame
    y: Floats
    design: Design
    fold: NDArray[np.int64]
    severity: Floats
    verified: Verified | None


@dataclass(frozen=True)
class Filled:
    """Columns of a model, standardised, and what it takes to make them again.

    Attributes
    ----------
    z : ndarray of float, shape (n, p)
        Standardised columns; missing ones filled from the others.
    mean, scale : ndarray, shape (p,)
        Weighted mean and standard deviation.
    spread : ndarray, shape (p, p)
        Weighted covariance of the columns as they are.
    """

    z: Floats
    mean: Floats
    scale: Floats
    spread: Floats


def train(
    frame: pl.DataFrame,
    outcome: str,
    tier: str,
    *,
    terms: Sequence[Term] | None = None,
    strengths: Sequence[Strength] = STRENGTHS,
    source: Sequence[InputFile] = (),
    name: str = "the table",
) -> RiskModel:
    """Train one model.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the data dictionary: items, outcome, `age`, `spiro_ok`; `cycle`, `wt_mec_6yr`, `stratum`, `psu`
        where there are any.
    outcome : str
        Key of :data:`salus.copd.model.OUTCOMES`.
    tier : {'A', 'B'}
        By what is known of people.
    terms : sequence of Term, optional
        Others than those of :data:`salus.copd.recipe.TERMS`.
    strengths : sequence of (float, float)
        Pairs of ridge penalties to choose from: on the columns, and on the guides.
    source : sequence of InputFile
        Names and hashes of the training files, for the provenance.
    name : str
        What the person calls the table, for messages.

    Raises
    ------
    InputError
        A column is absent, or there are too few people.
    """
    chosen = tuple(terms or TERMS[tier])
    people = prepare(frame, outcome, chosen, name)
    scores = cross_validated(people, chosen, strengths)
    losses = {each: log_loss(people.y, p, people.design.weights) for each, p in scores.items()}
    strength = min(losses, key=lambda each: losses[each])
    flow = expected_flow(people.frame, people.design.weights) if _needs_flow(chosen) else {}
    filled = fill(columns(Quantities(people.frame, flow or None), chosen), people.design.weights)
    lines = guide(filled.z, people.severity, people.design.weights)
    found = fit(filled.z, people.y, people.design.weights, towards(lines, strength), signs(chosen))
    covariance = sandwich(filled.z, found, people.design)
    unscale = np.concatenate([[1.0], 1 / filled.scale])
    asked = [item for item in MODEL_ITEMS if any(item in term.items for term in chosen)]
    provenance: dict[str, Any] = {
        "training": [{"file": each.name, "sha256": each.sha256} for each in source],
        "cycles": sorted(people.frame["cycle"].unique()) if "cycle" in people.frame.columns else [],
        "ages": list(AGES),
        "people": people.frame.height,
        "events": int(people.y.sum()),
        "prevalence": round(float(np.average(people.y, weights=people.design.weights)), 6),
        "weights": WEIGHT if WEIGHT in people.frame.columns else "none",
        "design_notes": list(people.design.notes),
        "degrees_of_freedom": people.design.freedom,
        "penalty": strength[0],
        "guide_penalty": strength[1],
        "log_loss_by_penalties": {f"{a:g}, {b:g}": round(value, 6) for (a, b), value in losses.items()},
        "code": f"salus {version('salus')}",
    }
    if people.verified is not None:
        provenance["verification"] = {
            "obstructed_before": people.verified.obstructed,
            "verified": people.verified.verified,
            "weights": "inverse probability of verification, from the model's own columns",
        }
    return RiskModel(
        outcome=outcome,
        tier=tier,
        version=MODEL_VERSION,
        terms=chosen,
        mean=filled.mean,
        spread=filled.spread,
        intercept=found.intercept,
        coefficients=found.coefficients / filled.scale,
        covariance=covariance * np.outer(unscale, unscale),
        critical=round(float(student.ppf(0.975, max(people.design.freedom, 1))), 6),
        expected_flow=flow,
        seen={item: _range(people.frame, item) for item in asked if item != "smk_status"},
        provenance=provenance,
        audit=tuple(audit(people, scores[strength])),
        places=places(people.frame, people.design.weights),
    )


def train_files(
    paths: Sequence[str | Path], outcomes: Sequence[str] = tuple(OUTCOMES), tiers: Sequence[str] = tuple(TERMS)
) -> list[RiskModel]:
    """Train models from one file of people, or from the tables of NHANES as pulled.

    Parameters
    ----------
    paths : sequence of str or Path
        See :func:`salus.copd.nhanes_people.read_training`.
    outcomes : sequence of str
        Keys of :data:`salus.copd.model.OUTCOMES`.
    tiers : sequence of {'A', 'B'}
        By what is known of people.
    """
    frame, source = read_training(paths), [hash_file(path) for path in paths]
    for tier in tiers:
        if tier not in TERMS:
            raise NameNotFoundError("tier of the COPD models", tier, TERMS)
    return [train(frame, o, t, source=source, name=str(paths[0])) for o in outcomes for t in tiers]


def prepare(frame: pl.DataFrame, outcome: str, terms: Sequence[Term], name: str = "the table") -> Prepared:
    """The people on whom a model of an outcome is trained, with their weights.

    Raises
    ------
    InputError
        The outcome's column is absent, or the people are fewer than the columns.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"'{outcome}' is no outcome of the COPD models. Outcomes: {', '.join(OUTCOMES)}")
    wanted = [column for column in ("y_070", outcome) if column not in frame.columns]
    if wanted and (outcome == "y_post070" or outcome in wanted):
        raise InputError(f"{name} has no column {wanted[0]}")
    kept = eligible(frame, name)
    asked = dict.fromkeys(item for term in terms for item in term.items)
    unanswered = [i for i in asked if i not in kept.columns or kept[i].null_count() == kept.height]
    if unanswered:
        raise InputError(
            f"{name} has no answer to {', '.join(unanswered)} among its {kept.height:,} people aged {AGES[0]} to "
            f"{AGES[1]}: what nobody answered can't be learned from"
        )
    verified = None
    if outcome == "y_post070":
        kept = kept.filter(pl.col("y_070").is_not_null())
        plain = [term for term in terms if "pef_lps" not in term.items]
        weights = design_of(kept).weights
        verified = verification(kept, fill(columns(Quantities(kept), plain), weights).z, weights)
        factor = verified.factor[verified.known]
        kept = kept.filter(pl.Series(verified.known))
    else:
        kept, factor = kept.filter(pl.col(outcome).is_not_null()), np.ones(1)
    design = design_of(kept)
    design = replace(design, weights=design.weights * factor)
    y = kept[outcome].cast(pl.Float64).to_numpy()
    size = sum(len(term.columns) for term in terms)
    if min(y.sum(), len(y) - y.sum()) < size:
        raise InputError(
            f"{name} has {len(y):,} people aged {AGES[0]} to {AGES[1]} with {outcome}, {int(y.sum())} of them with the "
            f"outcome: a model of {size} columns wants more of both. Take more cycles"
        )
    return Prepared(kept, y, design, _folds(kept, design), severity(kept, name), verified)


def cross_validated(people: Prepared, terms: Sequence[Term], strengths: Sequence[Strength]) -> dict[Strength, Floats]:
    """Probability of each person by a model that was trained without the person's fold, for each pair of penalties.

    Returns
    -------
    dict of (float, float) to ndarray of float, shape (n,)
        Everything is learned anew in each fold: means, what missing answers are filled with, the expected peak flow,
        the guides.
    """
    found = {each: np.empty(len(people.y)) for each in strengths}
    weights = people.design.weights
    for fold in np.unique(people.fold):
        rows = people.fold != fold
        inside = people.frame.filter(pl.Series(rows))
        flow = expected_flow(inside, weights[rows]) if _needs_flow(terms) else None
        z = fill(columns(Quantities(people.frame, flow), terms), weights, rows).z
        lines = guide(z[rows], people.severity[rows], weights[rows])
        for each in strengths:
            fitted = fit(z[rows], people.y[rows], weights[rows], towards(lines, each), signs(terms))
            found[each][~rows] = expit(fitted.intercept + z[~rows] @ fitted.coefficients)
    return found


def fill(x: Floats, weights: Floats, rows: NDArray[np.bool_] | None = None) -> Filled:
    """Standardise columns and fill what is missing with its least-squares prediction from what is there.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Columns, with nan.
    weights : ndarray of float, shape (n,)
        Survey weights.
    rows : ndarray of bool, shape (n,), optional
        Rows from which means and covariance are taken; all by default.
    """
    inside = np.ones(len(x), dtype=bool) if rows is None else rows
    gone = np.isnan(x)
    w = np.where(gone, 0.0, weights[:, None]) * inside[:, None]
    plain = np.where(gone, 0.0, x)
    mean = (w * plain).sum(axis=0) / w.sum(axis=0)
    scale = np.sqrt((w * (plain - mean) ** 2).sum(axis=0) / w.sum(axis=0))
    if (scale == 0).any():
        raise InputError("an answer is the same for everybody: it can't be learned from. Leave its term out")
    whole = inside & ~gone.any(axis=1)
    if whole.sum() <= x.shape[1]:
        raise InputError(f"only {int(whole.sum())} people have every answer: too few to learn from")
    correlation = np.cov(((x[whole] - mean) / scale).T, aweights=weights[whole]).reshape(x.shape[1], -1)
    z = np.where(gone, np.nan, (x - mean) / scale)
    for pattern in np.unique(gone[gone.any(axis=1)], axis=0):
        same = np.flatnonzero((gone == pattern).all(axis=1))
        slopes = np.linalg.lstsq(
            correlation[np.ix_(~pattern, ~pattern)], correlation[np.ix_(~pattern, pattern)], rcond=1e-9
        )[0]
        z[np.ix_(same, pattern)] = z[np.ix_(same, ~pattern)] @ slopes
    return Filled(z, mean, scale, correlation * np.outer(scale, scale))


def expected_flow(frame: pl.DataFrame, weights: Floats) -> dict[str, float]:
    """Expected peak flow by age, sex and height, of those who never smoked and have neither asthma nor a wheeze.

    Parameters
    ----------
    frame : polars.DataFrame
        Items; `pef_lps`.
    weights : ndarray of float, shape (n,)
        Survey weights.

    Returns
    -------
    dict of str to float
        Coefficients of the logarithm of the flow in l/s; see :func:`salus.copd.design.log_expected_flow`.
    """
    known = Quantities(frame)
    x, flow = flow_columns(known), known["pef_lps"]
    healthy = (known["former"] + known["current"] == 0) & (known["asthma_ever"] == 0) & (known["wheeze_12mo"] == 0)
    rows = healthy & ~np.isnan(x).any(axis=1) & (flow > 0)
    if rows.sum() <= len(FLOW_COLUMNS):
        raise InputError(f"only {int(rows.sum())} healthy people who never smoked have a peak flow: too few")
    root = np.sqrt(weights[rows])
    found = np.linalg.lstsq(x[rows] * root[:, None], np.log(flow[rows]) * root, rcond=None)[0]
    return dict(zip(FLOW_COLUMNS, (float(f"{value:.10g}") for value in found), strict=True))


def log_loss(y: Floats, p: Floats, weights: Floats) -> float:
    """Weighted mean of the negative logarithmic score."""
    return float(-np.average(y * np.log(p) + (1 - y) * np.log1p(-p), weights=weights))


def audit(people: Prepared, p: Floats) -> list[dict[str, Any]]:
    """Observed over expected in each subgroup, from probabilities of models that had not seen the person.

    Returns
    -------
    list of dict
        `subgroup`, `people`, `events`, `observed_expected`, `lower`, `upper`; groups with at least 20 people.
    """
    replicates = people.design.replicates(_REPLICATES)
    found = []
    for name, rows in subgroups(people.frame):
        if rows.sum() < _FEWEST_OF_A_GROUP:
            continue
        y, part = people.y[rows], p[rows]
        drawn = [observed_expected(y, part, w[rows]) for w in replicates if w[rows].sum() > 0]
        low, high = np.quantile(drawn, [0.025, 0.975])
        found.append(
            {
                "subgroup": name,
                "people": int(rows.sum()),
                "events": int(y.sum()),
                "observed_expected": round(observed_expected(y, part, people.design.weights[rows]), 4),
                "lower": round(float(low), 4),
                "upper": round(float(high), 4),
            }
        )
    return found


def _needs_flow(terms: Sequence[Term]) -> bool:
    return any("pef_lps" in term.items for term in terms)


def _range(frame: pl.DataFrame, item: str) -> tuple[float, float]:
    values = frame[item].cast(pl.Float64).drop_nulls().to_numpy()
    return round(float(values.min()), 4), round(float(values.max()), 4)


def _folds(frame: pl.DataFrame, design: Design, groups: int = 5) -> NDArray[np.int64]:
    """The survey cycle; where there is only one, groups of sampling units."""
    if "cycle" in frame.columns and frame["cycle"].n_unique() > 1:
        cycles: NDArray[np.int64] = frame["cycle"].rank("dense").cast(pl.Int64).to_numpy()
        return cycles
    order = np.random.default_rng(20260101).permutation(int(design.unit.max()) + 1)
    by_unit: NDArray[np.int64] = order[design.unit] % groups
    return by_unit
