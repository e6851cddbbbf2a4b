"""`salus copd`: find people with undiagnosed airflow obstruction; train, judge and calibrate the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from salus.cli import options
from salus.copd import recalibration, training, validation
from salus.copd.model import OUTCOMES
from salus.copd.model_items import TIERS
from salus.data.output import replaced_file, replaced_folder
from salus.data.provenance import command_line, run_record
from salus.reports import copd_card

app = typer.Typer(
    name="copd", help="Airflow obstruction: case-finding, never screening of everybody.", no_args_is_help=True
)

PeopleArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="People with spirometry, columns as in the COPD data dictionary (CSV, Parquet).",
        readable=False,
    ),
]
OutcomeOption = Annotated[str, typer.Option(help="y_mod, y_lln12, y_llngl, y_070 or y_post070.")]
TierOption = Annotated[str, typer.Option(help="A by questionnaire, B with peak flow.")]


@app.command("train", epilog="Example: salus copd train people.parquet --out models")
def train(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="People with spirometry, columns as in the COPD data dictionary; or the tables of NHANES as `salus "
            "data pull nhanes` writes them, one file each.",
            readable=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the models, a JSON file each.")],
    outcome: Annotated[list[str] | None, typer.Option(help="Only this outcome; repeatable.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="Only this tier, A or B; repeatable.")] = None,
) -> None:
    """Train the models, the penalty chosen by leaving one survey cycle out; the same files give the same models."""
    asked = {"outcome": outcome or list(OUTCOMES), "tier": tier or list(TIERS)}
    models = training.train_files(files, asked["outcome"], asked["tier"])
    with replaced_folder(out) as part:
        record = run_record("copd train", list(files), asked, typed=command_line())
        (part / "run.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        for model in models:
            (part / model.file_name).write_text(model.as_text(), encoding="utf-8")
    for model in models:
        known = model.provenance
        typer.echo(
            f"{model.file_name}: {known['people']:,} people, {known['events']:,} with the outcome, penalty "
            f"{known['penalty']:g}, on the guides {known['guide_penalty']:g}"
        )


@app.command("validate", epilog="Example: salus copd validate people.parquet --json")
def validate(
    people: PeopleArgument,
    model: Annotated[
        Path | None, typer.Option(help="A model's file, in place of the packaged models.", readable=False)
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Judge the packaged models and questionnaires on people aged 40 to 79 with spirometry, by subgroup."""
    found = validation.validate_file(people, model=model)
    for note in found.notes:
        typer.echo(f"Note: {note}", err=True)
    if as_json:
        typer.echo(json.dumps(found.rows, indent=1))
        return
    typer.echo(validation.shown(found.rows))


@app.command("recalibrate", epilog="Example: salus copd recalibrate ours.csv --where 'Yuzhong, 2026' --out ours.json")
def recalibrate(
    people: PeopleArgument,
    where: Annotated[str, typer.Option(help="Place and time of these people; stands in the model's label.")],
    out: Annotated[Path, typer.Option(help="Model's file to write, in JSON.")],
    outcome: OutcomeOption = "y_mod",
    tier: TierOption = "A",
) -> None:
    """Fit intercept and slope of a packaged model to your own people; refused where they are too few."""
    model = recalibration.recalibrate_file(people, where, outcome=outcome, tier=tier)
    with replaced_file(out) as part:
        part.write_text(model.as_text(), encoding="utf-8")
    known = model.calibration
    for note in known["notes"]:
        typer.echo(f"Note: {note}", err=True)
    typer.echo(
        f"{model.label}: slope {known['slope']:.2f} (standard error {known['slope_error']:.2f}), intercept "
        f"{known['intercept']:.2f} ({known['intercept_error']:.2f}), {known['events']:,} with the outcome. Wrote {out}"
    )


@app.command("card", epilog="Example: salus copd card --out card.html --lang zh")
def card(
    out: Annotated[Path, typer.Option(help="Web page to write.")],
    lang: Annotated[str, typer.Option(help="Language: en or zh.")] = "en",
) -> None:
    """Write the card of the models: intended use, figures, groups, TRIPOD+AI and PROBAST+AI, duties of a deployer."""
    copd_card.write(out, lang)
    typer.echo(f"Wrote {out}")
