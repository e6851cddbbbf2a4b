"""Scores of quantile forecasts from tables alone: interval score, coverage, place of the truth, skill over a baseline.

Weighted interval score and coverage follow the forecast hubs (Bracher, Ray, Gneiting, Reich: Evaluating epidemic
forecasts in an interval format, PLOS Computational Biology 2021, 17(2), e1008618). Nothing here knows a model.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from salus.errors import Fault, InputError, TableError
from salus.surveillance.weeks import Cadence, recognise
from salus.tables.contracts import FORECASTS, LEVELS, SCORES, SERIES

TASK = ["reference_date", "disease", "signal", "location", "horizon", "target_end_date"]
"""Columns that together name what was asked of a model."""

_CROSSING = 1e-6
_MATCH = ["disease", "signal", "location", "target_end_date"]


def score(forecasts: pl.DataFrame, truth: pl.DataFrame, *, truth_as_of: dt.date | None = None) -> pl.DataFrame:
    """Score of every quantile forecast whose truth is known.

    Parameters
    ----------
    forecasts : polars.DataFrame
        Forecasts contract; the 23 quantile rows of each task count, other rows are left out.
    truth : polars.DataFrame
        Series contract: what happened. Where it has `as_of`, the latest value counts.
    truth_as_of : datetime.date, optional
        Take the truth as it was known on this day.

    Returns
    -------
    polars.DataFrame
        Scores contract, a row a task with known truth, in the order of the forecasts. `wis` and `abs_error` are in
        the signal's unit, `log_wis` in log(1 + x). Where the truth ties with quantiles, `inside50` and `inside95`
        hold the share of the tied probability that lies inside, and `pit` the middle of the tied levels.

    Raises
    ------
    TableError
        A table breaks its contract, a quantile level is missing, or quantiles decrease with the level.
    InputError
        No forecast has a known truth.

    Examples
    --------
    >>> day, end = dt.date(2024, 1, 7), dt.date(2024, 1, 14)
    >>> rows = [("m", day, "flu", "cases", "A", 1, end, "quantile", f"{t:g}", 10 * t) for t in LEVELS]
    >>> forecasts = pl.DataFrame(rows, schema=FORECASTS.names, orient="row")
    >>> truth = pl.DataFrame({"location": ["A"], "disease": ["flu"], "signal": ["cases"],
    ...                       "date": [dt.date(2024, 1, 8)], "value": [6.0]})
    >>> score(forecasts, truth).select("truth", "inside50", "pit", "abs_error").row(0)
    (6.0, 1.0, 0.6, 1.0)
    """
    known = known_truth(truth, truth_as_of)
    tasks, q = quantiles(FORECASTS.check(forecasts.filter(pl.col("output_type") == "quantile"), "forecasts"))
    joined = tasks.with_row_index("row").join(known, on=_MATCH, how="inner", maintain_order="left")
    if joined.height == 0:
        raise InputError(_no_match(tasks, known))
    q, y = q[joined["row"].to_numpy()], joined["truth"].to_numpy()
    low, high = place(q, y)
    return joined.select(
        *(pl.col(c) for c in ("model", *TASK, "truth")),
        wis=pl.Series(weighted_interval_score(q, y)),
        log_wis=pl.Series(weighted_interval_score(np.log1p(np.maximum(q, 0.0)), np.log1p(y))),
        inside50=pl.Series(_inside(low, high, 0.25, 0.75)),
        inside95=pl.Series(_inside(low, high, 0.025, 0.975)),
        pit=pl.Series((low + high) / 2),
        abs_error=pl.Series(np.abs(q[:, LEVELS.index(0.5)] - y)),
    ).select(SCORES.names)


def known_truth(truth: pl.DataFrame, as_of: dt.date | None = None) -> pl.DataFrame:
    """Known values of each period, dated by the period's last day.

    Parameters
    ----------
    truth : polars.DataFrame
        Series contract.
    as_of : datetime.date, optional
        Day of knowledge; default the latest.

    Returns
    -------
    polars.DataFrame
        `disease`, `signal`, `location`, `target_end_date`, `truth`; unknown values are left out.
    """
    table = SERIES.check(truth, "truth")
    cadence = recognise(table["date"], "truth")
    if "as_of" in table.columns:
        if as_of is not None:
            table = table.filter(pl.col("as_of") <= as_of)
        table = table.sort("as_of").unique(["location", "disease", "signal", "date"], keep="last")
    elif as_of is not None:
        raise InputError("the truth has no column 'as_of', so it can't be taken as of a day. Leave that day out.")
    return table.select(
        "disease", "signal", "location", period_end(cadence), pl.col("value").alias("truth")
    ).drop_nulls()


def period_end(cadence: Cadence, column: str = "date") -> pl.Expr:
    """Last day of the period that starts on a column's day, as `target_end_date`.

    Parameters
    ----------
    cadence : Cadence
        Cadence of the series.
    column : str
        Column with the first days.
    """
    start = pl.col(column)
    end = {"day": start, "week": start.dt.offset_by("6d"), "month": start.dt.month_end()}[cadence.kind]
    return end.alias("target_end_date")


def quantiles(forecasts: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """Tasks and their quantiles as a matrix.

    Parameters
    ----------
    forecasts : polars.DataFrame
        Checked rows of the forecasts contract; rows that are not quantiles are left out.

    Returns
    -------
    tasks : polars.DataFrame
        `model` and the columns of `TASK`, a row a task, in the order in which they first stand.
    matrix : numpy.ndarray
        Shape (tasks, 23), not decreasing along a row (by more than 1e-6).

    Raises
    ------
    TableError
        A level is missing, or quantiles decrease with the level.
    """
    key = ["model", *TASK]
    table = forecasts.filter(pl.col("output_type") == "quantile")
    labels = table["output_type_id"].unique()
    level = labels.cast(pl.Float64, strict=False).round(3)
    position = pl.Series([LEVELS.index(v) if v in LEVELS else -1 for v in level], dtype=pl.Int64)
    table = table.with_columns(
        position=pl.col("output_type_id").replace_strict(labels, position, return_dtype=pl.Int64)
    )
    table = table.filter(pl.col("position") >= 0)
    tasks = table.select(key).unique(maintain_order=True).with_row_index("task")
    if tasks.height == 0:
        return tasks.drop("task"), np.empty((0, len(LEVELS)))
    aligned = (table.height == tasks.height * len(LEVELS)) and bool(
        (table["position"].to_numpy().reshape(-1, len(LEVELS)) == np.arange(len(LEVELS))).all()
    )
    if aligned and tasks.drop("task").equals(table.select(key).gather_every(len(LEVELS))):
        rows = np.repeat(np.arange(tasks.height), len(LEVELS))
    else:
        rows = table.select(key).join(tasks, on=key, maintain_order="left")["task"].to_numpy()
    matrix = np.full((tasks.height, len(LEVELS)), np.nan)
    matrix[rows, table["position"].to_numpy()] = table["value"].to_numpy()
    gaps = np.asarray(np.isnan(matrix).any(axis=1))
    if gaps.any():
        first = int(gaps.argmax())
        lacking = ", ".join(f"{LEVELS[k]:g}" for k in np.flatnonzero(np.isnan(matrix[first])))
        raise _faulty(
            "missing level", f"{_named(tasks, first)} lacks the quantile levels {lacking}", "Give all 23 levels", gaps
        )
    crossed = np.asarray((np.diff(matrix, axis=1) < -_CROSSING).any(axis=1))
    if crossed.any():
        what = f"quantiles of {_named(tasks, int(crossed.argmax()))} decrease with the level"
        raise _faulty("crossing", what, "Sort each task's quantiles", crossed)
    return tasks.drop("task"), matrix


def weighted_interval_score(q: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weighted interval score of each row: twice the mean pinball loss over the levels.

    Parameters
    ----------
    q : numpy.ndarray
        Shape (tasks, 23): quantiles.
    y : numpy.ndarray
        Shape (tasks,): what happened.

    Returns
    -------
    numpy.ndarray
        Shape (tasks,), at least 0, in the unit of `y`.

    Examples
    --------
    >>> float(weighted_interval_score(np.full((1, 23), 4.0), np.array([7.0]))[0])
    3.0
    """
    error = y[:, None] - q
    tau = np.array(LEVELS)
    return 2 * np.where(error >= 0, tau * error, (tau - 1) * error).mean(axis=1)


def energy_score(paths: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Energy score of sample paths: the mean distance to the truth less half the mean distance between paths.

    In one dimension it is the continuous ranked probability score (Gneiting and Raftery: Strictly proper scoring rules,
    prediction, and estimation, Journal of the American Statistical Association 2007, 102(477), 359-378, section 4.3).

    Parameters
    ----------
    paths : numpy.ndarray
        Shape (tasks, draws, periods): at least two equally likely paths.
    truth : numpy.ndarray
        Shape (tasks, periods).

    Returns
    -------
    numpy.ndarray
        Shape (tasks,), in the unit of the paths; less is better. Distances between paths are taken over all pairs of
        different ones, so that few paths are no disadvantage.

    Examples
    --------
    >>> float(energy_score(np.array([[[0.0, 0.0], [3.0, 4.0]]]), np.array([[0.0, 0.0]]))[0])
    0.0
    """
    draws = paths.shape[1]
    found = np.linalg.norm(paths - truth[:, None], axis=2).mean(axis=1)
    for row, one in enumerate(paths):
        square = (one**2).sum(axis=1)
        apart = np.sqrt(np.maximum(square[:, None] + square - 2 * one @ one.T, 0.0))
        found[row] -= apart.sum() / (2 * draws * (draws - 1))
    return np.asarray(found)


def variogram_score(paths: np.ndarray, truth: np.ndarray, power: float = 0.5) -> np.ndarray:
    """Variogram score of sample paths: how well they tell the differences between periods, thus how these go together.

    Scheuerer and Hamill: Variogram-based proper scoring rules for probabilistic forecasts of multivariate quantities,
    Monthly Weather Review 2015, 143(4), 1321-1334, equation 12, all weights equal.

    Parameters
    ----------
    paths : numpy.ndarray
        Shape (tasks, draws, periods): equally likely paths.
    truth : numpy.ndarray
        Shape (tasks, periods).
    power : float
        Of the absolute differences.

    Returns
    -------
    numpy.ndarray
        Shape (tasks,): the mean over pairs of periods of the squared error; less is better.

    Examples
    --------
    >>> float(variogram_score(np.array([[[0.0, 4.0], [0.0, 16.0]]]), np.array([[0.0, 1.0]]))[0])
    4.0
    """
    first, second = np.triu_indices(truth.shape[1], 1)
    expected = (np.abs(paths[:, :, first] - paths[:, :, second]) ** power).mean(axis=1)
    return np.asarray(((np.abs(truth[:, first] - truth[:, second]) ** power - expected) ** 2).mean(axis=1))


def ranked_probability_score(chances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Ranked probability score of ordered classes, such as the week of the peak: near misses cost less than far ones.

    Epstein: A scoring system for probability forecasts of ranked categories, Journal of Applied Meteorology 1969, 8(6),
    985-987, without its division: in steps between classes.

    Parameters
    ----------
    chances : numpy.ndarray
        Shape (tasks, classes), rows adding up to 1.
    truth : numpy.ndarray
        Shape (tasks,): number of the class that came, from 0.

    Returns
    -------
    numpy.ndarray
        Shape (tasks,): 0 for certainty in the right class, the distance for certainty in another.

    Examples
    --------
    >>> ranked_probability_score(np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]), np.array([0, 0])).tolist()
    [0.5, 2.0]
    """
    came = np.arange(chances.shape[1]) >= truth[:, None]
    return np.asarray(((np.cumsum(chances, axis=1) - came)[:, :-1] ** 2).sum(axis=1))


def place(q: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the truth lies in each forecast distribution, as an interval of levels.

    Parameters
    ----------
    q : numpy.ndarray
        Shape (tasks, 23): quantiles.
    y : numpy.ndarray
        Shape (tasks,): what happened.

    Returns
    -------
    low, high : numpy.ndarray
        Shape (tasks,), in [0, 1]. Equal, by linear interpolation between quantiles, unless the truth equals several
        quantiles; a truth equal to the lowest and further quantiles starts at 0; outside all quantiles it is 0 or 1.
    """
    tau, last = np.array(LEVELS), len(LEVELS) - 1
    tied = q == y[:, None]
    any_tie = tied.any(axis=1)
    below = np.clip((q < y[:, None]).sum(axis=1), 1, last)
    rows = np.arange(len(y))
    left, right = q[rows, below - 1], q[rows, below]
    width = np.where(right > left, right - left, 1.0)
    between = (tau[below] - tau[below - 1]) / width * (y - left) + tau[below - 1]
    between = np.where(y < q[:, 0], 0.0, np.where(y > q[:, -1], 1.0, between))
    low = np.where(any_tie, tau[tied.argmax(axis=1)], between)
    high = np.where(any_tie, tau[last - tied[:, ::-1].argmax(axis=1)], between)
    return np.where(tied[:, 0] & (high > tau[0]), 0.0, low), high


def _inside(low: np.ndarray, high: np.ndarray, a: float, b: float) -> np.ndarray:
    width = high - low
    share = np.clip(np.minimum(high, b) - np.maximum(low, a), 0, None) / np.where(width > 0, width, 1)
    return np.where(width > 0, share, (low >= a) & (low <= b))


def calibration(
    forecasts: pl.DataFrame, truth: pl.DataFrame, *, by: Sequence[str] = ("model", "horizon")
) -> pl.DataFrame:
    """Share of truths at or below each quantile, ties counted by share; a calibrated model has `share` = `level`.

    Parameters
    ----------
    forecasts, truth : polars.DataFrame
        As for :func:`score`.
    by : sequence of str
        Task columns to group by.

    Returns
    -------
    polars.DataFrame
        `by`, `level` (23 a group), `share` in [0, 1], `tasks`.
    """
    tasks, q = quantiles(FORECASTS.check(forecasts.filter(pl.col("output_type") == "quantile"), "forecasts"))
    joined = tasks.with_row_index("row").join(known_truth(truth), on=_MATCH, maintain_order="left")
    low, high = place(q[joined["row"].to_numpy()], joined["truth"].to_numpy())
    tau = np.array(LEVELS)
    width = (high - low)[:, None]
    share = np.where(
        width > 0, np.clip((tau - low[:, None]) / np.where(width > 0, width, 1), 0, 1), low[:, None] <= tau
    )
    wide = pl.DataFrame(share, schema=[f"{t:g}" for t in LEVELS])
    means = (
        pl.concat([joined.select(by), wide], how="horizontal")
        .group_by(by, maintain_order=True)
        .agg(pl.all().mean(), tasks=pl.len())
    )
    long = means.unpivot(index=[*by, "tasks"], variable_name="level", value_name="share")
    return long.select(*by, pl.col("level").cast(pl.Float64), "share", "tasks").sort([*by, "level"])


def summary(
    scores: pl.DataFrame, baseline: pl.DataFrame | None = None, *, by: Sequence[str] = ("model", "horizon")
) -> pl.DataFrame:
    """Mean scores of each group, and the skill over a baseline on the tasks that both answered.

    Parameters
    ----------
    scores : polars.DataFrame
        Scores contract, as :func:`score` gives it.
    baseline : polars.DataFrame, optional
        Scores of one model, as a rule persistence.
    by : sequence of str
        Columns of the scores to group by.

    Returns
    -------
    polars.DataFrame
        `by`, `tasks`, means `wis`, `log_wis`, `abs_error`, `pit`, shares `coverage50`, `coverage95`, and `wape`
        (summed absolute error over summed truth). With a baseline also `matched` and, for `skill` (of wis),
        `log_skill` and `error_skill`, the ratio of sums (under 1 is better; null where the baseline's sum is 0) with
        `_low` and `_high`: 95 % bounds from a moving-block bootstrap over reference dates.
    """
    table = SCORES.check(scores, "scores")
    means = table.group_by(by, maintain_order=True).agg(
        pl.len().alias("tasks"),
        pl.col("wis", "log_wis", "abs_error", "pit").mean(),
        pl.col("inside50").mean().alias("coverage50"),
        pl.col("inside95").mean().alias("coverage95"),
        pl.when(pl.col("truth").sum() > 0).then(pl.col("abs_error").sum() / pl.col("truth").sum()).alias("wape"),
    )
    if baseline is None:
        return means.sort(by)
    models = sorted(baseline["model"].unique())
    if len(models) > 1:
        raise InputError(f"the baseline holds several models: {', '.join(models)}. Give the scores of one.")
    other = SCORES.check(baseline, "baseline").select(*TASK, pl.col("wis", "log_wis", "abs_error").name.suffix("_base"))
    both = table.join(other, on=TASK)
    skills = []
    for group, rows in both.partition_by(by, as_dict=True, maintain_order=True).items():
        found: dict[str, object] = dict(zip(by, group, strict=True)) | {"matched": rows.height}
        for name, column in (("skill", "wis"), ("log_skill", "log_wis"), ("error_skill", "abs_error")):
            rounds = rows.group_by("reference_date").agg(pl.col(column, column + "_base").sum()).sort("reference_date")
            found[name], found[name + "_low"], found[name + "_high"] = ratio(
                rounds[column].to_numpy(), rounds[column + "_base"].to_numpy()
            )
        skills.append(found)
    named = {n: pl.Float64 for s in ("skill", "log_skill", "error_skill") for n in (s, s + "_low", s + "_high")}
    schema = {b: table.schema[b] for b in by} | {"matched": pl.Int64} | named
    return (
        means.join(pl.DataFrame(skills, schema=schema), on=by, how="left")
        .with_columns(pl.col("matched").fill_null(0))
        .sort(by)
    )


def ratio(
    ours: np.ndarray, theirs: np.ndarray, *, draws: int = 1000, block: int = 8, seed: int = 1
) -> tuple[float | None, float | None, float | None]:
    """Ratio of two sums over rounds, with 95 % bounds that respect that neighbouring rounds resemble each other.

    Parameters
    ----------
    ours, theirs : numpy.ndarray
        Shape (rounds,): sums of scores by reference date, in time order.
    draws : int
        Bootstrap samples.
    block : int
        Rounds in a block that is drawn whole (Kuensch 1989, Annals of Statistics 17(3), 1217-1241).
    seed : int
        Of the random draws.

    Returns
    -------
    ratio, low, high : float or None
        Null where the denominator is 0, in the data or in a draw.
    """
    rounds = len(ours)
    if rounds == 0 or theirs.sum() == 0:
        return None, None, None
    block = min(block, rounds)
    starts = np.random.default_rng(seed).integers(0, rounds - block + 1, (draws, -(-rounds // block)))
    drawn = (starts[..., None] + np.arange(block)).reshape(draws, -1)[:, :rounds]
    above, under = ours[drawn].sum(axis=1), theirs[drawn].sum(axis=1)
    if (under == 0).any():
        return float(ours.sum() / theirs.sum()), None, None
    low, high = np.quantile(above / under, (0.025, 0.975))
    return float(ours.sum() / theirs.sum()), float(low), float(high)


def _named(tasks: pl.DataFrame, row: int) -> str:
    task = tasks.row(row, named=True)
    return f"{task['model']}, {task['location']}, made {task['reference_date']}, for {task['target_end_date']}"


def _faulty(kind: str, message: str, remedy: str, mask: np.ndarray) -> TableError:
    return TableError(
        "forecasts", [Fault(kind, f"{message} ({int(mask.sum())} tasks in all)", remedy, count=int(mask.sum()))]
    )


def _no_match(tasks: pl.DataFrame, known: pl.DataFrame) -> str:
    if tasks.height == 0:
        return (
            "the forecasts hold no quantile row, so there is nothing to score. Give rows with output_type 'quantile'."
        )
    if known.height == 0:
        return "the truth holds no known value, so there is nothing to score. Give the series that was forecast."
    ours, theirs = (", ".join(str(v) for v in t.select(_MATCH).row(0)) for t in (tasks, known))
    return (
        "no forecast has a known truth: disease, signal, location and last day of the period never agree. "
        f"The forecasts begin with {ours}; the truth with {theirs}. Give the series that was forecast."
    )
