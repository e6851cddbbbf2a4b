"""HL7 version 2 messages: framing, separators, repeated fields, components and escape sequences.

After HL7 2.5.1, chapter 2 (Control): segments end with a carriage return; MSH-1 is the field separator and MSH-2 names
the component, repetition, escape and subcomponent separators (2.5.4); ``""`` deletes a value (2.5.3); text may hold the
escape sequences of 2.7. Files may be framed by the Minimal Lower Layer Protocol (appendix C of the implementation
guide: VT, message, FS, CR) or be batches with FHS, BHS, BTS and FTS (2.10.3). Line feeds end segments too, since many
systems write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from salus.errors import InputError
from salus.sources.lines import raw

MAX_MESSAGE = 2**24
"""Bytes that a message may have."""

CHARACTER_SETS = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
    "ISO IR14": "iso2022_jp",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
} | {f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)}
"""Names of MSH-18 (table 0211) and the codecs that read them; without a name UTF-8, which holds ASCII."""

_ENDS = re.compile(rb"[\r\n\x0b\x1c]+")
_BATCH = (b"FHS", b"BHS", b"BTS", b"FTS")
_NULL = '""'


@dataclass(frozen=True)
class Separators:
    """What separates the parts of one message.

    Attributes
    ----------
    field, component, repetition, escape, subcomponent : str
        One character each, as MSH-1 and MSH-2 give them.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    def text(self, value: str) -> str:
        r"""A value without escape sequences; those of highlighting and of other character sets are taken out.

        Parameters
        ----------
        value : str
            As the message has it.

        Examples
        --------
        >>> Separators().text("A\\T\\B \\S\\ \\X41\\")
        'A&B ^ A'
        """
        if self.escape not in value:
            return value
        mark = re.escape(self.escape)
        return re.sub(f"{mark}([^{mark}]*){mark}", self._meaning, value)

    def _meaning(self, found: re.Match[str]) -> str:
        inner = found.group(1)
        plain = {
            "F": self.field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
            ".br": "\n",
        }
        if inner in plain:
            return plain[inner]
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", inner):
            return bytes.fromhex(inner[1:]).decode("utf-8", errors="replace")
        return ""


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes
    ----------
    number : int
        Of its first segment in the file, from 1.
    separators : Separators
        Its own.
    segments : tuple of (str, tuple of str)
        Name and fields of each segment, in order; the first of the fields is field 1, for MSH too.
    """

    number: int
    separators: Separators
    segments: tuple[tuple[str, tuple[str, ...]], ...]

    def all(self, name: str) -> list[tuple[str, ...]]:
        """The segments of a name.

        Parameters
        ----------
        name : str
            Such as ``DG1``.
        """
        return [fields for found, fields in self.segments if found == name]

    def first(self, name: str) -> tuple[str, ...] | None:
        """The first segment of a name, or None.

        Parameters
        ----------
        name : str
            Such as ``PID``.
        """
        return next((fields for found, fields in self.segments if found == name), None)

    def repetitions(self, fields: tuple[str, ...], number: int) -> list[list[str]]:
        """Components of each repetition of a field, without escapes; of subcomponents the first.

        Parameters
        ----------
        fields : tuple of str
            Of a segment.
        number : int
            Of the field, from 1.

        Examples
        --------
        >>> one = Message(1, Separators(), ())
        >>> one.repetitions(("1", "", "7^^^Ward&X~8"), 3)
        [['7', '', '', 'Ward'], ['8']]
        """
        value = fields[number - 1] if number <= len(fields) else ""
        if value in ("", _NULL):
            return []
        marks = self.separators
        return [
            ["" if c == _NULL else marks.text(c.split(marks.subcomponent)[0]).strip() for c in r.split(marks.component)]
            for r in value.split(marks.repetition)
        ]

    def value(self, fields: tuple[str, ...] | None, number: int, component: int = 1) -> str:
        """A component of the first repetition of a field; empty where it is not there.

        Parameters
        ----------
        fields : tuple of str or None
            Of a segment.
        number, component : int
            From 1.
        """
        value = fields[number - 1] if fields is not None and number <= len(fields) else ""
        if value in ("", _NULL):
            return ""
        marks = self.separators
        parts = value.split(marks.repetition, 1)[0].split(marks.component, component)
        part = parts[component - 1] if component <= len(parts) else ""
        return "" if part == _NULL else marks.text(part.split(marks.subcomponent, 1)[0]).strip()


@dataclass(frozen=True)
class Fault:
    """Something in a file that is no message.

    Attributes
    ----------
    number : int
        Of the segment, from 1.
    why : str
        What is wrong; nothing of the content.
    """

    number: int
    why: str


def read(path: Path, encoding: str | None = None) -> Iterator[Message | Fault]:
    """The messages of a file, one by one.

    Parameters
    ----------
    path : Path
        Packed when its name ends in ``.gz``.
    encoding : str, optional
        Of all messages; without it what each says in MSH-18.

    Yields
    ------
    Message or Fault
        In the order of the file.

    Raises
    ------
    InputError
        It can't be read, or a message is longer than :data:`MAX_MESSAGE`.
    """
    lines: list[bytes] = []
    start = number = messages = 0
    opened: int | None = None
    for number, line in enumerate(_segments(path), start=1):
        name = line[:3]
        if name in (b"MSH", *_BATCH):
            if lines:
                messages += 1
                yield _message(lines, start, encoding)
            lines, start = ([line], number) if name == b"MSH" else ([], number)
            if name == b"FHS":
                opened = number
            elif name == b"FTS":
                opened = None
            elif name == b"BHS":
                messages = 0
            elif name == b"BTS" and (told := _count(line)) is not None and told != messages:
                yield Fault(number, "the batch says that it has another number of messages")
        elif lines:
            lines.append(line)
        else:
            yield Fault(number, "a segment outside any message")
    if lines:
        yield _message(lines, start, encoding)
    if opened is not None:
        yield Fault(number, "the file ends before its trailer (FTS): a part of it is missing")


def _segments(path: Path) -> Iterator[bytes]:
    rest, size = b"", 0
    for chunk in raw(path):
        *whole, rest = _ENDS.split(rest + chunk)
        for line in whole:
            size = len(line) if line.startswith(b"MSH") else size + len(line)
            if size > MAX_MESSAGE:
                raise _too_long(path)
            if line.strip():
                yield line
        if len(rest) > MAX_MESSAGE:
            raise _too_long(path)
    if rest.strip():
        yield rest


def _too_long(path: Path) -> InputError:
    return InputError(
        f"{path} has a message that is longer than {MAX_MESSAGE >> 20} MB. Export it again, with segments that end in "
        "a carriage return, and without embedded documents."
    )


def _message(lines: list[bytes], number: int, encoding: str | None) -> Message | Fault:
    head = lines[0].decode("latin-1")
    if len(head) < 8 or len(set(head[3:8])) < 5 or any(c.isalnum() for c in head[3:8]):
        return Fault(number, "the message header (MSH) names no separators")
    separators = Separators(*head[3:8])
    named = head.split(separators.field)
    codec = encoding or CHARACTER_SETS.get(named[17].split(separators.repetition)[0].strip() if len(named) > 17 else "")
    if codec is None:
        return Fault(number, "the message names a character set that is not known (MSH-18)")
    segments = []
    try:
        for line in lines:
            name, *fields = line.decode(codec).split(separators.field)
            segments.append((name.strip(), tuple([separators.field, *fields] if name == "MSH" else fields)))
    except UnicodeDecodeError:
        return Fault(number, f"the message is not text in {codec}")
    return Message(number, separators, tuple(segments))


def _count(line: bytes) -> int | None:
    parts = line.split(line[3:4])
    return int(parts[1]) if len(parts) > 1 and parts[1].strip().isdigit() else None
