import datetime as dt

import polars as pl
import pytest
from helpers_wall import MONDAY, TODAY

from salus.privacy import deidentify
from salus.privacy.keys import Key
from salus.sources.linelist import open_linelist

KEY = Key(bytes(range(32)))


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def line_list(tmp_path):
    """Writes visits as a line list; each is a dict of what differs from one plain visit."""
    written = []

    def write(visits, simulated=False):
        plain = {
            "name": "韩梅梅",
            "phone": "13912345678",
            "birth_date": dt.date(1990, 5, 1),
            "sex": "F",
            "district": "A1",
            "visit_date": dt.date(2024, 1, 3),
            "reported_date": None,
            "encounter_class": "outpatient",
            "icd10": "J10.1",
        }
        rows = [{"encounter_id": f"v{n}", "person_id": f"person-{n}"} | plain | v for n, v in enumerate(visits)]
        path = tmp_path / f"visits{len(written)}.parquet"
        schema = {"birth_date": pl.Date, "visit_date": pl.Date, "reported_date": pl.Date}
        pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None).write_parquet(path)
        written.append(path)
        return open_linelist([path], simulated=simulated)

    return write


@pytest.fixture
def places():
    rows = [("P", None, "province"), ("A", "P", "prefecture"), ("B", "P", "prefecture")]
    rows += [(f"{x}{n}", x, "district") for x in "AB" for n in (1, 2, 3)]
    return pl.DataFrame(
        {
            "location": [r[0] for r in rows],
            "name": [r[0] for r in rows],
            "parent": [r[1] for r in rows],
            "location_level": [r[2] for r in rows],
            "population": [1e5] * len(rows),
        }
    )


@pytest.fixture
def definitions():
    rows = [("icd10", "J10", "prefix", "influenza", "Influenza"), ("icd10", "B08.4", "prefix", "hfmd", "HFMD")]
    return pl.DataFrame(rows, schema=["code_system", "code", "match", "syndrome", "disease"], orient="row")


@pytest.fixture
def wall(line_list, key, tmp_path):
    """Ingests visits and gives the folder of the wall; four weeks are covered."""
    edge = [
        {"encounter_id": f"edge{d}-{n}", "visit_date": MONDAY + dt.timedelta(days=d), "icd10": "I10"}
        for d in (0, 27)
        for n in range(15)  # as many persons as no week is known by fewer
    ]

    def ingest(visits, simulated=False):
        deidentify.ingest(line_list([*visits, *edge], simulated=simulated), tmp_path / "wall", key, today=TODAY)
        return tmp_path / "wall"

    return ingest
