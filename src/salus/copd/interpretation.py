"""Spirometry read by rule: obstruction, its severity, the response to a bronchodilator, and what was read.

Each rule and where it is from:

- obstruction: FEV1/FVC below the lower limit of normal (Stanojevic et al., ERS/ATS technical standard, European
  Respiratory Journal 2022, 60(1), 2101499); beside it the fixed .70 (Global Initiative for Chronic Obstructive Lung
  Disease, GOLD report). The two are always shown together, because they disagree in the young and in the old;
- severity: z-score of FEV1 from -1.645 to -2.5 mild, to -4 moderate, below severe (same standard);
- GOLD grade 1 to 4: FEV1 at least 80, 50, 30 and below 30 % of predicted, where the ratio after a bronchodilator is
  below .70 (GOLD report). Before a bronchodilator there is no grade;
- response: FEV1 or FVC rises by more than 10 % of its predicted value (same standard);
- obstruction after a bronchodilator at a ratio from .60 to .80 is repeated on another day before it is believed (GOLD
  report, which says the same of its absence; a healthy person of 62 has .78, so here it is asked of obstruction only);
- obstruction before a bronchodilator that is gone after it does not confirm COPD, and such people are followed up (GOLD
  report): 83 of 355 with obstruction in NHANES 2007-2010. With a response it is reversible, which asks for an
  assessment for asthma; without one the ratio lies near its limit, and the spirometry is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from salus.copd.equations import NORMAL_5TH
from salus.copd.quality import permitted
from salus.copd.reference import DEFAULT, Expected, expected
from salus.errors import InputError

FIXED_RATIO = 0.70
RESPONSE_PERCENT = 10.0
REPEAT_RATIOS = (0.60, 0.80)
SEVERITY_Z = (-NORMAL_5TH, -2.5, -4.0)
GOLD_PERCENT = (80.0, 50.0, 30.0)
STEPS = {
    "unreadable": "repeat the spirometry: its quality leaves open what it says",
    "pre": "repeat after a bronchodilator: obstruction before one does not confirm COPD",
    "border": "repeat on another day: a ratio from .60 to .80 after a bronchodilator may change sides",
    "post": "clinical assessment: obstruction stays after a bronchodilator",
    "reversible": "assess for asthma and follow up: reversible obstruction, gone after a bronchodilator, so COPD is "
    "not confirmed",
    "gone": "repeat on another day and follow up: obstruction before a bronchodilator is gone after it, so COPD is not "
    "confirmed",
    "gone_low": "clinical assessment and lung volumes: obstruction before a bronchodilator is gone after it, so COPD "
    "is not confirmed, but the values stay low",
    "low": "clinical assessment and lung volumes: the values are low without obstruction",
    "none": "none from spirometry: no obstruction is seen",
}
"""Next steps by key."""


@dataclass(frozen=True)
class Session:
    """Best values of one spirometry session.

    Attributes
    ----------
    fev1, fvc : float
        Litres.
    grade_fev1, grade_fvc : str or None
        Grades A to F (:func:`salus.copd.quality.grade`); None where they were not recorded.
    """

    fev1: float
    fvc: float
    grade_fev1: str | None = None
    grade_fvc: str | None = None


@dataclass(frozen=True)
class Response:
    """Change after a bronchodilator, in percent of the predicted value.

    Attributes
    ----------
    fev1_percent, fvc_percent : float
        Change; negative where the value fell.
    positive : bool
        One of them is above 10.
    """

    fev1_percent: float
    fvc_percent: float
    positive: bool


@dataclass(frozen=True)
class Interpretation:
    """What one person's spirometry says.

    Attributes
    ----------
    read : {'post', 'pre'}
        Which session is read: after or before a bronchodilator.
    read_because : str
        Why that one.
    permits : {'full', 'caution', 'at_least'}
        What its quality permits (:func:`salus.copd.quality.permitted`).
    values : dict of str to Expected
        FEV1, FVC and their ratio beside the reference.
    below_lln, below_070 : bool or None
        Obstruction by either rule; None where the quality does not permit to say. A value of grade E or U is reached at
        least: with such an FEV1 the ratio may be higher than seen, with such an FVC lower.
    pattern : {'normal', 'obstructive', 'obstructive_low_fvc', 'low_fvc', 'low_fev1', 'not_readable'}
        By the lower limits of all three. A low FVC asks for lung volumes; spirometry alone shows no restriction.
    severity : {'none', 'mild', 'moderate', 'severe'} or None
        By the z-score of FEV1.
    gold : int or None
        Grade 1 to 4; only after a bronchodilator, and only where the ratio is below .70.
    response : Response or None
        Where both sessions were given and may be read.
    before : Expected or None
        Ratio before a bronchodilator, where there was obstruction by either rule that is gone after it.
    next_step : str
        What to do.
    """

    read: str
    read_because: str
    permits: str
    values: dict[str, Expected]
    below_lln: bool | None
    below_070: bool | None
    pattern: str
    severity: str | None
    gold: int | None
    response: Response | None
    before: Expected | None
    next_step: str


def severity_of(z: float) -> str:
    """Severity of a reduced value by its z-score (ERS/ATS 2021); a value on a bound belongs to the milder band.

    Examples
    --------
    >>> severity_of(-1.6), severity_of(-2.5), severity_of(-3), severity_of(-4.2)
    ('none', 'mild', 'moderate', 'severe')
    """
    return ("none", "mild", "moderate", "severe")[sum(z < bound for bound in SEVERITY_Z)]


def gold_grade(ratio: float, fev1_percent: float) -> int | None:
    """GOLD grade from a session after a bronchodilator; None where the ratio is .70 or more.

    Parameters
    ----------
    ratio : float
        FEV1/FVC as a fraction.
    fev1_percent : float
        FEV1 in percent of predicted.

    Examples
    --------
    >>> gold_grade(0.65, 80), gold_grade(0.65, 79.9), gold_grade(0.4, 29), gold_grade(0.7, 60)
    (1, 2, 4, None)
    """
    return None if ratio >= FIXED_RATIO else 1 + sum(fev1_percent < bound for bound in GOLD_PERCENT)


def interpret(
    age: float,
    height_cm: float,
    sex: str,
    *,
    pre: Session | None = None,
    post: Session | None = None,
    equation: str = DEFAULT,
    group: str | None = None,
) -> Interpretation:
    """Read one person's spirometry; the session after a bronchodilator counts where its quality lets it.

    Parameters
    ----------
    age, height_cm, sex, equation, group
        As in :func:`salus.copd.reference.expected`.
    pre, post : Session, optional
        Before and after a bronchodilator; at least one.

    Raises
    ------
    InputError
        No session, none of a quality that may be read, or a value outside the equations.

    Examples
    --------
    >>> said = interpret(62, 170, "male", pre=Session(1.7, 3.3), post=Session(1.8, 3.4, "A", "B"))
    >>> said.read, said.below_lln, said.severity, said.gold
    ('post', True, 'mild', 2)
    >>> interpret(62, 170, "male", pre=Session(1.7, 3.3)).next_step
    'repeat after a bronchodilator: obstruction before one does not confirm COPD'
    """
    given = {name: s for name, s in (("post", post), ("pre", pre)) if s is not None}
    if not given:
        raise InputError("there is no spirometry session. Give one before or after a bronchodilator, or both")
    permits = {name: permitted(s.grade_fev1, s.grade_fvc) for name, s in given.items()}
    readable = [name for name in given if permits[name] != "nothing"]
    if not readable:
        raise InputError("no session may be read: all are of grade F. Repeat the spirometry")
    read = min(readable, key=lambda name: (permits[name] == "at_least", name == "pre"))
    found = {
        name: expected(age, height_cm, sex, fev1=s.fev1, fvc=s.fvc, equation=equation, group=group)
        for name, s in given.items()
    }
    values = found[read]
    ratio = _measured(values["fev1_fvc"])
    low = {m: _below(v) for m, v in values.items()}
    firm = _firm(given[read])
    below_lln, below_070 = _sure(low["fev1_fvc"], firm), _sure(ratio < FIXED_RATIO, firm)
    fev1_sure = firm["fev1"] or not low["fev1"]
    graded = read == "post" and firm["fev1"] and below_070 is not None
    said = Interpretation(
        read=read,
        read_because=_because(read, permits),
        permits=permits[read],
        values=values,
        below_lln=below_lln,
        below_070=below_070,
        pattern=_pattern(low) if below_lln is not None and fev1_sure and _fvc_sure(low, firm) else "not_readable",
        severity=severity_of(_known(values["fev1"].z)) if fev1_sure else None,
        gold=gold_grade(ratio, _known(values["fev1"].percent)) if graded else None,
        response=response_of(pre, post, values) if pre and post and _both_full(permits) else None,
        before=None,
        next_step="",
    )
    if read == "post" and pre and permits["pre"] != "nothing" and said.below_lln is False and said.below_070 is False:
        before, firm_before = found["pre"]["fev1_fvc"], _firm(pre)
        low_before = (_below(before), _measured(before) < FIXED_RATIO)
        if any(_sure(each, firm_before) for each in low_before):
            said = replace(said, before=before)
    return replace(said, next_step=STEPS[_next_step(said)])


def response_of(pre: Session, post: Session, values: dict[str, Expected]) -> Response:
    """Response to a bronchodilator by the ERS/ATS standard of 2021.

    Parameters
    ----------
    pre, post : Session
        Before and after.
    values : dict of str to Expected
        With the predicted values under 'fev1' and 'fvc'.

    Examples
    --------
    >>> from salus.copd.reference import expected
    >>> response_of(Session(1.7, 3.3), Session(2.1, 3.4), expected(62, 170, "male")).positive
    True
    """
    fev1 = 100 * (post.fev1 - pre.fev1) / values["fev1"].predicted
    fvc = 100 * (post.fvc - pre.fvc) / values["fvc"].predicted
    return Response(fev1, fvc, max(fev1, fvc) > RESPONSE_PERCENT)


def _known(value: float | None) -> float:
    if value is None:
        raise InputError("FEV1 and FVC are both needed to read a spirometry session")
    return value


def _measured(value: Expected) -> float:
    return _known(value.measured)


def _below(value: Expected) -> bool:
    return _measured(value) < value.lln


def _firm(session: Session) -> dict[str, bool]:
    """Whether FEV1 and FVC are values, and not only something that is reached at least."""
    grades = {"fev1": session.grade_fev1, "fvc": session.grade_fvc}
    return {measure: permitted(letter) in ("full", "caution") for measure, letter in grades.items()}


def _sure(ratio_is_low: bool, firm: dict[str, bool]) -> bool | None:
    """Whether the ratio is low, None where quality leaves it open: FEV1 may be higher than seen, or FVC may."""
    if firm["fev1"] and firm["fvc"]:
        return ratio_is_low
    if firm["fev1"]:
        return True if ratio_is_low else None
    if firm["fvc"]:
        return None if ratio_is_low else False
    return None


def _fvc_sure(low: dict[str, bool], firm: dict[str, bool]) -> bool:
    return firm["fvc"] or not low["fvc"]


def _both_full(permits: dict[str, str]) -> bool:
    return all(p in ("full", "caution") for p in permits.values())


def _because(read: str, permits: dict[str, str]) -> str:
    if read == "post":
        return "the session after a bronchodilator decides"
    if "post" not in permits:
        return "there is no session after a bronchodilator"
    return "the session after a bronchodilator is of too low a quality"


def _pattern(low: dict[str, bool]) -> str:
    if low["fev1_fvc"]:
        return "obstructive_low_fvc" if low["fvc"] else "obstructive"
    return "low_fvc" if low["fvc"] else "low_fev1" if low["fev1"] else "normal"


def _next_step(said: Interpretation) -> str:
    """Key of :data:`STEPS`."""
    if None in (said.below_lln, said.below_070) or said.pattern == "not_readable":
        return "unreadable"
    if said.below_lln or said.below_070:
        low, high = REPEAT_RATIOS
        if said.read == "pre":
            return "pre"
        return "border" if low <= _measured(said.values["fev1_fvc"]) <= high else "post"
    low_values = said.pattern in ("low_fvc", "low_fev1")
    if said.before is not None:
        if said.response is not None and said.response.positive:
            return "reversible"
        return "gone_low" if low_values else "gone"
    return "low" if low_values else "none"
