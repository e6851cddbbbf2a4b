"""The budget of differential privacy: what was told of one person in one year, and what may still be.

All releases under one policy and scheme share one allotment a year, because a person is in a bounded number of counts
of that year over all of them together. Different policies add up, and may not exceed the wall's limit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from salus.data import durable
from salus.data.output import output_error
from salus.errors import WallError, WorkspaceError
from salus.privacy import traces
from salus.privacy.zones import Zones

FORMAT = 1
_NAME = traces.BUDGET


@dataclass(frozen=True)
class Allotment:
    """What one scheme may tell of one person in one year.

    Attributes
    ----------
    scheme : str
        Policy, places and syndromes.
    year : int
        Calendar year.
    epsilon : float
        Paid once, for all weeks of the year.
    release : str
        Id of the first release that needed it.
    """

    scheme: str
    year: int
    epsilon: float
    release: str


@dataclass(frozen=True)
class Budget:
    """The ledger of all allotments.

    Attributes
    ----------
    limit : float or None
        Most that all of a year may sum up to; None before the first.
    allotments : tuple of Allotment
        In their order.
    """

    limit: float | None = None
    allotments: tuple[Allotment, ...] = ()

    def spent(self, year: int) -> float:
        """Epsilon spent for a year.

        Parameters
        ----------
        year : int
            Calendar year.
        """
        return float(sum(_exactly(a.epsilon) for a in self.allotments if a.year == year))

    def left(self, year: int) -> float:
        """Epsilon left for a year.

        Parameters
        ----------
        year : int
            Calendar year.
        """
        limit = 0.0 if self.limit is None else self.limit
        return float(_exactly(limit) - _exactly(self.spent(year)))


def read(wall: Zones) -> Budget:
    """The ledger as it stands.

    Parameters
    ----------
    wall : Zones
        The wall.

    Raises
    ------
    WallError
        It is gone, or a copy from before later payments.
    WorkspaceError
        It is damaged or of a newer format.
    """
    path = _path(wall)
    if not path.exists():
        traces.check_budget(wall, 0)
        return Budget()
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise WorkspaceError(
                f"{path} is of format {content['format']}, this version reads {FORMAT}. Use a newer Salus."
            )
        found = Budget(content["limit"], tuple(Allotment(**a) for a in content["allotments"]))
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{path} is damaged ({error}), so nobody can say what is left of the budget. Restore it from a copy."
        ) from error
    traces.check_budget(wall, len(found.allotments))
    return found


def spend(
    wall: Zones,
    scheme: str,
    years: Sequence[int],
    epsilon: float,
    *,
    limit: float,
    release: str,
    check_only: bool = False,
) -> Budget:
    """Pay for a scheme in some years; what was paid for before is not paid for again.

    The caller holds the wall's lock (:func:`salus.privacy.ledger.locked`), so that two can't spend the same. The ledger
    is on the disk when this returns, before anything is shown: a process that dies later has paid, never the other way.

    Parameters
    ----------
    wall : Zones
        The wall.
    scheme : str
        Policy, places and syndromes.
    years : sequence of int
        Calendar years that the release has new weeks of.
    epsilon : float
        For each of them.
    limit : float
        Most of a year, as the policy has it; the same for all releases of a wall.
    release : str
        Id of the release.
    check_only : bool
        Refuse what can't be paid, and write nothing.

    Returns
    -------
    Budget
        The ledger after it.

    Raises
    ------
    WallError
        A year has not enough left, or the limit is another one than before; nothing is spent.
    """
    known = read(wall)
    if known.limit is not None and known.limit != limit:
        raise WallError(
            f"gate missed: the limit of this wall is an epsilon of {known.limit:g} a person and year, the policy says "
            f"epsilon_limit = {limit:g}. Keep to the first. Nothing was written."
        )
    paid = {(a.scheme, a.year) for a in known.allotments}
    new = [Allotment(scheme, y, epsilon, release) for y in sorted(set(years)) if (scheme, y) not in paid]
    after = Budget(limit, (*known.allotments, *new))
    for allotment in new:
        if _exactly(after.spent(allotment.year)) > _exactly(limit):
            left = Budget(limit, known.allotments).left(allotment.year)
            raise WallError(
                f"gate missed: an epsilon of {epsilon:g} is wanted and {left:g} of the budget of {allotment.year} is "
                f"left. Release other years, or release nothing more of it. Nothing was written."
            )
    if new and not check_only:
        content = {"format": FORMAT, "limit": limit, "allotments": [asdict(a) for a in after.allotments]}
        try:
            durable.replace(_path(wall), json.dumps(content, indent=1).encode())
        except OSError as error:
            raise output_error(_path(wall), error) from error
    return after


def _path(wall: Zones) -> Path:
    return wall.path("vault") / _NAME


def _exactly(value: float) -> Fraction:
    """A decimal number as written, so that three times 0.1 is 0.3."""
    return Fraction(repr(float(value)))
