"""A release: exact counts into the count zone, guarded counts with their certificate into the release zone.

A release that misses a gate is not written; the gates stand in :mod:`salus.privacy.suppressed`. Syndromes share no
codes with one another or with what was released before (:mod:`salus.privacy.scheme`).
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import durable, provenance
from salus.data.engines import DUCKDB
from salus.data.output import output_error
from salus.errors import InputError
from salus.privacy import certificate, counts, guarded, ledger, log, noised, scheme, signatures, suppressed, zones
from salus.privacy import policy as policies
from salus.privacy.keys import Key
from salus.privacy.offer import Offer
from salus.privacy.policy import Policy
from salus.privacy.whole import Whole

_COPIES = "released"

_README = """# Release {id}
{simulated}Counts of persons seen with a disease or syndrome, by place and week; a person counts once in a week.
{guarded}
`policy.toml` is the rule in full. `certificate.html` (Chinese: `certificate.zh.html`) says what is promised, what is
not, and how to check it; `certificate.json` is the same for a machine, signed.
"""

_SUPPRESSED = """\
A count of 1 to {last} is left out, and so are further counts, so that none comes back by adding and subtracting.
A count left out is empty in `series.parquet`: it is unknown, not zero. {zeros}"""

_NOISED = """\
Each count has noise, so that all of them say little of whether any one person was in the records of a year
(differential privacy, epsilon {epsilon:g}); a person is in at most {bound} counts a year. Counts of places add up."""


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
    words : tuple of str
        What was done to the counts; inside only.
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
    words: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The report in words, a line each; for inside."""
        said = [
            *self.words,
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
    engine: str = DUCKDB,
    memory_limit: str = "1200MB",
    why: str = "",
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
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``.
    memory_limit : str
        Memory for the engine.
    why : str
        Reason, for the log.

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
        with log.act(wall, key, "release", why=why, policy=rule.name) as entry:
            rules, name_of_scheme = scheme.rules(definitions, rule), scheme.scheme(places, rule)
            scheme.check_disjoint(known, rules)
            scheme.check_scheme(known, rules, name_of_scheme)
            simulated = any(e.simulated for e in known.entries) or _says_simulated(places)
            commitments = _commitments(known, key, definitions, places, rule, weeks)
            name = key.commitment(provenance.canonical(commitments))[: provenance.ID_LENGTH]
            count = functools.partial(
                counts.count,
                ledger.parts(wall, known),
                definitions,
                places,
                rule,
                weeks=weeks,
                spill=wall.path("count"),
                engine=engine,
                memory_limit=memory_limit,
            )
            counted = count()
            target, inner, copies = wall.path("release") / name, wall.path("count") / name, wall.path("vault") / _COPIES
            already = target.exists()
            label = "SIMULATED case records" if simulated else "case records"
            earlier = [] if rule.revisions == "allow" else scheme.earlier(known, rules, name)
            said = f"{label}, Salus release {name}"
            if rule.noisy:
                offer = noised.offer(
                    wall,
                    counted,
                    lambda bound: count(bound=bound),
                    rule,
                    scheme=provenance.short_id([name_of_scheme, sorted(rules)]),
                    name=name,
                    label=f"{said}, with noise",
                    earlier=earlier,
                    released=any(name in r["releases"] for r in known.released.values()),
                )
            else:
                offer = suppressed.offer(counted, rule, said, [copies / r for r in earlier])
            inside: dict[str, Any] = {
                "release": name,
                "made_utc": provenance.utc_text(),
                "records_counted": counted.rows_counted,
                "records_beyond_bound": counted.beyond_bound,
                "unplaced": counted.unplaced,
            } | offer.inside
            if not already:
                exact = guarded.series(counted, None, f"{label}, exact counts, inside only")
                try:
                    _write_inside(inner, exact, counted.cells, inside)
                    # a copy and the list first: what is out but not on the list would never be guarded
                    _write_copy(copies / name, offer, rule)
                    mixed = any(r.get("kind", "suppression") != rule.kind for r in known.released.values())
                    ledger.write(wall, scheme.listed(known, rules, name_of_scheme, name, rule.kind))
                    committed = {"log_head": entry.hash} | commitments
                    _write_release(target, offer, rule, name, committed, key, simulated=simulated, mixed=mixed)
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
    )


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


def _says_simulated(places: pl.DataFrame) -> bool:
    return "name" in places.columns and bool(
        places["name"].str.to_lowercase().str.contains("simulated", literal=True).any()
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


def _write_inside(folder: Path, exact: pl.DataFrame, cells: pl.DataFrame, inside: dict[str, object]) -> None:
    with Whole(folder) as part:
        exact.write_parquet(part / guarded.SERIES_FILE)
        cells.write_parquet(part / "cells.parquet")
        durable.write(part / "inside.json", json.dumps(inside, indent=1, ensure_ascii=False).encode())


def _write_release(
    folder: Path,
    offer: Offer,
    policy: Policy,
    name: str,
    commitments: dict[str, str],
    key: Key,
    *,
    simulated: bool,
    mixed: bool,
) -> None:
    zeros = "A zero is a zero." if policy.zeros == "show" else "Zeros are left out too."
    if policy.noisy:
        rule = _NOISED.format(epsilon=policy.epsilon, bound=policy.contributions_per_person_year)
    else:
        rule = _SUPPRESSED.format(last=policy.minimum_cell - 1, zeros=zeros)
    said = _README.format(id=name, guarded=rule, simulated="SIMULATED records. " if simulated else "")
    with Whole(folder) as part:
        _write_tables(part, offer)
        durable.write(part / "policy.toml", policy.as_toml().encode())
        durable.write(part / "README.md", said.encode())
        committed = offer.promised | commitments
        certificate.write(part, name, offer.stated, committed, policy, key, simulated=simulated, mixed=mixed)
