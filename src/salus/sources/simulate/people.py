"""The registered people of the surveyed clinics: birth dates, sex, district, frailty, chronic conditions."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from salus.sources.simulate.catalogue import PREVALENCE, SMOKERS, SMOKING_ODDS
from salus.sources.simulate.geography import AGE_EDGES, Geography

MIX = np.array([0.24, 0.22, 0.08, 0.20, 0.12, 0.11, 0.03])
"""Age mix of the registered people: surveyed clinics are children's and respiratory clinics above all."""

LARGEST_SHARE = 0.6
"""At most this share of a district's people of one age band is registered."""

_DAY = 10**6  # a key is stratum * 10^6 + birth day + offset
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OFFSET = 200_000  # days before 1970 that the key can hold


@dataclass(frozen=True)
class Pool:
    """People who can have a visit of one kind, sorted by district, sex and birth date.

    Attributes
    ----------
    person : numpy.ndarray of int64 or None
        Numbers of the people; None for everybody.
    key : numpy.ndarray of int64
        District, sex and birth day in one number.
    weight : numpy.ndarray, shape (n + 1,)
        Cumulated propensity to visit, from 0.
    """

    person: np.ndarray | None
    key: np.ndarray
    weight: np.ndarray

    def ranges(self, day: dt.date, strata: int) -> tuple[np.ndarray, np.ndarray]:
        """First position, and the one after the last, of each stratum and age band on a day.

        Parameters
        ----------
        day : datetime.date
            Day on which the age is taken.
        strata : int
            Districts times sexes.

        Returns
        -------
        tuple of numpy.ndarray, shape (strata, A)
            Empty bands have equal ends.
        """
        born = np.array([_number(_years_before(day, edge)) for edge in AGE_EDGES]) + _OFFSET
        bounds = np.arange(strata)[:, None] * _DAY + born[None, :]
        positions = np.searchsorted(self.key, bounds, side="right")
        return positions[:, 1:], positions[:, :-1]

    def draw(self, first: np.ndarray, last: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """One person from each range, by propensity.

        Parameters
        ----------
        first, last : numpy.ndarray of int
            Ranges of positions, none of them empty.
        uniform : numpy.ndarray
            Numbers in [0, 1).

        Returns
        -------
        numpy.ndarray of int64
            Person numbers.
        """
        low, high = self.weight[first], self.weight[last]
        position = np.searchsorted(self.weight, low + uniform * (high - low), side="right") - 1
        position = np.clip(position, first, last - 1)
        return position if self.person is None else self.person[position]


@dataclass(frozen=True)
class People:
    """Everybody who is registered at some time.

    Attributes
    ----------
    everybody : Pool
        All people; the position is the person's number.
    members : numpy.ndarray, shape (D, 2, A)
        People registered on any one day, by district, sex (women, men) and age band.
    rank : numpy.ndarray of uint16
        Number among those of the same district, sex and birth day.
    """

    everybody: Pool
    members: np.ndarray
    rank: np.ndarray

    @property
    def size(self) -> int:
        """Number of people."""
        return self.everybody.key.size

    def birth(self, person: np.ndarray) -> np.ndarray:
        """Birth dates.

        Parameters
        ----------
        person : numpy.ndarray of int
            Person numbers.

        Returns
        -------
        numpy.ndarray of datetime64[D]
            In the same order.
        """
        return (self.everybody.key[person] % _DAY - _OFFSET).astype("datetime64[D]")

    def stratum(self, person: np.ndarray) -> np.ndarray:
        """District number times 2, plus 1 for men.

        Parameters
        ----------
        person : numpy.ndarray of int
            Person numbers.
        """
        return self.everybody.key[person] // _DAY

    def smokes(self, person: np.ndarray, seed: int) -> np.ndarray:
        """Whether they smoke (from 25 years on).

        Parameters
        ----------
        person : numpy.ndarray of int
            Person numbers.
        seed : int
            Seed of the simulation.
        """
        return hashed(person, seed, 11) < np.array(SMOKERS)[self.stratum(person) % 2]

    def patients(self, condition: str, day: dt.date, seed: int) -> Pool:
        """People who have a chronic condition on a day; whoever has it once keeps it.

        Parameters
        ----------
        condition : {'copd', 'hypertension', 'diabetes'}
            Which one.
        day : datetime.date
            Day on which the age is taken.
        seed : int
            Seed of the simulation.

        Returns
        -------
        Pool
            Patients, those with a grave course weighing more.
        """
        strata = self.members.shape[0] * 2
        first, last = self.everybody.ranges(day, strata)
        share = np.array(PREVALENCE[condition])
        chosen = []
        tag = 20 + sorted(PREVALENCE).index(condition)
        for stratum in range(strata):
            sex = stratum % 2
            for band in range(3, share.shape[1]):
                person = np.arange(first[stratum, band], last[stratum, band])
                risk = np.full(person.size, share[sex, band])
                if condition == "copd":
                    plain = share[sex, band] / (1 + SMOKERS[sex] * (SMOKING_ODDS - 1))
                    risk = plain * np.where(self.smokes(person, seed), SMOKING_ODDS, 1.0)
                chosen.append(person[hashed(person, seed, tag) < risk])
        person = np.sort(np.concatenate(chosen))
        gravity = np.exp(0.9 * _normal(hashed(person, seed, tag + 10)))
        return Pool(person, self.everybody.key[person], np.concatenate([[0.0], np.cumsum(gravity)]))


def make_people(
    geography: Geography, registered: float, first: dt.date, last: dt.date, rng: np.random.Generator
) -> People:
    """Register people of all ages, and the children born while the simulation runs.

    Parameters
    ----------
    geography : Geography
        The province.
    registered : float
        People wanted on any one day; fewer are registered where that is over 60 % of an age band.
    first, last : datetime.date
        Days of the first and the last visit.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    People
        Sorted by district, sex and birth date.
    """
    share = geography.population.sum(axis=1) / geography.population.sum()
    members = np.minimum(registered * share[:, None] * MIX, LARGEST_SHARE * geography.population)[:, None, :] / 2
    members = np.repeat(members, 2, axis=1)
    keys = []
    for stratum in range(members.shape[0] * 2):
        here = members[stratum // 2, stratum % 2]
        for band, (young, old) in enumerate(itertools.pairwise(AGE_EDGES)):
            earliest, latest = _number(_years_before(first, old)) + 1, _number(_years_before(first, young))
            latest = _number(last) if band == 0 else latest
            wanted = here[band] * (latest - earliest + 1) / ((old - young) * 365.25)
            count = int(np.floor(wanted + rng.random()))
            keys.append(stratum * _DAY + _OFFSET + rng.integers(earliest, latest + 1, count))
    key = np.sort(np.concatenate(keys))
    frailty = rng.gamma(1.3, 1.0, key.size)
    start = np.flatnonzero(np.diff(key, prepend=-1))
    rank = np.arange(key.size) - np.repeat(start, np.diff(np.append(start, key.size)))
    everybody = Pool(None, key, np.concatenate([[0.0], np.cumsum(frailty)]))
    return People(everybody, members, rank.astype(np.uint16))


def hashed(person: np.ndarray, seed: int, tag: int) -> np.ndarray:
    """Draw a number in [0, 1) for each person, always the same for the same seed and tag (the SplitMix64 mixer).

    Parameters
    ----------
    person : numpy.ndarray of int
        Person numbers.
    seed, tag : int
        Seed of the simulation; what the number is for.

    Examples
    --------
    >>> bool((hashed(np.arange(3), 1, 5) == hashed(np.arange(3), 1, 5)).all())
    True
    """
    with np.errstate(over="ignore"):
        z = (person.astype(np.uint64) + np.random.SeedSequence([seed, tag]).generate_state(1, np.uint64)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _normal(uniform: np.ndarray) -> np.ndarray:
    return np.clip(ndtri(uniform), -4.0, 4.0)


def _number(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days


def _years_before(day: dt.date, years: int) -> dt.date:
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28) if (day.year - years) % 4 or (day.year - years) % 100 == 0 else day
    return day.replace(year=day.year - years)
