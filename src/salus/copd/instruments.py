"""Published questionnaires for finding people with COPD, with their points and cut-offs, and those left out.

A questionnaire is here only where its points were found alike in two sources or in its paper; the wording is ours,
because that of the questionnaires belongs to their authors. None of them diagnoses: a positive score is a reason for
spirometry.
"""

from __future__ import annotations

from collections.abc import Mapping

from salus.copd.questionnaire import Answer, Band, Choice, Instrument, Number, Result
from salus.errors import InputError, NameNotFoundError

_YES_3 = {"no": 0, "yes": 3}
_NO_3 = {"no": 3, "yes": 0}
_YES_1 = {"no": 0, "yes": 1}

CDQ = Instrument(
    name="cdq",
    title="COPD Diagnostic Questionnaire (CDQ)",
    items=(
        Number(
            "age",
            "age in completed years",
            "years",
            40,
            120,
            (Band(0, 50), Band(4, 60), Band(8, 70), Band(10)),
        ),
        Number(
            "pack_years",
            "packs of 20 cigarettes a day, times years smoked",
            "pack-years",
            0,
            300,
            (Band(0, 15), Band(2, 25), Band(3, 50), Band(7)),
        ),
        Number(
            "bmi",
            "body mass index",
            "kg/m2",
            10,
            90,
            (Band(5, 25.4), Band(1, 29.7, included=True), Band(0)),
        ),
        Choice("weather_affects_cough", "cough changes with the weather", {"no": 0, "no_cough": 0, "yes": 3}),
        Choice("phlegm_without_cold", "brings up phlegm at times without a cold", _YES_3),
        Choice("phlegm_in_the_morning", "brings up phlegm first thing in the morning", _NO_3),
        Choice("wheeze_ever", "wheezes at times or often", {"no": 0, "yes": 4}),
        Choice("allergies_ever", "has or had allergies", _NO_3),
    ),
    cutoffs=(17, 20),
    made_for="people of 40 years and over who smoke or smoked, without a diagnosis of a lung disease",
    paper="Price DB, Tinkelman DG, Halbert RJ et al. Respiration 2006, 73(3), 285-295; "
    "cut-offs 16.5 and 19.5: Price DB, Tinkelman DG, Nordyke RJ et al. Chest 2006, 129(6), 1531-1539",
    checked_with=(
        "medicalalgorithms.com, COPD risk factor (all points, 0 to 38, positive from 17)",
        "AIMAR recommendations, Multidisciplinary Respiratory Medicine 2014, 9, 46, table 2, a modified version "
        "(alike but for one item: no phlegm in the morning 4, where all others have 3)",
        "Validation in Australian general practice, Primary Care Respiratory Journal 2014, pcrj201415 (cut-offs)",
    ),
    terms="published in journals and in the handbook of the International Primary Care Airways Group; no licence found",
)

PUMA = Instrument(
    name="puma",
    title="PUMA",
    items=(
        Choice("sex", "sex at birth", {"female": 0, "male": 1}),
        Number("age", "age in completed years", "years", 40, 120, (Band(0, 50), Band(1, 60), Band(2))),
        Number(
            "pack_years",
            "packs of 20 cigarettes a day, times years smoked",
            "pack-years",
            0,
            300,
            (Band(0, 20), Band(1, 30, included=True), Band(2)),
        ),
        Choice("breathless_walking_fast", "short of breath walking fast on the level or up a slight slope", _YES_1),
        Choice("phlegm_usually", "usually brings up phlegm, or has trouble to, without a cold", _YES_1),
        Choice("cough_usually", "usually coughs without a cold", _YES_1),
        Choice("asked_to_spirometry", "was ever asked by a health worker to blow into a device", _YES_1),
    ),
    cutoffs=(5,),
    made_for="people of 40 years and over in primary care who smoked 10 pack-years or more, or breathed biomass smoke",
    paper="Lopez Varela MV, Montes de Oca M, Rey A et al. Respirology 2016, 21(7), 1227-1234",
    checked_with=(
        "forms of the national lung and elderly screening programmes of Malaysia and Indonesia (all points)",
        "Heart, Vessels and Transplantation 2024, abstract (all but pack-years, whose points are garbled there)",
        "Au-Doung PLW et al., PLOS ONE 2022, 17(9), e0274106 (cut-off)",
    ),
    terms="published in a journal; no licence found",
)

INSTRUMENTS = {i.name: i for i in (CDQ, PUMA)}
"""The questionnaires that can be scored."""

LEFT_OUT = {
    "lfq": "Lung Function Questionnaire (Yawn 2010, Hanania 2010): the points of its answers were found in one source, "
    "5 to 25 in all; another counts up to 29 and does not say how",
    "copd_ps": "COPD Population Screener (Martinez 2008): its owner allows use on paper and in one's own practice, "
    "no change, and asks to be asked before it goes into other software",
    "copd_sq": "COPD Screening Questionnaire (Zhou 2013): sources differ in the points of age (4, 8, 11 or 3, 7, 10) "
    "and in the cut-off (16, or more than 16); those of five of its seven items were found in one",
    "capture": "CAPTURE (Martinez 2017): neither its points nor its terms of use could be compared in two sources",
}
"""Questionnaires that are known and not scored, and why."""


def instrument(name: str) -> Instrument:
    """A questionnaire by name, `-` and `_` and case being the same.

    Raises
    ------
    NameNotFoundError
        There is none of that name.
    InputError
        It was left out; the message says why.

    Examples
    --------
    >>> instrument("CDQ").possible
    (0, 38)
    """
    key = name.casefold().replace("-", "_")
    if key in LEFT_OUT:
        raise InputError(f"Salus does not score the {LEFT_OUT[key]}. It scores {', '.join(INSTRUMENTS)}")
    if key not in INSTRUMENTS:
        raise NameNotFoundError("questionnaire", name, INSTRUMENTS)
    return INSTRUMENTS[key]


def score(name: str, answers: Mapping[str, Answer]) -> Result:
    """Score of one person on one questionnaire.

    Parameters
    ----------
    name : str
        Key of :data:`INSTRUMENTS`.
    answers : Mapping of str to (str, float, bool or None)
        Answer by item; see :meth:`salus.copd.questionnaire.Instrument.score`.

    Examples
    --------
    >>> known = {"sex": "male", "age": 63, "pack_years": 35, "cough_usually": True, "phlegm_usually": False}
    >>> said = score("puma", known)
    >>> said.points, (said.least, said.most), said.positive[5], said.missing
    (None, (6, 8), True, ('breathless_walking_fast', 'asked_to_spirometry'))
    """
    return instrument(name).score(answers)


def score_all(answers: Mapping[str, Answer]) -> dict[str, Result]:
    """Scores of one person on all questionnaires, side by side.

    Parameters
    ----------
    answers : Mapping of str to (str, float, bool or None)
        Answer by item.

    Examples
    --------
    >>> sorted(score_all({"age": 63}))
    ['cdq', 'puma']
    """
    return {name: each.score(answers) for name, each in INSTRUMENTS.items()}
