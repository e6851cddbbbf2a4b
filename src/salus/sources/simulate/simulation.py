"""The whole simulation: from a seed to a folder with a line list and the truth beside it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.data.output import replaced_folder
from salus.data.provenance import run_record
from salus.errors import InputError
from salus.sources.simulate.bulk_fhir import BulkFhir
from salus.sources.simulate.encounters import Counts, Visits, World, draw, line_list
from salus.sources.simulate.geography import PROVINCE, places
from salus.sources.simulate.truth import Truth
from salus.sources.simulate.world import make_world
from salus.sources.simulate.writing import CsvLineList, ParquetLineList, Writer

FORMATS = ("parquet", "csv", "fhir")
CHUNK_ROWS = 400_000
"""Rows written at once; memory follows it, the result does not."""

README = """SIMULATED DATA - 模拟数据

Every person, name, number, address, place and visit in this folder is invented by the Salus simulator
(version {salus_version}, seed {seed}). Nothing here is about a real person or a real place.
本文件夹中的所有人员、姓名、号码、地址、地区和就诊记录均由 Salus 模拟器生成,与任何真实的人或地区无关。

{province}: {districts} districts, visits from {first_day} to {last_day}, {rows:,} rows in the line list.

line_list_simulated*, fhir_simulated/   what a health department would get: late, incomplete, with direct identifiers
places.csv, adjacency.csv               the districts, their names and populations; which ones touch
truth/                                  what really happened in the simulation
    incidence.parquet                   infections and visits by day, district, age group and syndrome
    reproduction_number.parquet         infections, reproduction number and susceptible share by day and strain
    weather.parquet, calendar.parquet   what drove it
    delays.parquet, silences.csv        how it was reported
    registered.parquet                  people registered with the surveyed clinics; rates refer to them
    copd_patients.parquet               who has COPD, and who smokes
    parameters.json                     every parameter
simulation.json, run.json               manifest and run record
"""


@dataclass(frozen=True)
class Simulation:
    """A simulation on disk.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    line_list : list of Path
        Files of the line list: monthly Parquet, one CSV, or FHIR Organization, Patient, Encounter, Condition.
    places : polars.DataFrame
        Places table with the province, its prefectures and districts.
    truth : Path
        Folder of the truth.
    manifest : dict
        What ``simulation.json`` holds.
    """

    folder: Path
    line_list: list[Path]
    places: pl.DataFrame
    truth: Path
    manifest: dict

    def incidence(self) -> pl.DataFrame:
        """Read the true infections and visits by place, day, age band and syndrome.

        Returns
        -------
        polars.DataFrame
            Columns ``date``, ``location``, ``age_group``, ``syndrome``, ``infections`` (in the whole population; null
            where no transmission is simulated), ``expected_visits``, ``visits`` (to the surveyed clinics),
            ``reported`` (ever), ``listed`` (by the last day, as in the line list).
        """
        return pl.read_parquet(self.truth / "incidence.parquet")


def simulate(
    out: str | Path,
    encounters: int = 200_000,
    years: float = 6,
    seed: int = 1,
    end: dt.date | None = None,
    format: str = "parquet",  # noqa: A002 (the name of the option)
    *,
    start: dt.date | None = None,
    on_day: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Simulate the case records of Lanhe Province, which does not exist, and write them with the truth.

    Influenza and hand-foot-mouth disease spread in 18 districts and 7 age bands; a register of invented people visits
    the surveyed clinics; the clinics report late, or not at all. The same arguments give the same rows; with other
    versions of NumPy they may differ.

    Parameters
    ----------
    out : str or Path
        Folder to write; an earlier simulation there is replaced.
    encounters : int
        Expected number of rows in the line list, 1,000 to 200 million, those included whose reports are still on
        the way on the last day; the true one differs by chance, too.
    years : float
        Length of the time with visits, 0.5 to 30 years; rounded to whole weeks.
    seed : int
        Any number from 0; each gives another history.
    end : datetime.date, optional
        Last day, 28 June 2026 unless `start` is given; nothing later is in the line list, not even reports.
    format : {'parquet', 'csv', 'fhir'}
        Monthly Parquet files, one CSV file, or FHIR R4 bulk NDJSON.
    start : datetime.date, optional
        First day, instead of `end`.
    on_day : callable, optional
        Called with the number of days done and of all days.

    Returns
    -------
    Simulation
        Paths, places and manifest.

    Raises
    ------
    InputError
        A number is out of bounds, the format is unknown, or both ends are given.
    OutputError
        The folder can't be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = simulate(folder + "/province", encounters=2_000, years=1, seed=7)
    ...     rows = pl.concat([pl.read_parquet(f) for f in done.line_list])
    >>> bool(rows["simulated"].all()), rows["district"].n_unique()
    (True, 18)
    """
    first, last = _period(encounters, years, seed, start, end, format)
    options = {"encounters": encounters, "start": first, "end": last, "format": format}
    with replaced_folder(out) as folder:
        world, causes = make_world(encounters, first, last, seed)
        truth = Truth(folder / "truth", world, causes)
        writer = _writer(format, folder, world)
        listed, visits = _write_visits(world, writer, truth, on_day)
        files = [path.relative_to(folder) for path in writer.close()]
        truth.close(options | {"seed": seed})
        known = places()
        known.write_csv(folder / "places.csv")
        world.geography.adjacency().write_csv(folder / "adjacency.csv")
        manifest = {
            "simulated": True,
            "statement": "Every person, place and visit here is simulated. Nothing is real.",
            "province": f"{PROVINCE[1]} {PROVINCE[2]}",
            "salus_version": version("salus"),
            "seed": seed,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "format": format,
            "encounters_wanted": encounters,
            "rows": listed,
            "visits": visits,
            "people_registered": world.people.size,
            "districts": len(world.geography.codes),
            "files": [f.as_posix() for f in files],
        }
        _write_json(folder / "simulation.json", manifest)
        _write_json(folder / "run.json", run_record("data simulate", [], options, seed=seed) | {"simulated": True})
        (folder / "README.txt").write_text(README.format(**manifest), encoding="utf-8")
    folder = Path(out)
    return Simulation(folder, [folder / f for f in files], known, folder / "truth", manifest)


def _period(
    encounters: int, years: float, seed: int, start: dt.date | None, end: dt.date | None, format_: str
) -> tuple[dt.date, dt.date]:
    for name, value, low, high in (
        ("encounters", encounters, 1_000, 200_000_000),
        ("years", years, 0.5, 30),
        ("seed", seed, 0, 2**63),
    ):
        if not low <= value <= high:
            raise InputError(f"{name} is {value}; it must lie between {low:,} and {high:,}.")
    if format_ not in FORMATS:
        raise InputError(f"there is no format '{format_}' of a simulation. Choose one of {', '.join(FORMATS)}.")
    if start is not None and end is not None:
        raise InputError("both start and end were given. Give one of them, and the years.")
    days = 7 * round(years * 365.25 / 7)
    last = end or (start + dt.timedelta(days - 1) if start else dt.date(2026, 6, 28))
    first = last - dt.timedelta(days - 1)
    if not (first.year >= 1960 and last.year <= 2090):
        raise InputError(f"the simulation would run from {first} to {last}; it must lie between 1960 and 2090.")
    return first, last


def _writer(format_: str, folder: Path, world: World) -> Writer:
    if format_ == "fhir":
        return BulkFhir(folder, world)
    return ParquetLineList(folder) if format_ == "parquet" else CsvLineList(folder)


def _write_visits(
    world: World, writer: Writer, truth: Truth, on_day: Callable[[int, int], None] | None
) -> tuple[int, dict[str, int]]:
    """Draw all days and write them month by month, in pieces of about CHUNK_ROWS rows."""
    months = world.days.astype("datetime64[M]")
    parts: list[Visits] = []
    counts: list[Counts] = []
    waiting = listed = 0
    totals = np.zeros(3, dtype=np.int64)
    for t, (visits, count) in enumerate(draw(world)):
        parts.append(visits)
        counts.append(count)
        waiting += visits.day.size
        totals += [int(count.visits.sum()), int(count.reported.sum()), int(count.listed.sum())]
        month_ends = t + 1 == months.size or months[t + 1] != months[t]
        if waiting and (month_ends or waiting >= CHUNK_ROWS):
            piece = Visits.joined(parts)
            writer.write(line_list(world, piece, listed), piece.person)
            listed += waiting
            parts, waiting = [], 0
        if month_ends:
            truth.add(t + 1 - len(counts), counts)
            counts = []
        if on_day is not None:
            on_day(t + 1, months.size)
    return listed, dict(zip(("happened", "ever_reported", "listed"), totals.tolist(), strict=True))


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
