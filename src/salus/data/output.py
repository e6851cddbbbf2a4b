"""Results appear whole or not at all: files and folders that replace their predecessor in one step."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
from polars.exceptions import PolarsError

from salus.data import durable
from salus.errors import OutputError

_REASONS = {
    errno.EACCES: "there is no permission to write there; choose another place or ask for the permission",
    errno.EPERM: "there is no permission to write there; choose another place or ask for the permission",
    errno.EROFS: "the disk is read-only; choose another place",
    errno.ENOSPC: "the disk is full; make room and run the same command again",
    errno.EDQUOT: "the disk quota is used up; make room and run the same command again",
    errno.EFBIG: "the file would be larger than is allowed there; choose another place",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another place",
    errno.EISDIR: "it is a folder, a file was wanted; give a file name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EBUSY: "the system keeps it busy, as it does with a mounted folder; give a folder inside it",
}
_SYSTEM_CODE = re.compile(r"\(os error (\d+)\)")
_STALE_SECONDS = 24 * 3600.0


def output_error(
    path: str | Path, error: OSError | PolarsError, state: str = "Nothing there was changed"
) -> OutputError:
    """The sentence for an output that could not be written.

    Parameters
    ----------
    path : str or Path
        Where it was to be written.
    error : OSError or PolarsError
        What the system said; Polars passes it on as text.
    state : str
        What is there now, as the sentence that ends the message.

    Returns
    -------
    OutputError
        To be raised from ``error``.

    Examples
    --------
    >>> str(output_error("out.csv", OSError(errno.ENOSPC, "No space left on device")))
    "can't write out.csv: the disk is full; make room and run the same command again. Nothing there was changed."
    """
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = _REASONS.get(_code(error), f"the system says: {said}")
    return OutputError(f"can't write {path}: {reason}. {state}.")


def check_place(
    path: str | Path, inputs: Iterable[Any] = (), *, folder: bool = False, shown: str | Path | None = None
) -> None:
    """Refuse at once what :func:`replaced_file` or :func:`replaced_folder` would refuse after hours of work.

    Parameters
    ----------
    path : str or Path
        The file or folder to be written later; nothing is left there now.
    inputs : iterable of path or frame
        What the result is made from; it is never replaced.
    folder : bool
        Whether it is to be a folder.
    shown : str or Path, optional
        What messages call it; the path when left out.

    Raises
    ------
    OutputError
        It is a folder where a file is wanted or the other way round, holds somebody else's files, or can't be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_place(Path(folder) / "new" / "out.parquet")
    ...     list(Path(folder).iterdir())
    []
    """
    target = _real(path)
    if target in {_real(item) for item in inputs if isinstance(item, str | Path)}:
        raise OutputError(f"can't write {path}: it is the input itself. Choose another name.")
    try:
        if folder:
            _refuse_file(target, path)
            _refuse_strange(target, path)
        elif target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        nearest = next(p for p in target.parents if p.exists())
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise output_error(shown or path, error) from error


@contextmanager
def replaced_file(path: str | Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends well.

    Parameters
    ----------
    path : str or Path
        The file to be written; folders on the way are made.

    Yields
    ------
    Path
        Temporary file to write to; removed when the block raises. A process that is killed leaves it, hidden, and a
        later one removes it when it is a day old.

    Raises
    ------
    OutputError
        The place can't be written; what was there stays as it was.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replaced_file(Path(folder) / "a.txt") as file:
    ...         _ = file.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    target = _real(path)
    temporary: Path | None = None
    new = durable.missing_folders(target)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        durable.make_folder(target.parent)
        prefix = _beside(target, "").name
        for left in target.parent.iterdir():
            if left.name.startswith(prefix) and left.suffix == ".part" and _age(left) > _STALE_SECONDS:
                left.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        durable.sync_file(temporary)
        temporary.replace(target)
        durable.sync_folder(target.parent)
    except (OSError, PolarsError) as error:
        if not _about_output(error, target):
            raise
        raise output_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        durable.remove_empty(new)


@contextmanager
def replaced_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its place when the block ends well.

    A folder that Salus did not write (no ``run.json`` in it, and not empty) is never replaced. A process that is killed
    between the two renames leaves the old folder beside its place; the next one puts it back first.

    Parameters
    ----------
    path : str or Path
        The folder to be written; folders on the way are made.

    Yields
    ------
    Path
        Temporary folder to write to; removed when the block raises.

    Raises
    ------
    OutputError
        The place can't be written, another run is writing it, or it holds a folder of somebody else's; what was there
        stays as it was.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replaced_folder(Path(folder) / "out") as out:
    ...         _ = (out / "run.json").write_text("{}")
    ...     sorted(p.name for p in Path(folder).rglob("*"))
    ['out', 'run.json']
    """
    target = _real(path)
    part, old = _beside(target, "part"), _beside(target, "old")
    new = durable.missing_folders(target)
    try:
        with _only_writer(target, path):
            _recover(target, part, old)
            _refuse_strange(target, path)
            try:
                part.mkdir()
                yield part
                _sync_tree(part)
                _swap(target, part, old)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except (OSError, PolarsError) as error:
        if not _about_output(error, target):
            raise
        raise output_error(path, error) from error
    finally:
        durable.remove_empty(new)


@contextmanager
def _only_writer(target: Path, shown: str | Path) -> Iterator[None]:
    _refuse_file(target, shown)
    durable.make_folder(target.parent)
    lock = filelock.FileLock(_beside(target, "lock"), timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise OutputError(
            f"can't write {shown}: another run is writing it now. Wait for its end, or choose another folder."
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # where the system forbids to remove an open file, it stays, empty and hidden
            _beside(target, "lock").unlink()
        lock.release()


def _recover(target: Path, part: Path, old: Path) -> None:
    """Undo what a run that was killed left; the lock is held, so nobody else is at work here."""
    if old.exists() and not target.exists():
        old.rename(target)
    for left in (old, part):
        if left.exists():
            shutil.rmtree(left)


def _refuse_file(target: Path, shown: str | Path) -> None:
    if target.exists() and not target.is_dir():
        raise OutputError(f"can't write {shown}: it is a file, a folder was wanted. Choose another name.")


def _refuse_strange(target: Path, shown: str | Path) -> None:
    if target.is_dir() and any(target.iterdir()) and not (target / "run.json").exists():
        raise OutputError(
            f"can't write {shown}: it holds files that Salus did not write. "
            f"Choose a new or empty folder; nothing was changed."
        )


def _swap(target: Path, part: Path, old: Path) -> None:
    if not target.exists():
        part.rename(target)
        durable.sync_folder(target.parent)
        return
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    durable.sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)  # what can't be removed now, the next run removes


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            durable.sync_folder(path)
        elif path.is_file():
            durable.sync_file(path)
    durable.sync_folder(folder)


def _beside(target: Path, suffix: str) -> Path:
    """Hidden neighbour of a file or folder; a long name is cut, and a hash keeps it apart from others."""
    name = target.name
    if len(name.encode()) > 150:
        name = f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return target.with_name(f".{name}.{suffix}")


def _real(path: str | Path) -> Path:
    return Path(os.path.realpath(path))


def _code(error: OSError | PolarsError) -> int:
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _SYSTEM_CODE.search(str(error))
    return int(found[1]) if found else 0


def _about_output(error: OSError | PolarsError, target: Path) -> bool:
    """Whether an error that rose inside the block is about the output, and not about some file that was read there."""
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        named = Path(os.path.realpath(os.fsdecode(error.filename)))
        hidden = _beside(target, "").name
        inside = [p.name for p in (named, *named.parents) if p.parent == target.parent]
        return target.is_relative_to(named) or any(n.startswith(hidden) or n == target.name for n in inside)
    return _code(error) in _REASONS


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
