"""What is to be released, before it is written: tables, statements, and what stays inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Offer:
    """Guarded tables that passed every gate.

    Attributes
    ----------
    series : polars.DataFrame
        Columns of :data:`salus.tables.contracts.SERIES`.
    breakdowns : polars.DataFrame or None
        Counts by age group or sex.
    stated : dict of str to str
        Claims that the release alone can show.
    promised : dict of str to str
        Claims that need the key and the records.
    inside : dict
        What is computed from exact records and stays in the count zone.
    weeks_frozen : int
        Weeks of a syndrome that stand as they were released before.
    words : tuple of str
        What was done, for inside.
    """

    series: pl.DataFrame
    breakdowns: pl.DataFrame | None
    stated: dict[str, str]
    promised: dict[str, str]
    inside: dict[str, Any] = field(default_factory=dict)
    weeks_frozen: int = 0
    words: tuple[str, ...] = ()
