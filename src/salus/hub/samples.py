"""Rules on sample trajectories: which tasks one sample spans, and how many samples there are.

The hub's `compound_taskid_set` names the task ids that stay the same within a sample; the others vary, so that a sample
is a path through them. A submission may keep fewer ids the same (paths through more), never more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from salus.errors import Fault
from salus.hub.tasks import Block, Samples

_ID = "output_type_id"


def sample_faults(rows: pl.DataFrame, block: Block, derived: Sequence[str]) -> Iterator[Fault]:
    """What is wrong with the samples of a block.

    Parameters
    ----------
    rows : polars.DataFrame
        Rows of the block, columns as text.
    block : Block
        What is asked.
    derived : sequence of str
        Task ids that follow from others; left out.

    Yields
    ------
    Fault
        Of the rules `spl_compound_taskid_set`, `spl_compound_tid`, `spl_non_compound_tid` and `spl_n`.
    """
    if "sample" not in block.outputs:
        return
    wanted = block.outputs["sample"].samples
    drawn = rows.filter(pl.col("output_type") == "sample")
    if drawn.height == 0 or wanted is None:
        return
    names = [n for n in block.task_ids if n not in derived]
    distinct = drawn.group_by(_ID).agg(pl.col(names).n_unique())
    compound = names if wanted.compound is None else [n for n in wanted.compound if n in names]
    constant = [n for n in names if (distinct[n] == 1).all()]
    finer = [n for n in constant if n not in compound and drawn[n].n_unique() > 1]
    mixed = [n for n in compound if n not in constant and (distinct[n] == 1).any()]
    if finer:
        text = f"{', '.join(finer)} are the same within each sample; the hub wants samples that run through them"
        yield Fault("spl_compound_taskid_set", text, "Give the rows of one path the same id", _ID)
    if mixed:
        text = f"{', '.join(mixed)} are the same within some samples and vary within others"
        yield Fault("spl_compound_tid", text, "Use an id for one path only", _ID)
    if finer or mixed:
        return
    held = [n for n in compound if n in constant]
    yield from _spans(drawn, [n for n in names if n not in held])
    yield from _numbers(drawn, held, wanted)


def _spans(drawn: pl.DataFrame, through: Sequence[str]) -> Iterator[Fault]:
    if not through:
        return
    spans = drawn.group_by(_ID, maintain_order=True).agg(
        pl.struct(through).unique().sort().hash().sort().implode().hash().first().alias("span")
    )
    common = spans["span"].mode().sort()[0]
    odd = spans.filter(pl.col("span") != common)
    if odd.height:
        ids = ", ".join(odd[_ID].head(5).to_list())
        text = f"{odd.height} samples run through other values of {', '.join(through)} than the rest (first: {ids})"
        yield Fault("spl_non_compound_tid", text, "Let every sample run through the same tasks", _ID, count=odd.height)


def _numbers(drawn: pl.DataFrame, held: Sequence[str], wanted: Samples) -> Iterator[Fault]:
    counts = (
        drawn.group_by(held, maintain_order=True).agg(pl.col(_ID).n_unique().alias("n"))
        if held
        else drawn.select(pl.col(_ID).n_unique().alias("n"))
    )
    odd = counts.filter(~pl.col("n").is_between(wanted.least, wanted.most))
    if odd.height:
        first = odd.row(0, named=True)
        words = ", ".join(f"{n} {first[n]}" for n in held) or "all tasks"
        text = f"found {first['n']} samples for {words}, the hub wants {wanted.least} to {wanted.most}"
        yield Fault("spl_n", text, "Draw as many as the hub wants", _ID, count=odd.height)
