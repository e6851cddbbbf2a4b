"""Questions asked in turn: which one is next, whether an answer can stand, and when it is asked again.

The terminal and a page ask by the same rules; nothing here prints or reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from salus.copd.answers import from_person, unread
from salus.copd.assessment import models, own_name
from salus.copd.checks import check
from salus.copd.instruments import INSTRUMENTS
from salus.copd.questions import FOLLOWS, Item, all_items
from salus.errors import NameNotFoundError

CONFIRM = "confirm"
"""Kind of a reason that a second look at the value can settle."""


@dataclass(frozen=True)
class Interview:
    """One person's answers so far.

    Attributes
    ----------
    lang : str
        Language of questions and reasons.
    items : tuple of Item
        What is asked, in order.
    answers : Mapping of str to Any
        Answers by item, as given; None where a question was left unanswered.
    confirmed : tuple of str
        Items whose unusual value is right.
    """

    lang: str
    items: tuple[Item, ...]
    answers: Mapping[str, Any] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()

    @property
    def next(self) -> Item | None:
        """The question to ask now; None when all are asked."""
        return next((item for item in self.items if item.name not in self.answers and self._applies(item)), None)

    @property
    def progress(self) -> tuple[int, int]:
        """Number of the question to ask now, and of those that are left to be asked with it."""
        open_ = [item for item in self.items if item.name not in self.answers and self._applies(item)]
        asked = len(self.answers)
        return asked + 1, asked + len(open_)

    def answered(self, item: Item, text: Any) -> tuple[Interview, tuple[str, ...], bool]:
        """An answer taken, or the reasons why it can't stand.

        Parameters
        ----------
        item : Item
            The question.
        text : Any
            The answer as given; an empty one is not known.

        Returns
        -------
        interview : Interview
            With the answer, whether or not it can stand.
        reasons : tuple of str
            New reasons against it; empty where it can stand.
        confirmable : bool
            Whether :meth:`confirm` would settle them.
        """
        value = None if text is None or not str(text).strip() else _level(item, text)
        new = replace(self, answers={**self.answers, item.name: value})
        if value is None:
            return new, (), False
        found = check(from_person(new.answers, looked_at=new.confirmed), self.lang).refused
        if not found.height:
            return new, (), False
        kinds = [kind.partition(":")[0] for kind in found["kinds"][0]]
        return new, tuple(found["reasons"][0]), all(kind == CONFIRM for kind in kinds)

    def confirm(self, item: Item) -> Interview:
        """The same, with the unusual value of an item, and the weight that it is judged with, looked at."""
        more = [name for name in (item.name, "weight_kg") if name in self.answers]
        return replace(self, confirmed=tuple(dict.fromkeys((*self.confirmed, *more))))

    def back(self) -> Interview:
        """The last question is open again."""
        rest = dict(self.answers)
        if rest:
            rest.popitem()
        return replace(self, answers=rest)

    def without(self, name: str) -> Interview:
        """An answer taken back, and the question open again."""
        return replace(self, answers={k: v for k, v in self.answers.items() if k != name})

    @property
    def known(self) -> dict[str, Any]:
        """The answers that were given."""
        return {name: value for name, value in self.answers.items() if value is not None}

    def _applies(self, item: Item) -> bool:
        if item.instead_of and self.answers.get(item.instead_of, "") is not None:
            return False
        for gate, wanted in item.only.items():
            if gate not in self.answers:
                return gate not in {i.name for i in self.items}
            if self._value(gate) not in wanted:
                return False
        return True

    def _value(self, name: str) -> str | None:
        """An answer in the words of the conditions: a level's value, `yes` or `no`; None where it is not known."""
        if self.answers.get(name) is None:
            return None
        row = from_person({name: self.answers[name]})
        if unread(name) in row.columns or row[name][0] is None:
            return None
        item = all_items()[name]
        return {1.0: "yes", 0.0: "no"}.get(row[name][0]) if item.kind == "yesno" else str(row[name][0])


def start(lang: str = "en", *, tier: str = "B", instruments: Sequence[str] = ()) -> Interview:
    """An interview with the questions of the packaged models.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.
    tier : {'A', 'B', 'C'}
        Questionnaire; with peak flow; with spirometry too.
    instruments : sequence of str
        Published questionnaires whose own questions are asked besides.

    Raises
    ------
    NameNotFoundError
        There is no such tier or questionnaire.

    Examples
    --------
    >>> first = start(tier="A")
    >>> first.next.name, first.answered(first.next, "150")[1]
    ('age', ('age is 150: 18 to 110 years are wanted. Correct it, or leave it empty',))
    """
    if tier not in ("A", "B", "C"):
        raise NameNotFoundError("tier", tier, ("A", "B", "C"))
    for name in instruments:
        if name not in INSTRUMENTS:
            raise NameNotFoundError("questionnaire", name, INSTRUMENTS)
    wanted = {own_name(item.name) for model in models("A" if tier == "A" else "B") for item in model.items()}
    wanted |= {gate for gate, names in FOLLOWS.items() if wanted & set(names)}
    wanted |= {i.name for i in all_items().values() if i.instead_of in wanted}
    wanted |= {i.name for i in all_items().values() if i.tier == "c" and tier == "C"}
    wanted |= {i.name for i in all_items().values() if i.instrument in instruments}
    return Interview(lang, tuple(item for item in all_items().values() if item.name in wanted))


def _level(item: Item, text: Any) -> Any:
    """An answer given by its number in the list shown, into the level itself; other answers as they are."""
    given = str(text).strip()
    if item.kind == "choice" and given.isdigit() and 1 <= int(given) <= len(item.levels):
        return item.levels[int(given) - 1].value
    return text
