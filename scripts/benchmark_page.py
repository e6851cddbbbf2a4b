"""`docs/benchmarks.md`, made from the JSON of each benchmark by `make docs`; a test says when it is stale."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
PAGE = BENCHMARKS.parent / "docs" / "benchmarks.md"

INTRODUCTION = """# Benchmarks

Every figure here is made from `benchmarks/*/result.json` by `make docs`; the folder has the script that made it.
Real data are not part of the repository: the scripts find them by `SALUS_REAL_DATA`.
"""


def benchmarks_page() -> str:
    """The page."""
    return (
        "\n".join([INTRODUCTION, *_first_models(_read("first_models")), *_simulator(_read("simulator"))]).rstrip()
        + "\n"
    )


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BENCHMARKS / name / "result.json").read_text(encoding="utf-8"))
    return content


def _first_models(result: dict[str, Any]) -> list[str]:
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
    lines += ["", "The 95 % ranges of the pooled model are too narrow; calibration comes later.", ""]
    return lines


def _simulator(result: dict[str, Any]) -> list[str]:
    return [
        "## The simulator",
        "",
        f"{result['rows']:,} encounters in {result['cpu_seconds']:.0f} CPU s, {result['peak_rss_mb']} MB at the peak: "
        f"{result['cpu_times_the_limit']} times the processor time of reading and writing the same files once. "
        f"(`{result['command']}`)",
    ]


def main() -> None:
    """Write or check the page."""
    fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == benchmarks_page()
    if "--check" in sys.argv and not fresh:
        sys.exit("docs/benchmarks.md is out of date. Run `make docs`.")
    if not fresh:
        PAGE.write_text(benchmarks_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
