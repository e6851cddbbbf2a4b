"""Official thresholds of warning systems, from the data files in `data/thresholds`, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from salus.tables.names import fold


@dataclass(frozen=True)
class Official:
    """The official thresholds of one disease and signal in one country.

    Attributes
    ----------
    country : str
        Two-letter code.
    disease, signal : str
        What they are for.
    also : tuple of str
        Other names of the disease.
    cuts : tuple of float
        Ascending values from which the next level begins, in the signal's unit, without memory.
    names, names_zh : tuple of str
        Level names, lowest first; one more than cuts.
    warning_starts, warning_ends : float
        A warning begins at or above the first and ends below the second.
    advisory : float or None
        An advisory holds at or above it, where the country has one for the disease.
    citation, citation_zh, url : str
        Where the values are published, in English and Chinese.
    """

    country: str
    disease: str
    signal: str
    also: tuple[str, ...]
    cuts: tuple[float, ...]
    names: tuple[str, ...]
    names_zh: tuple[str, ...]
    warning_starts: float
    warning_ends: float
    advisory: float | None
    citation: str
    citation_zh: str
    url: str

    def state(self, values: np.ndarray) -> np.ndarray:
        """Official state of successive periods of one place.

        Parameters
        ----------
        values : numpy.ndarray
            Shape (periods,), in time order without gaps, unknown ones NaN.

        Returns
        -------
        numpy.ndarray
            Shape (periods,): 0 none, 1 advisory, 2 warning; an unknown period keeps a warning that was on.
        """
        warned = official_state(values, self.warning_starts, self.warning_ends)
        advised = np.zeros(len(warned), dtype=bool)
        if self.advisory is not None:
            advised = np.nan_to_num(np.asarray(values, dtype=float)) >= self.advisory
        return np.where(warned, 2, np.where(advised, 1, 0))


def official_state(values: np.ndarray, starts: float, ends: float) -> np.ndarray:
    """Periods in which a warning is on: from the first at or above `starts` until the first below `ends`.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (periods,), in time order without gaps; an unknown one (NaN) leaves the warning as it is.
    starts, ends : float
        Thresholds; `ends` at most `starts`.

    Returns
    -------
    numpy.ndarray
        Shape (periods,), bool.

    Examples
    --------
    >>> official_state(np.array([4.9, 5.0, 3.0, 2.0, 1.9, 3.0]), 5, 2).tolist()
    [False, True, True, True, False, False]
    """
    values = np.asarray(values, dtype=float)
    turned = np.where(values >= starts, 1, np.where(values < ends, 0, -1))
    last = np.maximum.accumulate(np.where(turned >= 0, np.arange(len(values)), -1))
    return (last >= 0) & (turned[np.maximum(last, 0)] == 1)


@cache
def official() -> tuple[Official, ...]:
    """All official thresholds that Salus knows.

    Returns
    -------
    tuple of Official
        In the order of the data file.
    """
    folder = files("salus.surveillance").joinpath("data", "thresholds")
    table = pl.read_csv(folder.joinpath("official.csv").read_bytes(), infer_schema=False)
    sources = pl.read_csv(folder.joinpath("sources.csv").read_bytes(), infer_schema=False)
    return tuple(
        Official(
            country=row["country"],
            disease=row["disease"],
            signal=row["signal"],
            also=tuple(filter(None, (row["also"] or "").split("|"))),
            cuts=tuple(float(c) for c in row["cuts"].split("|")),
            names=tuple(row["names"].split("|")),
            names_zh=tuple(row["names_zh"].split("|")),
            warning_starts=float(row["warning_starts"]),
            warning_ends=float(row["warning_ends"]),
            advisory=float(row["advisory"]) if row["advisory"] else None,
            citation=row["citation"],
            citation_zh=row["citation_zh"],
            url=row["url"],
        )
        for row in table.join(sources, on="source", how="left", maintain_order="left").to_dicts()
    )


def find_official(disease: str, signal: str, country: str | None = None) -> Official | None:
    """Official thresholds of a disease and signal, or None where Salus knows none.

    Parameters
    ----------
    disease, signal : str
        Names; case, punctuation and the file's other names don't matter.
    country : str, optional
        Two-letter code; without it any country's that has thresholds for the signal.

    Examples
    --------
    >>> find_official("hand foot and mouth disease", "per_sentinel").cuts
    (2.0, 5.0)
    >>> find_official("Influenza", "admissions") is None
    True
    """
    wanted = fold(disease)
    for known in official():
        names = {fold(known.disease), *map(fold, known.also)}
        if wanted in names and fold(signal) == fold(known.signal) and country in (None, known.country):
            return known
    return None
