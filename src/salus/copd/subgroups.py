"""Groups of people in which a model is judged apart. Ethnicity is read here, for the audit, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

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


def flags(frame: pl.DataFrame, audit: list[dict[str, float | str]]) -> list[list[str]]:
    """The groups of each person in which the model was found out of the bounds of :data:`FAIR`.

    Parameters
    ----------
    frame : polars.DataFrame
        As for :func:`subgroups`; the ethnic column may be absent.
    audit : list of mapping
        Rows of :attr:`salus.copd.model.RiskModel.audit`.

    Returns
    -------
    list of list of str
        For each person, names of groups; empty where none is flagged or known.
    """
    out = {str(row["subgroup"]) for row in audit if not FAIR[0] <= float(row["observed_expected"]) <= FAIR[1]}
    found: list[list[str]] = [[] for _ in range(frame.height)]
    for name, rows in subgroups(frame):
        if name in out:
            for at in np.flatnonzero(rows):
                found[at].append(name)
    return found
