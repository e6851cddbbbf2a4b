"""Reader of SAS transport files, version 5: the record layout of SAS technical note TS-140.

A file is a series of 80-byte records: headers, one 140-byte description a variable, then the observations without gaps.
Numbers are IBM/360 floating point: a sign bit, seven bits for a power of 16 less 64, and a fraction of up to 56 bits,
cut to the variable's length (2 to 8 bytes). A missing value is a byte `.`, `_` or `A` to `Z` followed by zeros.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.errors import SourceError

_RECORD = 80
_LIBRARY = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
_DESCRIPTOR = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!"
_NAMES = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
_ROWS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_NUMERIC, _TEXT = 1, 2
_WIDTH = 8
_MISSING = frozenset(b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True)
class Variable:
    """One column of a transport file.

    Attributes
    ----------
    name, label : str
        Name of at most 8 characters, and what it means.
    numeric : bool
        Number instead of text.
    length : int
        Bytes that a value takes.
    position : int
        Byte at which it starts in an observation.
    """

    name: str
    label: str
    numeric: bool
    length: int
    position: int


def read(data: bytes, label: str = "transport file") -> tuple[pl.DataFrame, list[Variable]]:
    """First table of a transport file.

    Parameters
    ----------
    data : bytes
        The whole file.
    label : str
        What messages call it.

    Returns
    -------
    frame : polars.DataFrame
        A column a variable: Float64 (null where missing, of whatever kind) or text (blanks at the end dropped).
    variables : list of Variable
        In the file's order.

    Raises
    ------
    SourceError
        It is not such a file, or it ends early.
    """
    if not data.startswith(_LIBRARY):
        begin = data[:60].decode("ascii", errors="replace")
        raise SourceError(f"{label} is not a SAS transport file of version 5: it begins '{begin}'. Try later.")
    place = _after(data, _MEMBER, 3 * _RECORD, label)
    size = _whole_number(data[place - 6 : place - 2], label)
    place = _after(data, _DESCRIPTOR, place, label) + 2 * _RECORD
    place = _after(data, _NAMES, place, label)
    count = _whole_number(data[place - _RECORD + 54 : place - _RECORD + 58], label)
    end = place + count * size
    if len(data) < end or size < 136:
        raise SourceError(
            f"{label} ends within the descriptions of its {count} variables. Try later; nothing was saved."
        )
    variables = [_variable(data[place + k * size : place + (k + 1) * size]) for k in range(count)]
    place = _after(data, _ROWS, end + -end % _RECORD, label)
    if _MEMBER in data[place:]:
        raise SourceError(f"{label} holds more than one table, wanted one. Split it, or choose another file.")
    return _table(data[place:], variables, label), variables


def _after(data: bytes, header: bytes, place: int, label: str) -> int:
    if data[place : place + len(header)] != header:
        named = header[20:].split(b" HEADER")[0].decode().strip()
        raise SourceError(
            f"{label} has no {named} header at byte {place} as TS-140 wants; it is damaged or incomplete. Try later."
        )
    return place + _RECORD


def _whole_number(cell: bytes, label: str) -> int:
    if not cell.strip().isdigit():
        raise SourceError(f"{label} is damaged: {cell!r} stands where a whole number was wanted. Try later.")
    return int(cell)


def _variable(raw: bytes) -> Variable:
    kind, _, length, _ = struct.unpack(">hhhh", raw[:8])
    position = struct.unpack(">i", raw[84:88])[0]
    name, label = (raw[a:b].decode("cp1252", errors="replace").strip() for a, b in ((8, 16), (16, 56)))
    return Variable(name, label, kind == _NUMERIC, length, position)


def _table(body: bytes, variables: list[Variable], label: str) -> pl.DataFrame:
    width = max((v.position + v.length for v in variables), default=0)
    if width == 0:
        return pl.DataFrame()
    bad = [v.name for v in variables if v.length < 1 or v.position < 0 or (v.numeric and not 2 <= v.length <= _WIDTH)]
    if bad:
        raise SourceError(f"{label} is damaged: variable {bad[0]} has an impossible length or place. Try later.")
    rows, rest = divmod(len(body), width)
    if len(body) % _RECORD or body[rows * width :].strip(b" "):
        raise SourceError(
            f"{label} ends within an observation ({rest} bytes of {width}). Try later; nothing was saved."
        )
    cells = np.frombuffer(body, dtype=np.uint8, count=rows * width).reshape(rows, width)
    blank = (cells == ord(" ")).all(axis=1)
    padding = _RECORD // width + 1
    while rows and padding and blank[rows - 1]:
        rows, padding = rows - 1, padding - 1
    columns = []
    for v in variables:
        part = np.ascontiguousarray(cells[:rows, v.position : v.position + v.length])
        columns.append(_numbers(part, v.name) if v.numeric else _texts(part, v.name))
    return pl.DataFrame(columns)


def _numbers(part: np.ndarray, name: str) -> pl.Series:
    """IBM floating point to IEEE; the fraction has at most 56 bits, so the last three may be rounded."""
    rows, length = part.shape
    whole = np.zeros((rows, _WIDTH), dtype=np.uint8)
    whole[:, :length] = part
    missing = np.isin(whole[:, 0], list(_MISSING)) & ~whole[:, 1:].any(axis=1)
    sign = np.where(whole[:, 0] & 0x80, -1.0, 1.0)
    power = (whole[:, 0] & 0x7F).astype(np.int32) - 64
    fraction = np.zeros(rows, dtype=np.uint64)
    for k in range(1, _WIDTH):
        fraction = (fraction << np.uint64(8)) | whole[:, k].astype(np.uint64)
    values = sign * np.ldexp(fraction.astype(np.float64), 4 * power - 56)
    values[values == 0] = 0.0
    return pl.Series(name, values, dtype=pl.Float64).set(pl.Series(missing), None)


def _texts(part: np.ndarray, name: str) -> pl.Series:
    width = part.shape[1]
    raw = part.tobytes()
    cells = [raw[k * width : (k + 1) * width].rstrip(b" \x00") for k in range(part.shape[0])]
    return pl.Series(name, [cell.decode("cp1252", errors="replace") for cell in cells], dtype=pl.String)
