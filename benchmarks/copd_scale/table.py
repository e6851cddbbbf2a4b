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
        *_records(result["records"]),
    ]


def _records(found: dict[str, Any]) -> list[str]:
    return [
        f"From the record store: {found['persons']:,} persons with {found['visits']:,} visits behind a wall, their "
        f"features made by DuckDB, everybody of 45 and over scored: {found['seconds']:.0f} s (load before: "
        f"{found['load_before']:.1f}), {found['cpu_seconds']:.0f} CPU s, {found['peak_rss_mb']:,} MB. To take these "
        f"visits across the wall before: {found['ingest_seconds']:.0f} s.",
        "",
    ]
