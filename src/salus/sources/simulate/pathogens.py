"""Influenza with its yearly strains, and hand-foot-mouth disease with its two waves and biennial rhythm."""

from __future__ import annotations

import numpy as np

from salus.sources.simulate.geography import Geography
from salus.sources.simulate.seasons import Seasons
from salus.sources.simulate.transmission import Course, Pathogen, spread

INFLUENZA = Pathogen(
    name="influenza",
    strains=("A(H1N1)pdm09", "A(H3N2)", "B/Victoria"),
    reproduction=(1.74, 1.80, 1.70),
    latent_days=1.5,
    infectious_days=3.6,
    waning_days=365.25 * 20,
    cross=0.35,
    immune=(0.25, 0.45, 0.45, 0.40, 0.40, 0.40, 0.40),
    susceptibility=(1.0, 1.0, 0.9, 0.85, 0.8, 0.75, 0.75),
    imports=150.0,
    noise=0.25,
)

HFMD = Pathogen(
    name="hfmd",
    strains=("EV-A71/CVA16 group", "CVA6/CVA10 group"),
    reproduction=(2.6, 2.6),
    latent_days=4.0,
    infectious_days=6.5,
    waning_days=365.25 * 200,
    cross=0.30,
    immune=(0.55, 0.90, 0.97, 0.98, 0.98, 0.98, 0.98),
    susceptibility=(1.0, 0.35, 0.03, 0.02, 0.02, 0.02, 0.02),
    imports=150.0,
    noise=0.25,
)

DRY_AIR = 0.17
"""Rise of the log of influenza transmission for one standard deviation of drier air."""

DRIFT_DOMINANT = (0.12, 0.34)
DRIFT_OTHER = (0.01, 0.12)
"""Bounds of the share of immunity to influenza that is lost each autumn: to the season's main strain, to the others."""

BIENNIAL_DRIFT = {0: (0.24, 0.00), 1: (0.00, 0.09)}
"""Share of immunity to the two enterovirus groups lost each March, in even and in odd years."""

DRIFT_AGES = (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Which age bands lose it: whoever is older met many of the viruses."""


AUTUMN_LOSS = 0.04
"""Fall of HFMD transmission from September to December, when the air is drier than at the same warmth in spring."""


def influenza(geography: Geography, seasons: Seasons, rng: np.random.Generator) -> tuple[Course, list[dict]]:
    """Run the influenza seasons: dry cold air and school terms drive them, drift of the strains renews them.

    Parameters
    ----------
    geography : Geography
        The province.
    seasons : Seasons
        Weather and terms.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    course : Course
        Infections by day, district, age band and strain.
    drifts : list of dict
        Day, main strain and lost share of immunity of each season, for the truth.
    """
    dry = seasons.humidity.mean(axis=1)
    dry = -(dry - dry.mean()) / dry.std()
    smooth = np.convolve(np.pad(dry, (6, 0), mode="edge"), np.full(7, 1 / 7), mode="valid")
    local = seasons.temperature - seasons.temperature.mean(axis=1, keepdims=True)
    log_force = DRY_AIR * smooth[:, None] - 0.01 * local
    drift: dict[int, np.ndarray] = {}
    drifts: list[dict] = []
    main = int(rng.integers(3))
    for t, day in enumerate(seasons.days.tolist()):
        if (day.month, day.day) == (8, 15):
            main = (main + int(rng.choice([1, 2], p=[0.6, 0.4]))) % 3
            lost = rng.uniform(*DRIFT_OTHER, 3)
            lost[main] = rng.uniform(*DRIFT_DOMINANT)
            drift[t] = lost
            drifts.append({"day": day, "main_strain": INFLUENZA.strains[main], "immunity_lost": lost.round(4).tolist()})
    forcing = np.repeat(np.exp(log_force)[:, :, None], 3, axis=2)
    forcing *= _season_luck(seasons, rng, 3)
    return spread(INFLUENZA, geography, seasons, forcing, drift, rng), drifts


def hfmd(geography: Geography, seasons: Seasons, rng: np.random.Generator) -> tuple[Course, list[dict]]:
    """Run hand-foot-mouth disease: weather and terms make two waves, alternating groups a biennial rhythm.

    Parameters
    ----------
    geography : Geography
        The province.
    seasons : Seasons
        Weather and terms.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    course : Course
        Infections by day, district, age band and virus group.
    drifts : list of dict
        Day and lost share of immunity of each spring, for the truth.
    """
    mean = seasons.temperature
    window = np.full(14, 1 / 14)
    smooth = np.stack([np.convolve(np.pad(c, (13, 0), mode="edge"), window, mode="valid") for c in mean.T], axis=1)
    month = seasons.days.astype("datetime64[M]").astype(int) % 12 + 1
    warm = 0.71 + 0.47 * np.exp(-(((smooth - 19.0) / 6.5) ** 2)) - AUTUMN_LOSS * (month >= 9)[:, None]
    drift: dict[int, np.ndarray] = {}
    drifts: list[dict] = []
    for t, day in enumerate(seasons.days.tolist()):
        if (day.month, day.day) == (3, 1):
            lost = np.array(BIENNIAL_DRIFT[day.year % 2]) * rng.uniform(0.85, 1.15)
            drift[t] = np.array(DRIFT_AGES)[:, None] * lost
            drifts.append({"day": day, "immunity_lost": lost.round(4).tolist()})
    forcing = np.repeat(warm[:, :, None], 2, axis=2) * _season_luck(seasons, rng, 2)
    return spread(HFMD, geography, seasons, forcing, drift, rng), drifts


def _season_luck(seasons: Seasons, rng: np.random.Generator, strains: int) -> np.ndarray:
    """Slow wandering of transmission, alike in all districts, and a little of its own in each; shape (T, D, K)."""
    size, districts = seasons.temperature.shape
    weeks = size // 7 + 2

    def wander(shape: tuple[int, ...], spread_: float) -> np.ndarray:
        level = np.zeros((weeks, *shape))
        shocks = rng.normal(0.0, spread_ * np.sqrt(1 - 0.9**2), level.shape)
        for w in range(1, weeks):
            level[w] = 0.9 * level[w - 1] + shocks[w]
        return level

    log_luck = wander((1, strains), 0.05) + wander((districts, strains), 0.06)
    days = np.arange(size) / 7
    low = days.astype(int)
    part = (days - low)[:, None, None]
    return np.exp((1 - part) * log_luck[low] + part * log_luck[low + 1])
