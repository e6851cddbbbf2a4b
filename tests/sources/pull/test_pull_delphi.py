"""What the answers of Delphi become (Epidata, ILINet, FluSurv-NET), and what is said where their form has changed."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from helpers_pull import DAY, picked

from salus.errors import InputError, SourceError
from salus.sources.pull.cdc_flusurv import CdcFlusurv
from salus.sources.pull.cdc_ilinet import CdcIlinet
from salus.sources.pull.delphi_epidata import DelphiEpidata


def test_ilinet_signals_and_vintages(server, fetch, cases):
    server.routes = cases["cdc_ilinet"].routes(False, False)
    frame = CdcIlinet(server.url).pull(fetch, dt.date(2024, 10, 27), dt.date(2024, 11, 3))
    assert server.asked[0][1]["epiweeks"] == "202444-202445"
    assert set(server.asked[0][1]) == {"regions", "epiweeks"}
    assert picked(frame, "signal", "value", "date", "as_of", location="US") == [
        ("ili_percent", 2.65, dt.date(2024, 10, 27), dt.date(2024, 11, 15)),
        ("ili_percent_weighted", 2.31, dt.date(2024, 10, 27), dt.date(2024, 11, 15)),
        ("ili_visits", 61000.0, dt.date(2024, 10, 27), dt.date(2024, 11, 15)),
        ("outpatient_visits", 2300000.0, dt.date(2024, 10, 27), dt.date(2024, 11, 15)),
    ]
    # without a release date: the last day of the week of issue
    assert set(frame.filter(pl.col("location") == "06")["as_of"]) == {dt.date(2024, 11, 9)}


def test_ilinet_issues_and_key(server, fetch, cases):
    server.routes = cases["cdc_ilinet"].routes(False, True)
    CdcIlinet(server.url).pull(fetch, issues="202340-202420", regions="nat", key="very-secret")
    _, query, headers = server.asked[0]
    assert (query["issues"], query["regions"]) == ("202340-202420", "nat")
    assert headers["authorization"] == "Bearer very-secret"
    assert "very-secret" not in str(query)


def test_flusurv_keeps_areas_that_are_no_state_apart(server, fetch, cases):
    server.routes = cases["cdc_flusurv"].routes(False, False)
    frame = CdcFlusurv(server.url).pull(fetch)
    assert picked(frame, "location", "value", "location_level") == [
        ("06", None, "state"), ("FluSurv-NET", 0.4, "network"), ("NY_albany", 0.0, "other"),
    ]  # fmt: skip


def test_delphi_as_of_asks_for_weeks_that_had_passed(server, fetch, cases):
    server.routes = cases["delphi_epidata"].routes(False, False)
    frame = DelphiEpidata(server.url).pull(fetch, as_of="2024-11-14")
    assert server.asked[0][1]["as_of"] == "202445"
    assert set(frame["as_of"]) == {dt.date(2024, 11, 14)}
    DelphiEpidata(server.url).pull(fetch, as_of="2024-11-16")
    assert server.asked[1][1]["as_of"] == "202446"
    DelphiEpidata(server.url).pull(fetch, as_of="2024-11-16", time_type="day", disease="Influenza")
    assert server.asked[2][1]["as_of"] == "20241116"


def test_delphi_vintage_is_the_issue_but_never_a_day_to_come(server, fetch, cases):
    server.routes = cases["delphi_epidata"].routes(False, False)
    frame = DelphiEpidata(server.url).pull(fetch)
    assert picked(frame, "location", "date", "value", "as_of", "signal", "disease") == [
        ("06", dt.date(2024, 10, 27), 31.0, dt.date(2024, 11, 16), "admissions", "Influenza"),
        ("48", dt.date(2024, 10, 27), 0.0, DAY, "admissions", "Influenza"),
        ("48", dt.date(2024, 11, 3), None, DAY, "admissions", "Influenza"),
    ]


def test_delphi_splits_what_one_answer_can_not_hold(server, fetch, reply, forms):
    def route(query):
        first, last = (int(part) for part in query["time_values"].split("-"))
        if last - first > 1:
            return reply('{"result": 2, "message": "too many results", "epidata": []}')
        rows = [{"geo_value": "ca", "time_value": w, "issue": 202446, "value": 1.0} for w in range(first, last + 1)]
        return reply(forms["epidata"](rows))

    server.routes["/covidcast/"] = route
    frame = DelphiEpidata(server.url).pull(fetch, dt.date(2024, 9, 29), dt.date(2024, 11, 3))
    assert frame["date"].to_list() == [dt.date(2024, 9, 29) + dt.timedelta(weeks=k) for k in range(6)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"result": -1, "message": "database error"}', "reports an error: result -1, 'database error'"),
        (
            '{"result": 1, "message": "success", "epidata": [{"message": "server busy"}]}',
            "server busy.*not data but a message",
        ),
        ('{"result": 1, "message": "success", "epidata": ["quota exceeded"]}', 'row 1: "quota exceeded" is not data'),
        (
            '{"result": 1, "message": "ok", "epidata": ['
            '{"geo_value": "ca", "time_value": 202444, "issue": 202445, "value": "err"}]}',
            "'value' is \"err\", wanted a number",
        ),
        (
            '{"result": 1, "message": "ok", "epidata": ['
            '{"geo_value": "ca", "time_value": 202444, "issue": 202445, "values": 1}]}',
            r"there is no column 'value' \(now 'values'\?\)",
        ),
        (
            '{"result": 1, "message": "ok", "epidata": ['
            '{"geo_value": "ca", "time_value": 202499, "issue": 202445, "value": 1}]}',
            "found '202499', wanted a week such as 202003",
        ),
        ('{"result": 1, "message": "success"}', "has no list 'epidata'"),
        ('[{"geo_value": "ca"}]', "has no 'result'"),
        ('{"result": 1, "epi', "is not JSON"),
    ],
)
def test_delphi_in_another_form(server, fetch, reply, body, message):
    server.routes["/covidcast/"] = reply(body)
    with pytest.raises(SourceError, match=message):
        DelphiEpidata(server.url).pull(fetch)


def test_delphi_options_that_can_not_be(server, fetch):
    source = DelphiEpidata(server.url)
    with pytest.raises(InputError, match="can't be given together"):
        source.pull(fetch, as_of="2024-11-14", issues="202440-202445")
    with pytest.raises(InputError, match="as_of is 'yesterday', wanted a date"):
        source.pull(fetch, as_of="yesterday")
    with pytest.raises(InputError, match="does not say which disease"):
        source.pull(fetch, signal="smoothed_cli")
