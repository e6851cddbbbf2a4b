"""k-anonymity of persons, with l-diversity and t-closeness of what they had.

A person's history is the set of everything that the extract tells of the visits but the diagnoses: place, age group,
sex and time of each. A class is all persons of the very same history. So whoever knows one visit of a person, or
three, or all of them, is left with at least k persons; and at each of the visits these have at least l different
syndromes, in shares near those of the whole extract. Persons are counted, so a person of many rows is one.

k-anonymity: Sweeney, International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10, 2002.
l-diversity: Machanavajjhala, Kifer, Gehrke and Venkitasubramaniam, ACM TKDD 1, 2007. t-closeness: Li, Li and
Venkatasubramanian, ICDE 2007, with the same distance between any two syndromes. Search: El Emam and others, JAMIA 16,
2009.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from salus.errors import InputError
from salus.privacy.extract_rule import ExtractRule
from salus.privacy.hierarchies import Hierarchy

REASONS = ("too few persons", "too few syndromes", "too far from the whole")
"""Why a class is dropped: k, l, t."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Rows:
    """What is known of the visits of persons.

    Attributes
    ----------
    person : numpy.ndarray of int, shape (R,)
        0 to P - 1, each at least once.
    told : numpy.ndarray of int, shape (C, R)
        Value of each of the C columns that somebody may know, from 0.
    sensitive : numpy.ndarray of int, shape (R,)
        Syndrome, from 0.
    """

    person: np.ndarray
    told: np.ndarray
    sensitive: np.ndarray


@dataclass(frozen=True)
class Judged:
    """Classes of persons with the same history.

    Attributes
    ----------
    of : numpy.ndarray of int, shape (P,)
        Class of each person.
    persons, syndromes : numpy.ndarray of int, shape (K,)
        Persons of each class (k), and fewest different syndromes at one of its visits (l).
    distance : numpy.ndarray of float, shape (K,)
        Largest distance at one of its visits between the shares of syndromes there and in all rows (t).
    """

    of: np.ndarray
    persons: np.ndarray
    syndromes: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True)
class Chosen:
    """How coarse an extract is, and who is in it.

    Attributes
    ----------
    steps : tuple of int
        Step of each hierarchy.
    told : numpy.ndarray of int, shape (C, R)
        Group of each row at these steps.
    kept : numpy.ndarray of bool, shape (P,)
        Persons who are in it.
    dropped : dict of str to int
        Persons who are not, by :data:`REASONS`.
    judged : Judged
        The classes of those kept.
    loss : float
        What is lost by coarseness, 0 (nothing) to 1 (everything but the syndromes), mean over columns and rows.
    tried : int
        How many coarsenesses were looked at.
    """

    steps: tuple[int, ...]
    told: np.ndarray
    kept: np.ndarray
    dropped: dict[str, int]
    judged: Judged
    loss: float
    tried: int


def judge(rows: Rows) -> Judged:
    """Classes of persons, and k, l and t of each.

    Parameters
    ----------
    rows : Rows
        Visits.

    Returns
    -------
    Judged

    Examples
    --------
    Two persons of one visit each to the same place, and one of two visits:

    >>> found = judge(Rows(np.array([0, 1, 2, 2]), np.array([[5, 5, 5, 6]]), np.array([0, 1, 0, 0])))
    >>> found.of.tolist(), found.persons.tolist(), found.syndromes.tolist()
    ([0, 0, 1], [2, 1], [2, 1])
    """
    if not rows.person.size:
        return Judged(*(np.zeros(0, dtype=np.int64),) * 3, np.zeros(0))
    told = _one(rows.told)
    many = int(told.max()) + 1
    of = _histories(rows.person, told, many)
    number = int(of.max()) + 1
    kinds = int(rows.sensitive.max()) + 1
    distinct = _each_once((rows.person * many + told) * kinds + rows.sensitive)
    person, visit = distinct // (kinds * many), (distinct // kinds) % many
    sensitive = distinct % kinds
    cells, cell = np.unique(of[person] * many + visit, return_inverse=True)
    pairs, count = np.unique(cell * kinds + sensitive, return_counts=True)
    at, what = pairs // kinds, pairs % kinds
    share = count / np.bincount(cell)[at]
    whole = np.bincount(sensitive, minlength=kinds) / sensitive.size
    apart = np.bincount(at, np.abs(share - whole[what]) - whole[what], cells.size)
    diverse = np.full(number, kinds + 1)
    np.minimum.at(diverse, cells // many, np.bincount(at, minlength=cells.size))
    far = np.zeros(number)
    np.maximum.at(far, cells // many, (0.5 * (apart + 1.0)).clip(0.0, 1.0))
    return Judged(of, np.bincount(of, minlength=number), diverse, far)


def choose(rows: Rows, hierarchies: Sequence[Hierarchy], rule: ExtractRule) -> Chosen:
    """The coarseness that loses least while no more persons are dropped than the rule lets.

    Coarser than one that drops few enough is not looked at, nor finer than one that drops too many.

    Parameters
    ----------
    rows : Rows
        Visits; ``told`` has a row for each hierarchy, of its values.
    hierarchies : sequence of Hierarchy
        The ways to coarser ones.
    rule : ExtractRule
        k, l, t and how many may be dropped.

    Returns
    -------
    Chosen

    Raises
    ------
    InputError
        Even the coarsest drops too many.
    """
    losses = [
        [h.loss(s, values) for s in range(len(h.steps))] for h, values in zip(hierarchies, rows.told, strict=True)
    ]
    loss = {
        steps: float(np.mean([of[s] for of, s in zip(losses, steps, strict=True)]))
        for steps in itertools.product(*(range(len(h.steps)) for h in hierarchies))
    }
    open_ = sorted(loss, key=lambda steps: (loss[steps], steps))
    best: Chosen | None = None
    last: Chosen | None = None
    tried = 0
    while open_:
        steps = open_[len(open_) // 2]
        tried += 1
        last = _at(rows, hierarchies, steps, rule, loss[steps], tried)
        if 1 - last.kept.mean() <= rule.most_dropped and last.kept.any():
            best = last
            open_ = [o for o in open_ if (loss[o], o) < (loss[steps], steps)]
        else:
            open_ = [o for o in open_ if any(a > b for a, b in zip(o, steps, strict=True))]
    if best is None:
        told = (
            "no person was seen with a listed syndrome" if last is None else f"{1 - last.kept.mean():.1%} are dropped"
        )
        raise InputError(
            f"no extract holds k = {rule.k_anonymity}, l = {rule.l_diversity}, t = {rule.t_closeness:g}: however "
            f"coarse, {told}, and the rule lets {rule.most_dropped:.1%} be. Take in more records, or ask for less in "
            f"the rule."
        )
    return Chosen(best.steps, best.told, best.kept, best.dropped, best.judged, best.loss, tried)


def _at(
    rows: Rows, hierarchies: Sequence[Hierarchy], steps: tuple[int, ...], rule: ExtractRule, loss: float, tried: int
) -> Chosen:
    """Who is kept at one coarseness. What the whole is depends on who is kept, so it is judged until nobody goes."""
    told = np.array([h.groups[s][values] for h, s, values in zip(hierarchies, steps, rows.told, strict=True)])
    kept = np.ones(int(rows.person.max()) + 1, dtype=bool)
    dropped = dict.fromkeys(REASONS, 0)
    while True:
        here = kept[rows.person]
        number = np.cumsum(kept) - 1
        judged = judge(Rows(number[rows.person[here]], told[:, here], rows.sensitive[here]))
        faults = (
            judged.persons < rule.k_anonymity,
            judged.syndromes < rule.l_diversity,
            judged.distance > rule.t_closeness + _ROUNDING,
        )
        bad = np.logical_or.reduce(faults)
        if not bad.any():
            return Chosen(steps, told, kept, dropped, judged, loss, tried)
        seen = np.zeros(bad.size, dtype=bool)
        for reason, fault in zip(REASONS, faults, strict=True):
            dropped[reason] += int(judged.persons[fault & ~seen].sum())
            seen |= fault
        kept[np.flatnonzero(kept)[bad[judged.of]]] = False
        if not kept.any():
            return Chosen(steps, told, kept, dropped, judge(Rows(*(np.zeros(0, dtype=np.int64),) * 3)), loss, tried)


def _one(told: np.ndarray) -> np.ndarray:
    """Several columns as one number."""
    found = np.zeros(told.shape[1], dtype=np.int64)
    for column in told:
        found = found * (int(column.max(initial=0)) + 1) + column
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _each_once(numbers: np.ndarray) -> np.ndarray:
    """Different numbers, sorted; NumPy's own way by hashing takes five times as long."""
    found = np.sort(numbers)
    return found[np.r_[True, found[1:] != found[:-1]]]


def _histories(person: np.ndarray, told: np.ndarray, many: int) -> np.ndarray:
    """Number of each person's set of visits, the same for the same sets."""
    pairs = _each_once(person * many + told)
    who, what = pairs // many, pairs % many
    first = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    length = np.diff(np.r_[first, who.size])
    label = np.zeros(first.size, dtype=np.int64)
    for n in range(int(length.max())):
        here = np.flatnonzero(length > n)
        longer = np.unique(label[here] * many + what[first[here] + n], return_inverse=True)[1]
        label[here] = int(label.max()) + 1 + longer
    return np.unique(label, return_inverse=True)[1].astype(np.int64)
