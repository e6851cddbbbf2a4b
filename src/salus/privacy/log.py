"""The log of a wall: who did what inside, when and why; appended to, never changed.

Each line holds the hash of the line before, keyed with the department's key (HMAC-SHA256), so nobody without the key
can write, change, move or take out a line unseen. The last number and hash stand in a file beside it, keyed too, and in
the wall's list as of its last change; and each certificate holds the hash of the line of its release. So a log that is
cut back misses what is known elsewhere. An old copy of the whole wall can't be told from inside: for that the last hash
must be noted elsewhere.
"""

from __future__ import annotations

import getpass
import hmac
import json
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from salus.data import durable, provenance
from salus.data.output import output_error
from salus.errors import InputError, OutputError, SalusError, WorkspaceError
from salus.privacy import ledger, ring, traces
from salus.privacy.keys import Key, Uses
from salus.privacy.zones import Zones

NAME, HEAD = traces.LOG, traces.HEAD
"""The log and the file with its last number and hash, in the vault."""

_START = "0" * 64
_KEYED = b'"end": "keyed"'  # no text in a line has these bytes, for quotes within one are escaped
_LIST_WRITTEN = ("ingested", "released", "shared", "rotated")
_UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Entry:
    """One act.

    Attributes
    ----------
    number : int
        1, 2, 3 ...
    when : str
        In UTC, as the computer's clock had it.
    who : str
        Login name.
    what : str
        ``ingest`` (begun), ``ingested``, ``release``, ``released``, ``refused``, ``share``, ``shared``, ``combine``,
        ``rotate``, ``rotated``, ``attack`` ...
    why : str
        Reason given; may be empty.
    details : dict
        Such as ids; ``clock_went_back`` where the line before is dated later; ``end`` in the first line since which
        the last number and hash have a key; ``end_before`` where they were found to be others than the log's.
    previous : str
        Hash of the line before.
    hash : str
        Keyed hash of all of the above.
    """

    number: int
    when: str
    who: str
    what: str
    why: str
    details: dict[str, Any]
    previous: str
    hash: str

    def line(self) -> str:
        """The entry in words, one line; characters that would steer a terminal are shown as their codes."""
        more = "".join(f", {k.replace('_', ' ')} {v}" for k, v in self.details.items())
        said = f"{self.number}  {self.when}  {self.who}  {self.what}{more}: {self.why or 'no reason given'}"
        return "".join(_code(c) if unicodedata.category(c) in _UNSHOWN else c for c in said)


def append(wall: Zones, key: Key, what: str, *, why: str, **details: Any) -> Entry:
    """Write one line; the caller holds the wall's lock.

    Parameters
    ----------
    wall : Zones
        The wall, locked.
    key : Key
        The wall's key.
    what : str
        The act.
    why : str
        Reason given.
    **details
        What else is to be known of it; no exact counts, no persons.

    Returns
    -------
    Entry
        On the disk when this returns.

    Raises
    ------
    WorkspaceError
        The log is damaged, so that nothing can be added.
    OutputError
        It can't be written.
    """
    path = wall.path("vault") / NAME
    try:
        whole, torn = _split(path.read_bytes() if path.exists() else b"")
        lines = whole.splitlines()
        last = _parsed(lines[-1]) if lines else None
        if lines and last is None:
            raise WorkspaceError(f"the last line of {path} is damaged. Restore the log from a copy, then try again.")
        now = provenance.utc_text()
        details |= _end_before(wall, key, whole, last)
        if torn:
            details["unfinished_line_before"] = torn
        if last is not None and now < last.when:
            details["clock_went_back"] = True
        plain: dict[str, Any] = {
            "number": last.number + 1 if last else 1,
            "when": now,
            "who": _who(),
            "what": what,
            "why": why.encode(errors="backslashreplace").decode(),
            "details": details,
            "previous": last.hash if last else _START,
        }
        entry = Entry(**plain, hash=_hash(key, plain))
        if torn:
            os.truncate(path, len(whole))  # a line that was never finished says nothing
        _add(path, _rendered(entry))
        end = {"number": entry.number, "hash": entry.hash}
        durable.replace(wall.path("vault") / HEAD, json.dumps(end | {"mac": _mac(key, end)}).encode())
    except OSError as error:
        raise output_error(path, error) from error
    return entry


@contextmanager
def act(wall: Zones, key: Key, what: str, *, why: str, **details: Any) -> Iterator[Entry]:
    """An act that is in the log when it begins, and again if it is refused.

    Parameters
    ----------
    wall : Zones
        The wall, locked.
    key : Key
        The wall's key.
    what : str
        The act.
    why : str
        Reason given.
    **details
        What else is to be known of it.

    Yields
    ------
    Entry
        The line of the beginning.
    """
    entry = append(wall, key, what, why=why, **details)
    try:
        yield entry
    except SalusError as error:
        try:
            append(wall, key, "refused", why=why, line=entry.number, because=str(error))
        except OutputError as further:  # such as a full disk, which may be why it was refused
            raise error from further
        raise


def read(wall: Zones, key: Key) -> list[Entry]:
    """All lines that can be read, first one first; :func:`verify` says whether they can be believed.

    Parameters
    ----------
    wall : Zones
        The wall.
    key : Key
        The wall's key; who reads the log must have it.

    Raises
    ------
    InputError
        There is no log yet.
    """
    del key
    path = wall.path("vault") / NAME
    if not path.exists():
        raise InputError(f"there is no log in {wall.root} yet. It begins with the next ingest, release or attack.")
    return [entry for line in _split(path.read_bytes())[0].splitlines() if (entry := _parsed(line)) is not None]


def verify(wall: Zones, key: Key, *, noted: str | None = None) -> list[str]:
    """What is wrong with the log.

    Parameters
    ----------
    wall : Zones
        The wall.
    key : Key
        The wall's key.
    noted : str, optional
        Hash of a line, as it was noted elsewhere.

    Returns
    -------
    list of str
        A sentence for each fault; empty when every line is as it was written and none is missing.
    """
    vault = wall.path("vault")
    path = vault / NAME
    whole, torn = _split(path.read_bytes() if path.exists() else b"")
    problems = [f"the last line was never finished ({torn} bytes)"] if torn else []
    known = ledger.read(wall, key)
    keys = list(ring.read(wall, key, known.generation).all)
    previous, keyed, listed = _START, False, False
    by: dict[str, Uses] = {}
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        entry = _parsed(line)
        if entry is None or _rendered(entry) != line + b"\n":
            problems.append(f"line {number} is not as Salus writes it")
            break
        plain = {k: v for k, v in asdict(entry).items() if k != "hash"}
        while len(keys) > 1 and not hmac.compare_digest(entry.hash, _hash(keys[0], plain)):
            keys.pop(0)  # from here on written with the next key
        if not hmac.compare_digest(entry.hash, _hash(keys[0], plain)):
            problems.append(f"line {number} was changed, or written with another key")
            break
        if entry.number != number or entry.previous != previous:
            problems.append(f"line {number} does not follow the line before: something was taken out, added or moved")
            break
        if "end_before" in entry.details:
            problems.append(f"before line {number} {entry.details['end_before']}: lines may be missing there")
        previous = entry.hash
        by[previous] = keys[0]
        listed |= keyed and entry.what in _LIST_WRITTEN and not entry.details.get("already")
        keyed |= _KEYED in line
    if known.entries and not by and not problems:
        problems.append("the log is gone")
    problems += _missing(vault, by, keyed=_KEYED in whole) + _unlisted(known, by, listed=listed)
    if noted is not None and noted not in by:
        problems.append("the line that was noted elsewhere is not in the log")
    return problems + _uncertified(wall, {_START, *by})


def _missing(vault: Path, by: dict[str, Uses], *, keyed: bool) -> list[str]:
    """What the file with the last number and hash says against the log; `by` has the key of each line."""
    if not (vault / HEAD).exists():
        return [f"{HEAD} is gone"] if by else []
    head = _head(vault)
    if head is None:
        return [f"{HEAD} is damaged"]
    if head["hash"] not in by:
        return [f"the log ends before line {head['number']}, which was written once"]
    if (keyed or "mac" in head) and not _is_of(by[head["hash"]], head):
        return [f"{HEAD} was changed, or written with another key"]
    return []


def _unlisted(known: ledger.Ledger, by: dict[str, Uses], *, listed: bool) -> list[str]:
    """What the wall's list says against the log."""
    if not known.log:
        return ["the list of the wall names no line of the log any more"] if listed else []
    if known.log.get("hash") not in by:
        return [f"the list of the wall names line {known.log.get('number')}, which the log does not have"]
    if not _is_of(by[known.log["hash"]], known.log):
        return ["the line of the log that the list of the wall names was changed"]
    return []


def _end_before(wall: Zones, key: Key, whole: bytes, last: Entry | None) -> dict[str, str]:
    """What a new line says of the end as it finds it: a fault that it would hide, or that there is no key yet."""
    vault = wall.path("vault")
    keyed = _KEYED in whole
    mark = {} if keyed else {"end": "keyed"}
    if not (vault / HEAD).exists():  # the first line may have been killed before it was there
        return mark | ({"end_before": f"{HEAD} was gone"} if last is not None and last.number > 1 else {})
    head = _head(vault)
    if head is None:
        return mark | {"end_before": f"{HEAD} was damaged"}
    if head["hash"].encode() not in whole:
        return mark | {"end_before": f"{HEAD} named line {head['number']}, which was not there"}
    plain = {k: v for k, v in asdict(last).items() if k != "hash"} if last else {}
    ours = last is not None and hmac.compare_digest(last.hash, _hash(key, plain))  # else of the key before
    if ours and (keyed or "mac" in head) and not _is_of(key, head):
        return mark | {"end_before": f"{HEAD} had been changed"}
    return mark


def _head(vault: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((vault / HEAD).read_bytes())
        whole = isinstance(content["hash"], str) and type(content["number"]) is int
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return content if whole else None


def _mac(key: Uses, end: dict[str, Any]) -> str:
    text = provenance.canonical({"end": {"number": end["number"], "hash": end["hash"]}})
    return hmac.digest(key.derived("log"), text, "sha256").hex()


def _is_of(key: Uses, end: dict[str, Any]) -> bool:
    found = end.get("mac")
    return isinstance(found, str) and hmac.compare_digest(found.encode(), _mac(key, end).encode())


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _uncertified(wall: Zones, seen: set[str]) -> list[str]:
    """Certificates that name a line which is not there."""
    problems = []
    for file in sorted(wall.path("release").glob("[!.]*/certificate.json")):
        try:
            rows = json.loads(file.read_bytes())["claims"]
            heads = [r["value"] for r in rows if r["claim"] == "log_head"]
        except (ValueError, KeyError, TypeError):
            problems.append(f"the certificate of release {file.parent.name} can't be read")
            continue
        if any(h not in seen for h in heads):
            problems.append(f"the certificate of release {file.parent.name} names a line that the log does not have")
    return problems


def _hash(key: Uses, plain: dict[str, Any]) -> str:
    return hmac.digest(key.derived("log"), provenance.canonical(plain), "sha256").hex()


def _rendered(entry: Entry) -> bytes:
    return (json.dumps(asdict(entry), ensure_ascii=False, separators=(", ", ": ")) + "\n").encode()


def _parsed(line: bytes) -> Entry | None:
    try:
        content = json.loads(line)
        entry = Entry(**content)
    except (ValueError, TypeError, RecursionError):
        return None
    kinds = (entry.when, entry.who, entry.what, entry.why, entry.previous, entry.hash)
    fine = all(isinstance(k, str) for k in kinds) and type(entry.number) is int and isinstance(entry.details, dict)
    return entry if fine else None


def _split(raw: bytes) -> tuple[bytes, int]:
    """The whole lines, and how many bytes follow them."""
    end = raw.rfind(b"\n") + 1
    return raw[:end], len(raw) - end


def _add(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"
