"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    lines = [
        "## The first models",
        "",
        "Forecasts made by `salus backtest` from what was known on each day, scored by referees that share no code "
        "with Salus. Skill: ratio of summed WIS, under 1 is better; in brackets 95 % bounds, blocks of 8 weeks. "
        "Changes: weeks in which the level changed, and the share of them that was called.",
    ]
    titles = {
        "hfmd_2022_2023": "Japan, 47 prefectures, HFMD, 2022-2023, against persistence on the root scale",
        "influenza_2022_2023": "Japan, 47 prefectures, influenza, 2022-2023, against persistence on the root scale",
    }
    for task, title in titles.items():
        lines += ["", f"### {title}", ""]
        lines += [
            "| model | h1 | h2 | h3 | h4 | cover 50 / 95 %, h1 | level right, h1 (no change) | changes called | CPU s |"
        ]
        lines += ["|---|---|---|---|---|---|---|---|---|"]
        models = result["tasks"][task]
        for name in sorted(models, key=lambda m: models[m]["horizons"]["h1"]["wis_ratio"]):
            at = models[name]["horizons"]
            first = at["h1"]
            cells = [f"{at[h]['wis_ratio']:.3f}" for h in ("h1", "h2", "h3", "h4")]
            cells[0] += f" [{first['bounds'][0]:.2f}, {first['bounds'][1]:.2f}]"
            cells.append(f"{first['coverage50']:.3f} / {first['coverage95']:.3f}")
            cells.append(f"{first['status_accuracy']:.1%} ({first['persistence_status_accuracy']:.1%})")
            cells.append(f"{first['changes_called']:.0%} of {first['changes']}")
            cells.append(str(models[name]["cpu_seconds"]))
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "### United States, influenza admissions, 2023-24, 53 places, as-of data, against the FluSight hub",
        "",
    ]
    lines += [
        "| model | / FluSight-ensemble, natural | log | / UMass-flusion, natural | log | cover 50 / 95 % | CPU s |"
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    models = result["tasks"]["us_2023_24"]
    for name in sorted(models, key=lambda m: models[m]["peers"]["FluSight-ensemble"]["wis_ratio"]):
        hub, best = (models[name]["peers"][p] for p in ("FluSight-ensemble", "UMass-flusion"))
        lines.append(
            f"| {name} | {hub['wis_ratio']:.3f} [{hub['bounds'][0]:.2f}, {hub['bounds'][1]:.2f}] | "
            f"{hub['log_wis_ratio']:.3f} | {best['wis_ratio']:.3f} | {best['log_wis_ratio']:.3f} | "
            f"{models[name]['coverage50']:.3f} / {models[name]['coverage95']:.3f} | {models[name]['cpu_seconds']} |"
        )
    return [*lines, ""]
