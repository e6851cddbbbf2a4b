"""Who signed: Ed25519 signatures (RFC 8032) under the department's key, and its public half for everybody.

The signing key is derived from the department's secret as the keys of surrogates are, so there is one secret to keep
and to copy. Nothing about the secret can be learned from the public key or from signatures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from salus.errors import InputError
from salus.privacy import exchange
from salus.privacy.keys import Key, write_new

ALGORITHM = "Ed25519"
"""Name of the scheme, as certificates state it."""

_EXCHANGE = "Salus exchange key:"


@dataclass(frozen=True)
class Member:
    """A department as others know it: who signs, and with which key masks are agreed on.

    Attributes
    ----------
    public : str
        Public key of its signatures, 64 hexadecimal digits.
    exchange : str
        Public half of its exchange key (X25519), 64 hexadecimal digits.
    signature : str
        Of the exchange key, by the signing key; so whoever knows the one can trust the other.
    """

    public: str
    exchange: str
    signature: str

    @staticmethod
    def of(key: Key) -> Member:
        """The department of a key.

        Parameters
        ----------
        key : Key
            Its secret.
        """
        shared = exchange.public(key)
        return Member(public_key(key), shared, sign(key, _exchange_text(shared)))

    @property
    def holds(self) -> bool:
        """Whether the exchange key is signed by the signing key."""
        return holds(self.public, self.signature, _exchange_text(self.exchange))


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

    A line follows with the exchange key (:mod:`salus.privacy.exchange`), signed, for counts that sites share.

    Parameters
    ----------
    key : Key
        The department's key.
    """
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = _private(key).public_key().public_bytes(serialization.Encoding.PEM, form).decode("ascii")
    member = Member.of(key)
    return f"{pem}{_EXCHANGE} {member.exchange} {member.signature}\n"


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


def load_member(path: str | Path) -> Member:
    """A department from its public key file.

    Parameters
    ----------
    path : str or Path
        As :func:`write_public` writes it.

    Raises
    ------
    InputError
        There is no such file, it holds no public key, or no exchange key that the public key signed.
    """
    public = load_public(path)
    lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    parts = next((line.removeprefix(_EXCHANGE).split() for line in lines if line.startswith(_EXCHANGE)), [])
    member = Member(public, *parts) if len(parts) == 2 else None
    if member is None or not member.holds:
        raise InputError(
            f"{path} holds no exchange key that its public key signed, which sites need that share counts. Ask its "
            "owner for what `salus records key FILE --public` shows."
        )
    return member


def _exchange_text(shared: str) -> bytes:
    return f"salus exchange key {shared}".encode()


def _private(key: Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.derived("signature"))
