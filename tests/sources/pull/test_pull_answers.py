"""What each source's answer becomes, and what is said where its form has changed."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from salus.errors import InputError, NameNotFoundError, SourceError
from salus.sources.pull.cdc_flusurv import CdcFlusurv
from salus.sources.pull.cdc_ilinet import CdcIlinet
from salus.sources.pull.cdc_nhsn import CdcNhsn
from salus.sources.pull.delphi_epidata import DelphiEpidata
from salus.sources.pull.ecdc_erviss import EcdcErviss
from salus.sources.pull.japan_idwr import JapanIdwr
from salus.sources.pull.nhanes import Nhanes
from salus.sources.pull.rki import Rki

DAY = dt.date(2024, 11, 20)


def picked(frame, *columns, **where):
    for column, value in where.items():
        frame = frame.filter(pl.col(column) == value)
    return frame.select(columns).rows()


# ---- CDC NHSN


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


# ---- Delphi Epidata, ILINet, FluSurv-NET


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


# ---- ECDC


def test_erviss_rates(server, fetch, cases):
    server.routes = cases["ecdc_erviss"].routes(False, False)
    frame = EcdcErviss(server.url).pull(fetch)
    assert picked(frame, "location", "disease", "signal", "date", "value", "unit") == [
        ("Austria", "Influenza-like illness", "consultation_rate", dt.date(2024, 10, 28), 1685.2, "per 100000 people"),
        ("Austria", "Influenza-like illness", "consultation_rate", dt.date(2024, 11, 4), 0.0, "per 100000 people"),
        ("Austria", "Influenza-like illness", "consultation_rate", dt.date(2024, 11, 11), None, "per 100000 people"),
        (
            "Finland",
            "Acute respiratory infection",
            "consultation_rate",
            dt.date(2024, 10, 28),
            88.0,
            "per 100000 consultations",
        ),
    ]


def test_erviss_viruses_by_total_and_snapshot(server, fetch, reply):
    server.routes["/snapshots/2024-04-26_sentinelTestsDetectionsPositivity.csv"] = reply(
        "survtype,countryname,yearweek,pathogen,pathogentype,pathogensubtype,indicator,age,value\n"
        "primary care sentinel,Austria,2024-W15,Influenza,Influenza,total,detections,total,2\n"
        "primary care sentinel,Austria,2024-W15,Influenza,Influenza,total,positivity,total,2.4\n"
        "primary care sentinel,Austria,2024-W15,Influenza,Influenza B,B/Vic,detections,total,2\n"
        "primary care sentinel,Austria,2024-W15,RSV,RSV,RSV,tests,total,0\n"
        "primary care sentinel,EU/EEA,2024-W15,RSV,RSV,RSV,tests,total,70\n"
    )
    frame = EcdcErviss(server.url).pull(fetch, dataset="sentinel", snapshot="2024-04-26")
    assert picked(frame, "location", "disease", "signal", "value", "as_of", "location_level") == [
        ("Austria", "Influenza", "detections", 2.0, dt.date(2024, 4, 26), "country"),
        ("Austria", "Influenza", "percent_positive", 2.4, dt.date(2024, 4, 26), "country"),
        ("Austria", "RSV", "specimens", 0.0, dt.date(2024, 4, 26), "country"),
        ("EU/EEA", "RSV", "specimens", 70.0, dt.date(2024, 4, 26), "region"),
    ]


def test_erviss_age_group_becomes_part_of_the_disease(server, fetch, cases):
    server.routes = cases["ecdc_erviss"].routes(False, False)
    frame = EcdcErviss(server.url).pull(fetch, age="0-4")
    assert picked(frame, "disease", "value") == [("Influenza-like illness, age 0-4", 0.0)]
    with pytest.raises(NameNotFoundError, match=r"there is no age '0-5'\. Did you mean '0-4'"):
        EcdcErviss(server.url).pull(fetch, age="0-5")


def test_erviss_with_a_renamed_column(server, fetch, reply):
    server.routes["/ILIARIRates.csv"] = reply("survtype,country_name,yearweek,indicator,age,value\n")
    with pytest.raises(SourceError, match=r"no column 'countryname' \(now 'country_name'\?\)"):
        EcdcErviss(server.url).pull(fetch)


# ---- RKI


def test_rki_spells_a_state_one_way(server, fetch, cases):
    server.routes = cases["rki"].routes(False, False)
    frame = Rki(server.url).pull(fetch)
    assert picked(frame, "location", "date", "value", "location_level") == [
        ("Baden-Württemberg", dt.date(2024, 10, 28), 1200.0, "state"),
        ("Deutschland", dt.date(2024, 10, 28), 1410.0, "country"),
        ("Thüringen", dt.date(2024, 10, 28), None, "state"),
        ("Thüringen", dt.date(2024, 11, 4), 0.0, "state"),
    ]


def test_rki_notified_cases_of_a_release(server, fetch, reply):
    server.routes["/Influenzafaelle_in_Deutschland/2024-04-25/IfSG_Influenzafaelle.tsv"] = reply(
        "Meldewoche\tRegion\tRegion_Id\tAltersgruppe\tFallzahl\tInzidenz\n"
        "2024-W16\tDeutschland\t00\t00+\t2\t0.002\n"
        "2024-W16\tThüringen\t16\t00+\t1\t0.04\n"
        "2024-W16\tUnbekannt\tNA\t00+\t1\tNA\n"
    )
    frame = Rki(server.url).pull(fetch, dataset="influenza", release="2024-04-25")
    assert picked(frame, "location", "signal", "value", "as_of") == [
        ("Deutschland", "cases", 2.0, dt.date(2024, 4, 25)),
        ("Deutschland", "cases_per_100000", 0.002, dt.date(2024, 4, 25)),
        ("Thüringen", "cases", 1.0, dt.date(2024, 4, 25)),
        ("Thüringen", "cases_per_100000", 0.04, dt.date(2024, 4, 25)),
    ]


def test_rki_grippeweb_and_sari(server, fetch, reply):
    server.routes["/GrippeWeb_Daten_des_Wochenberichts/main/GrippeWeb_Daten_des_Wochenberichts.tsv"] = reply(
        "Meldungen\tSaison\tErkrankung\tAltersgruppe\tRegion\tKalenderwoche\tInzidenz\n"
        "5000\t2020/21\tILI\t00+\tSueden\t2020-W53\t120\n5000\t2020/21\tARE\t00+\tBundesweit\t2020-W53\t2000\n"
    )
    frame = Rki(server.url).pull(fetch, dataset="grippeweb")
    assert picked(frame, "location", "disease", "date", "location_level") == [
        ("Deutschland", "Acute respiratory infection", dt.date(2020, 12, 28), "country"),
        ("Süden", "Influenza-like illness", dt.date(2020, 12, 28), "region"),
    ]
    server.routes["/SARI-Hospitalisierungsinzidenz/main/SARI-Hospitalisierungsinzidenz.tsv"] = reply(
        "Saison\tKalenderwoche\tAltersgruppe\tSARI\tSARI_Hospitalisierungsinzidenz\n2023/24\t2024-W03\t00+\tGesamt\t7.1\n"
    )
    assert picked(Rki(server.url).pull(fetch, dataset="sari"), "location", "value") == [("Deutschland", 7.1)]


def test_rki_in_another_encoding_or_with_another_week(server, fetch, reply):
    path = "/ARE-Konsultationsinzidenz/main/ARE-Konsultationsinzidenz.tsv"
    head = "Saison\tKalenderwoche\tBundesland\tBundesland_ID\tAltersgruppe\tARE_Konsultationsinzidenz\n"
    server.routes[path] = reply((head + "2024/25\t2024-W44\tThüringen\t16\t00+\t3\n").encode("latin-1"))
    with pytest.raises(SourceError, match="is not in utf-8 as promised: byte 0xfc"):
        Rki(server.url).pull(fetch)
    server.routes[path] = reply(head + "2024/25\t2024-W54\tBayern\t9\t00+\t3\n")
    with pytest.raises(SourceError, match="found '2024-W54', wanted a week such as 2024-W03"):
        Rki(server.url).pull(fetch)
    with pytest.raises(InputError, match=r"release is '\.\./x', wanted a date"):
        Rki(server.url).pull(fetch, release="../x")


# ---- Japan


def test_idwr_sentinel(server, fetch, cases):
    case = cases["japan_idwr"]
    server.routes = case.routes(False, False)
    frame = JapanIdwr(server.url).pull(fetch, case.since, case.since)
    assert picked(frame, "signal", "value", "date", "as_of", location="Tokyo", disease="Influenza") == [
        ("cases", 700.0, dt.date(2024, 10, 28), dt.date(2024, 11, 13)),
        ("per_sentinel", 1.69, dt.date(2024, 10, 28), dt.date(2024, 11, 13)),
    ]
    assert picked(frame, "value", location="Japan", disease="Influenza", signal="cases") == [(5018.0,)]
    rsv = {"disease": "Respiratory syncytial virus infection", "signal": "cases"}
    assert picked(frame, "value", location="Tokyo", **rsv) == [(0.0,)]
    # a whole row of dashes is a prefecture that did not report
    assert frame.filter(pl.col("location") == "Ishikawa")["value"].null_count() == 6
    assert picked(frame, "value", location="Okinawa", disease="Influenza", signal="cases") == [(None,)]
    assert picked(frame, "value", location="Okinawa", disease="Hand, foot and mouth disease", signal="cases") == [
        (0.0,)
    ]


def test_idwr_newest_week_may_be_late_but_not_one_in_the_middle(server, fetch, cases):
    server.routes = cases["japan_idwr"].routes(False, False)
    frame = JapanIdwr(server.url).pull(fetch, dt.date(2024, 10, 28))
    assert frame["date"].unique().sort().to_list() == [dt.date(2024, 10, 28), dt.date(2024, 11, 4)]
    assert server.paths()[-1].endswith("2024-46-teiten.csv")
    with pytest.raises(SourceError, match=r"2024-43-teiten\.csv is not there"):
        JapanIdwr(server.url).pull(fetch, dt.date(2024, 10, 21))


def test_idwr_old_years_lie_elsewhere(server, fetch):
    with pytest.raises(
        SourceError, match=r"/niid/images/idwr/sokuho/idwr-2020/202053/2020-53-teiten\.csv is not there"
    ):
        JapanIdwr(server.url).pull(fetch, dt.date(2020, 12, 28), dt.date(2020, 12, 28))


def test_idwr_year_leaves_the_sum_since_week_1_out(server, fetch, reply):
    text = (
        "報告数・定点当り報告数、疾病・週・都道府県・性別（１週から当該週までの報告数・定点当たり報告数とそれらの累積）(総数),,,,,,\n"
        "2024年02週(01月08日～01月14日),2024年01月17日作成,,,,,\n"
        "手足口病,,,,,,\n,総数,総数,01週,01週,02週,02週\n,報告,定当,報告,定当,報告,定当\n"
        "総数,900,0.29,400,0.13,500,0.16\n東京都,90,0.34,0,0,90,0.34\n,,,,,,\n"
        "インフルエンザ,,,,,,\n,総数,総数,01週,01週,02週,02週\n,報告,定当,報告,定当,報告,定当\n"
        "総数,9,0.01,4,0.01,5,0.01\n東京都,-,-,-,-,-,-\n,,,,,,\n"
    )
    server.routes["/surveillance/idwr/provisional/2024/02/2024-02-teiten-tougai.csv"] = reply(text.encode("cp932"))
    frame = JapanIdwr(server.url).pull(fetch, dt.date(2024, 1, 1), dt.date(2024, 1, 8), table="year")
    hand = picked(frame, "location", "date", "value", disease="Hand, foot and mouth disease", signal="cases")
    assert hand == [
        ("Japan", dt.date(2024, 1, 1), 400.0),
        ("Japan", dt.date(2024, 1, 8), 500.0),
        ("Tokyo", dt.date(2024, 1, 1), 0.0),
        ("Tokyo", dt.date(2024, 1, 8), 90.0),
    ]
    assert set(frame["as_of"]) == {dt.date(2024, 1, 17)}
    assert len(server.asked) == 1


ZENSU = (
    "報告数・累積報告数、疾病・都道府県別,,,,\n2024年44週(10月28日～11月03日),2024年11月13日作成,,,\n"
    ",結核,,野兎病,\n,報告,{second},報告,{second}\n総数,249,4182,0,1\n東京都,33,604,0,0\n,,,,\n"
)


def test_idwr_notifiable_takes_the_week_not_the_sum(server, fetch, reply):
    path = "/surveillance/idwr/provisional/2024/44/2024-44-zensu.csv"
    server.routes[path] = reply(ZENSU.format(second="累積").encode("cp932"))
    day = dt.date(2024, 10, 28)
    frame = JapanIdwr(server.url).pull(fetch, day, day, table="notifiable")
    assert picked(frame, "location", "disease", "signal", "value") == [
        ("Japan", "Tuberculosis", "cases", 249.0), ("Japan", "野兎病", "cases", 0.0),
        ("Tokyo", "Tuberculosis", "cases", 33.0), ("Tokyo", "野兎病", "cases", 0.0),
    ]  # fmt: skip
    server.routes[path] = reply(ZENSU.format(second="報告").encode("cp932"))
    with pytest.raises(
        SourceError, match=r"column 3 holds '報告', wanted '累積'.*must not be taken for a week's value"
    ):
        JapanIdwr(server.url).pull(fetch, day, day, table="notifiable")


def idwr(server, fetch, reply, body, encoding="cp932"):
    server.routes["/surveillance/idwr/provisional/2024/44/2024-44-teiten.csv"] = reply(body.encode(encoding))
    return JapanIdwr(server.url).pull(fetch, dt.date(2024, 10, 28), dt.date(2024, 10, 28))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2024年44週", "2024年43週", "holds another week: 2024年43週, wanted 2024年44週"),
        ("作成", "", "its first two lines say"),
        ("定当", "累積", "column 3 holds '累積', wanted '定当'"),
        ("東京都", "システムエラー", "'システムエラー,700,1.69,.*is not a line of a prefecture"),
        (
            '"700"',
            '"現在メンテナンス中です"',
            "Tokyo|東京都, column 2: found '現在メンテナンス中です', wanted a number or '-'",
        ),
        (',"報告"', ',"報告数"', "holds '報告数', wanted '報告'"),
    ],
)
def test_idwr_in_another_form(server, fetch, reply, forms, old, new, message):
    body = forms["teiten"](
        44, ['"総数","5","1","6","2","7","3"\n', '"東京都","700","1.69","-","-","640","2.46"\n']
    ).decode("cp932")
    assert old in body
    with pytest.raises(SourceError, match=message):
        idwr(server, fetch, reply, body.replace(old, new))


def test_idwr_in_utf8_is_named_as_another_encoding(server, fetch, reply, forms):
    body = forms["teiten"](44, []).decode("cp932")
    with pytest.raises(SourceError, match=r"is not in cp932 as promised|its first two lines say"):
        idwr(server, fetch, reply, body, "utf-8")


# ---- NHANES


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
