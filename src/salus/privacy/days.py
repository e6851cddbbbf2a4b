"""Which days a release is of.

Under differential privacy the weeks of a release must come from nothing that is made of records: one visit of long ago
would add years of weeks, and who sees them knows of that visit for certain. So they are given; later releases go on
from the weeks that are out to the last ingest, whose day is the office's and no patient's.

Under suppression they may come from the records, but from no single person:
:func:`salus.privacy.counts.count` begins and ends with a week in which at least the minimum cell of persons was seen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import polars as pl

from salus.errors import InputError
from salus.privacy import guarded, ledger, log
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.privacy.zones import Zones

Days = tuple[dt.date, dt.date]
"""First and last day."""


def chosen(
    wall: Zones, key: Key, known: ledger.Ledger, syndromes: Collection[str], policy: Policy, given: Days | None
) -> Days | None:
    """First and last day to count.

    Parameters
    ----------
    wall : Zones
        The wall.
    key : Key
        The wall's key, for its log.
    known : Ledger
        Its list.
    syndromes : collection of str
        Which are released.
    policy : Policy
        Under which.
    given : (datetime.date, datetime.date) or None
        As asked for.

    Returns
    -------
    (datetime.date, datetime.date) or None
        None where the records may tell.

    Raises
    ------
    InputError
        A day has not come yet, or the policy adds noise, none is given and nothing was released before.
    """
    today = dt.datetime.now().astimezone().date()
    if given is not None:
        if given[1] > today:
            raise InputError(
                f"{given[1]} has not come yet, and a week that was released stays as it is. Give days that are over: "
                "--days YYYY-MM-DD:YYYY-MM-DD."
            )
        return given
    if not policy.noisy:
        return None
    names = {r: None for s in sorted(syndromes) for r in known.released.get(s, {}).get("releases", [])}
    before = [wall.path("vault") / "released" / r / guarded.SERIES_FILE for r in names]
    shown = [w for f in before if f.exists() for w in pl.read_parquet(f, columns=["date"])["date"].unique().to_list()]
    if not shown:
        raise InputError(
            "under differential privacy the days to release can't be taken from the records: the first and the last "
            "visit are of single persons. Say which, as --days YYYY-MM-DD:YYYY-MM-DD; each calendar year in them is "
            "paid for once. Later releases go on from there without it."
        )
    ingested = [e.when[:10] for e in log.read(wall, key) if e.what == "ingest"]
    end = min([today, *map(dt.date.fromisoformat, ingested[-1:])])
    end -= dt.timedelta(days=1 + 7 * policy.weeks_held_back)
    return min(shown), max(end, max(shown) + dt.timedelta(days=6))
