"""What the answers of NHANES become, and what is said where their form has changed."""

from __future__ import annotations

import datetime as dt

import pytest

from salus.errors import InputError, NameNotFoundError, SourceError
from salus.sources.pull.nhanes import Nhanes


def test_nhanes_cycles_are_kept_apart_and_columns_may_differ(server, fetch, reply, forms):
    base = "/Nchs/Data/Nhanes/Public"
    columns = [("SEQN", "", 8), ("RIDAGEYR", "Age", 4)]
    server.routes[f"{base}/2007/DataFiles/DEMO_E.xpt"] = reply(forms["xpt"](columns, [[41475.0, 62.0]]))
    server.routes[f"{base}/2009/DataFiles/DEMO_F.xpt"] = reply(
        forms["xpt"]([*columns, ("SEX", "", 8)], [[51624.0, 34.0, 1.0]])
    )
    frame = Nhanes(server.url).pull(fetch, dt.date(2007, 1, 1), dt.date(2010, 12, 31))
    assert frame.rows() == [("2007-2008", "DEMO", 41475, 62.0, None), ("2009-2010", "DEMO", 51624, 34.0, 1.0)]
    assert frame.columns == ["cycle", "table", "SEQN", "RIDAGEYR", "SEX"]


def test_nhanes_names_of_files(server, fetch):
    for cycle, path in [
        ("1999-2000", "1999/DataFiles/DEMO.xpt"),
        ("2017-2020", "2017/DataFiles/P_DEMO.xpt"),
        ("2021-2023", "2021/DataFiles/DEMO_L.xpt"),
    ]:
        with pytest.raises(SourceError, match="is not there"):
            Nhanes(server.url).pull(fetch, cycles=cycle)
        assert server.paths()[-1].endswith(path)


def test_nhanes_wrong_questions_and_tables(server, fetch, reply, forms):
    with pytest.raises(NameNotFoundError, match="Did you mean '2007-2008'"):
        Nhanes(server.url).pull(fetch, cycles="2007-2009")
    with pytest.raises(InputError, match="wanted the name of one NHANES table"):
        Nhanes(server.url).pull(fetch, table="../DEMO")
    server.routes["/Nchs/Data/Nhanes/Public/2021/DataFiles/DRXFCD_L.xpt"] = reply(
        forms["xpt"]([("CODE", "", 8)], [[1.0]])
    )
    with pytest.raises(SourceError, match="has no variable SEQN; it has CODE"):
        Nhanes(server.url).pull(fetch, table="DRXFCD")
