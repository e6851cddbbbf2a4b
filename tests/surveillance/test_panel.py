"""The grid that a model is handed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from salus.surveillance.panel import SILENT_AFTER, Panel, grid
from salus.surveillance.weeks import Cadence

WEEK = Cadence("week", 0)
FIRST = dt.date(2023, 12, 18)


def start(k: int) -> dt.date:
    return WEEK.shift(FIRST, k)


def rows(
    entries: list[tuple[str, int, float | None]], population: dict[tuple[str, int], float] | None = None
) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(p, "Influenza", "cases", start(k), v) for p, k, v in entries],
        schema={"location": pl.String, "disease": pl.String, "signal": pl.String, "date": pl.Date, "value": pl.Float64},
        orient="row",
    )
    if population is None:
        return frame
    people = [population.get((p, k)) for p, k, _ in entries]
    return frame.with_columns(pl.Series("population", people, dtype=pl.Float64))


def laid(entries: list[tuple[str, int, float | None]], last: int, **options: object) -> Panel:
    return grid(rows(entries), WEEK, start(last), WEEK.end(start(last)), **options)


def test_rows_are_laid_by_place_and_period_with_unknown_as_nan() -> None:
    panel = laid([("B", 2, 5.0), ("A", 0, 1.0), ("A", 2, 0.0), ("B", 1, None)], 3)
    assert panel.locations == ("A", "B")
    assert panel.starts == tuple(start(k) for k in range(4))
    np.testing.assert_array_equal(panel.values, [[1.0, np.nan, 0.0, np.nan], [np.nan, np.nan, 5.0, np.nan]])
    assert (panel.disease, panel.signal) == ("Influenza", "cases")


def test_the_grid_is_regular_across_the_turn_of_the_year() -> None:
    panel = laid([("A", 0, 1.0), ("A", 5, 1.0)], 5)
    assert {(b - a).days for a, b in zip(panel.starts[:-1], panel.starts[1:], strict=True)} == {7}
    months = grid(
        rows([("A", 0, 1.0)]).with_columns(pl.lit(dt.date(2023, 11, 1)).alias("date")),
        Cadence("month"), dt.date(2024, 2, 1), dt.date(2024, 2, 29),
    )  # fmt: skip
    assert [s.isoformat() for s in months.starts] == ["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01"]


def test_gaps_count_the_unreported_periods_at_the_end_only() -> None:
    panel = laid([("A", 0, 1.0), ("A", 9, 1.0), ("B", 0, 1.0), ("B", 6, 0.0), ("C", 4, None)], 9)
    assert panel.gaps.tolist() == [0, 3, 10]


def test_a_place_is_silent_after_more_than_eight_periods() -> None:
    panel = laid([("A", 20, 1.0), ("B", 20 - SILENT_AFTER, 1.0), ("C", 19 - SILENT_AFTER, 1.0)], 20)
    assert panel.silent == ["C"]


def test_horizons_count_from_the_last_period_that_should_be_known() -> None:
    panel = laid([("A", 0, 1.0)], 3)
    assert panel.target_end(0) == start(3) + dt.timedelta(days=6)
    assert panel.target_end(2) == start(5) + dt.timedelta(days=6)


def test_last_known_and_history_leave_out_the_unknown() -> None:
    panel = laid([("A", 0, 1.0), ("A", 2, 3.0), ("B", 3, 7.0), ("C", 0, None)], 3)
    assert panel.last_known().rows() == [("A", start(2), 3.0), ("B", start(3), 7.0)]
    assert panel.history().rows() == [("A", start(0), 1.0), ("A", start(2), 3.0), ("B", start(3), 7.0)]


def test_places_can_be_asked_for_and_left_out() -> None:
    panel = laid([("A", 0, 1.0), ("B", 0, 2.0), ("C", 0, 3.0)], 0, locations=["C", "Z", "A"])
    assert panel.locations == ("A", "C", "Z")
    assert np.isnan(panel.values[2]).all()
    less = panel.without(["A"])
    assert less.locations == ("C", "Z")
    assert less.values[0].tolist() == [3.0]
    assert less.population.shape == (2,)


def test_the_population_is_the_latest_known_one() -> None:
    entries: list[tuple[str, int, float | None]] = [("A", 0, 1.0), ("A", 1, 1.0), ("A", 2, 1.0), ("B", 0, 1.0)]
    known = rows(entries, {("A", 0): 5.0, ("A", 1): 6.0})
    panel = grid(known, WEEK, start(2), start(3))
    assert panel.population[0] == 6.0
    assert np.isnan(panel.population[1])


def test_no_row_gives_a_panel_of_no_place() -> None:
    panel = grid(rows([]), WEEK, start(2), start(3))
    assert panel.locations == ()
    assert panel.values.shape == (0, 1)
    assert panel.silent == []
    assert panel.last_known().height == panel.history().height == 0
