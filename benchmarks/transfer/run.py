"""The default model, untouched, on diseases and countries that no setting was chosen on.

    python benchmarks/transfer/run.py [--pair NAME ...] [--model NAME ...] [--chap PYTHON] [--keep DIR]

China's provinces (HFMD and influenza, cases a month), Korea (HFMD), Germany (GrippeWeb, consultations, laboratory
influenza) and Japan's other sentinel diseases, each with five years of history before the window, forecast by
`salus.evaluation.backtest` from what was known on each day, fitted once a year, against persistence on the
fourth-root scale, the seasonal naive, AutoARIMA and AutoETS, scored by the independent referee. Japan's diseases are
forecast every fourth week, to spare time; all others every period. A model that doesn't answer for a place (too
short a series) is compared where it answers, and the share of tasks that it answers is given. With an
environment of chap-core the monthly pairs are also compared with CHAP's built-in baselines.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import TooShortError
from salus.evaluation.backtest import backtest, origins
from salus.evaluation.scores import period_end
from salus.surveillance.series import Series, open_series

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import chap_peer

import referees

HERE = Path(__file__).parent
KOREA, CHINA = "hfmd_korea/weekly.parquet", "notifiable_china/monthly.parquet"
GERMANY = "respiratory_germany/weekly.parquet"
PEERS = ("persistence", "seasonal_naive", "auto_arima", "auto_ets")
OURS = "combination"
HORIZONS = (1, 2, 3, 4)
FEWEST = 20
"""Periods above zero that a single series needs to be counted alone."""
CLAIM = (
    "the default model scores below persistence, the seasonal naive, AutoARIMA and AutoETS in every pair of country "
    "and disease with five years of history, and below persistence in 75 % of the single series"
)


@dataclass(frozen=True)
class Pair:
    """A country and a disease."""

    file: str
    disease: str
    signal: str
    level: str
    first: str
    last: str
    step: int = 1


def pairs() -> dict[str, Pair]:
    """Every pair with five years of history before its window; nothing of HFMD and influenza in Japan."""
    japan = ("Aseptic meningitis", "Bacterial meningitis", "Chickenpox", "Erythema infection", "Exanthem subitum",
             "Group A streptococcal pharyngitis", "Herpangina", "Infectious gastroenteritis", "Mumps",
             "Acute hemorrhagic conjunctivitis", "Epidemic keratoconjunctivitis", "Mycoplasma pneumonia",
             "Chlamydial pneumonia(excluding psittacosis)", "Pharyngoconjunctival fever",
             "Respiratory syncytial virus infection")  # fmt: skip
    found = {
        f"Japan: {disease}": Pair(referees.JAPAN, disease, "per_sentinel", "prefecture", "2018-01-07", "2019-11-24", 4)
        for disease in japan
    }
    rota = "Infectious gastroenteritis (only by Rotavirus)"
    found[f"Japan: {rota}"] = Pair(referees.JAPAN, rota, "per_sentinel", "prefecture", "2018-10-14", "2019-11-24", 4)
    for disease in ("Hand foot and mouth disease", "Influenza"):
        found[f"China: {disease}"] = Pair(CHINA, disease, "cases", "province", "2017-01-31", "2019-08-31")
    found["Korea: Hand, foot and mouth disease"] = Pair(
        KOREA, "Hand, foot and mouth disease", "per_1000_outpatients", "country", "2017-01-07", "2019-11-23"
    )
    for disease, level in (("ARE GrippeWeb age 00+", "region"), ("ILI GrippeWeb age 00+", "region"),
                           ("ARE consultations age 00+", "country")):  # fmt: skip
        found[f"Germany: {disease}"] = Pair(GERMANY, disease, "per_100000", level, "2018-01-07", "2019-11-24")
    found["Germany: Influenza (lab-confirmed) age 00+"] = Pair(
        GERMANY, "Influenza (lab-confirmed) age 00+", "cases", "state", "2025-01-05", "2026-05-10"
    )
    return found


def truth(series: Series) -> pl.DataFrame:
    """What was reported, by the last day of each period."""
    return series.table.select(
        "location", period_end(series.cadence).alias("target_end_date"), pl.col("value").alias("truth")
    ).drop_nulls()


def opened(pair: Pair) -> Series:
    """The series of a pair, places of its level only, with the other diseases of the file to learn from."""
    table = pl.read_parquet(referees.DATA / pair.file).filter(
        pl.col("signal") == pair.signal, pl.col("location_level") == pair.level, pl.col("disease").is_not_null()
    )
    return open_series(table, pair.disease, pair.signal)[0]


def forecast(series: Series, pair: Pair, model: str, path: Path) -> dict[str, float]:
    """Write the backtest of one model; what it took."""
    days = origins(series, dt.date.fromisoformat(pair.first), dt.date.fromisoformat(pair.last))[:: pair.step]
    begun, spent = time.perf_counter(), referees.cpu()
    yearly = max(1, round(series.cadence.per_year / pair.step))
    backtest(series, days, HORIZONS, model, refit_every=yearly).write_parquet(path)
    return {"seconds": round(time.perf_counter() - begun, 1), "cpu_seconds": round(referees.cpu() - spent, 1)}


def with_chap(python: Path, series: Series, pair: Pair, keep: Path, name: str) -> dict[str, Path]:
    """Write the forecasts of CHAP's baselines; their files."""
    days = origins(series, dt.date.fromisoformat(pair.first), dt.date.fromisoformat(pair.last))[:: pair.step]
    found = {}
    for baseline, table in chap_peer.forecasts(python, series, days, keep).items():
        found[f"chap_{baseline}"] = keep / f"{name} chap {baseline}.parquet"
        table.write_parquet(found[f"chap_{baseline}"])
    return found


def compared(ours: pl.DataFrame, paths: dict[str, Path], known: pl.DataFrame) -> dict[str, Any]:
    """WIS of the default over that of each peer, pooled and by horizon, and in single series over persistence."""
    from referee import KEY, ratio, scores, wide

    mine = scores(wide(ours), known)
    last = known.group_by("location").agg(((pl.col("truth") > 0).sum() >= FEWEST).alias("enough"))
    peers: dict[str, Any] = {}
    for name, path in paths.items():
        theirs = scores(wide(pl.read_parquet(path)), known)
        count, wis, low, high = ratio(mine, theirs, "wis")
        peers[name] = {
            "wis_ratio": wis,
            "bounds": [low, high],
            "log_wis_ratio": ratio(mine, theirs, "log_wis")[1],
            "answered": count / mine.height,
            "by_horizon": [_at(mine, theirs, h) for h in HORIZONS],
        }
        if name == "persistence":
            each = mine.join(theirs, on=KEY, suffix="_peer").join(last.filter("enough"), on="location", how="semi")
            each = each.group_by("location").agg(pl.col("wis").sum(), pl.col("wis_peer").sum())
            peers[name]["series"] = each.height
            peers[name]["series_below"] = each.filter(pl.col("wis") < pl.col("wis_peer")).height
    coverage = {n: float(mine[c].mean()) for n, c in (("coverage50", "inside50"), ("coverage95", "inside95"))}
    return {"tasks": mine.height, "places": mine["location"].n_unique(), "peers": peers} | coverage


def _at(mine: pl.DataFrame, theirs: pl.DataFrame, horizon: int) -> float:
    """Ratio at one horizon: the n-th target of each reference date."""
    from referee import ratio

    ahead = pl.col("target_end_date").rank("dense").over("reference_date")
    return float(ratio(mine.filter(ahead == horizon), theirs, "wis")[1])


def totals(done: dict[str, Any]) -> dict[str, Any]:
    """Over all pairs: where it is below whom, and the single series."""
    series = sum(pair["peers"]["persistence"]["series"] for pair in done.values())
    below = sum(pair["peers"]["persistence"]["series_below"] for pair in done.values())
    beaten = {
        peer: [name for name, pair in done.items() if pair["peers"].get(peer, {"wis_ratio": 0})["wis_ratio"] >= 1]
        for peer in PEERS
    }
    return {"pairs": len(done), "not_below": beaten, "series": series, "series_below": below / max(series, 1)}


def main() -> None:
    """Run the pairs, and write ``result.json`` beside this file."""
    every = pairs()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pair", action="append", choices=list(every))
    parser.add_argument("--model", action="append", choices=[OURS, *PEERS])
    parser.add_argument("--chap", type=Path, help="Python of an environment with chap-core, for its own baselines")
    parser.add_argument("--keep", type=Path, help="folder to leave the forecasts in; else a temporary one")
    options = parser.parse_args()
    if options.model and OURS not in options.model and options.keep is None:
        parser.error(f"without --model {OURS}, --keep must name the folder with its forecasts")
    with tempfile.TemporaryDirectory(prefix="salus-transfer-") as temporary:
        keep = options.keep or Path(temporary)
        keep.mkdir(exist_ok=True, parents=True)
        run(every, options.pair or list(every), options.model or [OURS, *PEERS], keep, options.chap)


def run(every: dict[str, Pair], names: list[str], models: list[str], keep: Path, chap: Path | None) -> None:
    """Forecast and compare, a pair at a time; results are written after each."""
    target = HERE / "result.json"
    for name in names:
        pair = every[name]
        series = opened(pair)
        paths = {model: keep / f"{name} {model}.parquet".replace("/", " ") for model in (OURS, *PEERS)}
        result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"pairs": {}}
        cost = result["pairs"].get(name, {}).get("cost", {})
        for model in models:
            try:
                cost[model] = forecast(series, pair, model, paths[model])
            except TooShortError as error:
                cost[model] = {"not_answered": str(error)}
        if chap is not None and series.cadence.kind == "month":
            paths |= with_chap(chap, series, pair, keep, name)
        there = {model: path for model, path in paths.items() if path.exists() and model != OURS}
        found = compared(pl.read_parquet(paths[OURS]), there, truth(series))
        print(name, json.dumps(referees.rounded(found)), json.dumps(cost), flush=True)
        others = 0 if series.companions is None else series.companions["disease"].n_unique()
        window = {"others_in_file": others, "first": pair.first, "last": pair.last, "every": pair.step}
        result["pairs"][name] = referees.rounded(found | {"cost": cost} | window)
        result["in_all"] = referees.rounded(totals(result["pairs"]))
        result |= referees.about(_files(every.values()), CLAIM, "python benchmarks/transfer/run.py")
        target.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _files(every: Iterable[Pair]) -> list[str]:
    return sorted({pair.file for pair in every})


if __name__ == "__main__":
    main()
