"""The promises of three minutes: `salus demo`, and `salus run` for 47 prefectures, on two cores.

    python benchmarks/promises/run.py [--data SERIES] [--anyway]

Wall time says something on a quiet machine only: with more than half a process wanting a processor on average, the
benchmark refuses to begin, unless asked to run anyway. The load before and after stands in the result.
"""

from __future__ import annotations

import argparse
import hashlib
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

HERE = Path(__file__).parent
SERIES = Path(
    os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"),
    "sentinel_japan/sentinel_per_site.parquet",
)
DISEASE, SIGNAL, AS_OF = "Hand, foot and mouth disease", "per_sentinel", "2023-07-16"
LIMIT_S = 180
QUIET = 0.5
CORES = 2
CLAIM = "from case records to a bulletin, and from a table of 47 prefectures to one, in under three minutes each"


def measure(name: str, arguments: list[str], folder: Path) -> dict[str, Any]:
    """One command in a process of its own, with its PDF, on two cores: time, processor time and most memory."""
    salus = Path(sys.executable).with_name("salus")
    environment = os.environ | {"SALUS_HOME": str(folder / "home")}
    before = circumstances.load()
    begun = time.perf_counter()
    with (folder / f"{name}.txt").open("wb") as said:
        process = subprocess.Popen([salus, *arguments], stdout=said, stderr=said, cwd=folder, env=environment)
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:CORES])
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed:\n" + (folder / f"{name}.txt").read_text(encoding="utf-8"))
    return {
        "wall_s": round(wall, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_rss_mb": round(used.ru_maxrss / 1024),
        "limit_s": LIMIT_S,
        "kept": wall < LIMIT_S,
        "load_before": before,
        "load_after": circumstances.load(),
    }


def main() -> None:
    """Run both commands, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SERIES, help="cases of Japan's prefectures per sentinel site")
    parser.add_argument("--anyway", action="store_true", help="also on a busy machine")
    options = parser.parse_args()
    if circumstances.load() > QUIET and not options.anyway:
        raise SystemExit(f"the machine is busy (load {circumstances.load()}); wait until it is under {QUIET}.")
    series = options.data.resolve()
    run = ["run", str(series), "--disease", DISEASE, "--signal", SIGNAL, "--as-of", AS_OF, "--out", "bulletin"]
    with tempfile.TemporaryDirectory(prefix="salus-promises-") as temporary:
        folder = Path(temporary)
        found = {
            "demo": {"command": "salus demo"} | measure("demo", ["demo", "--out", "demo-out"], folder),
            "run": {"command": "salus " + " ".join(f'"{a}"' if " " in a else a for a in ["run", series.name, *run[2:]])}
            | measure("run", run, folder),
        }
    result = {
        "claim": CLAIM,
        "command": "python benchmarks/promises/run.py",
        "cores_used": min(CORES, len(os.sched_getaffinity(0))),
        "quiet": found["demo"]["load_before"] <= QUIET,
        "data_sha256": hashlib.sha256(series.read_bytes()).hexdigest(),
        "code": circumstances.code(),
        "machine": circumstances.machine(),
    } | {"promises": found}
    (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
