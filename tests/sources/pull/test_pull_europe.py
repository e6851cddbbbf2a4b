"""What the answers of ECDC and RKI become, and what is said where their form has changed."""

from __future__ import annotations

import datetime as dt

import pytest
from helpers_pull import picked

from salus.errors import InputError, NameNotFoundError, SourceError
from salus.sources.pull.ecdc_erviss import EcdcErviss
from salus.sources.pull.rki import Rki


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
