"""Published questionnaires scored from the answers of NHANES, which lack some of their items: always approximate.

What stands for what is said in :data:`MAPPINGS`, item by item; a figure made with it never belongs to the questionnaire
itself. The Lung Function Questionnaire is here for comparison only: it is not offered for scoring a person (see
:data:`salus.copd.instruments.LEFT_OUT`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.copd.design import Floats, Quantities
from salus.copd.instruments import INSTRUMENTS
from salus.copd.questionnaire import Answer

MAPPINGS: dict[str, dict[str, str]] = {
    "cdq": {
        "age": "age",
        "pack_years": "smk_years x smk_cpd / 20",
        "bmi": "weight_kg over the square of height_cm",
        "weather_affects_cough": "not asked: yes where cough_3mo is yes",
        "phlegm_without_cold": "phlegm_3mo: on most days for three months",
        "phlegm_in_the_morning": "not asked: phlegm_3mo",
        "wheeze_ever": "wheeze_12mo: in the past 12 months only",
        "allergies_ever": "hayfever_12mo: hay fever in the past 12 months only",
    },
    "puma": {
        "sex": "male",
        "age": "age",
        "pack_years": "smk_years x smk_cpd / 20",
        "breathless_walking_fast": "dyspnea_exertion",
        "phlegm_usually": "phlegm_3mo: on most days for three months",
        "cough_usually": "cough_3mo: on most days for three months",
        "asked_to_spirometry": "not asked: no for everybody",
    },
    "lfq": {
        "cough up mucus, never 5 to very often 1": "phlegm_3mo: yes 2, no 5",
        "chest sounds noisy, never 5 to very often 1": "wheeze_attacks: 0 5, 1 to 3 4, 4 to 11 3, 12 or more 2",
        "short of breath on effort, never 5 to very often 1": "dyspnea_exertion: yes 2, no 5",
        "years smoked, 0 5, to 10 4, to 20 3, to 30 2, more 1": "smk_years",
        "age, below 40 5, 40s 4, 50s 3, 60s 2, 70 and over 1": "age",
    },
}
"""Item of a questionnaire to what stands for it in NHANES."""

NEEDED = {
    "cdq": ("age", "smk_status", "smk_years", "smk_cpd", "height_cm", "weight_kg", "cough_3mo", "phlegm_3mo",
            "wheeze_12mo", "hayfever_12mo"),
    "puma": ("age", "male", "smk_status", "smk_years", "smk_cpd", "dyspnea_exertion", "phlegm_3mo", "cough_3mo"),
    "lfq": ("age", "smk_status", "smk_years", "phlegm_3mo", "wheeze_12mo", "wheeze_attacks", "dyspnea_exertion"),
}  # fmt: skip
"""Columns that a table needs for each."""

_MOST_PACK_YEARS, _BODY_MASS = 300.0, (10.0, 90.0)
"""Survey answers beyond what the questionnaires take count as their bound: the points there are the same."""
LFQ_CUTOFF = 18
"""The Lung Function Questionnaire is positive at this score and below."""


@dataclass(frozen=True)
class Approximated:
    """Scores of many people on one questionnaire.

    Attributes
    ----------
    name : str
        Key of :data:`MAPPINGS`.
    score : ndarray of float, shape (n,)
        Higher is likelier; nan where an answer is missing. The Lung Function Questionnaire's is turned round: 24 less
        its points.
    cutoffs : tuple of int
        Scores from which on it is positive.
    """

    name: str
    score: Floats
    cutoffs: tuple[int, ...]


def approximated(frame: pl.DataFrame) -> list[Approximated]:
    """The questionnaires that a table's columns allow.

    Parameters
    ----------
    frame : polars.DataFrame
        A row a person; columns of the data dictionary.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [45, 70], "male": [0, 1], "smk_status": ["never", "current"],
    ...     "smk_years": [0, 50], "smk_cpd": [0, 20], "dyspnea_exertion": [0, 1], "phlegm_3mo": [0, 1],
    ...     "cough_3mo": [0, 0]})
    >>> [(a.name, a.score.tolist()) for a in approximated(people)]
    [('puma', [0.0, 7.0])]
    """
    possible = [name for name, needed in NEEDED.items() if set(needed) <= set(frame.columns)]
    known = Quantities(frame)
    found = []
    for name in possible:
        if name == "lfq":
            found.append(Approximated(name, _lung_function(known), (_turned(LFQ_CUTOFF),)))
        else:
            instrument = INSTRUMENTS[name]
            rows = _answers(name, known)
            points = [
                instrument.score({item: _plain(v[k]) for item, v in rows.items()}).points for k in range(frame.height)
            ]
            found.append(Approximated(name, np.array(points, dtype=float), instrument.cutoffs))
    return found


def _turned(points: int) -> int:
    """The Lung Function Questionnaire's points, 5 to 25, so that higher is likelier."""
    return 24 - points


def _plain(value: object) -> Answer:
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return None if value is None else str(value)


def _yes(values: Floats) -> list[str | None]:
    return [None if np.isnan(v) else "yes" if v > 0 else "no" for v in values]


def _answers(name: str, known: Quantities) -> dict[str, list[object]]:
    packs = np.minimum(known["years_smoked"] * known["cigarettes"] / 20, _MOST_PACK_YEARS)
    shared: dict[str, list[object]] = {"age": list(known["age"]), "pack_years": list(packs)}
    cough, phlegm = _yes(known["cough_3mo"]), _yes(known["phlegm_3mo"])
    if name == "cdq":
        return shared | {
            "bmi": list(np.clip(known["body_mass_index"], *_BODY_MASS)),
            "weather_affects_cough": list(cough),
            "phlegm_without_cold": list(phlegm),
            "phlegm_in_the_morning": list(phlegm),
            "wheeze_ever": list(_yes(known["wheeze_12mo"])),
            "allergies_ever": list(_yes(known["hayfever_12mo"])),
        }
    return shared | {
        "sex": [None if np.isnan(v) else "male" if v else "female" for v in known["male"]],
        "breathless_walking_fast": list(_yes(known["dyspnea_exertion"])),
        "phlegm_usually": list(phlegm),
        "cough_usually": list(cough),
        "asked_to_spirometry": ["no"] * len(packs),
    }


def _lung_function(known: Quantities) -> Floats:
    phlegm, breath = (np.where(known[name] > 0, 2.0, 5.0) for name in ("phlegm_3mo", "dyspnea_exertion"))
    attacks = known["wheeze_attacks"] * np.where(known["wheeze_12mo"] == 0, 0.0, 1.0)
    attacks = np.where(known["wheeze_12mo"] == 0, 0.0, attacks)
    wheeze = 5.0 - np.digitize(attacks, [1, 4, 12])
    years = np.where(
        known["years_smoked"] == 0, 5.0, 4.0 - np.digitize(known["years_smoked"], [10, 20, 30], right=True)
    )
    age = 5.0 - np.digitize(known["age"], [40, 50, 60, 70])
    gone = np.isnan(known["phlegm_3mo"] + known["dyspnea_exertion"] + attacks + known["years_smoked"] + known["age"])
    return np.where(gone, np.nan, 24 - (phlegm + breath + wheeze + years + age))
