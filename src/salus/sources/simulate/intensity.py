"""How many visits to expect: by day, district, age band and syndrome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salus.sources.simulate.catalogue import (
    CARE_SEEKING,
    COLD_EFFECT,
    FLU_EFFECT,
    NAMES,
    PREVALENCE,
    SYNDROMES,
    VISIT_LAG,
)
from salus.sources.simulate.geography import Geography
from salus.sources.simulate.seasons import Seasons


@dataclass(frozen=True)
class Intensity:
    """Expected visits for one registered person and day.

    Attributes
    ----------
    rate : numpy.ndarray of float32, shape (T, D, A, S)
        Of a person of mean sex; for a chronic condition, of a patient. Weekdays and holidays included.
    by_sex : numpy.ndarray, shape (2, A, S)
        Factor for women and men; for a chronic condition it holds the share who are patients.
    """

    rate: np.ndarray
    by_sex: np.ndarray

    def scaled(self, background: float) -> Intensity:
        """Give the same with another rate of the background syndromes (all but influenza and HFMD).

        Parameters
        ----------
        background : float
            Factor.
        """
        factor = np.where([s.rate is None for s in SYNDROMES], 1.0, background).astype(np.float32)
        return Intensity(self.rate * factor, self.by_sex)


def expect_visits(
    geography: Geography,
    seasons: Seasons,
    influenza: np.ndarray,
    hfmd: np.ndarray,
    first: int,
    rng: np.random.Generator,
) -> Intensity:
    """Turn infections, weather and the calendar into expected visits.

    Parameters
    ----------
    geography : Geography
        The province.
    seasons : Seasons
        Every day from the burn-in on.
    influenza, hfmd : numpy.ndarray, shape (T, D, A)
        New infections by day, over all strains.
    first : int
        Number of the first day with visits; earlier ones are left out of the result.
    rng : numpy.random.Generator
        Source of the slow changes of the background.

    Returns
    -------
    Intensity
        From day ``first`` on.
    """
    days = seasons.days[first:]
    incidence = {"influenza": influenza / geography.population, "hfmd": hfmd / geography.population}
    size, (districts, ages) = days.size, geography.population.shape
    rate = np.zeros((size, districts, ages, len(SYNDROMES)), dtype=np.float32)
    of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
    for number, syndrome in enumerate(SYNDROMES):
        if syndrome.rate is None:
            seen = _delayed(incidence[syndrome.name], VISIT_LAG[syndrome.name]) * np.array(CARE_SEEKING[syndrome.name])
            base = seen[first:]
        else:
            wave = syndrome.amplitude * np.cos(2 * np.pi * (of_year - syndrome.peak_day) / 365.25)
            local = rng.normal(0.0, 0.12, districts)
            log_rate = wave[:, None] + local + _slow(rng, size, districts)
            base = np.exp(log_rate)[:, :, None] * np.array(syndrome.rate) / 365.25
        if syndrome.name == "copd_exacerbation":
            base = base * copd_drivers(geography, seasons, influenza)[first:, :, None]
        rate[..., number] = base * seasons.attendance(syndrome.care)[first:, None, None]
    return Intensity(rate, _by_sex(ages))


def copd_drivers(geography: Geography, seasons: Seasons, influenza: np.ndarray) -> np.ndarray:
    """Factor on the rate of exacerbations: cold of the last week and influenza of the last week.

    Parameters
    ----------
    geography : Geography
        The province.
    seasons : Seasons
        Weather.
    influenza : numpy.ndarray, shape (T, D, A)
        New infections.

    Returns
    -------
    numpy.ndarray, shape (T, D)
        1 on a warm day without influenza.
    """
    week = (1 / 7,) * 7
    cold = np.maximum(0.0, 15.0 - _delayed(seasons.temperature, week))
    people = geography.population.sum(axis=1)
    per_thousand = _delayed(influenza.sum(axis=2) / people * 1000, week)
    return np.exp(COLD_EFFECT * cold) * (1 + FLU_EFFECT * per_thousand)


def _by_sex(ages: int) -> np.ndarray:
    factors = np.ones((2, ages, len(NAMES)))
    for number, syndrome in enumerate(SYNDROMES):
        women = 2 / (1 + syndrome.male)
        factors[0, :, number], factors[1, :, number] = women, women * syndrome.male
        if syndrome.chronic:
            factors[:, :, number] = np.array(PREVALENCE[syndrome.chronic])
    return factors


def _delayed(values: np.ndarray, kernel: tuple[float, ...]) -> np.ndarray:
    result = np.zeros(values.shape)
    for lag, share in enumerate(kernel):
        result[lag:] += share * values[: values.shape[0] - lag]
    return result


def _slow(rng: np.random.Generator, size: int, districts: int) -> np.ndarray:
    weeks = size // 7 + 2
    shocks = rng.normal(0.0, 0.10 * np.sqrt(1 - 0.92**2), (weeks, districts + 1))
    level = np.zeros_like(shocks)
    for week in range(1, weeks):
        level[week] = 0.92 * level[week - 1] + shocks[week]
    return (level[:, :1] + 0.6 * level[:, 1:])[np.arange(size) // 7]
