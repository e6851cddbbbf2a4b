"""A round: what several sites agree on before they share counts that only their sum reveals.

The round is one file, written and signed by whoever will combine. It names the sites by their keys, the days, the
places, the syndromes and their definitions, and the policy under which the sum will be released. From it every site
makes the same complete grid of cells, so an empty cell is one cell more, not a gap that tells something.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.data import durable, provenance
from salus.data.output import replaced_file
from salus.errors import InputError, WallError
from salus.privacy import certificate, counts, nesting, scheme, signatures
from salus.privacy import policy as policies
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.privacy.signatures import Member
from salus.privacy.steps.counting import AGE_NAMES, SEX_NAMES

NAME = "round.json"
"""The file of a round where it goes with a release."""

FEWEST = 3
"""Sites of a round: of two, each knows the other's counts once it knows the sum."""

_FORMAT = 1
_MOST_CELLS = 50_000_000
_LARGEST = 100_000_000
_PLACES = {
    "location": pl.String,
    "name": pl.String,
    "parent": pl.String,
    "location_level": pl.String,
    "population": pl.Float64,
}
_CELL = ("syndrome", "date", "district", "age_group", "sex")


@dataclass(frozen=True)
class Round:
    """What was agreed on.

    Attributes
    ----------
    digest : str
        SHA-256 of all of it, 64 hexadecimal digits; masks are made for it and for no other round.
    combiner : Member
        Who will combine; its mask is in every file, so nobody else can add them up.
    sites : tuple of Member
        The sites, by their public keys.
    names : dict of str to str
        Public key -> what the combiner calls the site.
    policy : Policy
        Under which the sum will be released.
    places : polars.DataFrame
        ``location``, ``name``, ``parent``, ``location_level``, ``population``.
    definitions : str
        Id of the case definitions.
    diseases : dict of str to str
        Syndrome -> name that series use, in the order of syndromes.
    days : (datetime.date, datetime.date)
        First and last day.
    raw : bytes
        The file.
    """

    digest: str
    combiner: Member
    sites: tuple[Member, ...]
    names: dict[str, str]
    policy: Policy
    places: pl.DataFrame
    definitions: str
    diseases: dict[str, str]
    days: tuple[dt.date, dt.date]
    raw: bytes

    @property
    def id(self) -> str:
        """The round in short, 16 hexadecimal digits."""
        return self.digest[: provenance.ID_LENGTH]

    @functools.cached_property
    def weeks(self) -> list[dt.date]:
        """First days of its weeks."""
        return counts.weeks_between(*self.days, 0 if self.policy.week_start == "monday" else 1)

    @functools.cached_property
    def districts(self) -> list[str]:
        """Places without parts, in order."""
        return sorted(set(self.places["location"]) - set(self.places["parent"].drop_nulls()))

    @property
    def cells(self) -> int:
        """Cells of the grid: syndromes by weeks by districts by age groups by sexes."""
        return int(np.prod([len(axis) for axis in self._axes]))

    @property
    def scheme(self) -> str:
        """As :func:`salus.privacy.scheme.scheme`; that of a site's own releases is never the same."""
        return provenance.short_id(["shares", scheme.scheme(self.places, self.policy)])

    def called(self, public: str) -> str:
        """A site in words.

        Parameters
        ----------
        public : str
            Its public key.
        """
        return f"'{self.names.get(public, 'unknown')}' ({signatures.fingerprint(public)})"

    def vector(self, cells: pl.DataFrame) -> np.ndarray:
        """Counts as one long row, every cell of the grid in its place.

        Parameters
        ----------
        cells : polars.DataFrame
            ``syndrome``, ``date``, ``district``, ``age_group``, ``sex``, ``persons``; cells that are not zero.
            Districts that the grid does not have are in no cell.

        Returns
        -------
        numpy.ndarray of uint64, shape (cells,)
        """
        placed = cells
        for column, axis in zip(_CELL, self._axes, strict=True):
            number = pl.DataFrame({column: axis, f"_{column}": range(len(axis))})
            placed = placed.join(number, on=column)
        shape = tuple(len(axis) for axis in self._axes)
        where = np.ravel_multi_index([placed[f"_{column}"].to_numpy() for column in _CELL], shape)
        row = np.zeros(self.cells, dtype=np.uint64)
        np.add.at(row, where, placed["persons"].to_numpy().astype(np.uint64))
        return row

    def table(self, row: np.ndarray) -> pl.DataFrame:
        """The cells that are not zero; what :meth:`vector` was made of.

        Parameters
        ----------
        row : numpy.ndarray of uint64, shape (cells,)
            Counts.
        """
        shape = tuple(len(axis) for axis in self._axes)
        found = np.flatnonzero(row)
        index = np.unravel_index(found, shape)
        columns = {
            c: pl.Series(axis).gather(k.astype(np.int64)) for c, axis, k in zip(_CELL, self._axes, index, strict=True)
        }
        table = pl.DataFrame(columns | {"persons": row[found].astype(np.int64)})
        order = ("district", "syndrome", "date", "age_group", "sex", "persons")
        return table.select(order).sort(pl.all())

    @property
    def _axes(self) -> list[list[Any]]:
        return [list(self.diseases), self.weeks, self.districts, list(AGE_NAMES), list(SEX_NAMES)]


def make(
    path: str | Path,
    sites: Sequence[tuple[str, Member]],
    definitions: pl.DataFrame,
    places: pl.DataFrame,
    policy: Policy,
    days: tuple[dt.date, dt.date],
    *,
    key: Key,
) -> Round:
    """Write the file of a round.

    Parameters
    ----------
    path : str or Path
        File to write.
    sites : sequence of (str, Member)
        What each site is called, and its keys.
    definitions : polars.DataFrame
        Case definitions.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`.
    policy : Policy
        Under which the sum will be released.
    days : (datetime.date, datetime.date)
        First and last day; weeks that lie in part outside are left out.
    key : Key
        Key of whoever will combine; it signs.

    Returns
    -------
    Round

    Raises
    ------
    InputError
        There are fewer than three sites, one is named twice, or places, policy and days don't go together.
    OutputError
        It can't be written.
    """
    publics = sorted(m.public for _, m in sites)
    if len(sites) < FEWEST:
        raise InputError(
            f"{len(sites)} sites are too few to share counts: of two, each knows the other's once the sum is known. "
            f"Give at least {FEWEST}, or let them send counts with noise."
        )
    if len(set(publics)) < len(publics) or signatures.public_key(key) in publics:
        raise InputError(
            "the same key is named twice. Give each site's own public key; whoever combines needs a key of its own, "
            "that of no site."
        )
    if policy.revisions != "freeze":
        raise InputError('counts that sites share are shared once. The policy must say revisions = "freeze".')
    kept = nesting.counted_places(places, policy)
    nesting.leaf_of(places, kept)
    known = [pl.lit(None, dtype=t).alias(c) for c, t in _PLACES.items() if c not in places.columns]
    table = places.with_columns(known).select(*_PLACES).sort("location")
    content: dict[str, Any] = {
        "format": _FORMAT,
        "combiner": asdict(Member.of(key)),
        "sites": [{"name": n} | asdict(m) for n, m in sorted(sites, key=lambda s: s[1].public)],
        "days": [d.isoformat() for d in days],
        "diseases": counts.diseases(definitions, policy),
        "definitions": certificate.definitions_id(definitions),
        "policy": policy.as_toml(),
        "places": table.to_dicts(),
    }
    content["signature"] = signatures.sign(key, certificate.signed_part(content))
    raw = certificate.rendered(content)
    made = parsed(raw, str(path))
    if made.cells > _MOST_CELLS:
        raise InputError(
            f"the round has {made.cells:,} cells, more than {_MOST_CELLS:,}. Give fewer weeks or syndromes at once."
        )
    with replaced_file(path) as file:
        durable.write(file, raw)
    return made


def load(path: str | Path) -> Round:
    """A round from its file.

    Parameters
    ----------
    path : str or Path
        As :func:`make` wrote it.

    Raises
    ------
    InputError
        There is no such file, or it is no round that this version reads.
    WallError
        It was changed after it was signed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST)
    except OSError as error:
        raise InputError(
            f"there is no file {path} that can be read. Give the round as the combiner sent it."
        ) from error
    return parsed(raw, str(path))


def parsed(raw: bytes, where: str) -> Round:
    """A round from the bytes of its file.

    Parameters
    ----------
    raw : bytes
        The file.
    where : str
        What messages call it.

    Raises
    ------
    InputError
        It is no round that this version reads.
    WallError
        It was changed after it was signed.
    """
    try:
        content = json.loads(raw)
        if content["format"] != _FORMAT or certificate.rendered(content) != raw:
            raise InputError(f"{where} is no round that this version reads. Ask the combiner to make it anew.")
        combiner = Member(**content["combiner"])
        members = [Member(s["public"], s["exchange"], s["signature"]) for s in content["sites"]]
        whole = signatures.holds(combiner.public, content["signature"], certificate.signed_part(content))
        if not whole or not all(m.holds for m in (combiner, *members)):
            raise WallError(f"{where} is not as the combiner signed it. Ask for the round anew, and take part in none.")
        places = pl.DataFrame(content["places"], schema=_PLACES)
        return Round(
            digest=hashlib.sha256(raw).hexdigest(),
            combiner=combiner,
            sites=tuple(sorted(members, key=lambda m: m.public)),
            names={s["public"]: str(s["name"]) for s in content["sites"]},
            policy=policies.parsed(content["policy"], f"the policy of {where}"),
            places=places,
            definitions=content["definitions"],
            diseases=content["diseases"],
            days=(dt.date.fromisoformat(content["days"][0]), dt.date.fromisoformat(content["days"][1])),
            raw=raw,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{where} is no round that this version reads. Ask the combiner to make it anew.") from error


def check_definitions(agreed: Round, definitions: pl.DataFrame) -> None:
    """Refuse to count by other definitions than were agreed on.

    Parameters
    ----------
    agreed : Round
        The round.
    definitions : polars.DataFrame
        One's own.

    Raises
    ------
    InputError
        They are others.
    """
    found = certificate.definitions_id(definitions)
    if found != agreed.definitions:
        raise InputError(
            f"the round counts by the case definitions {agreed.definitions}, here are {found}. Let all sites use one "
            "version of Salus, and make the round anew."
        )
