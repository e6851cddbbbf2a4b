"""Sample paths for a hub that takes them: those that a run wrote, or drawn anew from the series and the forecasts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import InputError
from salus.hub.tasks import Hub, Samples
from salus.surveillance.series import Series
from salus.tables import door
from salus.tables.contracts import FORECASTS
from salus.workflows.outlook import joint_paths

PATHS = "paths.parquet"
"""File that `salus run` writes beside its forecasts."""
MOST = 1000
"""Paths that are drawn where the hub takes more."""
_WHOSE = ["model", "reference_date", "disease", "signal"]
_TASK = [*_WHOSE, "location", "target_end_date"]


def with_samples(
    table: pl.DataFrame, hub: Hub, forecasts: Any, series: Series | None = None, paths: str | Path | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Forecasts with sample paths, where the hub takes samples and the forecasts have none.

    Parameters
    ----------
    table : polars.DataFrame
        `forecasts` contract: one model, disease and signal.
    hub : Hub
        What is asked.
    forecasts : path or frame
        Where the table is from; of a file, paths are looked for beside it.
    series : Series, optional
        What was forecast, to draw paths where there are none or too few.
    paths : str or Path, optional
        File of paths that `salus run` wrote.

    Returns
    -------
    table : polars.DataFrame
        With `sample` rows of the places whose every period is forecast: a path runs through all of them.
    notes : tuple of str
        What was left out, and why.

    Raises
    ------
    InputError
        The paths given are not of these forecasts.
    """
    wanted = _wanted(hub)
    if wanted is None or (table["output_type"] == "sample").any():
        return table, ()
    quantiles = table.filter(pl.col("output_type") == "quantile")
    if quantiles.height == 0:
        return table, ()
    whole, notes = _whole(quantiles)
    beside = None if hasattr(forecasts, "columns") else Path(forecasts).with_name(PATHS)
    given = Path(paths) if paths is not None else beside if beside is not None and beside.is_file() else None
    if given is not None:
        written = door.read(given, FORECASTS).filter(pl.col("output_type") == "sample")
        mine = written.join(whole.select(_TASK).unique(), on=_TASK, how="semi")
        if paths is not None and mine.height == 0:
            raise InputError(f"{given} has no path of these forecasts. Give the paths of the same run.")
        count = mine.group_by(_TASK).len()["len"].min() if mine.height else 0
        missing = whole.select(_TASK).unique().join(mine.select(_TASK).unique(), on=_TASK, how="anti").height
        if missing == 0 and isinstance(count, int) and count >= wanted.least:
            return pl.concat([table, mine.select(table.columns)]), notes
    if series is None:
        why = "they need the sample paths of a run (--paths) or the series that was forecast (--series)"
        return table, (f"samples, which the hub takes, are left out: {why}",)
    for _, rows in whole.group_by("reference_date", maintain_order=True):
        drawn, absent = _drawn(rows, series, wanted)
        table = pl.concat([table, drawn.filter(pl.col("output_type") == "sample").select(table.columns)])
        if absent:
            notes += (f"samples are left out for {_some(absent)}: not in {series.label}",)
    return table, notes


def _wanted(hub: Hub) -> Samples | None:
    """The most that any task of the hub wants of samples."""
    found = [
        block.outputs["sample"].samples
        for one in hub.rounds
        for block in one.blocks
        if block.step_ahead and "sample" in block.outputs
    ]
    return max((s for s in found if s is not None), key=lambda s: s.least, default=None)


def _whole(quantiles: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Rows of the places all of whose periods are forecast."""
    by = ["reference_date", "location"]
    count = quantiles.group_by(by).agg(pl.col("target_end_date").n_unique().alias("n"))
    most = quantiles.group_by("reference_date").agg(pl.col("target_end_date").n_unique().alias("all"))
    part = count.join(most, on="reference_date").filter(pl.col("n") < pl.col("all"))
    if part.height == 0:
        return quantiles, ()
    places = part["location"].unique().sort().to_list()
    note = f"samples are left out for {_some(places)}: not every period is forecast"
    return quantiles.join(part, on=by, how="anti"), (note,)


def _some(places: list[str]) -> str:
    return ", ".join(places[:8]) + (f" and {len(places) - 8} more" if len(places) > 8 else "")


def _drawn(rows: pl.DataFrame, series: Series, wanted: Samples) -> tuple[pl.DataFrame, list[str]]:
    """Paths that have the margins of the forecasts, and go together as past changes did; places that have none."""
    day, cadence = rows["reference_date"][0], series.cadence
    before = cadence.shift(cadence.start(rows["target_end_date"].sort()[0]), -1)
    panel = series.panel(day)
    if panel.starts[-1] > before:  # a period that is forecast counts as known on the day: the table tells no lag
        panel = series.panel(cadence.end(before))
    missing = sorted(set(rows["location"]) - set(panel.locations))
    rows = rows.filter(~pl.col("location").is_in(missing))
    if rows.height == 0:
        return rows, missing
    ends = rows["target_end_date"].unique().to_list()
    steps = {end: cadence.between(panel.starts[-1], cadence.start(end)) for end in ends}
    counted = rows.with_columns(horizon=pl.col("target_end_date").replace_strict(steps, return_dtype=pl.Int64))
    paths, horizons = joint_paths(panel, counted, max(2, wanted.least, min(wanted.most, MOST)))
    made = paths.table(str(rows["model"][0]), horizons).with_columns(
        reference_date=pl.lit(day), disease=pl.lit(rows["disease"][0]), signal=pl.lit(rows["signal"][0])
    )
    return made, missing
