"""What a bulletin says about itself: disease, unit, day, source, run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from salus.errors import InputError
from salus.surveillance.weeks import Cadence

OLD_AFTER = {"day": 7, "week": 2, "month": 2}
"""Periods that may have ended since the last known one before the figures are called old."""

NULL_MODEL = "persistence"
"""The model that assumes no change; a bulletin that shows nothing else was made without a forecast model."""


@dataclass(frozen=True)
class SourceFile:
    """A table that a bulletin was made from.

    Attributes
    ----------
    name : str
        File name without its folder; empty where the table did not come from a file.
    rows : int
        Rows that were used.
    sha256 : str
        Hash of its bytes, or of the manifest of a workspace; empty where it is not known.
    signals : tuple of str
        What it counts, as its column says; left out of the words where there is none.
    source : str
        Where the figures are from, as the table says; may be empty.
    """

    name: str
    rows: int
    sha256: str
    signals: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Meta:
    """Everything about a bulletin that is not in a table.

    Attributes
    ----------
    title, title_zh : str
        Disease in full, such as ``Hand, foot and mouth disease`` and ``手足口病``.
    short, short_zh : str
        Disease as sentences name it, such as ``HFMD`` and ``手足口病``.
    signal : str
        What is counted, as in the tables.
    unit, unit_zh : str
        Words after a value, such as ``cases per sentinel`` and ``例/定点``.
    cadence : Cadence
        Length of a period.
    reference_date : datetime.date
        Day on which the forecast is made.
    as_of : datetime.date
        Day on which the figures were what was known.
    last_known : datetime.date
        First day of the last period that the source's usual lag makes known; horizon 1 is the period after it.
    source : str
        Where the figures are from, in words.
    run_id : str
        Identifies the run that made the tables.
    simulated : bool
        The figures are made up; said in the header and on each page.
    inside_only : bool
        The bulletin may not leave the wall; said in the header and on each page.
    models : tuple of str
        Names of the models whose forecasts are shown.
    unforecast : mapping of str to (str, str)
        Places for which no forecast could be made, with the reason in English and Chinese.
    unit_one : str
        Unit after the whole number 1, where English needs the singular; ``unit`` when empty.
    arriving : int
        How many of the last periods are known but still incomplete.
    licence, licence_zh : str
        Licence of the source's figures, in words; left out when empty.
    vintages : bool
        The source says when each value became known; else values may have been revised since, which is said.
    made_on : datetime.date, optional
        Day on which the bulletin was made; tells how old the figures are.
    notes : tuple of (str, str)
        What a reader must know about how the figures were used, in English and Chinese.
    source_zh : str
        The source in Chinese, where it is not a name.
    file : SourceFile, optional
        The table that was forecast.
    histories : tuple of SourceFile
        Tables of other signals that the model learned from.
    companions : int
        Other diseases of the same table that the model learned from.

    Raises
    ------
    InputError
        A text that the bulletin can't do without is empty, or ``last_known`` is not the first day of a period.
    """

    title: str
    title_zh: str
    short: str
    short_zh: str
    signal: str
    unit: str
    unit_zh: str
    cadence: Cadence
    reference_date: dt.date
    as_of: dt.date
    last_known: dt.date
    source: str
    run_id: str
    simulated: bool = False
    inside_only: bool = False
    models: tuple[str, ...] = ()
    unforecast: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unit_one: str = ""
    arriving: int = 0
    licence: str = ""
    licence_zh: str = ""
    vintages: bool = False
    made_on: dt.date | None = None
    notes: tuple[tuple[str, str], ...] = ()
    source_zh: str = ""
    file: SourceFile | None = None
    histories: tuple[SourceFile, ...] = ()
    companions: int = 0

    def __post_init__(self) -> None:
        for name in ("title", "title_zh", "short", "short_zh", "signal", "unit", "unit_zh", "source", "run_id"):
            if not getattr(self, name).strip():
                raise InputError(f"the bulletin's '{name}' is empty; a text was wanted. Give it in Meta({name}=...).")
        start = self.cadence.start(self.last_known)
        if start != self.last_known:
            raise InputError(
                f"last_known is {self.last_known}, which is inside a {self.cadence.kind}; the first day of the period "
                f"was wanted. Give {start}."
            )

    @property
    def last_day(self) -> dt.date:
        """Last day of the last period that the source's usual lag makes known."""
        return self.cadence.end(self.last_known)

    @property
    def old(self) -> bool:
        """Whether more periods have ended since the last known one than a source may take; never of made-up figures."""
        if self.made_on is None or self.simulated or self.made_on <= self.last_day:
            return False
        under_way = self.cadence.start(self.made_on)
        ended = under_way if self.cadence.end(under_way) <= self.made_on else self.cadence.shift(under_way, -1)
        return self.cadence.between(self.last_known, ended) > OLD_AFTER[self.cadence.kind]

    @property
    def revisable(self) -> bool:
        """Whether figures may be others than were known on the day: the source does not say, and the day is past."""
        return not (self.vintages or self.simulated or (self.made_on is not None and self.made_on <= self.as_of))

    @property
    def modelled(self) -> bool:
        """Whether a model other than assuming no change was asked."""
        return set(self.models) != {NULL_MODEL}
