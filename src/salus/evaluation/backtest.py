"""As-of backtests: what a model would have said on past days, knowing on each day only what was known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import polars as pl

from salus.errors import InputError, TooShortError
from salus.forecasting.answer import answer, new_model
from salus.forecasting.model import Model
from salus.surveillance.series import Series


def origins(series: Series, start: dt.date, end: dt.date) -> list[dt.date]:
    """Reference dates, one period apart.

    Parameters
    ----------
    series : Series
        Gives the cadence.
    start, end : datetime.date
        First reference date and the last day on which one may fall.

    Raises
    ------
    InputError
        The end lies before the start.

    Returns
    -------
    list of datetime.date
        From ``start`` in steps of one period; of months, the same day of each (its last day when ``start`` is one).
    """
    if end < start:
        raise InputError(f"the origins end on {end}, before they start on {start}. Give the earlier day first.")
    found: list[dt.date] = []
    step = 0
    while True:
        day = stepped(series, start, step)
        if day > end:
            return found
        found.append(day)
        step += 1


def stepped(series: Series, start: dt.date, count: int) -> dt.date:
    """The day so many periods after another; of months, the same day of one (its last day when the other is one).

    Parameters
    ----------
    series : Series
        Gives the cadence.
    start : datetime.date
        Any day.
    count : int
        Periods; under 0 for a day before.
    """
    if series.cadence.kind != "month":
        return series.cadence.shift(start, count)
    first = series.cadence.shift(start.replace(day=1), count)
    last = series.cadence.end(first)
    whole = series.cadence.end(start.replace(day=1)) == start
    return last if whole else first.replace(day=min(start.day, last.day))


def backtest(
    series: Series,
    days: Sequence[dt.date],
    horizons: Sequence[int],
    model: str | Callable[[], Model] = "combination",
    *,
    also: Sequence[Series] = (),
    train_before: dt.date | None = None,
    refit_every: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Forecasts of one model from many past days.

    Parameters
    ----------
    series : Series
        What is forecast.
    days : sequence of datetime.date
        Reference dates, ascending.
    horizons : sequence of int
        Periods ahead, from 1.
    model : str or callable
        Registered name, or what makes a fresh model.
    also : sequence of Series
        Histories to learn from.
    train_before : datetime.date, optional
        Fit once, on what was known the day before this; then only predict.
    refit_every : int, optional
        Periods after which the model is fitted anew; a season (a year) by default.
    progress : callable, optional
        Called with the number of days done and of all.

    Returns
    -------
    polars.DataFrame
        `forecasts` contract; days on which nothing could be forecast have no rows.

    Raises
    ------
    TooShortError
        Nothing could be forecast on any of the days.
    InputError
        The model would be fitted on what was known after one of the days.
    """
    if train_before is not None and days and train_before > min(days):
        raise InputError(
            f"the origins start on {min(days)}, before the training ends ({train_before}): the model would know the "
            f"future. Train before {min(days)} or an earlier day, or start the origins later."
        )
    make = (lambda: new_model(model)) if isinstance(model, str) else model
    every = refit_every or round(series.cadence.per_year)
    fitted: Model | None = None
    since = 0
    tables: list[pl.DataFrame] = []
    complaint: TooShortError | None = None
    if train_before is not None:
        fitted = make()
        before = dt.date.fromordinal(max(train_before.toordinal() - 1, 1))
        fitted.fit(series.learning_panel(before, also))
    for number, day in enumerate(days):
        try:
            if fitted is None or (train_before is None and since >= every):
                panel = series.learning_panel(day, also)
                fresh = make()
                fresh.fit(panel)
                fitted, since = fresh, 0
            else:
                panel = series.panel(day)
            tables.append(answer(fitted, panel, horizons).table)
        except TooShortError as error:
            complaint = error
        since += 1
        if progress is not None:
            progress(number + 1, len(days))
    if not tables:
        raise complaint or TooShortError("there is no day to forecast from. Give at least one origin.")
    return pl.concat(tables)
