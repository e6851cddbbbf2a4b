"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

WAYS = {
    "suppression": "suppression",
    "suppression_rounded_to_5": "the same, rounded to 5",
    "differential_privacy": "differential privacy",
    "minimum_cell_alone": "minimum cell of 10 alone",
    "opensafely": "to 7 left out, rounded to 5",
    "gaussian_zcdp": "Gaussian noise (zCDP)",
}


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## What a release costs a forecast",
        "",
        "Japan's prefectures, 2013 to 2019, thinned case by case to so many cases a week; weighted interval score of a "
        "forecast from the release over that of the same from exact counts, as a change. The plain forecast is "
        'the certificate\'s ("no change", 1 and 4 weeks ahead); the one that learns is the network alone, fitted once '
        "before 2018. The first three ways are Salus's (epsilon "
        f"{result['epsilon']:g} a person and year in {result['contributions_per_person_year']} counts, over two levels "
        "of places); the others are plainer ways, of which the two that leave counts out do not guard those from being "
        "worked out (next section). Gaps are filled by one rule, with the middle of what is not shown; who fills them "
        f"better loses less. Forecasts inside use exact counts. (`{result['command']}`)",
        "",
        f"| disease, cases a week | forecast | left out | {' | '.join(WAYS.values())} |",
        f"|---|---|---|{'---|' * len(WAYS)}",
    ]
    for disease, sizes in result["diseases"].items():
        for size, ways in sizes.items():
            for model in ways["exact"]["cost"]:
                costs = " | ".join(f"{round(100 * ways[way]['cost'][model]):+d} %" for way in WAYS).replace(
                    "+0 %", "0 %"
                )
                name = {"plain": "plain", "network": "learns"}.get(model, model)
                gone = f"{ways['suppression']['left_out']:.0%}"
                lines.append(
                    f"| {disease.upper() if disease == 'hfmd' else disease}, {size} | {name} | {gone} | {costs} |"
                )
    lines += [
        "",
        "Below 10 cases a week noise costs less than gaps do; from 30 on no way costs much. "
        f"{result['cpu_seconds']} CPU s.",
    ]
    return [*lines, ""]
