"""Each model against persistence and the FluSight hub's teams, scored by the independent referees.

    python benchmarks/first_models/run.py [--model NAME ...] [--task NAME ...] [--keep DIR]

Tasks: Japan's 47 prefectures 2022-2023 (HFMD and influenza, cases per sentinel) and US influenza admissions 2023-24
(as-of data). Every forecast is made by `salus backtest` from what was known on its day; the referees (`race/` beside
the real data) share no code with Salus. Results of models and tasks that are not run again stay in ``result.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from salus import registry
from salus.workflows.forecasting import backtest_file

HERE = Path(__file__).parent
DATA = Path(os.environ.get("SALUS_REAL_DATA", HERE.parents[2] / "shared" / "data"))
sys.path.insert(0, str(DATA.parent / "race"))

JAPAN = "sentinel_japan/sentinel_per_site.parquet"
US = "influenza_us/admissions_vintages.parquet"
ALSO = [
    "influenza_us/flusurv_net_13_states_2009_2024.parquet",
    "influenza_us/ilinet_1997_2023.parquet",
    "influenza_us/nrevss_percent_positive_1997_2020.parquet",
]
TASKS = {
    "hfmd_2022_2023": (JAPAN, "Hand, foot and mouth disease", "per_sentinel", "2022-01-02", "2023-12-31"),
    "influenza_2022_2023": (JAPAN, "Influenza", "per_sentinel", "2022-01-02", "2023-12-31"),
    "us_2023_24": (US, "influenza", "admissions", "2023-10-14", "2024-05-04"),
}
HUB_PEERS = ("FluSight-baseline", "FluSight-ensemble", "UMass-flusion")


def main() -> None:
    """Run models and tasks, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", choices=registry.names("model"))
    parser.add_argument("--task", action="append", choices=list(TASKS))
    parser.add_argument("--keep", type=Path, help="folder to leave the forecasts in; else a temporary one")
    options = parser.parse_args()
    target = HERE / "result.json"
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"tasks": {}}
    with tempfile.TemporaryDirectory(prefix="salus-first-models-") as temporary:
        folder = options.keep or Path(temporary)
        for task in options.task or TASKS:
            for model in options.model or registry.names("model"):
                path = folder / f"{task}.{model}.parquet"
                begun, spent = time.perf_counter(), cpu()
                forecast(task, model, path)
                cost = {"seconds": round(time.perf_counter() - begun), "cpu_seconds": round(cpu() - spent)}
                found = (score_hub if task.startswith("us") else score_sentinel)(task, path)
                result["tasks"].setdefault(task, {})[model] = found | cost
                print(task, model, json.dumps(found | cost)[:300], flush=True)
                result |= about()
                target.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def forecast(task: str, model: str, path: Path) -> None:
    """Make the forecasts of one model and task."""
    source, disease, signal, first, last = TASKS[task]
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


def score_sentinel(task: str, path: Path) -> dict[str, Any]:
    """Score against root-scale persistence by the referee, a row a horizon."""
    import numpy as np
    import sentinel
    from referee import KEY, answer, dated, ratio, scores, wide

    short = task.split("_", maxsplit=1)[0]
    first, last = (dt.date.fromisoformat(day) for day in TASKS[task][3:])
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


def score_hub(task: str, path: Path) -> dict[str, Any]:
    """Score against the hub's submissions by the referee."""
    from referee import KEY, answer, dated, ratio, scores, wide

    season = task.removeprefix("us_").replace("_", "-")
    truth = pl.read_parquet(DATA / "influenza_us/admissions_final.parquet").select(
        "location", pl.col("date").alias("target_end_date"), pl.col("value_season_end").alias("truth")
    )
    peers = pl.read_parquet(DATA / f"influenza_us/peer_forecasts_{season}.parquet")
    peers = peers.filter(pl.col("horizon").is_between(0, 3))
    tasks = peers.filter(pl.col("model") == "FluSight-baseline").select(KEY).unique()
    asked = tasks.join(truth.drop_nulls(), on=["location", "target_end_date"], how="semi")
    ours = scores(answer(wide(dated(pl.read_parquet(path)).join(tasks, on=KEY, how="semi")), asked, False), truth)
    rows = {}
    for peer in HUB_PEERS:
        theirs = scores(wide(peers.filter(pl.col("model") == peer)), truth)
        count, wis, low, high = ratio(ours, theirs, "wis")
        _, log, log_low, log_high = ratio(ours, theirs, "log_wis")
        rows[peer] = {"tasks": count, "wis_ratio": wis, "bounds": [low, high], "log_wis_ratio": log,
                      "log_bounds": [log_low, log_high]}  # fmt: skip
    coverage = {
        name: float(ours[column].mean()) for name, column in (("coverage50", "inside50"), ("coverage95", "inside95"))
    }
    return rounded({"tasks": ours.height, "peers": rows} | coverage)


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


def about() -> dict[str, Any]:
    """What the figures rest on."""
    files = sorted({DATA / task[0] for task in TASKS.values()} | {DATA / other for other in ALSO})
    digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
    machine = {"system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count(),
               "python": platform.python_version()}  # fmt: skip
    return {
        "claim": "pooled: under .85 of root-scale persistence for HFMD at h1, under 1 of FluSight-ensemble in 2023-24",
        "command": "python benchmarks/first_models/run.py",
        "data_sha256": digest.hexdigest(),
        "machine": machine,
    }


if __name__ == "__main__":
    main()
