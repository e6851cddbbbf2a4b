"""What a source of case records hands to the wall: rows of listed fields, raw, straight from the caller's files.

Nothing here is written to disk. A source gives one question in SQL; the wall (`salus.privacy.deidentify`) asks it once
and takes the rows as they stream by. A field that is not in :data:`FIELDS` is never selected, so it never enters.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from salus.errors import InputError
from salus.sources.sql import quoted, quoted_name
from salus.tables import encodings, packed

FIELDS = {
    "file": "VARCHAR",
    "person": "VARCHAR",
    "encounter": "VARCHAR",
    "birth_date": "DATE",
    "age": "INTEGER",
    "date": "DATE",
    "reported": "DATE",
    "district": "VARCHAR",
    "sex": "VARCHAR",
    "encounter_class": "VARCHAR",
    "code_system": "VARCHAR",
    "code": "VARCHAR",
    "fault": "VARCHAR",
    "left_out": "VARCHAR",
}
"""Fields of a raw row and their types. ``fault`` says why the row can't be used, ``left_out`` why it is no case."""

SEXES = {
    "female": ("f", "female", "w", "woman", "2", "女", "女性", "8532"),
    "male": ("m", "male", "man", "1", "男", "男性", "8507"),
    "other": ("o", "other", "x", "8521"),
    "unknown": ("u", "unk", "unknown", "0", "9", "未知", "未说明", "8551"),
}
"""Words and codes for sex: FHIR, OMOP concepts, China's GB/T 2261.1, and plain words."""

CLASSES = {
    "outpatient": ("outpatient", "amb", "ambulatory", "hh", "fld", "op", "门诊", "9202", "581477", "38004207"),
    "emergency": ("emergency", "emer", "er", "ed", "急诊", "9203", "581478"),
    "inpatient": ("inpatient", "imp", "acute", "nonac", "obsenc", "ss", "ip", "住院", "9201", "262", "32037"),
    "virtual": ("virtual", "vr", "telehealth", "互联网诊疗", "5083"),
}
"""Words and codes for the kind of visit: FHIR v3-ActCode, OMOP concepts, and plain words."""

_SNIFFED = 1 << 18
_BLOCK = 1 << 24
_FREE_ROWS, _ROWS_A_BYTE = 10_000_000, 20


@dataclass(frozen=True)
class Table:
    """Files of one table, and what their columns are called.

    Attributes
    ----------
    files : tuple of Path
        Files with the same columns.
    fields : dict of str to str
        Column name -> DuckDB type; text files have text only.
    delimiter : str or None
        Of a text file; None for Parquet.
    encoding : str
        Of a text file.
    aside : list of (str, int, str)
        File, line and fault of lines that were no rows, of text that was decoded in passing; filled by its scan.
    """

    files: tuple[Path, ...]
    fields: dict[str, str]
    delimiter: str | None = None
    encoding: str = "utf-8"
    aside: list[tuple[str, int, str]] = field(default_factory=list, compare=False)


def expand(paths: Sequence[str | Path], endings: Sequence[str]) -> tuple[Path, ...]:
    """Files that the caller means: those named, and those with the right ending in the folders named.

    Parameters
    ----------
    paths : sequence of str or Path
        Files and folders.
    endings : sequence of str
        Such as ``.ndjson.gz``; case does not matter.

    Returns
    -------
    tuple of Path
        In the order given, those of a folder sorted, each once.

    Raises
    ------
    InputError
        A path is not there, or a folder holds no such file.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = [f for f in path.iterdir() if f.is_file() and f.name.lower().endswith(tuple(endings))]
            if not inside:
                raise InputError(
                    f"the folder {path} holds no file that ends in {' or '.join(endings)}. Name the files themselves."
                )
            found |= dict.fromkeys(sorted(inside))
        elif path.is_file():
            found[path] = None
        else:
            raise InputError(f"there is no file {path}. Check the name and the folder.")
    if not found:
        raise InputError("no file was given. Name at least one file or folder.")
    return tuple(found)


def inspect(path: Path, encoding: str | None = None) -> Table:
    """Columns, delimiter and encoding of one CSV or Parquet file, from its first bytes.

    Parameters
    ----------
    path : Path
        File ending in ``.parquet``, or text with a header line (``.gz`` allowed).
    encoding : str, optional
        Of a text file, where it can't be told.

    Raises
    ------
    InputError
        The file is empty, unreadable, or not a table.
    """
    if path.name.lower().endswith((".parquet", ".pq")):
        return Table((path,), _parquet_fields(path))
    head = first_bytes(path, _SNIFFED)
    if not head.strip():
        raise InputError(f"{path} is empty. Give a file with a header line and at least one row.")
    if head.startswith(b"PK\3\4"):
        raise InputError(f"{path} is a zip archive or a workbook. Unpack it, or save it as CSV, and give that.")
    if encoding is None and b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is not a text file (it holds zero bytes). Export it as CSV or Parquet.")
    named = encoding if encoding is None else encodings.by_mark(path) or encodings.codec(encoding)
    encoding = named or _encoding(path, head)
    line = head.decode(encoding, errors="replace").lstrip("﻿").splitlines()[0]
    delimiter = max(",;\t|", key=line.count)
    names = [n.strip().strip('"') for n in line.split(delimiter)]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise InputError(f"{path} has two columns called '{sorted(twice)[0]}'. Give each column its own name.")
    return Table((path,), dict.fromkeys(names, "VARCHAR"), delimiter, encoding)


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, unpacked when its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        Any file.
    count : int
        How many at most.

    Raises
    ------
    InputError
        It can't be read, or is no whole gzip file.
    """
    try:
        with open_text(path) as handle:
            return handle.read(count)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is a damaged gzip file, or a part of one. Get a whole copy of it.") from error
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror}. Check the file and its permissions.") from error


def together(tables: Sequence[Table]) -> Table:
    """Several files of one table as one.

    Parameters
    ----------
    tables : sequence of Table
        As :func:`inspect` gives them.

    Raises
    ------
    InputError
        They differ in columns, delimiter or encoding.
    """
    first = tables[0]
    for other in tables[1:]:
        if (other.fields, other.delimiter, other.encoding) != (first.fields, first.delimiter, first.encoding):
            raise InputError(
                f"{other.files[0]} and {first.files[0]} differ in columns, delimiter or encoding. "
                f"Ingest them in two commands."
            )
    return Table(tuple(f for t in tables for f in t.files), first.fields, first.delimiter, first.encoding)


def scan(connection: Any, table: Table, wanted: Sequence[str], name: str) -> str:
    """SQL of a scan that reads only some columns, and ``filename``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A text file that is not UTF-8 is decoded in passing and registered here, to be scanned once.
    table : Table
        What to read.
    wanted : sequence of str
        Columns to read.
    name : str
        Name for what is registered, and of the table of lines that could not be read.

    Returns
    -------
    str
        A SELECT statement.
    """
    columns = ", ".join(quoted_name(c) for c in wanted)
    listed = "[" + ", ".join(quoted(f.absolute().as_posix()) for f in table.files) + "]"
    if table.delimiter is None:
        return f"SELECT {columns}, filename FROM read_parquet({listed}, filename = true)"
    if table.encoding == "utf-8":
        types = "{" + ", ".join(f"{quoted(c)}: 'VARCHAR'" for c in table.fields) + "}"
        return (
            f"SELECT {columns}, filename FROM read_csv({listed}, columns = {types}, "
            f"auto_detect = false, header = true, "
            f"delim = {quoted(table.delimiter)}, quote = '\"', escape = '\"', filename = true, store_rejects = true, "
            f"rejects_table = {quoted(name + '_rejects')}, rejects_scan = {quoted(name + '_reject_scans')})"
        )
    connection.register(name, _decoded(table, wanted))
    return f"SELECT {columns}, filename FROM {quoted_name(name)}"


def rejected(connection: Any, name: str, table: Table) -> list[tuple[str, int, str]]:
    """Lines of a text file that are no rows of its table, after the scan.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which the scan ran.
    name : str
        As given to :func:`scan`.
    table : Table
        As given to :func:`scan`.

    Returns
    -------
    list of (str, int, str)
        File, line (the header is line 1) and what is wrong; nothing of the line's content.
    """
    there = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [name + "_rejects"]
    ).fetchall()[0]
    if not there[0]:
        return table.aside
    rows = connection.execute(
        "SELECT s.file_path, e.line, lower(min(e.error_type::VARCHAR)), "
        "max(length(e.csv_line) - length(replace(e.csv_line, chr(10), ''))) "
        f"FROM {quoted_name(name + '_rejects')} e JOIN {quoted_name(name + '_reject_scans')} s "
        "USING (scan_id, file_id) GROUP BY s.file_path, e.line ORDER BY ALL"
    ).fetchall()
    told = [(Path(f).name, int(line), int(more or 0), f"the line can't be read: {e}") for f, line, e, more in rows]
    return table.aside + [
        (file, line + k, why if k == 0 else "the line stands within an open quotation mark")
        for file, line, more, why in told
        for k in range(more + 1)
    ]


def open_text(path: Path) -> BufferedIOBase:
    """A file for reading bytes, unpacked when its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        File to open.
    """
    return gzip.GzipFile(path) if path.name.lower().endswith(".gz") else path.open("rb")


def simple(name: str) -> str:
    """A column name without case and punctuation, to compare with.

    Parameters
    ----------
    name : str
        As the file has it.
    """
    return re.sub(r"[\W_]+", "", name).casefold()


def _parquet_fields(path: Path) -> dict[str, str]:
    """Columns of a Parquet file, if what it says of its own size can be believed."""
    try:
        foot = pyarrow.parquet.read_metadata(path)
        schema = foot.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a readable Parquet file, or a part of one. Get a whole copy of it.") from error
    size = path.stat().st_size
    wide = sum(foot.row_group(k).total_byte_size for k in range(foot.num_row_groups))
    packed.guard(wide, size, str(path), max_bytes=None)
    if foot.num_rows > _FREE_ROWS and foot.num_rows > _ROWS_A_BYTE * size:
        raise InputError(
            f"{path} says that it holds {foot.num_rows:,} rows in {size // 1024:,} kB: it looks like a zip bomb and "
            "was not read. If it is honest, write it in several files."
        )
    return {column.name: _duck_type(column.type) for column in schema}


def _duck_type(kind: pa.DataType) -> str:
    if pa.types.is_date(kind):
        return "DATE"
    return "TIMESTAMP" if pa.types.is_timestamp(kind) else "VARCHAR" if pa.types.is_string(kind) else str(kind).upper()


def _encoding(path: Path, head: bytes) -> str:
    """UTF-8 as ``utf-8``; of a packed file the head alone is weighed, of another the first part that is not ASCII."""
    is_packed = path.name.lower().endswith(".gz")
    if head.isascii() and not is_packed:
        with path.open("rb") as handle:
            while head and head.isascii():
                head = handle.read(_BLOCK)
            head += handle.readline(_SNIFFED)
    try:
        head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_packed:
            raise InputError(
                f"{path} is packed and is not UTF-8. Name its encoding with --encoding, or unpack it, so that it can "
                "be recognised."
            ) from error
        return encodings.detect(path, str(path))
    return "utf-8"


def _decoded(table: Table, wanted: Sequence[str]) -> pa.RecordBatchReader:
    """Rows of text files in another encoding, decoded as they stream by; lines that are none are put aside."""
    table.aside.clear()
    schema = pa.schema([*((c, pa.string()) for c in wanted), ("filename", pa.string())])

    def batches() -> Any:
        for file in table.files:

            def strange(row: Any, name: str = file.name) -> str:
                why = "too many columns" if row.actual_columns > row.expected_columns else "missing columns"
                table.aside.append((name, row.number or 0, f"the line can't be read: {why}"))
                return "skip"

            with open_text(file) as handle:
                reader = pyarrow.csv.open_csv(
                    handle,
                    read_options=pyarrow.csv.ReadOptions(encoding=table.encoding, block_size=_BLOCK, use_threads=False),
                    parse_options=pyarrow.csv.ParseOptions(
                        delimiter=table.delimiter, newlines_in_values=True, invalid_row_handler=strange
                    ),
                    convert_options=pyarrow.csv.ConvertOptions(
                        include_columns=list(wanted),
                        column_types=dict.fromkeys(wanted, pa.string()),
                        strings_can_be_null=True,
                    ),
                )
                for batch in reader:
                    name = pa.array([file.as_posix()] * batch.num_rows, pa.string())
                    yield pa.RecordBatch.from_arrays([*batch.columns, name], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
