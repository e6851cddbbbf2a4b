"""Submit to a hub, look at submissions, rank a hub's models: files in, files out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from salus.data.manifest import NAME as MANIFEST
from salus.data.output import check_place, replaced_file, replaced_folder
from salus.data.provenance import InputFile, hash_file, run_record
from salus.errors import Fault, InputError
from salus.hub import ranking
from salus.hub.asked import Wishes
from salus.hub.export import Submission, export
from salus.hub.model_output import model_folders
from salus.hub.places import HubPlaces, read_places
from salus.hub.rules import Terms, check_file
from salus.hub.submission import file_name, read_submission
from salus.hub.tasks import Hub, read_tasks
from salus.hub.truth import read_truth
from salus.reports import leaderboard
from salus.surveillance.series import Series, read_series
from salus.tables import door
from salus.tables.contracts import FORECASTS
from salus.workflows.hub_samples import with_samples

FORMATS = ("csv", "parquet")
"""Formats of a submission, the preferred one first."""


def export_files(
    forecasts: Any,
    tasks: str | Path,
    out: str | Path,
    *,
    team: str,
    model: str,
    wishes: Wishes | None = None,
    choose: Mapping[str, str] | None = None,
    locations: str | Path | None = None,
    series: Any = None,
    paths: str | Path | None = None,
    also: str | Path | None = None,
    file_format: str | None = None,
) -> dict[Path, Submission]:
    """Write the submissions that a file of forecasts makes, one a round.

    Parameters
    ----------
    forecasts : path or frame
        `forecasts` contract.
    tasks : str or Path
        The hub's `tasks.json`.
    out : str or Path
        A file that ends in .csv or .parquet, for one round; else a folder: the hub's model-output folder, in which the
        folder TEAM-MODEL is made and no other file is touched.
    team, model : str
        Abbreviations under which the hub knows them.
    wishes : Wishes, optional
        Target, round and values that the tasks leave open.
    choose : mapping of str to str, optional
        Value of `model`, `disease` or `signal` to keep, where the forecasts hold several.
    locations : str or Path, optional
        The hub's table of places: other names, populations.
    series : path or frame, optional
        The series that was forecast, for rate changes, and for samples where no paths were written.
    paths : str or Path, optional
        Sample paths that `salus run` wrote, where the hub takes samples; those beside the forecasts by default.
    also : str or Path, optional
        Rows of other targets in the hub's own columns, CSV or Parquet.
    file_format : {'csv', 'parquet'}, optional
        Of files in a folder; by default CSV where the hub takes it.

    Returns
    -------
    dict of Path to Submission
        What was written.

    Raises
    ------
    InputError
        Something can't be read, or does not fit the hub; see :func:`salus.hub.export.export`.
    OutputError
        A file can't be written.
    """
    hub = read_tasks(tasks)
    target = Path(out)
    single = target.suffix.lower().lstrip(".") if target.suffix.lower().lstrip(".") in FORMATS else None
    extension = single or file_format or next((f for f in FORMATS if f in hub.formats), FORMATS[0])
    if extension not in hub.formats:
        raise InputError(f"the hub takes {', '.join(hub.formats)}, not {extension}. Choose one that it takes.")
    file_name("round", team, model, extension)
    places = read_places(locations) if locations is not None else HubPlaces()
    table = _chosen(door.read(forecasts, FORECASTS), choose or {}, str(forecasts))
    known = None if series is None else _series(series, table)
    own = None if also is None else read_submission(also)
    table, notes = with_samples(table, hub, forecasts, known, paths)
    made = export(table, hub, replace(wishes or Wishes(), places=places), series=known, also=own)
    made = [replace(submission, notes=submission.notes + notes) for submission in made]
    files = _paths(made, target, team, model, extension, single is not None)
    inputs = [i for i in (forecasts, tasks, locations, series, paths, also) if isinstance(i, str | Path)]
    for path in files:
        check_place(path, inputs)
    for path, submission in files.items():
        with replaced_file(path) as temporary:
            if extension == "csv":
                submission.as_text().write_csv(temporary, null_value="NA")
            else:
                submission.table.write_parquet(temporary)
    return files


def _paths(
    made: Sequence[Submission], target: Path, team: str, model: str, extension: str, single: bool
) -> dict[Path, Submission]:
    names = {s.round_id: file_name(s.round_id, team, model, extension) for s in made}
    if not single:
        return {target / f"{team}-{model}" / names[s.round_id]: s for s in made}
    if len(made) > 1:
        rounds = ", ".join(names)
        raise InputError(f"the forecasts answer {len(made)} rounds ({rounds}), a file takes one. Give a folder.")
    wanted = names[made[0].round_id]
    if target.name != wanted:
        raise InputError(f"the hub wants the file to be named {wanted}, not {target.name}. Name it so.")
    return {target: made[0]}


def _chosen(table: pl.DataFrame, choose: Mapping[str, str], label: str) -> pl.DataFrame:
    for name, value in choose.items():
        kept = table.filter(pl.col(name) == value)
        if kept.height == 0:
            found = ", ".join(table[name].unique().sort())
            raise InputError(f"{label} has no {name} '{value}'; it has {found}. Choose one of them.")
        table = kept
    return table


def _series(source: Any, table: pl.DataFrame) -> Series:
    return read_series(source, str(table["disease"][0]), str(table["signal"][0]))


def check_files(
    files: Sequence[str | Path],
    tasks: str | Path,
    *,
    locations: str | Path | None = None,
    horizon_zero: int = 0,
    draft: bool = False,
    submitted: dt.date | None = None,
) -> dict[Path, list[Fault]]:
    """Everything that the hub would refuse, by file.

    Parameters
    ----------
    files : sequence of str or Path
        Submissions.
    tasks : str or Path
        The hub's `tasks.json`.
    locations : str or Path, optional
        The hub's table of places, with populations that counts are compared with.
    horizon_zero : int
        Days from the round's date to the end of horizon 0.
    draft : bool
        The files need not lie in their model's folder.
    submitted : datetime.date, optional
        Day of submission, to be compared with the round's window.

    Returns
    -------
    dict of Path to list of Fault
        Empty lists for files that the hub takes.
    """
    hub: Hub = read_tasks(tasks)
    people = dict(read_places(locations).population) if locations is not None else {}
    if locations is not None and not people:
        raise InputError(
            f"{locations} has no column 'population', which counts are compared with. Add it, or leave it out."
        )
    terms = Terms(people, horizon_zero, not draft, submitted)
    return {Path(file): check_file(file, hub, terms) for file in files}


def rank_folder(
    folder: str | Path,
    truth: str | Path,
    out: str | Path,
    *,
    baseline: str | None = None,
    target: str | None = None,
    only: Mapping[str, str] | None = None,
    disease: str | None = None,
    signal: str | None = None,
    truth_as_of: dt.date | None = None,
    langs: Sequence[str] = ("en",),
    typed: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> ranking.Leaderboard:
    """Rank a hub's models and write the leaderboard: CSV, Parquet, the pairs, and a page in each language.

    Parameters
    ----------
    folder : str or Path
        The hub's model-output folder.
    truth : str or Path
        A series, or the hub's target data; see :func:`salus.hub.truth.read_truth`.
    out : str or Path
        Folder for the results; replaced in one step.
    baseline, target, only
        As for :func:`salus.hub.ranking.rank`.
    disease, signal : str, optional
        Of a truth that holds several.
    truth_as_of : datetime.date, optional
        Take the truth as it was known on this day.
    langs : sequence of str
        Languages of the page; the first is `leaderboard.html`.
    typed : str, optional
        The command as it was typed.
    progress : callable, optional
        Called with a stage, the steps done and those of the stage.

    Returns
    -------
    Leaderboard
        Models, best first.
    """
    started = dt.datetime.now(dt.UTC)
    check_place(out, folder=True)
    happened = read_truth(truth, target=target, disease=disease, signal=signal, as_of=truth_as_of)
    board = ranking.rank(
        folder, happened, baseline=baseline, target=target, only=only,
        progress=None if progress is None else lambda done, of: progress("scoring", done, of),
    )  # fmt: skip
    options = {"baseline": baseline, "target": target, "only": dict(only or {}), "truth_as_of": truth_as_of}
    record = run_record("hub score", _inputs(folder, truth), options, started=started, typed=typed)
    name = target or Path(folder).resolve().name
    with replaced_folder(out) as part:
        board.table.write_csv(part / "leaderboard.csv", float_precision=6)
        board.table.write_parquet(part / "leaderboard.parquet")
        board.pairs.write_csv(part / "pairs.csv", float_precision=6)
        for number, lang in enumerate(langs):
            stem = "leaderboard" if number == 0 else f"leaderboard.{lang}"
            text = leaderboard.html(board, name, Path(truth).name, lang, run_id=str(record["run_id"]))
            (part / f"{stem}.html").write_text(text, encoding="utf-8")
        text = json.dumps(record, ensure_ascii=False, indent=2, default=str)
        (part / "run.json").write_text(text + "\n", encoding="utf-8")
    return board


def _inputs(folder: str | Path, truth: str | Path) -> list[InputFile]:
    """The truth, and the whole folder of submissions as one input."""
    files = [hash_file(p) for model in model_folders(folder) for p in sorted(model.iterdir()) if p.is_file()]
    digest = hashlib.sha256("\n".join(f"{f.name} {f.sha256}" for f in files).encode()).hexdigest()
    whole = InputFile(f"{Path(folder).resolve().name} ({len(files)} files)", digest, sum(f.bytes for f in files))
    known = Path(truth) / MANIFEST if Path(truth).is_dir() else Path(truth)
    return [whole, hash_file(known)]
