"""Single visits, drawn day by day from what is expected; the same whatever the size of the pieces."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.sources.simulate.catalogue import CLASSES, NAMES, SYNDROMES, class_bounds, code_bounds
from salus.sources.simulate.geography import AGE_BANDS, Geography
from salus.sources.simulate.identity import identify
from salus.sources.simulate.intensity import Intensity
from salus.sources.simulate.people import People, Pool
from salus.sources.simulate.reporting import Reporting

_DAY_STREAM = 900  # day d of the simulation has the random stream [seed, _DAY_STREAM, d]
_OF_POOL = {name: np.array([s.chronic == name for s in SYNDROMES]) for name in {s.chronic for s in SYNDROMES}}


@dataclass(frozen=True)
class World:
    """All that decides about the visits.

    Attributes
    ----------
    geography : Geography
        The province.
    people : People
        The register.
    intensity : Intensity
        Expected visits a person and day.
    reporting : Reporting
        Misses, delays, silences.
    days : numpy.ndarray of datetime64[D], shape (T,)
        Days with visits.
    seed : int
        Seed of the simulation.
    """

    geography: Geography
    people: People
    intensity: Intensity
    reporting: Reporting
    days: np.ndarray
    seed: int

    def facility_bounds(self) -> tuple[np.ndarray, list[str]]:
        """Cumulative shares of the facilities of each district, and their codes.

        Returns
        -------
        bounds : numpy.ndarray
            Those of district d end at d + 1.
        codes : list of str
            Such as ``SIM0101-F1``.
        """
        bounds, codes = [], []
        for number, code in enumerate(self.geography.codes):
            many = (
                3
                + int(self.geography.population[number].sum() > 5e5)
                + int(self.geography.population[number].sum() > 1e6)
            )
            ends = np.cumsum(1 / np.arange(1, many + 1))
            bounds += [*(number + ends[:-1] / ends[-1]), number + 1.0]
            codes += [f"{code}-F{k + 1}" for k in range(many)]
        return np.array(bounds), codes


@dataclass(frozen=True)
class Counts:
    """What one day amounts to, by district, age band and syndrome.

    Attributes
    ----------
    expected : numpy.ndarray, shape (D, A, S)
        Expected visits.
    visits, reported, listed : numpy.ndarray of int64, shape (D, A, S)
        Visits; those that are ever reported; those reported by the last day.
    """

    expected: np.ndarray
    visits: np.ndarray
    reported: np.ndarray
    listed: np.ndarray


@dataclass(frozen=True)
class Visits:
    """Listed visits as numbers, one array a column.

    Attributes
    ----------
    day, arrival : numpy.ndarray of int64
        Day numbers of the visit and of the report.
    person, kind, code, facility : numpy.ndarray of int64
        Person number; positions in the lists of kinds, codes and facilities.
    """

    day: np.ndarray
    arrival: np.ndarray
    person: np.ndarray
    kind: np.ndarray
    code: np.ndarray
    facility: np.ndarray

    @staticmethod
    def joined(parts: list[Visits]) -> Visits:
        """Several days in one, in the order given.

        Parameters
        ----------
        parts : list of Visits
            At least one.
        """
        names = ("day", "arrival", "person", "kind", "code", "facility")
        return Visits(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))


def draw(world: World) -> Iterator[tuple[Visits, Counts]]:
    """Visits of each day, in order.

    Parameters
    ----------
    world : World
        What decides about them.

    Yields
    ------
    tuple of Visits, Counts
        One pair a day. Each day has a random stream of its own, so that nothing depends on how days are put together.
    """
    codes, _, _ = code_bounds()
    facilities, _ = world.facility_bounds()
    ages = len(AGE_BANDS)
    kinds = class_bounds(ages)
    pools: dict[str | None, Pool] = {None: world.people.everybody}
    year = None
    for t, day in enumerate(world.days.tolist()):
        if day.year != year:
            year = day.year
            middle = min(dt.date(year, 7, 1), world.days[-1].item())
            for condition in sorted({s.chronic for s in SYNDROMES if s.chronic}):
                pools[condition] = world.people.patients(condition, middle, world.seed)
        yield _draw_day(world, t, day, pools, codes, facilities, kinds)


def _draw_day(
    world: World,
    t: int,
    day: dt.date,
    pools: dict[str | None, Pool],
    codes: np.ndarray,
    facilities: np.ndarray,
    kinds: np.ndarray,
) -> tuple[Visits, Counts]:
    rng = np.random.default_rng([world.seed, _DAY_STREAM, t])
    members = world.people.members
    districts, sexes, ages = members.shape
    size = len(NAMES)
    mean = world.intensity.rate[t][:, None] * members[:, :, :, None] * world.intensity.by_sex[None]
    ranges = {name: pool.ranges(day, districts * sexes) for name, pool in pools.items()}
    first = np.stack([ranges[s.chronic][0] for s in SYNDROMES], axis=2).reshape(mean.shape)
    last = np.stack([ranges[s.chronic][1] for s in SYNDROMES], axis=2).reshape(mean.shape)
    mean = np.where(last > first, mean, 0.0)  # nobody there who could have it
    count = rng.poisson(mean)
    cell = np.repeat(np.arange(count.size), count.ravel())
    total = cell.size
    who, sort, what, where, whether = rng.random((5, total))
    normal = rng.standard_normal(total)
    syndrome = cell % size
    age = cell // size % ages
    district = cell // (size * ages * sexes)
    person = np.empty(total, dtype=np.int64)
    for name, pool in pools.items():
        of_pool = _OF_POOL[name][syndrome]
        cells = cell[of_pool]
        person[of_pool] = pool.draw(first.ravel()[cells], last.ravel()[cells], who[of_pool])
    kind = (kinds[syndrome, age] <= sort[:, None]).sum(axis=1)
    code = np.searchsorted(codes, syndrome + what, side="right")
    facility = np.searchsorted(facilities, district + where, side="right")
    arrival = world.reporting.arrive(t, district, whether, normal)
    final = world.days.size - 1
    listed = (arrival >= 0) & (arrival <= final)
    place = (district * ages + age) * size + syndrome
    shape = (districts, ages, size)

    def counted(mask: np.ndarray) -> np.ndarray:
        return np.bincount(place[mask], minlength=districts * ages * size).reshape(shape)

    counts = Counts(mean.sum(axis=1), count.sum(axis=1), counted(arrival >= 0), counted(listed))
    order = rng.permutation(np.flatnonzero(listed))
    visits = Visits(np.full(order.size, t), arrival[order], person[order], kind[order], code[order], facility[order])
    return visits, counts


def line_list(world: World, visits: Visits, start: int) -> pl.DataFrame:
    """Rows of the line list, as a department gets them.

    Parameters
    ----------
    world : World
        Register and lists.
    visits : Visits
        Some days of visits.
    start : int
        Number of listed visits before these; encounters are numbered on.

    Returns
    -------
    polars.DataFrame
        Columns ``encounter_id``, ``person_id``, ``name``, ``national_id``, ``phone``, ``address``, ``birth_date``,
        ``sex``, ``district``, ``visit_date``, ``reported_date``, ``encounter_class``, ``code_system``, ``code``,
        ``facility``, ``simulated`` (always true).
    """
    _, systems, codes = code_bounds()
    _, facilities = world.facility_bounds()
    number = pl.Series(np.arange(start + 1, start + 1 + visits.day.size))
    identity = identify(world.people, world.geography, visits.person, world.seed)

    def pick(words: list[str], index: np.ndarray) -> pl.Series:
        return pl.Series(words, dtype=pl.String).gather(index)

    return identity.select(
        (pl.lit("SIME") + pl.lit(number).cast(pl.String).str.zfill(9)).alias("encounter_id"),
        pl.all(),
        pl.Series("visit_date", world.days[visits.day]),
        pl.Series("reported_date", world.days[visits.arrival]),
        pick(list(CLASSES), visits.kind).alias("encounter_class"),
        pick(systems, visits.code).alias("code_system"),
        pick(codes, visits.code).alias("code"),
        pick(facilities, visits.facility).alias("facility"),
        pl.lit(value=True).alias("simulated"),
    )
