"""Files into tables, as they are: delimited text of any usual encoding, Parquet, Excel, JSON lines, or packed ones.

What a file is, its first bytes say; a name that claims something else is refused, since one of the two is wrong.
"""

from __future__ import annotations

import difflib
import errno
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from salus.errors import Fault, InputError, TableError
from salus.tables import encodings, packed
from salus.tables.delimited import header_names, read_delimited

_KINDS = (
    (b"PAR1", "parquet", "a Parquet file"),
    (b"\x1f\x8b", "gzip", "a gzip file"),
    (b"PK\x03\x04", "zip", "a zip archive"),
    (b"PK\x05\x06", "zip", "a zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old workbook", "an Excel file"),
    (b"%PDF", "other", "a PDF"),
    (b"\x89PNG", "other", "a PNG image"),
    (b"\xff\xd8\xff", "other", "a JPEG image"),
    (b"GIF8", "other", "a GIF image"),
    (b"BZh", "other", "a bzip2 file"),
    (b"\xfd7zXZ", "other", "an xz file"),
    (b"(\xb5/\xfd", "other", "a Zstandard file"),
    (b"7z\xbc\xaf", "other", "a 7-zip archive"),
    (b"Rar!", "other", "a RAR archive"),
    (b"SQLite format 3\0", "other", "an SQLite database"),
    (b"ARROW1", "other", "an Arrow file"),
    (b"\x89HDF", "other", "an HDF5 file"),
    (b"{\\rtf", "other", "an RTF document"),
)
_NAMED = {
    ".csv": {"text"},
    ".tsv": {"text"},
    ".txt": {"text"},
    ".parquet": {"parquet"},
    ".xlsx": {"workbook"},
    ".xlsm": {"workbook"},
    ".xls": {"workbook", "old workbook"},
    ".jsonl": {"text"},
    ".ndjson": {"text"},
    ".gz": {"gzip"},
    ".zip": {"zip"},
}
MAX_CELLS = 1_000_000_000
"""Cells of the largest Parquet file that is read; a few kilobytes of it can stand for billions of rows."""

_SUFFIX = {"parquet": ".parquet", "gzip": ".gz", "zip": ".zip", "workbook": ".xlsx", "old workbook": ".xls"}
_PACKED = {"gzip", "zip"}


@dataclass(frozen=True)
class RawTable:
    """A file as read, and how it was read.

    Attributes
    ----------
    frame : polars.DataFrame
        Its rows.
    kind : str
        ``delimited``, ``parquet``, ``workbook`` or ``json lines``.
    encoding : str or None
        Encoding of a text file, a Python codec name.
    """

    frame: pl.DataFrame
    kind: str
    encoding: str | None = None


def read_raw(path: str | Path, *, encoding: str | None = None, sheet: str | None = None) -> pl.DataFrame:
    r"""The rows of a file, unchecked.

    Parameters
    ----------
    path : str or Path
        CSV (comma, tab, semicolon or bar), Parquet, Excel, JSON lines, or gzip or zip of one of these.
    encoding : str, optional
        Encoding of a text file, where it can't be told from the file; a byte-order mark goes before it.
    sheet : str, optional
        Sheet of a workbook; may be left out when one sheet has rows.

    Returns
    -------
    polars.DataFrame
        Text columns for text files, typed columns for Parquet, Excel and JSON lines. Blank cells are null.

    Raises
    ------
    InputError
        The file can't be read; the message names it and the fault.
    TableError
        A delimited file has rows of another width than its header; names the rows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cases.csv"
    ...     _ = file.write_bytes("地区;病种\n北京;手足口病\n".encode("gb18030"))
    ...     read_raw(file).rows()
    [('北京', '手足口病')]
    """
    return read_table(path, encoding=encoding, sheet=sheet).frame


def read_table(path: str | Path, *, encoding: str | None = None, sheet: str | None = None) -> RawTable:
    """As :func:`read_raw`, with what was found out about the file.

    Parameters
    ----------
    path : str or Path
        The file.
    encoding : str, optional
        Encoding of a text file.
    sheet : str, optional
        Sheet of a workbook.

    Returns
    -------
    RawTable
        Rows, kind and encoding.

    Raises
    ------
    InputError
        As :func:`read_raw`.
    """
    file = Path(path)
    label = str(path)
    try:
        if not file.exists():
            near = difflib.get_close_matches(file.name, [p.name for p in file.parent.glob("*")], n=3, cutoff=0.7)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise InputError(f"there is no file {label}.{hint} Check the name and the folder.")
        if file.is_dir():
            raise InputError(f"{label} is a folder, a file was wanted. Give one file in it.")
        if not file.is_file():
            raise InputError(f"{label} is no ordinary file. Save the table to a file and give that.")
        with tempfile.TemporaryDirectory(prefix="salus-") as folder:
            return _read(file, label, Path(folder), encoding, sheet, unpacked=False)
    except PermissionError as error:
        raise InputError(f"there is no permission to read {label}. Ask for it, or copy the file.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"{label} can't be unpacked: the disk of the folder for temporary files is full. "
                "Make room there, or point TMPDIR to another disk."
            ) from error
        raise InputError(f"{label} can't be read: the system says {error.strerror or error}.") from error


def _read(file: Path, label: str, folder: Path, encoding: str | None, sheet: str | None, *, unpacked: bool) -> RawTable:
    kind, words = _kind(file, label)
    _name_fits(file, kind, words, label)
    if kind in _PACKED and unpacked:
        raise InputError(f"{label} holds {words} inside another. Unpack it and give the table itself.")
    if kind == "gzip":
        return _read(packed.unpack_gzip(file, folder, label), label, folder, encoding, sheet, unpacked=True)
    if kind == "zip":
        return _read(packed.unpack_zip(file, folder, label), label, folder, encoding, sheet, unpacked=True)
    if kind == "parquet":
        return RawTable(_parquet(file, label), "parquet")
    if kind in ("workbook", "old workbook"):
        return RawTable(_workbook(file, label, sheet), "workbook")
    return _text(file, label, folder, encoding)


def _kind(file: Path, label: str) -> tuple[str, str]:
    with file.open("rb") as handle:
        head = handle.read(4096)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise InputError(f"{label} is empty. Give a file with a header and at least one row.")
    for magic, kind, words in _KINDS:
        if head.startswith(magic):
            if kind == "zip" and packed.is_workbook(file):
                return "workbook", "an Excel file"
            if kind == "other":
                raise InputError(f"{label} is {words}. Give a CSV, Excel, Parquet or JSON lines file.")
            return kind, words
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise InputError(
            f"{label} is a web page or XML, perhaps an error page saved as a table. Download the table again as CSV."
        )
    return "text", "a text file"


def _name_fits(file: Path, kind: str, words: str, label: str) -> None:
    wanted = _NAMED.get(file.suffix.lower())
    if wanted is None or kind in wanted:
        return
    if kind == "zip" and "workbook" in wanted:
        raise InputError(f"{label} is a damaged or incomplete Excel file. Get a whole copy of it, or save it anew.")
    if kind == "text":
        raise InputError(
            f"{label} is named {file.suffix} but holds something else (text, or damaged). Get a whole copy of it."
        )
    raise InputError(
        f"{label} is {words} named {file.suffix}. Rename it to end in {_SUFFIX[kind]}, or save it as {file.suffix}."
    )


def _parquet(file: Path, label: str) -> pl.DataFrame:
    try:
        lazy = pl.scan_parquet(file, glob=False)
        cells = lazy.select(pl.len()).collect().item() * len(lazy.collect_schema())
        if cells > MAX_CELLS:
            raise InputError(
                f"{label} holds {cells:,} cells, more than {MAX_CELLS:,}, which can't be read at once. "
                "Give the rows and columns that are needed."
            )
        frame = lazy.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        raise InputError(f"{label} is a damaged Parquet file, or a part of one. Get a whole copy of it.") from error
    return _with_rows(frame, label)


def _workbook(file: Path, label: str, sheet: str | None) -> pl.DataFrame:
    if file.suffix.lower() != ".xls":
        packed.guard_workbook(file, label)
    try:
        book = fastexcel.read_excel(file)
        tables = {name: book.load_sheet(name).to_polars() for name in book.sheet_names if sheet in (None, name)}
    except fastexcel.FastExcelError as error:
        raise InputError(
            f"{label} can't be read as Excel. It may be damaged or protected by a password; save it anew without one."
        ) from error
    if sheet is not None and not tables:
        raise InputError(f"{label} has no sheet '{sheet}'. It has {', '.join(book.sheet_names)}.")
    filled = {name: table for name, table in tables.items() if table.height}
    if len(filled) > 1:
        raise InputError(
            f"{label} has rows on several sheets: {', '.join(filled)}. Save the one that is meant in a file of its own."
        )
    if not filled:
        raise InputError(f"{label} has no rows. Give a workbook with a header and at least one row.")
    frame = next(iter(filled.values()))
    return frame.rename(dict(zip(frame.columns, header_names(frame.columns, label), strict=True)))


def _text(file: Path, label: str, folder: Path, encoding: str | None) -> RawTable:
    wanted = None if encoding is None else encodings.codec(encoding)
    found = encodings.by_mark(file) or wanted or encodings.detect(file, label)
    with file.open("rb") as handle:
        head = handle.read(2**16)
    plain = found in ("utf-8", "utf-8-sig")
    if encoding is not None or not plain or (b"\r" in head and b"\n" not in head):
        file = encodings.transcode(file, found, folder / "as-utf-8.txt", label)
    with file.open("r", encoding="utf-8-sig") as handle:
        start = handle.read(4096).lstrip()
    if start.startswith("{"):
        return RawTable(_json_lines(file, label), "json lines", found)
    if start.startswith("[{") or start.replace(" ", "").replace("\n", "").startswith("[{"):
        raise InputError(f"{label} is one JSON list. Write JSON lines: one object a line, without brackets and commas.")
    return RawTable(read_delimited(file, label), "delimited", found)


def _json_lines(file: Path, label: str) -> pl.DataFrame:
    try:
        frame = pl.read_ndjson(file, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        with file.open("r", encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, 1):
                try:
                    json.loads(line or "null")
                except json.JSONDecodeError:
                    found = Fault(
                        "JSON",
                        "this line is no JSON object",
                        "Write one whole object a line",
                        None,
                        (number,),
                        1,
                    )
                    raise TableError(label, [found]) from error
        raise InputError(
            f"{label} can't be read as JSON lines ({_first_line(error)}). Write one object a line."
        ) from error
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    return _with_rows(frame.drop(nested), label)


def _with_rows(frame: pl.DataFrame, label: str) -> pl.DataFrame:
    if frame.height == 0:
        raise InputError(f"{label} has columns but no rows. Give a file with at least one row of data.")
    return frame


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["unknown"])[0][:200]
