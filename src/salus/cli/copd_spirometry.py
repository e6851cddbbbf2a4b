"""`salus copd spirometry`: FEV1 and FVC of one person or of a table, by three sets of reference equations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from salus.cli import options
from salus.cli.copd_assess import INSIDE, LangOption, summary
from salus.cli.copd_screen import show
from salus.copd import assess
from salus.copd.assessment import every_equation
from salus.copd.people import Tally
from salus.copd.people_files import batches, guard_output, write_rows
from salus.copd.spirometry import spirometry as read_table
from salus.copd.spirometry import spirometry_batches
from salus.copd.told import equation_rows, told
from salus.data.output import check_place
from salus.errors import InputError

_BODY = {"age": "--age", "sex": "--sex", "height_cm": "--height"}
_SESSIONS = ({"fev1_l": "--fev1", "fvc_l": "--fvc"}, {"post_fev1_l": "--post-fev1", "post_fvc_l": "--post-fvc"})


def spirometry(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Table with age, sex, height_cm, fev1_l, fvc_l and, where there are any, post_fev1_l, post_fvc_l, "
            "grades and group; without it one person by the options.",
            readable=False,
            show_default=False,
        ),
    ] = None,
    age: Annotated[str | None, typer.Option(metavar="YEARS", help="Age, with decimals where known.")] = None,
    sex: Annotated[str | None, typer.Option(help="Sex at birth: female or male.")] = None,
    height: Annotated[
        str | None, typer.Option(metavar="CM", help="Height without shoes; '5 ft 9' is read too.")
    ] = None,
    fev1: Annotated[str | None, typer.Option(metavar="LITRES", help="FEV1 before a bronchodilator.")] = None,
    fvc: Annotated[str | None, typer.Option(metavar="LITRES", help="FVC before a bronchodilator.")] = None,
    post_fev1: Annotated[str | None, typer.Option(metavar="LITRES", help="FEV1 after a bronchodilator.")] = None,
    post_fvc: Annotated[str | None, typer.Option(metavar="LITRES", help="FVC after a bronchodilator.")] = None,
    grade: Annotated[
        list[str] | None,
        typer.Option(metavar="MEASURE=GRADE", help="Grade A to F, such as fev1=A or post_fvc=B; repeatable."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Ethnic group for GLI-2012 and NHANES III; all are shown where left out.")
    ] = None,
    lang: LangOption = "en",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the table's rows: .parquet or .csv.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Read spirometry: z-scores, lower limits, pattern, severity and grade, by three sets of reference equations."""
    volumes = {"fev1_l": fev1, "fvc_l": fvc, "post_fev1_l": post_fev1, "post_fvc_l": post_fvc}
    person = {"age": age, "sex": sex, "height_cm": height, **volumes}
    known: dict[str, Any] = {name: value for name, value in person.items() if value is not None}
    known |= {f"q_{name}": value for name, value in (_pair(text) for text in grade or [])}
    if file is not None:
        if known:
            raise InputError("a file and one person's values were given. Leave one of the two out.")
        _many(file, out, lang, as_json=as_json)
        return
    _complete(known)
    said = assess(known, lang=lang, tier="C", group=group)
    rows = every_equation(said, group)
    if as_json:
        listed = [
            {"equation": r.equation, "group": r.group, "lln": r.lln, "z": r.z, "below_lln": r.below_lln} for r in rows
        ]
        typer.echo(json.dumps(said.as_dict() | {"equations": listed}, ensure_ascii=False, indent=1))
        return
    console = Console()
    show(told(said, lang), console)
    head, lines = equation_rows(rows, lang)
    table = Table(*head, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*line)
    console.print()
    console.print(table)


def _many(file: Path, out: Path | None, lang: str, *, as_json: bool) -> None:
    tally, rows = Tally(), None
    if out is None:
        rows = read_table(file, lang=lang, tally=tally)
    else:
        guard_output(out, [file])
        check_place(out, [file])
        write_rows(out, tally.watched(spirometry_batches(batches(file), str(file), lang, tally)))
    if as_json:
        listed = {} if rows is None else {"people": rows.to_dicts()}
        typer.echo(json.dumps({"inside_only": True, **tally.as_dict(), **listed}, ensure_ascii=False, indent=1))
        return
    for line in summary(tally, out):
        typer.echo(line)
    if rows is not None:
        typer.echo(INSIDE)


def _complete(known: dict[str, Any]) -> None:
    """Refuse a person of whom the equations need more, naming the options."""
    lacking = [option for name, option in _BODY.items() if name not in known]
    sessions = [[option for name, option in one.items() if name not in known] for one in _SESSIONS]
    if all(sessions):
        lacking += next((gone for gone in sessions if len(gone) == 1), sessions[0])
    if lacking:
        raise InputError(
            f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing: age, sex, height, and FEV1 and "
            "FVC of one session are wanted; or a file with a row a person"
        )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"--grade '{text}' is not of the form MEASURE=GRADE, such as fev1=A")
    return name.strip(), value.strip()
