from pathlib import Path

import polars as pl
import pytest

from salus.errors import NameNotFoundError
from salus.surveillance import syndromes
from salus.tables.codes import ICD10_PATTERN, SNOMED_PATTERN, plain

NAMED = [
    "influenza",
    "ili",
    "sari",
    "ari",
    "hfmd",
    "herpangina",
    "copd",
    "copd_exacerbation",
    "rsv",
    "covid19",
    "gastroenteritis",
    "norovirus",
    "rotavirus",
    "dengue",
    "measles",
    "mumps",
    "varicella",
    "pertussis",
    "scarlet_fever",
    "tuberculosis",
    "pneumonia",
]


@pytest.mark.parametrize("key", NAMED)
def test_every_definition_is_titled_versioned_and_cited(key):
    one = syndromes.catalogue()[key]
    assert one.title
    assert one.title_zh
    assert not one.title_zh.isascii()
    assert one.definition.endswith(".")
    assert one.notes.endswith(".")
    assert one.version.startswith("20")
    assert one.codes
    assert len(one.sources) >= 2
    assert all(s["url"].startswith("https://") and s["title"] and s["publisher"] for s in one.sources)


def test_every_code_is_a_code():
    table = syndromes.definitions()
    assert set(table["syndrome"]) == set(NAMED)
    assert table.select("code_system", "code", "match", "syndrome").is_duplicated().sum() == 0
    for system, pattern in (("icd10", ICD10_PATTERN), ("snomed", SNOMED_PATTERN)):
        written = pl.Series([plain(c) for c in table.filter(pl.col("code_system") == system)["code"]])
        assert written.str.contains(pattern).all()
    assert set(table.filter(pl.col("code_system") == "snomed")["match"]) == {"exact"}


def verhoeff(number):
    """Check digit of a SNOMED CT identifier (Verhoeff's dihedral code)."""
    product = [[(b + a) % 5 if b < 5 and a < 5 else 0 for b in range(10)] for a in range(10)]
    for a in range(10):
        for b in range(10):
            turn, flip = (a % 5 + (b % 5 if a < 5 else -b % 5)) % 5, (a >= 5) != (b >= 5)
            product[a][b] = turn + 5 * flip
    permute = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    while len(permute) < 8:
        permute.append([permute[-1][k] for k in permute[1]])
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = product[check][permute[place % 8][int(digit)]]
    return check == 0


def test_snomed_identifiers_pass_their_check_digit():
    assert verhoeff("22298006")
    assert not verhoeff("22298007")
    given = syndromes.definitions().filter(pl.col("code_system") == "snomed")["code"].unique().to_list()
    assert [c for c in given if not verhoeff(c)] == []


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("J10.1", {"influenza", "ili", "ari", "sari"}),
        ("J101", {"influenza", "ili", "ari", "sari"}),
        ("J10.100x001", {"influenza", "ili", "ari", "sari"}),
        ("J11.1", {"ili", "ari", "sari"}),
        ("B08.4", {"hfmd"}),
        ("B08.400", {"hfmd"}),
        ("B08.5", {"herpangina"}),
        ("B08.8", set()),
        ("J44.1", {"copd", "copd_exacerbation"}),
        ("J44.9", {"copd"}),
        ("J45.9", set()),
        ("J21.0", {"rsv", "ari", "sari"}),
        ("J18.9", {"pneumonia", "ari", "sari"}),
        ("U07.1", {"covid19"}),
        ("U07.2", set()),
        ("A08.11", {"norovirus", "gastroenteritis"}),
        ("A09", {"gastroenteritis"}),
        ("K52.9", set()),
        ("A90", {"dengue"}),
        ("A97.2", {"dengue"}),
        ("B02.9", set()),
        ("A16.2", {"tuberculosis"}),
        ("A38.9", {"scarlet_fever"}),
    ],
)
def test_codes_fall_where_clinicians_expect(code, wanted):
    assert set(syndromes.of(code)) == wanted


def test_severe_infection_counts_inpatients_only():
    table = syndromes.definitions(["sari"])
    assert table["encounter_class"].unique().to_list() == ["inpatient"]
    assert syndromes.definitions(["influenza"])["encounter_class"].unique().to_list() == [None]


@pytest.mark.parametrize("name", ["hfmd", "HFMD", "Hand, foot and mouth disease", "hand foot and mouth", "手足口病"])
def test_a_definition_is_found_by_any_of_its_names(name):
    assert syndromes.describe(name).key == "hfmd"


def test_a_typo_suggests_the_near_ones():
    with pytest.raises(NameNotFoundError, match=r"Did you mean '(I|i)nfluenza'"):
        syndromes.describe("influensa")


def test_the_overview_has_a_row_each():
    assert syndromes.overview()["syndrome"].to_list() == sorted(NAMED)


def test_the_documentation_has_the_same_table():
    page = (Path(__file__).parents[2] / "docs" / "syndromes.md").read_text(encoding="utf-8")
    for row in syndromes.overview().iter_rows(named=True):
        assert f"| `{row['syndrome']}` | {row['title']} | {row['title_zh']} | {row['codes']} |" in page
