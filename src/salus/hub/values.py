"""Rules on the numbers of a submission: bounds, order of quantiles, sums of probabilities, dates, populations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from salus.errors import Fault
from salus.hub.tasks import Block
from salus.tables.contract import named_rows

SUM_TOLERANCE = 1.5e-8
"""How far probabilities of a task may sum from 1: the square root of the precision of a number."""

STEPS = {"day": "d", "week": "w", "month": "mo"}
"""Steps of a horizon that dates can be counted in."""


def value_col_valid(rows: pl.DataFrame, mine: pl.Series, block: Block) -> Iterator[Fault]:
    """Values of a block that are no number, not whole where they must be, or out of bounds.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns as text, `value` as number.
    mine : polars.Series of bool
        Rows of the block.
    block : Block
        What is asked.

    Yields
    ------
    Fault
        One for each output type and kind of trouble.
    """
    value = rows["value"]
    for output in block.outputs.values():
        here = mine & (rows["output_type"] == output.name).fill_null(value=False)
        troubles = {
            "a number": ~value.is_finite().fill_null(value=False),
            "a whole number": (value != value.round()) if output.whole else None,
            f"at least {output.minimum}": (value < output.minimum) if output.minimum is not None else None,
            f"at most {output.maximum}": (value > output.maximum) if output.maximum is not None else None,
        }
        for wanted, trouble in troubles.items():
            if trouble is None:
                continue
            wrong = here & trouble.fill_null(value=False)
            if wrong.any():
                first = value.filter(wrong)[0]
                text = f"found {'no number' if first is None else f'{first:.15g}'} for {output.name}, wanted {wanted}"
                yield Fault("value_col_valid", text, "Correct it", "value", named_rows(wrong), int(wrong.sum()))


def value_col_non_desc(rows: pl.DataFrame, tasks: Sequence[str], blocks: Sequence[Block]) -> Iterator[Fault]:
    """Tasks whose quantiles or cdf values decrease as their id grows.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns as text, `value` as number.
    tasks : sequence of str
        Task ids and `output_type`.
    blocks : sequence of Block
        Give the order of ids that are text.

    Yields
    ------
    Fault
        At most one.
    """
    listed = [i for b in blocks if "cdf" in b.outputs for i in b.outputs["cdf"].ids.all if i is not None]
    place = {i: float(k) for k, i in enumerate(dict.fromkeys(listed))}
    ident = pl.col("output_type_id")
    level = ident.cast(pl.Float64, strict=False).fill_null(ident.replace_strict(place, default=None))
    some = rows.with_row_index("row").filter(pl.col("output_type").is_in(["quantile", "cdf"]))
    ordered = some.with_columns(level=level).sort([*tasks, "level"], maintain_order=True)
    falls = ordered.with_columns(fall=(pl.col("value").diff() < 0).over(tasks).fill_null(value=False)).filter("fall")
    if falls.height:
        first = falls.sort("row").row(0, named=True)
        words = ", ".join(f"{n} {first[n]}" for n in tasks)
        count = falls.select(tasks).n_unique()
        where = "1 task" if count == 1 else f"{count} tasks"
        text = f"values decrease as output_type_id grows, in {where} (first: {words})"
        numbers = tuple(int(n) + 1 for n in falls["row"].sort().head(20))
        yield Fault("value_col_non_desc", text, "Sort the values of each task", "value", numbers, falls.height)


def value_col_sum1(rows: pl.DataFrame, tasks: Sequence[str]) -> Iterator[Fault]:
    """Tasks whose probabilities do not sum to 1.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns as text, `value` as number.
    tasks : sequence of str
        Task ids and `output_type`.

    Yields
    ------
    Fault
        At most one.
    """
    sums = (
        rows.with_row_index("row")
        .filter(pl.col("output_type") == "pmf")
        .group_by(tasks, maintain_order=True)
        .agg(pl.col("value").sum(), pl.col("row").first())
        .filter((pl.col("value") - 1).abs() > SUM_TOLERANCE)
    )
    if sums.height:
        first = sums.row(0, named=True)
        words = ", ".join(f"{n} {first[n]}" for n in tasks)
        some = "1 task has" if sums.height == 1 else f"{sums.height} tasks have"
        text = f"{some} probabilities that do not sum to 1 (first: {words}, {first['value']:.9g})"
        numbers = tuple(int(n) + 1 for n in sums["row"].head(20))
        yield Fault("value_col_sum1", text, "Divide by the sum", "value", numbers, sums.height)


def horizon_timediff(
    rows: pl.DataFrame, at: pl.Series, blocks: Sequence[Block], origin: str, horizon_zero: int
) -> Iterator[Fault]:
    """Rows whose target_end_date is not the round's date and the horizon's number of steps.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns as text.
    at : polars.Series of int
        Number of each row's block.
    blocks : sequence of Block
        Blocks of the round; they give the length of a step.
    origin : str
        Column with the round's date.
    horizon_zero : int
        Days from there to the end of horizon 0.

    Yields
    ------
    Fault
        At most one.
    """
    end = next((n for n in ("target_end_date", "target_date") if n in rows.columns), None)
    if end is None or "horizon" not in rows.columns:
        return
    wrong = pl.Series([False]).new_from_index(0, rows.height)
    for number, block in enumerate(blocks):
        if not block.step_ahead or block.unit not in STEPS:
            continue
        start = pl.col(origin).str.to_date(strict=False).dt.offset_by(f"{horizon_zero}d")
        step = pl.col("horizon").cast(pl.Int64, strict=False).cast(pl.String) + STEPS[block.unit]
        due = start.dt.offset_by(step)
        off = rows.select((pl.col(end).str.to_date(strict=False) != due).fill_null(value=False)).to_series()
        wrong = wrong | ((at == number) & off)
    if wrong.any():
        first = rows.filter(wrong).row(0, named=True)
        text = f"{end} {first[end]} is not horizon {first['horizon']} from {first[origin]}"
        yield Fault("horizon_timediff", text, "Correct one of the two", end, named_rows(wrong), int(wrong.sum()))


def counts_lt_popn(
    rows: pl.DataFrame, at: pl.Series, blocks: Sequence[Block], population: Mapping[str, float]
) -> Iterator[Fault]:
    """Counts that are as large as the population of their place.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns as text, `value` as number.
    at : polars.Series of int
        Number of each row's block.
    blocks : sequence of Block
        Blocks of the round; those of counts step by step are looked at.
    population : mapping of str to float
        People by place.

    Yields
    ------
    Fault
        At most one.
    """
    if "location" not in rows.columns:
        return
    counts = [k for k, b in enumerate(blocks) if b.step_ahead and b.kind in ("continuous", "discrete")]
    people = rows["location"].replace_strict(dict(population), default=None, return_dtype=pl.Float64)
    numbers = rows["output_type"].is_in(["quantile", "sample", "mean", "median"])
    wrong = (rows["value"] >= people).fill_null(value=False) & at.is_in(counts) & numbers
    if wrong.any():
        first = rows.filter(wrong).row(0, named=True)
        text = (
            f"found {first['value']:.15g} in {first['location']}, which has {population[first['location']]:,.0f} people"
        )
        remedy = "Give counts, of the right place"
        yield Fault("counts_lt_popn", text, remedy, "value", named_rows(wrong), int(wrong.sum()))
