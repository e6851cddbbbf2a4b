"""One forecast, a backtest, and scores: files in, files out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from salus.data.output import check_place, replaced_file
from salus.errors import InputError
from salus.evaluation import scores, status
from salus.evaluation.backtest import backtest, origins
from salus.forecasting import stored
from salus.forecasting.answer import Answer, answer, new_model
from salus.surveillance.left_out import left_out
from salus.surveillance.levels import choose
from salus.surveillance.series import ALSO_LAG, Series, open_series, read_series
from salus.tables import door
from salus.tables.contracts import FORECASTS
from salus.workflows.named_places import named_places, parents_of
from salus.workflows.outlook import around, maker
from salus.workflows.status import BORROWED, level_rows

__all__ = ["BORROWED", "SCORE_COLUMNS", "backtest_file", "forecast", "score_files", "train"]

SCORE_COLUMNS = (
    "horizon", "tasks", "wis", "log_wis", "skill", "skill_bounds", "coverage50", "coverage95", "status_accuracy",
    "persistence_accuracy", "changes_called",
)  # fmt: skip
"""What `salus score` shows of each horizon."""


def forecast(
    source: Any,
    disease: str | None = None,
    signal: str | None = None,
    *,
    also: Sequence[Any] = (),
    also_lag: int = ALSO_LAG,
    drivers: Sequence[Any] = (),
    as_of: dt.date | None = None,
    horizons: Sequence[int] = (1, 2, 3, 4),
    model: str = "combination",
    model_file: str | Path | None = None,
    nowcast: str = "auto",
    coherent: bool = False,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    out: str | Path | None = None,
) -> Answer:
    """Forecast once, from what was known on one day.

    Parameters
    ----------
    source : path or frame
        `series` contract.
    disease, signal : str, optional
        May be left out where there is only one.
    also : sequence of path or frame
        Histories of other signals to learn from.
    also_lag : int
        Periods by which those without `as_of` are held back.
    drivers : sequence of path or frame
        What may drive the disease, such as weather (see :mod:`salus.surveillance.drivers`).
    as_of : datetime.date, optional
        Reference date; the last day of the data by default.
    horizons : sequence of int
        Periods ahead.
    model : str
        Registered model.
    model_file : str or Path, optional
        Forecast with this trained model (see :func:`train`) instead of fitting one; it needs no histories.
    nowcast : {'auto', 'on', 'off'}
        When to start from nowcasts of the last periods: where first releases are far from what they become, always,
        never.
    coherent : bool
        Let parts add up to their totals.
    mapping : dict of str to str, optional
        Column of the file -> column of the contract.
    encoding : str, optional
        Encoding of the text files, where it can't be told.
    out : str or Path, optional
        Parquet file to write: quantiles and level probabilities.

    Returns
    -------
    Answer
        The forecasts, and the places that need a word.
    """
    if out is not None:
        check_place(out, (source, *also, *drivers))
    series, others = open_series(
        source, disease, signal, also=also, also_lag=also_lag, mapping=mapping, encoding=encoding, drivers=drivers
    )
    series, day = series.standing(as_of)
    panel = series.learning_panel(day, others)
    inside = new_model(model) if model_file is None else stored.load(model_file, panel)
    fitted = around(inside, nowcast, coherent=coherent, parents=parents_of(named_places(panel)))
    if model_file is None:
        fitted.fit(panel)
    found = answer(fitted, panel, horizons)
    scheme = choose(series.disease, series.signal, panel.history(), series.cadence, left_out=left_out(series, day))
    whole = replace(found, table=pl.concat([found.table, level_rows(found.table, scheme)]))
    _write(whole.table, out)
    return whole


def train(
    source: Any,
    out: str | Path,
    disease: str | None = None,
    signal: str | None = None,
    *,
    also: Sequence[Any] = (),
    also_lag: int = ALSO_LAG,
    drivers: Sequence[Any] = (),
    as_of: dt.date | None = None,
    model: str = "combination",
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
) -> stored.Origin:
    """Train a model on what was known on one day, and store it for machines that never see the data.

    Parameters
    ----------
    source, disease, signal, also, also_lag, drivers, as_of, model, mapping, encoding
        As for :func:`forecast`.
    out : str or Path
        JSON file to write.

    Returns
    -------
    Origin
        What it was trained on.

    Raises
    ------
    InputError
        The model learns nothing that could be stored, or had too little to learn from.
    """
    check_place(out, (source, *also, *drivers))
    series, others = open_series(
        source, disease, signal, also=also, also_lag=also_lag, mapping=mapping, encoding=encoding, drivers=drivers
    )
    series, day = series.standing(as_of)
    panel = series.learning_panel(day, others)
    fitted = new_model(model)
    fitted.fit(panel)
    text = stored.dumps(fitted, panel)
    with replaced_file(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return stored.origin(panel)


def backtest_file(
    source: Any,
    disease: str | None = None,
    signal: str | None = None,
    *,
    first: dt.date,
    last: dt.date,
    also: Sequence[Any] = (),
    also_lag: int = ALSO_LAG,
    drivers: Sequence[Any] = (),
    horizons: Sequence[int] = (1, 2, 3, 4),
    model: str = "combination",
    nowcast: str = "auto",
    coherent: bool = False,
    train_before: dt.date | None = None,
    refit_every: int | None = None,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    out: str | Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> pl.DataFrame:
    """Forecast from many past days; see :func:`salus.evaluation.backtest.backtest`.

    Parameters
    ----------
    source, disease, signal, also, also_lag, drivers, horizons, model, nowcast, coherent, mapping, encoding, out
        As for :func:`forecast`.
    first, last : datetime.date
        First reference date, and the day after which there is none.
    train_before : datetime.date, optional
        Fit once, on what was known before this day.
    refit_every : int, optional
        Periods after which to fit anew; a year by default.
    progress : callable, optional
        Called with a stage, the steps done and those of the stage.

    Returns
    -------
    polars.DataFrame
        Quantile rows in the `forecasts` contract.
    """
    if out is not None:
        check_place(out, (source, *also, *drivers))
    series, others = open_series(
        source, disease, signal, also=also, also_lag=also_lag, mapping=mapping, encoding=encoding, drivers=drivers
    )
    days = origins(series, first, series.reference_day(last))
    parents = parents_of(named_places(series.panel(days[-1]))) if coherent else {}
    table = backtest(
        series, days, horizons, maker(model, nowcast, coherent=coherent, parents=parents),
        also=others, train_before=train_before, refit_every=refit_every,
        progress=None if progress is None else lambda done, of: progress("backtesting", done, of),
    )  # fmt: skip
    _write(table, out)
    return table


def score_files(
    forecasts: Any,
    source: Any,
    *,
    truth_as_of: dt.date | None = None,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
) -> list[dict[str, Any]]:
    """Scores of a forecast file by horizon, beside persistence's on the same days.

    Parameters
    ----------
    forecasts : path or frame
        `forecasts` contract, one disease and signal.
    source : path or frame
        `series` contract: the truth, and what persistence would have known.
    truth_as_of : datetime.date, optional
        Take the truth as it was known then; the latest by default.
    mapping : dict of str to str, optional
        Column of the file -> column of the contract.
    encoding : str, optional
        Encoding of the text files, where it can't be told.

    Returns
    -------
    list of dict
        A row a horizon with the keys of :data:`SCORE_COLUMNS`.

    Raises
    ------
    InputError
        A file can't be used, or no period of the forecasts has a value in the series.
    """
    table = door.read(forecasts, FORECASTS, encoding=encoding)
    named = str(table["disease"][0]), str(table["signal"][0])
    series = read_series(source, *named, mapping=mapping, encoding=encoding)
    settled, latest = series.standing(truth_as_of)
    truth = settled.known_on(latest)
    days = table["reference_date"].unique().sort().to_list()
    first = table["target_end_date"].sort()[0]
    if first > latest:
        raise InputError(
            f"nothing can be scored yet: the first period forecast ends on {first}, and {series.label} is looked at as "
            f"known on {latest}. Score against newer figures, or score a backtest."
        )
    quantiles = table.filter(pl.col("output_type") == "quantile")
    null = _persistence(series, table)
    ours = scores.score(quantiles, truth)
    summary = scores.summary(ours, scores.score(null, truth), by=["horizon"])
    past = series.panel(days[0]).history()
    scheme = choose(series.disease, series.signal, past, series.cadence, left_out=left_out(series, days[0]))
    covered = table.filter(pl.col("location").is_in(list(scheme.cuts)))
    known = status.last_known(series.table, days)
    called = status.status_scores(covered, truth, known, scheme.cuts, by=["horizon"])
    rows = []
    for row in summary.join(called.drop("tasks"), on="horizon", how="left").iter_rows(named=True):
        row["status_accuracy"] = row["accuracy"]
        low, high = row["skill_low"], row["skill_high"]
        row["skill_bounds"] = None if low is None else f"{low:.2f} to {high:.2f}"
        rows.append({name: row[name] for name in SCORE_COLUMNS})
    return rows


def _persistence(series: Series, table: pl.DataFrame) -> pl.DataFrame:
    """Persistence's forecasts of the same periods, with the horizons that the table gives them."""
    furthest = max(table["horizon"].to_list()) + 1  # hubs count from 0
    days = table["reference_date"].unique().sort().to_list()
    named = table.select("reference_date", "target_end_date", "horizon").unique()
    return (
        backtest(series, days, range(1, furthest + 1), "persistence")
        .drop("horizon")
        .join(named, on=["reference_date", "target_end_date"])
        .with_columns(disease=pl.lit(table["disease"][0]), signal=pl.lit(table["signal"][0]))
        .select(FORECASTS.names)
    )


def _write(table: pl.DataFrame, out: str | Path | None) -> None:
    if out is not None:
        with replaced_file(out) as temporary:
            table.write_parquet(temporary)
