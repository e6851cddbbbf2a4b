"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## Nowcasts of the last weeks",
        "",
        "What the last four weeks of US influenza admissions read on each round's Saturday, against what they read at "
        "the season's end: WIS of the nowcast over the absolute error of the first release, under 1 is better, and "
        "that error after multiplying by the mean ratio of past revisions. Simulated triangle: 40 to 80 % are reported "
        f"in the first week, the rest in the three after. (`{result['command']}`)",
        "",
        "| data | weeks ago | nowcast / first release | log scale | cover 95 % | mean ratio / first release |",
        "|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        lines += [
            f"| US {season} | {row['weeks_ago']} | {row['wis_ratio']:.3f} | {row['log_wis_ratio']:.3f} | "
            f"{row['coverage95']:.3f} | {row['mean_ratio_error']:.3f} |"
            for row in found["last_weeks"]
        ]
    lines += [
        f"| simulated | {row['weeks_ago']} | {row['wis_ratio']:.3f} | | {row['coverage95']:.3f} | |"
        for row in result["triangle"]["weeks"]
    ]
    lines += [
        "",
        "Forecasts one to four weeks ahead that start from nowcasts, WIS over that from first releases. On US "
        "admissions they are no better, so `--nowcast auto` starts from first releases there; on the simulated "
        f"triangle it starts from nowcasts: persistence {result['triangle']['persistence_wis_ratio']:.3f}.",
        "",
        "| season | model | WIS | log scale | cover 95 % (from first releases) | days on which auto takes nowcasts |",
        "|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        lines += [
            f"| {season} | {model} | {at['wis_ratio']:.3f} | {at['log_wis_ratio']:.3f} | {at['coverage95']:.3f} "
            f"({at['plain_coverage95']:.3f}) | {at['share_auto']:.0%} |"
            for model, at in found["forecasts"].items()
        ]
    return [*lines, ""]
