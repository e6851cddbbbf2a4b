"""Obstruction by each definition, for many people at once: what models are trained on and judged by.

The rules are those of :mod:`salus.copd.interpretation`; which session is read, and whether it may be, the caller says.
"""

from __future__ import annotations

import polars as pl

from salus.copd.equations import NORMAL_5TH
from salus.copd.interpretation import FIXED_RATIO, GOLD_PERCENT


def outcomes(table: pl.DataFrame, *, ratio: str = "fev1_fvc") -> pl.DataFrame:
    """Obstruction by each definition, for many people at once.

    Parameters
    ----------
    table : polars.DataFrame
        What :func:`salus.copd.reference.expected_table` gave for measured FEV1 and FVC.
    ratio : str
        Stem of the ratio's columns.

    Returns
    -------
    polars.DataFrame
        `below_lln`, `below_070` and `moderate_or_worse` (ratio below .70 and FEV1 below 80 % of predicted), Boolean;
        null where a number that is needed is null.

    Examples
    --------
    >>> from salus.copd.reference import expected_table
    >>> outcomes(expected_table([62, 62], [170, 170], "male", fev1=[1.8, None], fvc=[3.4, None])).rows()
    [(True, True, True), (None, None, None)]
    """
    measured = pl.col(f"{ratio}_percent") * pl.col(f"{ratio}_predicted") / 100
    below_070 = measured < FIXED_RATIO
    return table.select(
        (pl.col(f"{ratio}_z") < -NORMAL_5TH).alias("below_lln"),
        below_070.alias("below_070"),
        (below_070 & (pl.col("fev1_percent") < GOLD_PERCENT[0])).alias("moderate_or_worse"),
    )
