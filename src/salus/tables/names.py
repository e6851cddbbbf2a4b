"""Names as people write them: folded for comparison, and resolved against the names that exist."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from salus.errors import InputError, NameNotFoundError

_NEAR = 0.7
"""Likeness from which a name is suggested for another, from 0 to 1."""


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """A name without what people write differently: case, blanks, punctuation, full-width forms, Latin accents.

    An ampersand counts as *and*. Letters of other scripts and all digits stay, so that two names that differ in
    meaning do not fall together.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Letters and digits only, in lower case; empty when the text has none.

    Examples
    --------
    >>> fold("Hand, foot & mouth disease") == fold("hand foot and mouth disease")
    True
    >>> fold("ＨＦＭＤ"), fold("手足口病 "), fold("Québec")
    ('hfmd', '手足口病', 'quebec')
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("&", " and ")
    out: list[str] = []
    for char in unicodedata.normalize("NFD", plain):
        if unicodedata.combining(char):
            if out and not out[-1].isascii():
                out.append(char)
        elif char.isalnum():
            out.append(char)
    return unicodedata.normalize("NFC", "".join(out))


def near(name: str, known: Iterable[str], count: int = 2) -> list[str]:
    """The existing names that are spelt much like a name, the nearest first.

    Parameters
    ----------
    name : str
        As the person gave it.
    known : iterable of str
        The names that exist.
    count : int
        How many at most.

    Examples
    --------
    >>> near("Tokio", ["Tokyo", "Kyoto", "Osaka"]), near("North district", ["Tokyo"])
    (['Tokyo'], [])
    """
    folded = {fold(k): k for k in reversed(list(known))}
    return [folded[f] for f in difflib.get_close_matches(fold(name), list(folded), n=count, cutoff=_NEAR)]


def resolve(kind: str, name: str, known: Iterable[str], where: str | None = None) -> str:
    """The existing name that is meant.

    Parameters
    ----------
    kind : str
        What the name should be, for messages, such as ``signal``.
    name : str
        As the person gave it.
    known : iterable of str
        The names that exist.
    where : str, optional
        The file or table that is looked in, for messages.

    Returns
    -------
    str
        The name as it exists: the same text, else the only one that folds alike.

    Raises
    ------
    NameNotFoundError
        None is meant; suggests the near ones.
    InputError
        Several that are written differently fold alike, and none is written as given.

    Examples
    --------
    >>> resolve("signal", "Per sentinel", ["cases", "per_sentinel"])
    'per_sentinel'
    """
    names = list(dict.fromkeys(known))
    if name in names:
        return name
    wanted = fold(name)
    alike = [k for k in names if wanted and fold(k) == wanted]
    if len(alike) == 1:
        return alike[0]
    if alike:
        shown = ", ".join(f"'{k}'" for k in alike)
        place = f"{where}: " if where else ""
        raise InputError(f"{place}the {kind} '{name}' may be any of {shown}. Write it exactly as one of them.")
    raise NameNotFoundError(kind, name, names, where)
