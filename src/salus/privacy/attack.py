"""Attacks of a department on its own release: what an outsider could learn, and why records stay inside.

Everything found is made of exact records, so it is written into the count zone and nowhere else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import durable
from salus.data.output import output_error
from salus.errors import InputError
from salus.privacy import bounds, guarded, ledger, linkage, log, membership, trajectories, zones
from salus.privacy import policy as policies
from salus.privacy.attack_report import AttackReport
from salus.privacy.keys import Key
from salus.privacy.policy import Policy

NAME = "attack.json"
_KEYS = ["location", "disease", "date"]


def attack(
    root: str | Path, places: pl.DataFrame, release: str | None = None, *, key: Key, why: str = ""
) -> AttackReport:
    """Attack a release of a wall with everything known inside.

    Parameters
    ----------
    root : str or Path
        Folder of the wall.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`; the populations are the register.
    release : str, optional
        Id of a release; without it the last one.
    key : Key
        The wall's key.
    why : str
        Reason, for the log.

    Returns
    -------
    AttackReport
        Written to the count zone beside the exact counts of the release.

    Raises
    ------
    InputError
        There is no such release.
    """
    wall = zones.existing(root)
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        name = _chosen(wall, known, key, release)
        log.append(wall, key, "attack", why=why, release=name)
        copies = {r: wall.path("vault") / "released" / r for r in _listed(known)}
        inner = wall.path("count") / name
        policy = policies.load(copies[name] / "policy.toml")
        shown, exact = (pl.read_parquet(folder / guarded.SERIES_FILE) for folder in (copies[name], inner))
        parts = ledger.parts(wall, known)
        found = AttackReport(
            release=name,
            file=inner / NAME,
            subtraction=_subtraction(name, copies, policy),
            linkage=[asdict(c) for c in linkage.classes(parts, _population(places), spill=wall.path("count"))],
            smallest_count_shown=_smallest(shown),
            trajectories=[asdict(t) for t in trajectories.uniqueness(parts, spill=wall.path("count"))],
            membership=_membership(shown, exact, policy),
            minimum_cell=policy.minimum_cell,
            simulated=any(e.simulated for e in known.entries),
            epsilon=policy.epsilon if policy.noisy else None,
            membership_breakdowns=_membership_in_cells(shown, copies[name], inner, policy),
        )
        try:
            durable.replace(found.file, json.dumps(found.as_dict(), indent=1, ensure_ascii=False).encode())
        except OSError as error:
            raise output_error(found.file, error) from error
    return found


def _listed(known: ledger.Ledger) -> list[str]:
    """Every release that was ever finished."""
    return sorted({r for released in known.released.values() for r in released["releases"]})


def _chosen(wall: zones.Zones, known: ledger.Ledger, key: Key, release: str | None) -> str:
    made = [r for r in _listed(known) if (wall.path("count") / r / "inside.json").exists()]
    if not made:
        raise InputError(f"nothing was released from {wall.root} yet. Release first, then attack.")
    if release is None:  # the log has the order; a clock may have gone back
        told = [entry.details["release"] for entry in log.read(wall, key) if entry.what == "released"]
        return max(made, key=lambda r: len(told) - told[::-1].index(r) if r in told else 0)
    if release not in made:
        raise InputError(f"there is no release '{release}' of {wall.root}. There are: {', '.join(made)}.")
    return release


def _membership(shown: pl.DataFrame, exact: pl.DataFrame, policy: Policy) -> dict[str, Any]:
    found = asdict(membership.infer(shown, exact, policy.round_to))
    return found | ({"knows_all_others": math.tanh(policy.epsilon / 2)} if policy.noisy else {})


def _membership_in_cells(shown: pl.DataFrame, copy: Path, inner: Path, policy: Policy) -> dict[str, Any] | None:
    """The same for counts by age group and sex with noise, each cell of the finest places for itself."""
    if not policy.noisy or not policy.breakdowns:
        return None
    released, exact = (pl.read_parquet(folder / guarded.BREAKDOWNS_FILE) for folder in (copy, inner))
    above = shown.filter(pl.col("location").is_in(released["location"].unique().implode()))["parent"].drop_nulls()
    finest = (pl.col("dimension") == policy.dimension) & ~pl.col("location").is_in(above.unique().implode())
    here, true = (
        table.filter(finest).with_columns(
            location=pl.concat_str("location", "category", separator=" "), parent=pl.lit(None, dtype=pl.String)
        )
        for table in (released, exact)
    )
    return _membership(here, true, policy)


def _population(places: pl.DataFrame) -> dict[str, float]:
    if "population" not in places.columns:
        return {}
    return dict(places.select("location", "population").drop_nulls().iter_rows())


def _smallest(shown: pl.DataFrame) -> int | None:
    positive = shown["value"].drop_nulls().to_numpy()
    positive = positive[positive > 0]
    return int(positive.min()) if positive.size else None


def _subtraction(name: str, copies: Mapping[str, Path], policy: Policy) -> dict[str, Any]:
    """Linear programming on what all releases show together, and their differences."""
    table = pl.read_parquet(copies[name] / guarded.SERIES_FILE)
    broken = None if policy.noisy else _broken(copies[name])  # with noise nothing is left out
    others = [pl.read_parquet(f / guarded.SERIES_FILE) for r, f in copies.items() if r != name]
    differences = _differences(table, others, policy)
    if policy.revisions == "freeze":
        table = _filled(table, others, _KEYS)
        if broken is not None:
            more = [b for r, f in copies.items() if r != name and (b := _broken(f)) is not None]
            broken = _filled(broken, more, [*_KEYS, "dimension", "category"])
    found = bounds.intervals(table, broken, policy)
    width = (found["high"] - found["low"]).to_numpy()
    narrowest = float(width.min()) if width.size else float("inf")
    return {
        "counts_left_out": found.height,
        "recovered": int((width == 0).sum()),
        "within_minimum_cell": int((width < policy.minimum_cell).sum()),
        "narrowest_interval": narrowest if narrowest != float("inf") else None,
        "small_differences_of_releases": differences,
    }


def _broken(folder: Path) -> pl.DataFrame | None:
    file = folder / guarded.BREAKDOWNS_FILE
    return pl.read_parquet(file) if file.exists() else None


def _filled(table: pl.DataFrame, others: Sequence[pl.DataFrame], keys: list[str]) -> pl.DataFrame:
    """A table with counts that another release shows."""
    for other in others:
        joined = table.join(other.select(*keys, _other="value"), on=keys, how="left", maintain_order="left")
        table = joined.with_columns(value=pl.coalesce("value", "_other")).drop("_other")
    return table


def _differences(table: pl.DataFrame, others: Sequence[pl.DataFrame], policy: Policy) -> int:
    number = 0
    for other in others:
        both = table.join(other.select(*_KEYS, _other="value"), on=_KEYS)
        size = (both["value"] - both["_other"]).abs().to_numpy()
        number += int(((size > 0) & (size < policy.minimum_cell)).sum())
    return number
