"""From counts to a release that is out: guard them, write what stays inside, then the folder that may leave.

What is counted comes from records (:mod:`salus.privacy.release`) or from the sum of several sites
(:mod:`salus.privacy.joint`); from here on both go the same way, through the same gates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import durable, provenance
from salus.data.output import output_error
from salus.privacy import (
    breakdowns,
    certificate,
    claims,
    guarded,
    ledger,
    log,
    noised,
    rounding,
    scheme,
    signatures,
    suppressed,
)
from salus.privacy.counts import Bound, Counts
from salus.privacy.keys import Key
from salus.privacy.offer import Offer
from salus.privacy.policy import Policy
from salus.privacy.release_report import ReleaseReport
from salus.privacy.whole import Whole
from salus.privacy.zones import EXACT, Zones

_COPIES = "released"

_README = """# Release {id}
{simulated}Counts of persons seen with a disease or syndrome, by place and week; a person counts once in a {once}.
{guarded}
`policy.toml` is the rule in full. `certificate.html` (Chinese: `certificate.zh.html`) says what is promised, what is
not, and how to check it; `certificate.json` is the same for a machine, signed.
"""

_SUPPRESSED = """\
A count of 1 to {last} is left out, and so are further counts, so that none comes back by adding and subtracting.
A count left out is empty in `series.parquet`: it is unknown, not zero. {zeros}{rounded}"""

_NOISED = """\
Each count has noise, so that all of them say little of whether any one person was in the records of a year
(differential privacy, epsilon {epsilon:g}); a person is in at most {bound} counts a year. Counts of places add up."""

_NOISED_BREAKDOWNS = """
`breakdowns.parquet` has counts by age group or sex from the same epsilon: `age_group` or `sex` is empty where all are
counted. They add up to the counts of their places; many are small, and of a small one the noise is the larger part. As
none is negative, cells of almost nobody are too high: add up `noisy`, the same before they were made to add up."""


@dataclass(frozen=True)
class Matter:
    """What is to be released, before any guard.

    Attributes
    ----------
    counted : Counts
        Exact counts.
    bounded : callable
        Counts again under a bound of a person and year; asked under differential privacy only.
    rules : dict of str to list of str
        Code rules of the syndromes, as :func:`salus.privacy.scheme.rules` gives them.
    scheme : str
        As :func:`salus.privacy.scheme.scheme` gives it.
    commitments : dict of str to str
        Statements that need the key and the records; the id of the release is made of them.
    simulated : bool
        Whether the records were simulated.
    sites : int
        How many sites' counts these are the sum of; a person may be counted at each.
    files : mapping of str to bytes
        What else goes into the folder, by name.
    """

    counted: Counts
    bounded: Callable[[Bound], Counts]
    rules: dict[str, list[str]]
    scheme: str
    commitments: dict[str, str]
    simulated: bool
    sites: int = 1
    files: Mapping[str, bytes] = field(default_factory=dict)


def publish(
    wall: Zones, known: ledger.Ledger, matter: Matter, policy: Policy, *, key: Key, entry: log.Entry, why: str
) -> ReleaseReport:
    """Guard counts and write the release; the very same one a second time changes nothing.

    Parameters
    ----------
    wall : Zones
        The wall, locked by the caller.
    known : Ledger
        Its list.
    matter : Matter
        What is to be released.
    policy : Policy
        Under which.
    key : Key
        The wall's key.
    entry : Entry
        Line of the log at which the release was begun.
    why : str
        Reason, for the log.

    Returns
    -------
    ReleaseReport

    Raises
    ------
    WallError
        A gate is missed; nothing is written, and the message says which.
    """
    counted, rules, simulated = matter.counted, matter.rules, matter.simulated
    name = key.commitment(provenance.canonical(matter.commitments))[: provenance.ID_LENGTH]
    target, inner, copies = wall.path("release") / name, wall.path("count") / name, wall.path("vault") / _COPIES
    already = target.exists()
    label = "SIMULATED case records" if simulated else "case records"
    earlier = [] if policy.revisions == "allow" else scheme.earlier(known, rules, name)
    said = f"{label}, Salus release {name}" + (f", sum of {matter.sites} sites" if matter.sites > 1 else "")
    if policy.noisy:
        offer = noised.offer(
            wall,
            counted,
            matter.bounded,
            policy,
            scheme=provenance.short_id([matter.scheme, sorted(rules)]),
            name=name,
            label=f"{said}, with noise",
            earlier=earlier,
            released=any(name in r["releases"] for r in known.released.values()),
            sites=matter.sites,
            generation=known.generation,
        )
    else:
        offer = suppressed.offer(counted, policy, said, [copies / r for r in earlier])
    if policy.rates_per:
        offer.stated["rates"] = claims.RATES
    offer.stated.update(claims.of_sites(offer.stated, policy, matter.sites))
    inside: dict[str, Any] = {
        "release": name,
        "made_utc": provenance.utc_text(),
        "records_counted": counted.rows_counted,
        "records_beyond_bound": counted.beyond_bound,
        "unplaced": counted.unplaced,
    } | offer.inside
    if not already:
        exact = _exact(counted, policy, f"{label}, {EXACT}")
        try:
            _write_inside(inner, exact, inside)
            # a copy and the list first: what is out but not on the list would never be guarded
            _write_copy(copies / name, offer, policy)
            mixed = any(r.get("kind", "suppression") != policy.kind for r in known.released.values())
            ledger.write(wall, scheme.listed(known, rules, matter.scheme, name, policy.kind))
            _write_release(target, offer, matter, policy, name, entry, key, mixed=mixed)
        except OSError as error:
            raise output_error(target, error) from error
    log.append(wall, key, "released", why=why, line=entry.number, release=name, already=already)
    narrowest = offer.stated.get("narrowest_interval", "unbounded")
    return ReleaseReport(
        id=name,
        folder=target,
        series=target / guarded.SERIES_FILE,
        breakdowns=target / guarded.BREAKDOWNS_FILE if offer.breakdowns is not None else None,
        certificate=target / certificate.NAME,
        exact=inner / guarded.SERIES_FILE,
        shown=int(offer.stated["counts_shown"]),
        zeros=int(offer.stated["zeros_shown"]),
        left_out=offer.series["value"].null_count(),
        small=inside.get("left_out_small", 0),
        partners=inside.get("left_out_partners", 0),
        weeks_frozen=offer.weeks_frozen,
        narrowest=float("inf") if narrowest == "unbounded" else float(narrowest),
        beyond_bound=counted.beyond_bound,
        unplaced=counted.unplaced,
        signer=signatures.fingerprint(signatures.public_key(key)),
        simulated=simulated,
        already=already,
        words=offer.words,
        sites=matter.sites,
        days=matter.commitments["days"],
    )


def _write_copy(folder: Path, offer: Offer, policy: Policy) -> None:
    """What the release makes known, kept so that later ones can be guarded against it."""
    with Whole(folder) as part:
        _write_tables(part, offer)
        durable.write(part / "policy.toml", policy.as_toml().encode())


def _write_tables(part: Path, offer: Offer) -> None:
    offer.series.write_parquet(part / guarded.SERIES_FILE)
    if offer.breakdowns is not None:
        offer.breakdowns.write_parquet(part / guarded.BREAKDOWNS_FILE)


def _exact(counted: Counts, policy: Policy, label: str) -> dict[str, pl.DataFrame]:
    """Exact counts by the name of their file; by age group and sex where they are released with noise."""
    tables = {guarded.SERIES_FILE: guarded.series(counted, None, label), "cells.parquet": counted.cells}
    if policy.noisy and policy.breakdowns:
        tables[guarded.BREAKDOWNS_FILE] = breakdowns.exact(counted, policy, label)
    return tables


def _write_inside(folder: Path, exact: Mapping[str, pl.DataFrame], inside: dict[str, object]) -> None:
    with Whole(folder) as part:
        for name, table in exact.items():
            table.write_parquet(part / name)
        durable.write(part / "inside.json", json.dumps(inside, indent=1, ensure_ascii=False).encode())


def _write_release(
    folder: Path, offer: Offer, matter: Matter, policy: Policy, name: str, entry: log.Entry, key: Key, *, mixed: bool
) -> None:
    zeros = "A zero is a zero." if policy.zeros == "show" else "Zeros are left out too."
    if policy.noisy:
        rule = _NOISED.format(epsilon=policy.epsilon, bound=offer.stated["contributions_per_person_year"])
        rule += _NOISED_BREAKDOWNS if policy.breakdowns else ""
    else:
        rounded = f" Counts shown are rounded to the nearest {policy.round_to}." if policy.round_to > 1 else ""
        rule = _SUPPRESSED.format(last=policy.minimum_cell - 1, zeros=zeros, rounded=rounded)
    said = _README.format(
        id=name,
        guarded=rule,
        simulated="SIMULATED records. " if matter.simulated else "",
        once="week" if matter.sites == 1 else f"week at each of {matter.sites} sites",
    )
    with Whole(folder) as part:
        _write_tables(part, offer)
        durable.write(part / "policy.toml", policy.as_toml().encode())
        durable.write(part / "README.md", said.encode())
        if policy.rates_per:
            durable.write(part / rounding.RATES_FILE, rounding.rates(offer.series, policy).encode())
        for file, content in matter.files.items():
            durable.write(part / file, content)
        certificate.write(
            part,
            name,
            offer.stated,
            offer.promised | {"log_head": entry.hash} | matter.commitments,
            policy,
            key,
            simulated=matter.simulated,
            mixed=mixed,
            sites=matter.sites,
        )
