"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from salus.data import durable


class Whole:
    """A folder that is written beside its place and moved there when the block ends well.

    The caller holds the wall's lock; what a process that was killed left beside it is removed first.

    Parameters
    ----------
    folder : Path
        Where it is to be; one that is there is replaced.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.part = folder, folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")

    def __enter__(self) -> Path:
        for left in self.folder.parent.glob(".*.part"):
            shutil.rmtree(left)
        durable.make_folder(self.part)
        return self.part

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                for file in self.part.iterdir():
                    durable.sync_file(file)
                if self.folder.exists():
                    shutil.rmtree(self.folder)
                self.part.rename(self.folder)
                durable.sync_folder(self.folder.parent)
        finally:
            shutil.rmtree(self.part, ignore_errors=True)
