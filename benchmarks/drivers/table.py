"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## What weather adds",
        "",
        "Japan's 47 prefectures, pooled trees alone, fitted once before the window: summed WIS with temperature and "
        "humidity as drivers (`--driver`) over that without, under 1 is better; in brackets 95 % bounds. Share of what "
        f"came inside the 95 % ranges, with and without. (`{result['command']}`)",
        "",
        "| window | weeks ahead | with over without | inside 95 %, with | without |",
        "|---|---|---|---|---|",
    ]
    for window, horizons in result["windows"].items():
        for ahead, found in horizons.items():
            low, high = found["bounds"]
            lines.append(
                f"| {window} | {ahead} | {found['ratio']:.3f} ({low:.3f} to {high:.3f}) | {found['inside95']:.3f} | "
                f"{found['inside95_without']:.3f} |"
            )
    return [*lines, ""]
