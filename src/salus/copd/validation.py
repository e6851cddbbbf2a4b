"""Validation of the packaged models, and of questionnaires beside them, on a table of people with spirometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.copd import performance as measure
from salus.copd.admission import admitted, outcome_of, were_trained_on
from salus.copd.approximations import NEEDED, approximated
from salus.copd.coherence import coherent, companions
from salus.copd.cohort import Design, design_of, read_people
from salus.copd.design import Floats
from salus.copd.locale import EDUCATION, INCOME
from salus.copd.model import OUTCOMES, RiskModel
from salus.copd.model_items import TIERS
from salus.copd.subgroups import FAIR, subgroups
from salus.errors import InputError

JUDGED = ("y_mod", "y_lln12", "y_llngl", "y_070")
"""Outcomes that are validated: those known for everybody with readable spirometry."""
FEWEST = 10
"""People with the outcome, and without, from which on calibration is estimated in a group."""
_REPLICATES, _FEWEST_REPLICATES, _MOST_WEIGHTS = 200, 50, 20_000_000
_FEW_FREE, _NO_WIDTH = 5, 1e-9


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes
    ----------
    rows : list of dict
        One an outcome, a tier or questionnaire, and a subgroup: `outcome`; `tier` or `instrument`; `subgroup`, `n`,
        `events` (people, not weighted); `prevalence`; `auroc`, `auroc_lower`, `auroc_upper`; `auprc`; `brier`, `slope`,
        `intercept`, `observed_expected` with `observed_expected_lower` and `_upper`; `flagged`, where it is out of the
        bounds of fairness; `sensitivity_at_90_specificity`; `net_benefit` by threshold, for a questionnaire that of
        its best cut-off; `approximate`; `model`. None where it can't be said.
    notes : tuple of str
        What was assumed, and what the table lacks.
    """

    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def validate_file(path: str | Path, *, model: str | Path | None = None, replicates: int = _REPLICATES) -> Validation:
    """Validate on a file with the columns of the data dictionary.

    Parameters
    ----------
    path : str or Path
        Parquet or CSV.
    model : str or Path, optional
        A model's file, to be judged in place of the packaged model of its outcome and tier.
    replicates : int
        Bootstrap samples for the bounds.
    """
    own = [RiskModel.read(model)] if model is not None else None
    found = validate(read_people(path), models=own, replicates=replicates, name=str(path))
    if not were_trained_on(own or [RiskModel.load()], path):
        return found
    warning = "the models were trained on this very file: the figures flatter them. `salus copd card` has honest ones"
    return Validation(found.rows, (warning, *found.notes))


def validate(
    frame: pl.DataFrame,
    *,
    models: Sequence[RiskModel] | None = None,
    outcomes: Sequence[str] = JUDGED,
    replicates: int = _REPLICATES,
    name: str = "the table",
) -> Validation:
    """Judge models and questionnaires over people aged 40 to 79 with `spiro_ok` = 1, weighted by `wt_mec_6yr`.

    People with answers that can't be right are left out (:func:`salus.copd.admission.admitted`), and a model that takes
    a peak flow is judged over people who have one.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the data dictionary. Without weights everybody counts once; without `stratum` and `psu` people count
        as drawn one by one; the notes say so.
    models : sequence of RiskModel, optional
        Models to judge; the packaged ones of all `outcomes` and tiers by default.
    outcomes : sequence of str
        Outcomes to judge by; those that the table lacks are named in the notes.
    replicates : int
        Bootstrap samples over the survey design.
    name : str
        What the person calls the table, for messages.

    Raises
    ------
    InputError
        The table lacks `age`, `spiro_ok` or every outcome, nobody is left, or a column is wrong for many people, such
        as pounds for kilograms.
    """
    who = admitted(frame, name)
    kept = who.people
    chosen = list(models) if models is not None else [RiskModel.load(o, t) for o in outcomes for t in TIERS]
    wanted = list(dict.fromkeys(m.outcome for m in chosen))
    known = {c for c in kept.columns if not _empty(kept[c])}
    present = [o for o in wanted if o in known]
    if not present:
        raise InputError(
            f"{name} has none of the outcomes {', '.join(wanted)} for the {kept.height:,} people aged 40 to 79 with "
            "spiro_ok = 1. Wanted columns of 0 and 1"
        )
    design = design_of(kept)
    notes = [*who.notes, *design.notes]
    if design.freedom < _FEW_FREE:
        notes.append(f"{design.freedom} more sampling units than strata: bounds are rough")
    notes += [f"{_absent([o], kept)}: {OUTCOMES[o]} is not judged" for o in wanted if o not in known]
    chosen, flowless = _with_flow(chosen, kept, known)
    notes += flowless
    placed = {item for item, place in (("poverty_ratio", INCOME), ("education", EDUCATION)) if place in known}
    asked = sorted({i.name for m in chosen for i in m.items()} - known - placed)
    if asked:
        notes.append(f"{_absent(asked, kept)}: taken as answers that nobody gave")
    for name_of, needed in NEEDED.items() if models is None else ():
        if gone := [c for c in needed if c not in known]:
            notes.append(f"{_absent(gone, kept)}: the questionnaire {name_of} is not judged")
    groups = list(subgroups(kept))
    drawn = min(replicates, max(_FEWEST_REPLICATES, _MOST_WEIGHTS // kept.height))
    if drawn < replicates:
        notes.append(f"{kept.height:,} people: bounds rest on {drawn} bootstrap samples in place of {replicates}")
    samples = design.replicates(drawn)
    scorable = kept.select(c for c in kept.columns if c in known)
    questionnaires = approximated(scorable) if models is None else []
    rows: list[dict[str, Any]] = []
    for outcome in present:
        y = outcome_of(kept, outcome, name)
        notes += _few(outcome, y)
        for one in (m for m in chosen if m.outcome == outcome):
            together = companions([one], chosen)
            said = coherent({m.outcome: m.predict(kept, interval=False) for m in together}, together)
            p = said[outcome]["probability"].to_numpy()
            if "pef_lps" in {i.name for i in one.items()}:
                p = np.where(kept["pef_lps"].is_not_null().to_numpy(), p, np.nan)
            about: dict[str, Any] = {"outcome": outcome, "tier": one.tier}
            rows += judge(about, y, p, design, samples, groups, None, one.label)
        for each in questionnaires:
            about = {"outcome": outcome, "instrument": each.name}
            rows += judge(about, y, each.score, design, samples, groups, each.cutoffs, None)
    return Validation(rows, (*notes, *_unsaid(rows)))


def _with_flow(models: list[RiskModel], kept: pl.DataFrame, known: set[str]) -> tuple[list[RiskModel], list[str]]:
    """The models whose peak flow is known of somebody, and what there is to say of the others."""
    without = [m for m in models if "pef_lps" not in {i.name for i in m.items()}]
    tiers = ", ".join(sorted({m.tier for m in models if m not in without}))
    if not tiers:
        return models, []
    if "pef_lps" not in known:
        return without, [f"{_absent(['pef_lps'], kept)}: tier {tiers}, which takes a peak flow, is not judged"]
    lacking = kept["pef_lps"].null_count()
    told = f"no pef_lps for {lacking:,} of {kept.height:,} people: tier {tiers} is judged over the others"
    return models, [told] if lacking else []


def _few(outcome: str, y: Floats) -> list[str]:
    known, events = int((~np.isnan(y)).sum()), int(np.nansum(y))
    if min(events, known - events) >= FEWEST:
        return []
    return [
        f"{outcome}: {events:,} of {known:,} people have it. Slope and intercept take {FEWEST} with it and without, "
        "the other figures of so few mean little"
    ]


def _unsaid(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What could not be estimated for everybody, although there are enough people."""
    notes = []
    for row in (r for r in rows if r["subgroup"] == "all" and not r["approximate"]):
        who = f"{row['outcome']}, tier {row['tier']}"
        if min(row["events"], row["n"] - row["events"]) >= FEWEST and row["slope"] is None:
            notes.append(f"{who}: no slope can be fitted to these probabilities")
        if row["auroc"] is not None and row["auroc_lower"] is None:
            notes.append(f"{who}: the bootstrap samples give no bounds")
    return notes


def _empty(values: pl.Series) -> bool:
    found = values.fill_nan(None) if values.dtype.is_float() else values
    return found.null_count() == found.len()


def _absent(columns: Sequence[str], frame: pl.DataFrame) -> str:
    """Columns that are not there, and those that are empty, in words."""
    gone = [c for c in columns if c not in frame.columns]
    empty = [c for c in columns if c in frame.columns]
    said = ([f"no column {', '.join(gone)}"] if gone else []) + ([f"no value in {', '.join(empty)}"] if empty else [])
    return ", ".join(said)


def judge(
    about: Mapping[str, Any],
    y: Floats,
    score: Floats,
    design: Design,
    samples: Floats,
    groups: Sequence[tuple[str, Any]],
    cutoffs: tuple[int, ...] | None,
    label: str | None,
) -> list[dict[str, Any]]:
    """Rows of one model or questionnaire, one a subgroup.

    Parameters
    ----------
    about : mapping
        What stands first in each row.
    y, score : ndarray of float, shape (n,)
        Outcome, and probability or score; people with nan in either are left out.
    design : Design
        Survey design of the same people.
    samples : ndarray of float, shape (b, n)
        Bootstrap weights.
    groups : sequence of (str, ndarray of bool)
        What :func:`salus.copd.subgroups.subgroups` yields.
    cutoffs : tuple of int or None
        Cut-offs of a questionnaire; None for probabilities.
    label : str or None
        Label of the model.

    Returns
    -------
    list of dict
        As :attr:`Validation.rows`.
    """
    known = ~np.isnan(y) & ~np.isnan(score)
    found = []
    for group, rows in groups:
        inside = known & rows
        if not inside.any():
            continue
        figures = _figures(y[inside], score[inside], design.weights[inside], samples[:, inside], cutoffs)
        found.append({**about, "subgroup": group, **figures, "approximate": cutoffs is not None, "model": label})
    return found


def _figures(y: Floats, score: Floats, w: Floats, samples: Floats, cutoffs: tuple[int, ...] | None) -> dict[str, Any]:
    events = int(y.sum())
    found: dict[str, Any] = {"n": len(y), "events": events, "prevalence": _said(float(np.average(y, weights=w)))}
    both = 0 < events < len(y)
    bounds = _bounds(measure.auroc(y, score, samples)) if both else (None, None)
    found["auroc"] = _said(float(measure.auroc(y, score, w))) if both else None
    found["auroc_lower"], found["auroc_upper"] = bounds
    found["auprc"] = _said(measure.auprc(y, score, w)) if both else None
    found |= _calibration(y, score, w, samples) if cutoffs is None else dict.fromkeys(_CALIBRATION)
    found["sensitivity_at_90_specificity"] = _said(measure.sensitivity_at(y, score, w)) if both else None
    rules = [(score >= cut).astype(float) for cut in cutoffs] if cutoffs is not None else None
    found["net_benefit"] = {
        f"{t:.2f}": _said(
            max(float(measure.net_benefit(y, rule, w, t)) for rule in (rules or [(score >= t).astype(float)]))
        )
        for t in measure.THRESHOLDS
    }
    return found


_CALIBRATION = (
    "brier",
    "slope",
    "intercept",
    "observed_expected",
    "observed_expected_lower",
    "observed_expected_upper",
    "flagged",
)


def _calibration(y: Floats, p: Floats, w: Floats, samples: Floats) -> dict[str, Any]:
    ratio = measure.observed_expected(y, p, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = _bounds((samples @ y) / (samples @ p))
    enough = min(y.sum(), len(y) - y.sum()) >= FEWEST
    slope, intercept = measure.calibration(y, p, w) if enough else (None, None)
    values = (
        _said(measure.brier(y, p, w)),
        _said(slope),
        _said(intercept),
        _said(ratio),
        low,
        high,
        not FAIR[0] <= ratio <= FAIR[1],
    )
    return dict(zip(_CALIBRATION, values, strict=True))


def _bounds(values: Floats) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)]
    if len(finite) < len(values) / 2:
        return None, None
    low, high = np.quantile(finite, [0.025, 0.975])
    if high - low < _NO_WIDTH:  # samples that are all alike say nothing of how far the figure may be off
        return None, None
    return _said(float(low)), _said(float(high))


def _said(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, 5)


def shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of everybody as aligned text, for a terminal; what can't be said is a dash.

    Parameters
    ----------
    rows : sequence of mapping
        :attr:`Validation.rows`.
    """
    found = [("outcome", "by", "people", "with it", "AUROC (95 %)", "slope", "interc.", "O/E", "sens90")]
    for row in rows:
        if row["subgroup"] != "all":
            continue
        who = f"tier {row['tier']}" if "tier" in row else row["instrument"]
        auroc = f"{_text(row['auroc'])} ({_text(row['auroc_lower'])}-{_text(row['auroc_upper'])})"
        figures = ("slope", "intercept", "observed_expected", "sensitivity_at_90_specificity")
        cells = (row["outcome"], who, f"{row['n']:,}", f"{row['events']:,}", auroc)
        found.append((*cells, *(_text(row[name]) for name in figures)))
    wide = [max(len(cells[k]) for cells in found) for k in range(len(found[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(cells, wide, strict=True)).rstrip() for cells in found]
    return "\n".join([*lines, "", "Everybody; --json has the subgroups. Questionnaires are approximate; sens90 is the"
                      " sensitivity at 90 % specificity."])  # fmt: skip


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
