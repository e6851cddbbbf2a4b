"""The rows of one disease and one signal of a table, by whatever name a person gives them."""

from __future__ import annotations

import polars as pl

from salus.errors import InputError
from salus.surveillance import diseases
from salus.tables.names import resolve


def of_disease(frame: pl.DataFrame, disease: str | None, label: str) -> tuple[pl.DataFrame, str]:
    """The rows of one disease.

    Parameters
    ----------
    frame : polars.DataFrame
        With a column `disease`.
    disease : str or None
        Any of its names; None where the table must have one disease only.
    label : str
        What messages call the table.

    Returns
    -------
    rows : polars.DataFrame
        Its rows; of several labels of the disease, all are written as the first.
    name : str
        The disease as the rows have it.

    Raises
    ------
    InputError
        There is no such disease, or several to choose from.

    Examples
    --------
    >>> rows, name = of_disease(pl.DataFrame({"disease": ["HFMD", "Measles"]}), "手足口病", "a table")
    >>> rows.height, name
    (1, 'HFMD')
    """
    labels = [x for x in frame["disease"].cast(pl.String).unique().drop_nulls().sort().to_list() if x.strip()]
    if disease is None:
        if len(labels) != 1:
            raise InputError(f"{label} holds {len(labels)} diseases: {_some(labels)}. Say which with --disease.")
        return frame.filter(pl.col("disease") == labels[0]), labels[0]
    found = diseases.match(disease, labels, label)
    narrowed = frame.filter(pl.col("disease").is_in(found))
    if len(found) > 1:
        narrowed = narrowed.with_columns(pl.lit(found[0]).alias("disease"))
    return narrowed, found[0]


def of_signal(frame: pl.DataFrame, signal: str | None, disease: str, label: str) -> tuple[pl.DataFrame, str]:
    """The rows of one signal of a disease.

    Parameters
    ----------
    frame : polars.DataFrame
        With a column `signal`.
    signal : str or None
        Its name; None where the table must have one signal only.
    disease, label : str
        What messages call the disease and the table.

    Returns
    -------
    rows : polars.DataFrame
        Its rows.
    name : str
        The signal as the rows have it.

    Raises
    ------
    InputError
        There is no such signal, or several to choose from.
    """
    signals = frame["signal"].cast(pl.String).unique().drop_nulls().sort().to_list()
    if signal is not None:
        name = resolve(f"{disease} signal", signal, signals, label)
    elif len(signals) == 1:
        name = signals[0]
    else:
        raise InputError(f"{label} has {len(signals)} signals of {disease}: {_some(signals)}. Say which with --signal.")
    return frame.filter(pl.col("signal") == name), name


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{n}'" for n in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
