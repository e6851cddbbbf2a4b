"""The contract of a public source: who publishes, under which licence, and one table in a fixed form."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from salus import registry
from salus.errors import InputError, NameNotFoundError, SourceError, TableError
from salus.sources.pull.fetch import Fetch
from salus.tables.contract import Contract
from salus.tables.contracts import SERIES


@dataclass(frozen=True)
class Option:
    """One thing that can be chosen about a pull.

    Attributes
    ----------
    doc : str
        What it chooses.
    default : str
        Value where none is given; may be empty.
    allowed : tuple of str
        The values that it may take; empty where any text may be given.
    """

    doc: str
    default: str = ""
    allowed: tuple[str, ...] = ()


class Source(ABC):
    """A public source of data.

    A subclass names the attributes below and writes :meth:`rows`; everything else is common.

    Parameters
    ----------
    base_url : str, optional
        Where to ask instead of :attr:`base_url`: a mirror, or a test's own server.

    Attributes
    ----------
    name : str
        Name of the plug-in.
    title : str
        Publisher and data in words.
    licence : str
        Licence or legal status, as the publisher states it.
    citation : str
        What to cite.
    terms : str
        Page with the publisher's terms.
    cadence : str
        Period of the data and when new data comes.
    vintage : str
        What `as_of` means here.
    options : mapping of str to Option
        What can be chosen.
    contract : Contract
        Columns of the table; the series contract unless a source says otherwise.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    licence: ClassVar[str]
    citation: ClassVar[str]
    terms: ClassVar[str]
    base_url: str
    cadence: ClassVar[str]
    vintage: ClassVar[str]
    options: ClassVar[Mapping[str, Option]] = {}
    contract: ClassVar[Contract] = SERIES

    def __init__(self, base_url: str | None = None) -> None:
        if base_url is not None:
            if not base_url.startswith(("http://", "https://")):
                raise InputError(
                    f"the base address '{base_url}' can't be used: wanted one that begins with http:// or https://."
                )
            self.base_url = base_url
        self.base_url = self.base_url.rstrip("/")

    @abstractmethod
    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """Ask the source and return its rows in the contract's columns, in any order.

        Parameters
        ----------
        fetch : Fetch
            The door to the network.
        since, until : datetime.date or None
            Periods that start on these days and between are wanted; more may be returned.
        chosen : mapping of str to str
            A value for each of :attr:`options`.

        Returns
        -------
        polars.DataFrame
            Columns of :attr:`contract`.
        """

    def pull(
        self, fetch: Fetch, since: dt.date | None = None, until: dt.date | None = None, **options: str
    ) -> pl.DataFrame:
        """Table of the source, checked and sorted.

        Parameters
        ----------
        fetch : Fetch
            The door to the network; its `today` becomes the vintage where the source gives none.
        since, until : datetime.date, optional
            First days of the first and the last period wanted; default all that the source gives.
        **options : str
            As in :attr:`options`.

        Returns
        -------
        polars.DataFrame
            In :attr:`contract`, sorted by its key; no rows where the source has none for the question.

        Raises
        ------
        InputError
            The dates are in the wrong order, or an option is not known or can't take the value.
        SourceError
            The source did not answer, or not in the form that it promises.
        """
        if since is not None and until is not None and since > until:
            raise InputError(f"--since {since} is after --until {until}; give the earlier day to --since.")
        return self._settled(self.rows(fetch, since, until, self._chosen(options)), since, until)

    def _chosen(self, given: Mapping[str, str]) -> dict[str, str]:
        for key, value in given.items():
            if key not in self.options:
                raise NameNotFoundError(f"option of {self.name}", key, self.options)
            allowed = self.options[key].allowed
            if allowed and value not in allowed:
                raise NameNotFoundError(f"{key} of {self.name}", value, allowed)
        return {key: given.get(key, option.default) for key, option in self.options.items()}

    def _settled(self, frame: pl.DataFrame, since: dt.date | None, until: dt.date | None) -> pl.DataFrame:
        if frame.height == 0:
            return self.contract.empty().select(
                n for n in self.contract.names if n in frame.columns or self.contract[n].required
            )
        if "date" in frame.columns:
            first, last = since or dt.date.min, until or dt.date.max
            frame = frame.filter(pl.col("date").is_between(first, last))
        key = [name for name in self.contract.key if name in frame.columns]
        try:
            return self.contract.check(frame.unique().sort(key), self.title)
        except TableError as error:
            raise SourceError(
                f"{error}\nThe source sent this, nothing was saved. Try later, or report it with this message."
            ) from error


def known() -> list[type[Source]]:
    """Classes of all sources that are installed, by name.

    Returns
    -------
    list of type
        Sorted by name.

    Examples
    --------
    >>> [source.name for source in known()][:2]
    ['cdc_flusurv', 'cdc_ilinet']
    """
    return [registry.load("source", name) for name in registry.names("source")]


def parse_date(option: str, value: str) -> dt.date:
    """Date given as an option.

    Parameters
    ----------
    option : str
        Name of the option, for the message.
    value : str
        ``2024-11-20``.

    Raises
    ------
    InputError
        It is not a date.

    Examples
    --------
    >>> parse_date("as_of", "2024-11-20")
    datetime.date(2024, 11, 20)
    """
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise InputError(f"{option} is '{value}', wanted a date such as 2024-11-20.") from error


def only(frame: pl.DataFrame, column: str, value: str, option: str) -> pl.DataFrame:
    """Rows of one group.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of all groups.
    column : str
        Column with the group.
    value : str
        The group wanted.
    option : str
        Name of the option that chose it, for the message.

    Returns
    -------
    polars.DataFrame
        No rows only where there were none before.

    Raises
    ------
    NameNotFoundError
        The source has rows, but none of that group.

    Examples
    --------
    >>> only(pl.DataFrame({"age": ["total", "0-4"]}), "age", "0-4", "age").height
    1
    """
    kept = frame.filter(pl.col(column) == value)
    if frame.height and not kept.height:
        raise NameNotFoundError(option, value, frame[column].unique().to_list())
    return kept
