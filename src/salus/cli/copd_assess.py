"""`salus copd assess`: one person by questions or answers; a table, FHIR or OMOP of people; the records of a wall."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console

from salus.cli import options
from salus.cli.copd_screen import ask, show
from salus.copd import assess as assess_one
from salus.copd.assessment import ASKED_FOR, SHOWN
from salus.copd.interview import start
from salus.copd.model import RiskModel
from salus.copd.people import Tally, assess_file, assess_table
from salus.copd.people_files import guard_output
from salus.copd.record_fhir import people_from_fhir, questionnaire
from salus.copd.record_omop import people_from_omop
from salus.copd.record_wall import assess_records
from salus.copd.told import fairness, told
from salus.data.engines import DUCKDB
from salus.data.output import replaced_file
from salus.errors import InputError
from salus.privacy import keys

INSIDE = "INSIDE ONLY: a row a person. It may not leave; the file can be read by its owner alone."
_SHOWN = 12


class Format(StrEnum):
    """Kinds of input."""

    auto = "auto"
    table = "table"
    fhir = "fhir"
    omop = "omop"


LangOption = Annotated[str, typer.Option("--lang", help="Language: en or zh.")]


def assess(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Table with a row a person (CSV, Parquet, Excel), or FHIR or OMOP files; without it, "
            "questions are asked.",
            readable=False,
            show_default=False,
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            "--answer", "-a", metavar="ITEM=VALUE", help="One person's answer, such as -a 'height=5 ft 9'; repeatable."
        ),
    ] = None,
    lang: LangOption = "en",
    tier: Annotated[
        str | None,
        typer.Option(help="A questionnaire, B with peak flow, C with spirometry; by default what is known decides."),
    ] = None,
    confirm: Annotated[
        list[str] | None,
        typer.Option(metavar="ITEM", help="Item whose unusual value was looked at and is right; repeatable."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="Ask the questions of cdq or puma besides; repeatable."),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Your own model, from `salus copd recalibrate`; repeatable.", readable=False),
    ] = None,
    kind: Annotated[Format, typer.Option("--format", "-f", help="Kind of the files.")] = Format.auto,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the rows: .parquet or .csv; .json of one person."),
    ] = None,
    post: Annotated[
        bool,
        typer.Option("--post", help="Of a table also y_post070, the ratio after a bronchodilator."),
    ] = False,
    engine: Annotated[
        str,
        typer.Option(help="duckdb, in this process, or a Spark master such as local[*]; the same rows of --out."),
    ] = DUCKDB,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 where a row is refused.")] = False,
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of a wall: assess everybody in its records, by age group, sex and diagnoses."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="With --root: file with the wall's key; without it the environment variable SALUS_KEY."),
    ] = None,
    why: Annotated[str, typer.Option(help="With --root: reason, for the log of the wall.")] = "",
    as_json: options.JsonOption = False,
) -> None:
    """Assess one person, or a table of them, for airflow obstruction. Case-finding, not screening; no diagnosis.

    Every row of a table is scored, or refused with what was found, what was wanted and what to do. `--root` assesses
    everybody in the records of a wall. What is written is about persons and stays inside.
    """
    local = [RiskModel.read(path) for path in model or []]
    for_one = (("--answer", answer), ("--confirm", confirm), ("--with", also), ("--tier", tier))
    if root is not None:
        for name, value in (*for_one, ("FILE", files), ("--post", post)):
            if value:
                raise InputError(f"{name} does not go with --root, which takes what the wall's records know alone.")
        _records(root, key_file, out, lang, local, engine, why, as_json=as_json)
        return
    if files:
        for name, value in for_one:
            if value:
                raise InputError(f"{name} is for one person, and a file was given. Leave one of the two out.")
        _many(files, kind, out, lang, local, engine, post=post, strict=strict, as_json=as_json)
        return
    if answer and also:
        raise InputError("--with asks questions, and answers were given. Give the questionnaire's items with --answer.")
    known = _answers(answer or [])
    looked_at = list(confirm or [])
    if not known:
        interview = ask(start(lang, tier=(tier or "B").upper(), instruments=also or []), Console(stderr=True))
        known, looked_at = interview.known, [*looked_at, *interview.confirmed]
        tier = None
    said = assess_one(known, lang=lang, tier=tier, confirmed=looked_at, local=local)
    words = told(said, lang)
    found = said.as_dict() | {"text": dataclasses.asdict(words)}
    if out is not None:
        if out.suffix.casefold() != ".json":
            raise InputError(f"--out {out} is of one person: a name that ends in .json is wanted")
        guard_output(out)
        with replaced_file(out) as part:
            part.chmod(0o600)
            part.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        show(words, Console())


def write_questionnaire(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write; shown where left out.")
    ] = None,
) -> None:
    """The questions as a FHIR R4 Questionnaire, English with Chinese translations.

    Answers to it (QuestionnaireResponse) are read by `salus copd assess --format fhir`.
    """
    text = json.dumps(questionnaire(), ensure_ascii=False, indent=1)
    if out is None:
        typer.echo(text)
        return
    with replaced_file(out) as part:
        part.write_text(text + "\n", encoding="utf-8")


def _many(
    files: list[Path],
    kind: Format,
    out: Path | None,
    lang: str,
    local: list[RiskModel],
    engine: str,
    *,
    post: bool,
    strict: bool,
    as_json: bool,
) -> None:
    if engine != DUCKDB and out is None:
        raise InputError(f"--engine {engine} writes rows: give --out FILE.")
    source, inputs = _source(files, kind)
    outcomes = (*SHOWN, ASKED_FOR) if post else SHOWN
    tally, rows = Tally(), None
    if out is None:
        rows = assess_table(source, lang=lang, outcomes=outcomes, tally=tally, local=local)
    else:
        with options.Stages() as stages:
            tally = assess_file(
                source,
                out,
                lang=lang,
                outcomes=outcomes,
                inputs=inputs,
                local=local,
                engine=engine,
                on_batch=lambda done: stages("Assessing", done, done),
            )
    if as_json:
        listed = {} if rows is None else {"people": rows.to_dicts()}
        found = {"inside_only": True, **tally.as_dict(), "fairness": _fairness(tally, lang), **listed}
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for line in summary(tally, out):
            typer.echo(line)
    if strict and tally.refused:
        raise typer.Exit(1)


def _records(
    root: Path,
    key_file: Path | None,
    out: Path | None,
    lang: str,
    local: list[RiskModel],
    engine: str,
    why: str,
    *,
    as_json: bool,
) -> None:
    with options.Stages() as stages:
        found = assess_records(
            root,
            key=keys.load(key_file),
            out=out,
            lang=lang,
            local=local,
            engine=engine,
            why=why,
            on_batch=lambda done: stages("Assessing", done, done),
        )
    if as_json:
        told_of = found.as_dict() | {"fairness": _fairness(found.tally, lang)}
        typer.echo(json.dumps(told_of, ensure_ascii=False, indent=1))
        return
    for line in (*found.lines(), *summary(found.tally, found.file)):
        typer.echo(line)


def _fairness(tally: Tally, lang: str) -> dict[str, str]:
    """What is to be said of groups that answers don't tell, by tier."""
    return {tier: said for tier in ("A", "B") if tally.tiers[tier] and (said := fairness(tier, lang))}


def _source(files: list[Path], kind: Format) -> tuple[Path | pl.DataFrame, list[Path]]:
    chosen = _told_apart(files) if kind is Format.auto else kind
    if chosen is Format.fhir:
        return people_from_fhir(files), files
    if chosen is Format.omop:
        return people_from_omop(files), files
    if len(files) > 1:
        raise InputError(f"{len(files)} tables were given; one at a time can be assessed. Run the command for each.")
    return files[0], files


def _told_apart(files: list[Path]) -> Format:
    names = [f.name.casefold() for given in files for f in (given.iterdir() if given.is_dir() else [given])]
    if any(name.split(".")[0] == "person" for name in names):
        return Format.omop
    fhir = (".json", ".ndjson", ".ndjson.gz")
    return Format.fhir if any(name.endswith(fhir) for name in names) else Format.table


def summary(tally: Tally, out: Path | None) -> Iterable[str]:
    """What became of a table's rows, in lines.

    Parameters
    ----------
    tally : Tally
        Counts.
    out : Path or None
        File that was written.
    """
    tiers = {"A": "by questionnaire", "B": "with peak flow", "C": "by spirometry"}
    scored = ", ".join(f"{n:,} {tiers[tier]}" for tier, n in sorted(tally.tiers.items()))
    yield f"{tally.rows:,} rows: {tally.scored:,} scored ({scored or 'none'}), {tally.refused:,} refused."
    if tally.kinds:
        yield "Refused for (a row may have several reasons):"
        for name, n in tally.kinds.most_common(_SHOWN):
            yield f"  {n:>9,}  {name}"
        if len(tally.kinds) > _SHOWN:
            yield f"             and {len(tally.kinds) - _SHOWN} more kinds"
    if tally.flags:
        yield "Flags: " + ", ".join(f"{name} {n:,}" for name, n in tally.flags.most_common())
    for tier, said in _fairness(tally, "en").items():
        yield f"{'By questionnaire' if tier == 'A' else 'With peak flow'}: {said}"
    if tally.repeated:
        yield f"Rows with an id that an earlier row has: {tally.repeated:,}. Is somebody in the table twice?"
    yield f"{out}: {INSIDE}" if out else "--out FILE writes the rows; --json shows them."


def _answers(texts: Iterable[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name, value in map(_pair, texts):
        if name in known:
            raise InputError(f"--answer gives {name} twice: '{known[name]}' and '{value}'. Leave one of them out.")
        known[name] = value
    return known


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"--answer '{text}' is not of the form ITEM=VALUE, such as age=62")
    return name.strip(), value.strip()
