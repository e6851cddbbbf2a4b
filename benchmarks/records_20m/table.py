"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    load, fhir = result["load"], result["fhir"]
    lines = [
        "",
        "## Twenty million visits across the wall",
        "",
        f"{result['rows']:,} visits of Parquet line lists ingested, de-identified, counted, released and certified on "
        f"{result['machine']['cores_used']} cores: {result['cpu_s']:.0f} CPU s, {result['wall_s']:.0f} s, "
        f"{result['peak_rss_mb']} MB at the peak. Goal: under 60 s and 2,000 MB. Load of the machine before and after: "
        f"{load['wall'][0]:.0f} and {load['wall'][1]:.0f}. "
        f"Reading every column of the files once: {result['decode_floor_cpu_s']:.1f} CPU s. (`{result['command']}`)",
        "",
        "| step | CPU s | s | peak MB |",
        "|---|---|---|---|",
    ]
    lines += [f"| {s['step']} | {s['cpu_s']:.1f} | {s['wall_s']:.1f} | {s['peak_rss_mb']} |" for s in result["steps"]]
    lines += [
        "",
        f"Other sizes (load {load['scaling'][0]:.0f}, which lengthens CPU seconds too):",
        "",
        "| visits | CPU s | CPU s a million | s | peak MB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {at['rows']:,} | {at['cpu_s']:.0f} | {at['cpu_s'] / at['rows'] * 1e6:.1f} | {at['wall_s']:.0f} | "
        f"{at['peak_rss_mb']} |"
        for at in [*result["scaling"], result]
    ]
    lines += [
        "",
        f"FHIR: {fhir['ingest']['rows']:,} rows in {fhir['ingest']['cpu_s']:.1f} CPU s, "
        f"{fhir['speed_of_parsing']:.2f} times the speed at which DuckDB alone parses the same files "
        f"({fhir['duckdb_parses']['cpu_s']:.1f} CPU s; goal: 0.5). CPU s of its steps: "
        + "; ".join(f"{s['step']} {s['cpu_s']:.1f}" for s in fhir["ingest"]["steps"] if s["cpu_s"] >= 0.05)
        + ". What was tried stands in `benchmarks/records_20m/README.md`.",
        "",
        "One million visits. DuckDB and Polars count raw rows, with no surrogate, bound or guard. The extract "
        "(`salus records extract`, k = 11 alone) counts persons by their whole history; the packages get the same "
        f"{result['peers']['salus_extract']['rows']:,} visits with a listed syndrome and make (or measure) classes of "
        "11 rows by district, week, age group and sex, and are stopped after 90 CPU s:",
        "",
        "| | CPU s | peak MB | result |",
        "|---|---|---|---|",
    ]
    names = {
        "salus_count": "Salus, count alone",
        "duckdb_sql": "DuckDB SQL",
        "polars": "Polars",
        "salus_extract": "Salus, extract",
    }
    for name, at in result["peers"].items():
        if "cpu_s" not in at:
            lines.append(f"| {names.get(name, name)} | | | {at['left_out']} |")
            continue
        told = {k: v for k, v in at.items() if k not in ("rows", "wall_s", "cpu_s", "peak_rss_mb")}
        said = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in told.items())
        lines.append(f"| {names.get(name, name)} | {at['cpu_s']:.1f} | {at['peak_rss_mb']} | {said} |")
    return [*lines, ""]
