"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    return [
        "## The simulator",
        "",
        f"{result['rows']:,} encounters in {result['cpu_seconds']:.0f} CPU s, {result['peak_rss_mb']} MB at the peak: "
        f"{result['cpu_times_the_limit']} times the processor time of reading and writing the same files once. "
        f"(`{result['command']}`)",
    ]
