"""Whether weather drivers make the forecasts of the trees better.

    python benchmarks/drivers/run.py

Japan's 47 prefectures per sentinel site: the pooled trees alone (one of the default's members), fitted once before the
window, without drivers and with the weekly means of temperature and humidity of each prefecture, each knowing what was
known on the day. One year of HFMD; nothing was chosen on it. Influenza has not been measured.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import polars as pl

import referees
from salus.evaluation import scores
from salus.evaluation.backtest import backtest, origins
from salus.surveillance.series import open_series

CLAIM = "what weather adds to forecasts of the trees"
WEATHER = "sentinel_japan/weather_airquality_weekly.parquet"
DRIVERS = {"weather:TEMP_mean": "temperature", "weather:HUM_mean": "humidity"}
MODEL = "pooled"
HORIZONS = (1, 2, 3, 4)
WINDOWS = {
    "HFMD 2017": ("Hand, foot and mouth disease", "2017-01-08", "2017-12-24"),
}


def weather() -> pl.DataFrame:
    """Temperature and humidity in the `drivers` contract."""
    table = pl.read_parquet(referees.DATA / WEATHER).filter(pl.col("covariate").is_in(list(DRIVERS)))
    named = table.with_columns(driver=pl.col("covariate").replace(DRIVERS))
    return named.select("location", "driver", "date", "value")


def play(disease: str, first: str, last: str) -> dict[str, Any]:
    """Ratio of summed WIS with weather over without, by horizon, with bounds; and coverage."""
    table = pl.read_parquet(referees.DATA / referees.JAPAN).filter(pl.col("location_level") == "prefecture")
    scored = []
    for drivers in ([], [weather()]):
        series, _ = open_series(table, disease, drivers=drivers)
        days = origins(series, dt.date.fromisoformat(first), dt.date.fromisoformat(last))
        made = backtest(series, days, HORIZONS, MODEL, train_before=days[0])
        truth = series.known_on(days[-1] + dt.timedelta(weeks=max(HORIZONS) + 1))
        scored.append(scores.score(made, truth))
    summary = scores.summary(scored[1], scored[0], by=["horizon"]).sort("horizon")
    plain = scores.summary(scored[0], scored[0], by=["horizon"]).sort("horizon")
    return {
        str(row["horizon"]): {
            "ratio": row["skill"],
            "bounds": [row["skill_low"], row["skill_high"]],
            "inside95": row["coverage95"],
            "inside95_without": without,
        }
        for row, without in zip(summary.iter_rows(named=True), plain["coverage95"], strict=True)
    }


def main() -> None:
    """Play the windows, and write ``result.json`` beside this file."""
    result: dict[str, Any] = {"windows": {}}
    for name, dates in WINDOWS.items():
        result["windows"][name] = play(*dates)
        print(name, json.dumps(referees.rounded(result["windows"][name])), flush=True)
    result |= referees.about([referees.JAPAN, WEATHER], CLAIM, "python benchmarks/drivers/run.py")
    text = json.dumps(referees.rounded(result), indent=1, sort_keys=True)
    (Path(__file__).parent / "result.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
