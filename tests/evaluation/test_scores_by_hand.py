"""Scores worked by hand on small numbers, so that no other program must be there to judge; and the race's own words."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from salus.evaluation.scores import LEVELS, score, summary, weighted_interval_score
from salus.tables.contracts import FORECASTS

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
RACE = REAL.parent / "race" / "flusight.py"
SATURDAY = dt.date(2024, 1, 6)
STEPS = np.arange(23.0)
"""Quantiles 0, 1 ... 22: the sum of level times quantile is 175.28, the sum of the levels 11.5."""


def forecasts(rows: dict[tuple[str, int, int], np.ndarray], model: str) -> pl.DataFrame:
    """Quantiles by place, round and horizon (0 is the week that ends on the reference date)."""
    made = [
        (
            model,
            day,
            "Influenza",
            "admissions",
            place,
            horizon,
            day + dt.timedelta(weeks=horizon),
            "quantile",
            f"{t:g}",
            v,
        )
        for (place, number, horizon), row in rows.items()
        for day in [SATURDAY + dt.timedelta(weeks=number)]
        for t, v in zip(LEVELS, row.tolist(), strict=True)
    ]
    return pl.DataFrame(made, schema={c.name: c.dtype for c in FORECASTS.columns}, orient="row")


def truth(values: dict[tuple[str, int], float]) -> pl.DataFrame:
    """Series by place and week; week 0 ends on the first reference date."""
    return pl.DataFrame(
        [
            (place, "Influenza", "admissions", SATURDAY + dt.timedelta(days=7 * week - 6), value)
            for (place, week), value in values.items()
        ],
        schema=["location", "disease", "signal", "date", "value"],
        orient="row",
    )


@pytest.mark.parametrize(
    ("y", "wanted"),
    [
        # above all quantiles each loss is level * (y - q): (30 * 11.5 - 175.28) * 2 / 23
        (30.0, Fraction("169.72") * 2 / 23),
        # under all, (1 - level) * (q - y): the levels are symmetric, so as far the other way
        (-8.0, Fraction("169.72") * 2 / 23),
        # at the median: below it, levels .01 to .45 times 11 ... 1; above it as much again
        (
            11.0,
            2
            * Fraction(2, 23)
            * (Fraction(".11") + Fraction(".25") + sum(Fraction(k, 20) * (10 - k) for k in range(1, 10))),
        ),
    ],
)
def test_interval_score_by_hand(y: float, wanted: Fraction) -> None:
    assert weighted_interval_score(STEPS[None], np.array([y]))[0] == pytest.approx(float(wanted), abs=1e-12)


def test_coverage_pit_and_errors_by_hand() -> None:
    rows = {("A", 0, 0): STEPS, ("A", 0, 1): STEPS, ("A", 0, 2): STEPS, ("A", 0, 3): STEPS}
    found = score(forecasts(rows, "m"), truth({("A", 0): 11.0, ("A", 1): 6.0, ("A", 2): 5.5, ("A", 3): 0.5})).sort(
        "horizon"
    )
    assert found["pit"].to_list() == pytest.approx([0.5, 0.25, 0.225, 0.0175])  # half way from one level to the next
    assert found["inside50"].to_list() == [1.0, 1.0, 0.0, 0.0]  # from 6 to 16, both ends in
    assert found["inside95"].to_list() == [1.0, 1.0, 1.0, 0.0]  # from 1 to 21
    assert found["abs_error"].to_list() == [0.0, 5.0, 5.5, 10.5]


def test_skill_is_a_ratio_of_sums_over_the_tasks_of_both_by_hand() -> None:
    """A point forecast scores its absolute error: 1 + 3 against 2 + 6; the third is answered by one alone."""
    values = {("A", 0): 10.0, ("A", 1): 20.0, ("A", 2): 30.0}
    mine = {("A", 0, 0): np.full(23, 11.0), ("A", 1, 0): np.full(23, 17.0), ("A", 2, 0): np.full(23, 99.0)}
    base = {("A", 0, 0): np.full(23, 8.0), ("A", 1, 0): np.full(23, 26.0)}
    ours, theirs = (score(forecasts(rows, name), truth(values)) for rows, name in ((mine, "m"), (base, "b")))
    row = summary(ours, theirs, by=["model"]).row(0, named=True)
    assert (row["tasks"], row["matched"]) == (3, 2)
    assert row["skill"] == pytest.approx(0.5)
    assert row["wis"] == pytest.approx((1 + 3 + 69) / 3)
    logs = [abs(np.log(a / b)) for a, b in ((12, 11), (18, 21), (9, 11), (27, 21))]
    assert row["log_skill"] == pytest.approx(sum(logs[:2]) / sum(logs[2:]))


@pytest.mark.real_data
def test_the_race_of_us_admissions_says_what_ours_says_of_a_made_up_season(tmp_path: Path) -> None:
    if not RACE.exists():
        pytest.skip("the race flusight.py is not beside the real data (SALUS_REAL_DATA)")
    rng = np.random.default_rng(11)
    keys = [(place, number, horizon) for place in ("US", "06", "36") for number in range(12) for horizon in range(4)]
    values = {(place, week): float(rng.integers(0, 60)) for place in ("US", "06", "36") for week in range(15)}
    named = {
        name: forecasts({k: np.sort(rng.integers(0, 60, 23)).astype(float) for k in keys}, name)
        for name in ("FluSight-baseline", "FluSight-ensemble", "ours")
    }
    late = pl.col("target_end_date") - pl.col("reference_date")
    peers = pl.concat([named["FluSight-baseline"], named["FluSight-ensemble"]]).with_columns(
        horizon=late.dt.total_days() // 7
    )
    peers.write_parquet(tmp_path / "peer_forecasts_2023-24.parquet")
    known = truth(values)
    known.with_columns(date=pl.col("date") + dt.timedelta(days=6), value_season_end="value").write_parquet(
        tmp_path / "admissions_final.parquet"
    )
    named["ours"].write_parquet(tmp_path / "ours.parquet")
    said = subprocess.run(
        [sys.executable, RACE, tmp_path / "ours.parquet", "--data", tmp_path, "--season", "2023-24"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    scored = {name: score(table, known) for name, table in named.items()}
    mine = summary(scored["ours"], by=["model"]).row(0, named=True)
    assert said.startswith(
        f"season 2023-24: {mine['tasks']} of {len(keys)} tasks answered, coverage 50 % {mine['coverage50']:.3f}, "
        f"95 % {mine['coverage95']:.3f}, mean WIS {mine['wis']:.2f}\n"
    )
    for scope in (pl.lit(value=True), pl.col("location") != "US"):
        for peer in ("FluSight-baseline", "FluSight-ensemble"):
            row = summary(scored["ours"].filter(scope), scored[peer].filter(scope), by=["model"]).row(0, named=True)
            figures = "  ".join(
                f"{words} {row[name]:.3f} [{row[name + '_low']:.2f}, {row[name + '_high']:.2f}]"
                for words, name in (("WIS", "skill"), ("log WIS", "log_skill"))
            )
            line = rf"{peer} +n +{row['matched']}  {re.escape(figures)}"
            assert re.search(line, said), f"{line}\n{said}"
