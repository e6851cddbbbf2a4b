"""Delimited text: the separator found, every row's width and quoting proved, then read as text columns.

The proof reads the file once in pieces of 16 MB with NumPy, so a fault in row 5,000,000 is named without holding the
file; the parse itself is Polars'.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from salus.errors import Fault, InputError, TableError
from salus.tables.contract import MAX_ROWS_NAMED
from salus.tables.encodings import CHUNK

SEPARATORS = (",", "\t", ";", "|")
"""Separators that are looked for, the usual ones first."""

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_SNIFFED_LINES = 50
_LONGEST_ROW = 2**16


def read_delimited(path: Path, label: str) -> pl.DataFrame:
    """Read UTF-8 text with a separator into text columns.

    Parameters
    ----------
    path : Path
        UTF-8 file.
    label : str
        What messages call it.

    Returns
    -------
    polars.DataFrame
        Text columns; an empty cell is null; blank lines are rows of nulls, so that row numbers stay those of the file.

    Raises
    ------
    InputError
        Empty, or a header without rows.
    TableError
        A row has too many or too few cells, or a quotation mark is never closed; the rows are named.
    """
    head, skip = _head(path, label)
    declared = head[0].strip().removeprefix("sep=") if head[0].startswith("sep=") else ""
    if declared in SEPARATORS:
        skip, head = skip + 1, head[1:]
    separator = declared or sniff(head)
    header = next(csv.reader(head, delimiter=separator), [])
    names = header_names(header, label)
    proof = _prove(path, separator, skip, len(header), label)
    try:
        frame = pl.read_csv(
            path,
            separator=separator,
            skip_lines=skip,
            new_columns=names,
            infer_schema=False,
            glob=False,
            low_memory=True,
        )
    except pl.exceptions.NoDataError:
        frame = pl.DataFrame()
    except pl.exceptions.PolarsError as error:
        raise _quoting_error(path, separator, skip, label) from error
    if frame.height == 0:
        raise InputError(f"{label} has a header but no rows. Give a file with at least one row of data.")
    return frame.with_columns(pl.all().replace("", None)) if proof.quoted_blank else frame


def sniff(lines: list[str]) -> str:
    """The separator of a few lines of text.

    Parameters
    ----------
    lines : list of str
        First lines of the file, the header first.

    Returns
    -------
    str
        The separator by which the most lines have as many cells as the header; a comma when there is one column.

    Examples
    --------
    >>> sniff(["ort;wert", "Berlin;3,5", "Bayern;4,25"])
    ';'
    """
    best, score = ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        if widths and widths[0] > 1:
            agreeing = sum(w == widths[0] for w in widths) / len(widths)
            if (agreeing, widths[0]) > score:
                best, score = separator, (agreeing, widths[0])
    return best


def header_names(header: list[str], label: str) -> list[str]:
    """Column names as they stand in a header, trimmed, each given once.

    Parameters
    ----------
    header : list of str
        First row.
    label : str
        What messages call the file.

    Returns
    -------
    list of str
        Names; one that is blank becomes ``column N``.

    Raises
    ------
    InputError
        A name stands twice.
    """
    names = [" ".join(name.strip("\ufeff").split()) or f"column {k}" for k, name in enumerate(header, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{label} has more than one column named '{twice[0]}'. Give every column a name of its own.")
    return names


def _head(path: Path, label: str) -> tuple[list[str], int]:
    """First lines from the first that is not blank, and how many blank ones stand before it."""
    lines: list[str] = []
    blank = 0
    with path.open("r", encoding="utf-8-sig", newline="\n") as handle:
        for line in handle:
            if line.strip() or lines:
                lines.append(line)
            else:
                blank += 1
            if len(lines) >= _SNIFFED_LINES:
                break
    if not lines:
        raise InputError(f"{label} is empty. Give a file with a header and at least one row.")
    return lines, blank


@dataclass
class _Proof:
    """Running counts over the pieces of a file."""

    width: int
    skip: int
    line: int = 0
    separators: int = 0
    filled: int = 0
    inside: int = 0
    rows: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    count: int = 0
    quoted_blank: bool = False

    def add(self, piece: bytes, separator: int) -> None:
        """Count one piece."""
        values = np.frombuffer(piece, np.uint8)
        self.quoted_blank |= b'""' in piece
        ends = np.flatnonzero(values == _NEWLINE)
        cuts = np.flatnonzero(values == separator)
        if self.inside or b'"' in piece:
            inside = (np.cumsum(values == _QUOTE) + self.inside) & 1
            ends, cuts = ends[inside[ends] == 0], cuts[inside[cuts] == 0]
            self.inside = int(inside[-1])
        if ends.size == 0:
            self.separators += cuts.size
            self.filled += len(piece)
            return
        upto = np.searchsorted(cuts, ends)
        found = np.diff(upto, prepend=0)
        found[0] += self.separators
        length = np.diff(ends, prepend=-1) - 1
        length[0] += self.filled
        blank = (length == 0) | ((length == 1) & (values[np.maximum(ends - 1, 0)] == _RETURN))
        self._judge(found + 1, blank)
        self.separators = int(cuts.size - upto[-1])
        self.filled = len(piece) - int(ends[-1]) - 1

    def finish(self) -> None:
        """Count a last line without a line end."""
        if self.filled and not self.inside:
            self._judge(np.array([self.separators + 1]), np.array([False]))

    def _judge(self, widths: np.ndarray, blank: np.ndarray) -> None:
        bad = np.flatnonzero((widths != self.width) & ~blank)
        numbers = self.line + bad - self.skip  # the header is row 0
        keep = numbers >= 0
        self.count += int(keep.sum())
        for number, width in zip(numbers[keep][:MAX_ROWS_NAMED], widths[bad][keep][:MAX_ROWS_NAMED], strict=True):
            if len(self.rows) < MAX_ROWS_NAMED:
                self.rows.append(int(number))
                self.widths.append(int(width))
        self.line += widths.size


def _prove(path: Path, separator: str, skip: int, width: int, label: str) -> _Proof:
    proof = _Proof(width, skip)
    with path.open("rb") as handle:
        while piece := handle.read(CHUNK):
            if b"\0" in piece:
                raise InputError(
                    f"{label} is not a text file: it holds a zero byte. "
                    "Give a CSV, Excel, Parquet or JSON lines file, and name it for what it is."
                )
            proof.add(piece, ord(separator))
    proof.finish()
    if proof.inside:
        raise _quoting_error(path, separator, skip, label)
    if proof.rows:
        found = f"{proof.widths[0]} cell{'s' if proof.widths[0] > 1 else ''}"
        remedy = "Give every row as many cells as the header; put text that holds the separator in quotation marks"
        if width == 1:
            remedy = "Remove title lines above the header, and give every row as many cells as the header"
        raise TableError(
            label,
            [
                Fault(
                    "ragged row",
                    f"found {found}, wanted {width} as in the header",
                    remedy,
                    None,
                    tuple(proof.rows),
                    proof.count,
                )
            ],
        )
    return proof


def _quoting_error(path: Path, separator: str, skip: int, label: str) -> TableError:
    """Name the first row whose quotation marks remain when every well quoted cell is taken out."""
    mark = re.escape(separator)
    whole = re.compile(f'(^|{mark})"(?:[^"]|"")*"(?={mark}|\r?\n|$)')
    opened = re.compile(f'(^|{mark})"[^"]*$')
    done, held = 0, ""
    with path.open("r", encoding="utf-8-sig", newline="\n") as handle:
        for line in handle:
            held += line
            rest = whole.sub(r"\1", held) if '"' in held else ""
            if '"' not in rest:
                done, held = done + 1, ""
            elif not opened.search(rest) or len(held) > _LONGEST_ROW:
                break
    fault = Fault(
        "quotation mark",
        "a quotation mark is never closed, or stands inside a cell that is not quoted",
        'Write a quotation mark inside a text as "" and put the text in quotation marks',
        rows=(max(done - skip, 1),),
        count=1,
    )
    return TableError(label, [fault])
