"""Forecasts by CHAP's built-in baselines of a monthly series, made in CHAP's own environment by `chap.py`."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from salus.forecasting.model import TAUS
from salus.surveillance.series import Series

HERE = Path(__file__).parent
MONTHS = 12


def forecasts(python: Path, series: Series, days: Sequence[dt.date], folder: Path) -> dict[str, pl.DataFrame]:
    """Quantiles of each baseline, a row a task, in the columns that the referee takes.

    Parameters
    ----------
    python : Path
        Python of an environment with `chap-core`.
    series : Series
        By month.
    days : sequence of datetime.date
        Reference dates: last days of months.
    folder : Path
        For the files that pass between the two.
    """
    panel = series.panel(max(days))
    start = panel.starts[0]
    asked = {
        "start": f"{start:%Y-%m}",
        "values": {
            place: [None if np.isnan(value) else float(value) for value in row]
            for place, row in zip(panel.locations, panel.values, strict=True)
        },
        "known": [(day.year - start.year) * MONTHS + day.month - start.month + 1 for day in days],
        "levels": TAUS.tolist(),
    }
    given, told = folder / "chap.asked.json", folder / "chap.told.json"
    given.write_text(json.dumps(asked), encoding="utf-8")
    subprocess.run([python, "-W", "ignore", HERE / "chap.py", given, told], check=True)
    said = json.loads(told.read_text(encoding="utf-8"))
    return {name: _wide(series, days, found["forecasts"]) for name, found in said.items()}


def _wide(series: Series, days: Sequence[dt.date], found: list[dict[str, list[list[float]]]]) -> pl.DataFrame:
    rows = []
    for day, places in zip(days, found, strict=True):
        first = day.replace(day=1)
        ends = [series.cadence.end(series.cadence.shift(first, ahead)) for ahead in range(1, 5)]
        rows += [(day, place, end, *q) for place, four in places.items() for end, q in zip(ends, four, strict=True)]
    schema = {"reference_date": pl.Date, "location": pl.String, "target_end_date": pl.Date}
    return pl.DataFrame(rows, schema=schema | {f"q{tau:g}": pl.Float64 for tau in TAUS}, orient="row")
