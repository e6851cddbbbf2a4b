"""Stochastic SEIRS of several strains in districts and age bands, one day at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from salus.sources.simulate.geography import AGE_EDGES, Geography
from salus.sources.simulate.seasons import Seasons

# contacts a day of a person of each age band (row) with each band (column); 7 bands as in AGE_BANDS
_HOME = np.array(
    [
        [0.7, 0.6, 0.3, 2.2, 0.8, 0.4, 0.1],
        [0.3, 1.0, 0.3, 1.9, 0.5, 0.3, 0.1],
        [0.1, 0.3, 1.0, 1.5, 0.7, 0.2, 0.1],
        [0.3, 0.6, 0.5, 1.8, 0.6, 0.3, 0.1],
        [0.2, 0.3, 0.4, 1.1, 1.2, 0.4, 0.1],
        [0.2, 0.3, 0.2, 1.0, 0.7, 1.0, 0.2],
        [0.1, 0.2, 0.2, 0.9, 0.6, 0.6, 0.3],
    ]
)
_OUTSIDE = np.array(
    [
        [0.6, 0.5, 0.2, 0.9, 0.4, 0.3, 0.1],
        [0.2, 1.6, 0.5, 0.9, 0.3, 0.2, 0.1],
        [0.1, 0.5, 2.2, 2.2, 0.6, 0.2, 0.1],
        [0.1, 0.3, 0.7, 4.2, 1.4, 0.3, 0.1],
        [0.1, 0.2, 0.3, 2.4, 1.9, 0.5, 0.1],
        [0.1, 0.2, 0.2, 1.0, 0.9, 1.1, 0.2],
        [0.1, 0.2, 0.2, 0.7, 0.6, 0.7, 0.3],
    ]
)
_SCHOOL = np.zeros((7, 7))
_SCHOOL[0, :2] = (3.2, 0.4)
_SCHOOL[1, :4] = (0.2, 8.0, 0.4, 0.5)
_SCHOOL[2, 1:4] = (0.4, 3.5, 0.4)

BREAK_CONTACTS = 0.6
"""Contacts with schoolmates in the breaks over those in term: play, clubs and courses go on."""

AWAY, AWAY_TRAVEL = 0.06, 0.18
"""Share of contacts outside the own district, and in the travel season."""


@dataclass(frozen=True)
class Pathogen:
    """What the transmission model needs to know of a pathogen.

    Attributes
    ----------
    name : str
        ``influenza`` or ``hfmd``.
    strains : tuple of str
        Names of the K strains.
    reproduction : tuple of float
        Basic reproduction number of each strain in term, on a day of mean forcing.
    latent_days, infectious_days : float
        Means of the geometric stays.
    waning_days : float
        Mean time to loss of immunity apart from drift.
    cross : float
        Share of a strain's protection that infection with another strain gives.
    immune : tuple of float
        Immune share of each age band at the very start.
    susceptibility : tuple of float
        Risk of infection at a contact by age band, over that of the most susceptible one.
    imports : float
        Infections a day brought from outside, all strains and districts together.
    noise : float
        Coefficient of variation of a day's force of infection in a district.
    """

    name: str
    strains: tuple[str, ...]
    reproduction: tuple[float, ...]
    latent_days: float
    infectious_days: float
    waning_days: float
    cross: float
    immune: tuple[float, ...]
    susceptibility: tuple[float, ...]
    imports: float
    noise: float


@dataclass(frozen=True)
class Course:
    """What happened.

    Attributes
    ----------
    infections : numpy.ndarray of int32, shape (T, D, A, K)
        New infections.
    reproduction : numpy.ndarray, shape (T, K)
        Effective reproduction number in the province: expected new infections a day over people infectious, times
        the mean days that one stays infectious; NaN while nobody is infectious.
    susceptible : numpy.ndarray, shape (T, K)
        Share of the province that can be infected.
    """

    infections: np.ndarray
    reproduction: np.ndarray
    susceptible: np.ndarray


def contacts(school: float, susceptibility: Sequence[float]) -> np.ndarray:
    """Contacts a day by age band that can infect, so scaled that the dominant eigenvalue in term is 1.

    Parameters
    ----------
    school : float
        1 in term, 0 in the breaks.
    susceptibility : sequence of float
        Relative risk at a contact by age band.

    Returns
    -------
    numpy.ndarray, shape (7, 7)
        Row: the person; column: whom the person meets.

    Examples
    --------
    >>> round(float(np.abs(np.linalg.eigvals(contacts(1.0, [1.0] * 7))).max()), 6)
    1.0
    """
    risk = np.asarray(susceptibility)[:, None]
    full = risk * (_HOME + _OUTSIDE + _SCHOOL)
    open_share = BREAK_CONTACTS + (1 - BREAK_CONTACTS) * school
    return risk * (_HOME + _OUTSIDE + open_share * _SCHOOL) / float(np.max(np.abs(np.linalg.eigvals(full))))


def spread(
    pathogen: Pathogen,
    geography: Geography,
    seasons: Seasons,
    forcing: np.ndarray,
    drift: dict[int, np.ndarray],
    rng: np.random.Generator,
) -> Course:
    """Run one pathogen from the first day to the last.

    Parameters
    ----------
    pathogen : Pathogen
        Its parameters.
    geography : Geography
        Where people live and mix.
    seasons : Seasons
        School terms and travel.
    forcing : numpy.ndarray, shape (T, D, K)
        Factor of each day on transmission.
    drift : dict of int to numpy.ndarray, shape (A, K) or (K,)
        By day number, the share of the immune people of each age band and strain who can be infected again.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Course
        Infections, reproduction numbers and susceptible shares by day.
    """
    people = geography.population[:, :, None]
    size, strains = seasons.days.size, len(pathogen.strains)
    immune = people * np.array(pathogen.immune)[None, :, None] * np.ones(strains)
    susceptible = people - immune
    latent = np.zeros_like(immune)
    infectious = np.zeros_like(immune)
    leave_latent, recover = 1 / pathogen.latent_days, 1 / pathogen.infectious_days
    wane = 1 / pathogen.waning_days
    growing_up = np.array([1 / (365.25 * (b - a)) for a, b in itertools.pairwise(AGE_EDGES)])[None, :, None]
    share = people / people.sum()
    imports = pathogen.imports * np.broadcast_to(share, immune.shape) / strains
    rate = np.array(pathogen.reproduction) * recover
    by_school = {float(level): contacts(level, pathogen.susceptibility) for level in np.unique(seasons.school)}
    mixing = {False: geography.mixing(AWAY), True: geography.mixing(AWAY_TRAVEL)}
    concentration = 1 / pathogen.noise**2
    infections = np.zeros((size, *immune.shape), dtype=np.int32)
    reproduction = np.full((size, strains), np.nan)
    susceptible_share = np.zeros((size, strains))
    for t in range(size):
        if t in drift:
            lost = immune * drift[t]
            immune, susceptible = immune - lost, susceptible + lost
        prevalence = np.tensordot(mixing[bool(seasons.travel[t])], infectious / people, axes=1)
        force = (by_school[float(seasons.school[t])] @ prevalence) * rate * forcing[t][:, None, :]
        force *= rng.gamma(concentration, 1 / concentration, (people.shape[0], 1, strains))
        able = np.floor(susceptible).astype(np.int64)
        total = infectious.sum(axis=(0, 1))
        expected = (able * force).sum(axis=(0, 1))
        np.divide(expected, total * recover, out=reproduction[t], where=total > 0)
        new = np.minimum(rng.binomial(able, -np.expm1(-force)) + rng.poisson(imports), able)
        falls_ill = rng.binomial(latent.astype(np.int64), leave_latent)
        recovers = rng.binomial(infectious.astype(np.int64), recover)
        fades = immune * wane
        others = new.sum(axis=2, keepdims=True) - new
        shielded = pathogen.cross * others * susceptible / people
        births = np.concatenate([np.zeros_like(immune[:, :1]), (immune / people)[:, :-1]], axis=1)
        older = growing_up * (births * people - immune)  # the newly born have no immunity
        susceptible = np.maximum(susceptible - new + fades - shielded - older, 0.0)
        immune = np.maximum(immune + recovers - fades + shielded + older, 0.0)
        latent = latent + new - falls_ill
        infectious = infectious + falls_ill - recovers
        infections[t] = new
        susceptible_share[t] = susceptible.sum(axis=(0, 1)) / people.sum()
    return Course(infections, reproduction, susceptible_share)
