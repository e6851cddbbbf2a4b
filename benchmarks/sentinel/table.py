"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## Japan's prefectures, the default model",
        "",
        "HFMD and influenza per sentinel site in 47 prefectures, forecast every week from what was known, fitted once "
        "a year. Ratio of summed WIS to persistence on the fourth-root scale, under 1 is better; in brackets 95 % "
        "bounds, blocks of 8 weeks. Level right: beside that of no change. Goals (h1, h4): HFMD .60, .47 in 2018-2019 "
        "and .74, .68 in 2022-2023; influenza .55, .46 and .95, .90; ranges of 95 % that hold .92 to .97. "
        f"(`{result['command']}`)",
        "",
        "| window | h | / persistence | log scale | cover 50 % | 95 % | level right (no change) | changes called |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for window, found in result["windows"].items():
        disease, first, last = window.split("_")
        for h, at in found["horizons"].items():
            lines.append(
                f"| {disease} {first}-{last} | {h[1:]} | {at['wis_ratio']:.3f} [{at['bounds'][0]:.2f}, "
                f"{at['bounds'][1]:.2f}] | {at['log_wis_ratio']:.3f} | {at['coverage50']:.3f} | "
                f"{at['coverage95']:.3f} | {at['status_accuracy']:.1%} ({at['persistence_status_accuracy']:.1%}) | "
                f"{at['changes_called']:.0%} of {at['changes']} |"
            )
    cost = max(found["cpu_seconds"] for found in result["windows"].values())
    memory = max(found["peak_rss_mb"] for found in result["windows"].values())
    return [*lines, "", f"A window of 105 weeks with two fits takes at most {cost} CPU s and {memory} MB.", ""]
