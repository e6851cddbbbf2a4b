"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## What drivers add",
        "",
        "Pooled trees alone, fitted once before the window: summed WIS with drivers (`--driver`) over that without, "
        "under 1 is better; in brackets 95 % bounds. Share of what came inside the 95 % ranges, with and without. HFMD "
        "in Japan's 47 prefectures with temperature and humidity; exacerbations of COPD in 18 simulated districts, "
        "driven by cold and influenza by construction, with temperature and cases of influenza. "
        f"(`{result['command']}`)",
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
