"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    machine, idle = result["machine"], result["seconds_of_20_million_on_two_idle_cores"]
    return [
        "",
        "## Twenty million people assessed",
        "",
        f"{result['rows']:,} people from Parquet into Parquet, each scored with its interval or refused with its "
        f"reasons ({result['refused']:,}): {result['cpu_seconds']:.0f} CPU s, {result['peak_rss_mb']:,} MB. Goal: "
        f"under 60 s on two cores; these CPU seconds make {idle:.0f} s on two idle ones, but the machine's load was "
        f"{machine['load_before']:.0f} on {machine['cores']} cores ({result['seconds']:.0f} s on the clock), which "
        "lengthens CPU seconds too. Reading and writing the same rows and doing nothing: "
        f"{result['limit_cpu_seconds']:.0f} CPU s. (`{result['command']}`)",
        "",
    ]
