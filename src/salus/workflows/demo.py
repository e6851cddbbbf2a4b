"""The demo: a simulated province, from its case records through the wall to a bulletin."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from salus.data.output import replaced_folder
from salus.privacy import deidentify, keys, policy, release, signatures, verification
from salus.sources.linelist import open_linelist
from salus.sources.simulate.simulation import simulate
from salus.surveillance import syndromes
from salus.workflows.run import run

DISEASE = "Hand, foot and mouth disease"
ENCOUNTERS = 1_000_000
SEED = 1
SYNDROMES = ("influenza", "hfmd", "herpangina", "gastroenteritis", "copd_exacerbation")
HELD_BACK = 2
"""Last weeks that the demo does not release: some clinics report that late."""


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Attributes
    ----------
    bulletin : Path
        The page.
    sentence : str
        Its first sentence.
    lines : tuple of str
        What each step did.
    """

    bulletin: Path
    sentence: str
    lines: tuple[str, ...]


def demo(
    out: str | Path,
    *,
    encounters: int = ENCOUNTERS,
    seed: int = SEED,
    disease: str = DISEASE,
    pdf: bool = True,
    tell: Callable[[str, int, int], None] | None = None,
) -> Demo:
    """Simulate a province and take its records all the way: de-identified, counted, released, forecast, told.

    Parameters
    ----------
    out : str or Path
        Folder: ``simulated/`` (records and truth), ``wall/`` (zones), ``bulletin/`` (results).
    encounters : int
        Visits to simulate.
    seed : int
        Another one gives another history.
    disease : str
        Disease of the bulletin.
    pdf : bool
        Whether to write the PDF.
    tell : callable, optional
        Called with a stage, the steps done and those of the stage.

    Returns
    -------
    Demo
        Where the bulletin is and its first sentence.
    """
    say = tell or (lambda stage, done, of: None)
    out = Path(out)
    lines: list[str] = []
    with replaced_folder(out) as folder:
        world = simulate(folder / "simulated", encounters, seed=seed, on_day=lambda k, n: say("simulating", k, n))
        key = keys.load(keys.create(folder / "demo.key"))
        say("de-identifying", 0, 1)
        taken = deidentify.ingest(open_linelist(world.line_list, simulated=True), folder / "wall", key)
        lines += taken.lines()
        say("releasing", 0, 1)
        rules = replace(policy.load(), name="demo", syndromes=SYNDROMES, weeks_held_back=HELD_BACK)
        given = release.release(folder / "wall", syndromes.definitions(), world.places, rules, key=key)
        lines += given.lines()
        signatures.write_public(key, folder / "demo.key.pub")
        checked = verification.verify(
            given.folder,
            public_key=signatures.public_key(key),
            definitions=syndromes.definitions(),
            places=world.places,
        )
        lines += [f"certificate: {verification.summary(checked)}"]
        found = run(given.series, disease, places_table=world.places, progress=say)
        found.write(folder / "bulletin", ("en", "zh"), pdf=pdf)
        record = json.dumps(found.record, ensure_ascii=False, indent=2, default=str)
        (folder / "run.json").write_text(record + "\n", encoding="utf-8")
    told = tuple(line.replace(str(folder), str(out)) for line in lines)
    return Demo(out / "bulletin" / "bulletin.html", found.bulletin.first_sentence(), told)
