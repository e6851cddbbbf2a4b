"""Case definitions by diagnosis code: what counts as influenza, as HFMD, as an exacerbation of COPD.

One readable file a syndrome in ``data/syndromes``, with titles in English and Chinese, version, code lists, what
differs between WHO's ICD-10 and the US modification, and sources. A code stands for a visit that a clinic coded so,
which is not the same as a case confirmed by a health department.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import polars as pl

from salus.errors import NameNotFoundError
from salus.tables import codes

_RANGE = re.compile(r"([A-Z])([0-9]{2})-([A-Z])([0-9]{2})")


@dataclass(frozen=True)
class Code:
    """One line of a code list.

    Attributes
    ----------
    system : {'icd10', 'snomed'}
        Code system.
    code : str
        A code, or for ICD-10 a range of categories such as ``J12-J18``.
    match : {'prefix', 'exact'}
        Whether all codes below it count too.
    meaning : str
        What it stands for.
    """

    system: str
    code: str
    match: str
    meaning: str

    @property
    def single(self) -> list[str]:
        """The codes of the range, or the code itself."""
        found = _RANGE.fullmatch(self.code)
        if found is None:
            return [self.code]
        letter, first, last = found[1], int(found[2]), int(found[4])
        return [f"{letter}{n:02d}" for n in range(first, last + 1)]


@dataclass(frozen=True)
class Syndrome:
    """One case definition.

    Attributes
    ----------
    key : str
        Short name in lower case, as policies and records use it.
    disease : str
        Name as series use it.
    title, title_zh : str
        Title in English and in Chinese.
    version : str
        Of the definition.
    definition : str
        In words.
    notes : str
        Differences between code lists, and what to mind.
    codes : tuple of Code
        Code list.
    sources : tuple of dict
        ``title``, ``publisher`` and ``url`` of each source.
    encounter_class : str or None
        The one kind of visit that counts; None for any.
    """

    key: str
    disease: str
    title: str
    title_zh: str
    version: str
    definition: str
    notes: str
    codes: tuple[Code, ...]
    sources: tuple[dict[str, str], ...]
    encounter_class: str | None = None


@cache
def catalogue() -> dict[str, Syndrome]:
    """Every case definition that comes with Salus.

    Returns
    -------
    dict of str to Syndrome
        By key, sorted.

    Examples
    --------
    >>> catalogue()["hfmd"].title_zh
    '手足口病'
    """
    found = {}
    for file in resources.files("salus.surveillance").joinpath("data/syndromes").iterdir():
        if file.name.endswith(".toml"):
            content = tomllib.loads(file.read_text(encoding="utf-8"))
            listed = tuple(Code(**c) for c in content.pop("codes"))
            one = Syndrome(codes=listed, sources=tuple(content.pop("sources")), **content)
            found[one.key] = one
    return dict(sorted(found.items()))


def describe(name: str) -> Syndrome:
    """One case definition.

    Parameters
    ----------
    name : str
        Key, title or disease, in English or Chinese; case and punctuation do not count.

    Raises
    ------
    NameNotFoundError
        There is none of that name; the message suggests the near ones.

    Examples
    --------
    >>> describe("Hand, foot and mouth").key, describe("水痘").key
    ('hfmd', 'varicella')
    """
    known = catalogue()
    wanted = _folded(name)
    for exact in (True, False):
        for one in known.values():
            names = [_folded(n) for n in (one.key, one.disease, one.title, one.title_zh)]
            if wanted in names or (not exact and wanted and any(n.startswith(wanted) for n in names)):
                return one
    raise NameNotFoundError("syndrome", name, [*known, *(s.disease for s in known.values())])


def definitions(names: Sequence[str] | None = None) -> pl.DataFrame:
    """Code lists of several syndromes as one table, as the wall counts by.

    Parameters
    ----------
    names : sequence of str, optional
        Which, as :func:`describe` takes them; without it all.

    Returns
    -------
    polars.DataFrame
        ``code_system``, ``code`` (ranges spelt out), ``match``, ``syndrome`` (key), ``disease``, ``encounter_class``
        (null for any).

    Examples
    --------
    >>> definitions(["copd_exacerbation"])["code"].to_list()
    ['J44.0', 'J44.1', '195951007']
    """
    chosen = list(catalogue().values()) if names is None else [describe(n) for n in names]
    rows = [
        (line.system, code, line.match, one.key, one.disease, one.encounter_class)
        for one in chosen
        for line in one.codes
        for code in line.single
    ]
    columns = ("code_system", "code", "match", "syndrome", "disease", "encounter_class")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def of(code: str, system: str = "icd10") -> list[str]:
    """Keys of the syndromes that a code falls under, whatever the kind of visit.

    Parameters
    ----------
    code : str
        With or without its dot.
    system : {'icd10', 'snomed'}
        Code system.

    Examples
    --------
    >>> of("J10.1"), of("b084"), of("I10")
    (['ari', 'ili', 'influenza', 'sari'], ['hfmd'], [])
    """
    found = codes.match(pl.DataFrame({"code_system": [system], "code": [code]}), definitions())
    return sorted(set(found["syndrome"]))


def overview() -> pl.DataFrame:
    """A row a syndrome, to browse.

    Returns
    -------
    polars.DataFrame
        ``syndrome``, ``title``, ``title_zh``, ``codes`` (as text), ``version``.
    """
    return pl.DataFrame(
        {
            "syndrome": [s.key for s in catalogue().values()],
            "title": [s.title for s in catalogue().values()],
            "title_zh": [s.title_zh for s in catalogue().values()],
            "codes": [", ".join(c.code for c in s.codes if c.system == "icd10") for s in catalogue().values()],
            "version": [s.version for s in catalogue().values()],
        }
    )


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
