"""A risk model as packaged: probability with interval, additive reasons, and what it asks.

The log-odds are a sum over the columns of :mod:`salus.copd.design`. An answer that is missing is not set to 'no' or to
the average: its columns are taken from the other answers, by the least-squares prediction of the training survey, and
the uncertainty about them is averaged over (MacKay, Neural Computation 1992, 4(5), 720-736), so that a person of whom
little is known gets a probability nearer to the prevalence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.copd.design import Floats, Quantities, Term
from salus.copd.locale import localised
from salus.copd.model_items import MODEL_ITEMS, NEVER_INPUTS, TIERS, Item
from salus.copd.patterns import Alike, alike
from salus.errors import InputError, NameNotFoundError

OUTCOMES = {
    "y_mod": "FEV1/FVC below .70 and FEV1 below 80 % of predicted (GLI Global 2022)",
    "y_lln12": "FEV1/FVC below the lower limit of normal by GLI-2012",
    "y_llngl": "FEV1/FVC below the lower limit of normal by GLI Global 2022",
    "y_070": "FEV1/FVC below .70",
    "y_post070": "FEV1/FVC below .70 after a bronchodilator",
}
"""What a model predicts, as columns of the data dictionary; all but the last before a bronchodilator."""

FORMAT = 1
_CHUNK = 32_768
_MOST_PATTERNS = 4096
"""Patterns of missing answers of which a model remembers how to fill them."""


@dataclass(frozen=True)
class RiskModel:
    """A logistic model with splines, from its JSON file.

    Attributes
    ----------
    outcome : str
        Key of :data:`OUTCOMES`.
    tier : {'A', 'B'}
        What it asks: see :data:`salus.copd.model_items.TIERS`.
    version : str
        Version of the model, said with every answer.
    terms : tuple of Term
        Columns, in the order of the arrays below.
    mean : ndarray, shape (p,)
        Weighted mean of each column among the people it was trained on: the reference person.
    spread : ndarray, shape (p, p)
        Weighted covariance of the columns, for missing answers.
    intercept : float
        Log-odds of the reference person.
    coefficients : ndarray, shape (p,)
        Change of the log-odds a unit of a column.
    covariance : ndarray, shape (p + 1, p + 1)
        Sandwich covariance of intercept and coefficients over the survey's design.
    critical : float
        Quantile of Student's t, at the design's degrees of freedom, for intervals of 95 %.
    expected_flow : mapping of str to float
        Coefficients of the expected peak flow; empty for tier A.
    seen : mapping of str to (float, float)
        Smallest and largest answer among the people it was trained on.
    provenance : mapping
        Training files with hash, cycles, people, events, weights, penalty, code and time.
    audit : tuple of mapping
        Observed over expected by subgroup, from cross-validation: `subgroup`, `observed_expected`, `lower`, `upper`,
        `events`.
    places : mapping
        Weighted quantiles of education and income in the training survey; see :mod:`salus.copd.locale`.
    calibration : mapping
        `slope` and `intercept` applied to the log-odds, `where`, `people`, `events`; empty for a packaged model.

    Examples
    --------
    >>> model = RiskModel.load("y_mod", "A")
    >>> people = pl.DataFrame({"age": [45, 70], "male": [0, 1], "smk_status": ["never", "current"],
    ...                        "smk_years": [0, 50], "smk_cpd": [0, 20], "wheeze_12mo": [0, 1]})
    >>> said = model.predict(people)
    >>> said.columns, bool(said["probability"][0] < 0.05 < 0.3 < said["probability"][1])
    (['probability', 'lower', 'upper'], True)
    """

    outcome: str
    tier: str
    version: str
    terms: tuple[Term, ...]
    mean: Floats
    spread: Floats
    intercept: float
    coefficients: Floats
    covariance: Floats
    critical: float
    expected_flow: Mapping[str, float]
    seen: Mapping[str, tuple[float, float]]
    provenance: Mapping[str, Any]
    audit: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def load(outcome: str = "y_mod", tier: str = "A") -> RiskModel:
        """A model that comes with Salus.

        Parameters
        ----------
        outcome : str
            Key of :data:`OUTCOMES`.
        tier : {'A', 'B'}
            By what is known of people.

        Raises
        ------
        NameNotFoundError
            There is no such outcome or tier.
        """
        if outcome not in OUTCOMES:
            raise NameNotFoundError("outcome of the COPD models", outcome, OUTCOMES)
        if tier.upper() not in TIERS:
            raise NameNotFoundError("tier of the COPD models", tier, TIERS)
        return _packaged(outcome, tier.upper())

    @staticmethod
    def read(path: str | Path) -> RiskModel:
        """A model from a file, as train and recalibrate write it.

        Raises
        ------
        InputError
            The file can't be read, is no model or is one of another format.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} can't be read: {error.strerror}") from error
        except ValueError as error:
            raise InputError(
                f"{path} is no model: it is not JSON. Wanted a file that train or recalibrate wrote"
            ) from (error)
        return from_json(content, str(path))

    @cached_property
    def reasons(self) -> dict[str, tuple[str, ...]]:
        """Name of each reason, and the items that it is made of; the order is that of :meth:`contributions`.

        A term whose coefficients are 0, because it would have spoken against clinical sense, is none.
        """
        found: dict[str, dict[str, None]] = {}
        at = 0
        for term in self.terms:
            size = len(term.columns)
            if self.coefficients[at : at + size].any():
                found.setdefault(term.reason, {}).update(dict.fromkeys(term.items))
            at += size
        return {reason: tuple(items) for reason, items in found.items()}

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, p of them."""
        return tuple(name for term in self.terms for name in term.columns)

    def items(self) -> tuple[Item, ...]:
        """The questions that the model asks, in the order in which to ask them."""
        asked = {name for term in self.terms for name in term.items}
        return tuple(item for name, item in MODEL_ITEMS.items() if name in asked)

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return _file_name(self.outcome, self.tier)

    @property
    def label(self) -> str:
        """What may be said of its calibration where it is used; never more than was measured."""
        if not self.calibration:
            return f"version {self.version}, not calibrated on local data"
        known = self.calibration
        return f"version {self.version}, calibrated on {known['people']:,} people of {known['where']}"

    def predict(self, frame: pl.DataFrame, *, interval: bool = True) -> pl.DataFrame:
        """Probability of the outcome for each person.

        Parameters
        ----------
        frame : polars.DataFrame
            A row a person; columns are items. Others are passed over; absent ones and nulls are missing answers.
        interval : bool
            Whether to add `lower` and `upper`.

        Returns
        -------
        polars.DataFrame
            `probability`; `lower` and `upper` hold with 95 % confidence the probability that a model trained on the
            whole population would give to people with these answers. They don't say what the person has.
        """
        parts = []
        for start in range(0, max(frame.height, 1), _CHUNK):
            x, tempered, people = self._log_odds(frame.slice(start, _CHUNK))
            at = (self.intercept + x @ self.coefficients) / tempered
            found = {"probability": _expit(self._calibrated(at))}
            if interval:
                square = self.covariance[0, 0] + x @ (2 * self.covariance[0, 1:])
                square += np.einsum("ij,ij->i", x @ self.covariance[1:, 1:], x)
                error = self.critical * np.sqrt(square) / tempered
                found["lower"] = _expit(self._calibrated(at - error))
                found["upper"] = _expit(self._calibrated(at + error))
            parts.append(pl.DataFrame({name: people.back(values) for name, values in found.items()}))
        return pl.concat(parts)

    def contributions(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Share of each reason in each person's log-odds.

        Returns
        -------
        polars.DataFrame
            `reference`, the log-odds of the average person of the training survey (every column at its mean); a column
            for each of :attr:`reasons`; and `not_known`, by which missing answers draw the log-odds towards 0. The sum
            of a row is the log-odds of :meth:`predict`. A missing answer's share is what the other answers say of it.
        """
        x, tempered, people = self._log_odds(frame)
        x, tempered = people.back(x), people.back(tempered)
        slope = float(self.calibration.get("slope", 1.0))
        parts = x * self.coefficients * slope
        reasons = np.array([term.reason for term in self.terms for _ in term.columns])
        shares = {reason: parts[:, reasons == reason].sum(axis=1) for reason in self.reasons}
        reference = float(self._calibrated(np.array(self.intercept)))
        plain = (self.intercept + x @ self.coefficients) * slope
        return pl.DataFrame(
            {"reference": np.full(frame.height, reference), **shares, "not_known": plain / tempered - plain}
        )

    def missing(self, frame: pl.DataFrame) -> pl.DataFrame:
        """For each item that the model asks, whether the answer is missing and is not implied by another.

        Returns
        -------
        polars.DataFrame
            A Boolean column an item, a row a person.
        """
        known = Quantities(frame, self.expected_flow or None)
        found: dict[str, np.ndarray] = {}
        for item in self.items():
            gone = np.isnan(known["current" if item.name == "smk_status" else item.name])
            if item.only_if is not None:
                gate, wanted = item.only_if
                if gate == "smk_status":
                    other = np.where(known["current"] == 1, 2, known["former"])
                    codes = {"never": 0, "former": 1, "current": 2}
                    gone &= ~(~np.isnan(known["former"]) & ~np.isin(other, [codes[str(w)] for w in wanted]))
                else:
                    gone &= np.isnan(known[gate]) | np.isin(known[gate], wanted)
            found[item.name] = gone
        return pl.DataFrame(found)

    def _calibrated(self, log_odds: Floats) -> Floats:
        if not self.calibration:
            return log_odds
        return float(self.calibration["intercept"]) + float(self.calibration["slope"]) * log_odds

    def _log_odds(self, frame: pl.DataFrame) -> tuple[Floats, Floats, Alike]:
        """Columns less their means, missing ones filled; the divisor of the log-odds for those; the rows' order."""
        known = Quantities(localised(frame, self.places), self.expected_flow or None)
        people = alike(known, self.terms, self.mean)
        x, tempered = people.x, np.ones(len(people.order))
        for rows, lost in people.runs:
            if lost.any():
                weights, variance = self._filled(lost.tobytes())
                x[rows, lost] = x[rows] @ weights
                tempered[rows] = np.sqrt(1 + np.pi * variance / 8)
        return x, tempered, people

    def _filled(self, pattern: bytes) -> tuple[Floats, float]:
        """Least-squares weights, shape (p, missing), of the missing columns, and the variance left of the log-odds."""
        if pattern in self._fillings:
            return self._fillings[pattern]
        lost = np.frombuffer(pattern, dtype=bool)
        weights = np.zeros((len(lost), int(lost.sum())))
        weights[~lost] = np.linalg.lstsq(
            self.spread[np.ix_(~lost, ~lost)], self.spread[np.ix_(~lost, lost)], rcond=1e-9
        )[0]
        rest = self.spread[np.ix_(lost, lost)] - self.spread[np.ix_(lost, ~lost)] @ weights[~lost]
        slopes = self.coefficients[lost]
        found = weights, max(0.0, float(slopes @ rest @ slopes))
        if len(self._fillings) < _MOST_PATTERNS:
            self._fillings[pattern] = found
        return found

    @cached_property
    def _fillings(self) -> dict[bytes, tuple[Floats, float]]:
        return {}

    def as_json(self) -> dict[str, Any]:
        """All of it, as it stands in a file."""
        return {
            "format": FORMAT,
            "outcome": self.outcome,
            "outcome_is": OUTCOMES[self.outcome],
            "tier": self.tier,
            "version": self.version,
            "terms": [term.as_json() for term in self.terms],
            "columns": list(self.column_names),
            "intercept": self.intercept,
            "coefficients": _rounded(self.coefficients),
            "mean": _rounded(self.mean),
            "spread": _triangle(self.spread),
            "covariance": _triangle(self.covariance),
            "critical": self.critical,
            "expected_flow": dict(self.expected_flow),
            "seen": {name: list(bounds) for name, bounds in self.seen.items()},
            "audit": [dict(row) for row in self.audit],
            "places": dict(self.places),
            "calibration": dict(self.calibration),
            "provenance": dict(self.provenance),
        }

    def as_text(self) -> str:
        """The text of its file: one key a line, so that two versions can be compared."""
        return json.dumps(self.as_json(), indent=0, sort_keys=True) + "\n"


def from_json(content: Mapping[str, Any], name: str) -> RiskModel:
    """A model from the content of its file.

    Parameters
    ----------
    content : mapping
        What :meth:`RiskModel.as_json` made.
    name : str
        Name of the file, for messages.

    Raises
    ------
    InputError
        It is no model, one of another format, or one that uses ethnicity.
    """
    if not isinstance(content, Mapping) or "coefficients" not in content:
        raise InputError(f"{name} is no COPD model. Wanted a file that train or recalibrate wrote")
    if content.get("format") != FORMAT:
        raise InputError(f"{name} has model format {content.get('format')}; this version of Salus reads {FORMAT}")
    terms = tuple(Term(t["reason"], tuple(t["of"]), tuple(t["knots"]), t.get("sign", 0)) for t in content["terms"])
    barred = sorted({name for term in terms for name in term.items} & set(NEVER_INPUTS))
    if barred:
        raise InputError(f"{name} uses {barred[0]}: ethnicity is never an input of a Salus model")
    size = sum(len(term.columns) for term in terms)
    return RiskModel(
        outcome=content["outcome"],
        tier=content["tier"],
        version=content["version"],
        terms=terms,
        mean=np.array(content["mean"], dtype=float),
        spread=_square(content["spread"], size),
        intercept=float(content["intercept"]),
        coefficients=np.array(content["coefficients"], dtype=float),
        covariance=_square(content["covariance"], size + 1),
        critical=float(content["critical"]),
        expected_flow=content["expected_flow"],
        seen={key: (low, high) for key, (low, high) in content["seen"].items()},
        provenance=content["provenance"],
        audit=tuple(content["audit"]),
        places=content["places"],
        calibration=content["calibration"],
    )


def items(tier: str = "A") -> tuple[Item, ...]:
    """The questions of the packaged models of a tier, in the order in which to ask them.

    Parameters
    ----------
    tier : {'A', 'B'}
        By what is known of people.

    Examples
    --------
    >>> "pef_lps" in {item.name for item in items("B")} - {item.name for item in items("A")}
    True
    """
    asked = {item.name for outcome in OUTCOMES for item in RiskModel.load(outcome, tier).items()}
    return tuple(item for name, item in MODEL_ITEMS.items() if name in asked)


def _file_name(outcome: str, tier: str) -> str:
    return f"{outcome}_{tier.lower()}.json"


@lru_cache
def _packaged(outcome: str, tier: str) -> RiskModel:
    name = _file_name(outcome, tier)
    text = files("salus.copd").joinpath("data", "models", name).read_text(encoding="utf-8")
    return from_json(json.loads(text), name)


def _expit(log_odds: Floats) -> Floats:
    # polars and JSON want plain floats of 64 bits; expit of scipy is typed Any
    return 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.10g}") for value in values]


def _triangle(matrix: Floats) -> list[float]:
    return [float(f"{value:.8g}") for value in matrix[np.tril_indices(len(matrix))]]


def _square(triangle: list[float], size: int) -> Floats:
    if len(triangle) != size * (size + 1) // 2:
        raise InputError(f"a matrix of a COPD model has {len(triangle)} numbers; its {size} columns want another count")
    found = np.zeros((size, size))
    found[np.tril_indices(size)] = triangle
    return found + np.tril(found, -1).T
