"""The keys that a wall had before the one in force, as far as they are still needed, locked with the one in force.

The number of a person is that of the identifier under the first key, of that number under the second key, and so on. So
who was inside before a change of keys is the same person after it, and whoever has a key that was given up can make
nothing of what is inside now. What is kept of an old key are its keys for single uses (:data:`RETIRED_USES`), never the
one that signs; locked by ChaCha20-Poly1305 (RFC 8439).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from salus.data import durable
from salus.errors import WorkspaceError
from salus.privacy.keys import RETIRED_USES, Key, Retired, Uses
from salus.privacy.zones import Zones

_FORMAT = 1
_FOR = b"salus ring 1"


@dataclass(frozen=True)
class Ring:
    """The keys of a wall.

    Attributes
    ----------
    key : Key
        In force.
    retired : tuple of Retired
        Those before it, oldest first.
    """

    key: Key
    retired: tuple[Retired, ...] = ()

    @property
    def all(self) -> tuple[Uses, ...]:
        """Every key, oldest first."""
        return (*self.retired, self.key)

    @property
    def visit_prefixes(self) -> dict[str, bytes]:
        """For an engine, in order: ``prefix`` of the oldest key, ``prefix_1`` of the next ..."""
        return {f"prefix{_suffix(n)}": k.visit_prefix for n, k in enumerate(self.all)}

    @property
    def person_pads(self) -> dict[str, bytes]:
        """For an engine, in order: ``inner_pad``, ``outer_pad`` of the oldest key, ``inner_pad_1`` ... of the next."""
        return {f"{name}{_suffix(n)}": pad for n, k in enumerate(self.all) for name, pad in k.person_pads.items()}

    def person(self, identifier: str) -> int:
        """The number that a person has in the records of the wall.

        Parameters
        ----------
        identifier : str
            As the source of the records has it, without the blanks around it.

        Examples
        --------
        >>> Ring(Key(b"0" * 32)).person("P1") == Key(b"0" * 32).surrogate("person", "P1")
        True
        """
        number = identifier
        for each in self.all:
            number = str(each.surrogate("person", number))
        return int(number)


def read(wall: Zones, key: Key, generation: int) -> Ring:
    """The keys of a wall.

    Parameters
    ----------
    wall : Zones
        The wall.
    key : Key
        In force.
    generation : int
        How often the key was changed, as the wall's list says.

    Raises
    ------
    WorkspaceError
        What is kept of earlier keys is gone or damaged.
    """
    if generation == 0:
        return Ring(key)
    path = path_of(wall, key)
    try:
        content = json.loads(path.read_bytes())
        lock = ChaCha20Poly1305(key.derived("ring"))
        opened = lock.decrypt(bytes.fromhex(content["nonce"]), bytes.fromhex(content["locked"]), _FOR)
        retired = tuple(Retired({u: bytes.fromhex(v) for u, v in one.items()}) for one in json.loads(opened))
        whole = content["format"] == _FORMAT and all(set(r.uses) == set(RETIRED_USES) for r in retired)
    except (OSError, ValueError, KeyError, TypeError, InvalidTag) as error:
        raise WorkspaceError(f"{path} is gone or damaged. {_WITHOUT}") from error
    if not whole or len(retired) != generation:
        raise WorkspaceError(f"{path} is of another time than the wall's list. {_WITHOUT}")
    return Ring(key, retired)


_WITHOUT = (
    "It holds what is still needed of the wall's earlier keys; without it new records can't be joined to old ones. "
    "Restore it from a copy of the vault; the records themselves were not touched."
)


def write(wall: Zones, before: Ring, new: Key) -> Ring:
    """Lock what is needed of the keys so far with a new one; it counts once the wall's list names the new key.

    Parameters
    ----------
    wall : Zones
        The wall, locked by the caller.
    before : Ring
        The keys so far.
    new : Key
        The next one.

    Returns
    -------
    Ring
        With the new key in force.

    Raises
    ------
    OSError
        The system refused.
    """
    after = Ring(new, (*before.retired, Retired({u: before.key.derived(u) for u in RETIRED_USES})))
    nonce = secrets.token_bytes(12)
    plain = json.dumps([{u: r.uses[u].hex() for u in RETIRED_USES} for r in after.retired]).encode()
    locked = ChaCha20Poly1305(new.derived("ring")).encrypt(nonce, plain, _FOR)
    content = {"format": _FORMAT, "nonce": nonce.hex(), "locked": locked.hex()}
    durable.replace(path_of(wall, new), json.dumps(content, indent=1).encode())
    return after


def path_of(wall: Zones, key: Key) -> Path:
    """Where the keys before a key are kept.

    Parameters
    ----------
    wall : Zones
        The wall.
    key : Key
        The one in force.
    """
    return wall.path("vault") / f"ring-{key.check}.json"


def _suffix(number: int) -> str:
    return f"_{number}" if number else ""
