"""A wall with the visits of ten people, of whom records know little."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from salus.privacy import deidentify
from salus.privacy.keys import Key
from salus.sources.linelist import open_linelist

KEY = Key(b"7" * 32)
DAY = dt.date(2024, 3, 1)

VISITS = [  # person, days after, born, sex, code
    ("plain", 0, 1960, "F", "I10"),
    ("asthma", 0, 1960, "F", "J45.9"),
    ("asthma", 9, 1960, "F", "I10"),
    ("all", 0, 1950, "M", "J43.9"),
    ("all", 1, 1950, "M", "E11.2"),
    ("all", 2, 1950, "M", "F17.2"),
    ("gave up", 0, 1950, "M", "Z72.0"),
    ("gave up", 5, 1950, "M", "Z87.891"),
    ("began again", 0, 1950, "M", "Z87.891"),
    ("began again", 5, 1950, "M", "F17.2"),
    ("known", 0, 1948, "M", "J44.1"),
    ("sex written twice", 0, 1962, "F", "I10"),
    ("sex written twice", 3, 1962, "M", "I10"),
    ("young", 0, 2000, "F", "J45.9"),
    ("turned 45", 0, 1979, "F", "I10"),
    ("turned 45", 290, 1979, "F", "I10"),
    ("ageless", 0, None, "F", "J42"),
]


def a_wall(folder: Path, visits: list[tuple[str, int, int | None, str, str]] = VISITS) -> Path:
    rows = [
        {"person_id": p, "visit_date": DAY + dt.timedelta(days=d), "icd10": code, "sex": sex, "district": "A1",
         "birth_date": born and dt.date(born, 12, 1)}
        for p, d, born, sex, code in visits
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(folder / "visits.csv")
    deidentify.ingest(open_linelist([folder / "visits.csv"]), folder / "wall", KEY, today=dt.date(2025, 6, 1))
    return folder / "wall"
