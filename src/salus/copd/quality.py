"""Quality of a spirometry session: the grades A to F of ATS/ERS 2019, and what each permits to say.

Grades: Graham et al., American Journal of Respiratory and Critical Care Medicine 2019, 200(8), e70-e88, table 10, for
people over 6 years. FEV1 and FVC are graded apart. What a grade permits: Culver et al., the same journal 2017, 196(11),
1463-1472: A to C are usable, D is suspect, E shows no more than that a value is at least so high, F shows nothing. U,
which came in 2019, is treated as E here: usable blows, none of them acceptable.
"""

from __future__ import annotations

from collections.abc import Sequence

from salus.errors import InputError

GRADES = ("A", "B", "C", "D", "E", "U", "F")

PERMITS = {
    "A": "full",
    "B": "full",
    "C": "full",
    "D": "caution",
    "E": "at_least",
    "U": "at_least",
    "F": "nothing",
}
"""What a grade permits: read in full, with caution, only as a value that is reached at least, or not at all."""

_ORDER = ("full", "caution", "at_least", "nothing")
_LITRES = {"A": 0.150, "C": 0.200, "D": 0.250}


def grade(acceptable: Sequence[float], *, usable: int = 0) -> str:
    """Grade of FEV1 or of FVC from the blows of one session, for people over 6 years.

    Parameters
    ----------
    acceptable : sequence of float
        Litres of each acceptable blow.
    usable : int
        Number of blows that are usable without being acceptable.

    Returns
    -------
    str
        One of :data:`GRADES`. Repeatability is the difference of the two largest; a limit that is met counts as kept.

    Raises
    ------
    InputError
        A volume is not positive.

    Examples
    --------
    >>> grade([3.10, 3.02, 2.96]), grade([3.10, 2.92]), grade([3.10]), grade([], usable=1), grade([])
    ('A', 'C', 'E', 'U', 'F')
    """
    if any(not v > 0 for v in acceptable) or usable < 0:
        raise InputError("a blow is a volume in litres above zero, and the count of usable blows is not negative")
    if not acceptable:
        return "U" if usable else "F"
    if len(acceptable) == 1:
        return "E"
    largest, next_largest = sorted(acceptable, reverse=True)[:2]
    apart = round(largest - next_largest, 6)
    if apart <= _LITRES["A"]:
        return "A" if len(acceptable) >= 3 else "B"
    return "C" if apart <= _LITRES["C"] else "D" if apart <= _LITRES["D"] else "E"


def permitted(*grades: str | None) -> str:
    """What grades permit together: the worst of them counts; None is a grade that was not recorded.

    Parameters
    ----------
    *grades : str or None
        Grades of FEV1 and FVC. Where none is recorded the session is taken as readable in full.

    Returns
    -------
    {'full', 'caution', 'at_least', 'nothing'}

    Raises
    ------
    InputError
        A letter that is no grade.

    Examples
    --------
    >>> permitted("A", "D"), permitted("B", None), permitted("F", "A")
    ('caution', 'full', 'nothing')
    """
    worst = 0
    for letter in grades:
        if letter is None:
            continue
        if letter not in PERMITS:
            raise InputError(f"'{letter}' is no grade of a spirometry session: one of {', '.join(GRADES)} is wanted")
        worst = max(worst, _ORDER.index(PERMITS[letter]))
    return _ORDER[worst]
