"""Counts as tables that may leave: the series, its breakdowns, and what was released before, which stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from salus.errors import WallError
from salus.privacy import counts, suppression
from salus.privacy.counts import Counts
from salus.privacy.policy import Policy
from salus.tables.contracts import SERIES

SIGNAL = "cases"
"""What the series count: persons seen with the syndrome in the week."""

SERIES_FILE, BREAKDOWNS_FILE = "series.parquet", "breakdowns.parquet"


def series(counted: Counts, hidden: np.ndarray | None, source: str) -> pl.DataFrame:
    """Counts as a series table, parents before parts; counts left out are null.

    Parameters
    ----------
    counted : Counts
        Exact counts.
    hidden : numpy.ndarray of bool, shape (S, W, N), or None
        Which are left out; None for the exact series.
    source : str
        What the column ``source`` says.

    Returns
    -------
    polars.DataFrame
        Columns of :data:`salus.tables.contracts.SERIES`; ``left_out`` with `hidden` alone.
    """
    S, W, N = counted.values.shape
    values = counted.values.astype(float)
    if hidden is not None:
        values = np.where(hidden, np.nan, values)
    place = counted.places
    frame = pl.DataFrame(
        {
            "location": place["location"].to_list() * (S * W),
            "disease": np.repeat(np.array(counted.diseases), W * N),
            "signal": SIGNAL,
            "date": pl.Series(list(counted.weeks)).gather(np.tile(np.repeat(np.arange(W), N), S)),
            "value": pl.Series(values.ravel()).fill_nan(None),
            "population": pl.Series(place["population"].to_list() * (S * W), dtype=pl.Float64),
            "unit": "persons",
            "location_level": pl.Series(place["location_level"].to_list() * (S * W), dtype=pl.String),
            "parent": pl.Series(place["parent"].to_list() * (S * W), dtype=pl.String),
            "source": source,
        }
    )
    if hidden is not None:
        frame = frame.with_columns(left_out=pl.col("value").is_null())
    return SERIES.check(frame, "the series to be released")


def breakdowns(counted: Counts, hidden: np.ndarray, policy: Policy, source: str) -> pl.DataFrame:
    """Counts by age group and by sex, each guarded as the parts of its place's count.

    Where the place's count is left out, or the categories can't be made safe, none of them is shown.

    Parameters
    ----------
    counted : Counts
        Exact counts.
    hidden : numpy.ndarray of bool, shape (S, W, N)
        Which counts of places are left out.
    policy : Policy
        Which breakdowns, and how they are guarded.
    source : str
        What the column ``source`` says.

    Returns
    -------
    polars.DataFrame
        ``location``, ``disease``, ``signal``, ``date``, ``dimension``, ``category``, ``value`` (null where left
        out), ``source``.
    """
    tables = []
    here = np.flatnonzero(
        (counted.places["location_level"] == policy.breakdown_level).fill_null(value=False).to_numpy()
    )
    for dimension, values in counted.breakdowns.items():
        names = counts.categories(dimension)
        part = values[:, :, here].reshape(-1, len(names))
        family = np.column_stack([part.sum(axis=1), part])
        tree = suppression.tree([-1] + [0] * len(names))
        gone = suppression.suppress(tree, family, policy.minimum_cell, policy.minimum_interval, policy.zeros)
        whole = gone[:, 0] | hidden[:, :, here].ravel()
        gone[whole] = True
        S, W, P = values.shape[0], values.shape[1], here.size
        shape = (S, W, P, len(names))
        index = np.indices(shape).reshape(4, -1)
        tables.append(
            pl.DataFrame(
                {
                    "location": counted.places["location"].gather(here[index[2]]),
                    "disease": pl.Series(counted.diseases).gather(index[0]),
                    "signal": SIGNAL,
                    "date": pl.Series(list(counted.weeks)).gather(index[1]),
                    "dimension": dimension,
                    "category": pl.Series(names).gather(index[3]),
                    "value": pl.Series(np.where(gone[:, 1:], np.nan, part).ravel()).fill_nan(None),
                    "source": source,
                }
            )
        )
    return pl.concat(tables)


def earlier(folders: Sequence[Path], name: str, diseases: Sequence[str]) -> pl.DataFrame | None:
    """Rows of some diseases in earlier releases, each week as it was first released.

    Parameters
    ----------
    folders : sequence of Path
        Copies of earlier releases in the vault, first one first.
    name : str
        :data:`SERIES_FILE` or :data:`BREAKDOWNS_FILE`.
    diseases : sequence of str
        Which.

    Returns
    -------
    polars.DataFrame or None
        None where there was no such release.

    Raises
    ------
    WallError
        A copy is gone, so that nobody can say what is known from that release.
    """
    kept: pl.DataFrame | None = None
    for folder in folders:
        if not (folder / SERIES_FILE).exists():
            raise WallError(
                f"the copy of the release {folder.name} is gone from the vault, so what it made known "
                f"can't be guarded. Put it back."
            )
        if not (folder / name).exists():
            continue
        rows = pl.read_parquet(folder / name).filter(pl.col("disease").is_in(list(diseases)))
        kept = rows if kept is None else pl.concat([kept, rows.join(kept, on=["disease", "date"], how="anti")])
    return kept


def frozen(table: pl.DataFrame, before: pl.DataFrame | None) -> tuple[pl.DataFrame, int]:
    """A table in which the weeks that were released before stand as they were.

    Parameters
    ----------
    table : polars.DataFrame
        Series or breakdowns to be released.
    before : polars.DataFrame or None
        As :func:`earlier` gives it, of the same places.

    Returns
    -------
    table : polars.DataFrame
        Same rows in the same order.
    weeks : int
        How many weeks of a disease stand as before.
    """
    if before is None or not before.height:
        return table, 0
    keys = [c for c in ("location", "disease", "date", "dimension", "category") if c in table.columns]
    old = before.select(*keys, _old="value", _frozen=pl.lit(value=True))
    joined = table.join(old, on=keys, how="left", maintain_order="left")
    value = pl.when(pl.col("_frozen").fill_null(value=False)).then(pl.col("_old")).otherwise(pl.col("value"))
    weeks = (
        table.select("disease", "date")
        .unique()
        .join(before.select("disease", "date").unique(), on=["disease", "date"])
        .height
    )
    joined = joined.with_columns(value=value).drop("_old", "_frozen")
    if "left_out" in joined.columns:
        joined = joined.with_columns(left_out=pl.col("value").is_null())
    return joined, weeks
