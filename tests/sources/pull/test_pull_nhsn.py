"""What the answers of CDC NHSN become, and what is said where their form has changed."""

from __future__ import annotations

import datetime as dt

import pytest
from helpers_pull import DAY, picked

from salus.errors import SourceError
from salus.sources.pull.cdc_nhsn import CdcNhsn


def test_nhsn_week_starts_on_sunday_and_place_is_fips(server, fetch, cases):
    server.routes = cases["cdc_nhsn"].routes(False, False)
    frame = CdcNhsn(server.url).pull(fetch, disease="Influenza")
    assert picked(frame, "location", "date", "value", "as_of", "location_level") == [
        ("06", dt.date(2024, 10, 27), 31.0, DAY, "state"),
        ("06", dt.date(2024, 11, 3), None, DAY, "state"),
        ("HHS9", dt.date(2024, 11, 3), 70.0, DAY, "HHS region"),
        ("US", dt.date(2024, 10, 27), 410.0, DAY, "country"),
    ]
    assert frame["signal"].unique().to_list() == ["admissions"]


def test_nhsn_asks_only_for_the_periods_wanted(server, fetch, cases):
    server.routes = cases["cdc_nhsn"].routes(False, True)
    CdcNhsn(server.url).pull(fetch, dt.date(2024, 10, 27), dt.date(2024, 11, 3), disease="RSV")
    query = server.asked[0][1]
    assert query["$select"] == "weekendingdate,jurisdiction,totalconfrsvnewadm"
    assert query["$where"] == (
        "weekendingdate >= '2024-11-02T00:00:00.000' and weekendingdate <= '2024-11-09T00:00:00.000'"
    )


def test_nhsn_pages_until_a_short_page(server, fetch, reply):
    def page(query):
        first = int(query["$offset"])
        lines = [
            f'"2024-11-02T00:00:00.000","{code}","{first}.0"\n'
            for code in ("AL", "AK", "AZ", "AR", "CA")[first : first + 2]
        ]
        return reply('"weekendingdate","jurisdiction","totalconfflunewadm"\n' + "".join(lines))

    server.routes["/resource/ua7e-t2fy.csv"] = page
    source = CdcNhsn(server.url)
    source.page_rows = 2
    assert source.pull(fetch, disease="Influenza", dataset="final").height == 5
    assert [query["$offset"] for _, query, _ in server.asked] == ["0", "2", "4"]


def test_nhsn_that_ignores_paging_is_noticed(server, fetch, reply):
    body = '"weekendingdate","jurisdiction","totalconfflunewadm"\n"2024-11-02T00:00:00.000","CA","1"\n'
    server.routes["/resource/mpgq-jmmr.csv"] = reply(body)
    source = CdcNhsn(server.url)
    source.page_rows = 1
    with pytest.raises(SourceError, match="repeats the page before it"):
        source.pull(fetch, disease="Influenza")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            '"weekendingdate","jurisdiction","totalconfflunewadms"\n',
            r"has changed: there is no column 'totalconfflunewadm' \(now 'totalconfflunewadms'\?\)",
        ),
        (
            '"weekendingdate","jurisdiction","totalconfflunewadm"\n"2024-11-03T00:00:00.000","CA","1"\n',
            "found '2024-11-03T00:00:00.000', wanted the Saturday that ends a week",
        ),
        (
            '"weekendingdate","jurisdiction","totalconfflunewadm"\n'
            '"2024-11-02T00:00:00.000","CA","Error: query timed out"\n',
            r"column 'totalconfflunewadm', data row 1: found 'Error: query timed out', wanted a number",
        ),
        (
            '"weekendingdate","jurisdiction","totalconfflunewadm"\n"Internal error, please retry","",""\n',
            "found 'Internal error, please retry'",
        ),
        (
            '"weekendingdate","jurisdiction","totalconfflunewadm"\nService is overloaded\n',
            "line 2: 1 cells, wanted 3; it says 'Service is overloaded'",
        ),
        (
            '"weekendingdate","jurisdiction","totalconfflunewadm"\n"2024-11-02T00:00:00.000","CA","-4"\n',
            "found -4, wanted at least 0",
        ),
        (
            '"weekendingdate","jurisdiction","totalconfflunewadm"\n"2024-11-02T00:00:00.000","CA","4"\n'
            '"2024-11-02T00:00:00.000","CA","5"\n',
            "stands more than once",
        ),
    ],
)
def test_nhsn_in_another_form(server, fetch, reply, body, message):
    server.routes["/resource/mpgq-jmmr.csv"] = reply(body)
    with pytest.raises(SourceError, match=message):
        CdcNhsn(server.url).pull(fetch, disease="Influenza")


def test_nhsn_column_gone_as_socrata_says_it(server, fetch, reply):
    server.routes["/resource/mpgq-jmmr.csv"] = reply(
        '{"message": "Query coordinator: query.soql.no-such-column; No such column: totalconfflunewadm", '
        '"errorCode": "query.soql.no-such-column"}',
        400,
    )
    with pytest.raises(SourceError, match=r"No such column: totalconfflunewadm.*see whether the source has changed"):
        CdcNhsn(server.url).pull(fetch)


def test_gzip_end_to_end(server, fetch, reply, cases, forms):
    plain = cases["cdc_nhsn"].routes(False, False)
    server.routes = plain
    expected = CdcNhsn(server.url).pull(fetch)
    server.routes = {
        path: reply(forms["gz"](a.body), headers={"Content-Encoding": "gzip"}) for path, a in plain.items()
    }
    assert CdcNhsn(server.url).pull(fetch).equals(expected)
