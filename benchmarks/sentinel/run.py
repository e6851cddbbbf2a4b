"""The default model on Japan's 47 prefectures, before the pandemic and when its diseases came back.

    python benchmarks/sentinel/run.py [--window hfmd_2018_2019 ...] [--model NAME] [--keep DIR]

Cases of HFMD and of influenza per sentinel site, 2018-2019 and 2022-2023, forecast every week by `salus backtest` from
what was known on its day, fitted once a year, and scored by the independent referee against persistence.
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

sys.path.insert(0, str(Path(__file__).parents[1]))
import referees

HERE = Path(__file__).parent
WINDOWS = {
    f"{disease}_{first[:4]}_{last[:4]}": (disease, first, last)
    for first, last in (("2018-01-07", "2019-12-29"), ("2022-01-02", "2023-12-31"))
    for disease in referees.DISEASES
}
CLAIM = "the default model beats root-scale persistence at every horizon in both windows, with ranges that hold"


def main() -> None:
    """Run the windows, and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", action="append", choices=list(WINDOWS))
    parser.add_argument("--model", default="combination")
    parser.add_argument("--keep", type=Path, help="folder to leave the forecasts in; else a temporary one")
    options = parser.parse_args()
    target = HERE / "result.json"
    with tempfile.TemporaryDirectory(prefix="salus-sentinel-") as temporary:
        for window in options.window or WINDOWS:
            disease, first, last = WINDOWS[window]
            path = (options.keep or Path(temporary)) / f"{window}.parquet"
            begun, spent = time.perf_counter(), referees.cpu()
            referees.forecast(referees.DISEASES[disease], "per_sentinel", first, last, options.model, path)
            cost = {"seconds": round(time.perf_counter() - begun), "cpu_seconds": round(referees.cpu() - spent)}
            found = referees.score_sentinel(path, disease, dt.date.fromisoformat(first), dt.date.fromisoformat(last))
            # read anew: another window may have been written by another process meanwhile
            result: dict[str, Any] = (
                json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"windows": {}}
            )
            result["windows"][window] = found | cost | {"model": options.model, "peak_rss_mb": referees.peak_mb()}
            print(window, json.dumps(result["windows"][window]), flush=True)
            result |= referees.about([referees.JAPAN], CLAIM, "python benchmarks/sentinel/run.py")
            target.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
