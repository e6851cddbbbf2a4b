"""What people come with: syndromes, their codes, kinds of visit, rates and rhythms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLASSES = ("outpatient", "emergency", "inpatient", "virtual")
"""Kinds of visit."""


@dataclass(frozen=True)
class Syndrome:
    """One reason for a visit.

    Attributes
    ----------
    name : str
        Short name, as in the truth.
    codes : tuple of (str, str, float)
        Code system (``icd10`` or ``snomed``), code, and share of the visits that carry it.
    classes : tuple of float
        Shares of outpatient, emergency, inpatient and virtual visits below 65 years; from 65 on, three times as many
        are inpatient.
    care : {'acute', 'chronic', 'injury'}
        Which rhythm of weekdays and holidays it follows.
    rate : tuple of float or None
        Visits a person and year in the surveyed clinics by age band; for a chronic condition, a patient and year;
        None where transmission decides.
    amplitude, peak_day : float
        Seasonal wave on the log scale: amplitude, and day of the year of its top.
    male : float
        Rate of men over that of women.
    chronic : {'copd', 'hypertension', 'diabetes'} or None
        Condition whose patients have it.
    """

    name: str
    codes: tuple[tuple[str, str, float], ...]
    classes: tuple[float, float, float, float]
    care: str = "acute"
    rate: tuple[float, ...] | None = None
    amplitude: float = 0.0
    peak_day: float = 15.0
    male: float = 1.0
    chronic: str | None = None


def _codes(snomed: str | None = None, **icd10: float) -> tuple[tuple[str, str, float], ...]:
    """ICD-10 codes with shares (``J10_1=0.4``), 4 % of the whole given to the SNOMED CT code when there is one."""
    kept = 0.96 if snomed else 1.0
    total = sum(icd10.values())
    coded = tuple(("icd10", name.replace("_", "."), kept * share / total) for name, share in icd10.items())
    return (*coded, ("snomed", snomed, 1 - kept)) if snomed else coded


SYNDROMES = (
    Syndrome(
        "influenza",
        _codes("6142004", J10_1=42, J11_1=38, J10_0=4, J11_0=4, J10_8=6, J11_8=6),
        (0.76, 0.17, 0.04, 0.03),
        male=1.04,
    ),
    Syndrome("hfmd", _codes("266108008", B08_4=80, B08_5=20), (0.86, 0.10, 0.03, 0.01), male=1.35),
    Syndrome(
        "copd_exacerbation",
        _codes("195951007", J44_1=78, J44_0=22),
        (0.35, 0.32, 0.31, 0.02),
        rate=(0.55,) * 7,
        chronic="copd",
    ),
    Syndrome(
        "copd_review",
        _codes("13645005", J44_9=88, J44_8=12),
        (0.93, 0.0, 0.0, 0.07),
        "chronic",
        (0.45,) * 7,
        chronic="copd",
    ),
    Syndrome(
        "upper_respiratory",
        _codes("54150009", J06_9=52, J00=14, J02_9=14, J03_9=10, J20_9=10),
        (0.88, 0.06, 0.0, 0.06),
        rate=(0.24, 0.13, 0.06, 0.05, 0.04, 0.04, 0.04),
        amplitude=0.45,
        peak_day=10.0,
    ),
    Syndrome(
        "pneumonia",
        _codes("233604007", J18_9=70, J15_9=18, J18_0=12),
        (0.40, 0.28, 0.31, 0.01),
        rate=(0.030, 0.010, 0.003, 0.003, 0.005, 0.012, 0.030),
        amplitude=0.40,
        peak_day=20.0,
        male=1.15,
    ),
    Syndrome(
        "gastroenteritis",
        _codes("25374005", A09=46, A09_0=14, A09_9=20, A08_4=12, K52_9=8),
        (0.78, 0.18, 0.02, 0.02),
        rate=(0.090, 0.035, 0.024, 0.022, 0.020, 0.020, 0.022),
        amplitude=0.35,
        peak_day=215.0,
    ),
    Syndrome(
        "asthma",
        _codes(J45_9=80, J45_0=14, J46=6),
        (0.74, 0.18, 0.06, 0.02),
        rate=(0.018, 0.020, 0.008, 0.006, 0.008, 0.010, 0.008),
        amplitude=0.25,
        peak_day=290.0,
    ),
    Syndrome(
        "injury",
        _codes(S61_9=22, S93_4=16, S52_5=14, S00_9=14, T14_9=18, S01_9=16),
        (0.46, 0.46, 0.08, 0.0),
        "injury",
        (0.024, 0.034, 0.030, 0.028, 0.024, 0.024, 0.034),
        0.12,
        180.0,
        1.45,
    ),
    Syndrome(
        "hypertension",
        _codes("38341003", I10=100),
        (0.90, 0.01, 0.0, 0.09),
        "chronic",
        (0.10,) * 7,
        chronic="hypertension",
    ),
    Syndrome(
        "diabetes", _codes(E11_9=84, E11_6=16), (0.91, 0.0, 0.02, 0.07), "chronic", (0.11,) * 7, chronic="diabetes"
    ),
)
"""Every syndrome, in the order of the arrays."""

NAMES = tuple(s.name for s in SYNDROMES)
"""Names of the syndromes, in the same order."""

# share of symptomatic visits among infections, by age band, in the surveyed clinics
CARE_SEEKING = {
    "influenza": (0.50, 0.42, 0.17, 0.15, 0.18, 0.28, 0.36),
    "hfmd": (0.58, 0.30, 0.04, 0.03, 0.02, 0.02, 0.02),
}
"""Visits for one infection by age band."""

VISIT_LAG = {
    "influenza": (0.06, 0.16, 0.24, 0.22, 0.16, 0.10, 0.06),
    "hfmd": (0.0, 0.02, 0.08, 0.2, 0.28, 0.22, 0.14, 0.06),
}
"""Chance that the visit falls 0, 1, 2 ... days after the infection, before weekdays shift it."""

# share of people with the condition, by age band, women and men
PREVALENCE = {
    "copd": ((0, 0, 0, 0.010, 0.045, 0.11, 0.15), (0, 0, 0, 0.020, 0.120, 0.23, 0.27)),
    "hypertension": ((0, 0, 0, 0.08, 0.36, 0.55, 0.60), (0, 0, 0, 0.13, 0.40, 0.54, 0.58)),
    "diabetes": ((0, 0, 0, 0.03, 0.12, 0.20, 0.20), (0, 0, 0, 0.05, 0.15, 0.19, 0.19)),
}
"""Prevalence of each chronic condition by sex and age band."""

SMOKERS = (0.03, 0.46)
"""Share of smokers among women and men of 25 and older."""

SMOKING_ODDS = 3.0
"""Prevalence of COPD among smokers over that among others."""

COLD_EFFECT = 0.045
"""Rise of the log rate of exacerbations for each degree of the week's mean below 15 C."""

FLU_EFFECT = 0.35
"""Rise of the rate of exacerbations (as a multiple of it) when influenza infects 1 in 1000 people a day."""


def code_bounds() -> tuple[np.ndarray, list[str], list[str]]:
    """Cumulative code shares, so that ``syndrome number + uniform`` falls on a code.

    Returns
    -------
    bounds : numpy.ndarray
        Upper bound of each code, rising; those of syndrome s end at s + 1.
    systems, codes : list of str
        Code system and code of each bound.

    Examples
    --------
    >>> bounds, systems, codes = code_bounds()
    >>> codes[int(np.searchsorted(bounds, 1 + 0.5, side="right"))]
    'B08.4'
    """
    bounds: list[float] = []
    for number, syndrome in enumerate(SYNDROMES):
        ends = np.cumsum([share for _, _, share in syndrome.codes])
        bounds += [*(number + ends[:-1]), number + 1.0]
    systems = [system for s in SYNDROMES for system, _, _ in s.codes]
    return np.array(bounds), systems, [code for s in SYNDROMES for _, code, _ in s.codes]


def class_bounds(age_bands: int) -> np.ndarray:
    """Cumulative shares of the kinds of visit, by syndrome and age band.

    Parameters
    ----------
    age_bands : int
        Number A of bands; the last two are 65 and older.

    Returns
    -------
    numpy.ndarray, shape (S, A, 4)
        Each row ends at 1.
    """
    shares = np.array([s.classes for s in SYNDROMES])[:, None, :].repeat(age_bands, axis=1)
    shares[:, -2:, 2] *= 3
    shares /= shares.sum(axis=2, keepdims=True)
    bounds = np.cumsum(shares, axis=2)
    bounds[:, :, -1] = 1.0
    return bounds
