"""Masks that two sites agree on without a word: X25519 (RFC 7748), HKDF-SHA256 (RFC 5869) and ChaCha20 (RFC 8439).

Each pair of keys gives one secret, each context (a round) one stream of 64-bit words of that secret. Whoever has
neither key can't tell the words from chance.
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from salus.errors import WallError
from salus.privacy.keys import Key

_WORD = 8
_MOST = 1 << 30  # the stream of one key repeats after 256 GiB; this is far below


def private(key: Key) -> X25519PrivateKey:
    """The secret half of a department's exchange key, derived from its one secret.

    Parameters
    ----------
    key : Key
        The department's key.
    """
    return X25519PrivateKey.from_private_bytes(key.derived("exchange"))


def public(key: Key) -> str:
    """The public half of a department's exchange key.

    Parameters
    ----------
    key : Key
        The department's key.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> len(public(Key(bytes(range(32)))))
    64
    """
    return private(key).public_key().public_bytes_raw().hex()


def words(key: Key, other: str, context: bytes, count: int) -> np.ndarray:
    """The words that two share; both get the same.

    Parameters
    ----------
    key : Key
        One's own key.
    other : str
        Exchange key of the other one, 64 hexadecimal digits.
    context : bytes
        What the words are for, such as the hash of a round; never used for two purposes.
    count : int
        How many, at most 2**30.

    Returns
    -------
    numpy.ndarray of uint64, shape (count,)

    Raises
    ------
    WallError
        The other key is no key, or a weak one that gives everybody the same secret.

    Examples
    --------
    >>> one, two = Key(bytes(range(32))), Key(bytes(range(1, 33)))
    >>> bool((words(one, public(two), b"round", 3) == words(two, public(one), b"round", 3)).all())
    True
    """
    if not 0 <= count <= _MOST:
        raise ValueError(f"{count} words were asked for, at most {_MOST} can be had")
    try:
        secret = private(key).exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(other)))
    except ValueError as error:
        raise WallError(f"'{other[:16]}...' is no exchange key. Ask its site for its public key file anew.") from error
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=context, info=b"salus mask 1").derive(secret)
    stream = Cipher(ChaCha20(derived, bytes(16)), mode=None).encryptor()
    return np.frombuffer(stream.update(bytes(_WORD * count)), dtype="<u8").astype(np.uint64)
