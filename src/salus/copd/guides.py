"""Guides: what the z-scores of spirometry say of the columns, for an outcome that few people have.

A yes or no of 500 people says little about thirty columns; how far each of 5,000 people is from normal says more. The
coefficients are therefore drawn, as far as the outcome itself supports it, towards those that predict the z-scores of
FEV1/FVC and of FEV1: two guides, each a fixed sum of the same columns. What comes out is a plain logistic model.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from salus.copd.design import Floats
from salus.copd.reference import expected_table
from salus.errors import InputError

_GUIDE_RIDGE = 30.0


def severity(frame: pl.DataFrame, name: str = "the table") -> Floats:
    """How far from normal people blow: z-scores of FEV1/FVC and FEV1 by GLI Global 2022.

    Parameters
    ----------
    frame : polars.DataFrame
        `age` in completed years, `male`, `height_cm`, `fev1_l`, `fvc_l`.
    name : str
        What the person calls the table, for messages.

    Returns
    -------
    ndarray of float, shape (n, 2)
        nan where a number is missing.
    """
    lacking = [c for c in ("age", "male", "height_cm", "fev1_l", "fvc_l") if c not in frame.columns]
    if lacking:
        raise InputError(f"{name} has no column {', '.join(lacking)}: training needs FEV1 and FVC in litres")
    table = expected_table(
        frame["age"].cast(pl.Float64) + 0.5,
        frame["height_cm"],
        frame["male"].replace_strict({0: "female", 1: "male"}, default=None, return_dtype=pl.String),
        fev1=frame["fev1_l"],
        fvc=frame["fvc_l"],
    )
    found: Floats = table.select(pl.col("fev1_fvc_z", "fev1_z").fill_null(float("nan"))).to_numpy()
    return found


def guide(z: Floats, targets: Floats, weights: Floats) -> Floats:
    """Least-squares lines of the columns that predict how far from normal people blow.

    Parameters
    ----------
    z : ndarray of float, shape (n, p)
        Standardised columns.
    targets : ndarray of float, shape (n, k)
        z-scores; rows with nan are left out.
    weights : ndarray of float, shape (n,)
        Survey weights.

    Returns
    -------
    ndarray of float, shape (p, k)
        Coefficients, each line scaled to a standard deviation of 1.
    """
    rows = ~np.isnan(targets).any(axis=1)
    w = weights[rows] / weights[rows].mean()
    x, t = z[rows], targets[rows] - np.average(targets[rows], axis=0, weights=weights[rows])
    lines = np.linalg.solve((x * w[:, None]).T @ x + _GUIDE_RIDGE * np.eye(x.shape[1]), (x * w[:, None]).T @ t)
    found: Floats = lines / (x @ lines).std(axis=0)
    return found


def towards(lines: Floats, strength: tuple[float, float]) -> Floats:
    """Penalty that draws coefficients towards the guides instead of towards 0.

    Parameters
    ----------
    lines : ndarray of float, shape (p, k)
        What :func:`guide` gave.
    strength : tuple of (float, float)
        Ridge penalty on what departs from the best sum of the guides, and on that sum's k factors.

    Returns
    -------
    ndarray of float, shape (p, p)
        For :func:`salus.copd.fitting.fit` on the standardised columns; the factors are eliminated.
    """
    size, count = lines.shape
    inner = lines.T @ lines + strength[1] / strength[0] * np.eye(count)
    found: Floats = strength[0] * (np.eye(size) - lines @ np.linalg.solve(inner, lines.T))
    return found
