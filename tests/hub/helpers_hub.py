"""A hub that does not exist, with tasks in the manner of FluSight, and submissions to it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl

from salus.tables.contracts import LEVELS

CATEGORIES = ["large_decrease", "decrease", "stable", "increase", "large_increase"]
ROUND = dt.date(2024, 1, 6)
PLACES = ["US", "01", "02"]
COLUMNS = ["reference_date", "target", "horizon", "location", "target_end_date"]
VERSION = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v{}/tasks-schema.json"


def days(first: dt.date, count: int) -> list[str]:
    return [(first + dt.timedelta(days=7 * k)).isoformat() for k in range(count)]


def task(target: str, output: dict[str, Any], kind: str, ids: dict[str, Any], *, step: bool = True) -> dict[str, Any]:
    about = {
        "target_id": target, "target_name": target, "target_units": "count", "target_keys": {"target": target},
        "target_type": kind, "is_step_ahead": step,
    }  # fmt: skip
    if step:
        about["time_unit"] = "week"
    return {"task_ids": ids, "output_type": output, "target_metadata": [about]}


def flusight(
    rounds: list[str] | None = None,
    places: list[str] | None = None,
    *,
    whole: bool = False,
    version: str = "4.0.0",
    samples: int | None = 100,
    required: dict[str, list[Any]] | None = None,
    quantile_required: bool = False,
) -> dict[str, Any]:
    """Tasks of weekly admissions (quantiles, samples), rate change (pmf), peak size and peak week."""
    rounds, places = rounds or days(ROUND, 5), places or PLACES
    needed = required or {}
    old = int(version[0]) < 4
    first = dt.date.fromisoformat(rounds[0])
    ends = days(first - dt.timedelta(days=7), (dt.date.fromisoformat(rounds[-1]) - first).days // 7 + 5)

    def allowed(name: str, values: list[Any]) -> dict[str, Any]:
        must = [v for v in needed.get(name, []) if v in values] or None
        rest = [v for v in values if v not in (must or [])]
        return {"required": must, "optional": rest or None}

    def ids(target: str, *, step: bool = True, first_horizon: int = -1) -> dict[str, Any]:
        none = {"required": None, "optional": None}
        return {
            "reference_date": {"required": None, "optional": rounds},
            "target": allowed("target", [target]),
            "horizon": allowed("horizon", list(range(first_horizon, 4))) if step else none,
            "location": allowed("location", places),
            "target_end_date": {"required": None, "optional": ends} if step else none,
        }

    def listed(values: list[Any]) -> dict[str, Any]:
        return {"required": values, "optional": None} if old else {"required": values}

    count: dict[str, Any] = {"type": "integer" if whole else "double", "minimum": 0}
    chance = {"type": "double", "minimum": 0, "maximum": 1}
    later = {} if old else {"is_required": False}
    weekly: dict[str, Any] = {"quantile": {"output_type_id": listed(list(LEVELS)), "value": count, **later}}
    if not old:
        weekly["quantile"]["is_required"] = quantile_required
    if samples:
        params = {
            "type": "character", "max_length": 15, "min_samples_per_task": samples, "max_samples_per_task": samples,
            "compound_taskid_set": ["reference_date", "target", "location"],
        }  # fmt: skip
        if old:
            params["is_required"] = False
        weekly["sample"] = {"output_type_id_params": params, "value": {"type": "integer", "minimum": 0}, **later}
    if int(version[0]) >= 5:
        weekly["mean"] = {"output_type_id": {"required": None}, "value": count, **later}
    pmf = {"pmf": {"output_type_id": listed(CATEGORIES), "value": chance, **later}}
    peak = {"quantile": {"output_type_id": listed(list(LEVELS)), "value": count, **later}}
    week = {"pmf": {"output_type_id": listed(ends), "value": chance, **later}}
    size, when = (ids(f"peak {name}inc flu hosp", step=False) for name in ("", "week "))
    found: dict[str, Any] = {
        "schema_version": VERSION.format(version),
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "reference_date",
                "model_tasks": [
                    task("wk flu hosp rate change", pmf, "ordinal", ids("wk flu hosp rate change", first_horizon=0)),
                    task("wk inc flu hosp", weekly, "continuous", ids("wk inc flu hosp")),
                    task("peak inc flu hosp", peak, "continuous", size, step=False),
                    task("peak week inc flu hosp", week, "nominal", when, step=False),
                ],
                "submissions_due": {"relative_to": "reference_date", "start": -6, "end": -3},
            }
        ],
    }
    if not old:
        found["derived_task_ids"] = ["target_end_date"]
        found["output_type_id_datatype"] = "auto"
    return found


def write_tasks(folder: Path, tasks: dict[str, Any]) -> Path:
    path = folder / "hub-config" / "tasks.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def week(round_: dt.date, horizon: int) -> dt.date:
    return round_ + dt.timedelta(days=7 * horizon)


def rows_of(round_: dt.date = ROUND, samples: int = 100) -> pl.DataFrame:
    """A whole submission as text: quantiles, samples, rate change and peaks of three places."""
    rows: list[tuple[Any, ...]] = []
    for place in PLACES:
        for h in range(-1, 4):
            task_ = (round_, "wk inc flu hosp", h, place, week(round_, h))
            rows += [(*task_, "quantile", f"{t:g}", 100 + 50 * h + 200 * t) for t in LEVELS]
            rows += [(*task_, "sample", f"{place}{k:02d}", 100 + k) for k in range(samples)]
        for h in range(4):
            task_ = (round_, "wk flu hosp rate change", h, place, week(round_, h))
            rows += [(*task_, "pmf", c, 0.2) for c in CATEGORIES]
        rows += [(round_, "peak inc flu hosp", None, place, None, "quantile", f"{t:g}", 900 * t) for t in LEVELS]
        weeks = days(ROUND - dt.timedelta(days=7), 9)
        rows += [(round_, "peak week inc flu hosp", None, place, None, "pmf", w, 1 / len(weeks)) for w in weeks]
    names = [*COLUMNS, "output_type", "output_type_id", "value"]
    return pl.DataFrame([[None if v is None else str(v) for v in r] for r in rows], schema=names, orient="row")


def write_rows(root: Path, rows: pl.DataFrame, name: str | None = None, folder: str = "delta-grove") -> Path:
    path = root / "model-output" / folder / (name or f"{ROUND}-delta-grove.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_csv(path, null_value="NA")
    return path
