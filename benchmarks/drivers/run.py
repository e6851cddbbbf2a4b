"""Whether weather and influenza as drivers make the forecasts of the trees better.

    python benchmarks/drivers/run.py [--window NAME ...]

Japan's 47 prefectures per sentinel site: the pooled trees alone (one of the default's members), fitted once before the
window, without drivers and with the weekly means of temperature and humidity of each prefecture, each knowing what was
known on the day. One year of HFMD; nothing was chosen on it. And exacerbations of COPD in a simulated province, where
cold and influenza drive them by construction: with the temperature of each day and the cases of influenza, in 18
districts, the last two years of nine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import polars as pl

import referees
from salus.evaluation import scores
from salus.evaluation.backtest import backtest, origins
from salus.surveillance.series import open_series

CLAIM = "what drivers add to forecasts of the trees"
WEATHER = "sentinel_japan/weather_airquality_weekly.parquet"
DRIVERS = {"weather:TEMP_mean": "temperature", "weather:HUM_mean": "humidity"}
MODEL = "pooled"
HORIZONS = (1, 2, 3, 4)
REAL, SIMULATED = "HFMD 2017", "COPD exacerbations, simulated"
DATES = {REAL: ("2017-01-08", "2017-12-24"), SIMULATED: ("2024-07-07", "2026-05-24")}
SEED, VISITS, YEARS = 1, 3_000_000, 9


def weather() -> pl.DataFrame:
    """Temperature and humidity in the `drivers` contract."""
    table = pl.read_parquet(referees.DATA / WEATHER).filter(pl.col("covariate").is_in(list(DRIVERS)))
    named = table.with_columns(driver=pl.col("covariate").replace(DRIVERS))
    return named.select("location", "driver", "date", "value")


def hfmd() -> tuple[pl.DataFrame, str, list[pl.DataFrame]]:
    """Cases, disease and drivers of Japan's prefectures."""
    table = pl.read_parquet(referees.DATA / referees.JAPAN).filter(pl.col("location_level") == "prefecture")
    return table, "Hand, foot and mouth disease", [weather()]


def exacerbations(folder: Path) -> tuple[pl.DataFrame, str, list[pl.DataFrame]]:
    """Visits for exacerbations by district and week, with temperature by day and influenza by week."""
    salus = Path(sys.executable).with_name("salus")
    size = ["--encounters", str(VISITS), "--years", str(YEARS), "--seed", str(SEED)]
    subprocess.run([salus, "data", "simulate", "--out", folder, *size], check=True, stdout=subprocess.DEVNULL)
    visits = pl.scan_parquet(folder / "truth" / "incidence.parquet").filter(
        pl.col("syndrome").is_in(["copd_exacerbation", "influenza"])
    )
    weekly = (
        visits.group_by("location", "syndrome", pl.col("date").dt.truncate("1w"))
        .agg(value=pl.col("listed").sum().cast(pl.Float64))
        .rename({"syndrome": "disease"})
        .with_columns(signal=pl.lit("cases"))
        .sort("location", "disease", "date")
        .collect()
    )
    cold = pl.read_parquet(folder / "truth" / "weather.parquet").select(
        "location", "date", driver=pl.lit("temperature"), value="temperature"
    )
    flu = weekly.filter(pl.col("disease") == "influenza")
    return weekly.filter(pl.col("disease") == "copd_exacerbation"), "copd_exacerbation", [cold, flu]


def play(table: pl.DataFrame, disease: str, given: list[pl.DataFrame], first: str, last: str) -> dict[str, Any]:
    """Ratio of summed WIS with drivers over without, by horizon, with bounds; and coverage."""
    scored = []
    for drivers in ([], given):
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", action="append", choices=list(DATES))
    target = Path(__file__).parent / "result.json"
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"windows": {}}
    for name in parser.parse_args().window or DATES:
        with tempfile.TemporaryDirectory(prefix="salus-drivers-") as folder:
            found = hfmd() if name == REAL else exacerbations(Path(folder) / "province")
            result["windows"][name] = play(*found, *DATES[name])
        print(name, json.dumps(referees.rounded(result["windows"][name])), flush=True)
        result |= referees.about([referees.JAPAN, WEATHER], CLAIM, "python benchmarks/drivers/run.py")
        text = json.dumps(referees.rounded(result), indent=1, sort_keys=True)
        target.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
