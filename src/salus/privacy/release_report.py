"""What a release did, for whoever made it; inside only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_NOBODY_NEW = "records counted for nobody new: a person counts once a week and syndrome."


@dataclass(frozen=True)
class ReleaseReport:
    """What a release did.

    Attributes
    ----------
    id : str
        Made of the records, definitions, places, policy and version, under the key; the same give the same.
    folder : Path
        The release, in the release zone; may leave.
    series : Path
        Guarded counts, with the columns of :data:`salus.tables.contracts.SERIES`; counts left out are null.
    breakdowns : Path or None
        Guarded counts by age group or sex: ``location``, ``disease``, ``signal``, ``date``, ``dimension``,
        ``category``, ``value``.
    certificate : Path
        What is promised.
    exact : Path
        Exact series, in the count zone; inside only.
    shown, zeros, left_out : int
        Counts above zero that are shown, zeros that are shown, and counts left out of the series.
    small, partners : int
        Of those left out: small ones, and those that protect them. Inside only.
    weeks_frozen : int
        Weeks of a syndrome that were released before and stand as they were.
    narrowest : float
        Width of the narrowest interval in which a count left out can be placed.
    beyond_bound : int
        Records that counted for nobody new under the contribution bound. Inside only.
    unplaced : dict of str to int
        ``districts`` that the places table does not have and their ``persons``, in no count. Inside only.
    signer : str
        Fingerprint of the key that signed.
    simulated : bool
        Whether the records were simulated.
    already : bool
        Whether the very same release was there, so that nothing was changed.
    words : tuple of str
        What was done to the counts; inside only.
    sites : int
        How many sites' counts these are the sum of.
    days : str
        First and last day, as ``FIRST:LAST``.
    """

    id: str
    folder: Path
    series: Path
    breakdowns: Path | None
    certificate: Path
    exact: Path
    shown: int
    zeros: int
    left_out: int
    small: int
    partners: int
    weeks_frozen: int
    narrowest: float
    beyond_bound: int
    unplaced: dict[str, int]
    signer: str
    simulated: bool
    already: bool = False
    words: tuple[str, ...] = ()
    sites: int = 1
    days: str = ""

    def lines(self) -> list[str]:
        """The report in words, a line each; for inside."""
        said = [
            *self.words,
            f"Weeks from {self.days.replace(':', ' to ')}",
            *([] if self.sites > 1 else [f"{self.beyond_bound:,} {_NOBODY_NEW}"]),
            f"Release: {self.folder}",
            f"Signed by the key with the fingerprint {self.signer}",
        ]
        if self.weeks_frozen and not self.already:
            said.append(f"{self.weeks_frozen:,} weeks of a syndrome were released before and stand as they were.")
        if self.already:
            said.insert(0, "The same release was there already; nothing was changed.")
        if self.simulated:
            said.insert(0, "SIMULATED records.")
        if self.unplaced:
            said.append(
                f"In no count: {self.unplaced['persons']:,} persons of {self.unplaced['districts']:,} districts that "
                "the places table does not have"
            )
        return said
