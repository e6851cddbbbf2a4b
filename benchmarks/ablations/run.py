"""What each choice in the default model is worth: the same forecasts with one choice undone.

    python benchmarks/ablations/run.py [--task NAME ...] [--variant NAME ...]

Japan's HFMD and influenza of 2017, every other week, and US admissions of 2022-23, every week: seasons before those
that the goals name, or the first of them. Fitted once, before the first forecast. Variants that differ in how members
are put together ask the same fitted members; those that differ in what is learned are fitted anew, with a smaller pool
to spare time, and to be held against that pool as it is. Scored by the
independent referee against persistence on the fourth-root scale, on the tasks that both answer.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.evaluation.backtest import origins
from salus.evaluation.scores import period_end
from salus.forecasting.answer import answer, new_model
from salus.forecasting.model import Model
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import Panel
from salus.surveillance.series import Series, open_series

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import variants as choices

import referees

HERE = Path(__file__).parent
HORIZONS = (1, 2, 3, 4)
CLAIM = "no part of the default model makes the geometric mean of the three tasks worse by more than a hundredth"


@dataclass(frozen=True)
class Task:
    """A series and the days on which it is forecast."""

    file: str
    disease: str
    signal: str
    first: str
    last: str
    step: int
    also: tuple[str, ...] = ()


TASKS = {
    "hfmd_2017": Task(referees.JAPAN, "Hand, foot and mouth disease", "per_sentinel", "2017-01-01", "2017-12-03", 2),
    "influenza_2017": Task(referees.JAPAN, "Influenza", "per_sentinel", "2017-01-01", "2017-12-03", 2),
    "us_2022_23": Task(referees.US, "Influenza", "admissions", *referees.SEASONS["2022-23"], 1, tuple(referees.ALSO)),
}
EVERY = [*choices.TOGETHER, choices.AVERAGED, *choices.LEARNED_ANEW, *choices.SINGLE, *choices.ADDED]


def main() -> None:
    """Run the variants, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", action="append", choices=list(TASKS))
    parser.add_argument("--variant", action="append", choices=EVERY)
    options = parser.parse_args()
    for name in options.task or TASKS:
        task = TASKS[name]
        files = [referees.DATA / other for other in task.also]
        series, also = open_series(referees.DATA / task.file, task.disease, task.signal, also=files)
        days = origins(series, dt.date.fromisoformat(task.first), dt.date.fromisoformat(task.last))[:: task.step]
        null = asked(series, Persistence(), days)
        for batch in batches(options.variant or EVERY):
            begun = referees.cpu()
            said = forecasts(series, also, days, batch)
            cost = round(referees.cpu() - begun)
            keep(name, {v: scored(series, table, null) | {"cpu_seconds": cost} for v, table in said.items()})


def batches(wanted: Sequence[str]) -> list[list[str]]:
    """Variants that share a fit, those with one more member, then each of the others alone."""
    shared = [v for v in wanted if v in choices.TOGETHER or v == choices.AVERAGED]
    added = [v for v in wanted if v in choices.ADDED]
    return [batch for batch in (shared, added, *([v] for v in wanted if v not in (*shared, *added))) if batch]


def forecasts(
    series: Series, also: list[Series], days: Sequence[dt.date], wanted: Sequence[str]
) -> dict[str, pl.DataFrame]:
    """Forecasts of the variants of one batch."""
    panel = series.learning_panel(days[0], also)
    first = wanted[0]
    if first in choices.SINGLE:
        model = choices.SINGLE[first]()
        model.fit(panel)
        return {first: asked(series, model, days)}
    if first in choices.LEARNED_ANEW:
        with choices.LEARNED_ANEW[first]():
            smaller = choices.Smaller()
            smaller.fit(panel)
            return {first: asked(series, smaller, days)}
    shared = choices.Asked()
    shared.fit(panel)
    if first in choices.ADDED:
        ours = asked(series, shared, days)
        return {name: with_another(series, ours, choices.ADDED[name], panel, days) for name in wanted}
    said = {}
    for name in (v for v in wanted if v in choices.TOGETHER):
        shared.change = choices.TOGETHER[name]
        said[name] = asked(series, shared, days)
    if choices.AVERAGED in wanted:
        shared.change = choices.TOGETHER["as it is"]
        with choices.averaging():
            said[choices.AVERAGED] = asked(series, shared, days)
    return said


def with_another(series: Series, ours: pl.DataFrame, name: str, panel: Panel, days: Sequence[dt.date]) -> pl.DataFrame:
    """Our forecasts joined with those of one more model."""
    from referee import KEY, wide

    other = new_model(name)
    other.fit(panel)
    mine = wide(ours).sort(KEY)
    theirs = mine.select(KEY).join(wide(asked(series, other, days)), on=KEY, how="left", maintain_order="left")
    levels = [column for column in mine.columns if column not in KEY]
    both = choices.joined(mine.select(levels).to_numpy(), theirs.select(levels).to_numpy())
    return mine.select(KEY).hstack(pl.DataFrame(both, schema=levels, orient="row"))


def asked(series: Series, model: Model, days: Sequence[dt.date]) -> pl.DataFrame:
    """Forecasts of a fitted model, each from what was known on its day."""
    return pl.concat([answer(model, series.panel(day), HORIZONS).table for day in days])


def scored(series: Series, said: pl.DataFrame, null: pl.DataFrame) -> dict[str, Any]:
    """WIS over persistence's, natural and log1p, with bounds over days, and coverage."""
    from referee import ratio, scores, wide

    columns = ["location", period_end(series.cadence).alias("target_end_date"), pl.col("value").alias("truth")]
    final = series.table.sort("as_of") if "as_of" in series.table.columns else series.table
    known = final.select(columns).unique(["location", "target_end_date"], keep="last").drop_nulls()
    mine, theirs = (scores(wide(table), known) for table in (said, null))
    count, wis, low, high = ratio(mine, theirs, "wis")
    coverage = {n: float(mine[c].mean()) for n, c in (("coverage50", "inside50"), ("coverage95", "inside95"))}
    log = ratio(mine, theirs, "log_wis")[1]
    return referees.rounded({"tasks": count, "wis_ratio": wis, "bounds": [low, high], "log_wis_ratio": log} | coverage)


def keep(task: str, found: dict[str, Any]) -> None:
    """Add to ``result.json``."""
    target = HERE / "result.json"
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"tasks": {}}
    result["tasks"].setdefault(task, {}).update(found)
    print(task, json.dumps(found), flush=True)
    files = [file for item in TASKS.values() for file in (item.file, *item.also)]
    result |= referees.about(files, CLAIM, "python benchmarks/ablations/run.py")
    target.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
