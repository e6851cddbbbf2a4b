"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

NAMES = {
    "season": "a season's backtest, trained on all histories",
    "week_with_training": "one week's forecast with training",
    "training_stored": "training, stored as a file",
    "week_from_stored_model": "one week's forecast from the stored model",
    "season_auto_arima": "AutoARIMA, each place alone: a season's backtest",
    "season_persistence": "persistence: a season's backtest",
}


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    skill = result["wis_over_flusight_ensemble"]
    lines = [
        "## Time of the forecasts",
        "",
        f"US influenza admissions of 2022-23, 53 places, four horizons, 23 quantiles, on {result['cores_used']} cores, "
        f"each command in a process of its own. (`{result['command']}`)",
        "",
        "| what | wall s | goal | CPU s | peak MB | load before |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in NAMES.items():
        at = result["runs"][name]
        goal = "" if at["limit_s"] is None else f"{at['limit_s']:.0f}"
        lines.append(
            f"| {title} | {at['wall_s']:.1f} | {goal} | {at['cpu_s']:.1f} | {at['peak_rss_mb']} | "
            f"{at['load_before']:.1f} |"
        )
    return [
        *lines,
        "",
        f"WIS over FluSight-ensemble of that season: {skill['combination']:.3f} for the default, "
        f"{skill['auto_arima']:.3f} for AutoARIMA, which takes {1 / result['season_over_auto_arima_cpu']:.2f} times "
        "the processor time.",
        "",
    ]
