"""Everything that Salus raises on purpose.

    SalusError                    one sentence for a person: what was found, what was wanted, what to do
    +-- InputError                the caller's file, table or option can't be used
    |   +-- TableError            a table breaks its contract; carries every fault, not only the first
    |   +-- NameNotFoundError     a disease, place, model or source that is not there; suggests the near ones
    |   +-- TooShortError         no series is long enough for anything to be said
    +-- OutputError               the result can't be written where it was asked for
    +-- WorkspaceError            the workspace is damaged, busy or of a newer format
    +-- SourceError               a public source did not answer, or not in the form that it promises
    +-- WallError                 the act would take data past its zone; it was refused

The command line turns each into one message and exit status 2. Anything else that escapes is a defect of Salus.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class SalusError(Exception):
    """Base of every deliberate error; its text is written for the person who has to act on it."""


class InputError(SalusError):
    """A file, table or option of the caller's can't be used."""


class OutputError(SalusError):
    """The result can't be written where it was asked for."""


class WorkspaceError(SalusError):
    """The workspace is damaged, busy, or of a format that this version can't read."""


class SourceError(SalusError):
    """A public source did not answer, or not in the form that it promises."""


class WallError(SalusError):
    """The act would take data past its zone; it was refused."""


class TooShortError(InputError):
    """No series is long enough for anything to be said."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a table, and what to do about it.

    Attributes
    ----------
    kind : str
        Short stable name of the check, such as ``duplicate`` or ``negative``.
    message : str
        What was found and what was wanted.
    remedy : str
        What the person can do.
    column : str or None
        Column at fault, by the name that the file uses.
    rows : tuple of int
        Row numbers as the person counts them: the first data row is 1; at most 20 are kept.
    count : int
        How many rows share the fault (``len(rows)`` where all are kept).
    severity : {'error', 'warning'}
        An error keeps the table out; a warning is shown and the work goes on.
    """

    kind: str
    message: str
    remedy: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int = 0
    severity: str = "error"

    def __str__(self) -> str:
        where = ""
        if self.column is not None:
            where += f"column '{self.column}'"
        if self.rows:
            shown = ", ".join(str(r) for r in self.rows[:5])
            more = f" and {self.count - min(5, len(self.rows))} more" if self.count > min(5, len(self.rows)) else ""
            plural = "rows" if self.count > 1 else "row"
            where += f"{', ' if where else ''}{plural} {shown}{more}"
        return f"{where + ': ' if where else ''}{self.message}. {self.remedy}"


class TableError(InputError):
    """A table breaks its contract.

    Parameters
    ----------
    table : str
        What the person calls it: a path, or the contract's name.
    faults : sequence of Fault
        Every fault found, errors first.
    """

    def __init__(self, table: str, faults: Sequence[Fault]) -> None:
        self.table = table
        self.faults = tuple(faults)
        shown = "\n".join(f"  - {fault}" for fault in self.faults[:12])
        rest = f"\n  ... and {len(self.faults) - 12} more kinds of fault" if len(self.faults) > 12 else ""
        super().__init__(f"{table} can't be used:\n{shown}{rest}")


class NameNotFoundError(InputError):
    """A name that is not there, with the names that are near.

    Parameters
    ----------
    kind : str
        What the name should be, such as ``disease``.
    name : str
        As given.
    known : iterable of str
        The names that exist.
    where : str, optional
        The file or table that was looked in.

    Examples
    --------
    >>> str(NameNotFoundError("disease", "Influenca", ["Influenza", "Measles"]))
    "there is no disease 'Influenca'. Did you mean 'Influenza'?"
    >>> str(NameNotFoundError("signal", "admissions", ["cases"], "flu.csv"))
    "flu.csv has no signal 'admissions'. It has 'cases'."
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str | None = None) -> None:
        self.name = name
        self.known = sorted({str(k) for k in known})
        folded = {k.casefold(): k for k in reversed(self.known)}
        close = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
        near = [folded[c] for c in close]
        meant = "Did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
        hint = meant if near else self.choice(where)
        super().__init__(f"{f'{where} has' if where else 'there is'} no {kind} '{name}'. {hint}")

    def choice(self, where: str | None = None) -> str:
        """The sentence that lists the names that exist, at most eight of them.

        Parameters
        ----------
        where : str, optional
            The file or table that was looked in.
        """
        if not self.known:
            return f"{'It has' if where else 'There are'} none."
        some = ", ".join(f"'{n}'" for n in self.known[:8])
        more = f" and {len(self.known) - 8} more" if len(self.known) > 8 else ""
        return f"{'It has' if where else 'There are:'} {some}{more}."
