"""People that do not exist, for the tests of case-finding."""

from __future__ import annotations

from typing import Any

SMOKER: dict[str, Any] = {
    "age": 62,
    "sex": "male",
    "height_cm": 170,
    "weight_kg": 80,
    "smk_status": "former",
    "smk_years": 30,
    "smk_cpd": 20,
    "wheeze_12mo": 1,
    "wheeze_rx": 0,
    "cough_3mo": 1,
    "phlegm_3mo": 0,
    "dyspnea_exertion": 1,
}
HEALTHY: dict[str, Any] = {
    "age": 50,
    "sex": "female",
    "height_cm": 165,
    "weight_kg": 60,
    "smk_status": "never",
    "wheeze_12mo": 0,
    "cough_3mo": 0,
    "phlegm_3mo": 0,
    "dyspnea_exertion": 0,
}
CDQ_OWN: dict[str, Any] = {
    "weather_affects_cough": "yes",
    "phlegm_without_cold": 1,
    "phlegm_in_the_morning": 0,
    "wheeze_ever": 1,
    "allergies_ever": 0,
}
