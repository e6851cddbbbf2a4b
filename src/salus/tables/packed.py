"""Compressed files: one gzip stream, or a zip archive of one file, unpacked with a guard against bombs."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

from salus.errors import InputError

MAX_BYTES = 8 * 2**30
"""Bytes to which one file may unpack."""

MAX_RATIO = 250
"""Times by which a file may grow when it is unpacked; honest tables stay far below."""

FREE_BYTES = 64 * 2**20
"""Bytes below which the ratio is not looked at: small files of one repeated row are no danger."""

_CHUNK = 2**20
_ENCRYPTED = 0x1


def unpack_gzip(path: Path, into: Path, label: str) -> Path:
    """Unpack a gzip file.

    Parameters
    ----------
    path : Path
        The file.
    into : Path
        Folder for the result.
    label : str
        What messages call the file.

    Returns
    -------
    Path
        The unpacked file, named as the original without ``.gz``.

    Raises
    ------
    InputError
        Damaged, or it grows beyond all measure.
    """
    name = Path(label).name
    target = into / (name[:-3] if name.lower().endswith(".gz") else name + ".out")
    try:
        with gzip.open(path, "rb") as source:
            _copy(cast(IO[bytes], source), target, path.stat().st_size, label)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{label} is a damaged gzip file, or a part of one. Get a whole copy of it.") from error
    return target


def unpack_zip(path: Path, into: Path, label: str) -> Path:
    """Unpack the one file of a zip archive.

    Parameters
    ----------
    path : Path
        The archive.
    into : Path
        Folder for the result.
    label : str
        What messages call the archive.

    Returns
    -------
    Path
        The unpacked file, under its own name.

    Raises
    ------
    InputError
        Damaged, protected by a password, empty, of several files, or a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _housekeeping(m.filename)]
            if len(members) != 1:
                names = ", ".join(m.filename for m in members[:5]) or "none"
                raise InputError(
                    f"{label} is a zip archive of {len(members)} files ({names}); one was wanted. "
                    "Unpack it and give the file that is meant."
                )
            member = members[0]
            if member.flag_bits & _ENCRYPTED:
                raise InputError(f"{label} is protected by a password. Unpack it first.")
            target = into / (Path(member.filename).name or "table")
            with archive.open(member) as source:
                _copy(source, target, max(member.compress_size, 1), label)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise InputError(f"{label} is a damaged or unknown kind of zip archive. Get a whole copy of it.") from error
    return target


def guard_workbook(path: Path, label: str) -> None:
    """Refuse an Excel workbook (a zip archive of XML) that is damaged or would unpack beyond measure.

    Parameters
    ----------
    path : Path
        The workbook.
    label : str
        What messages call it.

    Raises
    ------
    InputError
        Damaged, protected, or a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as part:
                    _drain(part, max(member.compress_size, 1), label)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{label} is a damaged or incomplete Excel file. Get a whole copy of it, or save it anew."
        ) from error


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is an Excel workbook.

    Parameters
    ----------
    path : Path
        The file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def guard(written: int, packed: int, label: str, max_bytes: int | None) -> None:
    """Refuse what unpacks beyond all measure.

    Parameters
    ----------
    written, packed : int
        Bytes so far unpacked, and bytes of the packed file.
    label : str
        What messages call the file.
    max_bytes : int or None
        Bytes to which it may unpack; None where nothing is kept of it but a stream.

    Raises
    ------
    InputError
        It looks like a bomb.
    """
    too_large = max_bytes is not None and written > max_bytes
    if too_large or (written > FREE_BYTES and written > MAX_RATIO * packed):
        raise InputError(
            f"{label} unpacks to more than {written // 2**20:,} MB from {max(packed // 1024, 1):,} kB: "
            "it looks like a zip bomb and was not read. If it is honest, unpack it yourself and give the file."
        )


def _housekeeping(name: str) -> bool:
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".")


def _copy(source: IO[bytes], target: Path, packed: int, label: str) -> None:
    written = 0
    with target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            guard(written, packed, label, MAX_BYTES)
            out.write(chunk)


def _drain(source: IO[bytes], packed: int, label: str) -> None:
    read = 0
    while chunk := source.read(_CHUNK):
        read += len(chunk)
        guard(read, packed, label, MAX_BYTES)
