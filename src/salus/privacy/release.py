"""A release: exact counts into the count zone, guarded counts with their certificate into the release zone.

A release that misses a gate is not written; the gates stand in :mod:`salus.privacy.suppressed`. Syndromes share no
codes with one another or with what was released before (:mod:`salus.privacy.scheme`).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from salus.data import provenance
from salus.data.engines import DUCKDB
from salus.errors import InputError
from salus.privacy import certificate, claims, counts, days, ledger, log, scheme, zones
from salus.privacy import policy as policies
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.privacy.publication import Matter, publish
from salus.privacy.release_report import ReleaseReport

__all__ = ["ReleaseReport", "release"]


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
        First and last day to count, whole weeks; see :mod:`salus.privacy.days` for what is counted without it.
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
        There are no records, a syndrome is not defined, the places don't nest, or the days must be said.
    WallError
        A gate is missed; nothing is written, and the message says which.
    """
    wall = zones.existing(root)
    rule = policy or policies.load()
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        parts = ledger.parts(wall, known)
        ledger.check_weeks(wall, known, rule.week_start)
        if not parts:
            raise InputError(f"there are no records in {root} yet. Ingest some first.")
        with log.act(wall, key, "release", why=why, policy=rule.name) as entry:
            rules, name_of_scheme = scheme.rules(definitions, rule), scheme.scheme(places, rule)
            scheme.check_disjoint(known, rules)
            scheme.check_scheme(known, rules, name_of_scheme)
            simulated = any(e.simulated for e in known.entries) or _says_simulated(places)
            count = functools.partial(
                counts.count,
                parts,
                definitions,
                places,
                rule,
                weeks=days.chosen(wall, key, known, rules, rule, weeks),
                spill=wall.path("count"),
                engine=engine,
                memory_limit=memory_limit,
            )
            counted = count()
            matter = Matter(
                counted=counted,
                bounded=lambda bound: count(bound=bound),
                rules=rules,
                scheme=name_of_scheme,
                commitments=_commitments(known, key, definitions, places, rule, counted.weeks),
                simulated=simulated,
            )
            return publish(wall, known, matter, rule, key=key, entry=entry, why=why)


def _commitments(
    known: ledger.Ledger,
    key: Key,
    definitions: pl.DataFrame,
    places: pl.DataFrame,
    policy: Policy,
    weeks: Sequence[dt.date],
) -> dict[str, str]:
    inputs = [[i["sha256"] for i in e.inputs] for e in known.entries]
    return {
        "inputs": key.commitment(provenance.canonical(inputs)),
        "definitions": certificate.definitions_id(definitions),
        "places": certificate.places_id(places),
        "policy": provenance.short_id(policy.as_dict()),
        "days": claims.said(weeks[0], weeks[-1] + dt.timedelta(days=6)),
        "code_version": provenance.versions()["salus"],
    }


def _says_simulated(places: pl.DataFrame) -> bool:
    return "name" in places.columns and bool(
        places["name"].str.to_lowercase().str.contains("simulated", literal=True).any()
    )
