"""The department's secret key, and what is made of it: surrogates of persons and visits, and commitments.

HMAC-SHA256 (RFC 2104, FIPS 198-1); visits by SHA-256 in the form of NIST SP 800-56C. Each use has a key of its own,
derived from the department's, so that a surrogate of a person never equals that of a visit and says nothing about a
commitment.
"""

from __future__ import annotations

import abc
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from salus.errors import WallError

VARIABLE = "SALUS_KEY"
"""Environment variable that may hold the key."""

RETIRED_USES = ("person", "encounter", "commitment", "log")
"""Uses of a key that go on after it was changed for another: to know old persons, and to check old statements."""

_BLOCK = 64
_BYTES = 32
_HOW = "Make one with `salus records key FILE`, keep it where only the data office can read it, and keep a copy."


class Uses(abc.ABC):
    """What is made of the keys for single uses, of a secret that is in force or of one that was."""

    @abc.abstractmethod
    def derived(self, use: str) -> bytes:
        """Key for one use, 32 bytes; see :meth:`Key.derived`."""

    def surrogate(self, use: str, identifier: str) -> int:
        """Surrogate of one identifier: the first 64 bits of its keyed hash, as a signed number.

        A person's is an HMAC, computed once a person. A visit's, of which there is one a row, is the one-step key
        derivation of NIST SP 800-56C with SHA-256, at a quarter of the cost.

        Parameters
        ----------
        use : str
            ``person`` or ``encounter``.
        identifier : str
            As the source has it, without the blanks around it.

        Returns
        -------
        int
            From -2**63 to 2**63 - 1.
        """
        if use == "encounter":
            digest = hashlib.sha256(self.visit_prefix + identifier.encode()).digest()
        else:
            digest = hmac.digest(self.derived(use), identifier.encode(), "sha256")
        return int.from_bytes(digest[:8], "big") - (1 << 63)

    @property
    def visit_prefix(self) -> bytes:
        """What an engine puts before the number of a visit: the counter 1, in four bytes, and the key of visits."""
        return b"\0\0\0\1" + self.derived("encounter")

    @property
    def person_pads(self) -> dict[str, bytes]:
        """The key of persons as HMAC wants it: ``inner_pad`` and ``outer_pad``, 64 bytes each, for an engine."""
        padded = self.derived("person").ljust(_BLOCK, b"\0")
        return {"inner_pad": bytes(b ^ 0x36 for b in padded), "outer_pad": bytes(b ^ 0x5C for b in padded)}

    def commitment(self, content: bytes) -> str:
        """Keyed hash of something that only its holder can show to be the same.

        Parameters
        ----------
        content : bytes
            What is committed to.

        Returns
        -------
        str
            64 hexadecimal digits; without the key nobody can try out contents against it.
        """
        return hmac.new(self.derived("commitment"), content, "sha256").hexdigest()

    @property
    def check(self) -> str:
        """What tells one key from another, and nothing else about it."""
        return self.commitment(b"salus key check")[:16]


@dataclass(frozen=True)
class Key(Uses):
    """A secret key; it never shows in a text, a message or a log.

    Attributes
    ----------
    secret : bytes
        At least 32 random bytes.

    Examples
    --------
    >>> Key(b"0" * 32)
    Key(secret=hidden)
    """

    secret: bytes = field(repr=False)

    def __repr__(self) -> str:
        return "Key(secret=hidden)"

    def derived(self, use: str) -> bytes:
        """Key for one use.

        Parameters
        ----------
        use : str
            Such as ``person``.

        Returns
        -------
        bytes
            32 bytes.
        """
        return hmac.digest(self.secret, f"salus {use} 1".encode(), "sha256")


@dataclass(frozen=True)
class Retired(Uses):
    """What a wall still needs of a key that it had before; its secret, and with it its signature, is not there.

    Attributes
    ----------
    uses : mapping of str to bytes
        Keys for single uses, :data:`RETIRED_USES`.
    """

    uses: Mapping[str, bytes] = field(repr=False)

    def derived(self, use: str) -> bytes:
        """Key for one use.

        Parameters
        ----------
        use : str
            One of :data:`RETIRED_USES`.
        """
        return self.uses[use]


def load(key_file: str | Path | None = None) -> Key:
    """Key from a file, or from the environment.

    Parameters
    ----------
    key_file : str or Path, optional
        File with the key as hexadecimal digits, which nobody but its owner may read; without one, the environment
        variable ``SALUS_KEY`` is taken.

    Raises
    ------
    WallError
        There is no key, others can read the file, or it is no key.
    """
    if key_file is None:
        text = os.environ.get(VARIABLE)
        if not text:
            raise WallError(f"there is no key: neither a key file nor {VARIABLE} was given. {_HOW}")
        return _parsed(text, f"the environment variable {VARIABLE}")
    path = Path(key_file)
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise WallError(
            f"there is no key file {path}. If it is lost, put back the copy: nothing inside was changed, but without "
            f"the key nothing can be added, released or checked. {_HOW}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise WallError(
            f"the key file {path} can't be read as a key. Check that it is a key file and yours. {_HOW}"
        ) from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise WallError(
            f"the key file {path} can be read by others (mode {stat.S_IMODE(mode):o}). Run `chmod 600 {path}`."
        )
    return _parsed(text, f"the key file {path}")


def create(path: str | Path) -> Path:
    """Make a new random key in a new file that only its owner can read.

    Parameters
    ----------
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
    return write_new(path, secrets.token_hex(_BYTES) + "\n", "key file", mode=0o600)


def write_new(path: str | Path, text: str, what: str, *, mode: int) -> Path:
    """Make a file of a key, which is never replaced.

    Parameters
    ----------
    path : str or Path
        File to make.
    text : str
        What it holds, ASCII.
    what : str
        What messages call it.
    mode : int
        Permissions, such as ``0o600``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WallError
        The file is there already, or can't be made.
    """
    path = Path(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise WallError(f"{path} is there already, and a key is never replaced. Choose another name.") from error
    except OSError as error:
        raise WallError(f"can't make the {what} {path}: {error.strerror}. Choose another place.") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    return path


def _parsed(text: str, where: str) -> Key:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) < _BYTES or len(set(secret)) < _BYTES // 4:
        raise WallError(f"{where} holds no key: at least {2 * _BYTES} random hexadecimal digits were wanted. {_HOW}")
    return Key(secret)
