"""Measured FEV1 and FVC of many people by the three sets of reference equations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from salus.copd import answers as given
from salus.copd.checks import check
from salus.copd.equations import EQUATIONS
from salus.copd.people import STOP, UNREAD, Tally
from salus.copd.people_files import batches
from salus.copd.sessions import interpret_table
from salus.tables.assessments import COPD_SPIROMETRY
from salus.tables.frames import to_polars

GROUP = "group"
"""Column with the ethnic group, for the sets of equations that tell groups apart; it is used for nothing else."""
_READ = ("age", "sex", "height_cm", "fev1_l", "fvc_l", "post_fev1_l", "post_fvc_l", "q_fev1", "q_fvc", "q_post_fev1",
         "q_post_fvc")  # fmt: skip
_OF_SET = ("fev1_z", "fvc_z", "fev1_fvc_lln", "fev1_fvc_z", "below_lln")


def spirometry(people: Any, *, lang: str = "en", tally: Tally | None = None) -> pl.DataFrame:
    """Spirometry of a table of people.

    Parameters
    ----------
    people : path or frame
        A row a person: `age`, `sex`, `height_cm`, `fev1_l`, `fvc_l`, and `post_fev1_l`, `post_fvc_l`, grades
        `q_fev1`, `q_fvc`, `q_post_fev1`, `q_post_fvc` where there are any; under other names that the items know
        (``fev1_ml``). `group` gives the columns of GLI-2012 and NHANES III.
    lang : {'en', 'zh'}
        Language of reasons, notes and next steps.
    tally : Tally, optional
        Counts are added to it.

    Returns
    -------
    polars.DataFrame
        Table of the contract `copd_spirometry`: a row for each row of the input, in order. Inside only.

    Examples
    --------
    >>> rows = pl.DataFrame({"age": [62], "sex": ["male"], "height_cm": [170], "fev1": [1.8], "fvc": [3.4]})
    >>> found = spirometry(rows)
    >>> found.select("below_lln", "pattern", "severity").row(0), round(found["fev1_fvc_z"][0], 2)
    ((True, 'obstructive', 'mild'), -2.96)
    """
    frames = batches(people) if isinstance(people, str | Path) else iter([to_polars(people, "the table")])
    label = str(people) if isinstance(people, str | Path) else "the table"
    counts = tally or Tally()
    return pl.concat(counts.watched(spirometry_batches(frames, label, lang, counts)))


def spirometry_batches(frames: Iterator[pl.DataFrame], label: str, lang: str, tally: Tally) -> Iterator[pl.DataFrame]:
    """The same, batch by batch.

    Parameters
    ----------
    frames : iterator of polars.DataFrame
        Rows of people.
    label : str
        What messages call them.
    lang : {'en', 'zh'}
        Language of reasons, notes and next steps.
    tally : Tally
        Counts are added to it.

    Yields
    ------
    polars.DataFrame
        Rows of the contract `copd_spirometry`.
    """
    for frame in frames:
        yield _batch(frame, label, lang, tally)


def _batch(frame: pl.DataFrame, label: str, lang: str, tally: Tally) -> pl.DataFrame:
    name = given.person_column(frame)
    person = frame[name].cast(pl.String) if name else pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    answers = given.typed(frame, label)
    checked = check(answers.select([c for c in answers.columns if c.lstrip("?!") in _READ]), lang)
    fine = checked.fine
    read = fine.select("_row").hstack(interpret_table(fine, lang=lang))
    if GROUP in frame.columns:
        group = frame[GROUP].cast(pl.String)[fine["_row"]].alias(GROUP)
        read = read.hstack([column for name in ("gli_2012", "nhanes3") for column in _by_group(fine, group, name)])
    whole = pl.DataFrame({"_row": pl.int_range(frame.height, eager=True), "person": person})
    notes = checked.notes.select("_row", pl.col("notes").list.join(STOP).alias("notes"))
    refused = checked.refused.select("_row", pl.col("reasons").list.join(STOP).alias("refused"))
    out = whole
    for more in (read, notes, refused):
        out = out.join(more, on="_row", how="left", maintain_order="left")
    out = out.with_columns(
        (pl.col("_row") + tally.rows + 1).alias("row"), pl.coalesce("refused", "reason").alias("refused")
    )
    lost = int(out["refused"].is_not_null().sum())
    tally.rows += out.height
    tally.refused += lost
    tally.scored += out.height - lost
    tally.tiers["C"] += out.height - lost
    if checked.refused.height:
        tally.kinds.update(dict(checked.refused["kinds"].explode().value_counts().iter_rows()))
    if lost > checked.refused.height:
        tally.kinds[UNREAD] += lost - checked.refused.height
    return COPD_SPIROMETRY.check(out)


def _by_group(fine: pl.DataFrame, group: pl.Series, name: str) -> list[pl.Series]:
    """Columns of one set of equations, null for people whose group it does not have."""
    at = group.is_in(list(EQUATIONS[name].groups)).fill_null(value=False).arg_true()
    read = interpret_table(fine[at], equation=name, group=group[at]).select(_OF_SET)
    back = read.with_columns(at.cast(pl.Int64).alias("at"))
    everybody = pl.DataFrame({"at": pl.int_range(fine.height, eager=True)})
    wide = everybody.join(back, on="at", how="left", maintain_order="left").drop("at")
    return [wide[column].alias(f"{name}_{column}") for column in _OF_SET]
