"""Many people at once: a table in, a table out, every row of the input in it once, scored or refused with its reasons.

Files are worked through in batches, so that memory does not grow with their size. The result is about persons: it stays
inside, in a file that only its owner can read.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet
from threadpoolctl import threadpool_limits

from salus.copd import answers as given
from salus.copd.assessment import AGES, PRIMARY, SHOWN, Local, inputs_of, label_of, model_frame, models, tier_of
from salus.copd.checks import check
from salus.copd.instruments import INSTRUMENTS
from salus.copd.questionnaire import Instrument, Number
from salus.copd.questions import all_items
from salus.copd.sessions import interpret_table
from salus.copd.subgroups import flags as flagged
from salus.data.output import check_place, replaced_file
from salus.errors import InputError, WallError
from salus.privacy.zones import zone_of
from salus.tables.assessments import COPD_ASSESSMENTS
from salus.tables.frames import to_polars
from salus.tables.reading import read_raw

BATCH = 250_000
"""People in one batch."""
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
    """

    rows: int = 0
    scored: int = 0
    refused: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "rows": self.rows,
            "scored": self.scored,
            "refused": self.refused,
            "tiers": dict(sorted(self.tiers.items())),
            "refused_for": dict(self.kinds.most_common()),
            "flags": dict(self.flags.most_common()),
        }


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
        Outcomes to give, the first being the one with an interval.
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
    table, refused = _batch(frame, label, 0, lang, outcomes, interval, local)
    _count(tally or Tally(), table, refused)
    return COPD_ASSESSMENTS.check(table)


def assess_file(
    source: str | Path | Iterable[pl.DataFrame],
    out: str | Path,
    *,
    lang: str = "en",
    outcomes: Sequence[str] = SHOWN,
    interval: bool = True,
    inputs: Sequence[str | Path] = (),
    on_batch: Any = None,
    local: Local = (),
) -> Tally:
    """Assess a file of any size into another, batch by batch.

    Parameters
    ----------
    source : path or iterable of polars.DataFrame
        CSV, Excel, JSON lines or Parquet (read in batches), or batches of rows.
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
    tally = Tally()
    label = str(source) if isinstance(source, str | Path) else "the table"
    frames = batches(source) if isinstance(source, str | Path) else iter(source)
    models("A", local), models("B", local)  # read once, before the threads

    def work(frame: pl.DataFrame, before: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        return _batch(frame, label, before, lang, outcomes, interval, local)

    def counted() -> Iterator[pl.DataFrame]:
        for table, refused in _in_order(work, frames):
            _count(tally, table, refused)
            yield table

    write_rows(out, counted(), on_batch=on_batch)
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


def write_rows(out: str | Path, tables: Iterable[pl.DataFrame], *, on_batch: Any = None) -> None:
    """Rows about persons into a file that replaces atomically and that only its owner can read.

    Parameters
    ----------
    out : path
        ``.parquet`` or ``.csv``.
    tables : iterable of polars.DataFrame
        Tables with the same columns, one after the other.
    on_batch : callable, optional
        Called with the number of rows written.

    Raises
    ------
    InputError
        The name ends in something else.
    OutputError
        The file can't be written.
    """
    done = 0
    with replaced_file(out) as temporary:
        if os.name == "posix":
            temporary.chmod(0o600)
        writer = _Writer(temporary, str(out))
        for table in tables:
            writer.write(table)
            done += table.height
            if on_batch is not None:
                on_batch(done)
        writer.close()


def guard_output(out: str | Path, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse a place where rows about persons may not stand.

    Parameters
    ----------
    out : path
        File to be written.
    inputs : iterable of path
        What it is made from.

    Raises
    ------
    WallError
        `out` lies in the count or release zone or the vault; or an input lies in a wall, and `out` outside of its
        record zone.
    """
    zone = zone_of(out)
    if zone is not None and zone != "record":
        raise WallError(
            f"{out} lies in the zone '{zone}', where no row about a person may stand. Write it into record/, or "
            "outside the wall where its owner alone can read."
        )
    for path in inputs:
        inner = zone_of(path)
        if inner is not None and zone != "record":
            raise WallError(
                f"{path} lies in the zone '{inner}' of a wall, and {out} does not: rows about persons don't leave. "
                "Write the result into record/."
            )


def batches(path: str | Path) -> Iterator[pl.DataFrame]:
    """The rows of a file of people, a batch at a time; of Parquet only the columns that are read at all.

    Parameters
    ----------
    path : path
        CSV, Excel, JSON lines or Parquet.

    Raises
    ------
    InputError
        It can't be read.
    """
    source = Path(path)
    if source.suffix.casefold() in (".parquet", ".pq") and source.is_file():
        try:
            file = pyarrow.parquet.ParquetFile(source)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} is not a readable Parquet file: {error}. Export it again.") from error
        wanted = given.columns_of(file.schema_arrow.names) or file.schema_arrow.names
        if not file.metadata.num_rows:
            yield _frame(pl.from_arrow(file.read(columns=wanted)))
        for batch in file.iter_batches(BATCH, columns=wanted):
            yield _frame(pl.from_arrow(batch))
        return
    frame = read_raw(source)
    for start in range(0, max(frame.height, 1), BATCH):
        yield frame.slice(start, BATCH)


def _frame(found: pl.DataFrame | pl.Series) -> pl.DataFrame:
    return found if isinstance(found, pl.DataFrame) else found.to_frame()


class _Writer:
    """Rows into a Parquet or CSV file, batch by batch."""

    def __init__(self, path: Path, name: str) -> None:
        ending = Path(name).suffix.casefold()
        if ending not in (".parquet", ".csv"):
            raise InputError(f"--out {name} ends in '{ending}'; .parquet or .csv is wanted")
        self._path, self._csv = path, ending == ".csv"
        self._parquet: Any = None
        self._first = True

    def write(self, table: pl.DataFrame) -> None:
        if self._csv:
            with self._path.open("ab") as handle:
                table.write_csv(handle, include_header=self._first)
        else:
            arrow = table.to_arrow(compat_level=pl.CompatLevel.oldest())
            if self._parquet is None:
                own = ("row", "person")  # each value once: no dictionary pays
                words = [f.name for f in arrow.schema if not pa.types.is_floating(f.type) and f.name not in own]
                self._parquet = pyarrow.parquet.ParquetWriter(
                    self._path, arrow.schema, compression="zstd", use_dictionary=words
                )
            self._parquet.write_table(arrow)
        self._first = False

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()


# ---- one batch ------------------------------------------------------------------------------------------------------


def _batch(
    frame: pl.DataFrame,
    label: str,
    before: int,
    lang: str,
    outcomes: Sequence[str],
    interval: bool,
    local: Local,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the contract, and the reasons of those refused."""
    name = given.person_column(frame)
    person = frame[name].cast(pl.String) if name else pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    checked = check(given.typed(frame, label), lang)
    fine = checked.fine
    tiers = tier_of(fine).alias("tier")
    parts = [fine.select("_row").hstack([tiers])]
    parts.append(_probabilities(fine, tiers, outcomes, interval, local))
    parts.append(_spirometry(fine, tiers))
    parts.append(_flags(fine, tiers, local))
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


def _count(tally: Tally, out: pl.DataFrame, refused: pl.DataFrame) -> None:
    lost = int(out["refused"].is_not_null().sum())
    tally.rows += out.height
    tally.refused += lost
    tally.scored += out.height - lost
    if lost > refused.height:
        tally.kinds[UNREAD] += lost - refused.height
    tally.tiers.update(dict(out["tier"].drop_nulls().value_counts().iter_rows()))
    if refused.height:
        tally.kinds.update(dict(refused["kinds"].explode().value_counts().iter_rows()))
    words = out["flags"].drop_nulls().value_counts()
    for text, n in words.iter_rows():
        tally.flags.update(dict.fromkeys(str(text).split(), n))


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
        chosen = [model for model in models(tier, local) if model.outcome in outcomes]
        asked = fine.select(inputs_of(chosen, fine.columns))
        some = asked if every else asked[rows]
        for model in chosen:
            first = model.outcome == PRIMARY
            said = model.predict(model_frame(some, model), interval=interval and first)
            made = {model.outcome: said["probability"]}
            if first:
                made |= {c: said[c] for c in said.columns}
            for name, values in made.items():
                found[name] = values if every else found[name].scatter(rows, values)
    return pl.DataFrame({name: values.alias(name) for name, values in found.items()})


_SPIROMETRY = ("fev1_fvc", "fev1_fvc_lln", "fev1_fvc_z", "fev1_z", "fvc_z", "below_lln", "below_070", "pattern",
               "severity", "gold", "reason")  # fmt: skip


def _spirometry(fine: pl.DataFrame, tiers: pl.Series) -> pl.DataFrame:
    rows = (tiers == "C").arg_true()
    if not rows.len():
        return _nothing_blown().clear(fine.height)
    read = interpret_table(fine[rows]).select(_SPIROMETRY)
    if rows.len() == fine.height:
        return read
    back = read.with_columns(rows.cast(pl.Int64).alias("at"))
    everybody = pl.DataFrame({"at": pl.int_range(fine.height, eager=True)})
    return everybody.join(back, on="at", how="left", maintain_order="left").drop("at")


@lru_cache
def _nothing_blown() -> pl.DataFrame:
    """No row of what spirometry gives, with its columns' types."""
    return interpret_table(check(given.from_person({"age": 60})).fine.clear()).select(_SPIROMETRY)


def _flags(fine: pl.DataFrame, tiers: pl.Series, local: Local) -> pl.DataFrame:
    """Flags of a row, by the same rules as for one person."""
    model = models("A", local)[0]
    symptoms = [i.name for i in all_items().values() if i.symptom and i.name in {m.name for m in model.items()}]
    age, by_model = pl.col("age"), tiers != "C"
    outside = [
        ~pl.col(name).is_between(low, high)
        for name, (low, high) in model.seen.items()
        if name != "age" and name in all_items() and all_items()[name].kind == "number"
    ]
    tests = {
        "no_age": age.is_null(),
        "under_40": age < AGES[0],
        "over_79": age >= AGES[1] + 1,
        "asymptomatic": pl.all_horizontal([pl.col(s) == 0 for s in symptoms]) & pl.lit(by_model),
        "diagnosed": (pl.col("prior_dx") == 1) & pl.lit(by_model),
        "outside": pl.any_horizontal(outside) & pl.lit(by_model),
    }
    words = [pl.when(test).then(pl.lit(name)) for name, test in tests.items()]
    found = fine.select(pl.concat_str(words, separator=" ", ignore_nulls=True).replace("", None).alias("flags"))
    return found.with_columns(_subgroups(fine, local).alias("subgroups"))


def _subgroups(fine: pl.DataFrame, local: Local) -> pl.Series:
    """Names of the groups of each person in which the first model was found unfair."""
    audit = [dict(row) for row in models("A", local)[0].audit]
    needed = fine.select("age", "male", "smk_status", "prior_dx", "asthma_ever", "ethnicity")
    keys = needed.with_columns(pl.col("age").floor())
    kinds = keys.unique(maintain_order=True)
    named = [STOP.join(names) or None for names in flagged(kinds, audit)]
    if not any(named):
        return pl.Series([None], dtype=pl.String).new_from_index(0, fine.height)
    told = kinds.with_columns(pl.Series("named", named, dtype=pl.String))
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
