"""A release: exact counts into the count zone, guarded counts with their certificate into the release zone.

A release that misses a gate is not written: no count shown is small, none left out can be placed more narrowly than the
policy allows, syndromes share no codes with one another or with what was released before.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.data import durable, provenance
from salus.data.output import output_error
from salus.errors import InputError, WallError
from salus.privacy import certificate, claims, counts, guarded, ledger, signatures, suppression, zones
from salus.privacy import policy as policies
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.tables.codes import plain

_COPIES = "released"

_README = """# Release {id}
{simulated}Counts of persons seen with a disease or syndrome, by place and week; a person counts once in a week.
A count of 1 to {last} is left out, and so are further counts, so that none comes back by adding and subtracting.
A count left out is empty in `series.parquet`: it is unknown, not zero. {zeros}
`policy.toml` is the rule in full. `certificate.html` (Chinese: `certificate.zh.html`) says what is promised, what is
not, and how to check it; `certificate.json` is the same for a machine, signed.
"""


@dataclass(frozen=True)
class ReleaseReport:
    """What a release did.

    Attributes
    ----------
    id : str
        Made of the records, definitions, places, policy and version, under the key; the same give the same.
    folder : Path
        The release, in the release zone; may leave.
    series : Path
        Guarded counts, with the columns of :data:`salus.tables.contracts.SERIES`; counts left out are null.
    breakdowns : Path or None
        Guarded counts by age group or sex: ``location``, ``disease``, ``signal``, ``date``, ``dimension``,
        ``category``, ``value``.
    certificate : Path
        What is promised.
    exact : Path
        Exact series, in the count zone; inside only.
    shown, zeros, left_out : int
        Counts above zero that are shown, zeros that are shown, and counts left out of the series.
    small, partners : int
        Of those left out: small ones, and those that protect them. Inside only.
    weeks_frozen : int
        Weeks of a syndrome that were released before and stand as they were.
    narrowest : float
        Width of the narrowest interval in which a count left out can be placed.
    beyond_bound : int
        Records that counted for nobody new under the contribution bound. Inside only.
    unplaced : dict of str to int
        Persons of districts that the places table does not have; in no count. Inside only.
    signer : str
        Fingerprint of the key that signed.
    simulated : bool
        Whether the records were simulated.
    already : bool
        Whether the very same release was there, so that nothing was changed.
    """

    id: str
    folder: Path
    series: Path
    breakdowns: Path | None
    certificate: Path
    exact: Path
    shown: int
    zeros: int
    left_out: int
    small: int
    partners: int
    weeks_frozen: int
    narrowest: float
    beyond_bound: int
    unplaced: dict[str, int]
    signer: str
    simulated: bool
    already: bool = False

    def lines(self) -> list[str]:
        """The report in words, a line each; for inside."""
        said = [
            f"{self.shown:,} counts and {self.zeros:,} zeros shown, {self.left_out:,} left out ({self.small:,} small, "
            f"{self.partners:,} to protect them)",
            "Nothing is left out."
            if not self.left_out
            else "Nothing above the counts left out is shown."
            if np.isinf(self.narrowest)
            else f"The narrowest interval in which a reader can place a count left out is {self.narrowest:g} wide.",
            f"{self.beyond_bound:,} records counted for nobody new: a person counts once a week and syndrome.",
            f"Release: {self.folder}",
            f"Signed by the key with the fingerprint {self.signer}",
        ]
        if self.weeks_frozen and not self.already:
            said.append(f"{self.weeks_frozen:,} weeks of a syndrome were released before and stand as they were.")
        if self.already:
            said.insert(0, "The same release was there already; nothing was changed.")
        if self.simulated:
            said.insert(0, "SIMULATED records.")
        if self.unplaced:
            shown = ", ".join(f"{d} ({n:,})" for d, n in list(self.unplaced.items())[:5])
            said.append(f"Districts that the places table does not have, in no count: {shown}")
        return said


def release(
    root: str | Path,
    definitions: pl.DataFrame,
    places: pl.DataFrame,
    policy: Policy | None = None,
    *,
    key: Key,
    weeks: tuple[dt.date, dt.date] | None = None,
    memory_limit: str = "1500MB",
) -> ReleaseReport:
    """Count what is inside and release what the policy allows.

    Parameters
    ----------
    root : str or Path
        Folder of the wall.
    definitions : polars.DataFrame
        Case definitions: ``code_system``, ``code``, ``match``, ``syndrome``, and where there ``disease``,
        ``encounter_class``; as `salus.surveillance.syndromes.definitions` gives them.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`, nested by ``parent``.
    policy : Policy, optional
        Default: the one that comes with Salus.
    key : Key
        The wall's key, for the commitment to the inputs.
    weeks : (datetime.date, datetime.date), optional
        First and last day to count.
    memory_limit : str
        Memory for the engine.

    Returns
    -------
    ReleaseReport

    Raises
    ------
    InputError
        There are no records, a syndrome is not defined, or the places don't nest.
    WallError
        A gate is missed; nothing is written, and the message says which.
    """
    wall = zones.existing(root)
    rule = policy or policies.load()
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        if not known.entries:
            raise InputError(f"there are no records in {root} yet. Ingest some first.")
        rules = _rules(definitions, rule)
        scheme = _scheme(places, rule)
        _check_disjoint(known, rules)
        _check_scheme(known, rules, scheme)
        simulated = any(e.simulated for e in known.entries) or _says_simulated(places)
        commitments = _commitments(known, key, definitions, places, rule, weeks)
        name = key.commitment(provenance.canonical(commitments))[: provenance.ID_LENGTH]
        counted = counts.count(
            ledger.parts(wall, known),
            definitions,
            places,
            rule,
            weeks=weeks,
            spill=wall.path("count"),
            memory_limit=memory_limit,
        )
        target, inner = wall.path("release") / name, wall.path("count") / name
        already = target.exists()
        flat = counted.values.reshape(-1, counted.tree.size)
        hidden = suppression.suppress(counted.tree, flat, rule.minimum_cell, rule.minimum_interval, rule.zeros)
        small = suppression.primary(flat, rule.minimum_cell, rule.zeros)
        label = "SIMULATED case records" if simulated else "case records"
        exact = guarded.series(counted, None, f"{label}, exact counts, inside only")
        shaped = hidden.reshape(counted.values.shape)
        label = f"{label}, Salus release {name}"
        table = guarded.series(counted, shaped, label)
        broken = guarded.breakdowns(counted, shaped, rule, label) if rule.breakdowns else None
        copies = [] if rule.revisions == "allow" else _earlier(wall, known, rules, name)
        new = table
        table, weeks_frozen = guarded.frozen(table, guarded.earlier(copies, guarded.SERIES_FILE, counted.diseases))
        if broken is not None:
            broken, _ = guarded.frozen(broken, guarded.earlier(copies, guarded.BREAKDOWNS_FILE, counted.diseases))
        stated = claims.claims(table, broken, rule)
        _gates(stated, exact, new, table, rule)
        if not already:
            inside = {
                "release": name,
                "left_out_small": int(small.sum()),
                "left_out_partners": int(hidden.sum() - small.sum()),
                "records_counted": counted.rows_counted,
                "records_beyond_bound": counted.beyond_bound,
                "unplaced": counted.unplaced,
            }
            released = known.released | {s: _listed(known.released.get(s), r, scheme, name) for s, r in rules.items()}
            try:
                _write_inside(inner, exact, counted.cells, inside)
                # a copy and the list first: what is out but not on the list would never be guarded
                _write_copy(wall.path("vault") / _COPIES / name, table, broken)
                ledger.write(wall, replace(known, released=released))
                _write_release(target, table, broken, rule, name, stated, commitments, key, simulated=simulated)
            except OSError as error:
                raise output_error(target, error) from error
    left_out = table["value"].null_count()
    narrowest = stated["narrowest_interval"]
    return ReleaseReport(
        id=name,
        folder=target,
        series=target / guarded.SERIES_FILE,
        breakdowns=target / guarded.BREAKDOWNS_FILE if broken is not None else None,
        certificate=target / certificate.NAME,
        exact=inner / guarded.SERIES_FILE,
        shown=int(stated["counts_shown"]),
        zeros=int(stated["zeros_shown"]),
        left_out=left_out,
        small=int(small.sum()),
        partners=int(hidden.sum() - small.sum()),
        weeks_frozen=weeks_frozen,
        narrowest=float("inf") if narrowest == "unbounded" else float(narrowest),
        beyond_bound=counted.beyond_bound,
        unplaced=counted.unplaced,
        signer=signatures.fingerprint(signatures.public_key(key)),
        simulated=simulated,
        already=already,
    )


def _rules(definitions: pl.DataFrame, policy: Policy) -> dict[str, list[str]]:
    """Syndrome -> its code rules as texts, for those that the policy releases."""
    chosen = definitions.filter(pl.col("syndrome").is_in(list(policy.syndromes or definitions["syndrome"].unique())))
    rules: dict[str, list[str]] = {}
    for system, code, match, syndrome in chosen.select("code_system", "code", "match", "syndrome").iter_rows():
        rules.setdefault(syndrome, []).append(f"{system} {match} {plain(code)}")
    return {s: sorted(r) for s, r in sorted(rules.items())}


def _scheme(places: pl.DataFrame, policy: Policy) -> str:
    """What must stay the same from release to release, so that two of them never show what one leaves out."""
    tree = (
        places.select(c for c in ("location", "parent", "location_level") if c in places.columns)
        .sort("location")
        .to_dicts()
    )
    shown = {k: v for k, v in policy.as_dict().items() if k not in ("name", "syndromes")}
    return provenance.short_id([tree, shown])


def _check_disjoint(known: ledger.Ledger, rules: dict[str, list[str]]) -> None:
    """No syndrome shares codes with another one, now or before."""
    before = {s: r["rules"] for s, r in known.released.items() if s not in rules}
    for number, (new, now) in enumerate(rules.items()):
        others = list(rules.items())[:number] + list(before.items())
        for old, was in others:
            if any(_overlap(a, b) for a in was for b in now):
                raise WallError(
                    f"'{new}' and '{old}'{'' if old in rules else ', which was released before,'} "
                    f"share codes, so the difference of "
                    f"their counts would be a count of its own. Leave one of them out of the policy's syndromes."
                )


def _check_scheme(known: ledger.Ledger, rules: dict[str, list[str]], scheme: str) -> None:
    """Nothing is released twice in two ways."""
    for syndrome, now in rules.items():
        before = known.released.get(syndrome)
        if before is not None and (before["scheme"] != scheme or before["rules"] != now):
            what = "another definition" if before["rules"] != now else "another policy or other places"
            raise WallError(
                f"'{syndrome}' was released before under {what} (release {before['releases'][-1]}), "
                f"and two tables of the same cases "
                "can show together what each leaves out. Keep to that policy (its policy.toml), "
                "those places and definitions."
            )


def _overlap(one: str, other: str) -> bool:
    (system, kind, code), (system_other, kind_other, code_other) = one.split(" "), other.split(" ")
    if system != system_other:
        return False
    below = kind == "prefix" and code_other.startswith(code)
    above = kind_other == "prefix" and code.startswith(code_other)
    return code == code_other or below or above


def _commitments(
    known: ledger.Ledger, key: Key, definitions: pl.DataFrame, places: pl.DataFrame, policy: Policy, weeks: object
) -> dict[str, str]:
    inputs = [[i["sha256"] for i in e.inputs] for e in known.entries]
    return {
        "inputs": key.commitment(provenance.canonical(inputs)),
        "definitions": certificate.definitions_id(definitions),
        "places": certificate.places_id(places),
        "policy": provenance.short_id(policy.as_dict()),
        "days": provenance.short_id(weeks),
        "code_version": provenance.versions()["salus"],
    }


def _gates(stated: dict[str, str], exact: pl.DataFrame, new: pl.DataFrame, table: pl.DataFrame, policy: Policy) -> None:
    """Refuse a release that shows a small count, can be narrowed too far, or shows what was not counted."""
    for claim, value in stated.items():
        if claim.endswith("smallest_count_shown") and value != "none" and int(value) < policy.minimum_cell:
            raise WallError(
                f"gate missed: a count of {value} would be shown, under the policy's "
                f"{policy.minimum_cell}. Nothing was written."
            )
        if claim.endswith("narrowest_interval") and value != "unbounded" and float(value) < policy.minimum_interval:
            raise WallError(
                f"gate missed: a count left out could be placed within {value}, the policy wants "
                f"{policy.minimum_interval}. "
                "Nothing was written."
            )
    if policy.zeros == "hide" and (table["value"] == 0).any():
        raise WallError("gate missed: a zero would be shown, which the policy hides. Nothing was written.")
    if ((new["value"] != exact["value"]) & new["value"].is_not_null()).any():
        raise WallError("gate missed: a count to be shown is not the one that was counted. Nothing was written.")


def _says_simulated(places: pl.DataFrame) -> bool:
    return "name" in places.columns and bool(
        places["name"].str.to_lowercase().str.contains("simulated", literal=True).any()
    )


def _listed(before: dict[str, Any] | None, rules: list[str], scheme: str, name: str) -> dict[str, Any]:
    """What the list says of a syndrome once a release of it is out."""
    releases = list(before["releases"]) if before else []
    return {"rules": rules, "scheme": scheme, "releases": releases if name in releases else [*releases, name]}


def _earlier(wall: zones.Zones, known: ledger.Ledger, rules: dict[str, list[str]], name: str) -> list[Path]:
    """Copies of the releases of these syndromes before this one, first one first."""
    found: dict[str, None] = {}
    for syndrome in rules:
        releases = known.released.get(syndrome, {}).get("releases", [])
        found |= dict.fromkeys(releases[: releases.index(name)] if name in releases else releases)
    return [wall.path("vault") / _COPIES / r for r in found]


def _write_copy(folder: Path, table: pl.DataFrame, broken: pl.DataFrame | None) -> None:
    """What the release makes known, kept so that later ones can be guarded against it."""
    with _whole(folder) as part:
        table.write_parquet(part / guarded.SERIES_FILE)
        if broken is not None:
            broken.write_parquet(part / guarded.BREAKDOWNS_FILE)


def _write_inside(folder: Path, exact: pl.DataFrame, cells: pl.DataFrame, inside: dict[str, object]) -> None:
    with _whole(folder) as part:
        exact.write_parquet(part / guarded.SERIES_FILE)
        cells.write_parquet(part / "cells.parquet")
        durable.write(part / "inside.json", json.dumps(inside, indent=1, ensure_ascii=False).encode())


def _write_release(
    folder: Path,
    table: pl.DataFrame,
    broken: pl.DataFrame | None,
    policy: Policy,
    name: str,
    stated: dict[str, str],
    commitments: dict[str, str],
    key: Key,
    *,
    simulated: bool,
) -> None:
    zeros = "A zero is a zero." if policy.zeros == "show" else "Zeros are left out too."
    said = _README.format(
        id=name, last=policy.minimum_cell - 1, zeros=zeros, simulated="SIMULATED records. " if simulated else ""
    )
    with _whole(folder) as part:
        table.write_parquet(part / guarded.SERIES_FILE)
        if broken is not None:
            broken.write_parquet(part / guarded.BREAKDOWNS_FILE)
        durable.write(part / "policy.toml", policy.as_toml().encode())
        durable.write(part / "README.md", said.encode())
        certificate.write(part, name, stated, commitments, policy, key, simulated=simulated)


class _whole:  # noqa: N801 (reads as a statement)
    """A folder that appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.part = folder, folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")

    def __enter__(self) -> Path:
        durable.make_folder(self.part)
        return self.part

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                for file in self.part.iterdir():
                    durable.sync_file(file)
                if self.folder.exists():
                    shutil.rmtree(self.folder)
                self.part.rename(self.folder)
                durable.sync_folder(self.folder.parent)
        finally:
            shutil.rmtree(self.part, ignore_errors=True)
