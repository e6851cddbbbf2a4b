"""Nowcasts against first releases at face value, and forecasts that start from either.

    python benchmarks/nowcast/run.py

US influenza admissions of 2022-23 and 2023-24: what the last four weeks read on each round's Saturday, against what
they read at the season's end, and forecasts by three models. A simulated reporting triangle, whose truth is known,
beside it.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "forecasting"))
import numpy as np
import polars as pl
from helpers_triangle import FIRST, day, series, simulated

import referees
from salus.evaluation import scores
from salus.evaluation.backtest import origins
from salus.evaluation.scores import weighted_interval_score
from salus.forecasting.answer import answer, new_model
from salus.forecasting.nowcast import AGES, SETTLED, AfterRevision, needed, nowcast
from salus.surveillance.panel import Panel
from salus.surveillance.series import Series, open_series

CLAIM = "nowcasts of the last weeks beat first releases; forecasts start from them where reports are late"
SEASONS = {
    "2022-23": ("2022-10-08", "2023-05-20", "2023-06-17"),
    "2023-24": ("2023-10-14", "2024-05-04", "2024-05-11"),
}
MODELS = ("persistence", "last_year_drift", "network")
EVERY = 2
"""Forecasts are made on every so many Saturdays."""


def mean_ratio(panel: Panel) -> np.ndarray:
    """Face value times the mean of past revisions of the same age, of all places: what is known not to help."""
    if panel.vintages is None:
        raise ValueError("a table with vintages was wanted")
    known = panel.vintages.seen(panel.locations, 30, AGES + SETTLED)
    first, later = known[:, SETTLED:, :AGES], known[:, : 30 - SETTLED, SETTLED:]
    both = np.isfinite(first) & np.isfinite(later)
    return np.where(both, later, 0).sum(axis=(0, 1)) / np.where(both, first, 0).sum(axis=(0, 1))


def last_weeks(us: Series, first: str, last: str, end: str) -> list[dict[str, Any]]:
    """A row an age: WIS of the nowcast over the absolute error of the first release, natural and log, and coverage."""
    final = us.panel(dt.date.fromisoformat(end))
    sums = np.zeros((AGES, 7))
    for origin in origins(us, dt.date.fromisoformat(first), dt.date.fromisoformat(last)):
        panel = us.panel(origin)
        places = [p for p in panel.locations if p in final.locations]
        here, there = [panel.locations.index(p) for p in places], [final.locations.index(p) for p in places]
        q, ratio = nowcast(panel).quantiles()[here], mean_ratio(panel)
        for age in range(AGES):
            value = panel.values[here, -1 - age]
            truth = final.values[there, final.starts.index(panel.starts[-1 - age])]
            known = np.isfinite(value) & np.isfinite(truth)
            y, x, ours = truth[known], value[known], q[known, age]
            sums[age] += (
                weighted_interval_score(ours, y).sum(),
                np.abs(x - y).sum(),
                weighted_interval_score(np.log1p(ours), np.log1p(y)).sum(),
                np.abs(np.log1p(x) - np.log1p(y)).sum(),
                ((y >= ours[:, 1]) & (y <= ours[:, 21])).sum(),
                np.abs(x * ratio[age] - y).sum(),
                known.sum(),
            )
    return [
        {"weeks_ago": age, "wis_ratio": s[0] / s[1], "log_wis_ratio": s[2] / s[3], "coverage95": s[4] / s[6],
         "mean_ratio_error": s[5] / s[1]}
        for age, s in enumerate(sums)
    ]  # fmt: skip


def forecasts(us: Series, others: list[Series], name: str, first: str, last: str, end: str) -> dict[str, float]:
    """WIS of forecasts from nowcasts over WIS of those from first releases."""
    days = origins(us, dt.date.fromisoformat(first), dt.date.fromisoformat(last))[::EVERY]
    model = new_model(name)
    model.fit(us.learning_panel(days[0], others if name == "network" else ()))
    plain, revised = [], []
    fired = 0
    for origin in days:
        panel = us.panel(origin)
        plain.append(answer(model, panel, [1, 2, 3, 4]).table)
        revised.append(answer(AfterRevision(model), panel, [1, 2, 3, 4]).table)
        fired += needed(panel)
    truth = us.known_on(dt.date.fromisoformat(end))
    one, other = (scores.score(pl.concat(tables), truth) for tables in (revised, plain))
    return {"wis_ratio": one["wis"].sum() / other["wis"].sum(), "log_wis_ratio": one["log_wis"].sum() /
            other["log_wis"].sum(), "coverage95": one["inside95"].mean(), "plain_coverage95": other["inside95"].mean(),
            "share_auto": fired / len(days)}  # fmt: skip


def triangle() -> dict[str, Any]:
    """The same on a simulated triangle that reports 40 to 80 % in the first week."""
    final, _ = simulated()
    ours, face, inside = np.zeros(AGES), np.zeros(AGES), np.zeros(AGES)
    bias, whole = np.zeros(AGES), np.zeros(AGES)
    weeks = range(68, 106)
    revised = plain = 0.0
    for week in weeks:
        panel = series().panel(day(week))
        q = nowcast(panel).quantiles()
        for age in range(AGES):
            truth, value = final[:, week - age], panel.values[:, -1 - age]
            ours[age] += weighted_interval_score(q[:, age], truth).sum()
            face[age] += np.abs(value - truth).sum()
            inside[age] += ((truth >= q[:, age, 1]) & (truth <= q[:, age, 21])).mean() / len(weeks)
            bias[age] += q[:, age, 11].sum()
            whole[age] += truth.sum()
        if week + 2 < final.shape[1]:
            model = new_model("persistence")
            truth = final[:, week + 2]
            revised += weighted_interval_score(AfterRevision(model).predict(panel, [2])[:, 0], truth).sum()
            plain += weighted_interval_score(model.predict(panel, [2])[:, 0], truth).sum()
    rows = [
        {"weeks_ago": age, "wis_ratio": ours[age] / face[age], "coverage95": inside[age],
         "bias": bias[age] / whole[age] - 1}
        for age in range(AGES - 1)  # the fourth week is complete
    ]  # fmt: skip
    return {"first_week": FIRST.isoformat(), "weeks": rows, "persistence_wis_ratio": revised / plain}


def main() -> None:
    """Run, and write ``result.json`` beside this file."""
    table = pl.read_parquet(referees.DATA / referees.US).filter(pl.col("as_of") < dt.date(2024, 6, 1))
    us, others = open_series(table, "influenza", "admissions", also=[referees.DATA / f for f in referees.ALSO])
    result: dict[str, Any] = {"triangle": triangle(), "seasons": {}}
    for season, dates in SEASONS.items():
        result["seasons"][season] = {
            "last_weeks": last_weeks(us, *dates),
            "forecasts": {name: forecasts(us, others, name, *dates) for name in MODELS},
        }
        print(season, json.dumps(referees.rounded(result["seasons"][season])), flush=True)
    result |= referees.about([referees.US, *referees.ALSO], CLAIM, "python benchmarks/nowcast/run.py")
    text = json.dumps(referees.rounded(result), indent=1, sort_keys=True)
    (Path(__file__).parent / "result.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
