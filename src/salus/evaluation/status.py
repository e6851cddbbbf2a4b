"""Scores of the epidemic status: was the level called, also in weeks of change, how early, with what probability.

Status accuracy alone means little, because repeating the last level is right in most weeks; every score here stands
beside that of repeating the last known level. Brier score and ranked probability score are proper (Gneiting and
Raftery, Journal of the American Statistical Association 2007, 102(477), 359-378).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from salus.errors import Fault, InputError, TableError
from salus.evaluation.scores import TASK, known_truth, period_end, quantiles
from salus.surveillance.levels import level_probabilities
from salus.surveillance.weeks import recognise
from salus.tables.contracts import FORECASTS, LEVELS, SERIES

Cuts = Mapping[str, Sequence[float]] | Sequence[float]
"""Ascending cuts between the levels, of all places or by location; a value on a cut belongs to the higher level."""

_KEY = ["model", *TASK]
_NOW = ["disease", "signal", "location", "reference_date"]


def last_known(series: pl.DataFrame, reference_dates: Sequence[object], *, patience: int = 8) -> pl.DataFrame:
    """Last value that was known of each place on each day.

    Parameters
    ----------
    series : polars.DataFrame
        Series contract. With `as_of` only what was known by then counts; without, a row is known once its period ended.
    reference_dates : sequence of datetime.date
        Days.
    patience : int
        Periods after which a value is too old to stand for now.

    Returns
    -------
    polars.DataFrame
        `disease`, `signal`, `location`, `reference_date`, `date` (first day of the period), `value`.
    """
    table = SERIES.check(series, "series")
    cadence = recognise(table["date"], "series")
    if "as_of" not in table.columns:
        table = table.with_columns(period_end(cadence).alias("as_of"))
    table = table.drop_nulls("value")
    reach = patience * {"day": 1, "week": 7, "month": 31}[cadence.kind]
    days = pl.Series("reference_date", sorted(set(reference_dates)), dtype=pl.Date)
    found = [
        table.filter(pl.col("as_of") <= day, pl.col("date") >= day - pl.duration(days=reach))
        .sort("date", "as_of")
        .unique(["disease", "signal", "location"], keep="last", maintain_order=True)
        .select("disease", "signal", "location", pl.lit(day).alias("reference_date"), "date", "value")
        for day in days
    ]
    empty = pl.DataFrame(
        schema=dict.fromkeys(_NOW[:3], pl.String) | {"reference_date": pl.Date, "date": pl.Date, "value": pl.Float64}
    )
    return pl.concat([empty, *found])


def status_tasks(forecasts: pl.DataFrame, truth: pl.DataFrame, known: pl.DataFrame, cuts: Cuts) -> pl.DataFrame:
    """Level that came, level last known and level called, a row a task.

    Parameters
    ----------
    forecasts : polars.DataFrame
        Forecasts contract. The most probable level of a model's `pmf` rows counts (the lower of equals); a model
        without any is read from its quantiles: the level of the median, and probabilities by interpolation.
    truth : polars.DataFrame
        Series contract.
    known : polars.DataFrame
        `disease`, `signal`, `location`, `reference_date`, `value`, as :func:`last_known` gives it.
    cuts : mapping of str to sequence of float, or sequence of float
        Ascending cuts by location, or of all.

    Returns
    -------
    polars.DataFrame
        `model`, task columns, `truth`, `came`, `before`, `called` (level numbers), `brier` and `rps` of the
        probabilities, `brier_last` and `rps_last` of the certainty that the last level stays.

    Raises
    ------
    InputError
        No task has a known truth and a last known value.
    TableError
        A model gives level probabilities for some of its tasks only, or for a level that the cuts don't make.
    """
    table = FORECASTS.check(forecasts.filter(pl.col("output_type").is_in(["quantile", "pmf"])), "forecasts")
    tasks, q = quantiles(table)
    now = known.select(*_NOW, pl.col("value").alias("now"))
    joined = (
        tasks.with_row_index("row")
        .join(known_truth(truth), on=["disease", "signal", "location", "target_end_date"], maintain_order="left")
        .join(now.drop_nulls(), on=_NOW, maintain_order="left")
    )
    if joined.height == 0:
        raise InputError(
            "no forecast has both a known truth and a last known value. Give the series that was forecast, and "
            "the last known value of its places on the forecasts' reference dates."
        )
    grid = _grid(joined["location"], cuts)
    came, before = _level(joined["truth"].to_numpy(), grid), _level(joined["now"].to_numpy(), grid)
    q = q[joined["row"].to_numpy()]
    called = _level(q[:, LEVELS.index(0.5)], grid)
    p = _from_quantiles(q, grid)
    stated = _stated(table.filter(pl.col("output_type") == "pmf"), joined, p.shape[1])
    given = ~np.isnan(stated).any(axis=1)
    p[given], called[given] = stated[given], stated[given].argmax(axis=1)
    brier, rps = _probability_scores(p, came)
    brier_last, rps_last = _probability_scores(np.eye(p.shape[1])[before], came)
    return joined.select(*_KEY, "truth").with_columns(
        came=pl.Series(came),
        before=pl.Series(before),
        called=pl.Series(called),
        brier=pl.Series(brier),
        rps=pl.Series(rps),
        brier_last=pl.Series(brier_last),
        rps_last=pl.Series(rps_last),
    )


def status_scores(
    forecasts: pl.DataFrame,
    truth: pl.DataFrame,
    known: pl.DataFrame,
    cuts: Cuts,
    *,
    by: Sequence[str] = ("model", "horizon"),
) -> pl.DataFrame:
    """How well the level was called, beside repeating the last one.

    Parameters
    ----------
    forecasts, truth, known, cuts
        As for :func:`status_tasks`.
    by : sequence of str
        Task columns to group by.

    Returns
    -------
    polars.DataFrame
        `by`, `tasks`; `accuracy`, `persistence_accuracy` (shares of tasks); `changes`: tasks whose level is not the
        last known one, `changes_called`: share of them called right (null without any); `change_calls`: tasks in
        which a change was called, `change_calls_right`: share of them that were right; `brier` (0 best, 2 worst),
        `rps` (0 best, number of cuts worst), and `brier_skill`, `rps_skill`: 1 minus their ratio to repeating the
        last level (over 0 is better; null where repeating it never failed).
    """
    table = status_tasks(forecasts, truth, known, cuts)
    right, change, said = (
        pl.col("called") == pl.col("came"),
        pl.col("came") != pl.col("before"),
        pl.col("called") != pl.col("before"),
    )
    return (
        table.group_by(by)
        .agg(
            tasks=pl.len(),
            accuracy=right.mean(),
            persistence_accuracy=(~change).mean(),
            changes=change.sum().cast(pl.Int64),
            changes_called=right.filter(change).mean(),
            change_calls=said.sum().cast(pl.Int64),
            change_calls_right=right.filter(said).mean(),
            brier=pl.col("brier").mean(),
            rps=pl.col("rps").mean(),
            brier_skill=_skill("brier"),
            rps_skill=_skill("rps"),
        )
        .sort(by)
    )


def onset_lead(forecasts: pl.DataFrame, truth: pl.DataFrame, known: pl.DataFrame, cuts: Cuts) -> pl.DataFrame:
    """How many periods ahead each onset was called, and the call held until it came.

    An onset is a period at level 1 or higher whose forecasts were all made at level 0. Its lead is the longest
    horizon h such that every forecast for it at horizons up to h called level 1 or higher; 0 where the nearest did not.

    Parameters
    ----------
    forecasts, truth, known, cuts
        As for :func:`status_tasks`.

    Returns
    -------
    polars.DataFrame
        `model`, `disease`, `signal`, `onsets`, `called` (share with a lead over 0), `mean_lead` and `median_lead`
        (periods; missed onsets count as 0), `false_onsets`: calls of level 1 or higher at the nearest horizon, made at
        level 0, that did not come.
    """
    table = status_tasks(forecasts, truth, known, cuts)
    target = ["model", "disease", "signal", "location", "target_end_date"]
    nearest = table.filter(pl.col("horizon") == pl.col("horizon").min().over(target), pl.col("before") == 0)
    first = nearest.filter(pl.col("came") > 0).select(target)
    held = (
        table.join(first, on=target, how="semi")
        .sort([*target, "horizon"])
        .with_columns(held=((pl.col("called") > 0) & (pl.col("before") == 0)).cast(pl.Int64).cum_min().over(target))
        .group_by(target)
        .agg(lead=(pl.col("horizon") * pl.col("held")).max())
    )
    group = target[:3]
    leads = held.group_by(group).agg(
        onsets=pl.len(),
        called=(pl.col("lead") > 0).mean(),
        mean_lead=pl.col("lead").mean(),
        median_lead=pl.col("lead").median(),
    )
    false = (
        table.select(group)
        .unique()
        .join(
            nearest.filter(pl.col("called") > 0, pl.col("came") == 0).group_by(group).agg(false_onsets=pl.len()),
            on=group,
            how="left",
        )
    )
    return (
        false.join(leads, on=group, how="left")
        .select(
            *group,
            pl.col("onsets").fill_null(0),
            "called",
            "mean_lead",
            "median_lead",
            pl.col("false_onsets").fill_null(0),
        )
        .sort(group)
    )


def _skill(name: str) -> pl.Expr:
    last = pl.col(name + "_last").sum()
    return pl.when(last > 0).then(1 - pl.col(name).sum() / last)


def _grid(locations: pl.Series, cuts: Cuts) -> np.ndarray:
    """Cuts of each row, shape (rows, most cuts); places with fewer cuts are filled up with infinity."""
    if not isinstance(cuts, Mapping):
        return np.tile(np.asarray(cuts, dtype=float), (len(locations), 1))
    lacking = sorted(set(locations.unique()) - set(cuts))
    if lacking:
        raise InputError(
            f"there are no level cuts for {', '.join(lacking[:5])}. Give cuts for every place that is forecast."
        )
    places = locations.unique()
    most = max(len(cuts[p]) for p in places)
    table = {p: [*map(float, cuts[p]), *[np.inf] * (most - len(cuts[p]))] for p in places}
    return np.array([table[p] for p in places])[
        locations.replace_strict(places, np.arange(len(places)), return_dtype=pl.Int64)
    ]


def _level(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return (grid <= values[:, None]).sum(axis=1)


def _from_quantiles(q: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return level_probabilities(grid, np.array(LEVELS), q)


def _stated(pmf: pl.DataFrame, joined: pl.DataFrame, count: int) -> np.ndarray:
    """Stated probabilities, shape (tasks, levels), NaN rows for models that state none."""
    out = np.full((joined.height, count), np.nan)
    if pmf.height == 0:
        return out
    numbers = [str(k) for k in range(count)]
    odd = pmf.filter(~pl.col("output_type_id").is_in(numbers) & (pl.col("value") > 0))
    if odd.height:
        found = odd["output_type_id"][0]
        fault = Fault(
            "unknown level",
            f"found the level '{found}', wanted one of {', '.join(numbers)}",
            "Forecast and score with the same cuts",
        )
        raise TableError("forecasts", [fault])
    rows = joined.select(*_KEY).with_row_index("at").join(pmf.filter(pl.col("output_type_id").is_in(numbers)), on=_KEY)
    out[np.unique(rows["at"].to_numpy())] = 0.0
    out[rows["at"].to_numpy(), rows["output_type_id"].cast(pl.Int64).to_numpy()] = rows["value"].to_numpy()
    bare = joined.filter(pl.Series(np.isnan(out[:, 0])) & pl.col("model").is_in(pmf["model"].unique().implode()))
    if bare.height:
        first = f"{bare['model'][0]}, {bare['location'][0]}, made {bare['reference_date'][0]}"
        what = f"level probabilities are stated for some tasks but not for {bare.height} others (first: {first})"
        raise TableError(
            "forecasts", [Fault("missing level probabilities", what, "State them for every task or for none")]
        )
    return out


def _probability_scores(p: np.ndarray, came: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brier score (sum over levels) and ranked probability score of each row."""
    truth = np.eye(p.shape[1])[came]
    ranked = np.cumsum(p, axis=1) - np.cumsum(truth, axis=1)
    return ((p - truth) ** 2).sum(axis=1), (ranked**2).sum(axis=1)
