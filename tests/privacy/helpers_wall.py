"""Made-up visits to four weeks of 2024 in two prefectures of three districts each."""

import datetime as dt

TODAY = dt.date(2025, 1, 1)
MONDAY = dt.date(2024, 1, 1)
SPAN = (MONDAY, MONDAY + dt.timedelta(days=27))
"""First and last day of the four weeks."""


def visits(rng, n=4000):
    places = [f"{x}{k}" for x in "AB" for k in (1, 2, 3)]
    return [
        {
            "person_id": f"p{rng.integers(0, 2500)}",
            "district": str(rng.choice(places, p=[0.5, 0.3, 0.03, 0.1, 0.05, 0.02])),
            "visit_date": MONDAY + dt.timedelta(days=int(rng.integers(0, 28))),
            "icd10": str(rng.choice(["J10.1", "B08.4", "I10"], p=[0.2, 0.04, 0.76])),
            "birth_date": dt.date(1940, 1, 1) + dt.timedelta(days=int(rng.integers(0, 29000))),
            "sex": str(rng.choice(["F", "M"])),
        }
        for _ in range(n)
    ]


def everything(root):
    """All files with their bytes, but for the log, which lists every act."""
    return {f: f.read_bytes() for f in root.rglob("*") if f.is_file() and not f.name.startswith("log.")}
