"""The encoding of a text file: taken from its marks, proved, or asked for; never guessed where a guess could mangle.

UTF-8 proves itself, since text in any other encoding is hardly ever valid UTF-8. A byte-order mark is believed. For the
rest, every candidate that can decode the file's non-ASCII lines is weighed by evidence: words that surveillance tables
hold (``data/common_words.csv``), endings of place names, runs of kana or Cyrillic, letters inside Latin words. When no
candidate stands out, the file is refused with a preview of each: a table has too little text for the letter statistics
by which general detectors judge, and a silently mangled place name is worse than a question.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from salus.errors import InputError

CANDIDATES = {
    "gb18030": "zh",
    "cp932": "ja",
    "big5": "zh-Hant",
    "euc_jp": "ja",
    "euc_kr": "ko",
    "cp1251": "ru",
    "cp1252": "west",
    "cp1250": "east",
}
"""Encodings that are weighed, with the language of the words that speak for each."""

CHUNK = 2**24
_SAMPLE = 2**16
_SEARCHED = 2**25
_CHANCE = 5
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LATIN_LANGUAGES = ("west", "east")
_SURE, _SURE_LATIN = 0.35, 0.9
_LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-ÿĀ-ſȘ-ț]+")
_LATIN_NAME = re.compile("[a-zà-öø-ÿā-ſș-ț-]+")
# kana tell of Shift-JIS alone: their bytes in EUC-JP are everyday characters in Big5
_KANA = "[\u3041-\u3096\u30a1-\u30fa\u30fc]{2,}"
_CYRILLIC = "^[\u0410-\u042f\u0401]?[\u0430-\u044f\u0451]{2,}$"


def detect(path: Path, label: str) -> str:
    """The encoding of a text file.

    Parameters
    ----------
    path : Path
        The file.
    label : str
        What messages call it.

    Returns
    -------
    str
        A Python codec name.

    Raises
    ------
    InputError
        It is not text, or its encoding can't be told with certainty.
    """
    marked = by_mark(path)
    if marked is not None:
        return marked
    with path.open("rb") as handle:
        head = handle.read(_SAMPLE)
    if b"\0" in head:
        return _wide(head, label)
    sample = _sample(path)
    if all(_valid_utf8(path)) and not _chance(sample):
        return "utf-8"
    return _weigh(sample, label)


def codec(name: str) -> str:
    """The one name of an encoding, in whatever way it is written.

    Parameters
    ----------
    name : str
        As a person gives it.

    Raises
    ------
    InputError
        There is no such encoding of text.

    Examples
    --------
    >>> codec("GB18030"), codec("Latin 1"), codec("utf8")
    ('gb18030', 'iso8859-1', 'utf-8')
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except LookupError as error:
        known = ", ".join(["utf-8", "utf-16", *CANDIDATES])
        raise InputError(f"there is no encoding '{name}'. Give one such as {known}.") from error


def by_mark(path: Path) -> str | None:
    """The encoding that the byte-order mark of a file tells, as a Python codec name; None where it has none.

    Parameters
    ----------
    path : Path
        The file.
    """
    with path.open("rb") as handle:
        head = handle.read(4)
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def line_of_bad_byte(path: Path, encoding: str) -> int | None:
    """Number of the first line, from 1, that an encoding can't decode; None when all can be.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str
        A Python codec name.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    with path.open("rb") as handle:
        while True:
            chunk = handle.read(CHUNK)
            state = decoder.getstate()
            try:
                lines += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeError:
                break
            if not chunk:
                return None
    decoder.setstate(state)
    for k in range(len(chunk) + 1):
        try:
            lines += decoder.decode(chunk[k : k + 1], final=k == len(chunk)).count("\n")
        except UnicodeError:
            break
    return lines + 1


def transcode(path: Path, encoding: str, target: Path, label: str) -> Path:
    """Write a file anew as UTF-8 with newline characters as line ends.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str
        Its encoding, a Python codec name.
    target : Path
        The file to write.
    label : str
        What messages call the file.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    InputError
        A line is not in the encoding.
    """
    try:
        with (
            path.open("r", encoding=encoding, errors="strict", newline=None) as source,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            while text := source.read(2**22):
                out.write(text)
    except UnicodeError as error:
        line = line_of_bad_byte(path, encoding)
        raise InputError(
            f"{label} is not text in {encoding}: line {line} can't be read. "
            "Save the file as UTF-8 (in Excel: CSV UTF-8), or name its encoding with --encoding."
        ) from error
    return target


def _valid_utf8(path: Path) -> Iterator[bool]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as handle:
        while True:
            chunk = handle.read(CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                yield False
                return
            if not chunk:
                return


def _chance(sample: bytes) -> bool:
    """Whether text may be valid UTF-8 by chance: a few letters of two bytes, in no Latin word, as GBK may give."""
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError:
        return False
    letters = {ord(c) for c in text if not c.isascii()}
    if not letters or len(letters) > _CHANCE or not 0xC0 <= max(letters) <= 0x7FF:
        return False
    return re.search("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]", text) is None


def _wide(head: bytes, label: str) -> str:
    """UTF-16 without a mark: every other byte of Latin text is zero."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    pairs = max(len(head) // 2, 1)
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0.3 * pairs and others == 0:
            return name
    at = head.index(0)
    raise InputError(
        f"{label} is not a text file: it holds a zero byte at position {at + 1}. "
        "Give a CSV, Excel, Parquet or JSON lines file, and name it for what it is."
    )


def _sample(path: Path) -> bytes:
    """The file's first different lines with a byte outside ASCII."""
    seen: dict[bytes, None] = {}
    size = read = 0
    with path.open("rb") as handle:
        for line in handle:
            read += len(line)
            if not line.isascii() and line not in seen:
                seen[line] = None
                size += len(line)
            if size > _SAMPLE or (seen and read > _SEARCHED):
                break
    return b"".join(seen)


@cache
def _words() -> dict[str, tuple[str, ...]]:
    """Words by language, longest first."""
    words: dict[str, list[str]] = {}
    text = resources.files("salus.tables").joinpath("data/common_words.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        words.setdefault(row["language"], []).extend(row["words"].split())
    return {language: tuple(sorted(set(w), key=len, reverse=True)) for language, w in words.items()}


def _coverage(text: str, encoding: str) -> float:
    """Share of the letters outside ASCII that stand in known words of two letters or more, or alone in a cell."""
    cells = [c for c in re.split(r"[\x00-\x7f]+", text) if c]
    pattern = _pattern(encoding)
    known = 0
    for cell in cells:
        known += sum(
            m.end() - m.start() for m in pattern.finditer(cell) if m.end() - m.start() > 1 or m.group() == cell
        )
    return known / max(sum(map(len, cells)), 1)


@cache
def _pattern(encoding: str) -> re.Pattern[str]:
    """Known words, or a whole cell that ends as the names of places do (``-市`` in the word list)."""
    language = CANDIDATES.get(encoding, "ru")
    words = [w for w in _words()[language] if not w.startswith("-")]
    ends = "".join(w[1:] for w in _words()[language] if w.startswith("-"))
    places = [rf"^\w{{1,6}}[{ends}]$"] if ends else []
    script = {"cp932": [_KANA], "cp1251": [_CYRILLIC], "utf-8": [_CYRILLIC]}.get(encoding, [])
    return re.compile("|".join([*places, *script, *(re.escape(w) for w in words)]))


def _western(text: str) -> float:
    """Share of the letters outside ASCII that stand in a Latin word with twice as many plain letters."""
    outside = sum(not c.isascii() for c in text)
    good = 0
    for word in _LATIN.findall(text):
        special = sum(not c.isascii() for c in word)
        if 3 * special <= len(word):
            good += special
    return good / max(outside, 1)


def _known_words(text: str, language: str) -> int:
    """How many different words of a language, among those with letters outside ASCII, a text holds."""
    words = {w for w in _LATIN_NAME.findall(text.casefold()) if not w.isascii()}
    return len(words & {w for w in _words()[language] if not w.isascii()})


def _weigh(sample: bytes, label: str) -> str:
    texts: dict[str, str] = {}
    for name in ("utf-8", *CANDIDATES):
        try:
            texts[name] = sample.decode(name)
        except UnicodeDecodeError:
            continue
    weights = {}
    for name, text in texts.items():
        latin = CANDIDATES.get(name) in _LATIN_LANGUAGES
        weights[name] = _western(text) if latin else _coverage(text, name)
    if "euc_jp" in weights and re.search(_KANA, texts["euc_jp"]):
        weights["euc_jp"] = max(weights["euc_jp"], _SURE - 0.01)  # enough to raise a doubt, not to win
    ranked = sorted(weights, key=lambda n: -weights[n])
    best = ranked[0] if ranked else ""
    if best and weights[best] >= (_SURE_LATIN if CANDIDATES.get(best) in _LATIN_LANGUAGES else _SURE):
        rivals = [n for n in ranked[1:] if weights[n] > weights[best] / 3 and texts[n] != texts[best]]
        if not rivals:
            return best
        if all(CANDIDATES.get(n) in _LATIN_LANGUAGES for n in (best, *rivals)):
            spoken = {n: _known_words(texts[n], CANDIDATES[n]) for n in (best, *rivals)}
            first = max(spoken, key=lambda n: spoken[n])
            if spoken[first] and not any(count for n, count in spoken.items() if n != first):
                return first
    raise InputError(_question(sample, texts, label))


def _question(sample: bytes, texts: dict[str, str], label: str) -> str:
    if not texts:
        return (
            f"{label} is text in no encoding that Salus knows (not UTF-8, {', '.join(CANDIDATES)}). "
            "Save it as UTF-8 and give that, or name its encoding with --encoding."
        )
    previews = []
    for name, text in texts.items():
        line = next(x for x in text.splitlines() if not x.isascii())
        start = max(next(i for i, c in enumerate(line) if not c.isascii()) - 8, 0)
        previews.append(f"as {name}: '{line[start : start + 24]}'")
    return (
        f"the encoding of {label} can't be told with certainty. It reads {'; '.join(previews)}. "
        "Where one of these reads right, name it with --encoding; else save the file as UTF-8 (in Excel: CSV UTF-8) "
        "and give that."
    )
