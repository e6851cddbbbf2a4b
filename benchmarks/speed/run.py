"""Time and memory of the default model, beside AutoARIMA on the same series.

    python benchmarks/speed/run.py [--anyway]

US influenza admissions, 53 places, 4 horizons, 23 quantiles, 2022-23, each command of Salus in a process of its own on
two cores: a season's backtest from what was known on each day, learning from the nation's other histories; one
week's forecast with training; the same from a stored model; and the backtest of AutoARIMA, each place alone. Wall
time says something on a quiet machine only: with more than half a process wanting a processor on average, the
benchmark refuses to begin, unless asked to run anyway. The load before and after stands in the result.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import circumstances
import referees

HERE = Path(__file__).parent
QUIET = 0.5
CORES = 2
FIRST, LAST = referees.SEASONS["2022-23"]
DAY = "2023-01-14"
MEMORY_MB = 2048
HUB = "FluSight-ensemble"
CLAIM = (
    "a season's backtest in under 10 minutes, a week's forecast with training in under 2 minutes and from a stored "
    "model in under 10 seconds, in under 2 GB"
)


def commands(folder: Path) -> dict[str, tuple[list[str], float | None]]:
    """What is measured: arguments of `salus`, and the most seconds it may take."""
    series = [str(referees.DATA / referees.US), "--disease", "Influenza", "--signal", "admissions"]
    also = [part for other in referees.ALSO for part in ("--also", str(referees.DATA / other))]
    season = ["--origins", f"{FIRST}:{LAST}"]
    model = str(folder / "model.json")
    return {
        "season": (["backtest", *series, *also, *season, "--out", str(folder / "season.parquet")], 600.0),
        "week_with_training": (
            ["forecast", *series, *also, "--as-of", DAY, "--out", str(folder / "week.parquet")], 120.0
        ),
        "training_stored": (["train", *series, *also, "--as-of", DAY, "--out", model], None),
        "week_from_stored_model": (
            ["forecast", *series, "--as-of", DAY, "--model-file", model, "--out", str(folder / "stored.parquet")], 10.0
        ),
        "season_auto_arima": (
            ["backtest", *series, *season, "--model", "auto_arima", "--out", str(folder / "arima.parquet")], None
        ),
        "season_persistence": (
            ["backtest", *series, *season, "--model", "persistence", "--out", str(folder / "persistence.parquet")], None
        ),
    }  # fmt: skip


def measure(name: str, arguments: list[str], limit: float | None, folder: Path) -> dict[str, Any]:
    """One command on two cores: time, processor time and most memory."""
    salus = Path(sys.executable).with_name("salus")
    before = circumstances.load()
    begun = time.perf_counter()
    with (folder / f"{name}.txt").open("wb") as said:
        process = subprocess.Popen([salus, *arguments], stdout=said, stderr=said, cwd=folder)
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:CORES])
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed:\n" + (folder / f"{name}.txt").read_text(encoding="utf-8"))
    peak = round(used.ru_maxrss / 1024)
    kept = peak < MEMORY_MB and (limit is None or wall < limit)
    return {"wall_s": round(wall, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 1), "peak_rss_mb": peak,
            "limit_s": limit, "kept": kept, "load_before": before, "load_after": circumstances.load()}  # fmt: skip


def main() -> None:
    """Run the commands in their order, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anyway", action="store_true", help="also on a busy machine")
    options = parser.parse_args()
    if circumstances.load() > QUIET and not options.anyway:
        raise SystemExit(f"the machine is busy (load {circumstances.load()}); wait until it is under {QUIET}.")
    with tempfile.TemporaryDirectory(prefix="salus-speed-") as temporary:
        folder = Path(temporary)
        found = {}
        for name, (arguments, limit) in commands(folder).items():
            found[name] = measure(name, arguments, limit, folder)
            print(name, json.dumps(found[name]), flush=True)
        skill = {
            name: referees.score_hub(folder / file, "2022-23", ["FluSight-ensemble"])["peers"]["FluSight-ensemble"][
                "wis_ratio"
            ]
            for name, file in (("combination", "season.parquet"), ("auto_arima", "arima.parquet"))
        }
    result = {
        "cores_used": min(CORES, len(os.sched_getaffinity(0))),
        "runs": found,
        "wis_over_flusight_ensemble": skill,
        "season_over_auto_arima_cpu": round(found["season"]["cpu_s"] / found["season_auto_arima"]["cpu_s"], 2),
    } | referees.about([referees.US, *referees.ALSO], CLAIM, "python benchmarks/speed/run.py")
    (HERE / "result.json").write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
