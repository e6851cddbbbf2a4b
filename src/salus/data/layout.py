"""Where things lie in a workspace's folder, and what a writer that died may have left there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from salus.data import durable, manifest
from salus.data.manifest import Manifest
from salus.errors import WorkspaceError

LOCK = "writer.lock"
"""File that the one writer holds a lock on."""

PENDING = "import.json"
"""File that names what the import under way may leave behind; there is none otherwise."""

SERIES = "series"
"""Folder of the data files."""

_DATA_PATH = re.compile(rf"{SERIES}/[\w-]+/[\w-]+/[0-9a-f]+\.parquet")
_OWN = {LOCK, PENDING, f"{PENDING}.part", manifest.NAME, f"{manifest.NAME}.part", SERIES}
_LONGEST = 24


def data_path(disease: str, signal: str, import_id: str) -> str:
    """Where the rows of one disease, signal and import lie.

    Parameters
    ----------
    disease, signal : str
        Any text; what a file name can't hold is replaced, and a short hash keeps different names apart.
    import_id : str
        Id of the import.

    Returns
    -------
    str
        Relative to the workspace, with ``/``.

    Examples
    --------
    >>> data_path("influenza", "cases", "0a")
    'series/influenza/cases/0a.parquet'
    >>> data_path("Hand, foot and mouth", "cases", "0a")
    'series/hand_foot_and_mouth-ae9e886e/cases/0a.parquet'
    """
    return f"{SERIES}/{_folder_name(disease)}/{_folder_name(signal)}/{import_id}.parquet"


def present(folder: Path) -> list[str]:
    """Data files that lie in a workspace's folder, whether the manifest names them or not.

    Parameters
    ----------
    folder : Path
        Folder of the workspace; it need not exist.
    """
    return [p.relative_to(folder).as_posix() for p in (folder / SERIES).glob("*/*/*.parquet")]


def announce(folder: Path, paths: Sequence[str]) -> None:
    """Name, before the first of them is written, the files that an import is going to write.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.
    paths : sequence of str
        Relative to it.

    Raises
    ------
    OSError
        The system refused.
    """
    durable.replace(folder / PENDING, json.dumps({"files": list(paths)}).encode())


def pending(folder: Path) -> list[str]:
    """The files that an import under way, or one that was killed, may have left.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.

    Returns
    -------
    list of str
        Relative to the workspace; empty where no import is under way.

    Raises
    ------
    WorkspaceError
        The note can't be understood.
    """
    path = folder / PENDING
    try:
        paths = json.loads(path.read_bytes())["files"]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise _bad_note(path) from error
    if not isinstance(paths, list) or not all(isinstance(p, str) and _DATA_PATH.fullmatch(p) for p in paths):
        raise _bad_note(path)
    return paths


def clean(folder: Path, content: Manifest) -> None:
    """Remove what an import that did not get to its end left; only the holder of the lock may do so.

    Only files that the import had announced are removed, and none that the manifest names.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.
    content : Manifest
        As it is on the disk.

    Raises
    ------
    OSError
        The system refused.
    WorkspaceError
        The note of the import under way can't be understood.
    """
    listed = {f.path for f in content.files}
    for path in pending(folder):
        if path not in listed:
            _remove(folder / path)
            durable.remove_empty((folder / path).parents[k] for k in range(3))  # signal, disease, series
    for name in (PENDING, f"{PENDING}.part", f"{manifest.NAME}.part"):
        _remove(folder / name)


def forget(folder: Path) -> None:
    """Remove the lock where nothing was ever imported; only its holder may do so.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.
    """
    if not (folder / manifest.NAME).exists():
        _remove(folder / LOCK)


def refuse_strange(folder: Path) -> None:
    """Make sure that a folder is a workspace, is empty, or is not there, before anything is written to it.

    Parameters
    ----------
    folder : Path
        Folder that is to be a workspace.

    Raises
    ------
    WorkspaceError
        It holds other things, is a file, or can't be looked into.
    """
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder} is a file, a workspace is a folder. Choose another name; nothing was changed.")
    if not folder.exists() or (folder / manifest.NAME).exists():
        return
    try:
        strange = sorted(p.name for p in folder.iterdir() if p.name not in _OWN)
    except OSError as error:
        raise WorkspaceError(f"can't read {folder}: {error.strerror or error}. Check the permissions.") from error
    if strange:
        raise WorkspaceError(
            f"{folder} is no workspace and holds other files, such as {strange[0]}. "
            f"Choose a new or empty folder; nothing was changed."
        )


def hash_bytes(data: bytes) -> str:
    """Hash of bytes in memory.

    Parameters
    ----------
    data : bytes
        Content of a file.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    return hashlib.sha256(data).hexdigest()


def _remove(path: Path) -> None:
    try:
        os.unlink(path)  # one system call, so that a test can stop here
    except FileNotFoundError:
        return


def _folder_name(name: str) -> str:
    plain = re.sub(r"[^\w-]+", "_", name.casefold()).strip("_")[:_LONGEST]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _bad_note(path: Path) -> WorkspaceError:
    return WorkspaceError(
        f"{path} is damaged: it should name the files of an import that was under way. Remove this one file; files "
        f"that the manifest does not name are never read."
    )
