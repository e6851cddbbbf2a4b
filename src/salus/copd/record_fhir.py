"""FHIR R4 in and out: Patient, Observation, Condition and QuestionnaireResponse of people, and the Questionnaire.

The newest value of each item counts. The age is that on the day of a person's newest resource. What is recorded in a
unit that is not known, or answers another questionnaire under the name of one of our items, stays as text, so that the
row is refused with its reason.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from salus.copd.codes import LOINC, SMOKING, condition_of, in_our_unit, item_of
from salus.copd.interview import start
from salus.copd.questions import CIGARETTES_A_PACK, Item, all_items
from salus.errors import InputError
from salus.sources import lines, records

CANONICAL = "urn:salus:questionnaire:copd"
LEVELS = "urn:salus:copd:levels"
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
LONGEST = 256 * 2**20
"""Bytes of JSON that are held at once: a Bundle, or a line."""
_ENDINGS = (".json", ".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz", ".json.gz")
_LOST = ("entered-in-error", "cancelled")
_RATIO = "fev1_fvc"


@dataclass
class _Person:
    """What is known of one person: the value of each item with the day that it is from."""

    values: dict[str, tuple[str, Any]] = field(default_factory=dict)
    born: str | None = None
    sex: str | None = None
    newest: str = ""

    def set(self, item: str, value: Any, day: str) -> None:
        if value is not None and (item not in self.values or day >= self.values[item][0]):
            self.values[item] = (day, value)
        self.newest = max(self.newest, day)


def people_from_fhir(paths: Sequence[str | Path]) -> pl.DataFrame:
    """Answers of the people of FHIR resources.

    Parameters
    ----------
    paths : sequence of path
        Files or folders: Bundles (JSON), single resources, or newline-delimited JSON, packed or not.

    Returns
    -------
    polars.DataFrame
        `person` (Patient.id) and a text column for each item that is known of somebody, to be assessed by
        :func:`salus.copd.assess`. A row a Patient, and a row for each subject that has no Patient among the resources.

    Raises
    ------
    InputError
        A file can't be read, is damaged, unpacks beyond all measure, holds a resource that is not built as FHIR has
        it, or holds no such resource.
    """
    people: dict[str, _Person] = {}
    seen = 0
    for path in records.expand(paths, _ENDINGS):
        for number, resource in enumerate(_resources(path), 1):
            try:
                seen += _take(resource, people)
            except (AttributeError, TypeError, KeyError) as error:  # a list where FHIR has a group, and the like
                raise InputError(
                    f"{path}, resource {number} ({resource.get('resourceType')}) is not built as FHIR R4 has it: "
                    f"{error}. Correct it, or leave it out."
                ) from error
    if not seen:
        raise InputError(
            f"{', '.join(str(p) for p in paths)} holds no Patient, Observation, Condition or QuestionnaireResponse. "
            "Export these resources as a Bundle or as newline-delimited JSON."
        )
    return pl.DataFrame([_row(name, person) for name, person in people.items()], infer_schema_length=None)


def _resources(path: Path) -> Iterator[dict[str, Any]]:
    """The resources of a file; of newline-delimited JSON no more than a line is held."""
    before, number = b"", 0
    apart = None  # whether each line is JSON by itself; the first one tells
    for chunk in lines.raw(path):
        *whole, before = (before + chunk).split(b"\n") if apart is not False else (before + chunk,)
        if len(before) > LONGEST:
            raise InputError(
                f"{path}, line {number + 1} is longer than {LONGEST >> 20} MB. Export the resources as "
                "newline-delimited JSON, one a line, or as several Bundles."
            )
        for at, line in enumerate(whole):
            if apart is None and line.strip():
                apart = _is_json(line)
            if apart is False:
                before = b"\n".join((*whole[at:], before))
                break
            number += 1
            yield from _of_text(line, path, number)
    yield from _of_text(before, path, number + 1)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _of_text(text: bytes, path: Path, line: int) -> Iterator[dict[str, Any]]:
    """Resources of a piece of JSON that begins on a line of a file."""
    if not text.strip():
        return
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise InputError(
            f"{path}, line {at} is no JSON: {error.msg}. Give a Bundle, or one resource a line; if it was cut off, "
            "export it again."
        ) from error
    except ValueError as error:
        raise InputError(f"{path}, line {line} is no text in UTF-8: {error}. Export it again.") from error
    for entry in whole if isinstance(whole, list) else [whole]:
        if isinstance(entry, dict) and entry.get("resourceType") == "Bundle":
            for inner in entry.get("entry") or []:
                resource = inner.get("resource") if isinstance(inner, dict) else None
                if isinstance(resource, dict):
                    url = str(inner.get("fullUrl", ""))
                    yield {"id": url.rsplit(":", 1)[-1].rsplit("/", 1)[-1], **resource}
        elif isinstance(entry, dict):
            yield entry


def _take(resource: dict[str, Any], people: dict[str, _Person]) -> int:
    """What one resource says, put down; 1 where it is of a type that is read."""
    kind = resource.get("resourceType")
    if kind == "Patient":
        person = people.setdefault(str(resource.get("id", "")), _Person())
        person.born, person.sex = resource.get("birthDate"), resource.get("gender")
        return 1
    if kind not in ("Observation", "Condition", "QuestionnaireResponse"):
        return 0
    if resource.get("status") in _LOST or _code(resource.get("verificationStatus")) in ("refuted", *_LOST):
        return 1
    name = str((resource.get("subject") or {}).get("reference", "")).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    person = people.setdefault(name, _Person())
    if kind == "Observation":
        _observation(resource, person)
    elif kind == "Condition":
        day = str(resource.get("recordedDate") or resource.get("onsetDateTime") or "")[:10]
        for coding in (resource.get("code") or {}).get("coding") or []:
            item = condition_of(str(coding.get("system", "")), str(coding.get("code", "")))
            if item is not None:
                person.set(item, "yes", day)
    else:
        day = str(resource.get("authored") or "")[:10]
        asked_by = str(resource.get("questionnaire") or CANONICAL).partition("|")[0]
        for item, value in _responses(resource.get("item") or []):
            known = value if asked_by == CANONICAL or value is None else f"{_text(value)}, asked by {asked_by}"
            person.set(item, known, day)
    return 1


def _observation(resource: dict[str, Any], person: _Person) -> None:
    period = resource.get("effectivePeriod") or {}
    when = resource.get("effectiveDateTime") or period.get("start") or resource.get("issued") or ""
    for part in (resource, *(resource.get("component") or [])):
        codings = (part.get("code") or {}).get("coding") or []
        found = (item_of(str(c.get("system", "")), str(c.get("code", ""))) for c in codings)
        item = next((name for name in found if name is not None), None)
        if item is not None:
            person.set(item, _value(item, part), str(when)[:10])


def _value(item: str, part: dict[str, Any]) -> Any:
    concept = part.get("valueCodeableConcept")
    if concept is not None:
        codes = [str(c.get("code", "")) for c in concept.get("coding") or []]
        known = [SMOKING[code] for code in codes if code in SMOKING]
        return known[0] if known else concept.get("text") or " ".join(codes) or None
    quantity = part.get("valueQuantity")
    if quantity is not None and quantity.get("value") is not None:
        return _quantity(item, quantity)
    return next((part[key] for key in ("valueInteger", "valueBoolean", "valueString") if key in part), None)


def _quantity(item: str, quantity: dict[str, Any]) -> Any:
    """A quantity in our unit; as text where it is no number, so that the row is refused with it."""
    value, unit = quantity.get("value"), quantity.get("code") or quantity.get("unit")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else str(value)
    return in_our_unit(item, float(value), unit)


def _responses(items: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Answers by item, nested ones too; the link is the item's name."""
    for one in items:
        name = str(one.get("linkId", ""))
        for answer in one.get("answer") or []:
            if name in all_items():
                yield name, _answer(name, answer)
            yield from _responses(answer.get("item") or [])
        yield from _responses(one.get("item") or [])


def _answer(name: str, answer: dict[str, Any]) -> Any:
    for key, value in answer.items():
        if key == "valueCoding":
            return value.get("code") or value.get("display")
        if key == "valueQuantity":
            return _quantity(name, value)
        if key.startswith("value"):
            return value
    return None


def _row(name: str, person: _Person) -> dict[str, str | None]:
    known = {item: value for item, (_, value) in person.values.items()}
    packs, ratio = known.pop("packs_per_day", None), known.pop(_RATIO, None)
    if "smk_cpd" not in known and isinstance(packs, float):
        known["smk_cpd"] = packs * CIGARETTES_A_PACK
    if "fvc_l" not in known and isinstance(ratio, float) and isinstance(known.get("fev1_l"), float) and ratio > 0:
        known["fvc_l"] = known["fev1_l"] / (ratio if ratio <= 1 else ratio / 100)
    if "sex" not in known and person.sex in ("male", "female"):
        known["sex"] = person.sex
    age = _age(person.born, person.newest)
    if "age" not in known and age is not None:
        known["age"] = age
    return {"person": name, **{item: _text(value) for item, value in known.items()}}


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _age(born: str | None, newest: str) -> int | None:
    """Completed years on the day of the newest resource, today where none is dated."""
    if not born:
        return None
    try:
        first = dt.date.fromisoformat(f"{born}-07-01"[:10] if len(born) == 4 else f"{born}-15"[:10])
        day = dt.date.fromisoformat(newest) if len(newest) == 10 else dt.datetime.now().astimezone().date()
    except ValueError:
        return None
    return day.year - first.year - ((day.month, day.day) < (first.month, first.day))


def _code(concept: Any) -> str | None:
    codings = (concept or {}).get("coding") or [{}]
    code = codings[0].get("code")
    return None if code is None else str(code)


# ---- the Questionnaire ----------------------------------------------------------------------------------------------


def questionnaire() -> dict[str, Any]:
    """Our questions as a FHIR R4 Questionnaire, English with Chinese translations.

    Returns
    -------
    dict
        The resource: the questions of the models, of peak flow and spirometry, and those that the published
        questionnaires add. The link of an item is its name.

    Examples
    --------
    >>> made = questionnaire()
    >>> made["resourceType"], made["item"][0]["linkId"], made["item"][0]["type"]
    ('Questionnaire', 'age', 'decimal')
    """
    asked = start(tier="C", instruments=("cdq", "puma")).items
    return {
        "resourceType": "Questionnaire",
        "url": CANONICAL,
        "version": "1",
        "name": "SalusCopd",
        "title": "COPD case-finding",
        "_title": _translated("慢阻肺病例发现"),
        "status": "active",
        "experimental": False,
        "language": "en",
        "subjectType": ["Patient"],
        "publisher": "Salus",
        "description": "Questions for finding people with undiagnosed airflow obstruction. Case-finding in people with "
        "symptoms or exposure, not screening, and no diagnosis. Every question may be left unanswered.",
        "item": [_question(item, {i.name for i in asked}) for item in asked],
    }


def _translated(text: str) -> dict[str, Any]:
    parts = [{"url": "lang", "valueCode": "zh-CN"}, {"url": "content", "valueString": text}]
    return {"extension": [{"url": _TRANSLATION, "extension": parts}]}


def _question(item: Item, asked: set[str]) -> dict[str, Any]:
    kinds = {"number": "decimal", "yesno": "boolean", "choice": "choice"}
    made: dict[str, Any] = {
        "linkId": item.name,
        "text": item.questions["en"],
        "_text": _translated(item.questions["zh"]),
        "type": kinds[item.kind],
        "required": False,
    }
    codes = [code for code, name in LOINC.items() if name == item.name]
    if codes:
        made["code"] = [{"system": "http://loinc.org", "code": code} for code in codes]
    if item.kind == "number":
        base = "http://hl7.org/fhir/StructureDefinition"
        made["extension"] = [
            {"url": f"{base}/questionnaire-unit", "valueCoding": {"display": item.unit}},
            {"url": f"{base}/minValue", "valueDecimal": item.low},
            {"url": f"{base}/maxValue", "valueDecimal": item.high},
        ]
    if item.kind == "choice":
        made["answerOption"] = [
            {
                "valueCoding": {
                    "system": f"{LEVELS}:{item.name}",
                    "code": level.value,
                    "display": level.en,
                    "_display": _translated(level.zh),
                }
            }
            for level in item.levels
        ]
    conditions = [
        {"question": gate, "operator": "=", **_when(all_items()[gate], value)}
        for gate, values in item.only.items()
        if gate in asked
        for value in values
    ]
    if item.instead_of:
        conditions = [{"question": item.instead_of, "operator": "exists", "answerBoolean": False}]
    if conditions:
        made["enableWhen"] = conditions
        made["enableBehavior"] = "any"
    return made


def _when(gate: Item, value: str) -> dict[str, Any]:
    if gate.kind == "yesno":
        return {"answerBoolean": value == "yes"}
    return {"answerCoding": {"system": f"{LEVELS}:{gate.name}", "code": value}}
