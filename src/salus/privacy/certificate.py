"""The certificate of a release: what is stated about it, for which files, signed by the department.

The commitment to the inputs is keyed, so nobody without the key can try out guesses at the records against it. How many
counts were left out for being small, and how many to protect those, is known inside only: together with the sums, that
could pin some of them down.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import durable, provenance
from salus.errors import InputError
from salus.privacy import claims, page, signatures, utility
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.tables.contracts import CERTIFICATES

FORMAT = 2
NAME = "certificate.json"
PAGES = {"en": "certificate.html", "zh": "certificate.zh.html"}
"""The certificate in words, by language."""

NEEDS = {
    "interval_around_value": "key and records",
    "budget_left": "key and records",
    "log_head": "key and records",
    "inputs": "key and records",
    "definitions": "definitions",
    "places": "places",
    "policy": "release",
    "round": "release",
    "days": "release",
    "code_version": "nothing can",
} | dict.fromkeys(utility.CLAIMS, "key and records")
"""What is needed to check a commitment; see :data:`salus.tables.contracts.CERTIFICATES`."""

_LARGEST = 10_000_000


def write(
    folder: Path,
    release: str,
    stated: dict[str, str],
    commitments: dict[str, str],
    policy: Policy,
    key: Key,
    *,
    simulated: bool,
    mixed: bool = False,
    sites: int = 1,
) -> None:
    """Certify the files that are in a folder: two pages in words, and the signed certificate.

    Parameters
    ----------
    folder : Path
        Folder of the release, complete but for its certificate.
    release : str
        Id of the release.
    stated : dict of str to str
        Claims that anyone can recompute.
    commitments : dict of str to str
        The rest, named as in :data:`NEEDS`.
    policy : Policy
        Under which it was made.
    key : Key
        The department's key, which signs.
    simulated : bool
        Whether the records were simulated.
    mixed : bool
        Whether the wall releases other syndromes in another way.
    sites : int
        How many sites' counts were summed.
    """
    rows = [{"release": release, "claim": c, "value": v, "needs": "release"} for c, v in stated.items()]
    rows += [{"release": release, "claim": c, "value": v, "needs": NEEDS[c]} for c, v in commitments.items()]
    checked = CERTIFICATES.check(
        pl.DataFrame(rows, schema={c.name: c.dtype for c in CERTIFICATES.columns}), "certificate"
    )
    public = signatures.public_key(key)
    content: dict[str, Any] = {
        "format": FORMAT,
        "release": release,
        "certified_utc": provenance.utc_text(),
        "simulated": simulated,
        "claims": checked.to_dicts(),
        "not_claimed": claims.not_claimed(policy, mixed=mixed, sites=sites),
        "files": {f.name: hash_of(f) for f in sorted(folder.iterdir())},
        "signer": {"algorithm": signatures.ALGORITHM, "public_key": public},
    }
    pages = {name: page.render(content, policy, language) for language, name in PAGES.items()}
    for name, text in pages.items():
        durable.write(folder / name, text.encode())
        content["files"][name] = hash_of(folder / name)
    content["signature"] = signatures.sign(key, signed_part(content))
    durable.write(folder / NAME, rendered(content))


def read(folder: Path) -> dict[str, Any] | None:
    """Certificate of a release.

    Parameters
    ----------
    folder : Path
        Folder of one release.

    Returns
    -------
    dict or None
        None where the file is there but is no certificate in the one form that this version writes: it was changed.

    Raises
    ------
    InputError
        The folder is not there, holds no certificate, or one that this version can't read.
    """
    path = folder / NAME
    how = f"Give the folder of one release: the one that holds {NAME}, such as wall/release/1f0c2d3e4b5a6978."
    if not folder.exists():
        raise InputError(f"there is no folder {folder}. {how}")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file, not a release. {how}")
    if not path.is_file() or path.is_symlink():
        raise InputError(f"{folder} is not a release: there is no file {NAME} in it. {how}")
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"there is no permission to read {path}, or the disk fails. Copy the release anew.") from error
    if len(raw) > _LARGEST:
        raise InputError(f"{path} is larger than any certificate ({_LARGEST:,} bytes). Ask for the release anew.")
    try:
        content = json.loads(raw)
        number = content["format"] if isinstance(content, dict) else None
        if isinstance(number, int) and number != FORMAT and not isinstance(number, bool):
            which = "a newer Salus" if number > FORMAT else "the Salus that made it"
            raise InputError(f"{path} is of format {number}, this version reads {FORMAT}. Use {which}.")
        return content if number == FORMAT and rendered(content) == raw else None
    except (ValueError, KeyError, RecursionError):
        return None


def signed_part(content: dict[str, Any]) -> bytes:
    """What the signature is of: all of the certificate but the signature, in the one canonical JSON text.

    Parameters
    ----------
    content : dict
        The certificate.
    """
    return provenance.canonical({k: v for k, v in content.items() if k != "signature"})


def rendered(content: dict[str, Any]) -> bytes:
    """The one form of a certificate as a file.

    Parameters
    ----------
    content : dict
        The certificate.
    """
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def hash_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    Parameters
    ----------
    path : Path
        A file.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def places_id(places: pl.DataFrame) -> str:
    """Id of a table of places, as certificates state it.

    Parameters
    ----------
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`.
    """
    return provenance.short_id(places.sort("location").to_dicts())


def definitions_id(definitions: pl.DataFrame) -> str:
    """Id of case definitions, as certificates state it.

    Parameters
    ----------
    definitions : polars.DataFrame
        As the release was given them.
    """
    return provenance.short_id(definitions.sort(pl.all()).to_dicts())
