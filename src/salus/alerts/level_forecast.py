"""Alerts for places that are at the highest level, or are more likely than not to reach a higher one."""

from __future__ import annotations

import polars as pl

from salus.alerts.detector import Detector
from salus.surveillance.levels import LevelScheme
from salus.tables.contracts import ALERTS


class LevelForecast(Detector):
    """One alert a place: at the highest level now, or the first horizon at which a higher level is probable.

    Parameters
    ----------
    cost_ratio : float
        What a false alarm costs beside a missed rise; an alert is given from the probability ``r / (1 + r)`` on, which
        is the best rule for that ratio. 1 means one half.
    """

    name = "level_forecast"

    def __init__(self, cost_ratio: float = 1.0) -> None:
        self.threshold = cost_ratio / (1 + cost_ratio)

    def detect(self, forecasts: pl.DataFrame, last_known: pl.DataFrame, scheme: LevelScheme) -> pl.DataFrame:
        """Alerts of one reference date; see :meth:`Detector.detect`."""
        chances = (
            forecasts.filter(pl.col("output_type") == "pmf")
            .with_columns(pl.col("output_type_id").cast(pl.Int64).alias("k"))
            .sort("location", "horizon", "k")
        )
        found: list[dict[str, object]] = []
        for place, _, end, value in last_known.select("location", "date", "target_end_date", "value").iter_rows():
            if place not in scheme.cuts:
                continue
            now = scheme.level(place, value)
            rows = chances.filter(pl.col("location") == place)
            if rows.height == 0:
                continue
            common = {name: rows[name][0] for name in ("reference_date", "disease", "signal", "location")}
            common["detector"] = self.name
            if now == len(scheme.names) - 1:
                reason = f"at the highest level ({scheme.names[now]}), last known value {value:g}"
                found.append(
                    common | {"horizon": 0, "target_end_date": end, "level": now, "probability": 1.0, "reason": reason}
                )
                continue
            higher = (
                rows.filter(pl.col("k") > now)
                .group_by("horizon", "target_end_date", maintain_order=True)
                .agg(pl.col("value").sum().clip(0, 1))
                .filter(pl.col("value") >= self.threshold)
            )
            if higher.height:
                horizon, day, chance = higher.row(0)
                name = scheme.names[now + 1]
                reason = f"{chance:.0%} likely to reach the level '{name}' or a higher one by {day}, from {value:g} now"
                found.append(
                    common
                    | {
                        "horizon": horizon,
                        "target_end_date": day,
                        "level": now + 1,
                        "probability": chance,
                        "reason": reason,
                    }
                )
        table = pl.DataFrame(found, schema={c.name: c.dtype for c in ALERTS.columns})
        return ALERTS.check(table.sort("location", "horizon"), "alerts")
