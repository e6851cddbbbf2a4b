"""What changed since an earlier run: what it said of the period that is now known, and what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from salus.errors import InputError
from salus.reports.meta import Meta
from salus.reports.view import PlaceView
from salus.surveillance.levels import LevelScheme
from salus.tables.contracts import STATUS


@dataclass(frozen=True)
class Change:
    """What an earlier run said of a place, beside what is known now.

    Attributes
    ----------
    view : PlaceView
        The place as it is now.
    level_then : int or None
        Level of the last figure known then.
    start_then : datetime.date
        First day of the period of that figure.
    value_then : float
        The figure as it was known then.
    revised : float or None
        The figure of the same period as it is known now, where that is another.
    median, lower50, upper50, lower95, upper95 : float or None
        What the earlier run said of the period that is the last known one now; None where it said nothing.
    chance : float or None
        Probability that it gave to the level that came.
    """

    view: PlaceView
    level_then: int | None
    start_then: dt.date
    value_then: float
    revised: float | None
    median: float | None
    lower50: float | None
    upper50: float | None
    lower95: float | None
    upper95: float | None
    chance: float | None

    @property
    def step(self) -> int:
        """Levels that the place went up (over 0) or down; 0 where one of the two is not known."""
        return 0 if self.level_then is None or self.view.level is None else self.view.level - self.level_then

    @property
    def tested(self) -> bool:
        """Whether the earlier run gave a range for what has come since."""
        return self.lower95 is not None and self.view.now is not None

    @property
    def outcome(self) -> str:
        """Where what came lies in the ranges given: ``in50``, ``in95``, ``above``, ``below`` or ``none``."""
        now, low50, high50, low95, high95 = self.view.now, self.lower50, self.upper50, self.lower95, self.upper95
        if now is None or low50 is None or high50 is None or low95 is None or high95 is None:
            return "none"
        if low50 <= now <= high50:
            return "in50"
        return "in95" if low95 <= now <= high95 else "above" if now > high95 else "below"


@dataclass(frozen=True)
class Since:
    """What changed since an earlier run.

    Attributes
    ----------
    day : datetime.date
        The day that the earlier run stood on.
    changes : tuple of Change
        Places of both runs, in the order of the bulletin.
    same_method : bool
        Model, kind of levels and version of Salus were those of this run.
    """

    day: dt.date
    changes: tuple[Change, ...]
    same_method: bool

    @property
    def told(self) -> tuple[Change, ...]:
        """Places that changed their level, ended outside the 95 % range, or whose earlier figure was revised."""
        return tuple(c for c in self.changes if c.step or c.outcome in ("above", "below") or c.revised is not None)


def since(
    views: Sequence[PlaceView],
    scheme: LevelScheme,
    meta: Meta,
    status: pl.DataFrame,
    record: Mapping[str, Any],
    now: Mapping[str, Any],
) -> Since:
    """Compare a bulletin with an earlier run.

    Parameters
    ----------
    views : sequence of PlaceView
        Places of the bulletin, in its order.
    scheme : LevelScheme
        Level names of the bulletin.
    meta : Meta
        What the bulletin says about itself.
    status : polars.DataFrame
        Status table of the earlier run.
    record, now : mapping
        What ``run.json`` of the earlier run and of this one hold.

    Returns
    -------
    Since
        Changes of the places that both name; nothing is computed but differences.

    Raises
    ------
    TableError
        The status table breaks its contract.
    InputError
        The earlier run is of another disease or signal, is no earlier one, or names none of the places.
    """
    then, today = record["options"], now["options"]
    for what in ("disease", "signal"):
        if then[what] != today[what]:
            raise InputError(
                f"the earlier run is of the {what} '{then[what]}', this one of '{today[what]}'. Give a run of the same."
            )
    day = dt.date.fromisoformat(str(then["as_of"]))
    if day >= meta.as_of:
        raise InputError(
            f"the run given as the earlier one is of {day}, this one of {meta.as_of}. Give one from before."
        )
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in STATUS.check(status).iter_rows(named=True):
        rows.setdefault(row["location"], []).append(row)
    found = tuple(c for v in views if (c := _change(v, rows.get(v.location, []), scheme, meta)) is not None)
    if not found:
        raise InputError("the earlier run names none of the places of this one. Give a run of the same places.")
    alike = all(str(then.get(key)) == str(today.get(key)) for key in ("model", "levels"))
    versions = record.get("versions", {}).get("salus") == now.get("versions", {}).get("salus")
    return Since(day, found, alike and versions)


def _change(view: PlaceView, rows: list[dict[str, Any]], scheme: LevelScheme, meta: Meta) -> Change | None:
    first = next((r for r in rows if r["horizon"] == 0 and r["value"] is not None), None)
    if first is None:
        return None
    start = meta.cadence.start(first["target_end_date"])
    known = dict(view.known).get(start)
    revised = known if known is not None and abs(known - first["value"]) > 1e-6 * max(1.0, abs(known)) else None
    said: dict[str, Any] = {}
    if view.now_start is not None and view.now_start > start:
        end = meta.cadence.end(view.now_start)
        said = next((r for r in rows if r["horizon"] > 0 and r["target_end_date"] == end), {})
    chance = None if view.level is None else said.get(f"probability_{view.level}")
    level = scheme.names.index(first["level_name"]) if first["level_name"] in scheme.names else None
    return Change(
        view=view,
        level_then=level,
        start_then=start,
        value_then=first["value"],
        revised=revised,
        median=said.get("value"),
        lower50=said.get("lower50"),
        upper50=said.get("upper50"),
        lower95=said.get("lower95"),
        upper95=said.get("upper95"),
        chance=chance,
    )
