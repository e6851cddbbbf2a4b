"""HL7 version 2 ADT messages as case records: admissions, registrations, updates and discharges.

After HL7 2.5.1, chapter 3 (Patient Administration): A01 admit, A03 discharge, A04 register, A08 update, A11 cancel.
Selected are PID-3 (identifier), PID-7 (birth), PID-8 (sex), PID-11 (address: county code), PV1-2 (class), PV1-19
(visit), PV1-44 (admitted), EVN-2 (recorded) and of each DG1 the code (DG1-3, its system there or in DG1-2) and action
(DG1-21). A message tells the state of its visit, so of several the last with diagnoses stands; where diagnoses carry
actions, the last message of each code does.
"""

# ruff: noqa: S608 (a statement is made of this package's own text, and of names and paths that are quoted)

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from salus.errors import InputError
from salus.sources import records, sql
from salus.sources.hl7 import Fault, Message, read
from salus.tables import encodings

EVENTS = {"A01": "admit", "A03": "discharge", "A04": "register", "A08": "update", "A11": "cancel"}
"""Trigger events that are used; others are left out by their name."""

ENDINGS = (".hl7", ".hl7.gz", ".adt", ".adt.gz", ".mllp")

_COLUMNS = (
    "file", "number", "stamp", "event", "person", "encounter", "birth", "sex", "class", "district", "admitted",
    "recorded", "code_system", "code", "action", "unused", "fault",
)  # fmt: skip
_CLASSES = {"E": "emergency", "I": "inpatient", "B": "inpatient", "O": "outpatient", "R": "outpatient"}
_SEXES = {"F": "female", "M": "male", "O": "other", "A": "other"}
_ICD10 = re.compile(r"ICD-?10.*|I10C?", re.IGNORECASE)
_SNOMED = re.compile(r"SCT2?|SNM3?|SNOMED.*", re.IGNORECASE)
_IDENTIFIERS = ("PI", "MR", "PT")
_ADDRESSES = ("H", "L", "")
_ROWS = 20_000
_SAMPLED = 200
_USED = {
    "EVN": {1, 2},
    "PID": {3, 7, 8, 11, 12},
    "PV1": {2, 19, 44},
    "DG1": {1, 2, 3, 6, 21},
}
_PATH = re.compile(r"(PID|PV1)-(\d{1,2})(?:\.(\d{1,2}))?")


@dataclass(frozen=True)
class AdtMessages:
    """Files of ADT messages as a source of raw records: a row for each coded diagnosis of each message.

    Attributes
    ----------
    files : tuple of Path
        The files.
    fields_left : tuple of str
        Segments and fields that are not selected, as far as the first messages of each file show them.
    simulated : bool
        Whether the rows are simulated.
    encoding : str or None
        Of all messages; else what each says.
    district : tuple of (str, int, int)
        Segment, field and component of the district.
    aside : list of (str, int, str)
        File, segment and fault of what was no message; filled while the rows are read.
    """

    files: tuple[Path, ...]
    fields_left: tuple[str, ...]
    simulated: bool = False
    encoding: str | None = None
    district: tuple[str, int, int] = ("PID", 11, 9)
    kind: str = field(default="hl7", init=False)
    aside: list[tuple[str, int, str]] = field(default_factory=list, compare=False)

    def select(self, connection: Any) -> str:
        """The question whose answer is the raw rows; see :meth:`salus.sources.linelist.LineList.select`.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it will be asked, once.
        """
        self.aside.clear()
        schema = pa.schema([(name, pa.int64() if name == "number" else pa.string()) for name in _COLUMNS])
        connection.register("salus_adt", pa.RecordBatchReader.from_batches(schema, self._batches(schema)))
        day, recorded = (sql.date_sql(f"left({c}, 10)", "VARCHAR") for c in ("admitted", "recorded"))
        birth = sql.partial_date_sql("birth", "day")
        return f"""
WITH m AS MATERIALIZED (SELECT *, (stamp, number) AS turn, {day} AS own_day, {recorded} AS told FROM salus_adt),
v AS (SELECT encounter, max(turn) FILTER (code IS NOT NULL) AS newest, max(turn) FILTER (event = 'A11') AS cancelled,
        max(turn) FILTER (event <> 'A11') AS alive, bool_or(action IS NOT NULL) AS by_action,
        coalesce(arg_max(own_day, turn) FILTER (own_day IS NOT NULL),
          min(told) FILTER (event IN ('A01', 'A04'))) AS day, bool_or(admitted <> '') AND max(own_day) IS NULL AS unread
      FROM m WHERE encounter IS NOT NULL AND event IS NOT NULL GROUP BY encounter),
j AS (SELECT m.*, v.* EXCLUDE (encounter),
        CASE WHEN v.by_action THEN max(turn) OVER (PARTITION BY m.encounter, m.code_system, m.code) ELSE v.newest END
        AS standing
      FROM m LEFT JOIN v ON m.encounter = v.encounter)
SELECT file, person, encounter, {birth} AS birth_date, CAST(NULL AS INTEGER) AS age, day AS date, told AS reported,
  district, sex, "class" AS encounter_class, code_system, code,
  CASE WHEN fault IS NOT NULL THEN fault WHEN unread THEN 'unreadable visit date'
       WHEN {birth} IS NULL AND birth <> '' THEN 'unreadable birth date' END AS fault,
  CASE WHEN fault IS NOT NULL THEN NULL WHEN unused IS NOT NULL THEN unused
       WHEN cancelled IS NOT NULL AND (alive IS NULL OR cancelled > alive) THEN 'visit cancelled'
       WHEN event = 'A11' THEN 'cancellation taken back'
       WHEN code IS NULL AND newest IS NOT NULL OR code IS NOT NULL AND turn <> standing
       THEN 'another message of the visit tells its diagnoses'
       WHEN code IS NULL THEN 'visit without a diagnosis' WHEN action = 'D' THEN 'diagnosis deleted'
       WHEN code_system IS NULL THEN 'code system not used' END AS left_out
FROM j"""

    def unreadable(self, connection: Any) -> list[tuple[str, int, str]]:
        """What was no message, after the question was answered.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where it was asked.
        """
        return self.aside

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows: list[tuple[Any, ...]] = []
        ordinal = itertools.count(1)
        for file in self.files:
            for found in read(file, self.encoding):
                if isinstance(found, Fault):
                    self.aside.append((file.name, found.number, found.why))
                    continue
                number = next(ordinal)
                rows += [(file.as_posix(), number, *row) for row in _rows(found, self.district)]
                if len(rows) >= _ROWS:
                    yield _batch(rows, schema)
                    rows = []
        yield _batch(rows, schema)


def open_adt(
    paths: Sequence[str | Path],
    *,
    simulated: bool = False,
    encoding: str | None = None,
    district: str | None = None,
) -> AdtMessages:
    """ADT messages ready for the wall.

    Parameters
    ----------
    paths : sequence of str or Path
        Files of messages (plain, MLLP-framed or batches; packed with ``.gz`` or not), or folders of ``.hl7``.
    simulated : bool
        Whether they are simulated; files whose first messages are of the processing mode training (MSH-11 ``T``) are
        taken for it anyway.
    encoding : str, optional
        Of all messages, where MSH-18 does not say or does not say truly.
    district : str, optional
        Where the district stands, such as ``PID-11.5``; default the county code ``PID-11.9``, or else ``PID-12``.

    Raises
    ------
    InputError
        A file can't be read or holds no message, or the place of the district is none.
    """
    files = records.expand(paths, ENDINGS)
    codec = None if encoding is None else encodings.codec(encoding)
    left: set[str] = set()
    training = False
    for file in files:
        seen = [m for m in itertools.islice(read(file, codec), _SAMPLED) if isinstance(m, Message)]
        if not seen:
            raise InputError(
                f"{file} holds no HL7 message among its first {_SAMPLED} entries. Give messages of HL7 version 2, each "
                "beginning with MSH, in their encoding."
            )
        training = training or any(m.value(m.first("MSH"), 11) == "T" for m in seen)
        left |= {name for m in seen for name in _unused(m)}
    place = ("PID", 11, 9)
    if district is not None:
        match = _PATH.fullmatch(district.strip().upper())
        if match is None:
            raise InputError(f"'{district}' is no place of a district. Write it as PID-11.5, of PID or PV1.")
        place = (match[1], int(match[2]), int(match[3] or 1))
    return AdtMessages(files, tuple(sorted(left)), simulated or training, codec, place)


def _unused(message: Message) -> Iterator[str]:
    for name, fields in message.segments:
        if name == "MSH" or not re.fullmatch("[A-Z][A-Z0-9]{2}", name):
            continue
        if name not in _USED:
            yield name
            continue
        yield from (f"{name}-{n}" for n, text in enumerate(fields, start=1) if text and n not in _USED[name])


def _batch(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.RecordBatch.from_arrays(
        [pa.array(c, t.type) for c, t in zip(columns, schema, strict=True)], schema=schema
    )


def _rows(message: Message, district: tuple[str, int, int]) -> list[tuple[Any, ...]]:
    """A row for each coding of the message that is used, or one that says why there is none."""
    head, pid, pv1, evn = (message.first(name) for name in ("MSH", "PID", "PV1", "EVN"))
    kind, event = message.value(head, 9, 1), message.value(head, 9, 2) or message.value(evn, 1)
    stamp = message.value(evn, 2) or message.value(head, 7)
    if kind != "ADT" or event not in EVENTS:
        name = "_".join(part for part in (kind, event) if re.fullmatch("[A-Z0-9]{2,3}", part)) or "of another kind"
        return [(stamp, *[None] * 12, f"message {name} not used", None)]
    fault = "no patient segment (PID)" if pid is None else "no visit segment (PV1)" if pv1 is None else None
    person = _identifier(message, pid, 3)
    admitted = _iso(message.value(pv1, 44))
    encounter = _identifier(message, pv1, 19) or (f"{person} {admitted[:10]}" if person and admitted else None)
    whole = (
        stamp,
        event,
        person,
        encounter,
        _iso(message.value(pid, 7)),
        _SEXES.get(message.value(pid, 8).upper()),
        _CLASSES.get(message.value(pv1, 2).upper()),
        _district(message, district),
        admitted,
        _iso(stamp),
    )
    codings = [c for dg1 in message.all("DG1") for c in _codings(message, dg1)]
    return [(*whole, *coding, None, fault) for coding in codings or [(None, None, None)]]


def _codings(message: Message, dg1: tuple[str, ...]) -> list[tuple[str | None, str | None, str | None]]:
    """Code system, code and action (A, U, D) of a diagnosis; both codings where both are used."""
    action = message.value(dg1, 21).upper() or None
    coded = [
        (message.value(dg1, 3, at), message.value(dg1, 3, at + 2) or (message.value(dg1, 2) if at == 1 else ""))
        for at in (1, 4)
    ]
    systems = [(_system(name), code) for code, name in coded if code]
    return [(system, code, action) for system, code in systems if system] or [
        (None, systems[0][1] if systems else None, action)
    ]


def _system(name: str) -> str | None:
    return "icd10" if _ICD10.fullmatch(name) else "snomed" if _SNOMED.fullmatch(name) else None


def _identifier(message: Message, fields: tuple[str, ...] | None, number: int) -> str | None:
    """Identifier with its assigning authority; of several the one that the hospital itself gave, else the first."""
    found = [r for r in message.repetitions(fields, number) if r[0]] if fields is not None else []
    if not found:
        return None
    best = min(
        found, key=lambda r: _IDENTIFIERS.index(r[4]) if len(r) > 4 and r[4] in _IDENTIFIERS else len(_IDENTIFIERS)
    )
    return best[0] + (f"^{best[3]}" if len(best) > 3 and best[3] else "")


def _district(message: Message, place: tuple[str, int, int]) -> str | None:
    segment, number, component = place
    fields = message.first(segment)
    if (segment, number) != ("PID", 11):
        return message.value(fields, number, component) or None
    homes = message.repetitions(fields, number) if fields is not None else []
    rank = {kind: n for n, kind in enumerate(_ADDRESSES)}
    homes.sort(key=lambda r: rank.get(r[6] if len(r) > 6 else "", len(rank)))
    told = next((r[component - 1] for r in homes if len(r) >= component and r[component - 1]), "")
    return told or (message.value(fields, 12) if component == 9 else "") or None


def _iso(stamp: str) -> str:
    """A time stamp of HL7 (``YYYY[MM[DD...]]``) as a date of ISO 8601, as far as it goes; as it is where it is none."""
    match = re.match(r"(\d{4})(\d{2})?(\d{2})?(?:\d{2,6}(?:\.\d+)?)?(?:[+-]\d{4})?$", stamp)
    return "-".join(part for part in match.groups() if part) if match else stamp
