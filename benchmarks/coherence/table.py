"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    ways = ("weighted", "follow the total", "minimum trace", "sum of parts")
    lines = [
        "## Forecasts that add up",
        "",
        "WIS (log scale in brackets) of a total and of its parts over that of the same forecasts left as they are. "
        "`--coherent` takes the first way: the total's forecast and the sum of its parts weighted by how near they "
        f"came lately. It is off by default: no way is better for every model and level. (`{result['command']}`)",
        "",
        f"| forecasts | level | {' | '.join(ways)} |",
        f"|---|---|{'---|' * len(ways)}",
    ]
    for race, found in sorted(result["races"].items()):
        for level in ("total", "parts"):
            at = found[level]
            shown = " | ".join(f"{at[way]['wis_ratio']:.3f} ({at[way]['log_wis_ratio']:.3f})" for way in ways)
            lines.append(f"| {race} | {level} | {shown} |")
    return [*lines, ""]
