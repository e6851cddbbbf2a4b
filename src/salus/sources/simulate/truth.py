"""What really happened in the simulation, kept beside the line list."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.sources.simulate import catalogue, intensity, pathogens, people, reporting, seasons, transmission
from salus.sources.simulate.catalogue import NAMES, SYNDROMES
from salus.sources.simulate.encounters import Counts, World
from salus.sources.simulate.geography import AGE_BANDS
from salus.sources.simulate.identity import person_ids
from salus.sources.simulate.world import BURN_IN_DAYS, Causes
from salus.sources.simulate.writing import MarkedParquet, write_truth


class Truth:
    """Writes the folder ``truth``.

    Parameters
    ----------
    folder : Path
        Folder to make.
    world : World
        What the visits are drawn from.
    causes : Causes
        What drove them.
    """

    def __init__(self, folder: Path, world: World, causes: Causes) -> None:
        folder.mkdir()
        self._folder = folder
        self._world = world
        self._causes = causes
        self._incidence = MarkedParquet(folder / "incidence.parquet")

    def add(self, first: int, counts: list[Counts]) -> None:
        """Add some days to the incidence table.

        Parameters
        ----------
        first : int
            Number of the first of these days.
        counts : list of Counts
            One a day.
        """
        world, days = self._world, len(counts)
        shape = (days, len(world.geography.codes), len(AGE_BANDS), len(NAMES))
        infections = np.full(shape, -1, dtype=np.int64)
        for name, course in self._causes.courses.items():
            begin = BURN_IN_DAYS + first
            infections[..., NAMES.index(name)] = course.infections[begin : begin + days].sum(axis=3)
        day, place, age, kind = (i.ravel() for i in np.indices(shape))

        def words(names: tuple[str, ...], index: np.ndarray) -> pl.Series:
            return pl.Series(names, dtype=pl.String).gather(index)

        def column(name: str) -> np.ndarray:
            return np.stack([getattr(c, name) for c in counts]).ravel()

        self._incidence.write(
            pl.DataFrame(
                {
                    "date": pl.Series(world.days[first + day]),
                    "location": words(world.geography.codes, place),
                    "age_group": words(AGE_BANDS, age),
                    "syndrome": words(NAMES, kind),
                    "infections": infections.ravel(),
                    "expected_visits": column("expected"),
                    "visits": column("visits"),
                    "reported": column("reported"),
                    "listed": column("listed"),
                }
            ).with_columns(pl.when(pl.col("infections") >= 0).then("infections").alias("infections"))
        )

    def close(self, options: dict[str, Any]) -> None:
        """Write all the rest.

        Parameters
        ----------
        options : dict
            What was asked for.
        """
        self._incidence.close()
        write_truth(self._reproduction(), self._folder / "reproduction_number.parquet")
        weather, calendar = self._seasons()
        write_truth(weather, self._folder / "weather.parquet")
        write_truth(calendar, self._folder / "calendar.parquet")
        write_truth(self._delays(), self._folder / "delays.parquet")
        write_truth(self._registered(), self._folder / "registered.parquet")
        write_truth(self._copd(), self._folder / "copd_patients.parquet")
        self._world.reporting.silences.write_csv(self._folder / "silences.csv")
        text = json.dumps(self._parameters(options), indent=2, ensure_ascii=False, default=str)
        (self._folder / "parameters.json").write_text(text + "\n", encoding="utf-8")

    def _reproduction(self) -> pl.DataFrame:
        days = self._world.days
        frames = []
        for name, pathogen in (("influenza", pathogens.INFLUENZA), ("hfmd", pathogens.HFMD)):
            course = self._causes.courses[name]
            frames += [
                pl.DataFrame(
                    {
                        "date": days,
                        "disease": [name] * days.size,
                        "strain": [strain] * days.size,
                        "infections": course.infections[-days.size :, :, :, k].sum(axis=(1, 2)).astype(np.int64),
                        "reproduction_number": course.reproduction[-days.size :, k],
                        "susceptible_share": course.susceptible[-days.size :, k],
                    }
                )
                for k, strain in enumerate(pathogen.strains)
            ]
        return pl.concat(frames).with_columns(pl.col("reproduction_number").fill_nan(None))

    def _seasons(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        world, found = self._world, self._causes.seasons
        size, codes = world.days.size, world.geography.codes
        weather = pl.DataFrame(
            {
                "date": np.repeat(world.days, len(codes)),
                "location": list(codes) * size,
                "temperature": found.temperature[-size:].ravel(),
                "absolute_humidity": found.humidity[-size:].ravel(),
            }
        )
        calendar = pl.DataFrame(
            {
                "date": world.days,
                "school": found.school[-size:] > 0,
                "holiday": found.holiday[-size:],
                "travel_season": found.travel[-size:],
            }
        )
        return weather, calendar

    def _delays(self) -> pl.DataFrame:
        world = self._world
        weeks = np.arange(0, world.days.size, 7)
        codes = world.geography.codes
        return pl.DataFrame(
            {
                "week": np.repeat(world.days[weeks], len(codes)),
                "location": list(codes) * weeks.size,
                "median_delay_days": world.reporting.median[weeks].ravel(),
                "reported_share": world.reporting.reported_share()[weeks].ravel(),
            }
        )

    def _registered(self) -> pl.DataFrame:
        members = self._world.people.members
        place, sex, age = (i.ravel() for i in np.indices(members.shape))
        return pl.DataFrame(
            {
                "location": pl.Series(self._world.geography.codes).gather(place),
                "sex": pl.Series(["female", "male"]).gather(sex),
                "age_group": pl.Series(AGE_BANDS).gather(age),
                "registered": members.ravel(),
                "population": (self._world.geography.population[:, None, :] / 2).repeat(2, axis=1).ravel(),
            }
        )

    def _copd(self) -> pl.DataFrame:
        world = self._world
        patients = world.people.patients("copd", world.days[-1].item(), world.seed)
        person = np.zeros(0, dtype=np.int64) if patients.person is None else patients.person
        return pl.DataFrame(
            {
                "person_id": person_ids(person, world.people.size),
                "smoker": world.people.smokes(person, world.seed),
                "propensity": np.diff(patients.weight),
            }
        )

    def _parameters(self, options: dict[str, Any]) -> dict[str, Any]:
        constants = {
            module.__name__.rsplit(".", 1)[-1]: {
                name.lower(): value.tolist() if isinstance(value, np.ndarray) else value
                for name, value in vars(module).items()
                if name.isupper()
                and isinstance(value, (int, float, tuple, dict, np.ndarray))
                and name not in _LISTED_APART
            }
            for module in (seasons, transmission, pathogens, catalogue, intensity, people, reporting)
        }
        world = self._world
        return {
            "simulated": True,
            "options": options,
            "influenza": dataclasses.asdict(pathogens.INFLUENZA),
            "hfmd": dataclasses.asdict(pathogens.HFMD),
            "drifts": self._causes.drifts,
            "syndromes": [dataclasses.asdict(s) for s in SYNDROMES],
            "background_factor": self._causes.background,
            "reported_share": dict(zip(world.geography.codes, world.reporting.share.tolist(), strict=True)),
            "constants": {name: values for name, values in constants.items() if values},
        }


_LISTED_APART = {"SYNDROMES", "NAMES", "AGE_BANDS", "INFLUENZA", "HFMD"}
