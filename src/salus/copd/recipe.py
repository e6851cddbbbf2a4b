"""What the packaged models are made of: their terms, with knots, and the penalties that are tried.

Knots are round numbers near the quantiles of the training survey, fixed before any outcome was looked at. Signs are
those of clinical sense: a symptom, a diagnosis of the lungs, worse health, dust or fumes may not lower the risk. Four
are free. Diabetes and chest pain: beside the same breathlessness they speak for another cause of it. Schooling and
income: bound to lower the risk, they were 0 and groups of people were judged worse.
"""

from __future__ import annotations

from itertools import product

from salus.copd.design import Term

STRENGTHS = tuple(product((10.0, 30.0, 60.0, 120.0, 300.0, 1000.0), (10.0, 30.0, 100.0)))
"""Ridge penalties that are tried, on standardised columns and on the guides; the pair with the best log score on the
cycle left out is taken."""

QUESTIONNAIRE = (
    Term("age", ("age",), (43.0, 53.0, 63.0, 76.0)),
    Term("sex", ("male",)),
    Term("height", ("height_cm",)),
    Term("body_mass_index", ("body_mass_index",), (21.0, 26.5, 31.0, 40.0)),
    Term("waist", ("waist_cm",)),
    Term("smoking", ("former",)),
    Term("smoking", ("current",)),
    Term("smoking", ("years_smoked",), (5.0, 20.0, 35.0, 50.0)),
    Term("smoking", ("log_pack_years",), (0.5, 2.0, 3.0, 4.2)),
    Term("cough_phlegm", ("cough_or_phlegm",), sign=1),
    Term("wheeze", ("wheeze_12mo",), sign=1),
    Term("wheeze", ("wheeze_medicine",), sign=1),
    Term("breathlessness", ("dyspnea_exertion",), sign=1),
    Term("general_health", ("gen_health",), sign=1),
    Term("asthma", ("asthma_ever",), sign=1),
    Term("asthma", ("asthma_ever", "log_pack_years")),
    Term("diagnosis", ("emphysema_ever",), sign=1),
    Term("diagnosis", ("chronic_bronchitis_ever",), sign=1),
    Term("diabetes", ("diabetes",)),
    Term("chest_pain", ("chest_pain",)),
    Term("work", ("mineral_dust",), sign=1),
    Term("work", ("organic_dust",), sign=1),
    Term("work", ("exhaust",), sign=1),
    Term("work", ("other_fumes",), sign=1),
    Term("education", ("education",)),
    Term("income", ("poverty_ratio",)),
)
PEAK_FLOW = (Term("peak_flow", ("peak_flow",), (-0.6, -0.3, -0.1, 0.1, 0.25)),)

TERMS = {"A": QUESTIONNAIRE, "B": QUESTIONNAIRE + PEAK_FLOW}
"""Terms by tier."""
