"""A site's part of a round: count at home, mask every cell, send one file, and remember that it was sent.

A week of a syndrome leaves a site once, and in one way: what was shared is not shared again in another round and is not
released by the site itself, for the difference of two sums, or of a sum and what is shown beside it, would be counts of
one site. The file is kept in the vault; a rerun gives the same bytes, and one that is lost is never made anew, for two
files of one round differ by what changed in the counts.

Under differential privacy the site bounds the counts of each person and pays for the round from its own budget.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from salus.data import durable
from salus.data.engines import DUCKDB
from salus.data.output import output_error, replaced_file
from salus.errors import InputError, WallError
from salus.privacy import budget, counts, ledger, log, noised, rounds, scheme, shares, signatures, zones
from salus.privacy.counts import Bound, Counts
from salus.privacy.keys import Key
from salus.privacy.ledger import Ledger
from salus.privacy.rounds import Round
from salus.privacy.whole import Whole
from salus.privacy.zones import Zones

FOLDER = "shares"
"""Folder of the vault with a folder for each round: the round, the file sent, what it took of each person."""

_FILE = "share.salus"


@dataclass(frozen=True)
class ShareReport:
    """What a site shared.

    Attributes
    ----------
    file : Path
        To be sent to the combiner.
    round : str
        Id of the round.
    sites : int
        How many take part.
    cells : int
        Cells in the file, all of them masked.
    persons : int
        Sum of the site's counts; inside only.
    unplaced : dict of str to int
        ``districts`` that the round does not have and their ``persons``, in no cell. Inside only.
    policy : str
        Name of the policy under which the sum will be released.
    already : bool
        Whether it was shared before; then the very same file was written.
    simulated : bool
        Whether the records were simulated.
    """

    file: Path
    round: str
    sites: int
    cells: int
    persons: int
    unplaced: dict[str, int]
    policy: str
    already: bool
    simulated: bool

    def lines(self) -> list[str]:
        """The report in words, a line each; for inside."""
        said = [
            f"{self.cells:,} cells, every one masked: only the sum of all {self.sites} sites can be read, and only by "
            f"the combiner. It will be released under the policy '{self.policy}'.",
            "These weeks and syndromes can't be shared again, nor released by this site itself.",
            f"File to send: {self.file}",
        ]
        if self.already:
            said.insert(0, "It was shared before; the very same file was written.")
        if self.simulated:
            said.insert(0, "SIMULATED records.")
        if self.unplaced:
            said.append(
                f"In no cell: {self.unplaced['persons']:,} persons of {self.unplaced['districts']:,} districts that "
                "the round does not have"
            )
        return said


def share(
    root: str | Path,
    round_file: str | Path,
    out: str | Path,
    definitions: pl.DataFrame,
    public_keys: Collection[str],
    *,
    key: Key,
    engine: str = DUCKDB,
    memory_limit: str = "1200MB",
    why: str = "",
) -> ShareReport:
    """Count the records of a wall for a round, and write the masked file.

    Parameters
    ----------
    root : str or Path
        Folder of the wall.
    round_file : str or Path
        The round, as the combiner sent it.
    out : str or Path
        File to write.
    definitions : polars.DataFrame
        Case definitions.
    public_keys : collection of str
        Public keys of the combiner and of the other sites, each had from its owner by another way than the round:
        whoever made up the others could take this site's counts from the sum.
    key : Key
        The wall's key.
    engine : str
        ``duckdb``, or a Spark master such as ``local[2]``.
    memory_limit : str
        Memory for the engine.
    why : str
        Reason, for the log.

    Returns
    -------
    ShareReport

    Raises
    ------
    InputError
        There are no records, the round can't be read, or it counts by other definitions.
    WallError
        The round was changed, this site is not in it, a member's key is none of those given, or something of it left
        before; nothing is written.
    """
    agreed = rounds.load(round_file)
    _check_members(agreed, key, public_keys)
    rounds.check_definitions(agreed, definitions)
    wall = zones.existing(root)
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        parts = ledger.parts(wall, known)
        ledger.check_weeks(wall, known, agreed.policy.week_start)
        if not parts:
            raise InputError(f"there are no records in {root} yet. Ingest some first.")
        with log.act(wall, key, "share", why=why, round=agreed.id) as entry:
            rules = scheme.rules(definitions.filter(pl.col("syndrome").is_in(list(agreed.diseases))), agreed.policy)
            scheme.check_disjoint(known, rules)
            scheme.check_scheme(known, rules, agreed.scheme)
            store = wall.path("vault") / FOLDER / agreed.id
            already = store.exists()
            simulated = any(e.simulated for e in known.entries)
            persons, unplaced = 0, {}
            if not already:
                _check_once(wall, known, agreed)
                count = functools.partial(
                    counts.count,
                    parts,
                    definitions,
                    agreed.places,
                    agreed.policy,
                    weeks=agreed.days,
                    spill=wall.path("count"),
                    engine=engine,
                    memory_limit=memory_limit,
                )
                try:
                    counted = _stored(wall, store, agreed, count, key, known, rules, simulated=simulated)
                except OSError as error:
                    raise output_error(store, error) from error
                persons, unplaced = int(counted.cells["persons"].sum()), counted.unplaced
            ledger.write(wall, scheme.shared(known, rules, agreed.scheme, agreed.id, agreed.policy.kind))
            content = (store / _FILE).read_bytes()
            with replaced_file(out) as file:
                durable.write(file, content)
            log.append(wall, key, "shared", why=why, line=entry.number, round=agreed.id, already=already)
    return ShareReport(
        file=Path(out),
        round=agreed.id,
        sites=len(agreed.sites),
        cells=agreed.cells,
        persons=persons,
        unplaced=unplaced,
        policy=agreed.policy.name,
        already=already,
        simulated=simulated,
    )


def _check_members(agreed: Round, key: Key, public_keys: Collection[str]) -> None:
    own = signatures.public_key(key)
    if own not in {m.public for m in agreed.sites}:
        raise WallError(
            f"this site's key ({signatures.fingerprint(own)}) is not in the round. Give the combiner the file that "
            "`salus records key` wrote beside it, or use the key that the round names."
        )
    for member in (agreed.combiner, *agreed.sites):
        if member.public not in (own, *public_keys):
            who = "the combiner" if member is agreed.combiner else f"the site {agreed.called(member.public)}"
            raise WallError(
                f"nobody vouched for {who}, whose key in the round has the fingerprint "
                f"{signatures.fingerprint(member.public)}. Get the public key from its owner by another way than the "
                "round, and give it with --public-key."
            )


def _check_once(wall: Zones, known: Ledger, agreed: Round) -> None:
    """Refuse what was shared before in another round, and a file that was made and is gone."""
    if any(agreed.id in r.get("rounds", []) for r in known.released.values()):
        store = wall.path("vault") / FOLDER / agreed.id
        raise WallError(
            f"the file of the round {agreed.id} is gone from the vault. Making it anew could tell what changed since. "
            f"Put {store} back from a copy."
        )
    listed = sorted({n for r in known.released.values() for n in r.get("rounds", [])})
    _check_kept([wall.path("vault") / FOLDER / n / rounds.NAME for n in listed])
    for folder in sorted((wall.path("vault") / FOLDER).glob("[!.]*")):
        before = rounds.load(folder / rounds.NAME)
        again = sorted(set(before.diseases) & set(agreed.diseases))
        if again and before.weeks[0] <= agreed.weeks[-1] and agreed.weeks[0] <= before.weeks[-1]:
            raise WallError(
                f"'{again[0]}' of weeks of this round was shared before, in the round {before.id}: the difference of "
                "two sums could be one site's counts. Take part in rounds of other weeks."
            )


def _check_kept(files: Sequence[Path]) -> None:
    """Refuse to go on where what was kept of an earlier round is gone."""
    gone = [f for f in files if not f.exists()]
    if gone:
        raise WallError(
            f"{gone[0]} is gone, which was kept of an earlier round, so nobody can say what was shared of whom. "
            "Restore the vault from its backup; nothing was changed."
        )


def _stored(
    wall: Zones,
    store: Path,
    agreed: Round,
    count: functools.partial[Counts],
    key: Key,
    known: Ledger,
    rules: dict[str, list[str]],
    *,
    simulated: bool,
) -> Counts:
    """Count, pay, and keep the file in the vault, before anything leaves."""
    policy = agreed.policy
    durable.make_folder(store.parent)
    with Whole(store) as part:
        bound = None
        if policy.noisy:
            taken = noised.contributions(known.generation)
            before = [r for s in rules for r in known.released.get(s, {}).get("rounds", [])]
            used = tuple(store.with_name(r) / taken for r in dict.fromkeys(before))
            _check_kept(used)
            nothing = pl.DataFrame(schema={"syndrome": pl.String, "date": pl.Date})
            bound = Bound(policy.contributions_per_person_year, used, nothing, part / taken)
        counted = count(bound=bound)
        if policy.noisy:
            years = sorted({noised.year_of(week) for week in agreed.weeks})
            limit = policy.epsilon_limit
            budget.spend(wall, agreed.scheme, years, policy.epsilon, limit=limit, release=agreed.id)
        row = agreed.vector(counted.cells)
        durable.write(part / rounds.NAME, agreed.raw)
        durable.write(part / _FILE, shares.rendered(agreed, key, row, simulated=simulated))
    return counted
