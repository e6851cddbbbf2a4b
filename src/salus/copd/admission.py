"""Who of a file models are judged or calibrated on: columns by any name, each person once, answers that can be right.

Answers go through the rules of :mod:`salus.copd.checks`, as those of `salus copd assess` do. A person with an answer
that can't be right is left out and counted; where that is so for many, the column itself is wrong (pounds for
kilograms), and nobody is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from salus.copd.answers import CONFIRMED, item_of, person_column, typed, unread
from salus.copd.checks import check
from salus.copd.cohort import eligible, weighted
from salus.copd.design import Floats
from salus.copd.locale import EDUCATION, INCOME
from salus.copd.model import RiskModel
from salus.copd.model_items import MODEL_ITEMS
from salus.copd.questions import LITRES_A_MINUTE, all_items
from salus.data.provenance import hash_file
from salus.errors import InputError

LARGE_SHARE, FEWEST_WRONG = 0.2, 5
"""From more than this share of the people on, and this many of them, a column as a whole is taken as wrong."""
MOST_TOLD = 3
"""Columns that a message names."""
UNUSUAL_SHARE = 0.05
"""The same for values that are possible and would have to be confirmed: 1 in 100 adults of NHANES has a body mass index
above 50, and most would have, had they been weighed in pounds."""
_OWN = {"sex": "male", "pef_lpm": "pef_lps"}
"""Items that the data dictionary has by another name than the questions."""
_BESIDE = ("bmi", "pack_years", "smk_ever100", "prior_dx", EDUCATION, INCOME)
"""Columns that no model reads by themselves, but that may say that another one is wrong, or stand for another one."""
_READ = {*MODEL_ITEMS, *_BESIDE}


@dataclass(frozen=True)
class Admitted:
    """People to judge or to calibrate a model on.

    Attributes
    ----------
    people : polars.DataFrame
        Columns of the data dictionary; aged 40 to 79 with readable spirometry, each with a weight above 0 if there are
        weights.
    notes : tuple of str
        Who was left out and why, what is unusual, and what was read from another column.
    """

    people: pl.DataFrame
    notes: tuple[str, ...]


def admitted(frame: pl.DataFrame, name: str = "the table") -> Admitted:
    """The people of a table who may be judged.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the data dictionary, or named or measured as `salus copd assess` takes them (`sex`, `pef_lpm`,
        `weight_lb`).
    name : str
        What the person calls the table, for messages.

    Raises
    ------
    InputError
        `age` or `spiro_ok` is absent, nobody is left, one column is wrong for more than a fifth of the people, or there
        are weights and none is above 0.

    Examples
    --------
    >>> table = pl.DataFrame({"age": [50, 60, 70], "spiro_ok": [1, 1, 1], "smk_status": ["never", "never", "current"],
    ...                       "smk_cpd": [0, 20, 20]})
    >>> who = admitted(table)
    >>> who.people["age"].to_list(), who.notes[0].split(", such")[0]
    ([50, 70], 'smk_cpd: 1 of 3 people is left out')
    """
    read = _named(frame, name)
    kept = eligible(read, name).with_columns(pl.selectors.float().fill_nan(None))
    kept, repeated = _once(kept)
    kept, refused = _right(kept, name)
    kept, weightless = weighted(kept)
    return Admitted(kept, (*_ages(read), *repeated, *refused, *weightless))


def outcome_of(people: pl.DataFrame, outcome: str, name: str = "the table") -> Floats:
    """An outcome as numbers.

    Returns
    -------
    ndarray of float, shape (n,)
        0 or 1; nan where it is not known.

    Raises
    ------
    InputError
        There is another value.
    """
    values = people[outcome].cast(pl.Float64).fill_nan(None)
    if not values.drop_nulls().is_in([0.0, 1.0]).all():
        raise InputError(f"{name}: column {outcome} has other values than 0, 1 and missing")
    found: Floats = values.fill_null(float("nan")).to_numpy()
    return found


def were_trained_on(models: Iterable[RiskModel], path: str | Path) -> bool:
    """Whether this very file, to the byte, is one that a model was trained on."""
    trained = {each["sha256"] for model in models for each in model.provenance["training"]}
    return hash_file(path).sha256 in trained


def _named(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The table with the dictionary's columns that it has by another name or in another unit."""
    others = []
    for column in frame.columns:
        item = item_of(column)
        own = None if item is None else _OWN.get(item, item)
        if own in _READ and own not in frame.columns:
            others.append(column)
    if not others:
        return frame
    read = typed(frame.select(others), name)
    if "sex" in read.columns:
        sex = pl.when(pl.col("sex").is_not_null()).then((pl.col("sex") == "male").cast(pl.Float64))
        read = read.with_columns(sex.alias("male")).drop("sex")
    if "pef_lpm" in read.columns:
        read = read.with_columns((pl.col("pef_lpm") / LITRES_A_MINUTE).alias("pef_lps")).drop("pef_lpm")
    return frame.hstack(read)


def _ages(frame: pl.DataFrame) -> list[str]:
    """What there is to say of ages that nobody has; those rows are outside of 40 to 79 in any case."""
    item = all_items()["age"]
    ages = frame["age"].cast(pl.Float64, strict=False)
    wrong = ages.filter((ages < 0) | (ages > item.high))
    if wrong.is_empty():
        return []
    return [f"age: {wrong.len():,} of {frame.height:,} rows are left out, such as one of {wrong[0]:g} years"]


def _once(kept: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Each row once where a column names the persons."""
    who = person_column(kept)
    if who is None:
        return kept, []
    plain = [column for column in kept.columns if not kept[column].dtype.is_nested()]
    single = kept.unique(subset=plain, keep="first", maintain_order=True)
    notes = []
    if repeated := kept.height - single.height:
        notes.append(f"{repeated:,} of {kept.height:,} rows repeat another one ({who}): each counts once")
    known = single.filter(pl.col(who).is_not_null())
    key = [who, *(["cycle"] if "cycle" in known.columns else [])]
    if again := known.height - known.select(key).n_unique():
        notes.append(
            f"{again:,} of {single.height:,} rows have the {who} of another one and other values: each counts as a "
            "person. Keep one row a person"
        )
    return single, notes


def _right(kept: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[str]]:
    """The people whose answers can be right, and how many were left out for what."""
    own = [column for column in kept.columns if column in _READ]
    confirmed = [CONFIRMED] if CONFIRMED in kept.columns else []
    answers = typed(kept.select(own + confirmed), name)
    strange = [column for column in kept.columns if column in map(unread, _ASKED) and column not in answers.columns]
    answers = answers.hstack(kept.select(strange))
    told = check(answers).refused.explode("reasons", "kinds").with_columns(
        pl.col("kinds").str.split_exact(": ", 1).struct.rename_fields(["kind", "item"]).alias("kinds")
    ).unnest("kinds").with_columns(pl.col("item").replace(_OWN))  # fmt: skip
    total = kept.height
    by_column = told.group_by("item").agg(
        pl.col("_row").n_unique(), pl.col("reasons").first(), pl.col("kind").eq("confirm").any()
    )
    columns = [
        f"{column} can't be right for {wrong:,} of {total:,} people aged 40 to 79 with spirometry, such as: {reason}"
        for column, wrong, reason, possible in by_column.sort("_row", "item", descending=[True, False]).iter_rows()
        if wrong >= FEWEST_WRONG and wrong > (UNUSUAL_SHARE if possible else LARGE_SHARE) * total
    ]
    if columns:
        raise InputError(f"{name}: {'; '.join(columns[:MOST_TOLD])}. Correct what is wrong, or leave the column out")
    stopped = told.filter(pl.col("kind") != "confirm")
    notes = [
        f"{column}: {wrong:,} of {total:,} people {'is' if wrong == 1 else 'are'} left out, such as: {reason}"
        for column, wrong, reason in stopped.group_by("item", maintain_order=True)
        .agg(pl.col("_row").n_unique(), pl.col("reasons").first())
        .sort("item")
        .iter_rows()
    ]
    asked = told.join(stopped.select("_row"), on="_row", how="anti")
    notes += [
        f"{column}: {some:,} of {total:,} people {'has' if some == 1 else 'have'} an unusual value, which assess would "
        f"ask to confirm; {'it is' if some == 1 else 'they are'} taken as right"
        for column, some in asked.group_by("item").agg(pl.col("_row").n_unique()).sort("item").iter_rows()
    ]
    if "smk_status" in own:
        kept = kept.with_columns(answers["smk_status"])
    right = kept.with_row_index("?row").filter(~pl.col("?row").is_in(stopped["_row"].unique().implode()))
    if right.is_empty():
        raise InputError(f"{name} has nobody whose answers can be right among {total:,} people. {notes[0]}")
    return right.drop("?row", *strange), notes


_ASKED = {next((item for item, own in _OWN.items() if own == column), column) for column in _READ}
