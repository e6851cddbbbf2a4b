"""`salus run`: the main job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from salus.cli import options
from salus.data.output import check_place
from salus.data.provenance import command_line
from salus.privacy import zones
from salus.surveillance import places as places_module
from salus.surveillance.geometry import read_shapes
from salus.surveillance.series import ALSO_LAG
from salus.tables.columns import parse_options
from salus.workflows import since as since_module
from salus.workflows.overrides import beside
from salus.workflows.run import run as run_workflow


def run(
    series: options.SeriesArgument,
    out: Annotated[Path, typer.Option(help="Folder for the results; replaced in one step.", show_default=False)],
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    also: options.AlsoOption = None,
    also_lag: options.AlsoLagOption = ALSO_LAG,
    driver: options.DriverOption = None,
    as_of: options.AsOfOption = None,
    horizons: options.HorizonsOption = "1:4",
    model: options.ModelOption = "combination",
    nowcast: options.NowcastOption = "auto",
    coherent: options.CoherentOption = False,
    overrides: Annotated[
        Path | None,
        typer.Option(
            help="File of overrides (`salus override`); by default that beside the folder of results, if any.",
            readable=False,
        ),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(help="Folder of an earlier run: the bulletin says what changed since.", readable=False),
    ] = None,
    levels: Annotated[str, typer.Option(help="Epidemic levels: auto, official, mem or percentile.")] = "auto",
    lang: options.LangOption = None,
    places: Annotated[
        Path | None, typer.Option(help="Table of your own places: names, tile positions.", readable=False)
    ] = None,
    geometry: Annotated[
        Path | None, typer.Option(help="GeoJSON with the shapes of the places.", readable=False)
    ] = None,
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
    pdf: Annotated[bool, typer.Option(help="Write the PDF as well.")] = True,
    inside_only: Annotated[
        bool,
        typer.Option(
            "--inside-only",
            help="Mark the bulletin as not to leave the wall; of exact counts of a wall it is marked in any case.",
        ),
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Status now and ahead, forecasts, trust labels, alerts and a bulletin, from a table of series."""
    langs = options.languages(lang)
    inside_only = (
        zones.outlet([p for p in (series, *(also or ()), *(driver or ()), since, overrides) if p], out) or inside_only
    )
    check_place(out, folder=True)
    earlier = None if since is None else since_module.read(since)
    with options.Stages() as stages:
        found = run_workflow(
            series,
            disease,
            signal,
            also=also or (),
            also_lag=also_lag,
            drivers=driver or (),
            as_of=options.day(as_of, "--as-of"),
            horizons=options.horizons(horizons),
            model=model,
            levels=levels,
            nowcast=nowcast,
            coherent=coherent,
            overrides=overrides or beside(out),
            places_table=None if places is None else places_module.read(places),
            shapes=None if geometry is None else read_shapes(geometry),
            mapping=parse_options(column_map) if column_map else None,
            encoding=encoding,
            inside_only=inside_only,
            typed=command_line(),
            progress=stages,
        )
        if earlier is not None:
            found = since_module.beside(found, earlier)
        page = found.write(out, langs, pdf=pdf)
    sentence = found.bulletin.first_sentence(langs[0])
    if as_json:
        typer.echo(json.dumps({"bulletin": str(page), "sentence": sentence, "notes": found.notes}, ensure_ascii=False))
        return
    typer.echo(sentence)
    for note in found.notes:
        typer.echo(f"Note: {note}", err=True)
    typer.echo(f"Bulletin: {page}")
