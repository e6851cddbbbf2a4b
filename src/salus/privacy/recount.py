"""The check of a release by those who have the records and the key: everything that a stranger can't see."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from salus.data import provenance
from salus.errors import InputError, WallError
from salus.privacy import (
    bounds,
    breakdowns,
    counts,
    guarded,
    joint,
    ledger,
    log,
    noised,
    ring,
    rounding,
    suppressed,
    utility,
    zones,
)
from salus.privacy import policy as policies
from salus.privacy.counts import Counts
from salus.privacy.keys import Key
from salus.privacy.ledger import Ledger
from salus.privacy.policy import Policy
from salus.privacy.ring import Ring

_KEYS = ["location", "disease", "date"]
_CELLS = [*_KEYS, "dimension", "category"]


def recounted(
    folder: Path,
    release: str,
    stated: dict[str, str],
    root: str | Path,
    key: Key,
    definitions: pl.DataFrame,
    places: pl.DataFrame,
) -> dict[str, str]:
    """Statements of a release that need the records, recomputed from them.

    The records are those that were there when it was made: ingests that came later are left out.

    Parameters
    ----------
    folder : Path
        Folder of the release.
    release : str
        Its id.
    stated : dict of str to str
        What its certificate states.
    root : str or Path
        Folder of the wall.
    key : Key
        The wall's key.
    definitions, places : polars.DataFrame
        As it was made with.

    Returns
    -------
    dict of str to str
        ``inputs``, ``log_head``, ``counts`` (``as counted``, or how many are not), and, under suppression,
        ``interval_around_value`` and the forecast costs.

    Raises
    ------
    InputError, WallError
        There is no wall, the key is another, or the definitions or places are not those of the release.
    """
    wall = zones.existing(root)
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        log.append(wall, key, "verify", why="", release=release)
        heads = {e.hash for e in log.read(wall, key)}
        standing = _standing(wall, known, ring.read(wall, key, known.generation), stated["inputs"])
        found = {
            "inputs": stated["inputs"] if standing else "other records",
            "log_head": stated["log_head"] if stated["log_head"] in heads else "no such line",
        }
        if not standing:
            return found
        policy = policies.load(folder / "policy.toml")
        series = pl.read_parquet(folder / guarded.SERIES_FILE)
        if isinstance(standing, ledger.Entry):
            counted = joint.of_round(wall, standing)
        else:
            days = (series["date"].to_list()[0], series["date"].to_list()[-1] + dt.timedelta(days=6))
            counted = counts.count(standing, definitions, places, policy, weeks=days, spill=wall.path("count"))
        before = _before(wall, known, release, guarded.SERIES_FILE, _KEYS)
        if policy.noisy:
            kept = wall.path("vault") / "noise" / release
            true = pl.read_parquet(kept / noised.VALUES)
            if policy.breakdowns:
                keys, name = [*breakdowns.KEYS, breakdowns.NOISY], guarded.BREAKDOWNS_FILE
                broken, drawn = pl.read_parquet(folder / name), pl.read_parquet(kept / noised.CELLS)
                found["counts"] = _compared(broken, drawn, _before(wall, known, release, name, keys), keys)
        else:
            plain = guarded.series(counted, None, "")
            true = rounding.shown(plain, policy)
            new = series.join(before, on=_KEYS, how="anti") if before is not None else series
            broken = None
            if policy.breakdowns:
                broken = pl.read_parquet(folder / guarded.BREAKDOWNS_FILE)
                known_before = _before(wall, known, release, guarded.BREAKDOWNS_FILE, _CELLS)
                cells = broken.with_columns(value=suppressed.exact(broken, counted).cast(pl.Float64))
                found["counts"] = _compared(broken, rounding.shown(cells, policy), known_before, _CELLS)
                broken = broken.join(new, on=_KEYS, how="semi")
            found["interval_around_value"] = _reaches(new, broken, counted, policy)
            found |= utility.stated(utility.costs(plain, series, policy))
        return found | {"counts": _compared(series, true, before, _KEYS, found.get("counts"))}


def _standing(wall: zones.Zones, known: Ledger, held: Ring, commitment: str) -> list[Path] | ledger.Entry:
    """The records that a commitment is to, or the round; an empty list where to none."""
    if known.of_sites:
        return next((e for e in known.entries if commitment in {joint.commitment(e, k) for k in held.all}), [])
    inputs = [[i["sha256"] for i in e.inputs] for e in known.entries]
    every = range(1, len(inputs) + 1)
    number = next((n for n in every if commitment in _commitments(held, inputs[:n])), 0)
    return ledger.parts(wall, known)[:number]


def _commitments(held: Ring, inputs: list[list[str]]) -> set[str]:
    """Under each key that the wall ever had."""
    return {key.commitment(provenance.canonical(inputs)) for key in held.all}


def _before(wall: zones.Zones, known: Ledger, release: str, file: str, keys: list[str]) -> pl.DataFrame | None:
    """What earlier releases show, which later ones repeat."""
    earlier: dict[str, None] = {}
    for released in known.released.values():
        names = released["releases"]
        earlier |= dict.fromkeys(names[: names.index(release)] if release in names else [])
    files = [wall.path("vault") / "released" / r / file for r in earlier]
    files = [f for f in files if file == guarded.SERIES_FILE or f.exists()]  # not every policy has breakdowns
    tables = [pl.read_parquet(f).select(*keys, "value") for f in files]
    return pl.concat(tables).unique(keys, keep="first") if tables else None


def _compared(
    shown: pl.DataFrame, true: pl.DataFrame, before: pl.DataFrame | None, keys: list[str], said: str | None = None
) -> str:
    """Whether each count shown is one that was counted, or one that was released before; what was `said` if it is."""
    other = shown.filter(pl.col("value").is_not_null()).select(*keys, "value")
    other = other.join(true.select(*keys, "value"), on=[*keys, "value"], how="anti")
    if before is not None:
        other = other.join(before, on=[*keys, "value"], how="anti")
    return f"{other.height:,} counts are not as counted" if other.height else said or "as counted"


def _reaches(new: pl.DataFrame, broken: pl.DataFrame | None, counted: Counts, policy: Policy) -> str:
    """Whether the counts left out of weeks that are new stay open as promised."""
    if not new.height:
        return "yes"
    try:
        found = bounds.intervals(new, broken, policy)
        suppressed.check_intervals(found, suppressed.exact(found, counted), policy)
    except (InputError, WallError) as error:
        return str(error)
    return "yes"
