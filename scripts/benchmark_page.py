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
    parts = [
        *_sentinel(_read("sentinel")),
        *_flusight(_read("flusight")),
        *_first_models(_read("first_models")),
        *_nowcast(_read("nowcast")),
        *_peaks(_read("peaks")),
        *_coherence(_read("coherence")),
        *_simulator(_read("simulator")),
        *_promises(_read("promises")),
        *_copd(_read("copd")),
        *_records(_read("records_20m")),
        *_copd_area(_read("copd_area")),
        *_copd_scale(_read("copd_scale")),
    ]
    return "\n".join([INTRODUCTION, *parts]).rstrip() + "\n"


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BENCHMARKS / name / "result.json").read_text(encoding="utf-8"))
    return content


def _sentinel(result: dict[str, Any]) -> list[str]:
    lines = [
        "## Japan's prefectures, the default model",
        "",
        "HFMD and influenza per sentinel site in 47 prefectures, forecast every week from what was known, fitted once "
        "a year. Ratio of summed WIS to persistence on the fourth-root scale, under 1 is better; in brackets 95 % "
        "bounds, blocks of 8 weeks. Level right: beside that of no change. Goals (h1, h4): HFMD .60, .47 in 2018-2019 "
        "and .74, .68 in 2022-2023; influenza .55, .46 and .95, .90; ranges of 95 % that hold .92 to .97. "
        f"(`{result['command']}`)",
        "",
        "| window | h | / persistence | log scale | cover 50 % | 95 % | level right (no change) | changes called |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for window, found in result["windows"].items():
        disease, first, last = window.split("_")
        for h, at in found["horizons"].items():
            lines.append(
                f"| {disease} {first}-{last} | {h[1:]} | {at['wis_ratio']:.3f} [{at['bounds'][0]:.2f}, "
                f"{at['bounds'][1]:.2f}] | {at['log_wis_ratio']:.3f} | {at['coverage50']:.3f} | "
                f"{at['coverage95']:.3f} | {at['status_accuracy']:.1%} ({at['persistence_status_accuracy']:.1%}) | "
                f"{at['changes_called']:.0%} of {at['changes']} |"
            )
    cost = max(found["cpu_seconds"] for found in result["windows"].values())
    memory = max(found["peak_rss_mb"] for found in result["windows"].values())
    return [*lines, "", f"A window of 105 weeks with two fits takes at most {cost} CPU s and {memory} MB.", ""]


def _flusight(result: dict[str, Any]) -> list[str]:
    lines = [
        "## US influenza admissions, the default model",
        "",
        "53 places, from the vintages known on each round's Saturday, fitted once a season. Ratio of summed WIS on the "
        "tasks that both answered, under 1 is better. Goals: geometric mean to the ensemble .75 natural and .82 log, "
        "each season under .95, at most 1 of the season's best team; cover .93 to .97. The season 2024-25 is kept for "
        f"one look at the end. (`{result['command']}`)",
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
    mean = result["geometric_mean"]
    cost = max(found["cpu_seconds"] for found in result["seasons"].values())
    return [
        *lines,
        "",
        f"Geometric mean to the ensemble: {mean['wis_ratio']:.3f} natural, {mean['log_wis_ratio']:.3f} log. A season "
        f"takes at most {cost} CPU s.",
        "",
    ]


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
    return [*lines, ""]


def _nowcast(result: dict[str, Any]) -> list[str]:
    lines = [
        "## Nowcasts of the last weeks",
        "",
        "What the last four weeks of US influenza admissions read on each round's Saturday, against what they read at "
        "the season's end: WIS of the nowcast over the absolute error of the first release, under 1 is better, and "
        "that error after multiplying by the mean ratio of past revisions. Simulated triangle: 40 to 80 % are reported "
        f"in the first week, the rest in the three after. (`{result['command']}`)",
        "",
        "| data | weeks ago | nowcast / first release | log scale | cover 95 % | mean ratio / first release |",
        "|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        lines += [
            f"| US {season} | {row['weeks_ago']} | {row['wis_ratio']:.3f} | {row['log_wis_ratio']:.3f} | "
            f"{row['coverage95']:.3f} | {row['mean_ratio_error']:.3f} |"
            for row in found["last_weeks"]
        ]
    lines += [
        f"| simulated | {row['weeks_ago']} | {row['wis_ratio']:.3f} | | {row['coverage95']:.3f} | |"
        for row in result["triangle"]["weeks"]
    ]
    lines += [
        "",
        "Forecasts one to four weeks ahead that start from nowcasts, WIS over that from first releases. On US "
        "admissions they are no better, so `--nowcast auto` starts from first releases there; on the simulated "
        f"triangle it starts from nowcasts: persistence {result['triangle']['persistence_wis_ratio']:.3f}.",
        "",
        "| season | model | WIS | log scale | cover 95 % (from first releases) | days on which auto takes nowcasts |",
        "|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        lines += [
            f"| {season} | {model} | {at['wis_ratio']:.3f} | {at['log_wis_ratio']:.3f} | {at['coverage95']:.3f} "
            f"({at['plain_coverage95']:.3f}) | {at['share_auto']:.0%} |"
            for model, at in found["forecasts"].items()
        ]
    return [*lines, ""]


def _peaks(result: dict[str, Any]) -> list[str]:
    lines = [
        "## Week and size of the season's peak",
        "",
        "Japan's 47 prefectures, asked every four weeks of a season; past seasons as trajectories over climatology "
        "(weeks of all past peaks, sizes of the prefecture's own): ranked probability score of the week, WIS of the "
        "size, under 1 is better; on all days, and on those before the peak of most prefectures. Settings were chosen "
        f"on {' and '.join(result['chosen_on'])}. (`{result['command']}`)",
        "",
        "| season | week, all | before | size, all | before | size in 95 % range, all | before |",
        "|---|---|---|---|---|---|---|",
    ]
    for season, found in result["seasons"].items():
        every, early = found["all"], found["before_peak"]
        lines.append(
            f"| {season} | {every['week']:.2f} | {early['week']:.2f} | {every['size']:.2f} | {early['size']:.2f} | "
            f"{every['inside95']:.2f} | {early['inside95']:.2f} |"
        )
    return [*lines, ""]


def _coherence(result: dict[str, Any]) -> list[str]:
    ways = ("weighted", "follow the total", "minimum trace", "sum of parts")
    lines = [
        "## Forecasts that add up",
        "",
        "WIS (log scale in brackets) of a total and of its parts over that of the same forecasts left as they are. "
        "`--coherent` takes the first way: the total's forecast and the sum of its parts weighted by how near they "
        f"came lately. It is off by default: no way is better for every model and level. (`{result['command']}`)",
        "",
        f"| forecasts | level | {' | '.join(ways)} |",
        f"|---|---|{'---|' * len(ways)}",
    ]
    for race, found in sorted(result["races"].items()):
        for level in ("total", "parts"):
            at = found[level]
            shown = " | ".join(f"{at[way]['wis_ratio']:.3f} ({at[way]['log_wis_ratio']:.3f})" for way in ways)
            lines.append(f"| {race} | {level} | {shown} |")
    return [*lines, ""]


def _simulator(result: dict[str, Any]) -> list[str]:
    return [
        "## The simulator",
        "",
        f"{result['rows']:,} encounters in {result['cpu_seconds']:.0f} CPU s, {result['peak_rss_mb']} MB at the peak: "
        f"{result['cpu_times_the_limit']} times the processor time of reading and writing the same files once. "
        f"(`{result['command']}`)",
    ]


def _records(result: dict[str, Any]) -> list[str]:
    load, fhir = result["load"], result["fhir"]
    lines = [
        "",
        "## Twenty million visits across the wall",
        "",
        f"{result['rows']:,} visits of Parquet line lists ingested, de-identified, counted, released and certified on "
        f"{result['machine']['cores_used']} cores: {result['cpu_s']:.0f} CPU s, {result['wall_s']:.0f} s, "
        f"{result['peak_rss_mb']} MB at the peak. Goal: under 60 s and 2,000 MB. The load of the machine was "
        f"{load['wall'][0]:.0f} to {load['wall'][1]:.0f}, so that seconds of processor time count here, and those are "
        "longer than on a quiet one too. "
        f"Reading every column of the files once: {result['decode_floor_cpu_s']:.1f} CPU s. (`{result['command']}`)",
        "",
        "| step | CPU s | s | peak MB |",
        "|---|---|---|---|",
    ]
    lines += [f"| {s['step']} | {s['cpu_s']:.1f} | {s['wall_s']:.1f} | {s['peak_rss_mb']} |" for s in result["steps"]]
    lines += ["", "| visits | CPU s | CPU s a million | s | peak MB |", "|---|---|---|---|---|"]
    lines += [
        f"| {at['rows']:,} | {at['cpu_s']:.0f} | {at['cpu_s'] / at['rows'] * 1e6:.1f} | {at['wall_s']:.0f} | "
        f"{at['peak_rss_mb']} |"
        for at in [*result["scaling"], result]
    ]
    lines += [
        "",
        f"FHIR: {fhir['ingest']['rows']:,} rows in {fhir['ingest']['cpu_s']:.1f} CPU s, "
        f"{fhir['speed_of_parsing']:.2f} times the speed at which DuckDB alone parses the same files (goal: 0.5).",
        "",
        "One million visits. DuckDB and Polars count raw rows, with no surrogate, bound or guard; packages make (or "
        "measure) rows in classes of 11 by district, week, age and sex, which lose information before anything is "
        "counted:",
        "",
        "| | CPU s | peak MB | result |",
        "|---|---|---|---|",
    ]
    names = {"salus_count": "Salus, count alone", "duckdb_sql": "DuckDB SQL", "polars": "Polars"}
    for name, at in result["peers"].items():
        if "cpu_s" not in at:
            lines.append(f"| {names.get(name, name)} | | | {at['left_out']} |")
            continue
        told = {k: v for k, v in at.items() if k not in ("rows", "wall_s", "cpu_s", "peak_rss_mb")}
        said = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in told.items())
        lines.append(f"| {names.get(name, name)} | {at['cpu_s']:.1f} | {at['peak_rss_mb']} | {said} |")
    return [*lines, ""]


def _copd(result: dict[str, Any]) -> list[str]:
    rows = [row for row in result["rows"] if row["subgroup"] == "all"]
    lines = [
        "",
        "## Airflow obstruction: our models, other models, questionnaires",
        "",
        f"NHANES 2007-2010, {result['people']:,} people of 40 to 79, weighted; each scored by models of the other "
        "cycle; bounds over the survey's design. Questionnaires (cdq, puma, lfq) are approximated from NHANES items. "
        "Goals on years kept aside, which these are not: AUROC .84 and .935 with peak flow for y_mod, .765 and .855 "
        "for y_lln12; slope .9 to 1.1; sensitivity .56. Subgroups, missing answers, a home meter and pictures: "
        f"[the card](copd_card.md). (`{result['command']}`)",
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


def _copd_scale(result: dict[str, Any]) -> list[str]:
    machine, idle = result["machine"], result["seconds_of_20_million_on_two_idle_cores"]
    return [
        "",
        "## Twenty million people assessed",
        "",
        f"{result['rows']:,} people from Parquet into Parquet, each scored with its interval or refused with its "
        f"reasons ({result['refused']:,}): {result['cpu_seconds']:.0f} CPU s, {result['peak_rss_mb']:,} MB. Goal: "
        f"under 60 s on two cores; these CPU seconds make {idle:.0f} s on two idle ones, but the machine's load was "
        f"{machine['load_before']:.0f} on {machine['cores']} cores ({result['seconds']:.0f} s on the clock), which "
        "lengthens CPU seconds too. Reading and writing the same rows and doing nothing: "
        f"{result['limit_cpu_seconds']:.0f} CPU s. (`{result['command']}`)",
        "",
    ]


def _copd_area(result: dict[str, Any]) -> list[str]:
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


def _promises(result: dict[str, Any]) -> list[str]:
    busy = "" if result["quiet"] else " The machine was busy with other work, so that the wall time says little."
    lines = [
        "",
        "## From records, or a table, to a bulletin",
        "",
        f"Goal: under three minutes each on {result['cores_used']} cores, PDF included.{busy} (`{result['command']}`)",
        "",
        "| command | wall s | CPU s | peak MB | load before |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{found['command']}` | {found['wall_s']:.0f} of {found['limit_s']} | {found['cpu_s']:.0f} | "
        f"{found['peak_rss_mb']} | {found['load_before']:.1f} |"
        for found in result["promises"].values()
    ]
    return [*lines, ""]


def main() -> None:
    """Write or check the page."""
    fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == benchmarks_page()
    if "--check" in sys.argv and not fresh:
        sys.exit("docs/benchmarks.md is out of date. Run `make docs`.")
    if not fresh:
        PAGE.write_text(benchmarks_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
