"""What every command keeps to: nothing is read past its zone of a wall, and nothing is written where it may not stand.

One place for all commands, before they begin, so that none can forget it. `records` and the persons of `copd` work
inside and guard their own reading; what they must not do besides stands in :data:`OUTSIDE_ONLY`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from salus.errors import WallError
from salus.privacy import zones

WRITTEN: Mapping[str, tuple[str, ...]] = {"": ("out", "workspace", "cache"), "override add": ("log",)}
"""Parameters that name what is written: of every command, and of single ones."""

INSIDE = ("records", "copd")
"""Groups that read records and persons, and say themselves what may be read and written."""

OUTSIDE_ONLY: Mapping[str, tuple[str, ...]] = {
    "records key": ("file",),
    "records ingest": ("paths",),
    "records round": ("out",),
    "records share": ("out",),
    "records combine": ("out",),
}
"""Parameters of these that name files outside of every wall: keys, source files, and what travels between sites."""


def keep(command: str, given: Mapping[str, Any]) -> None:
    """Refuse a call that would read past its zone, or write into one that it may not write into.

    Parameters
    ----------
    command : str
        Such as ``run`` or ``hub export``.
    given : mapping of str to Any
        Parameters of the call; those that are paths, or lists of such, are looked at.

    Raises
    ------
    WallError
        A path lies where it may not.

    Examples
    --------
    >>> keep("run", {"series": Path("cases.csv"), "out": Path("bulletin"), "disease": "influenza"})
    """
    paths = {name: list(_paths(value)) for name, value in given.items()}
    for name in OUTSIDE_ONLY.get(command, ()):
        for path in paths[name]:
            if (zone := zones.zone_of(path)) is not None:
                raise WallError(f"{path} lies in the zone '{zone}' of a wall, and {_WHY[command]}. Give another path.")
    if command.split()[0] in INSIDE:
        return
    names = (*WRITTEN[""], *WRITTEN.get(command, ()))
    read = [path for name, some in paths.items() if name not in names for path in some]
    written = [path for name in names for path in paths.get(name, ())]
    for path in read:
        zones.guard(path, "count")
    for path in written:
        zones.outlet(read, path)
        if (zone := zones.zone_of(path)) in ("vault", "record", "release"):
            raise WallError(
                f"{path} lies in the zone '{zone}' of a wall, where `salus records` alone writes. Choose a place "
                "outside, or in the count zone for what is made of exact counts."
            )


_WHY = {
    "records key": "a key never lies where what it locks lies",
    "records ingest": "records come from outside: these were taken in before",
    "records round": "a round goes to other sites",
    "records share": "a share goes to whoever combines",
    "records combine": "a sum of releases is made outside; --root makes one of masked counts inside",
}


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _paths(each)
