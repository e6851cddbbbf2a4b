"""What an assessment holds: probabilities, reasons, missing answers, flags, spirometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from salus.copd.interpretation import Interpretation
from salus.copd.questionnaire import Result

DISAGREE = (0.02, 0.2)
"""Difference of two probabilities, absolute and relative, from which on two equations are said to disagree."""


@dataclass(frozen=True)
class Risk:
    """Probability of one outcome.

    Attributes
    ----------
    outcome : str
        Key of :data:`salus.copd.model.OUTCOMES`.
    probability, lower, upper : float
        Probability; 95 % interval of the probability of people with these answers, not of the person.
    """

    outcome: str
    probability: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Reason:
    """One additive share of the log-odds of the first outcome, beside the average person of the survey.

    Attributes
    ----------
    name : str
        Key of :attr:`salus.copd.model.RiskModel.reasons`, or ``not_known``.
    effect : float
        Log-odds; .69 doubles the odds, -.69 halves them.
    items : tuple of str
        Answers that it is made of.
    answered : bool
        False where none of them was answered: then it is what the other answers say of them.
    """

    name: str
    effect: float
    items: tuple[str, ...]
    answered: bool


@dataclass(frozen=True)
class Missing:
    """What one missing answer would change.

    Attributes
    ----------
    item : str
        Name of the item.
    lowest, highest : float
        Probability of the first outcome over plausible answers.
    at_lowest, at_highest : float or str
        Answers that give them.
    """

    item: str
    lowest: float
    highest: float
    at_lowest: float | str
    at_highest: float | str


@dataclass(frozen=True)
class Outside:
    """An answer outside the range of the people that the model learned from."""

    item: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Unfair:
    """A group of people for whom the model was off by more than a fifth where it was tested.

    Attributes
    ----------
    group : str
        As the audit names it, such as 'ethnicity: black'.
    observed_expected : float
        Cases that were found over those that the model expected.
    outcome : str
        Outcome whose model it was.
    """

    group: str
    observed_expected: float
    outcome: str


@dataclass(frozen=True)
class OtherEquation:
    """Another set of spirometry equations, and what it says of the same values.

    Attributes
    ----------
    equation : str
        Key of :data:`salus.copd.equations.EQUATIONS`.
    group : str
        Group that it was computed for.
    lln, z : float
        Lower limit of the ratio, and z-score of the ratio.
    below_lln : bool
        Whether the ratio is below it.
    """

    equation: str
    group: str
    lln: float
    z: float
    below_lln: bool


@dataclass(frozen=True)
class Assessment:
    """What one person's answers mean. Inside only: it is about a person.

    Attributes
    ----------
    tier : {'A', 'B', 'C'}
        Questionnaire, questionnaire and peak flow, spirometry.
    answers : Mapping of str to (float or str)
        What was answered or follows from it, in our units.
    risks : tuple of Risk
        In the order of :data:`SHOWN`; empty for tier C.
    reasons : tuple of Reason
        Strongest first; together with `reference` they add up to the log-odds. Empty for tier C.
    reference : float or None
        Log-odds of the average person of the survey.
    missing : tuple of Missing
        Answers that are missing, the one that could change most first.
    next_step : str
        Key of the sentence: ``spirometry``, ``spirometry_symptoms``, ``asymptomatic``, ``diagnosed`` or ``as_read``.
    flags : tuple of str
        ``under_40``, ``over_79``, ``no_age``, ``asymptomatic``, ``diagnosed``, ``outside``, ``subgroup``.
    outside : tuple of Outside
        Answers outside the model's data.
    subgroups : tuple of Unfair or None
        Groups of this person in which observed over expected was outside .8 to 1.25, by outcome; None where no model
        was audited.
    untold : tuple of Unfair
        Such groups of which it is not known whether the person belongs to them: ethnicity is not asked for.
    instruments : Mapping of str to Result
        Published questionnaires whose items are all there.
    spirometry : Interpretation or None
        What the spirometry says, where there is one.
    others : tuple of OtherEquation
        Other equations that disagree about the lower limit of normal.
    notes : tuple of str
        What deserves a second look, in the language of the check.
    model : str
        Version of the model, and whether it is calibrated where it is used; of the equations for tier C.
    """

    tier: str
    answers: Mapping[str, float | str]
    risks: tuple[Risk, ...]
    reasons: tuple[Reason, ...]
    reference: float | None
    missing: tuple[Missing, ...]
    next_step: str
    flags: tuple[str, ...]
    outside: tuple[Outside, ...]
    subgroups: tuple[Unfair, ...] | None
    untold: tuple[Unfair, ...]
    instruments: Mapping[str, Result]
    spirometry: Interpretation | None
    others: tuple[OtherEquation, ...]
    notes: tuple[str, ...]
    model: str

    @property
    def primary(self) -> Risk | None:
        """The probability that is said first; None for tier C."""
        return self.risks[0] if self.risks else None

    @property
    def equations_disagree(self) -> bool:
        """Whether the probabilities by the two sets of equations differ by more than rounding and chance."""
        by = {r.outcome: r.probability for r in self.risks}
        one, other = by.get("y_llngl"), by.get("y_lln12")
        if one is None or other is None:
            return False
        return abs(one - other) > max(DISAGREE[0], DISAGREE[1] * max(one, other))

    def as_dict(self) -> dict[str, Any]:
        """All of it, for a machine; `inside_only` says that it is about a person."""
        return {"inside_only": True, **asdict(self)}
