"""What comes to the wall and what is said of it: a source of raw records, and the report of an ingest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import polars as pl

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salus.data.parquet_columns import Column


DATES = ("day", "week-monday", "week-sunday")
"""How exactly days are kept: as they are, or as the first day of their week."""


NO_FORM = "district is no code and no name of a place"
"""Why a row is set aside whose district has no form of one."""

PLACES_ADVICE = "Give the table of places with --places to say which districts there are."
"""What helps then."""


@dataclass(frozen=True)
class Terms:
    """By what rows are judged and made records.

    Attributes
    ----------
    today : datetime.date
        Day after which no visit can lie.
    dates : str
        One of :data:`DATES`.
    places : polars.DataFrame or None
        ``place``: what districts are called, each once; None where only the form of a district is looked at.
    """

    today: dt.date
    dates: str = DATES[0]
    places: pl.DataFrame | None = None


class Source(Protocol):
    """What this module needs of a source of raw records; those of `salus.sources` have it."""

    @property
    def kind(self) -> str:
        """``linelist``, ``fhir`` or ``omop``."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """The files read."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether the rows are simulated."""
        ...

    @property
    def fields_left(self) -> tuple[str, ...]:
        """Fields that the source has and that never enter."""
        ...

    def select(self, connection: Any) -> str:
        """The question whose answer is the raw rows."""
        ...

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """File, line and fault of what was no row at all."""
        ...


@runtime_checkable
class OpenSource(Source, Protocol):
    """A source whose files an engine may be able to open by itself, so that no row passes through this process."""

    @property
    def opened(self) -> Mapping[str, str]:
        """Columns of what is opened, with their types."""
        ...

    def columns(self) -> Mapping[str, Column] | None:
        """Where each of them stands in the files; None where the files must be opened by DuckDB after all."""
        ...

    def rows(self, opened: ir.Table) -> ir.Table:
        """The raw rows."""
        ...


@runtime_checkable
class SeparateFiles(Source, Protocol):
    """A source whose files each stand for themselves, such as line lists; those of an export belong together."""

    def only(self, files: Sequence[Path]) -> Source:
        """The same source with some of its files."""
        ...


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Attributes
    ----------
    id : str
        Made of the files' hashes; the same files give the same.
    rows : int
        Rows that came: one for each visit and diagnosis, and one for each line that could not be read.
    kept : int
        Rows that became records.
    left_out : dict of str to int
        Rows that are no cases or came twice, by reason.
    set_aside : dict of str to int
        Rows in quarantine, by reason.
    fields_left : tuple of str
        Fields of the source that never entered.
    persons, visits : int
        Different persons and visits among the records.
    first, last : datetime.date
        First and last day of a visit.
    part : Path
        The records; in the zone ``record``.
    quarantine : Path
        File, line, visit number and reason of the rows set aside; in the vault.
    simulated : bool
        Whether the rows are simulated.
    already : bool
        Whether the same files had come before, so that nothing was changed.
    files, files_before : int
        Files that were given, and those among them that had come before and were not read again.
    dates : str
        How exactly days are kept, one of :data:`DATES`.
    """

    id: str
    rows: int
    kept: int
    left_out: dict[str, int]
    set_aside: dict[str, int]
    fields_left: tuple[str, ...]
    persons: int
    visits: int
    first: dt.date
    last: dt.date
    part: Path
    quarantine: Path
    simulated: bool
    already: bool = False
    files: int = 1
    files_before: int = 0
    dates: str = DATES[0]

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        dropped, aside = sum(self.left_out.values()), sum(self.set_aside.values())
        said = [
            f"{self.rows:,} rows in = {self.kept:,} kept + {dropped:,} left out + {aside:,} set aside",
            f"{self.persons:,} persons, {self.visits:,} visits, {self.first} to {self.last}",
        ]
        if self.already:
            said.insert(0, "These files had been ingested before; nothing was changed.")
        elif self.files_before:
            said.insert(0, f"{self.files_before} of {self.files} files had been ingested before and were passed over.")
        if self.simulated:
            said.insert(0, "SIMULATED records.")
        if self.dates != DATES[0]:
            said.append(f"Days are kept as the first day of their week, {self.dates.removeprefix('week-').title()}.")
        said += [f"left out, {reason}: {n:,}" for reason, n in sorted(self.left_out.items())]
        said += [f"set aside, {reason}: {n:,}" for reason, n in sorted(self.set_aside.items())]
        if NO_FORM in self.set_aside:
            said.append(PLACES_ADVICE)
        if aside:
            said.append(f"Which rows were set aside stands in {self.quarantine}.")
        if self.fields_left:
            said.append("Fields that never entered: " + ", ".join(self.fields_left))
        return said
