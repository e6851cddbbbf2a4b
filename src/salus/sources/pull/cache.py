"""Answers kept on disk, so that an unchanged file is not fetched twice (RFC 9110, section 13: ETag, Last-Modified)."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from salus.data.output import replaced_file


@dataclass(frozen=True)
class Kept:
    """One answer as it was kept.

    Attributes
    ----------
    body : bytes
        The content, decompressed.
    content_type : str
        As the source named it; empty where it named none.
    etag, modified : str or None
        The validators that the source gave.
    """

    body: bytes
    content_type: str
    etag: str | None
    modified: str | None


def default_folder() -> Path:
    """Folder for kept answers: ``$XDG_CACHE_HOME/salus/pull`` or ``~/.cache/salus/pull``.

    Returns
    -------
    Path
        It need not exist yet.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "salus" / "pull"


class Cache:
    """Answers by their full address.

    Parameters
    ----------
    folder : str or Path
        Where they are kept; made when the first one is kept.

    Examples
    --------
    >>> import tempfile
    >>> cache = Cache(tempfile.mkdtemp())
    >>> cache.keep("http://x/a.csv", Kept(b"a,b", "text/csv", '"v1"', None))
    >>> cache.find("http://x/a.csv").etag
    '"v1"'
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def find(self, url: str) -> Kept | None:
        """Answer kept for an address; none where there is none or its content does not match its checksum.

        Parameters
        ----------
        url : str
            Full address, query included.
        """
        about, body = self._paths(url)
        try:
            note = json.loads(about.read_text(encoding="utf-8"))
            content = body.read_bytes()
            whole = note["url"] == url and note["sha256"] == hashlib.sha256(content).hexdigest()
            return Kept(content, note["content_type"], note["etag"], note["modified"]) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, url: str, kept: Kept) -> None:
        """Keep an answer; one without validators is not kept, since it could never be asked for conditionally.

        Parameters
        ----------
        url : str
            Full address, query included.
        kept : Kept
            The answer.

        Raises
        ------
        OutputError
            The folder can't be written.
        """
        if kept.etag is None and kept.modified is None:
            return
        about, body = self._paths(url)
        note = {
            "url": url,
            "sha256": hashlib.sha256(kept.body).hexdigest(),
            "content_type": kept.content_type,
            "etag": kept.etag,
            "modified": kept.modified,
        }
        with replaced_file(body) as part:
            part.write_bytes(kept.body)
        with replaced_file(about) as part:
            part.write_text(json.dumps(note), encoding="utf-8")

    def _paths(self, url: str) -> tuple[Path, Path]:
        key = hashlib.sha256(url.encode()).hexdigest()[:32]
        return self.folder / f"{key}.json", self.folder / f"{key}.body"
