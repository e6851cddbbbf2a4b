"""What shows that a file of the vault was there once, so that one that is lost is never taken for one that never was.

Without the list of releases a week that is out would be counted anew, without the budget it would be paid for again,
without the noise drawn again. So a list or budget that is gone is refused as soon as anything on the wall could not be
there without it; a process that was killed leaves nothing of the kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salus.errors import WallError
from salus.privacy.zones import Zones

LEDGER, BUDGET, LOG, HEAD = "ledger.json", "budget.json", "log.jsonl", "log.head"
"""Files of the vault: what came in and went out, what was paid, who did what, and the end of the latter."""

RELEASED, NOISE, SHARES = "released", "noise", "shares"
"""Folders of the vault, with a folder for each release or round."""

_AFTER_THE_LIST = frozenset(
    {"ingested", "release", "released", "attack", "extract", "assess", "share", "shared", "rotated"}
)
"""Acts that begin, or end, only where there is a list."""


def check_list(wall: Zones) -> None:
    """Refuse a wall whose list is gone.

    Parameters
    ----------
    wall : Zones
        The wall, without :data:`LEDGER`.

    Raises
    ------
    WallError
        Something is there that was made with it.
    """
    found = next(_of_the_list(wall), None)
    if found is not None:
        raise WallError(
            f"{wall.path('vault') / LEDGER} is gone: {found} was made with it. Without it weeks that are out would be "
            "released again with what came since. Restore the vault from its backup; nothing was changed."
        )


def check_budget(wall: Zones, paid: int) -> None:
    """Refuse a wall whose budget is gone or older than its list.

    Parameters
    ----------
    wall : Zones
        The wall.
    paid : int
        Allotments that the budget has; 0 where there is none.

    Raises
    ------
    WallError
        More was paid once.
    """
    known = _content(wall.path("vault") / LEDGER)
    least = known.get("allotments", 0)
    if paid and not (isinstance(least, int) and paid < least):
        return
    named = f"the list of the wall names {least} payment{'s' if least > 1 else ''}"
    found = named if least else next(_of_the_budget(wall, known), None)
    if found is not None:
        raise WallError(
            f"{wall.path('vault') / BUDGET} is gone or an old copy: {found}. Without it what is spent would be spent "
            "again. Restore the vault from its backup; nothing was changed."
        )


def remembered(wall: Zones) -> dict[str, Any]:
    """What the list notes of other files whenever it is written: the end of the log, and how often was paid.

    Parameters
    ----------
    wall : Zones
        The wall.

    Returns
    -------
    dict
        ``log`` and ``allotments``, as far as there are such files.
    """
    vault = wall.path("vault")
    head, budget = _content(vault / HEAD), _content(vault / BUDGET)
    return ({"log": head} if head else {}) | ({"allotments": len(budget["allotments"])} if budget else {})


def _of_the_list(wall: Zones) -> Iterator[Path | str]:
    vault = wall.path("vault")
    yield from sorted(wall.path("release").glob("[!.]*/certificate.json"))
    yield from sorted(wall.path("count").glob("[!.]*/inside.json"))
    yield from sorted(f for kind in (RELEASED, NOISE, SHARES) for f in (vault / kind).glob("[!.]*"))
    yield from sorted(f for f in wall.path("record").glob("[0-9]*.parquet") if not f.name.startswith("000001-"))
    if (vault / BUDGET).exists():
        yield vault / BUDGET
    if (vault / LOG).exists():
        for number, line in enumerate((vault / LOG).read_bytes().splitlines(), start=1):
            if _parsed(line).get("what") in _AFTER_THE_LIST:
                yield f"line {number} of {vault / LOG}"


def _of_the_budget(wall: Zones, known: dict[str, Any]) -> Iterator[str]:
    vault = wall.path("vault")
    for folder in sorted((vault / NOISE).glob("[!.]*")):
        yield f"the noise of the release {folder.name} was paid for"
    for file in sorted((vault / SHARES).glob("[!.]*/contributions*.parquet")):
        yield f"the round {file.parent.name} was paid for"
    for syndrome, released in known.get("released", {}).items():
        if released.get("kind") == "differential_privacy":
            yield f"'{syndrome}' was released with noise"


def _content(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_bytes())
    except FileNotFoundError:
        return {}


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:  # damaged or never finished: whoever reads it for itself says so
        return {}
    return found if isinstance(found, dict) else {}
