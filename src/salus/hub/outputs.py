"""The rows of each output type, made from forecast rows that stand beside their task ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from salus.evaluation import scores
from salus.hub import distribution, rate_change
from salus.hub.asked import OWN
from salus.hub.places import HubPlaces
from salus.hub.tasks import Block, OutputType
from salus.tables.contracts import FORECASTS, LEVELS

_ROWS = {"output_type": pl.String, "output_type_id": pl.String, "value": pl.Float64}
_TYPE, _ID, _VALUE = OWN + "output_type", OWN + "output_type_id", OWN + "value"


def is_rate_change(block: Block) -> bool:
    """Whether a block asks for FluSight's five categories of change.

    Parameters
    ----------
    block : Block
        What is asked.
    """
    pmf = block.outputs.get("pmf")
    return pmf is not None and block.step_ahead and set(pmf.ids.all) == set(rate_change.CATEGORIES)


def output_rows(asked: pl.DataFrame, block: Block, derived: Sequence[str], notes: list[str]) -> pl.DataFrame:
    """Rows of every output type of a block that can be told from the forecasts.

    Parameters
    ----------
    asked : polars.DataFrame
        From :func:`salus.hub.asked.asked_rows`.
    block : Block
        What is asked.
    derived : sequence of str
        Task ids that follow from others.
    notes : list of str
        What is left out is added.

    Returns
    -------
    polars.DataFrame
        Task ids, `output_type`, `output_type_id`, `value`; whole numbers where the hub wants such.
    """
    tasks, q = _quantiles(asked, block)
    parts = []
    for output in block.outputs.values():
        if output.name == "quantile":
            found = _listed(asked, block, "quantile", _levels(output))
        elif output.name == "sample":
            found = _samples(asked, block, output, derived, notes)
        elif output.name == "pmf":
            found = _listed(asked, block, "pmf", {str(i): str(i) for i in output.ids.all})
        elif output.name == "cdf":
            found = _cdf(tasks, q, output)
        else:
            found = _point(asked, block, tasks, q, output.name)
        parts.append(found.with_columns(pl.col("value").round()) if output.whole else found)
    return pl.concat(parts)


def rate_change_rows(
    asked: pl.DataFrame,
    block: Block,
    known: pl.DataFrame | None,
    day: dt.date,
    places: HubPlaces,
    notes: list[str],
) -> pl.DataFrame:
    """Probabilities of the rate-change categories, from the quantiles, the baseline week and the population.

    Parameters
    ----------
    asked : polars.DataFrame
        From :func:`salus.hub.asked.asked_rows`.
    block : Block
        What is asked.
    known : polars.DataFrame or None
        `series` contract, as known on the reference date; places by the hub's code.
    day : datetime.date
        The hub's reference date.
    places : HubPlaces
        Populations.
    notes : list of str
        What is left out, and why, is added.

    Returns
    -------
    polars.DataFrame
        As :func:`output_rows`; no rows where the series or the populations are not given.
    """
    target = ", ".join(block.targets)
    tasks, q = _quantiles(asked, block)
    none = tasks.clear().with_columns(pl.lit(None, t).alias(n) for n, t in _ROWS.items())
    if known is None or not places.population:
        lacking = " and ".join(
            word
            for word, there in (("--series", known is not None), ("--locations with populations", places.population))
            if not there
        )
        notes.append(f"'{target}' is left out: it needs {lacking}")
        return none
    week = day - dt.timedelta(days=rate_change.BASELINE_DAYS)
    base = known.filter(pl.col("date") == week - dt.timedelta(days=6)).drop_nulls("value")
    baseline = dict(zip(base["location"], base["value"], strict=True))
    ready = tasks["location"].is_in([p for p in baseline if p in places.population])
    missing = tasks.filter(~ready)["location"].unique().sort().to_list()
    if missing:
        some = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        notes.append(f"'{target}' is left out for {some}: no known value of the week to {week}, or no population")
    cuts = rate_change.thresholds(day)
    horizon = tasks["horizon"].cast(pl.Int64)
    ready = ready & horizon.is_between(0, len(cuts) - 1)
    tasks, q, horizon = tasks.filter(ready), q[ready.to_numpy()], horizon.filter(ready)
    if tasks.height == 0:
        return none
    chances = rate_change.probabilities(
        LEVELS,
        q,
        np.array([baseline[p] for p in tasks["location"]]),
        np.array([places.population[p] for p in tasks["location"]]),
        np.array([cuts[h] for h in horizon]),
    )
    return _wide(tasks, "pmf", rate_change.CATEGORIES, chances)


def _quantiles(asked: pl.DataFrame, block: Block) -> tuple[pl.DataFrame, np.ndarray]:
    """Task ids of each task with quantiles, and these, shape (tasks, 23)."""
    own = asked.filter(pl.col(_TYPE) == "quantile")
    table = own.select(pl.col(OWN + n).alias(n) for n in FORECASTS.names)
    keys = ["location", "target_end_date"]
    tasks, q = scores.quantiles(table)
    ids = own.select(*(pl.col(OWN + k).alias("_" + k) for k in keys), *block.task_ids).unique(maintain_order=True)
    joined = tasks.select(pl.col(k).alias("_" + k) for k in keys).join(
        ids, on=["_" + k for k in keys], how="left", maintain_order="left"
    )
    return joined.select(*block.task_ids), q


def _levels(output: OutputType) -> dict[str, str]:
    """Quantile level as the forecasts write it -> as the hub does."""
    by_number = {round(float(i), 6): i for i in output.ids.all if i is not None}
    return {f"{t:g}": by_number[t] for t in LEVELS if t in by_number}


def _listed(asked: pl.DataFrame, block: Block, kind: str, ids: Mapping[str, str]) -> pl.DataFrame:
    rows = asked.filter((pl.col(_TYPE) == kind) & pl.col(_ID).is_in(list(ids)))
    return rows.select(
        *block.task_ids,
        pl.lit(kind).alias("output_type"),
        pl.col(_ID).replace_strict(dict(ids), default=None, return_dtype=pl.String).alias("output_type_id"),
        pl.col(_VALUE).alias("value"),
    )


def _samples(
    asked: pl.DataFrame, block: Block, output: OutputType, derived: Sequence[str], notes: list[str]
) -> pl.DataFrame:
    """Sample paths under ids that are unique in the file; as many as the hub takes, the first ones."""
    rows = asked.filter(pl.col(_TYPE) == "sample")
    wanted = output.samples
    none = rows.clear().select(*block.task_ids, *(pl.lit(None, t).alias(n) for n, t in _ROWS.items()))
    if rows.height == 0 or wanted is None:
        return none
    names = [n for n in block.task_ids if n not in derived]
    held = names if wanted.compound is None else [n for n in wanted.compound if n in names]
    number = pl.col(_ID).cast(pl.Int64, strict=False)
    ranked = rows.with_columns(pl.struct(number.alias("_number"), _ID).rank("dense").over(names).alias("_nth"))
    least = int(ranked.group_by(names).agg(pl.col("_nth").max())["_nth"].min() or 0)  # type: ignore[arg-type]
    if least < wanted.least:
        notes.append(f"samples are left out: a task has {least}, the hub wants {wanted.least}")
        return none
    ranked = ranked.filter(pl.col("_nth") <= wanted.most)
    path = pl.struct(*held, "_nth").rank("dense")
    return ranked.select(
        *block.task_ids,
        pl.lit("sample").alias("output_type"),
        (path - 1).cast(pl.Int64).cast(pl.String).alias("output_type_id"),
        pl.col(_VALUE).alias("value"),
    )


def _cdf(tasks: pl.DataFrame, q: np.ndarray, output: OutputType) -> pl.DataFrame:
    points = [i for i in output.ids.all if i is not None]
    at = np.tile(np.array([float(i) for i in points]), (len(q), 1))
    return _wide(tasks, "cdf", points, distribution.cumulative(LEVELS, q, at))


def _point(asked: pl.DataFrame, block: Block, tasks: pl.DataFrame, q: np.ndarray, kind: str) -> pl.DataFrame:
    """Mean or median: of the quantiles where there are any, else of the samples."""
    if tasks.height:
        value = q[:, LEVELS.index(0.5)] if kind == "median" else distribution.mean(LEVELS, q)
        found = tasks.with_columns(pl.Series("value", value))
    else:
        drawn = asked.filter(pl.col(_TYPE) == "sample").group_by(list(block.task_ids), maintain_order=True)
        value_of = pl.col(_VALUE).median() if kind == "median" else pl.col(_VALUE).mean()
        found = drawn.agg(value_of.alias("value"))
    missing = pl.lit(None, pl.String).alias("output_type_id")
    return found.select(*block.task_ids, pl.lit(kind).alias("output_type"), missing, "value")


def _wide(tasks: pl.DataFrame, kind: str, ids: Sequence[str], values: np.ndarray) -> pl.DataFrame:
    """A row a task and id from a matrix of shape (tasks, ids)."""
    repeated = tasks.select(pl.all().repeat_by(len(ids)).explode())
    return repeated.with_columns(
        pl.lit(kind).alias("output_type"),
        pl.Series("output_type_id", list(ids) * tasks.height, dtype=pl.String),
        pl.Series("value", values.ravel(), dtype=pl.Float64),
    )
