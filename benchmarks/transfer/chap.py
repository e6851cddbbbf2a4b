"""The built-in baselines of CHAP (`chap-core`, Python 3.13), which has an environment of its own.

    python3.13 chap.py VALUES.json OUT.json      # inside an environment with chap-core 1.0.17

VALUES.json: ``start`` ("2010-01"), ``values`` (place -> list by month, null where unknown), ``known`` (for each
forecast, how many months are known) and ``levels``. OUT.json: model -> list of
{place: 4 months of quantiles}, and the seconds. Its other models run in Docker and are not run.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from chap_core.datatypes import HealthData, TimeSeriesData
from chap_core.models.builtin import BaselineNotApplicable, get_builtin_models
from chap_core.spatio_temporal_data.temporal_dataclass import DataSet
from chap_core.time_period import Month, PeriodRange

AHEAD = 4


def period(first: int, count: int) -> PeriodRange:
    """Months from one, counted from the year 0."""
    last = first + count - 1
    return PeriodRange.from_time_periods(Month(first // 12, first % 12 + 1), Month(last // 12, last % 12 + 1))


def main() -> None:
    """Train on what is known before each forecast, and write the quantiles of every baseline."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    year, month = map(int, asked["start"].split("-"))
    first = year * 12 + month - 1
    values = {place: np.array(row, dtype=float) for place, row in asked["values"].items()}
    said: dict[str, object] = {}
    for name, model in get_builtin_models().items():
        begun, found = time.process_time(), []
        for known in asked["known"]:
            found.append({})
            for place, row in values.items():
                past = DataSet({place: HealthData(period(first, known), row[:known])})
                later = DataSet({place: TimeSeriesData(period(first + known, AHEAD))})
                baseline = model()
                try:
                    baseline.train(past)
                    samples = np.asarray(baseline.predict(past, later)[place].samples)
                except BaselineNotApplicable:
                    continue
                found[-1][place] = np.quantile(samples, asked["levels"], axis=1).T.tolist()
        said[name] = {"forecasts": found, "cpu_seconds": time.process_time() - begun}
    Path(sys.argv[2]).write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
