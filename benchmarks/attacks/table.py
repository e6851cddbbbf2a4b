"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## Attacks on releases",
        "",
        f"{result['rows']:,} simulated visits, released under each policy of Salus and in plainer ways. Come back: "
        "counts left out that are known exactly, by subtraction (again and again), by linear programming over all "
        "tables at once, or to within ten. Known below 11: counts of 1 to 10 that are shown or come back exactly. "
        "Highest risk: "
        "one over the fewest persons in a count that is known (the European Medicines Agency accepts 0.09, one in "
        "eleven). Membership: advantage of who knows the weeks around, and share of persons whom somebody tells who "
        "knows all other records (under differential privacy: the most that epsilon allows). "
        f"(`{result['command']}`)",
        "",
        "| release | counts | left out | by subtraction | by programming | within ten | known below 11 | highest risk "
        "| membership | all others known |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, at in result["releases"].items():
        told = at["membership"]
        middle = "| | | | | |"
        if "highest_risk" in at:
            by_hand = "" if at["by_subtraction"] is None else f"{at['by_subtraction']:,}"
            numbers = " | ".join(f"{at[n]:,}" for n in ("by_linear_programming", "within_ten", "small_counts_known"))
            middle = f"| {by_hand} | {numbers} | {at['highest_risk']:.3f} |"
        who = f"Salus: {name}" if name in result["salus"] else name
        lines.append(
            f"| {who} | {at['counts']:,} | {at['left_out']:,} {middle} {told['advantage']:.1%} | "
            f"{told['knows_all_others']:.0%} |"
        )
    lines += [
        "",
        "Rows never leave; this is why. Persons who are alone with what is known of them, in the records and in the "
        "extract for use inside (`salus records extract`):",
        "",
        "| known | " + " | ".join(f"{n} visit{'s' if n > 1 else ''}" for n in (1, 2, 3)) + " |",
        "|---|---|---|---|",
    ]
    kinds = (
        ("records, all visits", result["records"]["trajectories"]),
        ("records, listed syndromes", result["extract"]["before"]),
        ("extract", result["extract"]["after"]),
    )
    for what, found in kinds:
        for also in (False, True):
            shares = " | ".join(f"{t['share']:.1%}" for t in found if t["also"] is also)
            known = "place and time" + (", age group and sex" if also else "")
            lines.append(f"| {what}: {known} | {shares} |")
    made = result["extract"]
    told = ", ".join(f"{column.replace('_', ' ')} ({step})" for column, step in made["coarseness"].items())
    lines += [
        "",
        f"The extract keeps {made['persons']:,} of {made['persons_seen']:,} persons ({made['rows']:,} rows) and tells "
        f"{told}: each person is one of {made['k_anonymity']} or more of the very same history, with "
        f"{made['l_diversity']} or more syndromes at each visit, at most {made['t_closeness']:.2f} from the whole. "
        f"{result['cpu_seconds']} CPU s in all.",
    ]
    return [*lines, ""]
