"""One person's answers into what they mean: probability, reasons, what is missing, flags, the next step.

Three tiers by what is known: A the questionnaire, B with a peak flow, C spirometry, which is read by rule and not
predicted. Nothing here is a diagnosis: obstruction is found by spirometry, COPD by a clinician.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from salus.copd import answers as given
from salus.copd.assessed import Assessment, Missing, OtherEquation, Outside, Reason, Risk, Unfair
from salus.copd.checks import check
from salus.copd.coherence import coherent
from salus.copd.design import Quantities, log_expected_flow
from salus.copd.equations import EQUATIONS
from salus.copd.instruments import INSTRUMENTS
from salus.copd.interpretation import Session, interpret
from salus.copd.locale import localised
from salus.copd.model import RiskModel
from salus.copd.questionnaire import Result
from salus.copd.questions import FOLLOWS, LITRES_A_MINUTE, SMOKED, Item, all_items
from salus.copd.subgroups import flags as flagged
from salus.copd.subgroups import unfair
from salus.errors import InputError, NameNotFoundError

PRIMARY = "y_llngl"
"""Outcome whose probability is said first: airflow obstruction by the lower limit of normal of GLI Global 2022."""
SHOWN = ("y_llngl", "y_lln12", "y_mod", "y_070")
"""Outcomes of an answer, the first being :data:`PRIMARY`."""
ASKED_FOR = "y_post070"
"""Outcome of one person, and of a table where it is asked for: after a bronchodilator, which 581 of 1,219 never had."""
AGES = (40, 79)
MOST_ATTACKS = 12
"""Attacks of wheezing that the survey counted up to."""
FLOW_SHARES = (0.5, 0.75, 1.0, 1.15)
"""Peak flows, as shares of the expected one, that are tried where it is missing."""


Local = Sequence[RiskModel]
"""Models of the department's own, from `salus copd recalibrate`; each in place of the packaged one of its kind."""


def models(tier: str, local: Local = ()) -> tuple[RiskModel, ...]:
    """Models of a tier, in the order of :data:`SHOWN`.

    Parameters
    ----------
    tier : {'A', 'B'}
        By what is known.
    local : sequence of RiskModel
        Models in place of packaged ones.

    Raises
    ------
    InputError
        One of them is of an outcome that an assessment does not show, or two are of the same outcome and tier.
    """
    strange = [model.outcome for model in local if model.outcome not in SHOWN]
    if strange:
        raise InputError(f"a model of {strange[0]} was given; an assessment shows {', '.join(SHOWN)}")
    own = {(model.outcome, model.tier): model for model in local}
    if len(own) < len(local):
        kinds = Counter((model.outcome, model.tier) for model in local)
        outcome, tier_twice = kinds.most_common(1)[0][0]
        raise InputError(f"two models of {outcome}, tier {tier_twice}, were given. Leave one of them out")
    return tuple(own.get((outcome, tier)) or RiskModel.load(outcome, tier) for outcome in SHOWN)


def models_of(tier: str, outcomes: Sequence[str], local: Local = ()) -> tuple[RiskModel, ...]:
    """Models of a tier for the outcomes of a table, the first being that with an interval.

    Parameters
    ----------
    tier, local
        As for :func:`models`.
    outcomes : sequence of str
        Of :data:`SHOWN`, or :data:`ASKED_FOR`.

    Raises
    ------
    NameNotFoundError
        There is no such outcome.
    """
    for outcome in outcomes:
        if outcome not in (*SHOWN, ASKED_FOR):
            raise NameNotFoundError("outcome of an assessment", outcome, (*SHOWN, ASKED_FOR))
    chosen = tuple(model for model in models(tier, local) if model.outcome in outcomes)
    return (*chosen, RiskModel.load(ASKED_FOR, tier)) if ASKED_FOR in outcomes else chosen


def label_of(several: Sequence[RiskModel]) -> str:
    """Version of the models and what may be said of their calibration; of each outcome where they differ."""
    labels = {model.outcome: model.label for model in several}
    if len(set(labels.values())) == 1:
        return several[0].label
    return "; ".join(f"{outcome}: {label}" for outcome, label in labels.items())


def unfair_groups(tier: str, local: Local = ()) -> tuple[Unfair, ...]:
    """Groups for which a model of a tier was off by more than a fifth in its audit, of all outcomes that are shown."""
    return tuple(
        Unfair(group, ratio, model.outcome)
        for model in models(tier, local)
        for group, ratio in unfair(model.audit).items()
    )


def untold_groups(tier: str, local: Local = ()) -> tuple[Unfair, ...]:
    """Those of them that answers don't tell: ethnic groups, which are recorded for the audit and asked of nobody."""
    return tuple(row for row in unfair_groups(tier, local) if row.group.startswith("ethnicity: "))


PERCENTILES = ("income_percentile", "education_percentile")


def inputs_of(several: Sequence[RiskModel], columns: Sequence[str]) -> list[str]:
    """Those of a settled table's columns that models read."""
    read = {name for model in several for term in model.terms for name in term.items}
    return [name for name in columns if name in read or name in PERCENTILES]


def model_frame(settled: pl.DataFrame, model: RiskModel) -> pl.DataFrame:
    """Settled answers as the models take them: counted attacks up to 12, education and income by their local place.

    Parameters
    ----------
    settled : polars.DataFrame
        What :func:`salus.copd.questions.settle` gave.
    model : RiskModel
        Model with the places of its survey.
    """
    if "wheeze_attacks" in settled.columns:
        settled = settled.with_columns(pl.col("wheeze_attacks").clip(upper_bound=MOST_ATTACKS))
    return localised(settled, model.places)


def tier_of(settled: pl.DataFrame) -> pl.Series:
    """Tier of each person by what is known.

    Returns
    -------
    polars.Series of str
        'C' where a ratio of FEV1 and FVC and age, sex and height are there, else 'B' with a peak flow, else 'A'.
    """
    ratio = (pl.col("fev1_l").is_not_null() & pl.col("fvc_l").is_not_null()) | (
        pl.col("post_fev1_l").is_not_null() & pl.col("post_fvc_l").is_not_null()
    )
    body = pl.all_horizontal(pl.col("age", "sex", "height_cm").is_not_null())
    flow = pl.all_horizontal(pl.col("pef_lpm", "age", "sex", "height_cm").is_not_null())
    chosen = pl.when(ratio & body).then(pl.lit("C")).when(flow).then(pl.lit("B")).otherwise(pl.lit("A"))
    return settled.select(chosen.alias("tier"))["tier"]


def assess_person(
    answers: Mapping[str, Any],
    *,
    lang: str = "en",
    tier: str | None = None,
    group: str | None = None,
    confirmed: Sequence[str] = (),
    local: Local = (),
) -> Assessment:
    """What one person's answers mean; see :func:`salus.copd.assess`."""
    raw = given.from_person(answers, looked_at=confirmed)
    checked = check(raw, lang)
    if checked.refused.height:
        reasons = checked.refused["reasons"][0]
        raise InputError(("; " if lang == "en" else "；").join(reasons))
    settled = checked.fine
    notes = tuple(checked.notes["notes"][0]) if checked.notes.height else ()
    reached = tier_of(settled)[0]
    chosen = (tier or reached).upper()
    if chosen not in ("A", "B", "C"):
        raise NameNotFoundError("tier", chosen, ("A", "B", "C"))
    if chosen > reached:
        wanted = {"B": "a peak flow, age, sex and height", "C": "FEV1, FVC, age, sex and height"}[chosen]
        raise InputError(
            f"tier {chosen} needs {wanted}; what is known reaches tier {reached}. Answer these, or leave the tier out"
        )
    person = settled.row(0, named=True)
    known = {name: person[name] for name in all_items() if person[name] is not None}
    instruments = _instruments(known)
    if chosen == "C":
        return _read(known, group, instruments, notes)
    return _scored(raw, settled, known, chosen, instruments, notes, local)


def _read(
    known: Mapping[str, Any], group: str | None, instruments: Mapping[str, Result], notes: tuple[str, ...]
) -> Assessment:
    pre, post = _session(known, ""), _session(known, "post_")
    body = {"age": known["age"], "height_cm": known["height_cm"], "sex": known["sex"]}
    said = interpret(**body, pre=pre, post=post)
    flags = _age_flags(known.get("age"))
    return Assessment(
        tier="C",
        answers=known,
        risks=(),
        reasons=(),
        reference=None,
        missing=(),
        next_step="as_read",
        flags=tuple(flags),
        outside=(),
        subgroups=(),
        untold=(),
        instruments=instruments,
        spirometry=said,
        others=tuple(o for o in other_equations(body, pre, post, group) if o.below_lln is not said.below_lln),
        notes=notes,
        model=EQUATIONS["gli_global_2022"].title,
    )


def _session(known: Mapping[str, Any], stem: str) -> Session | None:
    fev1, fvc = known.get(f"{stem}fev1_l"), known.get(f"{stem}fvc_l")
    if fev1 is None or fvc is None:
        return None
    return Session(fev1, fvc, known.get(f"q_{stem}fev1"), known.get(f"q_{stem}fvc"))


def other_equations(
    body: Mapping[str, Any], pre: Session | None, post: Session | None, group: str | None
) -> list[OtherEquation]:
    """The same values by the other sets of equations, where these hold for the person.

    Parameters
    ----------
    body : Mapping
        `age`, `height_cm` and `sex`.
    pre, post : Session or None
        As for :func:`salus.copd.interpretation.interpret`.
    group : str or None
        Group for the equations that tell groups apart; each of their groups where it is not given.

    Returns
    -------
    list of OtherEquation
        One for each set and group; a set that does not hold at this age is left out.
    """
    found = []
    for name in ("gli_2012", "nhanes3"):
        equation = EQUATIONS[name]
        if not equation.ages[0] <= body["age"] <= equation.ages[1]:
            continue
        for one in equation.groups if group is None else [g for g in equation.groups if g == group]:
            ratio = interpret(**body, pre=pre, post=post, equation=name, group=one).values["fev1_fvc"]
            if ratio.z is not None and ratio.measured is not None:
                found.append(OtherEquation(name, one, ratio.lln, ratio.z, ratio.measured < ratio.lln))
    return found


def every_equation(said: Assessment, group: str | None = None) -> list[OtherEquation]:
    """The ratio of a person's spirometry by all three sets of equations, GLI Global 2022 first.

    Parameters
    ----------
    said : Assessment
        Of tier C.
    group : str, optional
        Group for the sets that tell groups apart; each of their groups where it is not given.

    Raises
    ------
    InputError
        No set has such a group.
    """
    if said.spirometry is None:
        raise InputError("this assessment has no spirometry: give FEV1, FVC, age, sex and height")
    groups = sorted({g for e in EQUATIONS.values() for g in e.groups})
    if group is not None and group not in groups:
        raise NameNotFoundError("group of the spirometry equations", group, groups)
    known = said.answers
    body = {"age": known["age"], "height_cm": known["height_cm"], "sex": known["sex"]}
    first = said.spirometry.values["fev1_fvc"]
    measured, z = first.measured or float("nan"), first.z or 0.0
    own = OtherEquation("gli_global_2022", "", first.lln, z, measured < first.lln)
    return [own, *other_equations(body, _session(known, ""), _session(known, "post_"), group)]


def _scored(
    raw: pl.DataFrame,
    settled: pl.DataFrame,
    known: Mapping[str, Any],
    tier: str,
    instruments: Mapping[str, Result],
    notes: tuple[str, ...],
    local: Local,
) -> Assessment:
    several = models(tier, local)
    first = several[0]
    frame = model_frame(settled, first)
    together = models_of(tier, (*SHOWN, ASKED_FOR), local)
    said = coherent({m.outcome: m.predict(frame) for m in together}, together)
    risks = tuple(Risk(m.outcome, *said[m.outcome].row(0)) for m in together)
    shares = first.contributions(frame).row(0, named=True)
    reasons = [
        Reason(name, shares[name], items, any(item in known for item in items))
        for name, items in {**own_items(first), "not_known": ()}.items()
    ]
    outside = tuple(
        Outside(item, float(known[item]), low, high)
        for item, (low, high) in limits(first).items()
        if item in known and not low <= known[item] <= high
    )
    symptoms = [known.get(i.name) for i in all_items().values() if i.symptom and _asked(i, first)]
    flags = _age_flags(known.get("age"))
    free = all(answer == 0 for answer in symptoms)
    flags += ["asymptomatic"] if free else []
    flags += ["diagnosed"] if known.get("prior_dx") == 1 else []
    flags += ["outside"] if outside else []
    audits = {model.outcome: model.audit for model in several if model.audit}
    theirs = flagged(frame, audits)[0]
    groups = tuple(r for r in unfair_groups(tier, local) if r.outcome in theirs.get(r.group, ())) if audits else None
    flags += ["subgroup"] if groups else []
    step = "diagnosed" if "diagnosed" in flags else "asymptomatic" if free else "spirometry"
    return Assessment(
        tier=tier,
        answers=known,
        risks=risks,
        reasons=tuple(sorted(reasons, key=lambda r: -abs(r.effect))),
        reference=float(shares["reference"]),
        missing=_missing(raw, settled, tier, local),
        next_step=step,
        flags=tuple(flags),
        outside=outside,
        subgroups=groups,
        untold=untold_groups(tier, local) if "ethnicity" not in known else (),
        instruments=instruments,
        spirometry=None,
        others=(),
        notes=notes,
        model=label_of(several),
    )


def _asked(item: Item, model: RiskModel) -> bool:
    return item.name in {i.name for i in model.items()}


def _age_flags(age: float | None) -> list[str]:
    if age is None:
        return ["no_age"]
    return ["under_40"] if age < AGES[0] else ["over_79"] if age > AGES[1] + 1 - 1e-9 else []


def _instruments(known: Mapping[str, Any]) -> dict[str, Result]:
    """Questionnaires whose items are all there and within their bounds."""
    told: dict[str, Any] = {
        name: {1.0: "yes", 0.0: "no"}[value] if name in all_items() and all_items()[name].kind == "yesno" else value
        for name, value in known.items()
    }
    found = {}
    for name, instrument in INSTRUMENTS.items():
        if any(item.name not in told for item in instrument.items):
            continue
        try:
            found[name] = instrument.score(told)
        except InputError:
            continue  # made for other people, such as from 40 years on: then it is not shown
    return found


# ---- what missing answers would change ------------------------------------------------------------------------------


def _missing(raw: pl.DataFrame, settled: pl.DataFrame, tier: str, local: Local) -> tuple[Missing, ...]:
    model = models(tier, local)[0]
    gone = model.missing(model_frame(settled, model)).row(0, named=True)
    items = [all_items()[own_name(name)] for name, lost in gone.items() if lost]
    found = _varied(raw, items, model)
    if tier == "A":
        flow = _flow(settled, local)
        found += [flow] if flow is not None else []
    return tuple(sorted(found, key=lambda m: m.lowest - m.highest))


def own_items(model: RiskModel) -> dict[str, tuple[str, ...]]:
    """Answers that each reason of a model is of; one that several reasons use is that of the first.

    Examples
    --------
    >>> own_items(models("B")[0])["peak_flow"]
    ('pef_lpm',)
    """
    taken: set[str] = set()
    found = {}
    for reason, items in model.reasons.items():
        found[reason] = tuple(own_name(item) for item in items if item not in taken)
        taken.update(items)
    return found


def limits(model: RiskModel) -> dict[str, tuple[float, float]]:
    """Ranges of the numbers that a model learned from, in the units of people; the age has flags of its own.

    Examples
    --------
    >>> low, high = limits(models("B")[0])["pef_lpm"]
    >>> round(low), round(high)
    (82, 953)
    """
    found = {}
    for name, (low, high) in model.seen.items():
        item, factor = own_name(name), LITRES_A_MINUTE if name == "pef_lps" else 1
        if item != "age" and item in all_items() and all_items()[item].kind == "number":
            found[item] = (factor * low, factor * high)
    return found


def own_name(name: str) -> str:
    """Name of a model's item among those of people: `sex` for `male`, `pef_lpm` for `pef_lps`."""
    return {"male": "sex", "pef_lps": "pef_lpm"}.get(name, name)


def _varied(raw: pl.DataFrame, items: Sequence[Item], model: RiskModel) -> list[Missing]:
    """Probabilities with each plausible answer of each item that does not contradict the others."""
    tries: list[tuple[Item, float | str]] = []
    for item in items:
        levels = [float(level.value) if item.is_number else level.value for level in item.levels]
        none = (0.0,) if _may_be_none(raw, item) else ()
        tries += [(item, value) for value in (*none, *(item.tries or levels))]
    if not tries:
        return []
    rows = [raw.with_columns(pl.lit(value, item.dtype).alias(item.name)) for item, value in tries]
    fine = check(pl.concat(rows, how="diagonal")).fine
    probabilities = model.predict(model_frame(fine, model), interval=False)["probability"].to_numpy()
    found = []
    for item in items:
        at = [k for k, row in enumerate(fine["_row"]) if tries[row][0] is item]
        if at:
            values = [tries[fine["_row"][k]][1] for k in at]
            found.append(_range(item.name, values, probabilities[at]))
    return found


def _may_be_none(raw: pl.DataFrame, item: Item) -> bool:
    """Whether an item is a number of years or the like of something that nobody asked for yet, so that it may be 0."""
    gates = [gate for gate, names in FOLLOWS.items() if item.name in names] + ["smk_status"] * (item.name in SMOKED)
    asked = [gate for gate in gates if gate in raw.columns and raw[gate][0] is not None]
    return bool(gates) and not asked and item.kind == "number"


def _range(item: str, values: Sequence[Any], probabilities: np.ndarray) -> Missing:
    low, high = int(np.argmin(probabilities)), int(np.argmax(probabilities))
    return Missing(item, float(probabilities[low]), float(probabilities[high]), values[low], values[high])


def _flow(settled: pl.DataFrame, local: Local) -> Missing | None:
    """What a peak flow would change, from half to 115 % of the one expected for age, sex and height."""
    person = settled.row(0, named=True)
    if any(person[name] is None for name in ("age", "sex", "height_cm")):
        return None
    model = models("B", local)[0]
    expected = float(np.exp(log_expected_flow(Quantities(settled), model.expected_flow)[0])) * LITRES_A_MINUTE
    flows = [round(expected * share, -1) for share in FLOW_SHARES]
    rows = pl.concat([settled.with_columns(pef_lpm=pl.lit(f), pef_lps=pl.lit(f / LITRES_A_MINUTE)) for f in flows])
    return _range("pef_lpm", flows, model.predict(model_frame(rows, model), interval=False)["probability"].to_numpy())
