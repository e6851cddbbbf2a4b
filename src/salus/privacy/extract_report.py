"""What an extract is made of, in numbers and words; inside only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from salus.privacy import linkage


@dataclass(frozen=True)
class ExtractReport:
    """What an extract is made of; inside only.

    Attributes
    ----------
    id : str
        Made of the records, definitions, places and rule, under the key; the same give the same.
    file : Path
        The table, in the record zone.
    rows, persons : int
        In the table.
    rows_seen, persons_seen : int
        Visits with a listed syndrome (a person counts once a week and syndrome), and their persons.
    dropped : dict of str to int
        Persons who are not in it, by :data:`salus.privacy.anonymity.REASONS`.
    coarseness : dict of str to str
        How each column reads: the step of its way from fine to coarse.
    k_anonymity, l_diversity : int
        Persons of the smallest class, and fewest syndromes of one.
    t_closeness : float
        Largest distance of one.
    classes : int
        Number of classes.
    wanted : dict of str to float
        The same three as the rule wants them.
    loss : dict of str to float
        Share of detail lost, by column, 0 to 1.
    before, after : list of dict
        As :class:`salus.privacy.trajectories.Uniqueness`: persons alone with one, two or three known visits, in the
        visits as recorded (district and week), and in the table.
    simulated : bool
        Whether the records were simulated.
    """

    id: str
    file: Path
    rows: int
    persons: int
    rows_seen: int
    persons_seen: int
    dropped: dict[str, int]
    coarseness: dict[str, str]
    k_anonymity: int
    l_diversity: int
    t_closeness: float
    classes: int
    wanted: dict[str, float]
    loss: dict[str, float]
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    simulated: bool

    def as_dict(self) -> dict[str, Any]:
        """All but the place of the file, for a machine."""
        return {k: v for k, v in asdict(self).items() if k != "file"}

    def lines(self) -> list[str]:
        """The report in words; for inside."""
        gone = self.persons_seen - self.persons
        why = ", ".join(f"{reason} {n:,}" for reason, n in self.dropped.items() if n)
        lost = ", ".join(f"{c.replace('_', ' ')} {v:.0%}" for c, v in self.loss.items())
        told = ", ".join(f"{c.replace('_', ' ')} {s}" for c, s in self.coarseness.items())
        return [
            f"{'SIMULATED records. ' if self.simulated else ''}INSIDE ONLY. Rows of single persons; nothing may leave.",
            f"{self.persons:,} of {self.persons_seen:,} persons, {self.rows:,} rows of {self.rows_seen:,} visits; "
            f"{gone:,} persons ({gone / self.persons_seen:.1%}) were dropped{f': {why}' if why else ''}.",
            f"Told of a visit: {told}. Detail lost: {lost}.",
            f"k: each person is one of {self.k_anonymity:,} or more of the very same history, a highest risk of "
            f"{1 / self.k_anonymity:.3f} (wanted {self.wanted['k_anonymity']:g}; the European Medicines Agency accepts "
            f"{linkage.THRESHOLD} for public data).",
            f"l: at each visit they have {self.l_diversity} or more different syndromes (wanted "
            f"{self.wanted['l_diversity']:g}).",
            f"t: their shares of syndromes are at most {self.t_closeness:.2f} from those of the whole (wanted "
            f"{self.wanted['t_closeness']:g} or less).",
            f"Alone with known visits, as recorded: {_alone(self.before)}",
            f"Alone with known visits, in this table: {_alone(self.after)}",
            "Not promised: anything against somebody who knows diagnoses as well.",
            f"The table: {self.file}",
        ]


def _alone(found: list[dict[str, Any]]) -> str:
    """Shares in words."""
    said = []
    for also in (False, True):
        shares = [
            f"{u['visits']} visit{'s' if u['visits'] > 1 else ''} {u['share']:.1%}"
            for u in found
            if u["also"] is also and u["persons"]
        ]
        said.append(("with age group and sex too: " if also else "place and time: ") + (", ".join(shares) or "nobody"))
    return "; ".join(said)
