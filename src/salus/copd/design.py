"""From answers to the columns of a model: derived quantities, natural cubic splines, products.

Everything here is a function of a table of answers and of numbers that stand in the model's JSON file; nothing is
estimated. A column is nan where one of its answers is missing; :mod:`salus.copd.model` says what happens then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.copd.model_items import MODEL_ITEMS
from salus.errors import InputError

Floats = NDArray[np.float64]

DERIVED: Mapping[str, tuple[str, ...]] = {
    "former": ("smk_status",),
    "current": ("smk_status",),
    "years_smoked": ("smk_status", "smk_years"),
    "cigarettes": ("smk_status", "smk_cpd"),
    "log_pack_years": ("smk_status", "smk_years", "smk_cpd"),
    "log_years_since": ("smk_status", "quit_years"),
    "cough_or_phlegm": ("cough_3mo", "phlegm_3mo"),
    "body_mass_index": ("height_cm", "weight_kg"),
    "mineral_dust": ("occ_mineral_dust_yrs",),
    "organic_dust": ("occ_organic_dust_yrs",),
    "exhaust": ("occ_exhaust_yrs",),
    "other_fumes": ("occ_other_fumes_yrs",),
    "wheeze_medicine": ("wheeze_12mo", "wheeze_rx"),
    "peak_flow": ("age", "male", "height_cm", "pef_lps"),
}
"""Quantities made of several answers, and the items that they are made of."""
_LOG_YEARS = ("mineral_dust", "organic_dust", "exhaust", "other_fumes")


@dataclass(frozen=True)
class Term:
    """One or more columns made of one quantity, or the product of two.

    Attributes
    ----------
    reason : str
        Name under which its share of the log-odds is reported.
    of : tuple of str
        An item or a key of :data:`DERIVED`; two for a product.
    knots : tuple of float
        Knots of a natural cubic spline, at least three; empty for a straight line.
    sign : {-1, 0, 1}
        1 where more of it may not lower the risk, -1 where it may not raise it, 0 where the data decide. Others than 0
        for straight lines only.
    """

    reason: str
    of: tuple[str, ...]
    knots: tuple[float, ...] = ()
    sign: int = 0

    @property
    def items(self) -> tuple[str, ...]:
        """Items that it needs."""
        return tuple(dict.fromkeys(name for each in self.of for name in DERIVED.get(each, (each,))))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        stem = "*".join(self.of)
        return (stem, *(f"{stem}~{k}" for k in range(1, len(self.knots) - 1)))

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file of a model."""
        found = {"reason": self.reason, "of": list(self.of), "knots": list(self.knots)}
        return {**found, "sign": self.sign} if self.sign else found


def signs(terms: Sequence[Term]) -> NDArray[np.int64]:
    """Sign that each column's coefficient is bound to, shape (sum of the terms' columns,)."""
    return np.array([term.sign for term in terms for _ in term.columns], dtype=np.int64)


def spline(values: Floats, knots: Sequence[float]) -> Floats:
    """Basis of a natural cubic spline: cubic between the knots, straight beyond the outer ones.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        May hold nan.
    knots : sequence of float, length k >= 3
        Ascending.

    Returns
    -------
    ndarray of float, shape (n, k - 1)
        The value itself, then k - 2 truncated cubics over the square of the range of the knots (Durrleman and Simon,
        Statistics in Medicine 1989, 8, 551-561; Harrell, Regression Modeling Strategies, section 2.4.5).

    Examples
    --------
    >>> spline(np.array([0.0, 1.0, 4.0]), [1.0, 2.0, 3.0]).round(3).tolist()
    [[0.0, 0.0], [1.0, 0.0], [4.0, 3.0]]
    """
    found = np.empty((len(values), len(knots) - 1))
    spread_out(np.asarray(values, dtype=float), knots, found)
    return found


def spread_out(values: Floats, knots: Sequence[float], into: Floats) -> None:
    """Write the columns of one quantity: the basis of :func:`spline`, or the values where there are no knots.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        May hold nan.
    knots : sequence of float
        Empty, or at least three, ascending.
    into : ndarray of float, shape (n, 1) or (n, len(knots) - 1)
        Written over.
    """
    into[:, 0] = values
    if not knots:
        return
    at = np.asarray(knots, dtype=float)
    last, before = at[-1], at[-2]
    cubes = []
    for knot in at:
        above = np.maximum(values - knot, 0)
        cubes.append(above * above * above)
    for k in range(len(at) - 2):
        bent = cubes[k] - cubes[-2] * (last - at[k]) / (last - before) + cubes[-1] * (before - at[k]) / (last - before)
        np.divide(bent, (last - at[0]) ** 2, out=into[:, k + 1])


class Quantities:
    """Items and derived quantities of a table of answers, each computed once.

    Parameters
    ----------
    frame : polars.DataFrame
        A row a person; columns named as items. An absent column is an item that nobody answered. A column
        `pack_years`, `bmi` is not read: they follow from their parts.
    expected_flow : mapping, optional
        Coefficients of :func:`log_expected_flow`, where a term needs `peak_flow`.
    """

    def __init__(self, frame: pl.DataFrame, expected_flow: Mapping[str, float] | None = None) -> None:
        self._frame = frame
        self._expected_flow = expected_flow
        self._known: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        """Values of an item or a derived quantity, shape (n,), nan where not known."""
        if name not in self._known:
            self._known[name] = self._derive(name) if name in DERIVED else self._read(name)
        return self._known[name]

    @property
    def height(self) -> int:
        """People, n of them."""
        return self._frame.height

    def of(self, term: Term) -> Floats:
        """Values of what a term is made of, shape (n,), nan where not known."""
        first = self[term.of[0]]
        return first * self[term.of[1]] if len(term.of) == 2 else first

    def _read(self, name: str) -> Floats:
        if name not in MODEL_ITEMS:
            raise InputError(f"a model asks for '{name}', which is no item. Items: {', '.join(MODEL_ITEMS)}")
        if name not in self._frame.columns:
            return np.full(self._frame.height, np.nan)
        column = self._frame[name]
        if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
            raise InputError(f"column '{name}' has type {column.dtype}; numbers are wanted")
        values: Floats = column.cast(pl.Float64).to_numpy()  # null is nan there
        return values

    def _status_is(self, word: str) -> Floats:
        if "smk_status" not in self._frame.columns:
            return np.full(self._frame.height, np.nan)
        words = self._frame["smk_status"].cast(pl.String)
        known = ("never", "former", "current")
        if sum(int((words == each).sum()) for each in known) + words.null_count() < words.len():
            words = words.str.to_lowercase()
            strange = sorted(set(words.unique().drop_nulls()) - set(known))
            if strange:
                raise InputError(f"smk_status is '{strange[0]}'; never, former or current is wanted")
        found: Floats = (words == word).cast(pl.Float64).to_numpy()
        return found

    def _where_smoked(self, values: Floats) -> Floats:
        """0 for those who never smoked, whatever else stands there."""
        return np.where(self["former"] + self["current"] == 0, 0.0, values)

    def _derive(self, name: str) -> Floats:
        if name in ("former", "current"):
            return self._status_is(name)
        if name == "years_smoked":
            return self._where_smoked(self["smk_years"])
        if name == "cigarettes":
            return self._where_smoked(self["smk_cpd"])
        if name == "log_pack_years":
            return np.log1p(self["years_smoked"] * self["cigarettes"] / 20)
        if name == "log_years_since":
            return np.where(self["former"] == 0, 0.0, np.log1p(self["quit_years"]))
        if name == "cough_or_phlegm":
            cough, phlegm = self["cough_3mo"], self["phlegm_3mo"]
            return np.where((cough == 1) | (phlegm == 1), 1.0, cough + phlegm)
        if name == "body_mass_index":
            return self["weight_kg"] / (self["height_cm"] / 100) ** 2
        if name in _LOG_YEARS:
            return np.log1p(self[DERIVED[name][0]])
        if name == "wheeze_medicine":
            return np.where(self["wheeze_12mo"] == 0, 0.0, self["wheeze_rx"])
        if self._expected_flow is None:
            raise InputError("the model has no expected peak flow; train it with tier B")
        return np.log(self["pef_lps"]) - log_expected_flow(self, self._expected_flow)


FLOW_COLUMNS = ("one", "male", "age", "age_squared", "log_height", "male_age", "male_log_height")


def flow_columns(known: Quantities) -> Floats:
    """Columns of the expected peak flow, shape (n, 7): see :data:`FLOW_COLUMNS`; age from 60 in decades."""
    age, tall, male = (known["age"] - 60) / 10, np.log(known["height_cm"] / 170), known["male"]
    return np.column_stack([np.ones_like(age), male, age, age**2, tall, male * age, male * tall])


def log_expected_flow(known: Quantities, coefficients: Mapping[str, float]) -> Floats:
    """Logarithm of the peak flow in l/s that healthy people of the same age, sex and height blow.

    Parameters
    ----------
    known : Quantities
        Answers of the people.
    coefficients : mapping of str to float
        One for each of :data:`FLOW_COLUMNS`.
    """
    return flow_columns(known) @ np.array([coefficients[name] for name in FLOW_COLUMNS])


def columns(known: Quantities, terms: Sequence[Term]) -> Floats:
    """All columns of a model.

    Returns
    -------
    ndarray of float, shape (n, sum of the terms' columns)
        nan where an answer is missing.
    """
    found = np.empty((known.height, sum(len(term.columns) for term in terms)))
    at = 0
    for term in terms:
        width = len(term.columns)
        spread_out(known.of(term), term.knots, found[:, at : at + width])
        at += width
    return found
