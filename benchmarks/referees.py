"""Scores by the independent referees (`race/` beside the real data), for every benchmark of forecasts.

The referees share no code with Salus: a race must not be judged by the racer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import resource
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import circumstances
from salus.workflows.forecasting import backtest_file

DATA = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
sys.path.insert(0, str(DATA.parent / "race"))

JAPAN = "sentinel_japan/sentinel_per_site.parquet"
DISEASES = {"hfmd": "Hand, foot and mouth disease", "influenza": "Influenza"}
US = "influenza_us/admissions_vintages.parquet"
ALSO = [
    "influenza_us/flusurv_net_13_states_2009_2024.parquet",
    "influenza_us/ilinet_1997_2023.parquet",
    "influenza_us/nrevss_percent_positive_1997_2020.parquet",
]
SEASONS = {
    "2022-23": ("2022-10-08", "2023-05-20"),
    "2023-24": ("2023-10-14", "2024-05-04"),
    "2024-25": ("2024-11-23", "2025-05-31"),
}
INSIDE = {"coverage50": "inside50", "coverage95": "inside95"}
HUB_PEERS = ("FluSight-baseline", "FluSight-ensemble", "UMass-flusion")


def forecast(disease: str, signal: str, first: str, last: str, model: str, path: Path) -> None:
    """Make forecasts by `salus backtest`: of US admissions with all histories, or of Japan's prefectures."""
    source = US if signal == "admissions" else JAPAN
    backtest_file(
        DATA / source,
        disease,
        signal,
        first=dt.date.fromisoformat(first),
        last=dt.date.fromisoformat(last),
        also=[DATA / other for other in ALSO] if source == US else (),
        model=model,
        out=path,
    )


def score_sentinel(path: Path, short: str, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Score against root-scale persistence by the referee, a row a horizon."""
    from referee import KEY, answer, dated, ratio, scores, wide

    import sentinel

    truth = sentinel.observed(DATA / "sentinel_japan", short)
    null, root = (sentinel.persistence(truth, first, last, power) for power in (1.0, 0.25))
    asked = null.join(truth.drop_nulls(), on=["location", "target_end_date"], how="semi")
    ours = answer(wide(dated(pl.read_parquet(path))), asked, False)
    now = truth.rename({"target_end_date": "reference_date", "truth": "now"})
    cuts = np.array(sentinel.NAMES[short][1])
    rows = {}
    for h in sentinel.HORIZONS:
        at = pl.col("target_end_date") == pl.col("reference_date") + pl.duration(days=7 * h)
        mine, easy, hard = (scores(t.filter(at), truth) for t in (ours, null, root))
        mine = mine.join(easy.select(KEY), on=KEY, how="semi")
        count, wis, low, high = ratio(mine, hard, "wis")
        table = mine.select([*KEY, "truth"]).join(ours.select([*KEY, "q0.5"]), on=KEY)
        table = table.join(now, on=["location", "reference_date"])
        came, before, called = (np.digitize(table[c], cuts) for c in ("truth", "now", "q0.5"))
        change = came != before
        rows[f"h{h}"] = {
            "tasks": count,
            "wis_ratio": wis,
            "bounds": [low, high],
            "log_wis_ratio": ratio(mine, hard, "log_wis")[1],
            "coverage50": float(mine["inside50"].mean()),
            "coverage95": float(mine["inside95"].mean()),
            "status_accuracy": float((called == came).mean()),
            "persistence_status_accuracy": float((before == came).mean()),
            "changes": int(change.sum()),
            "changes_called": float((called == came)[change].mean()),
        }
    return rounded({"against": "persistence on the fourth-root scale", "horizons": rows})


def score_hub(path: Path, season: str, named: Sequence[str] = HUB_PEERS) -> dict[str, Any]:
    """Score against the hub's submissions by the referee."""
    from referee import KEY, answer, dated, ratio, scores, wide

    truth = pl.read_parquet(DATA / "influenza_us/admissions_final.parquet").select(
        "location", pl.col("date").alias("target_end_date"), pl.col("value_season_end").alias("truth")
    )
    peers = pl.read_parquet(DATA / f"influenza_us/peer_forecasts_{season}.parquet")
    peers = peers.filter(pl.col("horizon").is_between(0, 3))
    tasks = peers.filter(pl.col("model") == "FluSight-baseline").select(KEY).unique()
    asked = tasks.join(truth.drop_nulls(), on=["location", "target_end_date"], how="semi")
    ours = scores(answer(wide(dated(pl.read_parquet(path)).join(tasks, on=KEY, how="semi")), asked, False), truth)
    rows = {}
    for peer in named:
        theirs = scores(wide(peers.filter(pl.col("model") == peer)), truth)
        count, wis, low, high = ratio(ours, theirs, "wis")
        _, log, log_low, log_high = ratio(ours, theirs, "log_wis")
        rows[peer] = {"tasks": count, "wis_ratio": wis, "bounds": [low, high], "log_wis_ratio": log,
                      "log_bounds": [log_low, log_high]}  # fmt: skip
    nation, states = (ours.filter((pl.col("location") == "US") == is_nation) for is_nation in (True, False))
    coverage = {name: float(states[column].mean()) for name, column in INSIDE.items()}
    weeks = nation.group_by("reference_date").agg(pl.col(column).mean() for column in INSIDE.values())
    nation_weeks = weeks.sort("reference_date").select(INSIDE.values()).rows()
    return rounded(
        {"tasks": ours.height, "peers": rows, "nation_weeks": [list(week) for week in nation_weeks]} | coverage
    )


def shares(weeks: Sequence[Sequence[float]], draws: int = 1000, block: int = 8) -> dict[str, Any]:
    """Coverage over weeks, with 95 % bounds from a moving-block bootstrap.

    Parameters
    ----------
    weeks : sequence of pairs
        Shares of a week's tasks inside the 50 % and the 95 % range, in the order of time.
    draws, block : int
        Bootstrap samples, and weeks drawn at once.
    """
    table = np.array(weeks)
    rng = np.random.default_rng(1)
    start = rng.integers(0, len(table) - block + 1, (draws, -(-len(table) // block)))
    pick = (start[:, :, None] + np.arange(block)).reshape(draws, -1)[:, : len(table)]
    drawn = table[pick].mean(axis=1)
    found: dict[str, Any] = {"weeks": len(table)}
    for column, name in enumerate(INSIDE):
        bounds = [float(b) for b in np.quantile(drawn[:, column], (0.025, 0.975))]
        found |= {name: float(table[:, column].mean()), f"{name}_bounds": bounds}
    return rounded(found)  # type: ignore[no-any-return]  # of a dict it makes a dict


def rounded(value: Any) -> Any:
    """The same with numbers to four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def cpu() -> float:
    """Processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> int:
    """Most memory that this process has held, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def about(files: Iterable[str], claim: str, command: str) -> dict[str, Any]:
    """What the figures rest on."""
    digest = hashlib.sha256(b"".join(hashlib.sha256((DATA / f).read_bytes()).digest() for f in sorted(set(files))))
    return {"claim": claim, "command": command, "data_sha256": digest.hexdigest(), "code": circumstances.code(),
            "machine": circumstances.machine(), "load": circumstances.load()}  # fmt: skip
