"""Groups of people in which a model is judged apart. Ethnicity is read here, for the audit, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

FAIR = (0.8, 1.25)
"""Observed over expected outside of which a group is flagged."""
AGE_BANDS = ((40, 49), (50, 59), (60, 69), (70, 79))
ETHNIC_COLUMNS = ("race5", "race6", "ethnicity")

Rows = NDArray[np.bool_]


def subgroups(frame: pl.DataFrame) -> Iterator[tuple[str, Rows]]:
    """The subgroups of a table, everybody first.

    Parameters
    ----------
    frame : polars.DataFrame
        `age`; `male`, `smk_status`, `prior_dx`, `asthma_ever` and an ethnic column (`race5`, `race6` or `ethnicity`)
        where there are any.

    Yields
    ------
    tuple of (str, ndarray of bool)
        Name such as 'sex: female', and the rows that belong to it. A group without anybody is left out.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [45, 71], "male": [0, 0]})
    >>> [(name, rows.tolist()) for name, rows in subgroups(people)][:2]
    [('all', [True, True]), ('sex: female', [True, True])]
    """
    yield "all", np.ones(frame.height, dtype=bool)
    tests = [("sex: female", "male", pl.col("male") == 0), ("sex: male", "male", pl.col("male") == 1)]
    tests += [(f"age: {low}-{high}", "age", pl.col("age").is_between(low, high)) for low, high in AGE_BANDS]
    tests += [
        (f"smoking: {word}", "smk_status", pl.col("smk_status") == word) for word in ("never", "former", "current")
    ]
    tests += [
        (f"no diagnosis of bronchitis or emphysema: {word}", "prior_dx", pl.col("prior_dx") == code)
        for word, code in (("true", 0), ("false", 1))
    ]
    tests += [
        (f"asthma ever: {word}", "asthma_ever", pl.col("asthma_ever") == code) for word, code in (("no", 0), ("yes", 1))
    ]
    for column in ETHNIC_COLUMNS:
        if column in frame.columns:
            words = sorted(frame[column].drop_nulls().cast(pl.String).unique())
            tests += [(f"ethnicity: {word}", column, pl.col(column).cast(pl.String) == word) for word in words]
            break
    for name, column, test in tests:
        if column in frame.columns:
            rows = frame.select(test.fill_null(False)).to_series().to_numpy()
            if rows.any():
                yield name, rows


def unfair(audit: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Groups of an audit that lie outside of :data:`FAIR`, with observed over expected.

    Parameters
    ----------
    audit : sequence of mapping
        Rows of :attr:`salus.copd.model.RiskModel.audit`.

    Examples
    --------
    >>> unfair([{"subgroup": "all", "observed_expected": 1.0}, {"subgroup": "age: 40-49", "observed_expected": 0.7}])
    {'age: 40-49': 0.7}
    """
    found = {str(row["subgroup"]): float(row["observed_expected"]) for row in audit}
    return {name: value for name, value in found.items() if not FAIR[0] <= value <= FAIR[1]}


def flags(frame: pl.DataFrame, audits: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, list[str]]]:
    """The groups of each person in which a model was found out of the bounds of :data:`FAIR`.

    Parameters
    ----------
    frame : polars.DataFrame
        As for :func:`subgroups`; the ethnic column may be absent.
    audits : mapping of str to sequence of mapping
        By outcome, rows of :attr:`salus.copd.model.RiskModel.audit`.

    Returns
    -------
    list of dict
        For each person, groups and the outcomes whose model it was; empty where none is flagged or known.
    """
    outside = {outcome: unfair(audit) for outcome, audit in audits.items()}
    found: list[dict[str, list[str]]] = [{} for _ in range(frame.height)]
    for name, rows in subgroups(frame):
        by = [outcome for outcome, groups in outside.items() if name in groups]
        for at in np.flatnonzero(rows) if by else ():
            found[at][name] = by
    return found
