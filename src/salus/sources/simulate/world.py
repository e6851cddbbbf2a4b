"""Builds the simulated world: seasons, epidemics, expected visits, reporting, and as many people as the visits need."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from salus.sources.simulate import pathogens
from salus.sources.simulate.catalogue import SYNDROMES
from salus.sources.simulate.encounters import World
from salus.sources.simulate.geography import lanhe
from salus.sources.simulate.intensity import Intensity, expect_visits
from salus.sources.simulate.people import MIX, make_people
from salus.sources.simulate.reporting import make_reporting
from salus.sources.simulate.seasons import Seasons, make_seasons
from salus.sources.simulate.transmission import Course

BURN_IN_DAYS = 4 * 365 + 1
"""Days before the first visit in which the epidemics find their rhythm."""

_SEASONS, _INFLUENZA, _HFMD, _BACKGROUND, _PEOPLE, _REPORTING = range(100, 106)  # random streams [seed, stream]


@dataclass(frozen=True)
class Causes:
    """What drove the visits, from the first day of the burn-in on.

    Attributes
    ----------
    seasons : Seasons
        Weather and calendar.
    courses : dict of str to Course
        Epidemics, ``influenza`` and ``hfmd``.
    drifts : dict of str to list of dict
        When and how far immunity was lost.
    background : float
        Factor on the rates of all other syndromes that makes the wanted number of rows.
    """

    seasons: Seasons
    courses: dict[str, Course]
    drifts: dict[str, list[dict]]
    background: float


def make_world(encounters: int, first: dt.date, last: dt.date, seed: int) -> tuple[World, Causes]:
    """Build everything that decides about the visits.

    Parameters
    ----------
    encounters : int
        Rows wanted in the line list.
    first, last : datetime.date
        First and last day of visits.
    seed : int
        Seed of the simulation.

    Returns
    -------
    world : World
        What the visits are drawn from.
    causes : Causes
        What drove them, for the truth.
    """

    def stream(number: int) -> np.random.Generator:
        return np.random.default_rng([seed, number])

    geography = lanhe()
    seasons = make_seasons(first - dt.timedelta(BURN_IN_DAYS), last, len(geography.codes), stream(_SEASONS))
    influenza, influenza_drifts = pathogens.influenza(geography, seasons, stream(_INFLUENZA))
    hfmd, hfmd_drifts = pathogens.hfmd(geography, seasons, stream(_HFMD))
    intensity = expect_visits(
        geography,
        seasons,
        influenza.infections.sum(axis=3),
        hfmd.infections.sum(axis=3),
        BURN_IN_DAYS,
        stream(_BACKGROUND),
    )
    days = seasons.days[BURN_IN_DAYS:]
    transmitted = np.array([s.rate is None for s in SYNDROMES])
    share = geography.population.sum(axis=1) / geography.population.sum()
    one = np.repeat((share[:, None] * MIX)[:, None, :] / 2, 2, axis=1)  # one registered person, spread over the strata
    visits = _expected(intensity, one)
    reporting = make_reporting(geography.codes, days, visits[:, :, transmitted].sum(axis=2), stream(_REPORTING))
    seen = reporting.reported_share()[:, :, None]
    people = make_people(geography, encounters / float((visits * seen).sum()), first, last, stream(_PEOPLE))
    by_kind = (_expected(intensity, people.members) * seen).sum(axis=(0, 1))
    background = (encounters - by_kind[transmitted].sum()) / by_kind[~transmitted].sum()
    world = World(geography, people, intensity.scaled(background), reporting, days, seed)
    courses = {"influenza": influenza, "hfmd": hfmd}
    return world, Causes(seasons, courses, {"influenza": influenza_drifts, "hfmd": hfmd_drifts}, float(background))


def _expected(intensity: Intensity, members: np.ndarray) -> np.ndarray:
    """Sum up the expected visits, shape (T, D, S), of members of shape (D, 2, A)."""
    weight = np.einsum("dxa,xas->das", members, intensity.by_sex)
    return np.einsum("tdas,das->tds", intensity.rate, weight)
