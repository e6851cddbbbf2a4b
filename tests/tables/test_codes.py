import polars as pl
import pytest

from salus.errors import InputError
from salus.tables import codes


def table(*rows):
    return pl.DataFrame(rows, schema=["code_system", "code", "match", "syndrome"], orient="row")


def found(codes_given, *rules, system="icd10"):
    given = pl.DataFrame({"code_system": [system] * len(codes_given), "code": codes_given})
    return codes.match(given, table(*rules))["code"].to_list()


def test_a_category_takes_its_details_with_and_without_dot_and_no_other_category():
    rule = ("icd10", "J10", "prefix", "influenza")
    assert found(["J10", "J10.1", "J101", "j10.1", "J100", "J10.100X001", "J11", "J1", "A10.1"], rule) == [
        "J10",
        "J10.1",
        "J10.100X001",
        "J100",
        "J101",
        "j10.1",
    ]


def test_a_subcategory_takes_only_itself_and_below():
    rule = ("icd10", "B08.4", "prefix", "hfmd")
    assert found(["B08", "B08.4", "B084", "B08.40", "B08.5", "B08.400"], rule) == ["B08.4", "B08.40", "B08.400", "B084"]


def test_exact_takes_nothing_below():
    assert found(["J10", "J10.1"], ("icd10", "J10", "exact", "x")) == ["J10"]


def test_code_systems_are_kept_apart():
    assert found(["233604007"], ("icd10", "233604007", "exact", "x"), system="snomed") == []


def test_dagger_and_asterisk_do_not_count():
    assert found(["J17.1*", "B05.2†"], ("icd10", "J17", "prefix", "x"), ("icd10", "B05.2", "exact", "y")) == [
        "B05.2†",
        "J17.1*",
    ]


@pytest.mark.parametrize(("code", "match"), [("J1", "prefix"), ("J10", "startswith")])
def test_a_definition_that_can_mean_anything_is_refused(code, match):
    with pytest.raises(InputError, match=r"Correct it|Write whole categories"):
        found(["J10"], ("icd10", code, match, "x"))
