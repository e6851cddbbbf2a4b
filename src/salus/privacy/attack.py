"""Attacks of a department on its own release: what an outsider could learn, and why records stay inside.

Everything found is made of exact records, so it is written into the count zone and nowhere else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import durable
from salus.data.output import output_error
from salus.errors import InputError
from salus.privacy import bounds, guarded, ledger, linkage, log, membership, trajectories, zones
from salus.privacy import policy as policies
from salus.privacy.keys import Key
from salus.privacy.policy import Policy

NAME = "attack.json"
_KEYS = ["location", "disease", "date"]


@dataclass(frozen=True)
class AttackReport:
    """What the attacks found; inside only.

    Attributes
    ----------
    release : str
        Id of the release attacked.
    file : Path
        The same as JSON, in the count zone.
    subtraction : dict
        ``counts_left_out``, ``recovered`` (known exactly), ``within_minimum_cell``, ``narrowest_interval``, by linear
        programming over this release and all before; ``small_differences_of_releases`` between two of them.
    linkage : list of dict
        As :class:`salus.privacy.linkage.Classes`, of the records, which do not leave.
    smallest_count_shown : int or None
        Of the release.
    trajectories : list of dict
        As :class:`salus.privacy.trajectories.Uniqueness`, of the records.
    membership : dict
        As :class:`salus.privacy.membership.Membership`, of the release.
    minimum_cell : int
        Of the policy.
    simulated : bool
        Whether the records were simulated.
    epsilon : float or None
        Of the policy, where it is one of differential privacy; then ``knows_all_others`` of ``membership`` is the most
        that epsilon allows, (e^epsilon - 1) / (e^epsilon + 1).
    """

    release: str
    file: Path
    subtraction: dict[str, Any]
    linkage: list[dict[str, Any]]
    smallest_count_shown: int | None
    trajectories: list[dict[str, Any]]
    membership: dict[str, Any]
    minimum_cell: int
    simulated: bool
    epsilon: float | None

    def as_dict(self) -> dict[str, Any]:
        """All but the place of the file, for a machine."""
        return {k: v for k, v in asdict(self).items() if k != "file"}

    def lines(self) -> list[str]:
        """The findings in words; for inside."""
        return [
            f"{'SIMULATED records. ' if self.simulated else ''}INSIDE ONLY. Made of exact records; nothing may leave.",
            "",
            *self._subtraction(),
            *self._linkage(),
            *self._trajectories(),
            *self._membership(),
            f"All of it: {self.file}",
        ]

    def _subtraction(self) -> list[str]:
        s = self.subtraction
        said = [
            f"Subtraction. Of {s['counts_left_out']:,} counts left out, {s['recovered']:,} can be worked out exactly "
            f"and {s['within_minimum_cell']:,} to within less than {self.minimum_cell}, from all that was released."
        ]
        if s["small_differences_of_releases"]:
            said.append(
                f"  Two releases show {s['small_differences_of_releases']:,} small numbers as their difference: late "
                f'records of weeks that were released anew. revisions = "freeze" would hide them.'
            )
        return said

    def _linkage(self) -> list[str]:
        said = ["Linkage, if the records left, which they don't:"]
        for c in self.linkage:
            known = ", ".join(c["known"]).replace("_", " ")
            said.append(
                f"  who knows {known}: {c['unique']:,} of {c['persons']:,} persons are alone. Highest prosecutor risk "
                f"{c['prosecutor_highest']:.2g}; {c['prosecutor_above']:.1%} of persons are above {linkage.THRESHOLD}."
            )
            if c["journalist_highest"] is not None:
                said.append(
                    f"  against a register of the population: highest journalist risk {c['journalist_highest']:.2g}, "
                    f"and a marketer would match {c['marketer']:.2%} of the records right."
                )
        if self.smallest_count_shown:
            said.append(
                f"  The release itself: whoever is in a count shown shares it with {self.smallest_count_shown - 1:,} "
                f"others or more, a risk of at most {1 / self.smallest_count_shown:.3f}."
            )
        said.append(
            f"  Reference: the European Medicines Agency accepts {linkage.THRESHOLD} (one in eleven) for public data; "
            f"HIPAA's expert determination (45 CFR 164.514(b)(1)) asks for a very small risk and names no number."
        )
        return said

    def _trajectories(self) -> list[str]:
        said = ["Trajectories. Persons who are the only one with the visits known, by district and week:"]
        for also in (False, True):
            shares = ", ".join(
                f"{t['visits']} visit{'s' if t['visits'] > 1 else ''} {t['share']:.1%}"
                for t in self.trajectories
                if t["also"] is also and t["persons"]
            )
            said.append(f"  {'with age group and sex: ' if also else ''}{shares}")
        return said

    def _membership(self) -> list[str]:
        m = self.membership
        others = (
            f"  Who knows all other records can tell for {m['knows_all_others']:.0%} of persons: a count shown is "
            "exact. Only differential privacy bounds that."
            if self.epsilon is None
            else f"  Who knows all other records of the year has an advantage of at most {m['knows_all_others']:.0%}, "
            f"whatever is released of that year under this policy (epsilon {self.epsilon:g})."
        )
        return [
            f"Membership. Who knows the weeks around tells who is in with an advantage of {m['advantage']:.1%} "
            f"(AUC {m['auc']:.3f}; a coin has 0.5).",
            others,
        ]


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
        name = _chosen(wall, known, release)
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
        )
        try:
            durable.replace(found.file, json.dumps(found.as_dict(), indent=1, ensure_ascii=False).encode())
        except OSError as error:
            raise output_error(found.file, error) from error
    return found


def _listed(known: ledger.Ledger) -> list[str]:
    """Every release that was ever finished."""
    return sorted({r for released in known.released.values() for r in released["releases"]})


def _chosen(wall: zones.Zones, known: ledger.Ledger, release: str | None) -> str:
    files = {r: wall.path("count") / r / "inside.json" for r in _listed(known)}
    made = {r: json.loads(f.read_bytes()).get("made_utc", "") for r, f in files.items() if f.exists()}
    if not made:
        raise InputError(f"nothing was released from {wall.root} yet. Release first, then attack.")
    if release is None:
        return max(made, key=lambda r: (made[r], r))
    if release not in made:
        raise InputError(f"there is no release '{release}' of {wall.root}. There are: {', '.join(sorted(made))}.")
    return release


def _membership(shown: pl.DataFrame, exact: pl.DataFrame, policy: Policy) -> dict[str, Any]:
    found = asdict(membership.infer(shown, exact, policy.round_to))
    return found | ({"knows_all_others": math.tanh(policy.epsilon / 2)} if policy.noisy else {})


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
    broken = _broken(copies[name])
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
