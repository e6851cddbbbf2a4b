"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

LEVELS = ("province", "prefecture", "district")


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    mean = result["mean_weekly_count"]
    lines = [
        "## What counts by age group and sex cost under differential privacy",
        "",
        f"{result['rows']:,} simulated visits, weekly counts of influenza and of hand, foot and mouth disease; epsilon "
        f"{result['epsilon']:g} a person and year in {result['contributions_per_person_year']} counts. Mean absolute "
        "error in persons; the mean count is "
        + ", ".join(f"{mean[level]:.0f} in a {level}" for level in LEVELS)
        + ". Cells are 7 age groups by 4 sexes, unknown ones too; they add up to the counts of places. "
        f"(`{result['command']}`)",
        "",
        "| broken down to | share of epsilon | counts of places: "
        + ", ".join(LEVELS)
        + " | by age group | by sex | cells |",
        "|---|---|---|---|---|---|",
    ]
    for made in result["policies"]:
        parts = [made["level"] or "nothing", f"{made['share']:g}" if made["share"] else ""]
        parts.append(", ".join(f"{made['places'][level]:.1f}" for level in LEVELS))
        for dimension in ("age_group", "sex", "age_sex"):
            found = made.get("breakdowns", {}).get(dimension, {})
            parts.append(", ".join(f"{found[level]:.1f}" for level in LEVELS if level in found))
        lines.append(f"| {' | '.join(parts)} |")
    quarter = next(m for m in result["policies"] if m["level"] == "district" and m["share"] == 0.25)["years"]
    lines += [
        "",
        "The last three columns are of the same kinds of place, as far down as they go. Counts that are never negative "
        "are too high where almost nobody is: persons of other sex, and those of unknown sex, are "
        f"{quarter['rare_exact']:.1f} a week in the province, and {quarter['rare_released']:.1f} each as released at a "
        "quarter down to districts. Sums of many are better made of the column `noisy` "
        f"({quarter['rare_noisy']:.1f}): a year by sex, {quarter['mean']:,.0f} persons in the mean, is off by "
        f"{quarter['noisy']:.0f} from it and by {quarter['released']:.0f} from the counts as released. "
        f"{result['cpu_seconds']} CPU s.",
    ]
    return [*lines, ""]
