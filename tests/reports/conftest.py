"""A small made-up bulletin that tests shape as they need; nothing in it is real data."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from salus.reports.bulletin import Bulletin, Meta, build
from salus.surveillance.levels import LevelScheme
from salus.surveillance.weeks import Cadence
from salus.tables.contracts import FORECASTS, TRUST

WEEK = Cadence("week", 0)
LAST = dt.date(2023, 7, 10)
NAMES = (
    ("Tokyo", "东京", 2, 3),
    ("Osaka", "大阪", 2, 1),
    ("Hokkaido", "北海道", 0, 3),
    ("Okinawa", "冲绳", 3, 0),
    ("Fukuoka", "福冈", 2, 0),
)


def past(
    last_values: Sequence[float | None], cadence: Cadence, last: dt.date, periods: int = 160
) -> list[tuple[dt.date, float | None]]:
    """A seasonal past that ends with the values given."""
    start = cadence.shift(last, 1 - periods)
    grid = cadence.grid(start, last)
    year = cadence.per_year
    values: list[float | None] = [round(2 + 1.8 * math.sin(2 * math.pi * (k % year) / year), 2) for k in range(periods)]
    values[periods - len(last_values) :] = last_values
    return list(zip(grid, values, strict=True))


def outlook(
    location: str,
    horizon: int,
    end: dt.date,
    median: float,
    higher: float | None,
    probabilities: Sequence[float],
    trust: str = "high",
    **more: Any,
) -> dict[str, Any]:
    """A row of the status table ahead of the last known period."""
    row = {
        "location": location,
        "horizon": horizon,
        "target_end_date": end,
        "value": median,
        "lower50": median * 0.8,
        "upper50": median * 1.25,
        "lower95": median * 0.5,
        "upper95": median * 2.1,
        "level": max(range(len(probabilities)), key=probabilities.__getitem__) if probabilities else None,
        "level_name": None,
        "probability_higher": higher,
        "shown": "persistence" if trust == "withheld" else "pooled",
        "trust": trust,
        "note": None,
    }
    row |= {f"probability_{k}": p for k, p in enumerate(probabilities)}
    return row | more


def backtested(location: str, horizon: int, label: str, skill: float | None) -> dict[str, Any]:
    """A row of the trust table."""
    return {
        "location": location,
        "horizon": horizon,
        "label": label,
        "shown": "persistence" if label == "withheld" else "pooled",
        "origins": 52,
        "skill": skill,
        "coverage50": 0.48,
        "coverage95": 0.94,
        "status_accuracy": 0.93,
        "persistence_accuracy": 0.9,
        "changes": 6,
        "changes_called": 0.5,
        "reason": "from its own backtest",
    }


Make = Callable[..., Bulletin]


@pytest.fixture
def make() -> Make:
    """Builds a bulletin; keywords change its places, tables, levels, names or meta."""

    def made(
        values: Mapping[str, Sequence[float | None]] | None = None,
        *,
        cadence: Cadence = WEEK,
        last: dt.date = LAST,
        higher: Mapping[str, float] | None = None,
        labels: Mapping[str, str] | None = None,
        cuts: Mapping[str, tuple[float, ...]] | None = None,
        horizons: Sequence[int] = (1, 2, 3, 4),
        places: pl.DataFrame | None = None,
        status_changes: Callable[[pl.DataFrame], pl.DataFrame] = lambda t: t,
        forecasts: pl.DataFrame | None = None,
        shapes: Mapping[str, Mapping[str, Any]] | None = None,
        periods: int = 160,
        factor: float = 0.93,
        names: tuple[str, ...] = ("low", "raised", "warning"),
        **meta: Any,
    ) -> Bulletin:
        values = {"Tokyo": [5.1, 6.21], "Osaka": [2.4, 2.9], "Hokkaido": [0.4, 0.37]} if values is None else values
        cuts = dict.fromkeys(values, (2.0, 5.0)) if cuts is None else dict(cuts)
        scheme = LevelScheme(
            "official",
            "Official levels",
            "官方水平",
            names,
            ("低", "升高", "警报")[: len(names)],
            dict(cuts),
            "A made-up source",
        )
        history, status, trust = [], [], []
        for place, ending in values.items():
            series = past(ending, cadence, last, periods)
            history += [{"location": place, "date": day, "value": value} for day, value in series]
            known = [(day, v) for day, v in series if v is not None]
            if not known:
                continue
            day, now = known[-1]
            level = scheme.level(place, now) if place in cuts else None
            status.append(
                {
                    "location": place,
                    "horizon": 0,
                    "target_end_date": cadence.end(day),
                    "value": now,
                    "level": level,
                    "probability_higher": None,
                    "shown": "observed",
                    "trust": "observed",
                    "note": None,
                }
                | ({} if level is None else {f"probability_{k}": float(k == level) for k in range(len(names))})
            )
            label = (labels or {}).get(place, "high")
            for h in horizons:
                end = cadence.end(cadence.shift(last, h))
                chance = (higher or {"Tokyo": 0.287, "Osaka": 0.84, "Hokkaido": 0.5}).get(place, 0.5)
                share = [0.05, 0.33, 0.62] if level == 2 else [0.2, 0.25, 0.55] if level == 1 else [0.97, 0.028, 0.002]
                status.append(
                    outlook(place, h, end, now * factor**h, chance, share[: len(names)] if place in cuts else [], label)
                )
                trust.append(backtested(place, h, label, {"withheld": 1.08, "unknown": None}.get(label, 0.77)))
        about = {name: (zh, row, column) for name, zh, row, column in NAMES}
        table = pl.DataFrame(
            [
                {
                    "location": place,
                    "name": place,
                    "name_zh": about.get(place, (None,))[0],
                    "parent": "JP",
                    "location_level": "prefecture",
                    "tile_row": about[place][1] if place in about else None,
                    "tile_column": about[place][2] if place in about else None,
                }
                for place in values
            ],
            infer_schema_length=None,
        )
        facts: dict[str, Any] = {
            "title": "Hand, foot and mouth disease",
            "title_zh": "手足口病",
            "short": "HFMD",
            "short_zh": "手足口病",
            "signal": "per_sentinel",
            "unit": "cases per sentinel",
            "unit_zh": "例/定点",
            "cadence": cadence,
            "reference_date": cadence.end(last),
            "as_of": cadence.end(last),
            "last_known": last,
            "source": "A made-up source",
            "run_id": "run-0123",
            "models": ("pooled", "persistence"),
            "vintages": True,
        }
        frame = pl.DataFrame(status, infer_schema_length=None) if status else None
        missing = {
            "lower50": None,
            "upper50": None,
            "lower95": None,
            "upper95": None,
            "level": None,
            "level_name": None,
        }
        columns = pl.DataFrame(
            schema={
                "location": pl.String, "horizon": pl.Int64, "target_end_date": pl.Date, "value": pl.Float64,
                **dict.fromkeys(("lower50", "upper50", "lower95", "upper95"), pl.Float64),
                "level": pl.Int64, "level_name": pl.String, "probability_higher": pl.Float64,
                "shown": pl.String, "trust": pl.String, "note": pl.String,
            }
        )  # fmt: skip
        frame = (
            columns
            if frame is None
            else frame.with_columns(pl.lit(v).alias(k) for k, v in missing.items() if k not in frame.columns)
        )
        return build(
            pl.DataFrame(history, schema={"location": pl.String, "date": pl.Date, "value": pl.Float64}),
            status_changes(frame),
            pl.DataFrame(trust, infer_schema_length=None) if trust else TRUST.empty(),
            FORECASTS.empty() if forecasts is None else forecasts,
            scheme,
            Meta(**(facts | meta)),
            table if places is None else places,
            shapes,
        )

    return made
