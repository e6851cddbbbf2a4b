"""A submission file: what its name says, and its rows as text in the columns that the hub knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from salus.errors import InputError

COMPRESSIONS = ("snappy", "gzip", "gz", "brotli", "zstd", "lz4", "lzo", "bz2")
"""Words that may stand before the extension of a compressed Parquet file."""

_STEM = re.compile(r"(\d{4}-\d{2}-\d{2}|[A-Za-z0-9_]+)-([A-Za-z0-9_]+)-([A-Za-z0-9_]+)")
_MISSING = ["", "NA"]


@dataclass(frozen=True)
class FileName:
    """What the name of a submission says.

    Attributes
    ----------
    round_id : str
        Round that it answers.
    team, model : str
        Abbreviations of the team and its model.
    format : str
        Extension: ``csv`` or ``parquet``.
    """

    round_id: str
    team: str
    model: str
    format: str

    @property
    def model_id(self) -> str:
        """Team and model, as the model's folder is named."""
        return f"{self.team}-{self.model}"


def parse_name(path: str | Path) -> FileName | None:
    """What a file's name says; None where it is not ``ROUND-TEAM-MODEL.EXTENSION``.

    Parameters
    ----------
    path : str or Path
        Folders are passed over.

    Returns
    -------
    FileName or None
        The parts.

    Examples
    --------
    >>> parse_name("model-output/delta-grove/2024-01-06-delta-grove.gz.parquet").model_id
    'delta-grove'
    >>> parse_name("2024-01-06-delta.csv") is None
    True
    """
    stem, _, extension = Path(path).name.rpartition(".")
    inner, dot, word = stem.rpartition(".")
    if dot and word in COMPRESSIONS:
        stem = inner
    found = _STEM.fullmatch(stem)
    return None if found is None else FileName(found[1], found[2], found[3], extension.lower())


def file_name(round_id: str, team: str, model: str, extension: str) -> str:
    """Name that a hub wants of a submission.

    Parameters
    ----------
    round_id : str
        Round, as a rule a date.
    team, model : str
        Letters, digits and underscores.
    extension : str
        ``csv`` or ``parquet``.

    Raises
    ------
    InputError
        A part holds another character.

    Examples
    --------
    >>> file_name("2024-01-06", "delta", "grove", "csv")
    '2024-01-06-delta-grove.csv'
    """
    for part, what in ((team, "team"), (model, "model")):
        if not re.fullmatch(r"[A-Za-z0-9_]+", part):
            raise InputError(
                f"the {what} '{part}' can't be part of a file's name; letters, digits and underscores were wanted. "
                "Give the abbreviation under which the hub knows it."
            )
    return f"{round_id}-{team}-{model}.{extension}"


def read_submission(path: str | Path) -> pl.DataFrame:
    """Rows of a submission: text from CSV, typed from Parquet; blank cells and `NA` are null.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet file.

    Returns
    -------
    polars.DataFrame
        The file's columns.

    Raises
    ------
    InputError
        The file is not there or can't be read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}. Check the name and the folder.")
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path, hive_partitioning=False)
        return pl.read_csv(path, infer_schema=False, null_values=_MISSING)
    except (PolarsError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"can't read {path}: {first}. Write it anew as CSV or Parquet.") from error
