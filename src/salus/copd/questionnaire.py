"""What a questionnaire is: items, points, cut-offs; and how one is scored when items are missing.

A missing item is never guessed: the score becomes the range of points that remain possible, and whether it is positive
is said only where all of that range lies on one side of the cut-off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from salus.errors import InputError

Answer = str | float | bool | None


@dataclass(frozen=True)
class Choice:
    """An item with answers to choose from.

    Attributes
    ----------
    name : str
        Name of the item in the answers.
    meaning : str
        What is asked, in our own words: the wording of a questionnaire belongs to its authors.
    points : Mapping of str to int
        Points of each answer. Where the answers are 'yes' and 'no', True and False are taken too.
    """

    name: str
    meaning: str
    points: Mapping[str, int]

    def score(self, answer: str | float | bool) -> int:
        """Points of an answer.

        Raises
        ------
        InputError
            The answer is not one of those that there are.
        """
        word = {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer).casefold().strip()
        if word not in self.points:
            raise InputError(f"{self.name} is '{answer}': one of {', '.join(self.points)} is wanted")
        return self.points[word]

    @property
    def possible(self) -> tuple[int, int]:
        """Fewest and most points."""
        return min(self.points.values()), max(self.points.values())


@dataclass(frozen=True)
class Band:
    """Points of the numbers up to a bound, above the band before.

    Attributes
    ----------
    points : int
        Points of the band.
    below : float
        Upper bound; infinity for the last band.
    included : bool
        Whether the bound itself belongs to the band.
    """

    points: int
    below: float = math.inf
    included: bool = False


@dataclass(frozen=True)
class Number:
    """An item that is a number, with points by band.

    Attributes
    ----------
    name, meaning : str
        As in :class:`Choice`.
    unit : str
        Unit of the number.
    least, most : float
        Numbers outside are refused: another unit, or a person for whom the questionnaire was not made.
    bands : tuple of Band
        In ascending order; the last has no bound.
    """

    name: str
    meaning: str
    unit: str
    least: float
    most: float
    bands: tuple[Band, ...]

    def score(self, answer: str | float | bool) -> int:
        """Points of a number.

        Raises
        ------
        InputError
            It is no number, or outside the bounds.
        """
        if isinstance(answer, (str, bool)):
            raise InputError(f"{self.name} is '{answer}': a number in {self.unit} is wanted")
        if not self.least <= answer <= self.most:
            raise InputError(f"{self.name} is {answer:g}: {self.least:g} to {self.most:g} {self.unit} are wanted")
        for band in self.bands:
            if answer < band.below or (band.included and answer == band.below):
                return band.points
        return self.bands[-1].points

    @property
    def possible(self) -> tuple[int, int]:
        """Fewest and most points."""
        return min(b.points for b in self.bands), max(b.points for b in self.bands)


@dataclass(frozen=True)
class Result:
    """Score of one person on one questionnaire.

    Attributes
    ----------
    instrument : str
        Its name in the registry.
    points : int or None
        Score; None where items are missing.
    least, most : int
        Fewest and most points that are possible with the items given; both the score where nothing is missing.
    positive : dict of int to (bool or None)
        For each cut-off, whether it is reached; None where the missing items decide.
    missing : tuple of str
        Items without an answer.
    """

    instrument: str
    points: int | None
    least: int
    most: int
    positive: dict[int, bool | None]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Instrument:
    """A published questionnaire.

    Attributes
    ----------
    name, title : str
        Name in the registry, and for people.
    items : tuple of (Choice or Number)
        Its items.
    cutoffs : tuple of int
        Scores from which on it is positive, lowest first.
    made_for : str
        People in whom it was developed.
    paper : str
        Where items, points and cut-offs were published.
    checked_with : tuple of str
        Sources in which the points were compared, item by item.
    terms : str
        What is known of the terms of use.
    """

    name: str
    title: str
    items: tuple[Choice | Number, ...]
    cutoffs: tuple[int, ...]
    made_for: str
    paper: str
    checked_with: tuple[str, ...]
    terms: str

    @property
    def possible(self) -> tuple[int, int]:
        """Fewest and most points of the whole questionnaire."""
        return sum(i.possible[0] for i in self.items), sum(i.possible[1] for i in self.items)

    def score(self, answers: Mapping[str, Answer]) -> Result:
        """Score one person.

        Parameters
        ----------
        answers : Mapping of str to (str, float, bool or None)
            Answer by item; None, nan or no entry where it is not known. Items of other questionnaires are passed over.

        Raises
        ------
        InputError
            An answer can't be; every such answer is named.
        """
        given = {item.name: answers.get(item.name) for item in self.items}
        missing = tuple(n for n, a in given.items() if a is None or (isinstance(a, float) and math.isnan(a)))
        ranges, faults = [], []
        for item in self.items:
            answer = given[item.name]
            if answer is None or item.name in missing:
                ranges.append(item.possible)
                continue
            try:
                ranges.append((points := item.score(answer), points))
            except InputError as error:
                faults.append(str(error))
        if faults:
            raise InputError(f"{self.title} can't be scored: " + "; ".join(faults))
        least, most = sum(r[0] for r in ranges), sum(r[1] for r in ranges)
        positive = {cut: True if least >= cut else False if most < cut else None for cut in self.cutoffs}
        return Result(self.name, None if missing else least, least, most, positive, missing)
