"""The status table: where each place is and where it is going, from what is known and the forecast that is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from salus.forecasting.model import TAUS, Floats
from salus.surveillance.levels import LevelScheme, level_probabilities
from salus.surveillance.panel import Panel
from salus.tables.contracts import FORECASTS, LEVELS, STATUS

MOST_LEVELS = 5


def shown_forecasts(forecasts: pl.DataFrame, persistence: pl.DataFrame, trust: pl.DataFrame) -> pl.DataFrame:
    """The rows that a reader is shown: the model's, or persistence's where the model is withheld.

    Parameters
    ----------
    forecasts, persistence : polars.DataFrame
        `forecasts` contract, of the model and of persistence.
    trust : polars.DataFrame
        `trust` contract.

    Returns
    -------
    polars.DataFrame
        `forecasts` contract, one model a place and horizon.
    """
    withheld = trust.filter(pl.col("label") == "withheld").select("location", "horizon")
    by = ["location", "horizon"]
    return pl.concat([forecasts.join(withheld, on=by, how="anti"), persistence.join(withheld, on=by, how="semi")])


def matrix(forecasts: pl.DataFrame) -> tuple[pl.DataFrame, Floats]:
    """Quantile rows as one row a task.

    Parameters
    ----------
    forecasts : polars.DataFrame
        Quantile rows in the `forecasts` contract, all 23 levels of each task.

    Returns
    -------
    tasks : polars.DataFrame
        The columns of a task, sorted by place and horizon.
    quantiles : numpy.ndarray, shape (tasks, 23)
        In the order of the levels.
    """
    key = ["model", "reference_date", "disease", "signal", "location", "horizon", "target_end_date"]
    ordered = (
        forecasts.filter(pl.col("output_type") == "quantile")
        .with_columns(pl.col("output_type_id").cast(pl.Float64).alias("level"))
        .sort("location", "horizon", "level")
    )
    tasks = ordered.select(key).unique(maintain_order=True)
    return tasks, ordered["value"].to_numpy().reshape(tasks.height, len(LEVELS))


def level_rows(forecasts: pl.DataFrame, scheme: LevelScheme) -> pl.DataFrame:
    """Probability of each level, as `pmf` rows.

    Parameters
    ----------
    forecasts : polars.DataFrame
        Quantile rows in the `forecasts` contract.
    scheme : LevelScheme
        Places without cuts get no rows.

    Returns
    -------
    polars.DataFrame
        `forecasts` contract; the probabilities of a task add up to 1.
    """
    tasks, q = matrix(forecasts.filter(pl.col("location").is_in(list(scheme.cuts))))
    rows = []
    for i, task in enumerate(tasks.iter_rows()):
        chances = scheme.probabilities(task[4], LEVELS, q[i])
        rows += [(*task, "pmf", str(k), float(p)) for k, p in enumerate(chances)]
    names = [*tasks.columns, "output_type", "output_type_id", "value"]
    schema = {name: FORECASTS[name].dtype for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row").select(FORECASTS.names)


def status_table(
    panel: Panel,
    shown: pl.DataFrame,
    trust: pl.DataFrame,
    scheme: LevelScheme,
    left_out: pl.DataFrame | None = None,
    borrowed: Sequence[str] = (),
) -> pl.DataFrame:
    """Status now and ahead.

    Parameters
    ----------
    panel : Panel
        What was known.
    shown : polars.DataFrame
        Quantile rows of the forecasts that are shown.
    trust : polars.DataFrame
        `trust` contract.
    scheme : LevelScheme
        Epidemic levels.
    left_out : polars.DataFrame, optional
        ``location``, ``date`` of counts left out to protect persons. A place with such a count after the last one
        that is shown has no level now: the older count says nothing of it.
    borrowed : sequence of str
        Places without a history, forecast from the rates of others: their rows say so.

    Returns
    -------
    polars.DataFrame
        `status` contract, a row a place and horizon; horizon 0 is the last known period, also of silent places. Where
        the forecast is withheld, the level is the one now, and no chance of a rise is told.
    """
    label = {(r["location"], r["horizon"]): r["label"] for r in trust.iter_rows(named=True)}
    gap = dict(zip(panel.locations, panel.gaps.tolist(), strict=True))
    newest: dict[str, dt.date] = {}
    if left_out is not None:
        newest = dict(left_out.group_by("location").agg(pl.col("date").max()).iter_rows())
    last: dict[str, float] = {}
    today: dict[str, int | None] = {}
    rows: list[dict[str, object]] = []
    for place, start, value in panel.last_known().iter_rows():
        last[place] = value
        veiled = newest.get(place, start) > start
        level = scheme.level(place, value) if place in scheme.cuts and not veiled else None
        today[place] = level
        rows.append(
            {
                "location": place,
                "horizon": 0,
                "target_end_date": panel.cadence.end(start),
                "value": value,
                "level": level,
                "level_name": None if level is None else scheme.names[level],
                "shown": "observed",
                "trust": "observed",
                "note": _VEILED if veiled else _late(panel, gap[place]),
            }
        )
    tasks, q = matrix(shown)
    at = {name: LEVELS.index(level) for name, level in _BANDS.items()}
    for i, task in enumerate(tasks.iter_rows(named=True)):
        place = task["location"]
        trusted = label.get((place, task["horizon"]), "unknown")
        withheld = trusted == "withheld"
        row: dict[str, object] = {
            "location": place,
            "horizon": task["horizon"],
            "target_end_date": task["target_end_date"],
            "value": q[i, LEVELS.index(0.5)],
            "shown": task["model"],
            "trust": trusted,
            "probability_higher": None if withheld or place not in last else _above(q[i], last[place]),
            "note": BORROWED if place in borrowed else None,
        } | {name: q[i, column] for name, column in at.items()}
        if place in scheme.cuts:
            chances = scheme.probabilities(place, LEVELS, q[i])
            level = today.get(place) if withheld else int(np.argmax(chances))
            row |= {"level": level, "level_name": None if level is None else scheme.names[level]}
            row |= {f"probability_{k}": float(p) for k, p in enumerate(chances[:MOST_LEVELS])}
        rows.append(row)
    table = pl.DataFrame(rows, schema={name: STATUS[name].dtype for name in STATUS.names})
    empty = [c for c in table.columns if c.startswith("probability_") and c[12:].isdigit() and table[c].is_null().all()]
    return STATUS.check(table.drop(empty).sort("location", "horizon"), "status")


BORROWED = "no history: forecast from the rates of the other places and its population"
"""Note of a place without a history."""
_VEILED = "newer counts are left out to protect persons"

_BANDS = {"lower50": 0.25, "upper50": 0.75, "lower95": 0.025, "upper95": 0.975}


def _above(quantiles: Floats, value: float) -> float:
    """Probability of a value above the one given; the probability of being equal to it is shared."""
    no_more, less = (
        float(level_probabilities(np.array([[cut]]), TAUS, quantiles[None, :])[0, 1])
        for cut in (value, np.nextafter(value, np.inf))
    )
    return (no_more + less) / 2


def _late(panel: Panel, gap: int) -> str | None:
    if gap == 0:
        return None
    return f"last report {gap} {panel.cadence.name(gap)} late"
