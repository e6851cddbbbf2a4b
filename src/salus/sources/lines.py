"""Text files of records, looked through once before anything is taken: bombs, endless lines, open quotation marks.

An engine that meets a line longer than its buffer, or a quotation mark that is never closed, passes over what follows;
rows would be lost without a word. So such a file is refused at the door, in bounded memory, with the line at fault.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from salus.errors import InputError
from salus.sources import records
from salus.tables import packed

MAX_LINE = 2_000_000
"""Bytes that a row of a delimited file may have, those of its quoted fields on several lines included."""

_CHUNK = 2**22
_NEWLINE, _QUOTE = 10, 34
_WIDE = ("utf-16", "utf-32", "utf_16", "utf_32")


def guard(table: records.Table) -> None:
    """Refuse the files of a table of which rows would be lost; Parquet files pass unread.

    Parameters
    ----------
    table : records.Table
        As :func:`salus.sources.records.inspect` gives it.

    Raises
    ------
    InputError
        As :func:`guard_delimited` says.
    """
    if table.delimiter is not None:
        for path in table.files:
            guard_delimited(path, table.delimiter, table.encoding)


def guard_delimited(path: Path, delimiter: str, encoding: str, max_line: int = MAX_LINE) -> None:
    """Refuse a delimited text file of which rows would be lost.

    Parameters
    ----------
    path : Path
        Text, packed when its name ends in ``.gz``.
    delimiter : str
        What stands between fields.
    encoding : str
        Of the text.
    max_line : int
        Bytes that a row may have.

    Raises
    ------
    InputError
        It is damaged or a bomb, has a longer row, a quotation mark that is never closed, or text in another encoding.
    """
    if encoding != "utf-8":
        _check_encoding(path, encoding)
    start = at = 0
    quoted = 0
    for chunk in _chunks(path, encoding):
        data = np.frombuffer(chunk, dtype=np.uint8)
        ends, marks = np.flatnonzero(data == _NEWLINE), np.flatnonzero(data == _QUOTE)
        if marks.size or quoted:
            ends = ends[((quoted + np.searchsorted(marks, ends)) & 1) == 0]
            quoted = (quoted + marks.size) & 1
        bounds = np.concatenate(([start], at + ends, [at + data.size]))
        start = int(bounds[-2])
        at += data.size
        if int(np.diff(bounds).max()) > max_line:
            _name_row(path, delimiter, encoding, max_line)
            return
    if quoted:
        _name_row(path, delimiter, encoding, max_line)


def guard_packed(path: Path) -> None:
    """Refuse a gzip file that is damaged, cut off or a bomb; other files pass unread.

    Parameters
    ----------
    path : Path
        Any file.

    Raises
    ------
    InputError
        As said.
    """
    if path.name.lower().endswith(".gz"):
        for _ in raw(path):
            continue


def raw(path: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces, unpacked when its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        Any file.

    Raises
    ------
    InputError
        It can't be read, is damaged, or unpacks beyond all measure.
    """
    size, read = path.stat().st_size, 0
    try:
        with records.open_text(path) as handle:
            while chunk := handle.read(_CHUNK):
                read += len(chunk)
                packed.guard(read, size, str(path), max_bytes=None)
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is a damaged gzip file, or a part of one. Get a whole copy of it.") from error
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror}. Check the file and its permissions.") from error


def _chunks(path: Path, encoding: str) -> Iterator[bytes]:
    """Bytes in which line ends and quotation marks are single bytes."""
    if not encoding.lower().startswith(_WIDE):
        yield from raw(path)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in raw(path):
        yield decoder.decode(chunk).encode()


def _check_encoding(path: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    try:
        for chunk in raw(path):
            lines += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        lines += error.object[: error.start].decode(encoding, errors="ignore").count("\n")
        raise InputError(
            f"{path} is not text in {encoding}: line {lines + 1} can't be read. "
            "Save the file as UTF-8 (in Excel: CSV UTF-8), or name its encoding with --encoding."
        ) from error


def _name_row(path: Path, delimiter: str, encoding: str, max_line: int) -> None:
    """Refuse the file with the line at fault; quotation marks within a field without any around it mean nothing."""
    between = delimiter.encode()
    opened, length = 0, 0
    for number, line in enumerate(_lines(path, encoding, max_line), start=1):
        length = length + len(line) if opened else len(line)
        if length > max_line:
            what = "opens a quotation mark that is not closed within" if opened else "is longer than"
            _refuse(path, opened or number, f"{what} {max_line / 1e6:g} MB")
        if opened or b'"' in line:
            opened = (opened or number) if _left_open(line, between, bool(opened)) else 0
    if opened:
        _refuse(path, opened, "opens a quotation mark that is never closed")


def _refuse(path: Path, line: int, what: str) -> None:
    raise InputError(
        f"{path} can't be read: line {line} {what}, so that the rows after it would be lost. "
        "Correct that line, or export the file again."
    )


def _lines(path: Path, encoding: str, longest: int) -> Iterator[bytes]:
    """Physical lines; one that is too long comes in part, as the last."""
    rest = b""
    for chunk in _chunks(path, encoding):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > longest:
            break
    yield rest


def _left_open(line: bytes, between: bytes, inside: bool) -> bool:
    """Whether a quoted field goes on after the line."""
    at = 0
    while True:
        if inside or line[at : at + 1] == b'"':
            at += 0 if inside else 1
            inside = False
            while (end := line.find(b'"', at)) >= 0 and line[end + 1 : end + 2] == b'"':
                at = end + 2
            if end < 0:
                return True
            at = end + 1
        at = line.find(between, at)
        if at < 0:
            return False
        at += len(between)
