"""Plug-ins by entry point: models, sources, detectors, document types, claim detectors.

A plug-in is one file with one class, named in the distribution's entry points under one of :data:`GROUPS`.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from salus.errors import InputError, NameNotFoundError

GROUPS = {
    "model": "salus.models",
    "source": "salus.sources",
    "detector": "salus.detectors",
}


def _found(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUPS[kind])}


def names(kind: str) -> list[str]:
    """Names of the registered plug-ins of one kind, sorted.

    Parameters
    ----------
    kind : {'model', 'source', 'detector'}
        Kind of plug-in.

    Examples
    --------
    >>> "persistence" in names("model")
    True
    """
    return sorted(_found(kind))


def load(kind: str, name: str) -> Any:
    """Class that a plug-in name stands for.

    Parameters
    ----------
    kind : {'model', 'source', 'detector'}
        Kind of plug-in.
    name : str
        Registered name; ``-`` and ``_`` count as the same.

    Raises
    ------
    NameNotFoundError
        No such plug-in is installed; the message suggests the near ones.
    InputError
        The plug-in is registered but can't be imported.

    Examples
    --------
    >>> load("model", "seasonal-naive").name
    'seasonal_naive'
    """
    found = _found(kind)
    key = name.replace("-", "_")
    if key not in found:
        raise NameNotFoundError(kind, name, found)
    try:
        return found[key].load()
    except (ImportError, AttributeError) as error:
        where = found[key].value
        raise InputError(f"the {kind} '{name}' is registered as {where} but can't be imported: {error}") from error
