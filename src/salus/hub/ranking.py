"""The models of a hub ranked: scores on what happened, and each model against every other on the tasks of both.

Relative skill follows Cramer et al. (Evaluation of individual and ensemble probabilistic forecasts of COVID-19
mortality in the United States, PNAS 2022, 119(15), e2113561119), as the R package scoringutils has it: of
two models the ratio of their mean scores on shared tasks; of one model the geometric mean of its ratios to all, itself
among them; divided by that of the baseline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from salus.errors import InputError, NameNotFoundError
from salus.evaluation import scores
from salus.hub.model_output import TASK, ModelOutput, each_model, model_folders

_MATCH = ("location", "target_end_date")


@dataclass(frozen=True)
class Leaderboard:
    """Models, best first.

    Attributes
    ----------
    table : polars.DataFrame
        `rank`, `model`, `tasks`, `share` (of the tasks asked), means `wis`, `log_wis`, `abs_error`, `coverage50`,
        `coverage95`, and `relative_wis`, `relative_log_wis` (under 1 is better than the baseline, or than the average
        model where there is none). With a baseline also `skill`, `skill_low`, `skill_high`: WIS over the baseline's on
        shared tasks with 95 % bounds, and the same of `log_skill`.
    pairs : polars.DataFrame
        `model`, `against`, `tasks` (shared), `wis_ratio`, `log_wis_ratio`.
    baseline : str or None
        Model that the relative scores are measured by.
    tasks : int
        Tasks asked: those of the baseline, or of any model where there is none.
    places : int
        Places among them.
    first, last : datetime.date
        First and last reference date.
    left_out : tuple of str
        Models, files and tasks that could not be scored, and why.
    """

    table: pl.DataFrame
    pairs: pl.DataFrame
    baseline: str | None
    tasks: int
    places: int
    first: dt.date
    last: dt.date
    left_out: tuple[str, ...]


def rank(
    folder: str | Path,
    truth: pl.DataFrame,
    *,
    baseline: str | None = None,
    target: str | None = None,
    only: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Leaderboard:
    """Score every model of a model-output folder and rank them.

    Parameters
    ----------
    folder : str or Path
        The hub's model-output folder: one folder a model, CSV and Parquet files in it.
    truth : polars.DataFrame
        `series` contract, from :func:`salus.hub.truth.read_truth`.
    baseline : str, optional
        Model by which the others are measured.
    target : str, optional
        The hub's target; may be left out where there is one.
    only : mapping of str to str, optional
        Further columns of the files and the value to keep.
    progress : callable, optional
        Called with the number of models done and of all.

    Returns
    -------
    Leaderboard
        Best first, by relative WIS.

    Raises
    ------
    InputError
        The folder holds no model, or no forecast has a known truth.
    NameNotFoundError
        There is no such baseline.
    """
    folders = model_folders(folder)
    if baseline is not None and baseline not in [f.name for f in folders]:
        raise NameNotFoundError("model", baseline, [f.name for f in folders], str(folder))
    known = scores.known_truth(truth)
    scored: list[pl.DataFrame] = []
    left_out: list[str] = []
    for number, output in enumerate(each_model(folders, target, only)):
        left_out += [f"{output.model}: {why}" for why in output.left_out]
        table = output.table.join(known, on=_MATCH, how="semi", maintain_order="left")
        if table.height == 0:
            left_out.append(f"{output.model}: no forecast that can be scored")
        else:
            scored.append(_scored(output, table, truth))
        if progress is not None:
            progress(number + 1, len(folders))
    if not scored:
        raise InputError(
            f"no forecast in {folder} can be scored: {left_out[0]}. Give the truth of the hub's places and weeks, and "
            "the target with --target."
        )
    return _board(pl.concat(scored), baseline, tuple(left_out))


def _scored(output: ModelOutput, table: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    disease, signal = truth.row(0, named=True)["disease"], truth.row(0, named=True)["signal"]
    rows = table.select(
        pl.lit(output.model).alias("model"),
        "reference_date",
        pl.lit(disease).alias("disease"),
        pl.lit(signal).alias("signal"),
        "location",
        pl.lit(0, pl.Int64).alias("horizon"),  # the task's dates say it
        "target_end_date",
        pl.lit("quantile").alias("output_type"),
        pl.col("level").cast(pl.String).alias("output_type_id"),
        "value",
    )
    return scores.score(rows, truth)


def _board(scored: pl.DataFrame, baseline: str | None, left_out: tuple[str, ...]) -> Leaderboard:
    if baseline is not None and baseline not in scored["model"].unique():
        why = next((w for w in left_out if w.startswith(f"{baseline}: ")), baseline)
        raise InputError(f"the baseline can't be scored: {why}. Choose another, or none.")
    by = scored.filter(pl.col("model") == baseline) if baseline is not None else None
    asked = (scored if by is None else by).select(TASK).unique()
    pairs, theta = pairwise(scored)
    means = scores.summary(scored, by, by=["model"])
    answered = scored.join(asked, on=TASK, how="semi").group_by("model").agg(pl.len().alias("answered"))
    table = means.join(answered, on="model", how="left").join(theta, on="model")
    for name in ("relative_wis", "relative_log_wis"):
        unit = 1.0 if by is None else table.filter(pl.col("model") == baseline)[name][0]
        table = table.with_columns(pl.col(name) / unit)
    wanted = ["wis", "log_wis", "abs_error", "coverage50", "coverage95", "relative_wis", "relative_log_wis"]
    if by is not None:
        wanted += [s + e for s in ("skill", "log_skill") for e in ("", "_low", "_high")]
    table = (
        table.with_columns(share=pl.col("answered").fill_null(0) / asked.height)
        .sort("relative_wis", "model", nulls_last=True)
        .with_row_index("rank", offset=1)
        .select(pl.col("rank").cast(pl.Int64), "model", pl.col("tasks").cast(pl.Int64), "share", *wanted)
    )
    days = scored["reference_date"].sort()
    return Leaderboard(table, pairs, baseline, asked.height, asked["location"].n_unique(), days[0], days[-1], left_out)


def pairwise(scored: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every model against every other on the tasks that both answered, and the geometric mean of each model's ratios.

    Parameters
    ----------
    scored : polars.DataFrame
        `scores` contract, several models.

    Returns
    -------
    pairs : polars.DataFrame
        `model`, `against`, `tasks`, `wis_ratio`, `log_wis_ratio`: ratio of the mean scores, null without shared tasks.
    theta : polars.DataFrame
        `model`, `relative_wis`, `relative_log_wis`.

    Examples
    --------
    >>> day = dt.date(2024, 1, 6)
    >>> rows = pl.DataFrame({"model": ["a", "a", "b"], "reference_date": day, "location": ["X", "Y", "X"],
    ...                      "target_end_date": day, "wis": [1.0, 9.0, 4.0], "log_wis": [1.0, 1.0, 1.0]})
    >>> pairwise(rows)[1].to_dicts()[0]
    {'model': 'a', 'relative_wis': 0.5, 'relative_log_wis': 1.0}
    """
    models = scored["model"].unique().sort().to_list()
    tasks = scored.select(TASK).unique(maintain_order=True).with_row_index("task")
    placed = scored.join(tasks, on=TASK, maintain_order="left")
    row = placed["task"].to_numpy()
    column = placed["model"].replace_strict({m: k for k, m in enumerate(models)}, return_dtype=pl.Int64).to_numpy()
    answered = np.zeros((tasks.height, len(models)))
    answered[row, column] = 1.0
    shared = answered.T @ answered
    found: dict[str, np.ndarray] = {}
    for name in ("wis", "log_wis"):
        value = np.zeros_like(answered)
        value[row, column] = placed[name].to_numpy()
        sums = value.T @ answered  # [i, j]: the scores of i on the tasks that j answered too
        with np.errstate(divide="ignore", invalid="ignore"):
            found[name] = np.where(shared > 0, sums / sums.T, np.nan)
        np.fill_diagonal(found[name], 1.0)
    pairs = pl.DataFrame(
        {
            "model": np.repeat(models, len(models)),
            "against": models * len(models),
            "tasks": shared.astype(np.int64).ravel(),
            "wis_ratio": found["wis"].ravel(),
            "log_wis_ratio": found["log_wis"].ravel(),
        }
    ).with_columns(pl.col("wis_ratio", "log_wis_ratio").fill_nan(None))
    theta = pl.DataFrame({"model": models, **{f"relative_{n}": _geometric(r) for n, r in found.items()}})
    return pairs, theta


def _geometric(ratio: np.ndarray) -> np.ndarray:
    """Geometric mean of each row, without what is missing."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.nanmean(np.log(ratio), axis=1)))
