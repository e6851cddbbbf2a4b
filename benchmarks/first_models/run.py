"""Each model against persistence and the FluSight hub's teams, scored by the independent referees.

    python benchmarks/first_models/run.py [--model NAME ...] [--task NAME ...] [--keep DIR]

Tasks: Japan's 47 prefectures 2022-2023 (HFMD and influenza, cases per sentinel) and US influenza admissions 2023-24
(as-of data). Every forecast is made by `salus backtest` from what was known on its day. Results of models and tasks
that are not run again stay in ``result.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from salus import registry

sys.path.insert(0, str(Path(__file__).parents[1]))
import referees

HERE = Path(__file__).parent
YEARS = ("2022-01-02", "2023-12-31")
TASKS = {
    "hfmd_2022_2023": ("hfmd", "per_sentinel", *YEARS),
    "influenza_2022_2023": ("influenza", "per_sentinel", *YEARS),
    "us_2023_24": ("influenza", "admissions", *referees.SEASONS["2023-24"]),
}
MODELS = [name for name in registry.names("model") if name not in {"combination", "network"}]
"""The default has benchmarks of its own: `sentinel` and `flusight`."""
CLAIM = "pooled: under .85 of root-scale persistence for HFMD at h1, under 1 of FluSight-ensemble in 2023-24"


def main() -> None:
    """Run models and tasks, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--task", action="append", choices=list(TASKS))
    parser.add_argument("--keep", type=Path, help="folder to leave the forecasts in; else a temporary one")
    options = parser.parse_args()
    target = HERE / "result.json"
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"tasks": {}}
    with tempfile.TemporaryDirectory(prefix="salus-first-models-") as temporary:
        for task in options.task or TASKS:
            disease, signal, first, last = TASKS[task]
            for model in options.model or MODELS:
                path = (options.keep or Path(temporary)) / f"{task}.{model}.parquet"
                begun, spent = time.perf_counter(), referees.cpu()
                referees.forecast(referees.DISEASES[disease], signal, first, last, model, path)
                cost = {
                    "seconds": round(time.perf_counter() - begun),
                    "cpu_seconds": round(referees.cpu() - spent),
                }
                if signal == "admissions":
                    found = referees.score_hub(path, "2023-24")
                else:
                    days = (dt.date.fromisoformat(day) for day in (first, last))
                    found = referees.score_sentinel(path, disease, *days)
                result["tasks"].setdefault(task, {})[model] = found | cost
                print(task, model, json.dumps(found | cost)[:300], flush=True)
                files = [referees.JAPAN, referees.US, *referees.ALSO]
                result |= referees.about(files, CLAIM, "python benchmarks/first_models/run.py")
                target.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
