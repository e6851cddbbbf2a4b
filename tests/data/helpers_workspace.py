"""Rows, origins and broken disks for the tests of the workspace."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import polars as pl

from salus.data.imports import Origin
from salus.data.provenance import InputFile

MONDAY = dt.date(2024, 1, 1)


def rows(
    weeks: int = 3, value: float = 1.0, diseases: tuple[str, ...] = ("Influenza", "Hand, foot and mouth")
) -> pl.DataFrame:
    """Weekly rows of two places as the door gives them, with the last day of each week."""
    return pl.DataFrame(
        [
            {
                "location": place,
                "disease": disease,
                "signal": "cases",
                "date": MONDAY + dt.timedelta(weeks=k),
                "value": value + k,
                "period_end": MONDAY + dt.timedelta(weeks=k, days=6),
            }
            for disease in diseases
            for place in ("A", "B")
            for k in range(weeks)
        ]
    )


def origin(name: str, as_of: dt.date | None = None) -> Origin:
    """An origin whose file has its name for content."""
    data = name.encode()
    return Origin(InputFile(name, hashlib.sha256(data).hexdigest(), len(data)), as_of)


def tree(folder: Path) -> dict[str, str]:
    """Hash of every file under a folder by its path, but for the lock, which holds nothing."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "writer.lock"
    }
