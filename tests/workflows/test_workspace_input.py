"""A workspace in place of a file: the same answers, and any day of its past."""

import datetime as dt

import polars as pl
import pytest

from salus.data.workspace import Workspace
from salus.errors import InputError, TooShortError
from salus.surveillance.series import read_series
from salus.workflows.forecasting import forecast
from salus.workflows.importing import import_series

FIRST = dt.date(2024, 1, 1)


def weeks(count: int, shift: float = 0.0) -> pl.DataFrame:
    rows = [
        {"location": place, "disease": "Influenza", "signal": "cases", "date": FIRST + dt.timedelta(weeks=k)}
        | {"value": float(10 + (7 * k) % 11 + shift)}
        for place in ("A", "B")
        for k in range(count)
    ]
    return pl.DataFrame(rows)


def test_a_workspace_answers_like_the_file_that_was_imported(tmp_path):
    weeks(60).write_csv(tmp_path / "cases.csv")
    import_series(Workspace(tmp_path / "work"), tmp_path / "cases.csv", command="test")
    whole = forecast(tmp_path / "work", "flu", model="persistence").table
    assert whole.equals(forecast(tmp_path / "cases.csv", "flu", model="persistence").table)


def test_stamped_imports_are_the_vintages_of_the_series(tmp_path):
    work = Workspace(tmp_path / "work")
    for day, count, shift in ((dt.date(2024, 12, 1), 47, 0.0), (dt.date(2024, 12, 8), 48, 5.0)):
        weeks(count, shift).write_csv(tmp_path / f"{day}.csv")
        import_series(work, tmp_path / f"{day}.csv", as_of=day, command="test")
    series = read_series(tmp_path / "work")
    then, now = (
        series.known_on(day).filter(pl.col("date") == FIRST) for day in (dt.date(2024, 12, 7), dt.date(2024, 12, 8))
    )
    assert then["value"].to_list() == [10.0, 10.0]
    assert now["value"].to_list() == [15.0, 15.0]
    with pytest.raises(TooShortError, match="2024-12-01"):
        series.panel(dt.date(2024, 11, 30))


def test_a_folder_that_is_no_workspace_stays_a_bad_input(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="folder"):
        read_series(tmp_path / "empty")


def test_a_file_and_a_workspace_that_revised_it_stand_on_the_same_day(tmp_path):
    """Later imports revise old weeks on the day of the import, which is no day that the figures reach."""
    work = Workspace(tmp_path / "work")
    for count, shift in ((58, 0.0), (60, 5.0)):
        weeks(count, shift).write_csv(tmp_path / f"{count}.csv")
        import_series(work, tmp_path / f"{count}.csv", command="test", imported_on=dt.date(2026, 3, 4))
    kept, day = read_series(tmp_path / "work").standing()
    file, same = read_series(tmp_path / "60.csv").standing()
    assert day == same == FIRST + dt.timedelta(weeks=60, days=-1)
    columns = ["location", "date", "value"]
    assert kept.known_on(day).select(columns).sort(columns).equals(file.known_on(day).select(columns).sort(columns))
    whole = forecast(tmp_path / "work", "flu", model="persistence").table
    assert whole.equals(forecast(tmp_path / "60.csv", "flu", model="persistence").table)


def test_a_day_that_was_asked_for_sees_no_later_revision(tmp_path):
    work = Workspace(tmp_path / "work")
    for count, shift in ((58, 0.0), (60, 5.0)):
        weeks(count, shift).write_csv(tmp_path / f"{count}.csv")
        import_series(work, tmp_path / f"{count}.csv", command="test", imported_on=dt.date(2026, 3, 4))
    day = FIRST + dt.timedelta(weeks=60, days=-1)
    series, same = read_series(tmp_path / "work").standing(day)
    assert same == day
    assert series.known_on(day).filter(pl.col("date") == FIRST)["value"].to_list() == [10.0, 10.0]
