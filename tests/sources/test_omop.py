import duckdb
import polars as pl
import pytest

from salus.errors import InputError
from salus.sources.omop import open_omop
from salus.sources.records import FIELDS

TABLES = {
    "person": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,location_id,"
    "person_source_value\n"
    "1,8532,2015,6,1,,10,MRN1\n2,8507,1950,,,,10,MRN2\n3,8507,2001,5,,,11,MRN3\n",
    "visit_occurrence": "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,provider_id\n"
    "100,1,9202,2024-01-03,7\n101,2,9201,2024-01-04,7\n102,3,9203,2024-01-05,7\n"
    "103,9,9202,2024-01-05,7\n104,1,9202,2024-01-06,7\n",
    "condition_occurrence": "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,"
    "condition_source_value,condition_source_concept_id,visit_occurrence_id\n"
    "1,1,5000,2024-01-03,J10.1,45000,100\n2,2,0,2024-01-04,J44.1,0,101\n"
    "3,3,0,2024-01-05,local7,0,102\n4,9,0,2024-01-05,J10.1,0,103\n",
    "location": "location_id,city,county,location_source_value\n10,Town,D1,x\n11,Town,,D2\n",
    "concept": "concept_id\tconcept_name\tvocabulary_id\tconcept_code\n"
    "45000\tFlu\tICD10CM\tJ10.1\n5000\tFlu A\tSNOMED\t442438000\n",
}


def write(folder, parquet=False):
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name.upper()}.csv").write_text(text)
        if parquet:
            table = pl.read_csv(
                folder / f"{name.upper()}.csv", separator="\t" if "\t" in text else ",", try_parse_dates=True
            )
            table.write_parquet(folder / f"{name}.parquet")
            (folder / f"{name.upper()}.csv").unlink()
    return folder


def rows(source):
    connection = duckdb.connect()
    return pl.from_arrow(connection.sql(source.select(connection)).to_arrow_table()).sort(
        "encounter", "code_system", nulls_last=True
    )


@pytest.mark.parametrize("parquet", [False, True])
def test_tables_become_rows_with_codes_districts_and_reasons(tmp_path, parquet):
    source = open_omop([write(tmp_path / "o", parquet)])
    frame = rows(source)
    assert frame.columns == list(FIELDS)
    assert frame.select("encounter", "code_system", "code").rows() == [
        ("100", "icd10", "J10.1"),
        ("100", "snomed", "442438000"),
        ("101", "icd10", "J44.1"),
        ("102", None, None),
        ("103", "icd10", "J10.1"),
        ("104", None, None),
    ]
    assert frame["district"].to_list() == ["D1", "D1", "D1", "D2", None, "D1"]
    assert frame["sex"].to_list() == ["female", "female", "male", "male", None, "female"]
    assert frame["encounter_class"].to_list() == [
        "outpatient",
        "outpatient",
        "inpatient",
        "emergency",
        "outpatient",
        "outpatient",
    ]
    assert [str(d) for d in frame["birth_date"]] == [
        "2015-06-01",
        "2015-06-01",
        "1950-07-01",
        "2001-05-15",
        "None",
        "2015-06-01",
    ]
    assert frame["left_out"].to_list() == [None, None, None, "code system not used", None, "visit without a diagnosis"]
    assert frame["fault"].to_list() == [None, None, None, None, "the person is not in the files", None]
    assert "person.person_source_value" in source.fields_left
    assert "MRN1" not in str(frame.to_dicts())


def test_a_missing_table_or_column_is_named(tmp_path):
    folder = write(tmp_path / "o")
    (folder / "PERSON.csv").write_text("person_id,gender_concept_id\n1,8532\n")
    with pytest.raises(InputError, match="no column 'year_of_birth'"):
        open_omop([folder])
    (folder / "PERSON.csv").unlink()
    with pytest.raises(InputError, match="no OMOP table 'person'"):
        open_omop([folder])
