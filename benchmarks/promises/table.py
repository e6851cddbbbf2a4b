"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    busy = "" if result["quiet"] else " The machine was busy with other work, so that the wall time says little."
    lines = [
        "",
        "## From records, or a table, to a bulletin",
        "",
        f"Goal: under three minutes each on {result['cores_used']} cores, PDF included.{busy} (`{result['command']}`)",
        "",
        "| command | wall s | CPU s | peak MB | load before |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{found['command']}` | {found['wall_s']:.0f} of {found['limit_s']} | {found['cpu_s']:.0f} | "
        f"{found['peak_rss_mb']} | {found['load_before']:.1f} |"
        for found in result["promises"].values()
    ]
    return [*lines, ""]
