"""What attacks of a department on its own release found, in numbers and words; inside only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from salus.privacy import linkage


@dataclass(frozen=True)
class AttackReport:
    """What the attacks found; inside only.

    Attributes
    ----------
    release : str
        Id of the release attacked.
    file : Path
        The same as JSON, in the count zone.
    subtraction : dict
        ``counts_left_out``, ``recovered`` (known exactly), ``within_minimum_cell``, ``narrowest_interval``, by linear
        programming over this release and all before; ``small_differences_of_releases`` between two of them.
    linkage : list of dict
        As :class:`salus.privacy.linkage.Classes`, of the records, which do not leave.
    smallest_count_shown : int or None
        Of the release.
    trajectories : list of dict
        As :class:`salus.privacy.trajectories.Uniqueness`, of the records.
    membership : dict
        As :class:`salus.privacy.membership.Membership`, of the release.
    minimum_cell : int
        Of the policy.
    simulated : bool
        Whether the records were simulated.
    epsilon : float or None
        Of the policy, where it is one of differential privacy; then ``knows_all_others`` of ``membership`` is the most
        that epsilon allows, (e^epsilon - 1) / (e^epsilon + 1).
    membership_breakdowns : dict or None
        As ``membership``, of counts by age group and sex with noise; None where there are none.
    """

    release: str
    file: Path
    subtraction: dict[str, Any]
    linkage: list[dict[str, Any]]
    smallest_count_shown: int | None
    trajectories: list[dict[str, Any]]
    membership: dict[str, Any]
    minimum_cell: int
    simulated: bool
    epsilon: float | None
    membership_breakdowns: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """All but the place of the file, for a machine."""
        return {k: v for k, v in asdict(self).items() if k != "file"}

    def lines(self) -> list[str]:
        """The findings in words; for inside."""
        return [
            f"{'SIMULATED records. ' if self.simulated else ''}INSIDE ONLY. Made of exact records; nothing may leave.",
            "",
            *self._subtraction(),
            *self._linkage(),
            *self._trajectories(),
            *self._membership(),
            f"All of it: {self.file}",
        ]

    def _subtraction(self) -> list[str]:
        s = self.subtraction
        said = [
            f"Subtraction. Of {s['counts_left_out']:,} counts left out, {s['recovered']:,} can be worked out exactly "
            f"and {s['within_minimum_cell']:,} to within less than {self.minimum_cell}, from all that was released."
        ]
        if s["small_differences_of_releases"]:
            said.append(
                f"  Two releases show {s['small_differences_of_releases']:,} small numbers as their difference: late "
                f'records of weeks that were released anew. revisions = "freeze" would hide them.'
            )
        return said

    def _linkage(self) -> list[str]:
        said = [
            "Linkage, if the records left, which they don't. The prosecutor knows that the person is in the records; "
            "the journalist doesn't, and looks in a register of the population; the marketer matches everybody at once."
        ]
        for c in self.linkage:
            known = ", ".join(c["known"]).replace("_", " ")
            said += [
                f"  who knows {known}: {c['unique']:,} of {c['persons']:,} persons are alone.",
                f"    prosecutor: highest risk {_judged(c['prosecutor_highest'])}; {c['prosecutor_above']:.1%} of "
                "persons are above it.",
            ]
            if c["journalist_highest"] is not None:
                said += [
                    f"    journalist: highest risk {_judged(c['journalist_highest'])}.",
                    f"    marketer: {c['marketer']:.2%} of the records matched right.",
                ]
            else:
                said.append(
                    "    journalist: no register of the population has this; who had one is in the prosecutor's place. "
                    f"marketer, with a list of everybody: {c['matched']:.2%} matched right."
                )
        if self.smallest_count_shown and self.epsilon is None:
            least = max(self.smallest_count_shown, self.minimum_cell)
            said.append(
                f"  The release itself: whoever is in a count shown shares it with {least - 1:,} others or more. "
                f"Prosecutor: highest risk {_judged(1 / least)}. Journalist and marketer have less, and match nobody: "
                "there are no rows."
            )
        said.append(
            f"  Reference: the European Medicines Agency accepts {linkage.THRESHOLD} (one in eleven) for public data; "
            f"HIPAA's expert determination (45 CFR 164.514(b)(1)) asks for a very small risk and names no number."
        )
        return said

    def _trajectories(self) -> list[str]:
        said = ["Trajectories. Persons who are the only one with the visits known, by district and week:"]
        for also in (False, True):
            shares = ", ".join(
                f"{t['visits']} visit{'s' if t['visits'] > 1 else ''} {t['share']:.1%}"
                for t in self.trajectories
                if t["also"] is also and t["persons"]
            )
            said.append(f"  {'with age group and sex: ' if also else ''}{shares}")
        return said

    def _membership(self) -> list[str]:
        m = self.membership
        others = (
            f"  Who knows all other records can tell for {m['knows_all_others']:.0%} of persons, from the counts "
            "shown. Only differential privacy bounds that."
            if self.epsilon is None
            else f"  Who knows all other records of the year has an advantage of at most {m['knows_all_others']:.0%}, "
            f"whatever is released of that year under this policy (epsilon {self.epsilon:g})."
        )
        cells = self.membership_breakdowns
        return [
            f"Membership. Who knows the weeks around tells who is in with an advantage of {m['advantage']:.1%} "
            f"(AUC {m['auc']:.3f}; a coin has 0.5).",
            *(
                []
                if cells is None
                else [
                    f"  From counts by age group or sex: an advantage of {cells['advantage']:.1%} (AUC "
                    f"{cells['auc']:.3f})."
                ]
            ),
            others,
        ]


def _judged(risk: float) -> str:
    """A risk beside the reference; a class of eleven is what it means."""
    side = "within" if risk <= 1 / 11 else "ABOVE"
    return f"{risk:.2g}, {side} the reference of {linkage.THRESHOLD}"
