"""Many people at once: a table in, a table out, every row of the input in it once, scored or refused with its reasons.

Files are worked through in batches, so that memory does not grow with their size. The result is about persons: it stays
inside, in a file that only its owner can read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from salus.copd import answers as given
from salus.copd.assessment import (
    AGES,
    PRIMARY,
    SHOWN,
    Local,
    inputs_of,
    label_of,
    limits,
    model_frame,
    models,
    models_of,
    tier_of,
)
from salus.copd.checks import check
from salus.copd.coherence import coherent, companions
from salus.copd.instruments import INSTRUMENTS
from salus.copd.people_files import batches, guard_output, slices, write_rows
from salus.copd.questionnaire import Instrument, Number
from salus.copd.questions import all_items
from salus.copd.sessions import interpret_table
from salus.copd.subgroups import flags as flagged
from salus.data.engines import DUCKDB
from salus.data.output import check_place
from salus.tables.assessments import COPD_ASSESSMENTS
from salus.tables.frames import to_polars
from salus.tables.reading import read_raw

WORKERS = 2
"""Batches that are worked on side by side."""
UNREAD = "spirometry that can't be read"
"""Kind of the rows whose FEV1 and FVC are there and can't be read: outside the equations, or of grade F."""
STOP = " | "
"""Between the reasons of one row."""


@dataclass
class Tally:
    """What became of the rows of a table.

    Attributes
    ----------
    rows, scored, refused : int
        Rows in; of them scored, and refused. ``scored + refused == rows``.
    tiers : Counter
        Scored rows by tier.
    kinds : Counter
        Reasons of the refused rows, ``kind: item``; a row may have several.
    flags : Counter
        Flags of the scored rows.
    repeated : int
        Rows whose name of the person an earlier row has; they are scored like the others.
    """

    rows: int = 0
    scored: int = 0
    refused: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "rows": self.rows,
            "scored": self.scored,
            "refused": self.refused,
            "tiers": dict(sorted(self.tiers.items())),
            "refused_for": dict(self.kinds.most_common()),
            "flags": dict(self.flags.most_common()),
            "repeated_ids": self.repeated,
        }

    def add(self, table: pl.DataFrame, refused: pl.DataFrame) -> None:
        """Count the rows of a batch: what :func:`assess_batch` gave."""
        lost = int(table["refused"].is_not_null().sum())
        self.rows += table.height
        self.refused += lost
        self.scored += table.height - lost
        if lost > refused.height:
            self.kinds[UNREAD] += lost - refused.height
        self.tiers.update(dict(table["tier"].drop_nulls().value_counts().iter_rows()))
        if refused.height:
            self.kinds.update(dict(refused["kinds"].explode().value_counts().iter_rows()))
        words = table["flags"].drop_nulls().value_counts()
        for text, n in words.iter_rows():
            self.flags.update(dict.fromkeys(str(text).split(), n))

    def watched(self, tables: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The rows as they pass by; after the last one `repeated` is known. It takes 8 bytes a row."""
        names = []
        for table in tables:
            names.append(table["person"].drop_nulls().hash().to_numpy())
            yield table
        whole = np.concatenate(names) if names else np.zeros(0, dtype=np.uint64)
        whole.sort()
        self.repeated += int((whole[1:] == whole[:-1]).sum())

    def join(self, other: Tally) -> None:
        """Add the counts of other rows."""
        self.rows, self.scored, self.refused = (
            self.rows + other.rows,
            self.scored + other.scored,
            self.refused + other.refused,
        )
        for mine, more in ((self.tiers, other.tiers), (self.kinds, other.kinds), (self.flags, other.flags)):
            mine.update(more)


def assess_table(
    people: Any,
    *,
    lang: str = "en",
    outcomes: Sequence[str] = SHOWN,
    interval: bool = True,
    tally: Tally | None = None,
    local: Local = (),
) -> pl.DataFrame:
    """Assess a table of people held in memory.

    Parameters
    ----------
    people : path or frame
        A row a person; columns by the items' names or others that they know.
    lang : {'en', 'zh'}
        Language of the reasons for refusing a row, and of the notes.
    outcomes : sequence of str
        Outcomes to give: of :data:`~salus.copd.assessment.SHOWN`, and `y_post070`.
    interval : bool
        Whether to give the interval.
    tally : Tally, optional
        Counts are added to it.
    local : sequence of RiskModel
        Models of the department's own, in place of packaged ones.

    Returns
    -------
    polars.DataFrame
        Table of the contract `copd_assessments`: a row for each row of the input, in order. Inside only.

    Raises
    ------
    InputError
        The source can't be read, or has no column that is known.

    Examples
    --------
    >>> rows = pl.DataFrame({"age": [62, 150], "sex": ["male", "female"], "smk_status": ["current", "never"]})
    >>> assess_table(rows).select("row", "tier", "refused").rows()
    [(1, 'A', None), (2, None, 'age is 150: 18 to 110 years are wanted. Correct it, or leave it empty')]
    """
    frame = read_raw(people) if isinstance(people, str | Path) else to_polars(people, "the table")
    label = str(people) if isinstance(people, str | Path) else "the table"
    table, refused = assess_batch(frame, label, 0, lang, outcomes, interval, local)
    counts = tally or Tally()
    counts.add(table, refused)
    return COPD_ASSESSMENTS.check(pl.concat(counts.watched([table])))


def assess_file(
    source: str | Path | pl.DataFrame | Iterable[pl.DataFrame],
    out: str | Path,
    *,
    lang: str = "en",
    outcomes: Sequence[str] = SHOWN,
    interval: bool = True,
    inputs: Sequence[str | Path] = (),
    on_batch: Any = None,
    local: Local = (),
    engine: str = DUCKDB,
) -> Tally:
    """Assess a file of any size into another, batch by batch.

    Parameters
    ----------
    source : path, polars.DataFrame or iterable of polars.DataFrame
        CSV, Excel, JSON lines or Parquet (read in batches), a table, or batches of rows.
    out : path
        File to write: ``.parquet`` or ``.csv``. It replaces atomically and only its owner can read it.
    lang, outcomes, interval
        As for :func:`assess_table`.
    inputs : sequence of path
        Files that the batches are made from, where `source` is no path.
    on_batch : callable, optional
        Called with the number of rows done.
    local : sequence of RiskModel
        As for :func:`assess_table`.
    engine : str
        ``duckdb`` for this process, or a Spark master such as ``local[2]``, for Parquet only; the same rows.

    Returns
    -------
    Tally
        What became of the rows.

    Raises
    ------
    WallError
        The place is a zone that no row about a person may stand in, or the input would leave the wall.
    OutputError
        The file can't be written.
    """
    read_from = [source] if isinstance(source, str | Path) else list(inputs)
    guard_output(out, read_from)
    check_place(out, read_from)
    if engine != DUCKDB:
        from salus.copd.people_spark import assess_on_spark  # it needs this module

        return assess_on_spark(source, out, engine, lang, outcomes, interval, local, on_batch)
    tally = Tally()
    label = str(source) if isinstance(source, str | Path) else "the table"
    if isinstance(source, pl.DataFrame):
        frames = slices(source)
    else:
        frames = batches(source) if isinstance(source, str | Path) else iter(source)
    models_of("A", outcomes, local), models_of("B", outcomes, local)  # read once, before the threads

    def work(frame: pl.DataFrame, before: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        return assess_batch(frame, label, before, lang, outcomes, interval, local)

    def counted() -> Iterator[pl.DataFrame]:
        for table, refused in _in_order(work, frames):
            tally.add(table, refused)
            yield table

    write_rows(out, tally.watched(counted()), on_batch=on_batch)
    return tally


def _in_order(
    work: Callable[[pl.DataFrame, int], tuple[pl.DataFrame, pl.DataFrame]], frames: Iterator[pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Batches worked on side by side and given back in their order; no more are held than are worked on."""
    before, waiting = 0, deque[Future[tuple[pl.DataFrame, pl.DataFrame]]]()
    with threadpool_limits(1), ThreadPoolExecutor(WORKERS) as pool:  # threads of BLAS would stand in each other's way
        for frame in frames:
            if len(waiting) == WORKERS:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, frame, before))
            before += frame.height
        while waiting:
            yield waiting.popleft().result()


# ---- one batch ------------------------------------------------------------------------------------------------------


def assess_batch(
    frame: pl.DataFrame,
    label: str,
    before: int,
    lang: str,
    outcomes: Sequence[str],
    interval: bool,
    local: Local,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Assess one batch of a table.

    Parameters
    ----------
    frame : polars.DataFrame
        Its rows, as they were read.
    label : str
        What messages call the table.
    before : int
        Rows of the table before the batch.
    lang, outcomes, interval, local
        As for :func:`assess_table`.

    Returns
    -------
    tuple of (polars.DataFrame, polars.DataFrame)
        Rows of the contract `copd_assessments`; `_row`, `reasons` and `kinds` of those refused by a check.
    """
    name = given.person_column(frame)
    person = frame[name].cast(pl.String) if name else pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    checked = check(given.typed(frame, label), lang)
    fine = checked.fine
    tiers = tier_of(fine).alias("tier")
    parts = [fine.select("_row").hstack([tiers])]
    parts.append(_probabilities(fine, tiers, outcomes, interval, local))
    parts.append(_spirometry(fine, tiers, lang))
    parts.append(_flags(fine, tiers, outcomes, local))
    parts += [_points(fine, instrument) for instrument in INSTRUMENTS.values()]
    scored = pl.concat(parts, how="horizontal")
    whole = pl.DataFrame({"_row": pl.int_range(frame.height, eager=True), "person": person})
    notes = checked.notes.select("_row", pl.col("notes").list.join(STOP).alias("notes"))
    refused = checked.refused.select("_row", pl.col("reasons").list.join(STOP).alias("refused"))
    out = whole.join(scored, on="_row", how="left", maintain_order="left")
    for more in (notes, refused):
        out = out.join(more, on="_row", how="left", maintain_order="left")
    lost = pl.col("reason").is_not_null()
    out = out.with_columns(
        pl.coalesce("refused", "reason").alias("refused"),
        *(pl.when(~lost).then(pl.col(c)).alias(c) for c in ("tier", "flags", "subgroups", "notes")),
    )
    out = out.with_columns((pl.col("_row") + before + 1).alias("row"), model=pl.lit(label_of(models("A", local))))
    columns = [pl.col(c.name).cast(c.dtype) for c in COPD_ASSESSMENTS.columns if c.name in out.columns]
    return out.select(columns), checked.refused


def _probabilities(
    fine: pl.DataFrame, tiers: pl.Series, outcomes: Sequence[str], interval: bool, local: Local
) -> pl.DataFrame:
    """Probabilities of those whom no spirometry is known of."""
    size = fine.height
    columns = ["probability", "lower", "upper", *outcomes]
    found = {name: pl.Series([None], dtype=pl.Float64).new_from_index(0, size) for name in columns}
    for tier in ("A", "B"):
        rows = (tiers == tier).arg_true()
        if not rows.len():
            continue
        every = rows.len() == size
        chosen = models_of(tier, outcomes, local)
        together = companions(chosen, local)
        asked = fine.select(inputs_of(together, fine.columns))
        some = asked if every else asked[rows]
        said = {
            model.outcome: model.predict(model_frame(some, model), interval=interval and model.outcome == PRIMARY)
            for model in together
        }
        for outcome, of in coherent(said, together).items():
            made = {name: of[name] for name in of.columns} if outcome == PRIMARY else {}
            for name, values in {**made, outcome: of["probability"]}.items():
                if name in found:
                    found[name] = values if every else found[name].scatter(rows, values)
    return pl.DataFrame({name: values.alias(name) for name, values in found.items()})


_SPIROMETRY = ("read", "permits", "fev1_fvc", "fev1_fvc_lln", "fev1_fvc_z", "fev1_z", "fvc_z", "below_lln", "below_070",
               "pattern", "severity", "gold", "response", "next_step", "reason")  # fmt: skip


def _spirometry(fine: pl.DataFrame, tiers: pl.Series, lang: str) -> pl.DataFrame:
    rows = (tiers == "C").arg_true()
    if not rows.len():
        return _nothing_blown().clear(fine.height)
    read = interpret_table(fine[rows], lang=lang).select(_SPIROMETRY)
    if rows.len() == fine.height:
        return read
    back = read.with_columns(rows.cast(pl.Int64).alias("at"))
    everybody = pl.DataFrame({"at": pl.int_range(fine.height, eager=True)})
    return everybody.join(back, on="at", how="left", maintain_order="left").drop("at")


@lru_cache
def _nothing_blown() -> pl.DataFrame:
    """No row of what spirometry gives, with its columns' types."""
    return interpret_table(check(given.from_person({"age": 60})).fine.clear()).select(_SPIROMETRY)


def _flags(fine: pl.DataFrame, tiers: pl.Series, outcomes: Sequence[str], local: Local) -> pl.DataFrame:
    """Flags of a row, by the same rules as for one person."""
    model = models("A", local)[0]
    symptoms = [i.name for i in all_items().values() if i.symptom and i.name in {m.name for m in model.items()}]
    age, by_model = pl.col("age"), tiers != "C"
    outside = [
        pl.any_horizontal([~pl.col(n).is_between(*bounds) for n, bounds in limits(models(tier, local)[0]).items()])
        & pl.lit(tiers == tier)
        for tier in ("A", "B")
    ]
    tests = {
        "no_age": age.is_null(),
        "under_40": age < AGES[0],
        "over_79": age >= AGES[1] + 1,
        "asymptomatic": pl.all_horizontal([pl.col(s) == 0 for s in symptoms]) & pl.lit(by_model),
        "diagnosed": (pl.col("prior_dx") == 1) & pl.lit(by_model),
        "outside": pl.any_horizontal(outside),
    }
    words = [pl.when(test).then(pl.lit(name)) for name, test in tests.items()]
    found = fine.select(pl.concat_str(words, separator=" ", ignore_nulls=True).replace("", None).alias("flags"))
    return found.with_columns(_subgroups(fine, tiers, outcomes, local).alias("subgroups"))


def _subgroups(fine: pl.DataFrame, tiers: pl.Series, outcomes: Sequence[str], local: Local) -> pl.Series:
    """Groups of each person in which a model that scored them was found unfair, with the outcomes."""
    needed = fine.select(tiers.alias("tier"), "age", "male", "smk_status", "prior_dx", "asthma_ever", "ethnicity")
    keys = needed.with_columns(pl.col("age").floor())
    kinds = keys.unique(maintain_order=True)
    named = pl.Series([None], dtype=pl.String).new_from_index(0, kinds.height)
    for tier in ("A", "B"):
        rows = (kinds["tier"] == tier).arg_true()
        audits = {model.outcome: model.audit for model in models_of(tier, outcomes, local)}
        said = [STOP.join(f"{name} ({', '.join(by)})" for name, by in g.items()) for g in flagged(kinds[rows], audits)]
        named = named.scatter(rows, pl.Series([text or None for text in said], dtype=pl.String))
    if named.null_count() == named.len():
        return pl.Series([None], dtype=pl.String).new_from_index(0, fine.height)
    told = kinds.with_columns(named.alias("named"))
    return keys.join(told, on=keys.columns, how="left", nulls_equal=True, maintain_order="left")["named"]


def _points(fine: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    """Points of a published questionnaire where all its items are there and within its bounds."""
    total = pl.lit(0, pl.Int64)
    for item in instrument.items:
        column = pl.col(item.name)
        if isinstance(item, Number):
            points = pl.lit(item.bands[-1].points, pl.Int64)
            for band in reversed(item.bands[:-1]):
                inside = column <= band.below if band.included else column < band.below
                points = pl.when(inside).then(pl.lit(band.points, pl.Int64)).otherwise(points)
            points = pl.when(column.is_between(item.least, item.most)).then(points)
        else:
            words = {
                {"yes": 1.0, "no": 0.0}[w] if all_items()[item.name].is_number else w: p for w, p in item.points.items()
            }
            points = column.replace_strict(words, default=None, return_dtype=pl.Int64)
        total = total + points
    return fine.select(total.alias(instrument.name))
