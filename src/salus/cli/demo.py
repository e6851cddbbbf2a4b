"""`salus demo`: see it work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from salus.cli import options
from salus.workflows import demo as demo_workflow


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that the demo makes.")] = Path("demo-out"),
    encounters: Annotated[int, typer.Option(min=20_000, help="Visits to simulate.")] = demo_workflow.ENCOUNTERS,
    seed: Annotated[int, typer.Option(min=0, help="Another one gives another history.")] = demo_workflow.SEED,
    pdf: Annotated[bool, typer.Option(help="Write the PDF as well.")] = True,
) -> None:
    """Simulate a province and take its case records all the way to a bulletin."""
    with options.Stages() as stages:
        made = demo_workflow.demo(out, encounters=encounters, seed=seed, pdf=pdf, tell=stages)
    for line in made.lines:
        typer.echo(line)
    typer.echo(f"\nSIMULATED: {made.sentence}")
    typer.echo(f"Bulletin: {made.bulletin} (English), {made.bulletin.with_name('bulletin.zh.html')} (Chinese)")
