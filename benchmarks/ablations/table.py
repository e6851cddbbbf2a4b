"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

import numpy as np


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    tasks = result["tasks"]
    lines = [
        "## What each choice of the default model is worth",
        "",
        "The same forecasts with one choice undone, fitted once before the first: Japan's HFMD and influenza in 2017, "
        "every other week, and US admissions of 2022-23. WIS over persistence's on the fourth-root scale (log scale in "
        "brackets), 95 % coverage after the bar; the last column is the geometric mean beside that of the model as it "
        f"is: over 1, the choice helps. (`{result['command']}`)",
        "",
        f"| one choice undone | {' | '.join(tasks)} | mean / as it is |",
        f"|---|{'---|' * len(tasks)}---|",
    ]
    first = next(iter(tasks.values()))
    for name in sorted(first, key=lambda v: _mean(tasks, v)):
        cells = [_cell(found[name]) for found in tasks.values()]
        lines.append(f"| {name} | {' | '.join(cells)} | {_mean(tasks, name) / _mean(tasks, 'as it is'):.3f} |")
    return [*lines, ""]


def _mean(tasks: dict[str, Any], name: str) -> float:
    return float(np.exp(np.mean([np.log(found[name]["wis_ratio"]) for found in tasks.values()])))


def _cell(at: dict[str, Any]) -> str:
    return f"{at['wis_ratio']:.3f} ({at['log_wis_ratio']:.3f}) \\| {at['coverage95']:.3f}"
