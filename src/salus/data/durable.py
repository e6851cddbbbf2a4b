"""Bytes that are on the disk when the call returns, and files that change in one step.

Every step is one system call, so that a test can stop a process at each of them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CHUNK = 1 << 20
_BINARY = getattr(os, "O_BINARY", 0)


def write(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk.

    Parameters
    ----------
    path : Path
        File to write; its old content is lost.
    data : bytes
        Whole content.

    Raises
    ------
    OSError
        The system refused; the file may be there in part.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest[:_CHUNK]) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(path: Path, data: bytes) -> None:
    """Put new content in the place of a file in one step: a reader sees the old or the new, never a mixture.

    Only one process at a time may do so for one path.

    Parameters
    ----------
    path : Path
        File to replace; it need not exist.
    data : bytes
        Whole content.

    Raises
    ------
    OSError
        The system refused; the file is as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace(Path(folder) / "a.txt", b"one")
    ...     replace(Path(folder) / "a.txt", b"two")
    ...     (Path(folder) / "a.txt").read_text()
    'two'
    """
    part = path.with_name(path.name + ".part")
    write(part, data)
    os.replace(part, path)  # one system call, so that a test can stop here
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, each on the disk before the next.

    Parameters
    ----------
    path : Path
        Folder to make; it may exist.

    Raises
    ------
    OSError
        The system refused.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        os.mkdir(path)  # one system call, so that a test can stop here
    except FileExistsError as error:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error
    sync_folder(path.parent)


def missing_folders(path: Path) -> list[Path]:
    """Folders on the way to a path that are not there yet.

    Parameters
    ----------
    path : Path
        File or folder to be made.

    Returns
    -------
    list of Path
        The innermost first; for :func:`remove_empty`, if the path is not made after all.
    """
    return [p for p in path.parents if not p.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders up to the first that holds something or can't be removed.

    Parameters
    ----------
    folders : iterable of Path
        The innermost first.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "a" / "b" / "c.txt"
    ...     new = missing_folders(target)
    ...     make_folder(target.parent)
    ...     remove_empty(new)
    ...     [p.name for p in new], list(Path(folder).iterdir())
    (['b', 'a'], [])
    """
    with suppress(OSError):
        for folder in folders:
            os.rmdir(folder)  # one system call, so that a test can stop here


def sync_file(path: Path) -> None:
    """Wait until a file that something else wrote is on the disk.

    Parameters
    ----------
    path : Path
        An existing file.
    """
    handle = os.open(path, os.O_RDWR | _BINARY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Wait until a folder's list of names is on the disk; Windows does so by itself.

    Parameters
    ----------
    path : Path
        An existing folder.
    """
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
