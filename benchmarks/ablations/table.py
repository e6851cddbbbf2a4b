"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

import numpy as np

BASES = ("as it is", "a smaller pool", "one network, all places")
"""What the variants below each are to be held against."""


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    tasks = result["tasks"]
    lines = [
        "## What each choice of the default model is worth",
        "",
        "The same forecasts with one choice undone, fitted once before the first: Japan's HFMD and influenza in 2017, "
        "every other week, and US admissions of 2022-23. WIS over persistence's on the fourth-root scale (log scale in "
        "brackets), 95 % coverage after the bar; the last column is the geometric mean beside that of the row in bold "
        "above: over 1, the choice undone was worth having. What is learned otherwise is fitted with a smaller pool, "
        f"to spare time. (`{result['command']}`)",
        "",
        f"| one choice undone | {' | '.join(tasks)} | mean / as it is |",
        f"|---|{'---|' * len(tasks)}---|",
    ]
    first = next(iter(tasks.values()))
    anew = {name for name in first if name.startswith(("no ", "every row"))} - {"no network without the time of year"}
    bases = dict.fromkeys(anew, "a smaller pool") | {"one network a place": "one network, all places"}
    for base in BASES:
        rest = [name for name in first if bases.get(name, "as it is") == base and name not in BASES]
        for name in (base, *sorted(rest, key=lambda v: _mean(tasks, v))):
            cells = [_cell(found[name]) for found in tasks.values()]
            title = f"**{name}**" if name in BASES else name
            lines.append(f"| {title} | {' | '.join(cells)} | {_mean(tasks, name) / _mean(tasks, base):.3f} |")
    return [*lines, ""]


def _mean(tasks: dict[str, Any], name: str) -> float:
    return float(np.exp(np.mean([np.log(found[name]["wis_ratio"]) for found in tasks.values()])))


def _cell(at: dict[str, Any]) -> str:
    return f"{at['wis_ratio']:.3f} ({at['log_wis_ratio']:.3f}) \\| {at['coverage95']:.3f}"
