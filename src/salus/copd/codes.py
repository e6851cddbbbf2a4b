"""Codes by which health records say what COPD case-finding asks: LOINC, SNOMED CT, ICD-10, UCUM units.

Meanings are those that Regenstrief (LOINC) and SNOMED International publish. What has no code here is read from answers
to our questionnaire.
"""

from __future__ import annotations

from collections.abc import Mapping

LOINC: Mapping[str, str] = {
    "29463-7": "weight_kg",
    "3141-9": "weight_kg",
    "8302-2": "height_cm",
    "3137-7": "height_cm",
    "39156-5": "bmi",
    "8280-0": "waist_cm",
    "72166-2": "smk_status",
    "8664-5": "pack_years",
    "63640-7": "smk_cpd",
    "8663-7": "packs_per_day",
    "19935-6": "pef_lpm",
    "33452-4": "pef_lpm",
    "20150-9": "fev1_l",
    "20157-4": "fev1_l",
    "19868-9": "fvc_l",
    "19876-2": "fvc_l",
    "19926-5": "fev1_fvc",
    "20155-8": "post_fev1_l",
    "19875-4": "post_fvc_l",
}
"""LOINC code -> item, or `packs_per_day` and `fev1_fvc`, which items follow from."""

SNOMED: Mapping[str, str] = {
    "27113001": "weight_kg",
    "50373000": "height_cm",
    "60621009": "bmi",
    "401201003": "pack_years",
    "782516008": "pack_years",
    "266918002": "smk_cpd",
    "230056004": "smk_cpd",
}
"""SNOMED CT observable -> item."""

SMOKING: Mapping[str, str | None] = {
    "LA18978-9": "never",
    "LA15920-4": "former",
    "LA18976-3": "current",
    "LA18977-1": "current",
    "LA18979-7": "current",
    "LA18981-3": "current",
    "LA18982-1": "current",
    "LA18980-5": None,
    "266919005": "never",
    "8517006": "former",
    "449868002": "current",
    "428041000124106": "current",
    "77176002": "current",
    "428071000124103": "current",
    "428061000124105": "current",
    "266927001": None,
}
"""Answers to the smoking status (LOINC 72166-2), LOINC and SNOMED CT; None is 'unknown'."""

CONDITIONS: Mapping[str, str] = {
    "J43": "emphysema_ever",
    "J41": "chronic_bronchitis_ever",
    "J42": "chronic_bronchitis_ever",
    "J44": "prior_dx",
    "J45": "asthma_ever",
    "J46": "asthma_ever",
    **dict.fromkeys(("E10", "E11", "E12", "E13", "E14"), "diabetes"),
    "87433001": "emphysema_ever",
    "63480004": "chronic_bronchitis_ever",
    "13645005": "prior_dx",
    "195967001": "asthma_ever",
    "73211009": "diabetes",
    "44054006": "diabetes",
    "46635009": "diabetes",
}
"""Start of an ICD-10 code, or SNOMED CT code, of a diagnosis -> item that is then yes. No diagnosis is not a no."""

HABITS: Mapping[str, str] = {
    "F17": "current",
    "Z72.0": "current",
    "Z87.891": "former",
    "77176002": "current",
    "8517006": "former",
}
"""Start of an ICD-10 code (Z87.891 of ICD-10-CM), or SNOMED CT code, of a diagnosis -> smoking status."""

UNITS: Mapping[str, Mapping[str, float]] = {
    "weight_kg": {"kg": 1, "g": 0.001, "[lb_av]": 0.45359237, "lb": 0.45359237, "lbs": 0.45359237},
    "height_cm": {"cm": 1, "m": 100, "mm": 0.1, "[in_i]": 2.54, "in": 2.54, "[in_us]": 2.54, "[ft_i]": 30.48},
    "waist_cm": {"cm": 1, "m": 100, "[in_i]": 2.54, "in": 2.54},
    "bmi": {"kg/m2": 1, "kg/m^2": 1, "kg/m²": 1},
    "pack_years": {"{pack-years}": 1, "{packs}/a": 1, "a": 1, "{pack}.a": 1, "1": 1, "pack-years": 1},
    "smk_cpd": {"{cigarettes}/d": 1, "/d": 1, "{cigarettes-per-day}": 1, "{#}/d": 1, "1": 1},
    "packs_per_day": {"{packs}/d": 1, "/d": 1, "{pack}/d": 1, "1": 1},
    "pef_lpm": {"L/min": 1, "l/min": 1, "L/s": 60, "l/s": 60},
    **{name: {"L": 1, "l": 1, "mL": 0.001, "ml": 0.001} for name in ("fev1_l", "fvc_l", "post_fev1_l", "post_fvc_l")},
    "fev1_fvc": {"%": 0.01, "1": 1, "{ratio}": 1, "{fraction}": 1},
}
"""Item -> UCUM unit and plain spellings -> factor to the item's unit."""


def item_of(system: str, code: str) -> str | None:
    """The item that a code stands for.

    Parameters
    ----------
    system : str
        FHIR system or OMOP vocabulary: any that ends in ``loinc.org`` or ``LOINC``, or has ``snomed``.
    code : str
        The code.

    Examples
    --------
    >>> item_of("http://loinc.org", "8302-2"), item_of("SNOMED", "401201003"), item_of("http://loinc.org", "8480-6")
    ('height_cm', 'pack_years', None)
    """
    where = system.casefold()
    if "loinc" in where:
        return LOINC.get(code)
    return SNOMED.get(code) if "snomed" in where else None


def condition_of(system: str, code: str) -> str | None:
    """The item that is yes when a diagnosis has this code.

    Examples
    --------
    >>> condition_of("http://hl7.org/fhir/sid/icd-10-cm", "J43.9"), condition_of("ICD10", "I10")
    ('emphysema_ever', None)
    """
    where = system.casefold().replace("-", "")
    if "snomed" in where:
        return CONDITIONS.get(code)
    return CONDITIONS.get(code[:3].upper()) if "icd10" in where else None


def in_our_unit(item: str, value: float, unit: str | None) -> float | str:
    """A measured value in the item's unit; the text of value and unit where the unit is not known.

    Parameters
    ----------
    item : str
        Item, `packs_per_day` or `fev1_fvc`.
    value : float
        As recorded.
    unit : str or None
        UCUM code or plain spelling; without one the item's own is taken, and the checks look at the number.

    Examples
    --------
    >>> round(in_our_unit("weight_kg", 180.0, "[lb_av]"), 1), in_our_unit("weight_kg", 11.0, "[stone_av]")
    (81.6, '11 [stone_av]')
    """
    if not unit:
        return value
    factor = UNITS.get(item, {}).get(unit)
    return f"{value:g} {unit}" if factor is None else value * factor
