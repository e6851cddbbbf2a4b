"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

EARLIER = " LightGBM, the boosting machine and their average are of an earlier run, without the waist."


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    rows = [row for row in result["rows"] if row["subgroup"] == "all"]
    lines = [
        "",
        "## Airflow obstruction: our models, other models, questionnaires",
        "",
        f"NHANES 2007-2010, {result['people']:,} people of 40 to 79, weighted; each scored by models of the other "
        "cycle; bounds over the survey's design. Questionnaires (cdq, puma, lfq) are approximated from NHANES items. "
        "Goals on years kept aside, which these are not: AUROC .84 and .935 with peak flow for y_mod, .765 and .855 "
        "for y_lln12; slope .9 to 1.1; sensitivity .56. Subgroups, missing answers, a home meter and pictures: "
        f"[the card](copd_card.md). (`{result['command']}`)"
        + ("" if result["challengers_of"] == "this run" else EARLIER),
        "",
        "| outcome | scored by | AUROC | slope | intercept | sensitivity at 90 % specificity | net benefit at .05, "
        ".10, .20, .30 |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures = [row[name] for name in ("slope", "intercept", "sensitivity_at_90_specificity")]
        shown = " | ".join("-" if value is None else f"{value:.3f}" for value in figures)
        worth = ", ".join(f"{row['net_benefit'][t]:.4f}" for t in ("0.05", "0.10", "0.20", "0.30"))
        lines.append(
            f"| {row['outcome']} | {row['scorer']} | {row['auroc']:.3f} [{row['auroc_lower']:.3f}, "
            f"{row['auroc_upper']:.3f}] | {shown} | {worth} |"
        )
    lines += ["", "Fewer spirometries at the sensitivity of the approximated Lung Function Questionnaire:", ""]
    lines += ["| outcome | tier | sensitivity | fewer | goal |", "|---|---|---|---|---|"]
    for row in result["fewer_spirometries"]:
        lines.append(
            f"| {row['outcome']} | {row['tier']} | {row['sensitivity']:.3f} | {row['fewer']:.1%} [{row['lower']:.1%}, "
            f"{row['upper']:.1%}] | {row['goal']:.0%} |"
        )
    return [*lines, ""]
