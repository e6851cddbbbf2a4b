"""`salus data pull`: public data with its licence and citation."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from salus import registry
from salus.data.provenance import command_line
from salus.data.workspace import Workspace
from salus.errors import InputError
from salus.sources.pull import delivery
from salus.sources.pull.cache import default_folder
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Source, known, parse_date
from salus.tables.contracts import SERIES
from salus.workflows.importing import import_series


def pull(
    source: Annotated[str | None, typer.Argument(help="Name of the source; `--list` shows them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.")] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Workspace to import into.", envvar="SALUS_WORKSPACE")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="First period wanted, by its first day.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Last period wanted, by its first day.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Choice of the source; may be repeated.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(metavar="URL", help="Ask there instead: a mirror.")] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where answers are kept, to be asked for only when changed.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the sources, their licences and options.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for a machine.")] = False,
) -> None:
    """Pull a public source into a file or the workspace; each pull is a vintage, with its licence and citation."""
    if listed:
        _show(as_json)
        return
    if source is None:
        names = ", ".join(registry.names("source"))
        raise InputError(f"which source? There are {names}; `salus data pull --list` says more.")
    if out is None and workspace is None:
        raise InputError("where to? Give --out FILE.parquet or --workspace DIR.")
    chosen: Source = registry.load("source", source)(base_url)
    if workspace is not None and chosen.contract is not SERIES:
        raise InputError(
            f"{chosen.name} is not a table of series, so the workspace can't take it. Give --out FILE.parquet."
        )
    if out is not None:
        delivery.named(out)
    first = parse_date("--since", since) if since else None
    last = parse_date("--until", until) if until else None
    with Fetch(cache or default_folder()) as fetch:
        frame, made = delivery.pull(chosen, fetch, first, last, _options(option or []))
    places = []
    if out is not None:
        delivery.write(frame, made, out)
        places.append(str(out))
    if workspace is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{made.source}_{made.pulled}.parquet"
            delivery.write(frame, made, file)
            import_series(Workspace(workspace), file, command=command_line())
        places.append(f"the workspace {workspace}")
    if as_json:
        typer.echo(json.dumps({"written_to": places, **asdict(made)}, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{made.rows:,} rows of {made.title} are in {' and in '.join(places)}.")
    typer.echo(f"Licence: {made.licence}")
    typer.echo(f"Cite: {made.citation}")
    typer.echo(f"Terms: {made.terms}")


def _options(given: list[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--option is '{pair}', wanted KEY=VALUE such as dataset=final.")
        out[key.strip()] = value.strip()
    return out


def _show(as_json: bool) -> None:
    sources = known()
    if as_json:
        typer.echo(json.dumps([_described(source) for source in sources], ensure_ascii=False, indent=2))
        return
    for source in sources:
        typer.echo(f"{source.name}: {source.title}")
        for word in ("licence", "citation", "terms", "cadence", "vintage"):
            typer.echo(f"  {word}: {getattr(source, word)}")
        for key, option in source.options.items():
            values = f" ({', '.join(option.allowed)})" if option.allowed else ""
            default = f"; default {option.default}" if option.default and len(option.default) < 60 else ""
            typer.echo(f"  --option {key}=...  {option.doc}{values}{default}")
        typer.echo("")


def _described(source: type[Source]) -> dict[str, object]:
    words = ("name", "title", "licence", "citation", "terms", "cadence", "vintage", "base_url")
    return {word: getattr(source, word) for word in words} | {
        "options": {k: asdict(v) for k, v in source.options.items()}
    }
