"""What a source of case records hands to the wall: rows of listed fields, raw, straight from the caller's files.

Nothing here is written to disk. A source gives one question in SQL; the wall (`salus.privacy.deidentify`) asks it once
and takes the rows as they stream by. A field that is not in :data:`FIELDS` is never selected, so it never enters.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from salus.errors import InputError
from salus.tables import encodings

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
    """

    files: tuple[Path, ...]
    fields: dict[str, str]
    delimiter: str | None = None
    encoding: str = "utf-8"


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
        Sorted, each once.

    Raises
    ------
    InputError
        A path is not there, or a folder holds no such file.
    """
    found: set[Path] = set()
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = [f for f in path.iterdir() if f.is_file() and f.name.lower().endswith(tuple(endings))]
            if not inside:
                raise InputError(
                    f"the folder {path} holds no file that ends in {' or '.join(endings)}. Name the files themselves."
                )
            found.update(inside)
        elif path.is_file():
            found.add(path)
        else:
            raise InputError(f"there is no file {path}. Check the name and the folder.")
    if not found:
        raise InputError("no file was given. Name at least one file or folder.")
    return tuple(sorted(found))


def inspect(path: Path) -> Table:
    """Columns, delimiter and encoding of one CSV or Parquet file, from its first bytes.

    Parameters
    ----------
    path : Path
        File ending in ``.parquet``, or text with a header line (``.gz`` allowed).

    Raises
    ------
    InputError
        The file is empty, unreadable, or not a table.
    """
    if path.name.lower().endswith((".parquet", ".pq")):
        try:
            schema = pyarrow.parquet.read_schema(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} is not a readable Parquet file: {error}. Export it again.") from error
        return Table((path,), {field.name: _duck_type(field.type) for field in schema})
    try:
        with open_text(path) as handle:
            head = handle.read(_SNIFFED)
    except (OSError, EOFError) as error:
        raise InputError(f"can't read {path}: {error}. Check the file and its permissions.") from error
    if not head.strip():
        raise InputError(f"{path} is empty. Give a file with a header line and at least one row.")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is not a text file (it holds zero bytes). Export it as CSV or Parquet.")
    encoding = _encoding(path, head)
    line = head.decode(encoding, errors="replace").lstrip("﻿").splitlines()[0]
    delimiter = max(",;\t|", key=line.count)
    names = [n.strip().strip('"') for n in line.split(delimiter)]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise InputError(f"{path} has two columns called '{sorted(twice)[0]}'. Give each column its own name.")
    return Table((path,), dict.fromkeys(names, "VARCHAR"), delimiter, encoding)


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


def rejected(connection: Any, name: str) -> list[tuple[str, int, str]]:
    """Lines of a text file that are no rows of its table, after the scan.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which the scan ran.
    name : str
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
        return []
    rows = connection.execute(
        f"SELECT s.file_path, e.line, lower(min(e.error_type::VARCHAR)) FROM {quoted_name(name + '_rejects')} e "
        f"JOIN {quoted_name(name + '_reject_scans')} s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [(Path(file).name, int(line), f"the line can't be read: {error}") for file, line, error in rows]


def date_sql(column: str, kind: str) -> str:
    """SQL of a date from a column of dates, times or text (ISO, ``2024/1/2``, ``20240102``, ``2024年1月2日``).

    Day-first and month-first forms are not guessed: they give null, so that the row is set aside.

    Parameters
    ----------
    column : str
        SQL of the column.
    kind : str
        Its DuckDB type.
    """
    if kind == "DATE":
        return column
    if kind.startswith("TIMESTAMP"):
        return f"CAST({column} AS DATE)"
    text = f"CAST({column} AS VARCHAR)"
    forms = "['%Y%m%d', '%Y年%m月%d日', '%Y.%m.%d']"
    return f"coalesce(TRY_CAST({text} AS DATE), CAST(try_strptime(trim({text}), {forms}) AS DATE))"


def unreadable_sql(column: str, date: str, what: str) -> str:
    """SQL of the fault of a row whose date is there but can't be read; null where all is well.

    Parameters
    ----------
    column, date : str
        SQL of the column as it is, and of the date made of it.
    what : str
        What the date is, for the message.
    """
    return f"CASE WHEN {date} IS NULL AND trim(CAST({column} AS VARCHAR)) <> '' THEN {quoted('unreadable ' + what)} END"


def words_sql(column: str, words: Mapping[str, Sequence[str]]) -> str:
    """SQL that turns a source's words into the contract's; null where a word is not known.

    Parameters
    ----------
    column : str
        SQL of the column.
    words : mapping of str to sequence of str
        Contract's word -> the source's, in lower case.
    """
    cases = " ".join(
        f"WHEN lower(trim(CAST({column} AS VARCHAR))) IN ({', '.join(quoted(w) for w in known)}) THEN {quoted(word)}"
        for word, known in words.items()
    )
    return f"CASE {cases} END"


def quoted(text: str) -> str:
    """A text as a literal of SQL.

    Parameters
    ----------
    text : str
        Any text.
    """
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A name as an identifier of SQL.

    Parameters
    ----------
    name : str
        Any name.
    """
    return '"' + name.replace('"', '""') + '"'


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


def _duck_type(kind: pa.DataType) -> str:
    if pa.types.is_date(kind):
        return "DATE"
    return "TIMESTAMP" if pa.types.is_timestamp(kind) else "VARCHAR" if pa.types.is_string(kind) else str(kind).upper()


def _encoding(path: Path, head: bytes) -> str:
    """UTF-8 as ``utf-8``; a packed file is taken for UTF-8, since only whole files can be weighed."""
    try:
        head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if path.name.lower().endswith(".gz"):
            raise InputError(
                f"{path} is packed and is not UTF-8. Unpack it, so that its encoding can be recognised."
            ) from error
        return encodings.detect(path, str(path))
    return "utf-8"


def _decoded(table: Table, wanted: Sequence[str]) -> pa.RecordBatchReader:
    """Rows of text files in another encoding, decoded as they stream by."""
    schema = pa.schema([*((c, pa.string()) for c in wanted), ("filename", pa.string())])

    def batches() -> Any:
        for file in table.files:
            with open_text(file) as handle:
                reader = pyarrow.csv.open_csv(
                    handle,
                    read_options=pyarrow.csv.ReadOptions(encoding=table.encoding),
                    parse_options=pyarrow.csv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True),
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
