"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    simulated, england = result["simulated"], result["england"]
    lines = [
        "",
        "## Prevalence of airflow obstruction in areas",
        "",
        f"{simulated['provinces']} simulated provinces with known truth; {simulated['people']:,} people blow in "
        f"{simulated['districts_surveyed']} of 18 districts. Intervals of {result['level']:.0%}. "
        f"(`{result['command']}`)",
        "",
        "| districts | areas | true prevalence | bias | RMSE | of the survey's own share | coverage | gap: bias |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in ("surveyed", "not surveyed", "all"):
        at = simulated[name]
        own = at["rmse_of_the_surveys_own_share"]
        lines.append(
            f"| {name} | {at['areas']} | {at['true_prevalence']:.1%} | {at['bias']:+.2%} | {at['rmse']:.2%} | "
            f"{'' if own is None else f'{own:.2%}'} | {at['coverage']:.1%} | {at['gap_bias_share']:+.1%} |"
        )
    return [
        *lines,
        "",
        f"England's registers, {england['areas']} districts, {england['blocks']} blocks of neighbours left out: "
        f"COPD's registered prevalence from the other conditions correlates {england['correlation']:.2f} with the true "
        f"one (ranks {england['rank_correlation']:.2f}), mean error {england['mean_absolute_error']:.2%} against "
        f"{england['mean_absolute_error_of_the_mean']:.2%} for the mean; intervals of {england['level']:.0%} hold "
        f"{england['coverage']:.1%}.",
        "",
    ]
