"""Which combinations of task ids, output type and its id a hub demands of a submission, and which are missing.

The hub's rule (hubValidations, `req_vals`): whoever gives a value that is optional must give, for it, every required
value of the other columns; and every value that is required on its own. Task ids that follow from others are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations

import polars as pl

from salus.hub.tasks import Block

TYPE, ID = "output_type", "output_type_id"


def missing_rows(given: pl.DataFrame, block: Block, fixed: Mapping[str, str], derived: Sequence[str]) -> pl.DataFrame:
    """Demanded combinations of a block that are not given.

    Parameters
    ----------
    given : polars.DataFrame
        Rows of the submission that belong to the block: task ids, `output_type`, `output_type_id`, as text.
    block : Block
        What is asked.
    fixed : mapping of str to str
        Task ids with the one value that this round has, such as the round's date.
    derived : sequence of str
        Task ids that follow from others.

    Returns
    -------
    polars.DataFrame
        Task ids (without the derived ones), `output_type`, `output_type_id`; no rows where all is there.
    """
    names = [n for n in block.task_ids if n not in derived]
    required = {n: (fixed[n],) if n in fixed else block.task_ids[n].required for n in names}
    required = {n: v or ((None,) if block.task_ids[n].all == (None,) else ()) for n, v in required.items()}
    required[TYPE] = tuple(o.name for o in block.outputs.values() if o.required)
    columns = [*names, TYPE]
    free = [n for n in columns if not required[n]]
    mixed = [n for n in columns if required[n] and _others(given, n, required[n]).any()]
    present = given.select(columns).unique()
    wanted: list[pl.DataFrame] = []
    if not free:
        wanted.append(_grid(pl.DataFrame({}), required, columns))
    for held in chain.from_iterable(combinations(mixed, k) for k in range(len(mixed) + 1)):
        kept = [*free, *held]
        if kept:
            some = present.filter(pl.all_horizontal([pl.lit(value=True), *(_other(n, required[n]) for n in held)]))
            wanted.append(_grid(some.select(kept).unique(), required, columns))
    tasks = pl.concat(wanted).unique()
    full = tasks.join(_ids(block), on=TYPE, how="inner", nulls_equal=True)
    have = given.select(*columns, ID).unique()
    lacking = full.join(have, on=[*columns, ID], how="anti", nulls_equal=True)
    return lacking.sort([*columns, ID], nulls_last=True)


def _other(name: str, required: Sequence[str | None]) -> pl.Expr:
    return ~pl.col(name).is_in(pl.Series(required, dtype=pl.String).implode(), nulls_equal=True)


def _others(given: pl.DataFrame, name: str, required: Sequence[str | None]) -> pl.Series:
    return given.select(_other(name, required)).to_series()


def _grid(start: pl.DataFrame, required: Mapping[str, Sequence[str | None]], columns: Sequence[str]) -> pl.DataFrame:
    """Each row of a table with every combination of the required values of the columns that it lacks."""
    grid = start if start.width else pl.DataFrame({"_": [0]})
    for name in columns:
        if name not in start.columns:
            grid = grid.join(pl.DataFrame({name: pl.Series(required[name], dtype=pl.String)}), how="cross")
    return grid.select(columns)


def _ids(block: Block) -> pl.DataFrame:
    """Required ids of every output type; samples are counted by rules of their own."""
    rows = [(o.name, i) for o in block.outputs.values() if o.samples is None for i in o.ids.required]
    return pl.DataFrame(rows, schema={TYPE: pl.String, ID: pl.String}, orient="row")
