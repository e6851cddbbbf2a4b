"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

ESTIMATES = {
    "by_survey": "survey that asked for a diagnosis",
    "by_survey_and_register": "survey that asked, and register",
    "cases_less_registered": "cases less registered",
}


def _held(at: dict[str, Any]) -> str:
    """Coverage with its standard error."""
    return f"{at['coverage']:.1%} (± {at['coverage_standard_error']:.1%})"


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
        "| districts | areas | true prevalence | bias | RMSE | of the survey's own share | coverage |",
        "|---|---|---|---|---|---|---|",
    ]
    names = ("surveyed", "not surveyed", "all")
    for name in names:
        at = simulated[name]
        own = at["rmse_of_the_surveys_own_share"]
        lines.append(
            f"| {name} | {at['areas']} | {at['true_prevalence']:.1%} | {at['bias']:+.2%} | {at['rmse']:.2%} | "
            f"{'' if own is None else f'{own:.2%}'} | {_held(at)} |"
        )
    lines += [
        "",
        f"Undiagnosed cases, where {simulated['told_share_of_cases']:.0%} of the cases have a diagnosis and "
        f"{simulated['share_of_told_without_obstruction']:.0%} of the diagnosed have no obstruction (shares of NHANES "
        "2007-2010); the register has four fifths of them. Cases less registered are no estimate of them: what a "
        "register tells where the survey did not ask.",
        "",
        "| districts | estimate | bias | RMSE, of all people | coverage |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        for key, label in ESTIMATES.items():
            at = simulated[name]["undiagnosed"][key]
            lines.append(f"| {name} | {label} | {at['bias_share']:+.1%} | {at['rmse_share']:.2%} | {_held(at)} |")
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
