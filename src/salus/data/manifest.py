"""The manifest of a workspace: which files hold its rows, with their hashes, and which imports they came from.

A file that the manifest does not name is not part of the workspace. The manifest changes in one step, so that a
workspace is always as it was before an import, or as it is after it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salus.data import durable
from salus.data.provenance import canonical
from salus.errors import WorkspaceError

NAME = "manifest.json"
"""File name of the manifest."""

FORMAT = "salus-workspace"
VERSION = 1
"""Newest format that this version of Salus reads and writes."""


@dataclass(frozen=True)
class Import:
    """One import: which file, when, and how it was read.

    Attributes
    ----------
    id : str
        Made of the source file's hash and of how it was read; the same import has the same id.
    source : str
        Name of the source file, without its folder.
    sha256 : str
        Hash of the source file.
    bytes : int
        Its size.
    imported_at : str
        Moment of the import, UTC.
    imported_on : datetime.date
        Day of the import by the clock of the machine.
    as_of : datetime.date or None
        Day with which the caller stamped all rows; None where the file says it itself or nothing is known.
    rows : int
        Rows that the import brought.
    mapping : dict of str to str
        Column of the file -> column of the contract.
    filters : dict of str to str
        Which part of the file was imported: ``disease``, ``signal``; empty for all of it.
    profile : str or None
        Name of the saved mapping profile.
    command : str or None
        The command, as `salus.data.provenance.command_line` shows it.
    salus : str
        Version of Salus.
    """

    id: str
    source: str
    sha256: str
    bytes: int
    imported_at: str
    imported_on: dt.date
    as_of: dt.date | None
    rows: int
    mapping: dict[str, str] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)
    profile: str | None = None
    command: str | None = None
    salus: str = ""


@dataclass(frozen=True)
class DataFile:
    """One Parquet file: rows of one disease and signal from one import. It is written once and never changed.

    Attributes
    ----------
    path : str
        Relative to the workspace, with ``/``.
    sha256 : str
        Hash of its bytes.
    bytes : int
        Its size.
    rows : int
        Rows in it.
    disease, signal : str
        What its rows are about.
    first, last : datetime.date
        First days of its earliest and latest period.
    import_id : str
        The import that wrote it.
    """

    path: str
    sha256: str
    bytes: int
    rows: int
    disease: str
    signal: str
    first: dt.date
    last: dt.date
    import_id: str


@dataclass(frozen=True)
class Manifest:
    """Everything that a workspace holds.

    Attributes
    ----------
    imports : tuple of Import
        In the order in which they were made.
    files : tuple of DataFile
        In the order in which they were written.
    """

    imports: tuple[Import, ...] = ()
    files: tuple[DataFile, ...] = ()

    def find(self, import_id: str) -> Import | None:
        """The import with an id, or None.

        Parameters
        ----------
        import_id : str
            Id to look for.
        """
        return next((i for i in self.imports if i.id == import_id), None)

    def plus(self, made: Import, files: Sequence[DataFile]) -> Manifest:
        """The manifest after one more import; nothing that is there is ever taken out.

        Parameters
        ----------
        made : Import
            The import.
        files : sequence of DataFile
            What it wrote.
        """
        return Manifest((*self.imports, made), (*self.files, *files))


def save(manifest: Manifest, folder: Path) -> None:
    """Put a manifest in the place of the workspace's, in one step and on the disk.

    Parameters
    ----------
    manifest : Manifest
        To be written.
    folder : Path
        Folder of the workspace.

    Raises
    ------
    OSError
        The system refused; the old manifest stands, unless only the last wait for the disk failed.
    """
    content = json.loads(canonical(dataclasses.asdict(manifest)))
    body = {"format": FORMAT, "version": VERSION, "content_sha256": _seal(content)} | content
    durable.replace(folder / NAME, json.dumps(body, indent=1, ensure_ascii=False).encode())


def load(folder: Path) -> Manifest | None:
    """The manifest of a workspace.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.

    Returns
    -------
    Manifest or None
        None where there is no manifest.

    Raises
    ------
    WorkspaceError
        The manifest is damaged, of a newer format, or can't be read.
    """
    path = folder / NAME
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WorkspaceError(f"can't read {path}: {error.strerror or error}. Check the permissions.") from error
    try:
        body = json.loads(text)
    except ValueError as error:
        raise _damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT or not isinstance(body.get("version"), int):
        raise _damaged(path, f"it does not say that it is a {FORMAT} manifest and of which version")
    if body["version"] > VERSION:
        raise WorkspaceError(
            f"{path} is of format {body['version']}, written by a newer Salus; this one reads up to format {VERSION}. "
            f"Update Salus; nothing was changed."
        )
    content = {name: body.get(name) for name in ("imports", "files")}
    if body.get("content_sha256") != _seal(content):
        raise _damaged(path, "its content does not match its own checksum")
    try:
        return Manifest(
            tuple(Import(**_dates(row, "imported_on", "as_of")) for row in content["imports"] or ()),
            tuple(DataFile(**_dates(row, "first", "last")) for row in content["files"] or ()),
        )
    except (TypeError, ValueError, KeyError) as error:
        raise _damaged(path, f"an entry can't be understood ({error})") from error


def _seal(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def _dates(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return row | {name: None if row[name] is None else dt.date.fromisoformat(row[name]) for name in names}


def _damaged(path: Path, why: str) -> WorkspaceError:
    return WorkspaceError(
        f"{path} is damaged: {why}. Put back a copy of this one file from a backup, or import the source files into a "
        f"new workspace; the data files were not touched."
    )
