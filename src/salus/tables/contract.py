"""A table's contract: its columns, their types and bounds, its key; and the check at the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from salus.errors import Fault, TableError

MAX_ROWS_NAMED = 20


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    Attributes
    ----------
    name : str
        Column name.
    dtype : polars.DataType
        Type after the check.
    doc : str
        What it holds, in words; the reference page is made from it.
    required : bool
        Whether the table must have the column.
    nullable : bool
        Whether a value may be missing.
    unit : str or None
        Unit in words.
    minimum, maximum : float or None
        Bounds, included.
    allowed : tuple of str or None
        The values that a text column may hold.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    doc: str
    required: bool = True
    nullable: bool = False
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Contract:
    """What a table must look like to be used.

    Attributes
    ----------
    name : str
        Name of the table, such as ``series``.
    doc : str
        What a row is.
    columns : tuple of Column
        Its columns, in order. Other columns are dropped at the door.
    key : tuple of str
        Columns that together name a row; those that are absent from a table are left out of the key.
    inside_wall : bool
        Whether the table may only be read and written inside the wall (person-level or exact small counts).
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    inside_wall: bool = False

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> list[str]:
        """Names of all columns, in order."""
        return [c.name for c in self.columns]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there, in order."""
        return [c.name for c in self.columns if c.required]

    def empty(self) -> pl.DataFrame:
        """A table of no rows with every column.

        Returns
        -------
        polars.DataFrame
            No rows; all columns of the contract.
        """
        return pl.DataFrame(schema={c.name: c.dtype for c in self.columns})

    def check(self, frame: pl.DataFrame, label: str | None = None) -> pl.DataFrame:
        """The table in its types, or every fault at once.

        Parameters
        ----------
        frame : polars.DataFrame
            Table to check; columns outside the contract are dropped.
        label : str, optional
            What messages call the table; a path where there is one.

        Returns
        -------
        polars.DataFrame
            The contract's columns that are present, typed, in the contract's order; rows in the order given.

        Raises
        ------
        TableError
            With every fault found.
        """
        typed, faults = self.inspect(frame)
        errors = [f for f in faults if f.severity == "error"]
        if errors:
            raise TableError(label or self.name, errors)
        return typed

    def inspect(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
        """The table typed as far as possible, and all faults, without raising.

        Parameters
        ----------
        frame : polars.DataFrame
            Table to inspect.

        Returns
        -------
        typed : polars.DataFrame
            Present contract columns; values that can't be typed are null.
        faults : list of Fault
            Errors and warnings, in column order, then those of whole rows.
        """
        faults = [
            Fault(
                "missing column",
                f"there is no column '{name}'; the table has {', '.join(frame.columns) or 'no columns'}",
                f"Add '{name}' ({self[name].doc}) or map one of the columns to it",
                column=name,
            )
            for name in self.required
            if name not in frame.columns
        ]
        kept = []
        for column in self.columns:
            if column.name in frame.columns:
                values, found = _column(frame[column.name], column)
                kept.append(values)
                faults += found
        typed = pl.DataFrame(kept)
        keys = [k for k in self.key if k in typed.columns]
        if keys and len(keys) >= len([k for k in self.key if self[k].required]) and typed.height:
            twice = typed.select(keys).is_duplicated()
            if twice.any():
                rows = _rows(twice)
                first = typed.row(rows[0] - 1, named=True)
                named = ", ".join(f"{k} {first[k]}" for k in keys)
                faults.append(
                    Fault(
                        "duplicate",
                        f"the same {', '.join(keys)} stands more than once (first: {named})",
                        "Keep one row of each, or say in 'as_of' when each value was known",
                        rows=rows,
                        count=int(twice.sum()),
                    )
                )
        return typed, faults


def _rows(mask: pl.Series) -> tuple[int, ...]:
    """Row numbers, from 1, of the first rows where the mask is true."""
    return tuple(int(i) + 1 for i in mask.arg_true().head(MAX_ROWS_NAMED))


def _fault(kind: str, mask: pl.Series, values: pl.Series, column: Column, wanted: str, remedy: str) -> list[Fault]:
    if not mask.any():
        return []
    rows = _rows(mask)
    found = values[rows[0] - 1]
    shown = repr(found) if isinstance(found, str) else str(found)
    return [Fault(kind, f"found {shown}, wanted {wanted}", remedy, column.name, rows, int(mask.sum()))]


def _column(raw: pl.Series, column: Column) -> tuple[pl.Series, list[Fault]]:
    faults: list[Fault] = []
    what = {pl.Date: "a date", pl.Float64: "a number", pl.Int64: "a whole number", pl.String: "text"}
    wanted = what.get(column.dtype, str(column.dtype))  # type: ignore[call-overload]  # dtype classes are the keys
    if raw.dtype == pl.String and column.dtype != pl.String:
        raw = raw.str.strip_chars().replace("", None)
    if raw.dtype == pl.String and column.dtype == pl.Date:
        values = raw.str.to_date("%Y-%m-%d", strict=False)
    else:
        values = raw if raw.dtype == column.dtype else raw.cast(column.dtype, strict=False)
    faults += _fault("type", values.is_null() & raw.is_not_null(), raw, column, wanted, f"Write {wanted} there")
    if values.dtype == pl.Float64:
        bad = values.is_nan() | values.is_infinite()
        values = values.set(bad.fill_null(value=False), None)
    if not column.nullable:
        mask = raw.is_null() if values.dtype != pl.Float64 else values.is_null() & ~(raw.is_not_null() & values.is_null())
        faults += _fault("missing value", mask, raw, column, wanted, "Fill it in, or leave the row out")
    if column.minimum is not None:
        kind = "negative" if column.minimum == 0 else "too small"
        mask = (values < column.minimum).fill_null(value=False)
        faults += _fault(kind, mask, values, column, f"at least {column.minimum:g}", "Correct it at the source")
    if column.maximum is not None:
        mask = (values > column.maximum).fill_null(value=False)
        faults += _fault("too large", mask, values, column, f"at most {column.maximum:g}", "Correct it at the source")
    if column.allowed is not None:
        mask = values.is_not_null() & ~values.is_in(list(column.allowed))
        faults += _fault("unknown word", mask, values, column, "one of " + ", ".join(column.allowed), "Use one of these")
    return values.alias(column.name), faults


def column_rows(contract: Contract) -> Sequence[tuple[str, str, str, str]]:
    """Name, type, need and meaning of each column, for the reference page.

    Parameters
    ----------
    contract : Contract
        The table.

    Returns
    -------
    sequence of tuple of str
        A row a column: name, type, ``required`` or ``optional``, meaning with unit.
    """
    return [
        (
            c.name,
            str(c.dtype() if isinstance(c.dtype, type) else c.dtype),
            "required" if c.required else "optional",
            c.doc + (f" ({c.unit})" if c.unit else ""),
        )
        for c in contract.columns
    ]
