"""One language: its catalogue of sentences, and how it says dates, periods, lists and chances."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salus.errors import NameNotFoundError
from salus.reports import numbers, words_en, words_zh
from salus.surveillance.weeks import Cadence


@dataclass(frozen=True)
class Words:
    """The words of one language.

    Attributes
    ----------
    lang : str
        ``en`` or ``zh``.
    text : mapping of str to str
        Templates by key; a key that ends in ``.one`` is for the count 1.
    months : tuple of str
        Names of the months, short.
    small : tuple of str
        Words for the numbers 1 to 10.
    kinds : mapping of str to (str, str)
        Kind of place (the tables' ``location_level``) in the singular and plural.
    article : str
        Pattern of the names of places that take an article inside a sentence; empty where the language has none.
    adjectives : tuple of str
        Level names that end in one of these take an article; empty where the language has none.

    Examples
    --------
    >>> from salus.surveillance.weeks import Cadence
    >>> language("en").after(Cadence("week"), 2), language("zh").after(Cadence("week"), 2)
    ('in two weeks', '两周后')
    """

    lang: str
    text: Mapping[str, str]
    months: tuple[str, ...]
    small: tuple[str, ...]
    kinds: Mapping[str, tuple[str, str]]
    article: str = ""
    adjectives: tuple[str, ...] = ()

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence of a key with its blanks filled in.

        Parameters
        ----------
        key : str
            Key of the catalogue.
        **values : object
            What the blanks hold; ``n`` chooses the singular where there is one.
        """
        if values.get("n") == 1 and f"{key}.one" in self.text:
            key = f"{key}.one"
        return self.text[key].format(**values)

    def __getitem__(self, key: str) -> str:
        return self.text[key]

    def percent(self, probability: float) -> str:
        """A probability with its sign, such as ``71 %``; in words at the ends of the scale.

        Parameters
        ----------
        probability : float
            Between 0 and 1.
        """
        number = numbers.percent(probability)
        key = {"<": "percent.under", ">": "percent.over"}.get(number[0], "percent")
        return self(key, p=number.lstrip("<>"))

    def odds(self, probability: float) -> str:
        """A probability as a natural frequency, such as ``about 7 in 10``.

        Parameters
        ----------
        probability : float
            Between 0 and 1.
        """
        part, of = numbers.odds(probability)
        return self("odds", part=part, of=of)

    def day(self, day: dt.date) -> str:
        """A day in words.

        Parameters
        ----------
        day : datetime.date
            The day.
        """
        return self("day", d=day.day, month=self.months[day.month - 1], m=day.month, y=day.year)

    def month(self, day: dt.date) -> str:
        """The month of a day, with its year, short enough for an axis.

        Parameters
        ----------
        day : datetime.date
            A day in the month.
        """
        return self("month", month=self.months[day.month - 1], m=day.month, y=day.year)

    def period(self, cadence: Cadence, start: dt.date, brief: bool = False) -> str:
        """A period in words: the week with its last day, the month, or the day.

        Parameters
        ----------
        cadence : Cadence
            Length of the period.
        start : datetime.date
            Its first day.
        brief : bool
            A week without its number.
        """
        if cadence.kind == "month":
            return self.month(start)
        if cadence.kind == "day":
            return self.day(start)
        end = cadence.end(start)
        if brief:
            return self("week.brief", end=self.day(end))
        return self(
            "week",
            label=cadence.label(start),
            year=cadence.label(start)[:4],
            week=cadence.of_year(start),
            end=self.day(end),
        )

    def during(self, cadence: Cadence, start: dt.date, brief: bool = True) -> str:
        """A period as a time, such as ``in the week to 27 Jan 2024``.

        Parameters
        ----------
        cadence : Cadence
            Length of the period.
        start : datetime.date
            Its first day.
        brief : bool
            A week without its number.
        """
        return self("by.day" if cadence.kind == "day" else "by", period=self.period(cadence, start, brief))

    def until(self, cadence: Cadence, start: dt.date) -> str:
        """A period by its last day, short enough for the head of a column, such as ``to 27 Jan``.

        Parameters
        ----------
        cadence : Cadence
            Length of the period.
        start : datetime.date
            Its first day.
        """
        if cadence.kind == "month":
            return self.month(start)
        last = cadence.end(start)
        end = self("day.short", d=last.day, month=self.months[last.month - 1], m=last.month)
        return self("week.end", end=end) if cadence.kind == "week" else end

    def span(self, cadence: Cadence, count: int) -> str:
        """So many periods, such as ``two weeks``.

        Parameters
        ----------
        cadence : Cadence
            Length of a period.
        count : int
            How many.
        """
        word = self.small[count - 1] if 1 <= count <= len(self.small) else str(count)
        return self(f"span.{cadence.kind}", n=count, word=word)

    def after(self, cadence: Cadence, count: int) -> str:
        """So many periods from now, such as ``in two weeks``.

        Parameters
        ----------
        cadence : Cadence
            Length of a period.
        count : int
            How many.
        """
        return self("after", span=self.span(cadence, count))

    def age(self, days: int) -> str:
        """So many days in the unit that people would use, such as ``about three years``.

        Parameters
        ----------
        days : int
            At least 1.
        """
        unit, length = next((u, n) for u, n in (("day", 1.0), ("week", 7.0), ("month", 30.44), ("year", 365.25))
                            if days < 2.5 * n * {"day": 7, "week": 4.35, "month": 12, "year": 1e9}[u])  # fmt: skip
        count = round(days / length)
        word = self.small[count - 1] if 1 <= count <= len(self.small) else str(count)
        span = self(f"span.{unit}", n=count, word=word)
        return span if unit == "day" else self("age", span=span)

    def named(self, name: str) -> str:
        """The name of a place inside a sentence: with its article where it takes one.

        Parameters
        ----------
        name : str
            As it stands alone.
        """
        return f"the {name}" if self.article and re.search(self.article, name) else name

    def join(self, items: Sequence[str], most: int = 5, total: int | None = None) -> str:
        """A list as a sentence has it; names beyond ``most`` are counted.

        Parameters
        ----------
        items : sequence of str
            At least one.
        most : int
            How many are named.
        total : int, optional
            How many there are; the length of ``items`` by default.
        """
        rest = (total or len(items)) - min(most, len(items))
        shown = list(items[:most])
        if rest > 0:
            return self("list.more", shown=self.text["list.comma"].join(shown), n=rest)
        if len(shown) == 1:
            return shown[0]
        return self("list.and", shown=self.text["list.comma"].join(shown[:-1]), last=shown[-1])

    def kind(self, name: str | None, count: int) -> str:
        """A kind of place, in the number that ``count`` asks for; ``place`` when it is not known.

        Parameters
        ----------
        name : str or None
            The tables' ``location_level``.
        count : int
            How many places.
        """
        one, many = self.kinds.get((name or "").lower(), self.kinds["place"])
        return one if count == 1 else many


LANGUAGES = {
    module.LANG: Words(
        module.LANG, module.TEXT, module.MONTHS, module.SMALL, module.KINDS, module.ARTICLE, module.ADJECTIVES
    )
    for module in (words_en, words_zh)
}
"""The languages that a bulletin can be written in, by code."""


def language(lang: str) -> Words:
    """The words of a language.

    Parameters
    ----------
    lang : str
        ``en`` or ``zh``.

    Returns
    -------
    Words
        Its catalogue.

    Raises
    ------
    NameNotFoundError
        There is no catalogue for that language.
    """
    if lang not in LANGUAGES:
        raise NameNotFoundError("bulletin language", lang, LANGUAGES)
    return LANGUAGES[lang]
