"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## Week and size of the season's peak",
        "",
        "Japan's 47 prefectures, asked every four weeks of a season; past seasons as trajectories over climatology "
        "(weeks of all past peaks, sizes of the prefecture's own): ranked probability score of the week, WIS of the "
        "size, under 1 is better; on all days, and on those before the peak of most prefectures. Settings were chosen "
        f"on {' and '.join(result['chosen_on'])}. (`{result['command']}`)",
        "",
        "| season | week, all | before | size, all | before | size in 95 % range, all | before |",
        "|---|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        every, early = found["all"], found["before_peak"]
        lines.append(
            f"| {season} | {every['week']:.2f} | {early['week']:.2f} | {every['size']:.2f} | {early['size']:.2f} | "
            f"{every['inside95']:.2f} | {early['inside95']:.2f} |"
        )
    return [*lines, ""]
