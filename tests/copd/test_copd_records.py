"""FHIR resources and OMOP tables of people give the same answers as saying them; the Questionnaire is published."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from helpers_people import SMOKER

from salus.copd import assess, record_fhir
from salus.copd.codes import CONDITIONS, LOINC, SNOMED, UNITS
from salus.copd.people import assess_table
from salus.copd.questions import all_items
from salus.copd.record_fhir import people_from_fhir, questionnaire
from salus.copd.record_omop import people_from_omop
from salus.errors import InputError
from salus.sources import lines
from salus.tables import packed as packed_files

LOINC_ORG, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def observation(code: str, value: float, unit: str, day: str = "2026-03-01", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC_ORG, "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": f"{day}T10:00:00Z",
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    } | more


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1963-06-01"}
SMOKING = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": LOINC_ORG, "code": "72166-2"}]},
    "subject": {"reference": "urn:uuid:p1"},
    "effectiveDateTime": "2026-02-01",
    "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "8517006"}]},
}
RESPONSE = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
    "authored": "2026-03-02",
    "item": [
        {"linkId": "smk_years", "answer": [{"valueDecimal": 30}]},
        {"linkId": "smk_cpd", "answer": [{"valueInteger": 20}]},
        {
            "linkId": "wheeze_12mo",
            "answer": [{"valueBoolean": True, "item": [{"linkId": "wheeze_rx", "answer": [{"valueBoolean": False}]}]}],
        },
        {"linkId": "group", "item": [{"linkId": "cough_3mo", "answer": [{"valueBoolean": True}]}]},
        {"linkId": "phlegm_3mo", "answer": [{"valueBoolean": False}]},
        {"linkId": "dyspnea_exertion", "answer": [{"valueCoding": {"code": "1"}}]},
    ],
}
RESOURCES = [
    PATIENT,
    observation("8302-2", 66.929, "[in_i]"),
    observation("29463-7", 99, "kg", day="2020-01-01"),
    observation("29463-7", 176.37, "[lb_av]"),
    observation("29463-7", 60, "kg", day="2026-03-05", status="entered-in-error"),
    observation("8480-6", 130, "mm[Hg]"),
    SMOKING,
    RESPONSE,
]


def bundle(resources: list[dict[str, Any]]) -> str:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]})


@pytest.mark.parametrize("form", ["bundle", "ndjson"])
def test_fhir_gives_the_same_assessment_as_the_answers(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"people.{'json' if form == 'bundle' else 'ndjson'}"
    file.write_text(bundle(RESOURCES) if form == "bundle" else "\n".join(map(json.dumps, RESOURCES)), encoding="utf-8")
    people = people_from_fhir([file])
    assert people["person"].to_list() == ["p1"]
    row = assess_table(people).row(0, named=True)
    said = assess(SMOKER).primary
    assert said is not None
    assert row["refused"] is None
    assert row["probability"] == pytest.approx(said.probability, rel=1e-3)


def test_fhir_spirometry_and_peak_flow_in_their_units(tmp_path: Path) -> None:
    more = [observation("20150-9", 1800, "mL"), observation("19926-5", 52.94, "%"), observation("19935-6", 5, "L/s")]
    file = tmp_path / "people.json"
    file.write_text(bundle([*RESOURCES, *more]), encoding="utf-8")
    people = people_from_fhir([file])
    assert float(people["fvc_l"][0]) == pytest.approx(3.4, abs=0.01)
    assert float(people["pef_lpm"][0]) == 300
    assert assess_table(people).row(0, named=True)["below_lln"] is True


@pytest.mark.parametrize(
    ("asked_by", "refused"),
    [(None, False), ("urn:salus:questionnaire:copd", False), ("urn:salus:questionnaire:copd|1", False),
     ("http://example.org/Questionnaire/intake", True)],
    ids=["not said", "ours", "ours with its version", "another"],
)  # fmt: skip
def test_answers_to_another_questionnaire_are_not_taken_for_ours(
    tmp_path: Path, asked_by: str | None, refused: bool
) -> None:
    response = RESPONSE if asked_by is None else RESPONSE | {"questionnaire": asked_by}
    (tmp_path / "people.json").write_text(bundle([*RESOURCES[:-1], response]), encoding="utf-8")
    row = assess_table(people_from_fhir([tmp_path / "people.json"])).row(0, named=True)
    assert (row["refused"] is not None) == refused
    if refused:
        assert "smoked is '30, asked by http://example.org/Questionnaire/intake', which can't be read" in row["refused"]


def test_fhir_in_an_unknown_unit_is_refused_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(bundle([PATIENT, observation("29463-7", 12, "[stone_av]")]), encoding="utf-8")
    assert "'12 [stone_av]', which can't be read" in assess_table(people_from_fhir([file]))["refused"][0]


def test_fhir_diagnoses_are_a_yes_and_their_absence_is_not_known(tmp_path: Path) -> None:
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J43.9"}]}
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/p1"}, "code": code}
    gone = {"coding": [{"code": "refuted"}]}
    file = tmp_path / "people.json"
    file.write_text(bundle([*RESOURCES, condition]), encoding="utf-8")
    assert people_from_fhir([file])["emphysema_ever"][0] == "yes"
    file.write_text(bundle([*RESOURCES, condition | {"verificationStatus": gone}]), encoding="utf-8")
    assert "emphysema_ever" not in people_from_fhir([file]).columns


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"resourceType": "Basic"}', "holds no Patient"), ('{"resourceType": "Patient"}\n{"resour', "line 2 is no JSON")],
    ids=["nothing of use", "cut off"],
)
def test_fhir_that_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "people.ndjson"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        people_from_fhir([file])


NDJSON = "\n".join(map(json.dumps, RESOURCES)).encode()


@pytest.mark.parametrize("chunk", [1, 7, 200, 2**20])
@pytest.mark.parametrize("form", ["ndjson", "pretty bundle", "bundle a line", "blank first lines"])
def test_fhir_is_read_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, form: str
) -> None:
    monkeypatch.setattr(lines, "_CHUNK", chunk)
    text = {
        "ndjson": NDJSON + b"\r\n",
        "pretty bundle": json.dumps(json.loads(bundle(RESOURCES)), indent=1).encode(),
        "bundle a line": "\n".join(bundle(part) for part in (RESOURCES[:3], RESOURCES[3:])).encode(),
        "blank first lines": b"\n \n" + NDJSON,
    }[form]
    (tmp_path / "people.json").write_bytes(text)
    people = people_from_fhir([tmp_path / "people.json"])
    assert people["person"].to_list() == ["p1"]
    assert float(people["height_cm"][0]) == pytest.approx(170, abs=0.01)
    assert float(people["smk_years"][0]) == 30


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NDJSON[:-30], "line 8 is no JSON"),
        (json.dumps(json.loads(bundle(RESOURCES)), indent=1).encode()[:-300], "line [0-9]{2,} is no JSON"),
        (
            NDJSON + b'\n{"resourceType": "Observation", "code": [1]}',
            r"resource 9 \(Observation\) is not built as FHIR R4",
        ),
        (NDJSON + b'\n{"resourceType": "Patient", "id": "\xff\xfe"}', "line 9 is no text in UTF-8"),
    ],
    ids=["cut off", "bundle cut off", "another build", "another encoding"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_fhir_is_refused_with_the_place(tmp_path: Path, text: bytes, said: str, packed: bool) -> None:
    file = tmp_path / ("people.ndjson.gz" if packed else "people.ndjson")
    file.write_bytes(gzip.compress(text) if packed else text)
    with pytest.raises(InputError, match=said):
        people_from_fhir([file])


def test_damaged_and_endless_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gzip.compress(NDJSON * 50)
    file = tmp_path / "people.ndjson.gz"
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged gzip file"):
        people_from_fhir([file])
    monkeypatch.setattr(packed_files, "FREE_BYTES", 2**16)
    file.write_bytes(gzip.compress(b" " * 2**22))
    with pytest.raises(InputError, match="looks like a zip bomb"):
        people_from_fhir([file])
    monkeypatch.setattr(record_fhir, "LONGEST", 500)
    (tmp_path / "long.ndjson").write_bytes(NDJSON)
    with pytest.raises(InputError, match="line 1 is longer than"):
        people_from_fhir([tmp_path / "long.ndjson"])


@pytest.mark.parametrize(
    ("code", "value", "unit", "said"),
    [
        ("29463-7", 180, "cm", "'180 cm', which can't be read"),
        ("8302-2", 5.6, "cm", "It looks like feet"),
        ("19935-6", 5.2, "L/min", "It looks like L/s"),
        ("20150-9", 1800, "L", "It looks like millilitres"),
        ("29463-7", "heavy", "kg", "'heavy', which can't be read"),
    ],
)
def test_fhir_in_the_wrong_unit_is_refused(tmp_path: Path, code: str, value: Any, unit: str, said: str) -> None:
    (tmp_path / "people.json").write_text(bundle([PATIENT, observation(code, value, unit)]), encoding="utf-8")
    [refused] = assess_table(people_from_fhir([tmp_path / "people.json"]))["refused"]
    assert said in refused


def test_the_questionnaire_is_published_with_the_package_as_it_is_made() -> None:
    published = files("salus.copd").joinpath("data", "questionnaire.json").read_text(encoding="utf-8")
    assert json.loads(published) == questionnaire(), "run `salus copd questionnaire --out` on the package's file"


def test_the_questionnaire_asks_every_question_of_the_models_in_both_languages() -> None:
    made = questionnaire()
    links = [item["linkId"] for item in made["item"]]
    assert len(links) == len(set(links))
    assert {"age", "sex", "smk_status", "pef_lpm", "fev1_l", "wheeze_12mo", "phlegm_usually"} <= set(links)
    for item in made["item"]:
        assert not item["required"]
        assert (
            item["_text"]["extension"][0]["extension"][1]["valueString"] == all_items()[item["linkId"]].questions["zh"]
        )
        for condition in item.get("enableWhen", []):
            assert links.index(condition["question"]) < links.index(item["linkId"])


def test_every_code_stands_for_an_item_and_every_unit_for_one_that_is_coded() -> None:
    known = {*all_items(), "packs_per_day", "fev1_fvc"}
    assert {*LOINC.values(), *SNOMED.values(), *CONDITIONS.values(), *UNITS} <= known


# ---- OMOP -----------------------------------------------------------------------------------------------------------


def omop(folder: Path, *, concepts: bool = True) -> list[Path]:
    tables = {
        "person": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n"
        "7,8507,1963,6,1\n8,8532,1950,,\n",
        "measurement": "person_id,measurement_concept_id,measurement_date,value_as_number,value_as_concept_id,"
        "unit_concept_id,unit_source_value,measurement_source_value\n"
        "7,3036277,2026-03-01,170,,8582,cm,8302-2\n"
        "7,3025315,2020-03-01,99,,9529,kg,29463-7\n"
        "7,3025315,2026-03-01,176.37,,8739,[lb_av],29463-7\n",
        "observation": "person_id,observation_concept_id,observation_date,value_as_number,value_as_string,"
        "value_as_concept_id,unit_source_value,observation_source_value\n"
        "7,43054909,2026-02-01,,,45883458,,72166-2\n"
        "7,0,2026-03-01,30,,,,smk_years\n7,0,2026-03-01,20,,,,smk_cpd\n7,0,2026-03-01,,yes,,,wheeze_12mo\n"
        "7,0,2026-03-01,,no,,,wheeze_rx\n7,0,2026-03-01,,yes,,,cough_3mo\n7,0,2026-03-01,,no,,,phlegm_3mo\n"
        "7,0,2026-03-01,,yes,,,dyspnea_exertion\n",
        "concept": "concept_id,vocabulary_id,concept_code\n3036277,LOINC,8302-2\n3025315,LOINC,29463-7\n8582,UCUM,cm\n"
        "9529,UCUM,kg\n8739,UCUM,[lb_av]\n43054909,LOINC,72166-2\n45883458,LOINC,LA15920-4\n"
        "0,None,No matching concept\n",
        "condition_occurrence": "person_id,condition_concept_id,condition_start_date,condition_source_value\n"
        "8,0,2025-01-01,J44.9\n",
    }
    for name, text in tables.items():
        if name != "concept" or concepts:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return [folder]


def test_omop_gives_the_same_assessment_as_the_answers(tmp_path: Path) -> None:
    people = people_from_omop(omop(tmp_path))
    assert people["person"].to_list() == ["7", "8"]
    table = assess_table(people)
    said = assess(SMOKER).primary
    assert said is not None
    assert table["refused"].to_list() == [None, None]
    assert table["probability"][0] == pytest.approx(said.probability, rel=1e-3)
    assert "diagnosed" in table["flags"][1]


def test_omop_without_concepts_is_told_by_source_values(tmp_path: Path) -> None:
    people = people_from_omop(omop(tmp_path, concepts=False))
    assert people.filter(pl.col("person") == "7").select("height_cm", "smk_cpd").row(0) == ("170.0", "20")


def test_omop_in_the_wrong_unit_and_packed_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = omop(tmp_path)
    table = tmp_path / "measurement.csv"
    right = table.read_text(encoding="utf-8")
    table.write_text(right.replace("176.37,,8739,[lb_av]", "176.37,,8582,cm"), encoding="utf-8")
    assert "'176.37 cm', which can't be read" in assess_table(people_from_omop(folder))["refused"][0]
    table.write_text(right.replace("176.37,,8739,[lb_av]", "heavy,,9529,kg"), encoding="utf-8")
    assert assess_table(people_from_omop(folder))["refused"][0] is not None
    table.unlink()
    monkeypatch.setattr(packed_files, "FREE_BYTES", 2**16)
    (tmp_path / "measurement.csv.gz").write_bytes(gzip.compress(right.encode() + b"\n" * 2**22))
    with pytest.raises(InputError, match="looks like a zip bomb"):
        people_from_omop(folder)


def test_omop_without_a_person_table_is_refused(tmp_path: Path) -> None:
    folder = omop(tmp_path)
    (tmp_path / "person.csv").unlink()
    with pytest.raises(InputError, match="no OMOP table 'person'"):
        people_from_omop(folder)
