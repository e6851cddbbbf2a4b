"""The default model against the FluSight hub's own submissions, a season at a time.

    python benchmarks/flusight/run.py [--season 2023-24 ...] [--model NAME] [--keep DIR]

US influenza admissions of 53 places, from the vintages that were known on each round's Saturday, by `salus backtest`
fitted once on what was known on the first; scored by the independent referee against the ensemble and other teams.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import polars as pl

import referees

HERE = Path(__file__).parent
FEWEST = 0.85
"""Share of a season's tasks that a team must have answered to be named its best."""
CLAIM = "the default model beats the FluSight ensemble in every season, natural and log scale"


def best(season: str) -> str:
    """The season's best submission among those that answered most tasks."""
    board = pl.read_parquet(referees.DATA / f"influenza_us/peer_forecasts_{season}.parquet")
    board = board.filter(pl.col("horizon").is_between(0, 3))
    truth = pl.read_parquet(referees.DATA / "influenza_us/admissions_final.parquet").select(
        "location", pl.col("date").alias("target_end_date"), pl.col("value_season_end").alias("truth")
    )
    from referee import KEY, ratio, scores, wide

    base = scores(wide(board.filter(pl.col("model") == "FluSight-baseline")), truth)
    found: dict[str, float] = {}
    for (model,), rows in board.group_by(["model"]):
        if rows.select(KEY).unique().height >= FEWEST * base.height and "ensemble" not in str(model):
            complete = rows.drop_nulls().filter(~pl.any_horizontal(pl.selectors.float().is_nan()))
            found[str(model)] = ratio(scores(wide(complete), truth), base, "wis", draws=1)[1]
    return min(found, key=lambda model: found[model])


def main() -> None:
    """Run the seasons, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--season", action="append", choices=list(referees.SEASONS))
    parser.add_argument("--model", default="combination")
    parser.add_argument("--keep", type=Path, help="folder to leave the forecasts in; else a temporary one")
    options = parser.parse_args()
    target = HERE / "result.json"
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"seasons": {}}
    with tempfile.TemporaryDirectory(prefix="salus-flusight-") as temporary:
        for season in options.season or referees.SEASONS:
            path = (options.keep or Path(temporary)) / f"{season}.parquet"
            begun, spent = time.perf_counter(), referees.cpu()
            referees.forecast("influenza", "admissions", *referees.SEASONS[season], options.model, path)
            cost = {"seconds": round(time.perf_counter() - begun), "cpu_seconds": round(referees.cpu() - spent)}
            first = best(season)
            peers = [
                p for p in dict.fromkeys((*referees.HUB_PEERS, first)) if (p, season) != ("UMass-flusion", "2022-23")
            ]
            found = referees.score_hub(path, season, peers)
            result["seasons"][season] = found | cost | {
                "model": options.model, "best": first, "peak_rss_mb": referees.peak_mb()}  # fmt: skip
            print(season, json.dumps(result["seasons"][season]), flush=True)
            ratios = [s["peers"]["FluSight-ensemble"] for s in result["seasons"].values()]
            result["geometric_mean"] = {
                kind: round(math.exp(sum(math.log(r[kind]) for r in ratios) / len(ratios)), 4)
                for kind in ("wis_ratio", "log_wis_ratio")
            }
            weeks = [
                week for name in sorted(result["seasons"]) for week in result["seasons"][name].get("nation_weeks", [])
            ]
            result["nation"] = referees.shares(weeks)
            result |= referees.about([referees.US, *referees.ALSO], CLAIM, "python benchmarks/flusight/run.py")
            target.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
