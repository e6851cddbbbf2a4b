"""Forecasts that add up: what it does to the score of each level.

    python benchmarks/coherence/run.py [--model NAME ...] [--race us|japan]

US influenza admissions of 2022-23 and 2023-24, the nation and its states, by three models fitted once a season; and
HFMD cases of Japan's prefectures and their sum, 2018. Four ways: the total's forecast and the sum of its parts weighted
by how near they came lately (the one that `--coherent` takes), the total's forecast alone followed, minimum trace with
shrunk correlations, and the total as the sum of its parts. WIS over that of the same forecasts left as they are.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import polars as pl

import referees
from salus.evaluation import scores
from salus.evaluation.backtest import origins
from salus.forecasting.answer import new_model
from salus.forecasting.coherence import Family, Hierarchy, hierarchy, reconciled, trusted
from salus.forecasting.model import TAUS, Floats, tidy, to_table
from salus.forecasting.paths import changes, joint, normal_scores
from salus.surveillance.series import Series, open_series, read_series

CLAIM = "forecasts that add up are no worse at either level"
HORIZONS = (1, 2, 3, 4)
DRAWS = 500
US_SEASONS = {
    "2022-23": ("2022-10-08", "2023-05-20", "2023-06-17"),
    "2023-24": ("2023-10-14", "2024-05-04", "2024-05-11"),
}
MODELS = ("last_year_drift", "trajectories", "network")
EVERY = 2
WAYS = ("weighted", "follow the total", "minimum trace", "sum of parts")


def minimum_trace(past: Floats, samples: Floats, family: Family) -> Floats:
    """Every draw moved to the nearest that adds up, in the measure of shrunk correlations and today's spreads."""
    z = normal_scores(past[:, :, None])[:, :, 0]
    z = z / np.maximum(z.std(axis=0), 1e-9)
    count = len(z)
    together = z.T @ z / count
    noise = ((z[:, :, None] * z[:, None, :] - together) ** 2).sum(axis=0) * count / (count - 1) ** 3
    off = ~np.eye(len(together), dtype=bool)
    shrunk = (1 - np.clip(noise[off].sum() / (together[off] ** 2).sum(), 0, 1)) * together
    np.fill_diagonal(shrunk, 1.0)
    spread = samples.std(axis=1) + 0.5
    weight = np.linalg.pinv(shrunk * np.outer(spread, spread))
    sums = np.zeros((len(samples), family.parts.size))
    sums[family.parts, np.arange(family.parts.size)] = 1.0
    sums[family.total] = family.weights
    parts = np.linalg.solve(sums.T @ weight @ sums, sums.T @ weight @ samples)
    return np.asarray(sums @ np.maximum(parts, 0.0))


def ways(plain: Floats, past: Floats, found: Hierarchy, trust: dict[int, float]) -> dict[str, Floats]:
    """Quantiles of each way."""
    (family,) = found.families
    samples = joint(plain, past, DRAWS)
    traced = np.stack([minimum_trace(past[:, :, j], samples[:, :, j], family) for j in range(len(HORIZONS))], axis=2)
    summed = plain.copy()
    summed[family.total] = np.quantile(samples[family.parts].sum(axis=0), TAUS, axis=0).T
    return {
        "weighted": reconciled(plain, past, found, DRAWS, trust=trust)[0],
        "follow the total": reconciled(plain, past, found, DRAWS)[0],
        "minimum trace": np.moveaxis(np.quantile(traced, TAUS, axis=1), 0, -1),
        "sum of parts": summed,
    }


def compare(series: Series, others: Sequence[Series], name: str, total: str, days: Sequence[dt.date],
            end: dt.date) -> dict[str, Any]:  # fmt: skip
    """WIS ratios of both levels, a way each."""
    model = new_model(name)
    model.fit(series.learning_panel(days[0], others if name == "network" else ()))
    tables: dict[str, list[pl.DataFrame]] = {way: [] for way in ("as it is", *WAYS)}
    for day in days:
        panel = series.panel(day)
        panel = panel.without([p for p, gap in zip(panel.locations, panel.gaps, strict=True) if gap > 2])
        plain = tidy(model.predict(panel, HORIZONS))
        told = np.isfinite(plain).all(axis=(1, 2))
        panel, plain = panel.without([p for p, t in zip(panel.locations, told, strict=True) if not t]), plain[told]
        found = hierarchy(panel, {p: total for p in panel.locations if p != total})
        if not found.families:
            continue
        said = {"as it is": plain} | ways(
            plain, changes(panel, HORIZONS)[-104:], found, trusted(model, panel, found, 1)
        )
        for way, q in said.items():
            tables[way].append(to_table(way, panel, HORIZONS, q))
    truth = series.known_on(end)
    scored = {way: scores.score(pl.concat(rows), truth) for way, rows in tables.items()}
    answer: dict[str, Any] = {}
    for level, chosen in (("total", pl.col("location") == total), ("parts", pl.col("location") != total)):
        base = scored["as it is"].filter(chosen)
        answer[level] = {
            way: {
                "wis_ratio": scored[way].filter(chosen)["wis"].sum() / base["wis"].sum(),
                "log_wis_ratio": scored[way].filter(chosen)["log_wis"].sum() / base["log_wis"].sum(),
                "coverage95": scored[way].filter(chosen)["inside95"].mean(),
            }
            for way in WAYS
        }
        answer[level]["as it is"] = {"coverage95": base["inside95"].mean()}
    return answer | {"days": len(tables["as it is"])}


def japan() -> Series:
    """Cases of HFMD in the prefectures and their sum."""
    table = pl.read_parquet(referees.DATA / "sentinel_japan/sentinel_counts.parquet").filter(
        (pl.col("disease") == "Hand, foot and mouth disease") & (pl.col("location_level") == "prefecture")
    )
    table = table.select("location", "disease", "signal", "date", "value")
    whole = table.group_by("disease", "signal", "date").agg(
        pl.col("value").sum(), pl.col("value").is_null().any().alias("gap")
    )
    whole = whole.filter(~pl.col("gap")).select(pl.lit("Japan").alias("location"), "disease", "signal", "date", "value")
    return read_series(pl.concat([table, whole.select(table.columns)]))


def main() -> None:
    """Run, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", choices=MODELS, help="only this one; the others' results are kept")
    parser.add_argument("--race", choices=("us", "japan"), help="only this one; the other's results are kept")
    asked = parser.parse_args()
    models = asked.model or MODELS
    target = Path(__file__).parent / "result.json"
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"races": {}}
    table = pl.read_parquet(referees.DATA / referees.US).filter(pl.col("as_of") < dt.date(2024, 6, 1))
    us, others = open_series(table, "influenza", "admissions", also=[referees.DATA / f for f in referees.ALSO])
    hfmd = japan()
    for name in models:
        for season, dates in (US_SEASONS if asked.race != "japan" else {}).items():
            first, last, end = (dt.date.fromisoformat(x) for x in dates)
            days = origins(us, first, last)[::EVERY]
            result["races"][f"US {season}, {name}"] = compare(us, others, name, "US", days, end)
            print(season, name, json.dumps(referees.rounded(result["races"][f"US {season}, {name}"])), flush=True)
    days = origins(hfmd, dt.date(2018, 1, 7), dt.date(2018, 12, 2))[:: 2 * EVERY]
    for name in (m for m in models if m != "network" and asked.race != "us"):
        found = compare(hfmd, (), name, "Japan", days, dt.date(2019, 2, 3))
        result["races"][f"Japan HFMD 2018, {name}"] = found
        print("Japan", name, json.dumps(referees.rounded(found)), flush=True)
    result |= referees.about([referees.US, *referees.ALSO, "sentinel_japan/sentinel_counts.parquet"], CLAIM,
                             "python benchmarks/coherence/run.py")  # fmt: skip
    target.write_text(json.dumps(referees.rounded(result), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
