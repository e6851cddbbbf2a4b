"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    machine = result["machine"]
    return [
        "",
        "## Twenty million people assessed",
        "",
        f"{result['rows']:,} people from Parquet into Parquet, each scored with its interval or refused with its "
        f"reasons ({result['refused']:,}): {result['seconds']:.0f} s on {machine['cores']} cores (load before: "
        f"{machine['load_before']:.1f}), {result['cpu_seconds']:.0f} CPU s, {result['peak_rss_mb']:,} MB. Goal: under "
        "60 s. Reading and writing the same rows and doing nothing: "
        f"{result['limit_cpu_seconds']:.0f} CPU s. (`{result['command']}`)",
        "",
    ]
