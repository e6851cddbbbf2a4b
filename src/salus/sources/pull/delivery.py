"""A pulled table in a file that carries its own licence, citation and the question that it answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data.output import replaced_file
from salus.data.provenance import versions
from salus.errors import InputError, SourceError
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Source

_KEY = "salus.pull"
_SECRET = {"key"}


@dataclass(frozen=True)
class Delivery:
    """What was pulled, from where and under which terms.

    Attributes
    ----------
    source, title, licence, citation, terms : str
        Of the source.
    base_url : str
        Where it was asked.
    options : mapping of str to str
        As chosen; keys are left out.
    since, until : str or None
        First and last period asked for.
    pulled : str
        Day of the pull, in UTC.
    rows : int
        Rows that came.
    salus : str
        Version of Salus.
    """

    source: str
    title: str
    licence: str
    citation: str
    terms: str
    base_url: str
    options: Mapping[str, str]
    since: str | None
    until: str | None
    pulled: str
    rows: int
    salus: str


def pull(
    source: Source,
    fetch: Fetch,
    since: dt.date | None = None,
    until: dt.date | None = None,
    options: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, Delivery]:
    """Pull a source and say what was pulled.

    Parameters
    ----------
    source : Source
        What to pull.
    fetch : Fetch
        The door to the network.
    since, until : datetime.date, optional
        First days of the first and the last period wanted.
    options : mapping of str to str, optional
        As the source has them.

    Returns
    -------
    frame : polars.DataFrame
        In the source's contract; at least one row.
    delivery : Delivery
        What it is.

    Raises
    ------
    SourceError
        The source did not answer as it promises, or has nothing for the question.
    """
    given = dict(options or {})
    frame = source.pull(fetch, since, until, **given)
    if frame.height == 0:
        asked = ", ".join(
            [
                *(f"{k} {v}" for k, v in (("since", since), ("until", until)) if v),
                *(f"{k}={v}" for k, v in _open(given).items()),
            ]
        )
        raise SourceError(
            f"{source.title} has no data{f' for {asked}' if asked else ''}. Ask for other periods or options "
            f"(salus data pull --list names them); nothing was written."
        )
    return frame, Delivery(
        source.name,
        source.title,
        source.licence,
        source.citation,
        source.terms,
        source.base_url,
        _open(given),
        since.isoformat() if since else None,
        until.isoformat() if until else None,
        fetch.today.isoformat(),
        frame.height,
        versions()["salus"],
    )


def named(path: str | Path) -> Path:
    """Path of a file that can carry its terms.

    Parameters
    ----------
    path : str or Path
        Name that ends in ``.parquet``.

    Raises
    ------
    InputError
        It ends otherwise.
    """
    path = Path(path)
    if path.suffix.lower() != ".parquet":
        raise InputError(
            f"can't write {path}: the name ends in '{path.suffix}', wanted .parquet, which holds the licence too."
        )
    return path


def write(frame: pl.DataFrame, delivery: Delivery, path: str | Path) -> None:
    """Write a pulled table as Parquet with its terms inside; the file appears whole or not at all.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    delivery : Delivery
        What it is; goes into the file's own metadata.
    path : str or Path
        Name that ends in ``.parquet``.

    Raises
    ------
    InputError
        The name ends otherwise.
    OutputError
        It can't be written there; what was there stays.
    """
    path = named(path)
    with replaced_file(path) as part:
        frame.write_parquet(part, metadata={_KEY: json.dumps(asdict(delivery), ensure_ascii=False)})


def terms(path: str | Path) -> dict[str, Any] | None:
    """Terms inside a file that :func:`write` made.

    Parameters
    ----------
    path : str or Path
        Parquet file.

    Returns
    -------
    dict or None
        Fields of :class:`Delivery`; None where the file was made otherwise.
    """
    kept = pl.read_parquet_metadata(path).get(_KEY)
    return json.loads(kept) if kept else None


def _open(options: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name not in _SECRET}
