"""Results appear whole or not at all: files and folders that replace their predecessor in one step."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salus.errors import OutputError

_REASONS = {
    errno.EACCES: "there is no permission to write there; choose another place or ask for the permission",
    errno.EPERM: "there is no permission to write there; choose another place or ask for the permission",
    errno.EROFS: "the disk is read-only; choose another place",
    errno.ENOSPC: "the disk is full; make room and run the same command again",
    errno.EDQUOT: "the disk quota is used up; make room and run the same command again",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another place",
    errno.EISDIR: "it is a folder, a file was wanted; give a file name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def output_error(path: str | Path, error: OSError) -> OutputError:
    """The sentence for an output that could not be written.

    Parameters
    ----------
    path : str or Path
        Where it was to be written.
    error : OSError
        What the system said.

    Returns
    -------
    OutputError
        To be raised from ``error``.
    """
    reason = _REASONS.get(error.errno or 0, f"the system says: {error.strerror or error}")
    return OutputError(f"can't write {path}: {reason}. Nothing there was changed.")


@contextmanager
def replaced_file(path: str | Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends well.

    Parameters
    ----------
    path : str or Path
        The file to be written.

    Yields
    ------
    Path
        Temporary file to write to; removed when the block raises.

    Raises
    ------
    OutputError
        The place can't be written; what was there stays as it was.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        if temporary is not None and temporary.exists():
            temporary.unlink()


@contextmanager
def replaced_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its place when the block ends well.

    A folder that Salus did not write (no ``run.json`` in it, and not empty) is never replaced.

    Parameters
    ----------
    path : str or Path
        The folder to be written.

    Yields
    ------
    Path
        Temporary folder to write to; removed when the block raises.

    Raises
    ------
    OutputError
        The place can't be written, or holds a folder of somebody else's; what was there stays as it was.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        if path.exists() and not path.is_dir():
            raise OutputError(f"can't write {path}: it is a file, a folder was wanted. Choose another name.")
        if path.is_dir() and any(path.iterdir()) and not (path / "run.json").exists():
            raise OutputError(
                f"can't write {path}: it holds files that Salus did not write. Choose a new or empty folder; nothing was changed."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=".part", dir=path.parent))
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush(file)
        old = None
        if path.exists():
            old = path.with_name(f".{path.name}.{os.getpid()}.old")
            path.rename(old)
        temporary.rename(path)
        if old is not None:
            shutil.rmtree(old)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        if temporary is not None and temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
