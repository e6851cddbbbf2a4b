"""Names of diseases: the many labels of one disease, in English, Chinese and Japanese, and how to write it.

The synonyms stand in ``data/disease_names.csv``, one disease a row, for everyone to read and extend. Chinese class B
and C names follow the national notifiable list, Japanese names the infectious disease weekly report. What a label adds
to a disease (an age group, a way of counting) is put into words by ``data/disease_qualifiers.csv``.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from salus.errors import InputError, NameNotFoundError
from salus.tables.names import fold

_GAP = re.compile(r"\s+|(?=[(（])")
_ALL_AGES = re.compile(r"\b(all ages|age 0?0\+|total)\s*$", re.IGNORECASE)
_AGES = re.compile(r"\b(?:ages?|aged)\s*(?:0*(\d+)\s*[-–]\s*0*(\d+)|0*(\d+)\s*\+|(unknown|unbekannt))", re.IGNORECASE)
_AGE_WORDS = {
    "en": ("aged {} to {}", "aged {} and over", "age unknown"),
    "zh": ("{}至{}岁", "{}岁及以上", "年龄不详"),
    "ja": ("{}～{}歳", "{}歳以上", "年齢不明"),
}
_MARKS = {"en": (" (", ", ", ")"), "zh": ("（", "，", "）"), "ja": ("（", "、", "）")}
_NAMES_IN_TITLES = frozenset({"Japanese", "Crimean-Congo", "Ebola", "Lassa", "Marburg", "Zika", "Mycoplasma"})
_NEAR, _SAME, _SPREAD = 0.6, 0.75, 0.15


@dataclass(frozen=True)
class Disease:
    """One disease as it is written.

    Attributes
    ----------
    key : str
        Stable name, such as ``hfmd``.
    title, title_zh, title_ja : str
        Name in English, Chinese and Japanese.
    short : str
        What stands in sentences, such as ``HFMD``.
    synonyms : tuple of str
        Other labels of it.
    group : str
        ``respiratory`` for what spreads by air and droplets, else empty.
    """

    key: str
    title: str
    title_zh: str
    title_ja: str
    short: str
    synonyms: tuple[str, ...]
    group: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that means it."""
        return (self.title, self.title_zh, self.title_ja, self.short, self.key, *self.synonyms)


@cache
def catalogue() -> tuple[Disease, ...]:
    """Every disease whose names are known, in the order of the file.

    Returns
    -------
    tuple of Disease

    Examples
    --------
    >>> len(catalogue()) > 100
    True
    """
    text = resources.files("salus.surveillance").joinpath("data/disease_names.csv").read_text("utf-8")
    return tuple(
        Disease(
            row["key"],
            row["title"],
            row["title_zh"],
            row["title_ja"],
            row["short"],
            tuple(s for s in row["synonyms"].split("|") if s),
            row["group"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def find(name: str) -> Disease | None:
    """The disease that a label means, or None where the label is not known.

    Parameters
    ----------
    name : str
        Any label, in any of the languages; case, punctuation and full-width forms do not matter.

    Returns
    -------
    Disease or None

    Examples
    --------
    >>> find("インフルエンザ").key, find("hand foot & mouth disease").short
    ('influenza', 'HFMD')
    """
    key = _by_label().get(fold(name))
    return _by_key()[key] if key else None


def title(name: str, lang: str = "en") -> str:
    """The disease's name for display.

    Parameters
    ----------
    name : str
        Any label of it.
    lang : {'en', 'zh', 'ja'}
        Language.

    Returns
    -------
    str
        The known name, with what the label adds (an age group) in brackets; the label itself where it is not known.

    Examples
    --------
    >>> title("HFMD"), title("HFMD", "zh"), title("Some new fever", "zh")
    ('Hand, foot and mouth disease', '手足口病', 'Some new fever')
    >>> title("Influenza (lab-confirmed) age 00+"), title("Influenza (lab-confirmed) age 60+", "zh")
    ('Influenza (laboratory-confirmed, all ages)', '流行性感冒（实验室确诊，60岁及以上）')
    """
    disease, rest = _parted(name)
    if disease is None:
        return name
    return {"zh": disease.title_zh, "ja": disease.title_ja}.get(lang, disease.title) + _added(rest, lang)


def short(name: str, lang: str = "en") -> str:
    """The disease's name for the middle of a sentence.

    Parameters
    ----------
    name : str
        Any label of it.
    lang : {'en', 'zh', 'ja'}
        Language.

    Returns
    -------
    str
        An abbreviation where one is usual in English; the full name in Chinese and Japanese.

    Examples
    --------
    >>> short("手足口病"), short("手足口病", "zh")
    ('HFMD', '手足口病')
    """
    disease, rest = _parted(name)
    if disease is None:
        return name
    return disease.short + _added(rest, lang) if lang == "en" else title(name, lang)


def within(name: str) -> str:
    """The disease's short English name inside a sentence: in small letters, but for abbreviations and names.

    Parameters
    ----------
    name : str
        Any label of it.

    Returns
    -------
    str
        The label itself where it is not known.

    Examples
    --------
    >>> within("Influenza"), within("HFMD"), within("Japanese encephalitis"), within("Some new fever")
    ('influenza', 'HFMD', 'JE', 'Some new fever')
    """
    said = short(name)
    first = said.split(" ")[0]
    plain = len(first) > 2 and first[1:].islower() and first not in _NAMES_IN_TITLES
    return said[0].lower() + said[1:] if plain and _parted(name)[0] is not None else said


def group(name: str) -> str:
    """The group of a disease.

    Parameters
    ----------
    name : str
        Any label of it, also one that adds an age group.

    Returns
    -------
    str
        ``respiratory`` for what spreads by air and droplets; empty for the others and for a label that is not known.

    Examples
    --------
    >>> group("Influenza (lab-confirmed) age 60+"), group("Dengue")
    ('respiratory', '')
    """
    disease, _ = _parted(name)
    return "" if disease is None else disease.group


def match(name: str, labels: Iterable[str], where: str = "the table") -> list[str]:
    """The labels of a file that mean the disease asked for.

    A label as it is written, or alike but for case and punctuation, always wins; labels of the same disease in another
    vocabulary come along. A label that narrows the disease, to an age group or a way of counting, is never merged with
    another: it is taken only when it is the one that can be meant.

    Parameters
    ----------
    name : str
        The disease, by any of its names, or a label as the file has it.
    labels : iterable of str
        The labels of the file.
    where : str
        What messages call the file.

    Returns
    -------
    list of str
        At least one label, the nearest first.

    Raises
    ------
    NameNotFoundError
        None means it; suggests the near ones, by synonyms too.
    InputError
        Several narrower labels may be meant.

    Examples
    --------
    >>> match("hfmd", ["Influenza", "Hand, foot and mouth disease"])
    ['Hand, foot and mouth disease']
    >>> match("Hepatitis A", ["甲型肝炎", "Hepatitis A", "Hepatitis"])
    ['Hepatitis A', '甲型肝炎']
    """
    known = list(dict.fromkeys(labels))
    wanted = fold(name)
    exact = [x for x in known if x == name] + [x for x in known if x != name and wanted and fold(x) == wanted]
    disease = find(name)
    same = [x for x in known if disease is not None and find(x) is disease and x not in exact]
    if exact or same:
        return exact + sorted(same, key=lambda x: (not x.isascii(), x))
    narrower = [x for x in known if _narrows(x, name, disease)]
    if len(narrower) == 1:
        return narrower
    if narrower:
        shown = ", ".join(f"'{x}'" for x in narrower[:12])
        more = f" and {len(narrower) - 12} more" if len(narrower) > 12 else ""
        whole = [x for x in narrower if _ALL_AGES.search(x)]
        hint = f", for example '{whole[0]}'" if whole else ""
        raise InputError(
            f"{where}: '{name}' may be any of {shown}{more}, which can't be added up. Name one of them{hint}."
        )
    raise _not_found(name, known, where)


def _starts(label: str) -> list[str]:
    """What a label may start with, longest first: ``Influenza (lab-confirmed) age 60+`` -> ``Influenza``."""
    return [label[: m.start()] for m in _GAP.finditer(label) if not label[: m.start()].endswith(" ")][::-1]


def _parted(label: str) -> tuple[Disease | None, str]:
    """The disease that a label is or starts with, and the rest of the label."""
    for start in (label, *_starts(label)):
        disease = find(start)
        if disease is not None:
            return disease, label[len(start) :]
    return None, ""


def _added(rest: str, lang: str) -> str:
    """What a label adds to the disease, in words and in brackets; what is not known stays as it is."""
    before, mark, after = _MARKS.get(lang, _MARKS["en"])
    said: list[str] = []
    ages = _AGES.search(rest)
    for part in re.split(r"[()（）,，、;]", rest[: ages.start()] if ages else rest):
        words = part.strip(" -–:")
        known = _qualifiers().get(words.casefold())
        said += [known.get(lang, known["en"]) if known else words] if words else []
    if ages:
        between, over, unknown = _AGE_WORDS.get(lang, _AGE_WORDS["en"])
        low, high, least, _ = ages.groups()
        everybody = _qualifiers()["all ages"]
        whole = everybody.get(lang, everybody["en"])
        said.append(between.format(low, high) if high else unknown if not least else over.format(least))
        said[-1] = whole if least == "0" else said[-1]
        said += [tail] if (tail := rest[ages.end() :].strip(" ()（）,，")) else []
    return before + mark.join(said) + after if said else ""


def _narrows(label: str, name: str, disease: Disease | None) -> bool:
    """Whether a label is the disease with something added."""
    if find(label) is not None:
        return False
    wanted = fold(name)
    return any((disease is not None and find(s) is disease) or fold(s) == wanted for s in _starts(label))


def _not_found(name: str, known: Sequence[str], where: str) -> NameNotFoundError:
    """Suggestions among the file's labels, near by spelling or through a synonym that is near."""
    wanted = fold(name)
    scores: dict[str, float] = {}
    for label in known:
        disease, _ = _parted(label)
        spellings = {fold(label), *(fold(s) for s in (*_starts(label), *(disease.labels if disease else ())))}
        scores[label] = max((difflib.SequenceMatcher(None, wanted, s).ratio() for s in spellings if s), default=0.0)
    cut = max(_NEAR, max(scores.values(), default=0.0) - _SPREAD)
    near = sorted((x for x in known if scores[x] >= cut), key=lambda x: -scores[x])[:3]
    error = NameNotFoundError("disease", name, known, where)
    disease = find(name)
    missing = f"disease '{name}'"
    if disease is not None:
        missing = disease.title + ("" if fold(disease.title) == wanted else f" ('{name}')")
    if near and (disease is None or scores[near[0]] >= _SAME):
        hint = "Did you mean " + " or ".join(f"'{x}'" for x in near) + "?"
    else:
        hint = error.choice(where)
    error.args = (f"{where} has no {missing}. {hint}",)
    return error


@cache
def _qualifiers() -> dict[str, dict[str, str]]:
    text = resources.files("salus.surveillance").joinpath("data/disease_qualifiers.csv").read_text("utf-8")
    return {row["label"]: row for row in csv.DictReader(text.splitlines())}


@cache
def _by_key() -> dict[str, Disease]:
    return {d.key: d for d in catalogue()}


@cache
def _by_label() -> dict[str, str]:
    """Folded label -> key; a label of two diseases is a defect of the file."""
    table: dict[str, str] = {}
    for disease in catalogue():
        for label in disease.labels:
            other = table.setdefault(fold(label), disease.key)
            if other != disease.key:
                raise InputError(f"disease_names.csv gives '{label}' to both {other} and {disease.key}. Keep one.")
    return table
