"""Who signed: Ed25519 signatures (RFC 8032) under the department's key, and its public half for everybody.

The signing key is derived from the department's secret as the keys of surrogates are, so there is one secret to keep
and to copy. Nothing about the secret can be learned from the public key or from signatures.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from salus.errors import InputError
from salus.privacy.keys import Key, write_new

ALGORITHM = "Ed25519"
"""Name of the scheme, as certificates state it."""


def public_key(key: Key) -> str:
    """Public half of the department's signing key.

    Parameters
    ----------
    key : Key
        The department's key.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return _private(key).public_key().public_bytes_raw().hex()


def public_pem(key: Key) -> str:
    """The public key as a text that OpenSSL and others read (SubjectPublicKeyInfo, PEM).

    Parameters
    ----------
    key : Key
        The department's key.
    """
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _private(key).public_key().public_bytes(serialization.Encoding.PEM, form).decode("ascii")


def fingerprint(public: str) -> str:
    """A public key in a form that two people can compare over the telephone.

    Parameters
    ----------
    public : str
        Public key, 64 hexadecimal digits.

    Returns
    -------
    str
        The first half of its SHA-256 in eight groups of four digits.

    Examples
    --------
    >>> fingerprint("00" * 32)
    '6668 7aad f862 bd77 6c8f c18b 8e9f 8e20'
    """
    digits = hashlib.sha256(bytes.fromhex(public)).hexdigest()
    return " ".join(digits[k : k + 4] for k in range(0, 32, 4))


def sign(key: Key, content: bytes) -> str:
    """Signature of a content.

    Parameters
    ----------
    key : Key
        The department's key.
    content : bytes
        What is signed.

    Returns
    -------
    str
        128 hexadecimal digits; the same content and key give the same.
    """
    return _private(key).sign(content).hex()


def holds(public: str, signature: str, content: bytes) -> bool:
    """Whether a signature is that of a content under a public key.

    Parameters
    ----------
    public : str
        Public key, 64 hexadecimal digits.
    signature : str
        128 hexadecimal digits, small letters.
    content : bytes
        What should have been signed.
    """
    try:
        spelled = (bytes.fromhex(public), bytes.fromhex(signature))
        if (spelled[0].hex(), spelled[1].hex()) != (public, signature):
            return False
        Ed25519PublicKey.from_public_bytes(spelled[0]).verify(spelled[1], content)
    except (ValueError, InvalidSignature):
        return False
    return True


def write_public(key: Key, path: str | Path) -> Path:
    """Write the public key into a new file, to be given to everybody.

    Parameters
    ----------
    key : Key
        The department's key.
    path : str or Path
        File to make; one that is there is never replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WallError
        The file is there already, or can't be made.
    """
    return write_new(path, public_pem(key), "file", mode=0o644)


def load_public(path: str | Path) -> str:
    """Public key from a file.

    Parameters
    ----------
    path : str or Path
        As :func:`write_public` writes it; any Ed25519 public key in PEM.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    InputError
        There is no such file, or it holds no such key.
    """
    path = Path(path)
    wanted = "Give the file that `salus records key` wrote beside the secret key, ending in .pub."
    try:
        found = serialization.load_pem_public_key(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"there is no public key file {path}. {wanted}") from error
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path} holds no Ed25519 public key. {wanted}") from error
    if not isinstance(found, Ed25519PublicKey):
        raise InputError(f"{path} holds no Ed25519 public key but one of another kind. {wanted}")
    return found.public_bytes_raw().hex()


def _private(key: Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.derived("signature"))
