"""Saved column mappings: a department's own export loads the second time without a question.

A profile is a small JSON file, found again by the fingerprint of the file's header. It holds column names, never data.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from salus.errors import InputError, OutputError

_FORMAT = 1


def profile_folder() -> Path:
    """Where profiles are kept: ``$SALUS_HOME/profiles``, else ``~/.config/salus/profiles``.

    Returns
    -------
    Path
        It need not exist.
    """
    home = os.environ.get("SALUS_HOME")
    return Path(home) / "profiles" if home else Path.home() / ".config" / "salus" / "profiles"


def fingerprint(columns: Sequence[str], contract: str) -> str:
    """Name of the profile of a header.

    Parameters
    ----------
    columns : sequence of str
        The file's columns, in order.
    contract : str
        Name of the contract.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> fingerprint(["a", "b"], "series") == fingerprint(["a", "b"], "series")
    True
    """
    text = json.dumps([contract, *columns], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def save_profile(columns: Sequence[str], contract: str, mapping: Mapping[str, str], folder: Path | None = None) -> Path:
    """Remember a mapping for files with the same header.

    Parameters
    ----------
    columns : sequence of str
        The file's columns.
    contract : str
        Name of the contract.
    mapping : mapping of str to str
        As in :mod:`salus.tables.columns`.
    folder : Path, optional
        Where; :func:`profile_folder` when left out.

    Returns
    -------
    Path
        The profile, replaced in one step.

    Raises
    ------
    OutputError
        The folder can't be written.
    """
    folder = folder or profile_folder()
    path = folder / f"{fingerprint(columns, contract)}.json"
    content = {"format": _FORMAT, "contract": contract, "columns": list(columns), "mapping": dict(mapping)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".profile.", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False, indent=1)
        Path(name).replace(path)
    except OSError as error:
        raise OutputError(
            f"the mapping can't be remembered in {folder}: {error.strerror or error}. "
            "Point SALUS_HOME to a folder that you may write to."
        ) from error
    return path


def load_profile(columns: Sequence[str], contract: str, folder: Path | None = None) -> dict[str, str] | None:
    """The mapping remembered for a header.

    Parameters
    ----------
    columns : sequence of str
        The file's columns.
    contract : str
        Name of the contract.
    folder : Path, optional
        Where; :func:`profile_folder` when left out.

    Returns
    -------
    dict of str to str or None
        None when nothing is remembered.

    Raises
    ------
    InputError
        The profile is damaged or of a newer version.
    """
    path = (folder or profile_folder()) / f"{fingerprint(columns, contract)}.json"
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(
            f"the column profile {path} can't be read ({error}). Delete it and map the columns anew."
        ) from error
    mapping = content.get("mapping") if isinstance(content, dict) else None
    if not isinstance(mapping, dict) or content.get("format") != _FORMAT:
        raise InputError(
            f"the column profile {path} is damaged or of a newer version. Delete it and map the columns anew."
        )
    return {str(k): str(v) for k, v in mapping.items()}
