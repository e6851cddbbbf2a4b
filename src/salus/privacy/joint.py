"""The sum of what several sites shared: opened by the combiner alone, and released like any other exact counts.

Who combines learns the sum and nothing else. The sum is exact, so it goes into the count zone of a wall of its own, and
from there only through a policy: suppression, or noise for somebody who is seen at every site.

**A person seen at two sites** is counted at each; nobody can join them. Under differential privacy each site lets a
person into a bounded number of counts a year, so one person is in at most that many times the number of sites, and the
noise is made for that: epsilon holds however many sites a person is seen at. Under suppression a count may stand for
fewer persons, and the certificate says how few.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from salus.data import durable, provenance
from salus.data.output import output_error
from salus.errors import WallError
from salus.privacy import certificate, claims, ledger, log, rounds, scheme, shares, signatures, tabulation, zones
from salus.privacy.counts import Counts
from salus.privacy.keys import Key, Uses
from salus.privacy.ledger import Ledger
from salus.privacy.publication import Matter, publish
from salus.privacy.release_report import ReleaseReport
from salus.privacy.rounds import Round
from salus.privacy.shares import Share
from salus.privacy.whole import Whole
from salus.privacy.zones import Zones

SUM = "sum.parquet"
"""Exact sums of a round, in the count zone."""

_MOST = 1 << 40


def combine(
    files: Sequence[str | Path],
    round_file: str | Path,
    root: str | Path,
    definitions: pl.DataFrame,
    *,
    key: Key,
    why: str = "",
) -> ReleaseReport:
    """Open the sum of a round, and release what its policy allows.

    Parameters
    ----------
    files : sequence of str or Path
        One of each site.
    round_file : str or Path
        The round.
    root : str or Path
        Folder of a wall that holds sums and no records; made if it is not there.
    definitions : polars.DataFrame
        Case definitions.
    key : Key
        Key of whoever combines; the one that made the round.
    why : str
        Reason, for the log.

    Returns
    -------
    ReleaseReport

    Raises
    ------
    InputError
        A file can't be read, or the round counts by other definitions.
    WallError
        A file was changed, is of another round, comes twice or is missing, or a gate is missed; the message says which.
    """
    agreed = rounds.load(round_file)
    if agreed.combiner.public != signatures.public_key(key):
        raise WallError(
            f"the round was made with the key {signatures.fingerprint(agreed.combiner.public)}, this one is "
            f"{signatures.fingerprint(signatures.public_key(key))}: only the one that made it can open the sum."
        )
    rounds.check_definitions(agreed, definitions)
    sent = [shares.read(f, agreed) for f in files]
    _check_all_there(agreed, sent, files)
    total = opened(agreed, sent, key)
    inputs = tuple(
        {"name": i.name, "sha256": i.sha256, "bytes": i.bytes}
        for i in sorted((provenance.hash_file(f) for f in files), key=lambda i: i.sha256)
    )
    wall = zones.create(root)
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        if known.entries and not known.of_sites:
            raise WallError(
                f"{root} is a wall of records. Sums of sites go into a wall of their own: give a new folder."
            )
        with log.act(wall, key, "combine", why=why, round=agreed.id, sites=len(sent)) as entry:
            simulated = any(s.simulated for s in sent)
            known, place = _kept(wall, known, agreed, total, inputs, simulated=simulated)
            rules = scheme.rules(definitions.filter(pl.col("syndrome").is_in(list(agreed.diseases))), agreed.policy)
            scheme.check_disjoint(known, rules)
            scheme.check_scheme(known, rules, agreed.scheme)
            counted = of_round(wall, place, agreed)
            matter = Matter(
                counted=counted,
                bounded=lambda _: counted,  # each site has bounded its own
                rules=rules,
                scheme=agreed.scheme,
                commitments=_commitments(place, agreed, key),
                simulated=simulated,
                sites=len(sent),
                files={rounds.NAME: agreed.raw},
            )
            report = publish(wall, known, matter, agreed.policy, key=key, entry=entry, why=why)
    said = (
        f"The sum of {len(sent)} sites; no site's own counts were seen. A person is counted at each site where "
        "they were seen."
    )
    return dataclasses.replace(report, words=(said, *report.words))


def opened(agreed: Round, sent: Sequence[Share], key: Key) -> np.ndarray:
    """The sum of what all sites of a round sent.

    Parameters
    ----------
    agreed : Round
        The round.
    sent : sequence of Share
        One of each site.
    key : Key
        Key of whoever combines.

    Returns
    -------
    numpy.ndarray of uint64, shape (cells,)

    Raises
    ------
    WallError
        The masks don't cancel out.
    """
    total = shares.masked(agreed, key, np.zeros(agreed.cells, dtype=np.uint64))
    for one in sent:
        total = total + one.words
    if (total >= _MOST).any():
        raise WallError(
            f"the masks of the round {agreed.id} don't cancel out, so a site used another key than the round names. "
            "Make the round anew with the public key files that the sites have now."
        )
    return total


def of_round(wall: Zones, entry: ledger.Entry, agreed: Round | None = None) -> Counts:
    """Exact sums of a round that was combined.

    Parameters
    ----------
    wall : Zones
        The wall.
    entry : Entry
        The round in its list.
    agreed : Round, optional
        The round itself; without it the wall's copy.

    Returns
    -------
    Counts
    """
    folder = wall.path("count") / entry.part
    agreed = agreed or rounds.load(folder / rounds.NAME)
    cells = pl.read_parquet(folder / SUM)
    return tabulation.tabulate(
        cells, int(cells["persons"].sum()), agreed.places, agreed.policy, agreed.diseases, agreed.weeks
    )


def commitment(entry: ledger.Entry, key: Uses) -> str:
    """Keyed commitment to the files of a round.

    Parameters
    ----------
    entry : Entry
        The round in the wall's list.
    key : Uses
        The wall's key, or one that it had.
    """
    return key.commitment(provenance.canonical([[i["sha256"] for i in entry.inputs]]))


def _check_all_there(agreed: Round, sent: Sequence[Share], files: Sequence[str | Path]) -> None:
    first: dict[str, str | Path] = {}
    for one, file in zip(sent, files, strict=True):
        if one.site in first:
            raise WallError(
                f"{first[one.site]} and {file} are both of the site {agreed.called(one.site)}: its persons would count "
                "twice. Give one file a site."
            )
        first[one.site] = file
    missing = [m.public for m in agreed.sites if m.public not in first]
    if missing:
        raise WallError(
            f"there is no file of the site {' and '.join(agreed.called(p) for p in missing)}, and without every site's "
            "the sum can't be read. Ask for it; `salus records share` writes it again."
        )


def _kept(
    wall: Zones,
    known: Ledger,
    agreed: Round,
    total: np.ndarray,
    inputs: tuple[dict[str, object], ...],
    *,
    simulated: bool,
) -> tuple[Ledger, ledger.Entry]:
    """The sum in the count zone and on the list; the same a second time changes nothing."""
    before = next((e for e in known.entries if e.id == agreed.id), None)
    if before is not None:
        if [i["sha256"] for i in before.inputs] != [i["sha256"] for i in inputs]:
            raise WallError(
                f"the round {agreed.id} was combined before from other files, and the difference of two sums could be "
                "one site's counts. Give the files of the first time."
            )
        return known, before
    part = f"round-{agreed.id}"
    table = agreed.table(total)
    entry = ledger.Entry(
        id=agreed.id,
        number=len(known.entries) + 1,
        kind=ledger.SHARES,
        inputs=inputs,
        part=part,
        simulated=simulated,
        rows=len(inputs),
        kept=len(inputs),
        left_out={},
        set_aside={},
        persons=0,
        visits=0,
        first=agreed.weeks[0].isoformat(),
        last=agreed.days[1].isoformat(),
    )
    try:
        with Whole(wall.path("count") / part) as folder:
            table.write_parquet(folder / SUM)
            durable.write(folder / rounds.NAME, agreed.raw)
    except OSError as error:
        raise output_error(wall.root, error) from error
    after = dataclasses.replace(known, entries=(*known.entries, entry))
    ledger.write(wall, after)
    return after, entry


def _commitments(entry: ledger.Entry, agreed: Round, key: Key) -> dict[str, str]:
    return {
        "round": agreed.id,
        "inputs": commitment(entry, key),
        "definitions": agreed.definitions,
        "places": certificate.places_id(agreed.places),
        "policy": provenance.short_id(agreed.policy.as_dict()),
        "days": claims.said(agreed.weeks[0], agreed.weeks[-1] + dt.timedelta(days=6)),
        "code_version": provenance.versions()["salus"],
    }
