"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## US influenza admissions, the default model",
        "",
        "53 places, from the vintages known on each round's Saturday, fitted once a season. Ratio of summed WIS on the "
        "tasks that both answered, under 1 is better. Goals: geometric mean to the ensemble .75 natural and .82 log, "
        "each season under .95, at most 1 of the season's best team; cover .93 to .97. 2024-25 was looked at "
        f"once, at the end. (`{result['command']}`)",
        "",
        "| season | against | tasks | natural | log scale | our cover 50 % | 95 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        for peer, at in found["peers"].items():
            best = " (best of the season)" if peer == found["best"] else ""
            lines.append(
                f"| {season} | {peer}{best} | {at['tasks']} | {at['wis_ratio']:.3f} [{at['bounds'][0]:.2f}, "
                f"{at['bounds'][1]:.2f}] | {at['log_wis_ratio']:.3f} [{at['log_bounds'][0]:.2f}, "
                f"{at['log_bounds'][1]:.2f}] | {found['coverage50']:.3f} | {found['coverage95']:.3f} |"
            )
    mean, nation = result["geometric_mean"], result["nation"]
    cost = max(found["cpu_seconds"] for found in result["seasons"].values())
    return [
        *lines,
        "",
        f"Geometric mean to the ensemble: {mean['wis_ratio']:.3f} natural, {mean['log_wis_ratio']:.3f} log. Coverage "
        f"above is of the states; of the nation, over {nation['weeks']} weeks of all seasons, the range of 50 % holds "
        f"{nation['coverage50']:.3f} [{nation['coverage50_bounds'][0]:.2f}, {nation['coverage50_bounds'][1]:.2f}] and "
        f"that of 95 % {nation['coverage95']:.3f} [{nation['coverage95_bounds'][0]:.2f}, "
        f"{nation['coverage95_bounds'][1]:.2f}]. A season takes at most {cost} CPU s.",
        "",
    ]
