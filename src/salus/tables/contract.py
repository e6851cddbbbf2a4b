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

    def check(self, frame: pl.DataFrame, label: str | None = None, *, rows: pl.Series | None = None) -> pl.DataFrame:
        """The table in its types, or every fault at once.

        Parameters
        ----------
        frame : polars.DataFrame
            Table to check; columns outside the contract are dropped.
        label : str, optional
            What messages call the table; a path where there is one.
        rows : polars.Series of int, optional
            Number of each row in the person's file; from 1 when left out.

        Returns
        -------
        polars.DataFrame
            The contract's columns that are present, typed, in the contract's order; rows in the order given.

        Raises
        ------
        TableError
            With every fault found.

        Examples
        --------
        >>> places = Contract("places", "A place.", (Column("location", pl.String, "code"),), key=("location",))
        >>> places.check(pl.DataFrame({"location": [" A", "B"], "note": ["", ""]}))["location"].to_list()
        ['A', 'B']
        """
        typed, faults = self.inspect(frame, rows=rows)
        errors = [f for f in faults if f.severity == "error"]
        if errors:
            raise TableError(label or self.name, errors)
        return typed

    def inspect(self, frame: pl.DataFrame, *, rows: pl.Series | None = None) -> tuple[pl.DataFrame, list[Fault]]:
        """The table typed as far as possible, and all faults, without raising.

        Parameters
        ----------
        frame : polars.DataFrame
            Table to inspect.
        rows : polars.Series of int, optional
            Number of each row in the person's file; from 1 when left out.

        Returns
        -------
        typed : polars.DataFrame
            Present contract columns; values that can't be typed, and numbers that are not finite, are null.
        faults : list of Fault
            Errors and warnings, in column order, then those of whole rows.
        """
        faults = self.missing(frame.columns)
        kept = []
        for column in self.columns:
            if column.name in frame.columns:
                values, found = _column(frame[column.name], column, rows)
                kept.append(values)
                faults += found
        typed = pl.DataFrame(kept)
        return typed, faults + self._duplicates(typed, rows)

    def missing(self, columns: Sequence[str]) -> list[Fault]:
        """A fault for each required column that is not there.

        Parameters
        ----------
        columns : sequence of str
            Names of the columns that are there.

        Returns
        -------
        list of Fault
            In the contract's order.
        """
        return [
            Fault(
                "missing column",
                f"there is no column '{name}'; the table has {', '.join(columns) or 'no columns'}",
                f"Add '{name}' ({self[name].doc}) or map one of the columns to it",
                column=name,
            )
            for name in self.required
            if name not in columns
        ]

    def _duplicates(self, typed: pl.DataFrame, rows: pl.Series | None) -> list[Fault]:
        keys = [k for k in self.key if k in typed.columns]
        if not keys or not typed.height or any(k not in typed.columns for k in self.key if self[k].required):
            return []
        key = typed.select(keys)
        alike = key.hash_rows().is_duplicated()  # equal rows have equal hashes; only these need the exact look
        if not alike.any():
            return []
        at = alike.arg_true()
        near = key.filter(alike)
        whole = near.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        twice = (
            pl.Series([False])
            .new_from_index(0, key.height)
            .scatter(at.filter(near.is_duplicated() & whole), values=True)
        )
        if not twice.any():
            return []
        first = typed.filter(twice).row(0, named=True)
        named = ", ".join(f"{k} {first[k]}" for k in keys)
        by_vintage = "as_of" in self.key and "as_of" not in typed.columns
        return [
            Fault(
                "duplicate",
                f"the same {', '.join(keys)} stands more than once (first: {named})",
                "Keep one row of each" + (", or say in 'as_of' when each value was known" if by_vintage else ""),
                rows=named_rows(twice, rows),
                count=int(twice.sum()),
            )
        ]


def named_rows(mask: pl.Series, numbers: pl.Series | None = None) -> tuple[int, ...]:
    """Numbers of the first rows where a mask is true, as the person counts them.

    Parameters
    ----------
    mask : polars.Series of bool
        The rows at fault.
    numbers : polars.Series of int, optional
        Number of each row in the person's file; from 1 when left out.

    Returns
    -------
    tuple of int
        At most :data:`MAX_ROWS_NAMED`.

    Examples
    --------
    >>> named_rows(pl.Series([False, True, True]))
    (2, 3)
    """
    first = mask.arg_true().head(MAX_ROWS_NAMED)
    return tuple(int(i) + 1 for i in first) if numbers is None else tuple(int(n) for n in numbers[first.to_list()])


def _shown(found: object) -> str:
    """A value as a person would have written it."""
    if isinstance(found, float):
        return f"{found:.15g}"
    return f"'{found}'" if isinstance(found, str) else str(found)


_WORDS: dict[type[pl.DataType], tuple[str, str]] = {
    pl.Date: ("a date", "Write a date there, such as 2026-01-31"),
    pl.Float64: (
        "a number",
        "Write a number there, with a decimal point and no thousands separator; leave unknown ones blank",
    ),
    pl.Int64: ("a whole number", "Write a whole number there, without thousands separator"),
    pl.String: ("text", "Write text there"),
    pl.Boolean: ("true or false", "Write true or false there"),
}
_CENSORED = (
    r"(?i)^(([<≤⩽]=?|under |less than |fewer than |少于|小于|不足|不到) ?\d+"
    r"|\d+ ?([-–—~]|to|至|到) ?\d+|\*+|suppressed|masked)$"
)
"""Counts such as `<5`, `1-4` and `*`, after NFKC: small ones, which the source keeps back to protect persons."""

_EXACT = "a number: the source keeps small counts back, to protect persons"
_ASK = "Leave these cells empty, which means unknown; or ask for the exact counts, and use them inside only"
_MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None"]


def _fault(
    kind: str, mask: pl.Series, values: pl.Series, column: Column, wanted: str, remedy: str, rows: pl.Series | None
) -> list[Fault]:
    mask = mask.fill_null(value=False)
    if not mask.any():
        return []
    found = values[mask.arg_true()[0]]
    shown = "an empty cell" if found is None else _shown(found)
    numbers = named_rows(mask, rows)
    return [Fault(kind, f"found {shown}, wanted {wanted}", remedy, column.name, numbers, int(mask.sum()))]


def _typed(raw: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> tuple[pl.Series, pl.Series]:
    """The column as text trimmed where it is text, and in its type where that can be."""
    if raw.dtype in (pl.Categorical, pl.Enum):
        raw = raw.cast(pl.String)
    if raw.dtype == pl.String:
        raw = raw.str.strip_chars()
        raw = pl.select(
            pl.when(raw.is_in(_MISSING if dtype != pl.String else [""])).then(None).otherwise(raw)
        ).to_series()
    if raw.dtype == dtype:
        return raw, raw
    nothing = pl.Series(raw.name, [None], dtype=dtype).new_from_index(0, raw.len())
    if raw.dtype.is_nested() or raw.dtype == pl.Binary:
        return raw, nothing
    if raw.dtype == pl.String and dtype == pl.Date:
        return raw, raw.str.to_date("%Y-%m-%d", strict=False)
    if raw.dtype == pl.String and dtype == pl.Boolean:
        return raw, raw.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    if raw.dtype == pl.String:
        values = raw.cast(dtype, strict=False)
        if values.null_count() > raw.null_count():
            values = raw.str.normalize("NFKC").cast(dtype, strict=False)
        return raw, values
    if dtype == pl.Date and not raw.dtype.is_temporal():
        return raw, nothing
    whole = (raw == raw.floor()).fill_null(value=False) if raw.dtype.is_float() else None
    if whole is not None and dtype == pl.String:
        text = pl.when(whole).then(raw.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(raw.cast(pl.String))
        return raw, pl.select(text).to_series()
    values = raw.cast(dtype, strict=False)
    if whole is not None and dtype == pl.Int64:
        values = pl.select(pl.when(whole).then(values)).to_series()
    return raw, values


def _column(raw: pl.Series, column: Column, rows: pl.Series | None) -> tuple[pl.Series, list[Fault]]:
    wanted, remedy = _WORDS.get(column.dtype.base_type(), (str(column.dtype), f"Write {column.dtype} there"))
    raw, values = _typed(raw, column.dtype)
    if raw.dtype.is_float():
        raw = raw.fill_nan(None)
    unread = values.is_null() & raw.is_not_null()
    faults = []
    if raw.dtype == pl.String and values.dtype.is_numeric():
        hidden = unread & raw.str.normalize("NFKC").str.contains(_CENSORED)
        faults += _fault("censored", hidden, raw, column, _EXACT, _ASK, rows)
        unread &= ~hidden
    faults += _fault("type", unread, raw, column, wanted, remedy, rows)
    if values.dtype == pl.Float64:
        values = values.fill_nan(None)
        endless = values.is_infinite().fill_null(value=False)
        faults += _fault("infinite", endless, values, column, "a finite number", "Correct it at the source", rows)
        values = pl.select(pl.when(~endless).then(values)).to_series()
    if not column.nullable:
        faults += _fault("missing value", raw.is_null(), raw, column, wanted, "Fill it in, or leave the row out", rows)
    at_source = "Correct it at the source"
    if column.minimum is not None:
        kind = "negative" if column.minimum == 0 else "too small"
        faults += _fault(kind, values < column.minimum, values, column, f"at least {column.minimum:g}", at_source, rows)
    if column.maximum is not None:
        faults += _fault(
            "too large", values > column.maximum, values, column, f"at most {column.maximum:g}", at_source, rows
        )
    if column.allowed is not None:
        strange = values.is_not_null() & ~values.is_in(list(column.allowed))
        faults += _fault(
            "unknown word", strange, values, column, "one of " + ", ".join(column.allowed), "Use one of these", rows
        )
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
