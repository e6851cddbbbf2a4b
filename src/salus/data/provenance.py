"""Where a result comes from: hashes of its inputs, the command, the versions, and an id made of them.

Nothing here tells who ran it or on which machine: no user name, no host name, no folder outside the working folder.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from salus.errors import InputError

ID_LENGTH = 16
"""Hexadecimal digits of a run id or import id."""


@dataclass(frozen=True)
class InputFile:
    """A file that a result was made from.

    Attributes
    ----------
    name : str
        File name without its folder.
    sha256 : str
        Hash of its bytes, 64 hexadecimal digits.
    bytes : int
        Its size.
    """

    name: str
    sha256: str
    bytes: int


def hash_file(path: str | Path) -> InputFile:
    """Hash of a file, read in pieces, so that its size does not matter.

    Parameters
    ----------
    path : str or Path
        File to hash.

    Returns
    -------
    InputFile
        Name, hash and size.

    Raises
    ------
    InputError
        The file is not there, is a folder, can't be read, or was changed while it was read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_bytes(b"abc")
    ...     hash_file(Path(folder) / "a.csv").sha256[:8]
    'ba7816bf'
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            before = os.fstat(handle.fileno())
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
            after = os.fstat(handle.fileno())
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}. Check the name and the folder.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, a file was wanted. Give one file in it.") from error
    except PermissionError as error:
        raise InputError(f"there is no permission to read {path}. Ask for it, or copy the file.") from error
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}. Check the permissions.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{path} was changed while it was read. Wait until it is complete, then try again.")
    return InputFile(path.name, digest, after.st_size)


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: keys sorted, no blanks, dates as ISO, paths by their file name.

    Parameters
    ----------
    value : Any
        Built of mappings, sequences, text, numbers, booleans, None, dates and paths.

    Raises
    ------
    TypeError
        The value holds something else.

    Examples
    --------
    >>> canonical({"b": dt.date(2024, 1, 1), "a": 1})
    b'{"a":1,"b":"2024-01-01"}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def short_id(value: Any) -> str:
    """An id that is the same for the same value on every machine.

    Parameters
    ----------
    value : Any
        As :func:`canonical` takes it.

    Returns
    -------
    str
        :data:`ID_LENGTH` hexadecimal digits.

    Examples
    --------
    >>> short_id({"a": 1, "b": 2}) == short_id({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(value)).hexdigest()[:ID_LENGTH]


def versions() -> dict[str, str]:
    """Versions of Salus, Python and the libraries that Salus needs, by name.

    Returns
    -------
    dict of str to str
        ``salus``, ``python``, then the distributions that the package metadata names, sorted.

    Examples
    --------
    >>> sorted({"salus", "python", "polars"} & set(versions()))
    ['polars', 'python', 'salus']
    """
    needed = [text for text in requires("salus") or () if "extra ==" not in text]
    libraries = sorted(re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in needed)
    return {"salus": version("salus"), "python": platform.python_version()} | {n: _version(n) for n in libraries}


def command_line(arguments: Sequence[str] | None = None) -> str:
    """The command as it can be shown to anybody: folders outside the working folder are left out.

    Parameters
    ----------
    arguments : sequence of str, optional
        As ``sys.argv``, which is the default.

    Returns
    -------
    str
        Arguments, those with blanks in quotes.

    Examples
    --------
    >>> command_line(["/home/somebody/bin/salus", "run", "/home/somebody/my data.csv", "--out=/srv/x/out"])
    'salus run "my data.csv" --out=out'
    """
    shown = [_shown(a) for a in (sys.argv if arguments is None else arguments)]
    return " ".join(f'"{a}"' if any(c.isspace() for c in a) or not a else a for a in shown)


def run_id(inputs: Iterable[InputFile], command: str, options: Mapping[str, Any], libraries: Mapping[str, str]) -> str:
    """Id of a run: the same inputs, command, options and versions give the same id, at any time and place.

    Parameters
    ----------
    inputs : iterable of InputFile
        In any order; only their hashes count, not their names.
    command : str
        Name of the command, such as ``run``.
    options : mapping of str to Any
        What was asked for; must hold nothing that differs by machine or time.
    libraries : mapping of str to str
        As :func:`versions` gives them.

    Returns
    -------
    str
        :data:`ID_LENGTH` hexadecimal digits.
    """
    hashes = sorted(i.sha256 for i in inputs)
    return short_id({"inputs": hashes, "command": command, "options": dict(options), "versions": dict(libraries)})


def run_record(
    command: str,
    inputs: Sequence[str | Path | InputFile],
    options: Mapping[str, Any],
    *,
    seed: int | None = None,
    started: dt.datetime | None = None,
    finished: dt.datetime | None = None,
    typed: str | None = None,
) -> dict[str, Any]:
    """What `run.json` holds.

    Parameters
    ----------
    command : str
        Name of the command, such as ``run``.
    inputs : sequence of path or InputFile
        Files that the result was made from; paths are hashed here.
    options : mapping of str to Any
        What was asked for, defaults filled in; without the output folder.
    seed : int, optional
        Seed of the random numbers, where there are any; part of the id.
    started, finished : datetime.datetime, optional
        With a time zone; now where they are left out. Not part of the id.
    typed : str, optional
        The command as it was typed, made fit to be shown by :func:`command_line`.

    Returns
    -------
    dict
        ``run_id``, ``command``, ``typed``, ``options``, ``seed``, ``inputs`` (name, sha256, bytes), ``versions``,
        ``platform``, ``started_utc``, ``finished_utc``; ready for `json.dump`.

    Raises
    ------
    InputError
        An input can't be read.
    ValueError
        A time has no time zone.

    Examples
    --------
    >>> source = InputFile("cases.csv", "0" * 64, 12)
    >>> one = run_record("run", [source], {"disease": "Influenza"}, seed=1)
    >>> two = run_record("run", [source], {"disease": "Influenza"}, seed=1)
    >>> one["run_id"] == two["run_id"], one["inputs"][0]["name"]
    (True, 'cases.csv')
    """
    files = [i if isinstance(i, InputFile) else hash_file(i) for i in inputs]
    found = versions()
    plain = json.loads(canonical(dict(options)))
    return {
        "run_id": run_id(files, command, {"options": plain, "seed": seed}, found),
        "command": command,
        "typed": typed,
        "options": plain,
        "seed": seed,
        "inputs": [{"name": f.name, "sha256": f.sha256, "bytes": f.bytes} for f in files],
        "versions": found,
        "platform": f"{platform.system()} {platform.machine()}",
        "started_utc": utc_text(started),
        "finished_utc": utc_text(finished),
    }


def utc_text(moment: dt.datetime | None = None) -> str:
    """A moment in UTC, to the second, such as ``2026-01-31T08:00:00Z``.

    Parameters
    ----------
    moment : datetime.datetime, optional
        With a time zone; now where it is left out.

    Raises
    ------
    ValueError
        The moment has no time zone.

    Examples
    --------
    >>> utc_text(dt.datetime(2026, 1, 31, 16, tzinfo=dt.timezone(dt.timedelta(hours=8))))
    '2026-01-31T08:00:00Z'
    """
    if moment is None:
        moment = dt.datetime.now(dt.UTC)
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; give one")
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Path):
        return value.name
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a run record")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _shown(argument: str) -> str:
    option, sign, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    path = Path(value)
    if path.is_absolute():
        here = Path.cwd()
        inside = path.is_relative_to(here) and here != Path(here.anchor)
        value = path.relative_to(here).as_posix() if inside else (path.name or value)
    return option + sign + value
