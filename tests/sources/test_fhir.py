import gzip
import json

import duckdb
import polars as pl
import pytest

from salus.errors import InputError
from salus.sources.fhir import open_fhir
from salus.sources.records import FIELDS

ICD, SCT = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"


def patient(n, **more):
    return {
        "resourceType": "Patient",
        "id": f"p{n}",
        "name": [{"text": "李雷"}],
        "gender": "male",
        "birthDate": "2015-06-01",
        "address": [{"line": ["1 Road"], "district": "D1"}],
    } | more


def encounter(n, who=1, **more):
    return {
        "resourceType": "Encounter",
        "id": f"e{n}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/p{who}"},
        "period": {"start": "2024-01-03T23:30:00+08:00"},
    } | more


def condition(n, visit=1, codings=((ICD, "J10.1"),), **more):
    return {
        "resourceType": "Condition",
        "id": f"c{n}",
        "encounter": {"reference": f"Encounter/e{visit}"},
        "code": {"coding": [{"system": s, "code": c} for s, c in codings]},
        "recordedDate": "2024-01-04",
    } | more


def write(folder, patients, encounters, conditions, pack=False):
    folder.mkdir(exist_ok=True)
    for name, resources in (("Patient", patients), ("Encounter", encounters), ("Condition", conditions)):
        text = "\n".join(r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in resources) + "\n"
        if pack:
            (folder / f"{name}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.000.ndjson").write_text(text)
    return folder


def rows(source):
    connection = duckdb.connect()
    return pl.from_arrow(connection.sql(source.select(connection)).to_arrow_table())


@pytest.mark.parametrize("pack", [False, True])
def test_a_visit_becomes_a_row_for_each_code_that_is_used(tmp_path, pack):
    codings = ((ICD, "J10.1"), (SCT, "442438000"), ("urn:local", "77"))
    source = open_fhir([write(tmp_path / "f", [patient(1)], [encounter(1)], [condition(1, codings=codings)], pack)])
    frame = rows(source).sort("code_system")
    assert frame.columns == list(FIELDS)
    assert frame.select("code_system", "code").rows() == [("icd10", "J10.1"), ("snomed", "442438000")]
    row = frame.row(0, named=True)
    assert (row["person"], row["encounter"], row["district"], row["sex"], row["encounter_class"]) == (
        "p1",
        "e1",
        "D1",
        "male",
        "outpatient",
    )
    assert (str(row["date"]), str(row["reported"]), str(row["birth_date"])) == (
        "2024-01-03",
        "2024-01-04",
        "2015-06-01",
    )
    assert "Patient.name" in source.fields_left
    assert "李雷" not in str(frame.to_dicts())


def test_nothing_is_lost_without_a_reason(tmp_path):
    patients = [patient(1), '{"resourceType": "Patient", "id": "p2", "birthD']
    encounters = [encounter(1), encounter(2), encounter(3, status="entered-in-error"), encounter(4, who=9)]
    conditions = [
        condition(1),
        condition(2, visit=77),
        condition(3, verificationStatus={"coding": [{"code": "refuted"}]}),
        condition(4, codings=(("urn:local", "1"),)),
        condition(5, visit=3),
        condition(6, visit=4),
        '{"resourceType": "Condition", "id": "c7", "code": ',
    ]
    frame = rows(open_fhir([write(tmp_path / "f", patients, encounters, conditions)]))
    said = sorted(frame.select(pl.coalesce("left_out", "fault").fill_null("kept")).to_series().to_list())
    assert said == sorted(
        [
            "kept",
            "the visit is not in the files",
            "diagnosis refuted",
            "code system not used",
            "visit entered-in-error",
            "the person is not in the files",
            "visit without a diagnosis",
            "a line is no readable Condition",
            "a line is no readable Patient",
        ]
    )


def test_of_ids_that_come_twice_one_stands_whatever_the_order_of_the_lines(tmp_path):
    patients = [patient(1, gender=None), patient(1, birthDate="2016"), patient(1), patient(2)]
    later = {"period": {"start": "2024-01-05"}}
    encounters = [
        encounter(1, who=2),
        encounter(1),
        encounter(1, **later),
        encounter(1, status="planned"),
        encounter(2),
    ]
    frames = [
        rows(open_fhir([write(tmp_path / name, patients[::step], encounters[::step], [condition(1), condition(2, 2)])]))
        for name, step in (("f", 1), ("g", -1))
    ]
    first, second = (frame.drop("file").sort("encounter") for frame in frames)
    assert first.equals(second)
    assert first.select("encounter", "person", "sex", "left_out").rows() == [
        ("e1", "p1", "male", None),
        ("e2", "p1", "male", None),
    ]


@pytest.mark.parametrize(
    "reference", ["Patient/p1", "https://host/fhir/Patient/p1", "Patient/p1/_history/3", "urn:uuid:p1"]
)
def test_references_of_every_form_are_followed(tmp_path, reference):
    visits = [encounter(1, subject={"reference": reference})]
    frame = rows(open_fhir([write(tmp_path / "f", [patient(1)], visits, [condition(1)])]))
    assert frame["person"].to_list() == ["p1"]


@pytest.mark.parametrize(
    ("given", "taken"), [("1980", "1980-07-01"), ("1980-03", "1980-03-15"), ("2024", "2024-01-03")]
)
def test_birth_dates_known_in_part_take_the_middle_but_not_after_the_visit(tmp_path, given, taken):
    frame = rows(open_fhir([write(tmp_path / "f", [patient(1, birthDate=given)], [encounter(1)], [condition(1)])]))
    assert str(frame["birth_date"][0]) == taken


@pytest.mark.parametrize("given", ["06/2015", "soon", "2015-13", "20150601"])
def test_birth_dates_that_are_none_are_told_and_not_taken_for_the_day_of_the_visit(tmp_path, given):
    frame = rows(open_fhir([write(tmp_path / "f", [patient(1, birthDate=given)], [encounter(1)], [condition(1)])]))
    assert frame.select("birth_date", "fault").rows() == [(None, "unreadable birth date")]


def test_resources_tagged_as_test_data_are_simulated(tmp_path):
    tagged = patient(1, meta={"tag": [{"code": "HTEST"}]})
    assert open_fhir([write(tmp_path / "f", [tagged], [encounter(1)], [condition(1)])]).simulated
    assert not open_fhir([write(tmp_path / "g", [patient(1)], [encounter(1)], [condition(1)])]).simulated


def test_a_missing_type_and_a_file_that_is_no_fhir_are_named(tmp_path):
    folder = write(tmp_path / "f", [patient(1)], [encounter(1)], [condition(1)])
    (folder / "Condition.000.ndjson").unlink()
    with pytest.raises(InputError, match="no file of Condition"):
        open_fhir([folder])
    (folder / "x.ndjson").write_text("hello\n")
    with pytest.raises(InputError, match=r"x\.ndjson holds no FHIR resource"):
        open_fhir([folder])
    (folder / "x.ndjson").unlink()
    (folder / "y.ndjson.gz").write_bytes(gzip.compress(b"{}" * 9000)[:20])
    with pytest.raises(InputError, match=r"y\.ndjson\.gz"):
        open_fhir([folder])
