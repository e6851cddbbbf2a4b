"""The zones of the wall as folders, each with its rule, and the guard that keeps everybody in theirs.

vault/    key check, list of what came in, rows set aside with the source's visit number. The data office only.
record/   one row a visit and diagnosis under surrogates. Inside only.
count/    exact counts. Inside only.
release/  guarded counts with their certificates. May leave.

Nobody but the owner can enter any of them (mode 0700): also a release leaves only by the hand of its owner.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import durable
from salus.data.output import output_error
from salus.errors import InputError, WallError

ZONES = ("vault", "record", "count", "release")
"""From the innermost to the outermost."""

MARKER = ".salus-zone"
"""File that says which zone a folder is."""

EXACT = "exact counts, inside only"
"""How the source of a table of exact counts ends, wherever the table is carried."""

_RULES = {
    "vault": "Data office only. Holds the list of what was ingested, what was released, the budget and noise of "
    "releases, and the rows that were set aside, with the visit numbers of the source so that they can be corrected "
    "there. Nothing here is ever copied out.",
    "record": "Inside only. One row for a visit and a diagnosis; persons and visits are surrogates that mean nothing "
    "without the key. A person can still be recognised by the pattern of visits, so no row leaves.",
    "count": "Inside only. Exact counts, small ones among them. Read by those who decide inside; never published.",
    "release": "May leave. Guarded counts, each folder with the policy that it was made under and its certificate.",
}


@dataclass(frozen=True)
class Zones:
    """The folders of one wall.

    Attributes
    ----------
    root : Path
        Folder that holds the zones.
    """

    root: Path

    def path(self, zone: str) -> Path:
        """Folder of a zone.

        Parameters
        ----------
        zone : {'vault', 'record', 'count', 'release'}
            Which.
        """
        if zone not in ZONES:
            raise ValueError(f"no zone '{zone}'")
        return self.root / zone


def create(root: str | Path) -> Zones:
    """Make the zones under a folder, or open them where they are; only their owner can enter.

    Parameters
    ----------
    root : str or Path
        New or empty folder, or one that holds the zones.

    Raises
    ------
    WallError
        The folder holds something else, or lies in a zone of another wall.
    OutputError
        It can't be written.
    """
    root = Path(root)
    outer = zone_of(root)
    if outer is not None:
        raise WallError(f"{root} lies in the zone '{outer}' of another wall. Choose a folder outside it.")
    if not (root / "vault" / MARKER).exists() and not _begun(root):
        raise WallError(f"{root} holds files that Salus did not write. Choose a new or empty folder for the wall.")
    try:
        for folder in (root, *(root / zone for zone in ZONES)):
            durable.make_folder(folder)
            if os.name == "posix":
                folder.chmod(0o700)
        for zone in ZONES:
            folder = root / zone
            if not (folder / MARKER).exists():
                durable.write(folder / "README.md", f"# {zone}/\n{_RULES[zone]}\n".encode())
                durable.replace(folder / MARKER, f"{zone}\n".encode())
    except OSError as error:
        raise output_error(root, error) from error
    return Zones(root)


def _begun(root: Path) -> bool:
    """Whether a folder is empty but for what is left where a process was killed that made the zones."""
    ours = {"README.md", MARKER, f"{MARKER}.part"}
    there = list(root.iterdir()) if root.is_dir() else []
    return all(p.name in ZONES and p.is_dir() and {f.name for f in p.iterdir()} <= ours for p in there)


def existing(root: str | Path) -> Zones:
    """The zones that are under a folder.

    Parameters
    ----------
    root : str or Path
        Folder that holds the zones.

    Raises
    ------
    InputError
        There are none.
    """
    root = Path(root)
    if not (root / "vault" / MARKER).exists():
        raise InputError(
            f"there is no wall in {root}. Ingest records first: `salus records ingest PATH... --root {root}`."
        )
    return Zones(root)


def zone_of(path: str | Path) -> str | None:
    """Zone in which a path lies.

    Parameters
    ----------
    path : str or Path
        File or folder; it need not exist.

    Returns
    -------
    str or None
        None outside every wall.
    """
    resolved = Path(path).resolve()
    for folder in (resolved, *resolved.parents):
        try:
            return (folder / MARKER).read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    return None


def guard(path: str | Path, allowed: str = "release") -> Path:
    """A path, if a reader who is allowed into one zone may read it; else a refusal.

    Parameters
    ----------
    path : str or Path
        What is to be read.
    allowed : {'vault', 'record', 'count', 'release'}
        Innermost zone that the reader may see; whoever publishes sees ``release`` only.

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    WallError
        The path lies further inside.
    """
    zone = zone_of(path)
    if zone is not None and ZONES.index(zone) < ZONES.index(allowed):
        raise WallError(
            f"{path} lies in the zone '{zone}', and this may read no further in than '{allowed}'. Use "
            f"what is in release/."
        )
    return Path(path)


def guard_table(table: pl.DataFrame, source: Any) -> pl.DataFrame:
    """A table of series, unless it holds exact counts that were carried out of their wall.

    Parameters
    ----------
    table : polars.DataFrame
        Its column ``source``, where there is one, says where rows come from.
    source : path or Any
        Where the table was read; what is no path is not looked at.

    Returns
    -------
    polars.DataFrame
        The table.

    Raises
    ------
    WallError
        A row says that it is of exact counts, and the file lies outside of every count zone.
    """
    if not isinstance(source, str | Path) or "source" not in table.columns or zone_of(source) == "count":
        return table
    if table["source"].cast(pl.String).str.ends_with(EXACT).any():
        raise WallError(
            f"{source} holds exact counts of a wall, as its column 'source' says, and lies outside the count zone. "
            "Take the release of the same counts, or work with the file where it was made."
        )
    return table


def outlet(read: Iterable[str | Path], out: str | Path) -> bool:
    """Whether what is written is made of exact counts; a refusal where it would then lie outside the count zone.

    Parameters
    ----------
    read : iterable of str or Path
        Files or folders that are read.
    out : str or Path
        File or folder that is to be written.

    Returns
    -------
    bool
        True where something that is read lies further inside than ``release``: the result is for inside only.

    Raises
    ------
    WallError
        Something that is read lies further inside than ``count``; or in it, and `out` does not.
    """
    exact = [p for p in read if zone_of(guard(p, "count")) == "count"]
    if exact and zone_of(out) != "count":
        raise WallError(
            f"{exact[0]} holds exact counts, and what is made of them stays inside: {out} lies outside the count zone. "
            f"Write into it, such as {Path(exact[0]).parent / 'bulletin'}, or use the release of the same counts."
        )
    return bool(exact)
