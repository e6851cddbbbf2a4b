"""Week and size of a season's peak, told while it runs, against past peaks.

    python benchmarks/peaks/run.py

Japan's 47 prefectures per sentinel site. Every four weeks of a season, past seasons as trajectories
(`salus.forecasting.trajectories`) are asked for the week and the size of its peak; climatology answers with the weeks
of all past peaks and the sizes of the prefecture's own. The settings were chosen on influenza 2016/17 and 2018/19.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import polars as pl

import referees
from salus.evaluation.scores import ranked_probability_score, weighted_interval_score
from salus.forecasting.milestones import course, season_ahead
from salus.forecasting.model import TAUS
from salus.forecasting.trajectories import Trajectories
from salus.surveillance.seasons import find
from salus.surveillance.series import Series, read_series

CLAIM = "the week and size of a peak are told better than by past peaks"
PLAYS = {
    "influenza 2016/17": ("Influenza", "2016-10-02", "2017-04-30"),
    "influenza 2018/19": ("Influenza", "2018-09-30", "2019-04-28"),
    "influenza 2015/16": ("Influenza", "2015-10-04", "2016-05-01"),
    "influenza 2017/18": ("Influenza", "2017-10-01", "2018-04-29"),
    "HFMD 2017": ("Hand, foot and mouth disease", "2017-03-05", "2017-10-01"),
    "HFMD 2018": ("Hand, foot and mouth disease", "2018-03-04", "2018-09-30"),
    "HFMD 2019": ("Hand, foot and mouth disease", "2019-03-03", "2019-09-29"),
}
CHOSEN_ON = ("influenza 2016/17", "influenza 2018/19")
STEP = 4
FIRST_SEASON = 2011


def known(values: np.ndarray) -> np.ndarray:
    """Unknown values below all others, so that they are no peak."""
    return np.where(np.isfinite(values), values, -1.0)


def asked(series: Series, day: dt.date) -> dict[str, float]:
    """Mean scores of one day over all prefectures, ours and climatology's."""
    panel = series.panel(day)
    seasons = find(panel.history(), panel.cadence)
    season, age, ahead = season_ahead(panel, seasons)
    length = age + ahead
    found = course(panel, seasons, Trajectories().paths(panel, ahead))
    later = series.panel(dt.date(season + 1, 12, 31))
    start = later.starts.index(seasons.first(season))
    truth = known(later.values[:, start : start + length])
    begins = [seasons.first(year) for year in range(FIRST_SEASON, season)]
    at = [panel.starts.index(first) for first in begins if first in panel.starts]
    past = [known(panel.values[:, i : i + length]) for i in at]
    weeks = np.bincount(np.concatenate([p.argmax(axis=1) for p in past]), minlength=length) / (len(past) * len(truth))
    sizes = np.quantile(np.array([p.max(axis=1) for p in past]), TAUS, axis=0).T
    chances = np.array([np.bincount(x, minlength=length) / x.size for x in found.peak()])
    peak, size = truth.argmax(axis=1), truth.max(axis=1)
    ours = np.quantile(found.size(), TAUS, axis=1).T
    return {
        "before_peak": float((peak >= age).mean()),
        "week": ranked_probability_score(chances, peak).mean(),
        "week_past": ranked_probability_score(np.tile(weeks, (len(truth), 1)), peak).mean(),
        "size": weighted_interval_score(ours, size).mean(),
        "size_past": weighted_interval_score(sizes, size).mean(),
        "inside95": float(((size >= ours[:, 1] - 1e-9) & (size <= ours[:, 21] + 1e-9)).mean()),
    }


def play(disease: str, first: str, last: str) -> dict[str, Any]:
    """A season: ratios of summed scores over all days, and over those before most peaks."""
    table = pl.read_parquet(referees.DATA / referees.JAPAN).filter(pl.col("location_level") == "prefecture")
    series = read_series(table, disease)
    day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    rows = []
    while day <= end:
        rows.append(asked(series, day))
        day += dt.timedelta(weeks=STEP)
    early = [row for row in rows if row["before_peak"] > 0.5]
    result: dict[str, Any] = {"days": len(rows), "days_before_peak": len(early)}
    for name, part in (("all", rows), ("before_peak", early)):
        result[name] = {
            what: sum(row[what] for row in part) / sum(row[what + "_past"] for row in part) for what in ("week", "size")
        } | {"inside95": sum(row["inside95"] for row in part) / len(part)}
    return result


def main() -> None:
    """Play the seasons, and write ``result.json`` beside this file."""
    result: dict[str, Any] = {"seasons": {}, "chosen_on": CHOSEN_ON}
    for name, dates in PLAYS.items():
        result["seasons"][name] = play(*dates)
        print(name, json.dumps(referees.rounded(result["seasons"][name])), flush=True)
    result |= referees.about([referees.JAPAN], CLAIM, "python benchmarks/peaks/run.py")
    text = json.dumps(referees.rounded(result), indent=1, sort_keys=True)
    (Path(__file__).parent / "result.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
