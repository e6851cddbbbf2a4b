"""Everybody in the records of a wall assessed for airflow obstruction, inside: whom to ask, or to have blow, first.

Records know little of a person: an age group, the sex, diagnoses. So people are of a few hundred kinds; each kind is
scored once, at every year of its age group, and the mean over the years is its probability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.copd.assessment import SHOWN, Local
from salus.copd.histories import BANDS, DIAGNOSES, KINDS, answers_of, asked
from salus.copd.people import STOP, Tally, assess_batch
from salus.copd.people_files import slices, write_rows
from salus.data.engines import DUCKDB
from salus.data.output import check_place
from salus.errors import InputError, WallError
from salus.privacy import ledger, log, stored, zones
from salus.privacy.keys import Key
from salus.tables.assessments import COPD_ASSESSMENTS

FOLDER, NAME = "copd", "assessed.parquet"
"""Where the rows stand in the record zone, unless another place of it is given."""

BY_BAND = "age_group"
"""Flag: of the age only a group is known."""

_CUTS = [0.1, 0.15, 0.2, 0.3]
_PERCENT = ["below 10", "10 to 15", "15 to 20", "20 to 30", "30 and over"]
_MEAN = ("probability", "lower", "upper", *SHOWN)
_NOTES = {
    "en": "Of the age only the group {band} is known: the probabilities are the mean over its years up to {last}.",
    "zh": "年龄只知道属于 {band} 组：概率为该组至 {last} 岁各年龄的平均值。",
}


@dataclass(frozen=True)
class Assessed:
    """What became of the persons in the records.

    Attributes
    ----------
    file : Path
        The rows, in the record zone.
    persons : int
        In the records.
    outside : int
        Of them those whose age group is none of :data:`salus.copd.histories.BANDS`, or not known; not assessed.
    tally : Tally
        Of those assessed.
    simulated : bool
        Whether the records were simulated.
    undiagnosed : dict of str to int
        Those assessed who have no diagnosis of COPD, emphysema or chronic bronchitis, by the probability in percent.
    """

    file: Path
    persons: int
    outside: int
    tally: Tally
    simulated: bool
    undiagnosed: dict[str, int]

    def lines(self) -> list[str]:
        """In words."""
        counted = ", ".join(f"{band} of 100: {n:,}" for band, n in self.undiagnosed.items())
        return [
            *(["SIMULATED records."] if self.simulated else []),
            f"{self.persons:,} persons in the records; {self.outside:,} under 45 or of no known age, not assessed.",
            f"Without a diagnosis, by probability of obstruction: {counted}.",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        told: dict[str, Any] = {"persons": self.persons, "outside_the_ages": self.outside, "simulated": self.simulated}
        told["undiagnosed"] = self.undiagnosed
        return {"inside_only": True, "file": str(self.file), **told, **self.tally.as_dict()}


def assess_records(
    root: str | Path,
    *,
    key: Key,
    out: str | Path | None = None,
    lang: str = "en",
    local: Local = (),
    engine: str = DUCKDB,
    memory_limit: str = "1200MB",
    why: str = "",
    on_batch: Any = None,
) -> Assessed:
    """Assess everybody whom the records of a wall know in the ages of the models.

    Parameters
    ----------
    root : path
        Folder of the wall.
    key : Key
        The wall's key.
    out : path, optional
        ``.parquet`` or ``.csv`` in the record zone of this wall; without it ``record/copd/assessed.parquet``.
    lang : {'en', 'zh'}
        Language of the notes.
    local : sequence of RiskModel
        Models of the department's own, in place of packaged ones.
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``: the same rows.
    memory_limit : str
        Memory for the engine.
    why : str
        Reason, for the log.
    on_batch : callable, optional
        Called with the number of rows written.

    Returns
    -------
    Assessed
        The rows of ``file`` are of the contract `copd_assessments`, sorted by person; ``person`` is the wall's number.

    Raises
    ------
    WallError
        `out` lies elsewhere than in the record zone of this wall, or the key is not the wall's.
    InputError
        There are no records yet.
    """
    wall = zones.existing(root)
    target = wall.path("record") / FOLDER / NAME if out is None else Path(out)
    _inside(wall, target)
    check_place(target, ())
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        if not known.entries:
            raise InputError(f"there are no records in {root} yet. Ingest some first.")
        tally, parts = Tally(), ledger.parts(wall, known)
        persons, undiagnosed = 0, Counter(dict.fromkeys(_PERCENT, 0))
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with (
            log.act(wall, key, "assess", why=why, file=target.name),
            stored.opened(parts, wall.path("count"), engine, memory_limit) as (machine, records),
        ):

            def rows() -> Iterator[pl.DataFrame]:
                nonlocal persons
                scored = kinds(lang, local)
                for some in asked(machine, records):
                    persons += some.height
                    for batch in slices(some.drop_nulls("kind")):
                        table = _rows(batch, scored, tally.rows)
                        tally.add(table, pl.DataFrame())
                        undiagnosed.update(_without_diagnosis(table))
                        yield table

            write_rows(target, rows(), on_batch=on_batch)
        return Assessed(
            target, persons, persons - tally.rows, tally, any(e.simulated for e in known.entries), dict(undiagnosed)
        )


def _without_diagnosis(table: pl.DataFrame) -> Counter[str]:
    """People without the flag `diagnosed`, by probability."""
    free = table.filter(~pl.col("flags").str.contains("diagnosed"))
    found = np.bincount(np.searchsorted(_CUTS, free["probability"].to_numpy(), side="right"), minlength=len(_PERCENT))
    return Counter(dict(zip(_PERCENT, found.tolist(), strict=True)))


def kinds(lang: str = "en", local: Local = ()) -> pl.DataFrame:
    """All kinds of person that records tell apart, scored together: nobody's number depends on others.

    Parameters
    ----------
    lang, local
        As for :func:`assess_records`.

    Returns
    -------
    polars.DataFrame
        A row a kind: ``kind``, and columns of the contract `copd_assessments`.

    Examples
    --------
    >>> told = kinds().filter(pl.col("kind").is_in([32 * 9, 32 * 9 + 1]))
    >>> told["flags"].to_list(), bool(told["probability"][0] < told["probability"][1])  # the second has asthma
    (['age_group', 'age_group'], True)
    """
    answers = [answers_of(kind) for kind in range(KINDS)]
    spans = [range(BANDS[a["band"]][0], BANDS[a["band"]][1] + 1) for a in answers]
    each = [{**a, "age": age} for a, span in zip(answers, spans, strict=True) for age in span]
    types = {"sex": pl.String, "smk_status": pl.String} | dict.fromkeys(("age", *DIAGNOSES), pl.Int64)
    frame = pl.DataFrame({n: pl.Series([a.get(n) for a in each], dtype=kind) for n, kind in types.items()})
    table, refused = assess_batch(frame, "the records", 0, lang, SHOWN, True, local)
    if refused.height:
        raise AssertionError(f"{refused.height} kinds of person were refused: {refused['reasons'].to_list()[:3]}")
    which = np.repeat(np.arange(KINDS), [len(span) for span in spans])
    found = (
        table.with_columns(kind=pl.Series(which, dtype=pl.Int64))
        .group_by("kind", maintain_order=True)
        .agg(pl.col("tier", "model").first(), pl.col(*_MEAN).mean(), _said("flags", " "), _said("subgroups", STOP))
    )
    notes = [_NOTES[lang].format(band=a["band"], last=BANDS[a["band"]][1]) for a in answers]
    return found.with_columns(
        flags=pl.concat_list(pl.lit([BY_BAND]), "flags").list.join(" "),
        subgroups=pl.col("subgroups").list.join(STOP).replace("", None),
        notes=pl.Series(notes, dtype=pl.String),
        refused=pl.lit(None, dtype=pl.String),
    )


def _said(column: str, between: str) -> pl.Expr:
    """What is said at any year of the age group, each once."""
    return pl.col(column).drop_nulls().str.split(between).list.explode().unique(maintain_order=True)


def _rows(persons: pl.DataFrame, scored: pl.DataFrame, before: int) -> pl.DataFrame:
    """Rows of the contract for persons with their kinds, after so many others."""
    found = persons.join(scored, on="kind", how="left", maintain_order="left")
    rows = pl.int_range(before + 1, before + 1 + found.height)
    found = found.with_columns(pl.col("person").cast(pl.String), row=rows)
    return found.select(c.name for c in COPD_ASSESSMENTS.columns if c.name in found.columns)


def _inside(wall: zones.Zones, out: Path) -> None:
    """Refuse a place that is not in the record zone of this wall, or is the zone itself."""
    record = wall.path("record").resolve()
    if not out.resolve().is_relative_to(record) or out.resolve().parent == record:
        raise WallError(
            f"{out} is no file in a folder of {record}, and rows about persons of this wall are written there alone. "
            f"Leave --out away, or give a file in {record / FOLDER}."
        )
