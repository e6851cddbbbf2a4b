"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from polars.exceptions import PolarsError

from salus.data import durable
from salus.data.output import output_error


class Whole:
    """A folder that is written beside its place and moved there when the block ends well.

    The caller holds the wall's lock; what a process that was killed left beside it is removed first.

    Parameters
    ----------
    folder : Path
        Where it is to be; one that is there is replaced.

    Raises
    ------
    OutputError
        A disk is full or can't be written; what was there stands.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.part = folder, folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")

    def __enter__(self) -> Path:
        try:
            for left in self.folder.parent.glob(".*.part"):
                shutil.rmtree(left)
            durable.make_folder(self.part)
        except OSError as error:
            raise output_error(self.folder, error) from error
        return self.part

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        try:
            if error is None:
                self._moved()
            elif isinstance(error, OSError) or (isinstance(error, PolarsError) and "(os error " in str(error)):
                raise output_error(self.folder, error) from error
        except OSError as failed:
            raise output_error(self.folder, failed) from failed
        finally:
            shutil.rmtree(self.part, ignore_errors=True)

    def _moved(self) -> None:
        for file in self.part.iterdir():
            durable.sync_file(file)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.part.rename(self.folder)
        durable.sync_folder(self.folder.parent)
