"""The file in which a site sends its counts of a round: every cell under masks that only the sum of all files sheds.

A site's masks are one stream of words for each other member (:mod:`salus.privacy.exchange`), added where its key comes
first and subtracted where the other's does, modulo 2**64. Summed over all members each stream is there once with either
sign and is gone. One file alone is even by chance in every cell, zeros too; so are all files but one. The construction
is that of Bonawitz et al., Practical secure aggregation, CCS 2017, without the part for sites that drop out: a round
with a site missing has no sum.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from salus.data import provenance
from salus.errors import InputError, WallError
from salus.privacy import certificate, exchange, signatures
from salus.privacy.keys import Key
from salus.privacy.rounds import Round
from salus.privacy.signatures import Member

_FORMAT = 1
_LONGEST_HEAD = 10_000


@dataclass(frozen=True)
class Share:
    """What one site sent.

    Attributes
    ----------
    site : str
        Its public key.
    simulated : bool
        Whether its records were simulated.
    words : numpy.ndarray of uint64, shape (cells,)
        Masked counts.
    """

    site: str
    simulated: bool
    words: np.ndarray


def masked(agreed: Round, key: Key, row: np.ndarray) -> np.ndarray:
    """Counts under the masks of one member; the combiner masks a row of zeros.

    Parameters
    ----------
    agreed : Round
        The round.
    key : Key
        The member's key.
    row : numpy.ndarray of uint64, shape (cells,)
        Counts.

    Returns
    -------
    numpy.ndarray of uint64, shape (cells,)

    Raises
    ------
    WallError
        An exchange key of the round is weak.
    """
    own = Member.of(key)
    done = row.astype(np.uint64)
    for other in (agreed.combiner, *agreed.sites):
        if other.public == own.public:
            continue
        mask = exchange.words(key, other.exchange, bytes.fromhex(agreed.digest), agreed.cells)
        done = done + mask if own.public < other.public else done - mask
    return done


def rendered(agreed: Round, key: Key, row: np.ndarray, *, simulated: bool) -> bytes:
    """The file that a site sends: one line of JSON, signed, and the masked words, least byte first.

    Parameters
    ----------
    agreed : Round
        The round.
    key : Key
        The site's key.
    row : numpy.ndarray of uint64, shape (cells,)
        Its counts.
    simulated : bool
        Whether its records were simulated.
    """
    words = masked(agreed, key, row).astype("<u8").tobytes()
    head: dict[str, Any] = {
        "format": _FORMAT,
        "round": agreed.digest,
        "site": signatures.public_key(key),
        "cells": agreed.cells,
        "words": hashlib.sha256(words).hexdigest(),
        "simulated": simulated,
    }
    head["signature"] = signatures.sign(key, certificate.signed_part(head))
    return provenance.canonical(head) + b"\n" + words


def read(path: str | Path, agreed: Round) -> Share:
    """A site's file, checked against the round.

    Parameters
    ----------
    path : str or Path
        As :func:`rendered` made it.
    agreed : Round
        The round.

    Returns
    -------
    Share

    Raises
    ------
    InputError
        There is no such file, or it is none of a site.
    WallError
        It was changed, is of another round or grid, or of a site that is not in the round.
    """
    path = Path(path)
    how = "Ask the site for its file anew; `salus records share` writes the same one again."
    try:
        with path.open("rb") as file:
            first = file.readline(_LONGEST_HEAD)
            words = file.read(8 * agreed.cells + 1)
        head = json.loads(first)
        signed = signatures.holds(head["site"], head["signature"], certificate.signed_part(head))
        whole = signed and provenance.canonical(head) + b"\n" == first and head["format"] == _FORMAT
        number, site, cells, wanted = head["round"], head["site"], head["cells"], head["words"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is no file of shared counts that can be read. {how}") from error
    if not whole:
        raise WallError(f"{path} is not as its site signed it. Nothing was combined. {how}")
    if number != agreed.digest:
        raise WallError(
            f"{path} was made for another round ({number[:16]}) than this one ({agreed.id}). Give the file of this "
            "round."
        )
    if site not in {m.public for m in agreed.sites}:
        raise WallError(f"{path} is of a site that is not in the round ({signatures.fingerprint(site)}). Leave it out.")
    if cells != agreed.cells:
        raise WallError(
            f"{path} has {cells:,} cells, the round has {agreed.cells:,}. Let the site count anew with the Salus that "
            "the others use."
        )
    if hashlib.sha256(words).hexdigest() != wanted:
        raise WallError(
            f"{path} of the site {agreed.called(site)} is not as its site signed it: words were changed or are "
            f"missing. Nothing was combined. {how}"
        )
    return Share(site, bool(head["simulated"]), np.frombuffer(words, dtype="<u8").astype(np.uint64))
