"""What the answers of Japan's IDWR become, and what is said where their form has changed."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from helpers_pull import picked

from salus.errors import SourceError
from salus.sources.pull.japan_idwr import JapanIdwr


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
