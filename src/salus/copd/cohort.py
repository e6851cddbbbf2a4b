"""The people of a survey that models are trained on and judged by, and the design by which they were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.copd.design import Floats
from salus.copd.model_items import MODEL_ITEMS
from salus.copd.subgroups import ETHNIC_COLUMNS
from salus.errors import InputError

AGES = (40, 79)
"""Ages in completed years that the models are made for: the respiratory questions of NHANES were asked from 40 on, and
spirometry was offered up to 79."""
WEIGHT = "wt_mec_6yr"
_READ = {
    *MODEL_ITEMS, "age", "male", "spiro_ok", "wheeze_attacks", "hayfever_12mo", "prior_dx", "asthma_ever", WEIGHT,
    "income_percentile", "education_percentile", "y_mod", "y_lln12", "y_llngl", "y_070", "y_post070",
}  # fmt: skip
_MOST_WEIGHT = 1e10
"""A weight is a number of people, and there are not that many."""
FEWEST_DRAWN = 2
"""Sampling units that a stratum needs for a variance."""


def read_people(path: str | Path) -> pl.DataFrame:
    """A table of people from a file, columns named as in the data dictionary.

    Parameters
    ----------
    path : str or Path
        Parquet (`.parquet`) or CSV (any other name).

    Raises
    ------
    InputError
        The file can't be read or holds nobody.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"there is no file {path}")
    try:
        if source.suffix.casefold() in (".parquet", ".pq"):
            frame = pl.read_parquet(source)
        else:
            frame = pl.read_csv(source, infer_schema_length=None, null_values=["", "NA", "nan", "NaN"])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} can't be read as a table: {error}. Wanted Parquet or CSV") from error
    if frame.is_empty():
        raise InputError(f"{path} has no rows")
    return frame


def eligible(frame: pl.DataFrame, name: str = "the table") -> pl.DataFrame:
    """The people aged 40 to 79 whose spirometry may be read.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the data dictionary; `age` and `spiro_ok` (1 where both grades are A, B or C).
    name : str
        What the person calls the table, for messages.

    Raises
    ------
    InputError
        A column is absent, holds text where numbers are wanted, or nobody is left.
    """
    lacking = [column for column in ("age", "spiro_ok") if column not in frame.columns]
    if lacking:
        raise InputError(
            f"{name} has no column {' and no '.join(lacking)}. Wanted the columns of the COPD data dictionary: age in "
            "years, spiro_ok 1 where both quality grades are A, B or C"
        )
    frame = _numbers(frame, name)
    kept = frame.filter(pl.col("age").is_between(*AGES) & (pl.col("spiro_ok") == 1))
    if kept.is_empty():
        raise InputError(
            f"{name} has nobody aged {AGES[0]} to {AGES[1]} with spiro_ok = 1 among its {frame.height:,} rows"
        )
    return kept


_WORDS = ("smk_status", "cycle", *ETHNIC_COLUMNS)
_ASKED = {*_READ, *_WORDS, "stratum", "psu", "confirmed"}
_SEX = {"male": "1", "female": "0"}
_YES_NO = {
    **dict.fromkeys(("true", "yes", "y", "是", "有"), "1"),
    **dict.fromkeys(("false", "no", "n", "否", "没有", "无"), "0"),
}  # fmt: skip
_NOTHING = ("", "na", "n/a", "nan", "null", ".")
_MEASURED = {name for name, item in MODEL_ITEMS.items() if item.kind == "number"} | {WEIGHT}


def _numbers(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The columns that are read as the dictionary has them: numbers, and smoking in words."""
    for column in frame.columns:
        kind = frame[column].dtype
        if column in _ASKED and (kind.is_nested() or kind.is_temporal() or kind in (pl.Binary, pl.Object)):
            raise InputError(f"{name}: column {column} holds {kind}. Numbers or words are wanted, one a cell")
    made: list[pl.Series] = []
    for column in (c for c in frame.columns if c in _READ and c not in _WORDS and frame[c].dtype == pl.String):
        text = frame[column].str.strip_chars().str.to_lowercase().replace(dict.fromkeys(_NOTHING))
        if column not in _MEASURED:
            text = text.replace(_SEX if column == "male" else _YES_NO)
        values = text.cast(pl.Float64, strict=False)
        lost = values.is_null() & text.is_not_null()
        if lost.any():
            row = int(lost.arg_true()[0])
            wanted = "A number is wanted" if column in _MEASURED else "A number is wanted (1 yes, 0 no)"
            raise InputError(
                f"{name}: column {column} has '{frame[column][row]}' in row {row + 1}. {wanted}, or an empty cell"
            )
        made.append(values)
    status = frame["smk_status"].dtype if "smk_status" in frame.columns else pl.String()
    if status not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(f"{name}: column smk_status has numbers; never, former or current is wanted")
    if status == pl.Null:
        made.append(frame["smk_status"].cast(pl.String))
    elif "smk_status" in frame.columns:
        made.append(frame["smk_status"].cast(pl.String).str.strip_chars().str.to_lowercase())
    made += [_labels(frame[column]) for column in ("stratum", "psu") if column in frame.columns]
    return frame.with_columns(made)


def _labels(values: pl.Series) -> pl.Series:
    """Names of strata or sampling units: numbers where all are, else words; blanks are null."""
    if values.dtype.is_numeric():
        return values.fill_nan(None) if values.dtype.is_float() else values
    text = values.cast(pl.String).str.strip_chars()
    text = pl.select(pl.when(~text.str.to_lowercase().is_in(_NOTHING)).then(text)).to_series().alias(values.name)
    numbers = text.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == text.null_count() else text


def weighted(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """People who count: those with a weight, and what there is to say of the others.

    Parameters
    ----------
    frame : polars.DataFrame
        What :func:`eligible` gave.

    Returns
    -------
    frame : polars.DataFrame
        Without the people whose weight is missing or 0; without the column of weights where nobody has one.
    notes : tuple of str
        What was left out.

    Raises
    ------
    InputError
        There are weights, and none is above 0.

    Examples
    --------
    >>> weighted(pl.DataFrame({"age": [50, 60], "wt_mec_6yr": [1.5, None]}))[1]
    ('wt_mec_6yr is missing or not positive for 1 of 2 people, who are left out',)
    """
    notes = []
    if WEIGHT in frame.columns:
        given = frame[WEIGHT].cast(pl.Float64).fill_nan(None)
        good = ((given > 0) & (given < _MOST_WEIGHT)).fill_null(value=False)
        if given.null_count() == frame.height:
            frame = frame.drop(WEIGHT)
        elif not good.any():
            raise InputError(
                f"{WEIGHT} is a number of people above 0 for nobody of {frame.height:,}; "
                f"{given.drop_nulls()[0]:g} is the first. Give each the number of people that he stands for, or leave "
                "the column out to count everybody once"
            )
        elif not good.all():
            lost = frame.height - int(good.sum())
            notes.append(
                f"{WEIGHT} is missing or not positive for {lost:,} of {frame.height:,} people, who are left out"
            )
            frame = frame.filter(good)
    drawn = [c for c in ("stratum", "psu") if c in frame.columns]
    if any(frame[c].null_count() == frame.height for c in drawn):
        frame = frame.drop(drawn)
    elif any(frame[c].null_count() for c in drawn):
        notes.append("stratum or psu is missing for some people: they are taken as a stratum of their own")
    return frame, tuple(notes)


@dataclass(frozen=True)
class Design:
    """How a survey's people were drawn.

    Attributes
    ----------
    weights : ndarray of float, shape (n,)
        Survey weights; 1 for everybody where the table has none.
    stratum, unit : ndarray of int, shape (n,)
        Stratum, and sampling unit numbered over all strata.
    notes : tuple of str
        What was assumed for want of a column.
    """

    weights: Floats
    stratum: NDArray[np.int64]
    unit: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @property
    def freedom(self) -> int:
        """Degrees of freedom: sampling units less strata."""
        return int(len(np.unique(self.unit)) - len(np.unique(self.stratum)))

    def replicates(self, count: int, seed: int = 20260101) -> Floats:
        """Weights of bootstrap samples: in each stratum all units but one are drawn with replacement, and scaled up.

        Returns
        -------
        ndarray of float, shape (count, n)
            Rescaling bootstrap of Rao and Wu, Journal of the American Statistical Association 1988, 83, 231-241. A
            stratum with one unit keeps its weight.
        """
        chance = np.random.default_rng(seed)
        factor = np.ones((count, int(self.unit.max()) + 1))
        for stratum in np.unique(self.stratum):
            units = np.unique(self.unit[self.stratum == stratum])
            if (size := len(units)) < FEWEST_DRAWN:
                continue
            drawn = chance.multinomial(size - 1, np.full(size, 1 / size), size=count)
            factor[:, units] = drawn * size / (size - 1)
        found: Floats = factor[:, self.unit] * self.weights
        return found

    def part(self, rows: NDArray[np.bool_]) -> Design:
        """The design of some of the people; their units and strata keep their numbers."""
        return Design(self.weights[rows], self.stratum[rows], self.unit[rows], self.notes)


def design_of(frame: pl.DataFrame, *, groups: Sequence[str] = ("cycle",)) -> Design:
    """The survey design of a table.

    Parameters
    ----------
    frame : polars.DataFrame
        `wt_mec_6yr`, `stratum` and `psu` where there are any.
    groups : sequence of str
        Columns within which strata are numbered, where the table has them.

    Raises
    ------
    InputError
        A weight is missing or not positive.
    """
    size, notes = frame.height, []
    if WEIGHT in frame.columns:
        weights = frame[WEIGHT].cast(pl.Float64).to_numpy()
        wrong = int(np.sum(~(weights > 0)))
        if wrong:
            raise InputError(
                f"{WEIGHT} is missing or not positive for {wrong} of {size} people. Leave them out, or "
                "leave the column out to count everybody once"
            )
    else:
        weights = np.ones(size)
        notes.append(f"no weights in a column {WEIGHT}: everybody counts once")
    if {"stratum", "psu"} <= set(frame.columns):
        inside = [name for name in groups if name in frame.columns]
        stratum = _numbered(frame.select(*inside, "stratum"))
        unit = _numbered(frame.select(*inside, "stratum", "psu"))
        units = np.unique(np.column_stack([stratum, unit]), axis=0)[:, 0]
        alone = int((np.bincount(units) < FEWEST_DRAWN).sum())
        if alone == len(np.unique(units)):
            stratum, unit = np.zeros(size, dtype=np.int64), np.arange(size)
            notes.append(
                "stratum and psu have one sampling unit in each stratum, which says nothing of how far units differ: "
                "each person is taken as drawn alone, and bounds are too narrow if not"
            )
        elif alone:
            notes.append(f"{alone} strata have one sampling unit each and add nothing to the bounds")
    else:
        stratum, unit = np.zeros(size, dtype=np.int64), np.arange(size)
        notes.append(
            "no values in stratum and psu: each person is taken as drawn alone, and bounds are too narrow if not"
        )
    return Design(weights, stratum, unit, tuple(notes))


def _numbered(frame: pl.DataFrame) -> NDArray[np.int64]:
    ranks: NDArray[np.int64] = frame.to_struct("key").rank("dense").cast(pl.Int64).to_numpy() - 1
    return ranks
