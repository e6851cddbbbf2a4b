"""Rules on what stands in the columns of a submission: types, allowed combinations, doubles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from salus.errors import Fault
from salus.hub.tasks import Block, OutputType, canonical
from salus.tables.contract import named_rows

NONE = -1
"""Number of the block of a row that no block asks for."""


def col_types(table: pl.DataFrame, types: Mapping[str, str]) -> tuple[pl.DataFrame, list[Fault]]:
    """A submission's columns as the text by which the hub compares them, its values as numbers.

    Parameters
    ----------
    table : polars.DataFrame
        Text from CSV, or typed.
    types : mapping of str to str
        The hub's types.

    Returns
    -------
    rows : polars.DataFrame
        Every column as text, `value` as number; what does not fit is null.
    faults : list of Fault
        Columns of another type.
    """
    columns, faults = [], []
    for name in table.columns:
        raw = table[name]
        if name == "value":
            number = raw.cast(pl.Float64, strict=False)
            columns.append(number.alias(name))
            continue
        kind = types[name]
        text, misfit = canonical(raw, kind)
        columns.append(text.alias(name))
        typed = raw.dtype not in (pl.String, pl.Null)
        if typed and not _fits(raw.dtype, kind):
            words = f"the column holds {raw.dtype}, the hub wants {kind}"
            faults.append(Fault("col_types", words, "Write the column in the hub's type", name))
        elif misfit.any():
            first = raw.filter(misfit)[0]
            words = f"found '{first}', the hub wants {kind}"
            remedy = "Write the values as the hub does, whole numbers without a decimal point"
            faults.append(Fault("col_types", words, remedy, name, named_rows(misfit), int(misfit.sum())))
    return pl.DataFrame(columns), faults


def _fits(dtype: pl.DataType, kind: str) -> bool:
    if kind == "integer":
        return dtype.is_integer()
    if kind == "double":
        return dtype.is_numeric()
    return dtype == pl.Date if kind == "Date" else dtype in (pl.Categorical, pl.Enum)


def assigned(rows: pl.DataFrame, blocks: Sequence[Block], derived: Sequence[str]) -> pl.Series:
    """Number of the block that asks for each row.

    Parameters
    ----------
    rows : polars.DataFrame
        From :func:`col_types`.
    blocks : sequence of Block
        Blocks of the round.
    derived : sequence of str
        Task ids that follow from others; they are not compared.

    Returns
    -------
    polars.Series of int
        :data:`NONE` where no block does.
    """
    number = pl.lit(NONE)
    for k in range(len(blocks) - 1, -1, -1):
        fits = [_in(n, a.all) for n, a in blocks[k].task_ids.items() if n not in derived]
        fits += [pl.col(n).is_null() for n in _absent(rows, blocks[k]) if n not in derived]
        outputs = pl.any_horizontal([_output(o) for o in blocks[k].outputs.values()])
        number = pl.when(pl.all_horizontal([*fits, outputs])).then(pl.lit(k)).otherwise(number)
    return rows.select(number.alias("block")).to_series()


def _absent(rows: pl.DataFrame, block: Block) -> list[str]:
    known = {*block.task_ids, "output_type", "output_type_id", "value"}
    return [n for n in rows.columns if n not in known]


def _in(name: str, values: Sequence[str | None]) -> pl.Expr:
    return pl.col(name).is_in(pl.Series(values, dtype=pl.String).implode(), nulls_equal=True)


def _output(output: OutputType) -> pl.Expr:
    kind = pl.col("output_type") == output.name
    ident = pl.col("output_type_id")
    if output.samples is None:
        return kind & _in("output_type_id", output.ids.all)
    if not output.samples.text:
        return kind & (ident.cast(pl.Float64, strict=False) >= 0).fill_null(value=False)
    longest = output.samples.longest
    return kind & ident.is_not_null() & (ident.str.len_chars() <= longest if longest else pl.lit(value=True))


def valid_vals(rows: pl.DataFrame, at: pl.Series, blocks: Sequence[Block], derived: Sequence[str]) -> Iterator[Fault]:
    """Rows that no block asks for: a value that is nowhere allowed, or a combination that is not.

    Parameters
    ----------
    rows : polars.DataFrame
        From :func:`col_types`.
    at : polars.Series of int
        From :func:`assigned`.
    blocks : sequence of Block
        Blocks of the round.
    derived : sequence of str
        Task ids that follow from others.

    Yields
    ------
    Fault
        One a column with such values, or one for the combinations.
    """
    bad = at == NONE
    if not bad.any():
        return
    told = pl.Series([False]).new_from_index(0, rows.height)
    for name in [n for n in rows.columns if n not in (*derived, "output_type_id", "value")]:
        if name == "output_type":
            anywhere: list[str | None] = [o for b in blocks for o in b.outputs]
        else:
            anywhere = [v for b in blocks for v in (b.task_ids[name].all if name in b.task_ids else (None,))]
        wrong = bad & ~rows.select(_in(name, anywhere)).to_series()
        if wrong.any():
            told = told | wrong
            first = rows[name].filter(wrong)[0]
            some = ", ".join("NA" if v is None else v for v in list(dict.fromkeys(anywhere))[:8])
            words = f"found {'NA' if first is None else repr(first)}, the hub allows {some}"
            words += " ..." if len(set(anywhere)) > 8 else ""
            remedy = "Use the hub's own values, codes with their leading zeros"
            yield Fault("valid_vals", words, remedy, name, named_rows(wrong), int(wrong.sum()))
    rest = bad & ~told
    if rest.any():
        first_row = rows.drop("value").filter(rest).row(0, named=True)
        words = ", ".join(f"{k} {'NA' if v is None else v}" for k, v in first_row.items())
        text = f"the hub asks for no such combination: {words}"
        remedy = "Leave the rows out, or correct the target, horizon, output type or its id"
        yield Fault("valid_vals", text, remedy, "output_type_id", named_rows(rest), int(rest.sum()))


def derived_task_id_vals(rows: pl.DataFrame, blocks: Sequence[Block], derived: Sequence[str]) -> Iterator[Fault]:
    """Values of the derived task ids that no block allows.

    Parameters
    ----------
    rows : polars.DataFrame
        From :func:`col_types`.
    blocks : sequence of Block
        Blocks of the round.
    derived : sequence of str
        Task ids that follow from others.

    Yields
    ------
    Fault
        One a column.
    """
    for name in [n for n in derived if n in rows.columns]:
        allowed = [v for b in blocks for v in (b.task_ids[name].all if name in b.task_ids else (None,))]
        wrong = ~rows.select(_in(name, allowed)).to_series()
        if wrong.any():
            first = rows[name].filter(wrong)[0]
            words = f"found {'NA' if first is None else repr(first)}, which the hub has no task for"
            yield Fault("derived_task_id_vals", words, "Correct it", name, named_rows(wrong), int(wrong.sum()))


def rows_unique(rows: pl.DataFrame, ids: Sequence[str]) -> Iterator[Fault]:
    """Rows that stand more than once.

    Parameters
    ----------
    rows : polars.DataFrame
        From :func:`col_types`.
    ids : sequence of str
        Every column but the value.

    Yields
    ------
    Fault
        At most one.
    """
    twice = rows.select(ids).is_duplicated()
    if twice.any():
        first = rows.select(ids).filter(twice).row(0, named=True)
        words = ", ".join(f"{k} {'NA' if v is None else v}" for k, v in first.items())
        text = f"the same task, output type and id stand more than once (first: {words})"
        yield Fault("rows_unique", text, "Keep one row of each", None, named_rows(twice), int(twice.sum()))
