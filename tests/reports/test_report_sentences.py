"""What the bulletin says, and that it says the same in sentence, table, chart and alt text."""

import datetime as dt
import re

import polars as pl
import pytest

from salus.errors import InputError, TableError
from salus.reports import sections, summary
from salus.surveillance.weeks import Cadence
from salus.tables.contracts import LEVELS, PLACES

NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def plain(text):
    return text.replace("\u00a0", " ")


def numbers_in(text):
    return set(NUMBER.findall(plain(text)))


def test_the_first_sentence_of_one_place_is_the_promised_one(make):
    bulletin = make({"Tokyo": [5.1, 6.21]})
    assert plain(bulletin.first_sentence("en")) == (
        "HFMD is at warning level in Tokyo, 6.2 cases per sentinel, and 71 % likely to be lower in two weeks."
    )
    assert (
        bulletin.first_sentence("zh") == "东京手足口病目前处于“警报”水平，为6.2例/定点；两周后低于目前的可能性为71%。"
    )


def test_the_nation_comes_first_and_is_not_counted(make):
    places = pl.DataFrame(
        {
            "location": ["Japan", "Tokyo", "Osaka"],
            "name": ["Japan", "Tokyo", "Osaka"],
            "parent": [None, "Japan", "Japan"],
            "location_level": ["country", "prefecture", "prefecture"],
        }
    )
    bulletin = make({"Japan": [4.0, 5.5], "Tokyo": [5.0, 6.21], "Osaka": [2.0, 2.9]}, places=places)
    assert bulletin.first_sentence().startswith("HFMD is at warning level in Japan, 5.5 cases per sentinel")
    assert bulletin.voice().after_first[0].startswith("HFMD is at warning level in Tokyo, 6.2 cases")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("place", ["Tokyo", "Osaka", "Hokkaido"])
def test_sentence_table_alt_text_and_overview_agree_on_every_number(make, lang, place):
    bulletin = make()
    voice = bulletin.voice(lang)
    view = next(v for v in bulletin.views if v.location == place)
    rows = sections.rows(voice, view)
    table = set().union(
        *(numbers_in(" ".join(str(row[k]) for k in ("period", "day", "value", "fifty", "ninety"))) for row in rows)
    )
    chances = set().union(*(numbers_in(" ".join(row["chances"])) for row in rows))
    alt = numbers_in(voice.fan_alt(view))
    ahead = view.outlook(2)
    direction = {str(round(100 * p)) for p in (ahead.higher, 1 - ahead.higher)} | {"10", *map(str, range(1, 11))}
    said = numbers_in(voice.place(view) + " ".join(voice.support(view)))
    assert said <= table | chances | direction | {"19", "20", "50", "95"}
    forecast = [row for row in rows if not row["known"]]
    for row in forecast:
        assert numbers_in(row["value"] + " " + row["fifty"] + " " + row["ninety"]) <= alt
    overview = next(r for r in summary.table(voice)["rows"] if r["anchor"] == view.anchor)
    assert overview["now"] == view.now_text == [row["value"] for row in rows if row["known"]][-1]
    assert [cell["median"] for cell in overview["cells"]] == [row["value"] for row in forecast]
    assert overview["chances"] == forecast[1]["chances"]
    assert view.now_text in voice.place(view)
    assert view.now_text in voice.fan_alt(view)


def test_a_withheld_forecast_is_said_to_be_withheld(make):
    voice = make({"Tokyo": [5.1, 6.21]}, labels={"Tokyo": "withheld"}).voice()
    view = voice.overview.places[0]
    assert voice.place(view).endswith(
        "In past tests the forecast did no better here than assuming no change, so no direction is given."
    )
    assert voice.support(view)[0].startswith("If nothing changed, it would still be about 5.4 cases per sentinel")
    assert (
        plain(voice.trust(view)[0])
        == "In 52 past tests, the forecast two weeks ahead was 8 % worse than assuming no change."
    )
    assert "withheld" in voice.trust(view)[1]
    assert "lower" not in voice.place(view)


def test_trust_is_told_in_words(make):
    voice = make().voice()
    assert [plain(s) for s in voice.trust(voice.overview.places[0])] == [
        "Trust in two weeks: high.",
        "In 52 past tests, the forecast two weeks ahead was 23 % better than assuming no change.",
        "Of what happened, 94 % lay inside its 95 % range and 48 % inside its 50 % range.",
        "It named the right level 93 % of the time; repeating the last level would have been right 90 % of the time.",
        "The level changed 6 times in that past, and 3 of these changes were foreseen.",
        "Trust is the same at the other times shown.",
    ]


def test_an_untested_forecast_is_said_to_be_untested(make):
    voice = make(labels=dict.fromkeys(("Tokyo", "Osaka", "Hokkaido"), "unknown")).voice()
    assert "too short to test" in voice.trust(voice.overview.places[0])[0]
    assert voice.sure == ["No forecast could be tested on the past, so how far to trust it is not known."]


def test_places_without_a_forecast_are_named_with_the_reason(make):
    bulletin = make(
        {"Tokyo": [6.21], "Nara": [None] * 160}, unforecast={"Nara": ("every value is missing", "所有数值缺失")}
    )
    nara = next(v for v in bulletin.views if v.location == "Nara")
    assert (
        bulletin.voice("en").place(nara)
        == "No HFMD figure is known for Nara. There is no forecast: every value is missing."
    )
    assert bulletin.voice("zh").place(nara) == "Nara没有已知的手足口病数据。没有预测：所有数值缺失。"
    assert "Nara: every value is missing" in bulletin.html("en")
    assert bulletin.voice().look[-2] == "Reports to check, because the latest figures are missing: Nara."


def test_a_late_place_says_when_it_last_reported(make):
    bulletin = make({"Tokyo": [5.1, 6.21], "Osaka": [2.9, None, None]})
    osaka = next(v for v in bulletin.views if v.location == "Osaka")
    assert osaka.late == 2
    sentence = plain(bulletin.voice().place(osaka))
    assert sentence.startswith(
        "In the week to 2 Jul 2023 (2023-W26), the latest that Osaka reported, HFMD was at a raised level"
    )
    assert "The figures of this place are two weeks behind the others." in bulletin.voice().support(osaka)


def test_a_place_without_thresholds_has_no_level(make):
    bulletin = make({"Tokyo": [5.1, 6.21], "Osaka": [2.4, 2.9]}, cuts={"Tokyo": (2.0, 5.0)})
    osaka = next(v for v in bulletin.views if v.location == "Osaka")
    assert bulletin.voice().place(osaka).startswith("HFMD in Osaka stands at 2.9 cases per sentinel, and 84")
    assert "no level" in bulletin.html()


def test_no_level_anywhere(make):
    bulletin = make(cuts={})
    assert bulletin.first_sentence() == "No level can be given for HFMD in any of the 3 prefectures."
    assert "各都道府县" in bulletin.html("zh")


def test_a_place_at_zero_is_likely_to_stay_there(make):
    bulletin = make({"Tokyo": [0.0] * 160}, higher={"Tokyo": 0.04})
    assert plain(bulletin.first_sentence()) == (
        "HFMD is at a low level in Tokyo, 0 cases per sentinel, and 96 % likely to be still none in two weeks."
    )


def test_counts_take_the_singular_and_say_no_higher(make):
    bulletin = make(
        {"Tokyo": [*[float(k % 7) for k in range(159)], 1.0]},
        unit="cases",
        unit_one="case",
        unit_zh="例",
        higher={"Tokyo": 0.2},
    )
    assert (
        plain(bulletin.first_sentence())
        == "HFMD is at a low level in Tokyo, 1 case, and 80 % likely to be no higher in two weeks."
    )


def test_a_value_just_under_a_threshold_is_not_rounded_onto_it(make):
    assert "a raised level in Tokyo, 4.97 cases" in make({"Tokyo": [4.0, 4.97]}).first_sentence()


def test_a_source_with_a_lag_is_told_by_the_week_it_speaks_of(make):
    bulletin = make({"Tokyo": [5.1, 6.21]}, reference_date=dt.date(2023, 7, 22))
    assert plain(bulletin.first_sentence()).endswith("71 % likely to be lower in the week to 30 Jul 2023.")


@pytest.mark.parametrize(
    ("cadence", "last", "wanted"),
    [
        (Cadence("month"), dt.date(2023, 7, 1), ("in two months", "两个月后")),
        (Cadence("week", 6), dt.date(2023, 7, 9), ("in two weeks", "两周后")),
    ],
)
def test_other_cadences(make, cadence, last, wanted):
    bulletin = make({"Tokyo": [5.1, 6.21]}, cadence=cadence, last=last)
    assert wanted[0] in bulletin.first_sentence("en")
    assert wanted[1] in bulletin.first_sentence("zh")


def test_daily_figures_look_a_week_ahead(make):
    bulletin = make({"Tokyo": [5.1, 6.21]}, cadence=Cadence("day"), horizons=range(1, 15), periods=400, factor=0.98)
    assert "lower in seven days" in bulletin.first_sentence()
    mixed = bulletin.overview.places[0].trusts
    assert {t.horizon for t in mixed} >= set(bulletin.overview.horizons)
    assert bulletin.voice().trust(bulletin.views[0])[-1] == "Trust is the same at the other times shown."


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("below epidemic", "is below epidemic level in"),
        ("low intensity", "is at low intensity in"),
        ("usual", "is at a usual level in"),
        ("elevated", "is at an elevated level in"),
        ("very high", "is at a very high level in"),
        ("advisory", "is at advisory level in"),
    ],
)
def test_level_names_of_every_scheme_read_well(make, name, wanted):
    assert wanted in make({"Tokyo": [0.5]}, names=(name, "raised", "warning")).first_sentence()


def test_the_map_and_the_whole_headline_follow_the_levels(make):
    calm = make({"Tokyo": [0.5], "Osaka": [0.3]})
    assert calm.first_sentence() == (
        "HFMD is at a low level in both prefectures; in two weeks that is still the most likely level everywhere."
    )
    assert calm.voice().look[-1] == "At a low level, routine watch is enough. Look again when the next figures come."


def test_places_of_several_kinds_are_called_places_and_some_take_an_article(make):
    places = pl.DataFrame(
        {
            "location": ["A", "B", "C"],
            "name": ["Texas", "U.S. Virgin Islands", "District of Columbia"],
            "location_level": ["state", "territory", "district"],
        }
    )
    bulletin = make(
        {"A": [5.1, 6.21], "B": [6.5], "C": [None] * 160}, places=places,
        unforecast={"C": ("silent for 31 weeks", "已连续31周未报告")},
    )  # fmt: skip
    voice = bulletin.voice()
    assert plain(bulletin.first_sentence()) == (
        "HFMD is at warning level in the U.S. Virgin Islands (6.5 cases per sentinel, direction unclear in two weeks) "
        "and Texas (6.2, direction unclear)."
    )
    assert "No other of the 3 places is known to be at that level." in voice.after_first
    assert voice.sure[-1] == "For 1 place there is no forecast: the District of Columbia (silent for 31 weeks)."
    assert not [said for said in voice.sure if "too short" in said]


def test_where_no_forecast_is_given_none_is_said_to_do_better(make):
    names = ("Tokyo", "Osaka", "Hokkaido")
    voice = make(labels=dict.fromkeys(names, "withheld")).voice()
    assert voice.sure == [
        "Looking two weeks ahead, no forecast is given: in past tests none did better than assuming no change. "
        "No change is shown instead."
    ]
    assert "No forecast in two weeks is good enough to be given." in voice.after_first
    assert not [said for said in voice.look if "more likely than not" in said]


def test_dates_stand_alone_where_the_last_figures_are_not_of_now(make):
    late = make(reference_date=dt.date(2023, 7, 22))
    page = re.sub(r"<style>.*?</style>", "", late.html()).replace("\u00a0", " ")
    assert "Most likely in the week to 30 Jul 2023<" in page
    assert ">to 23 Jul<" in page
    assert "For the week to 30 Jul 2023, a forecast is given for all 3 prefectures." in page
    assert not re.search(r"in (one|two|three|four) weeks", page)
    assert "weeks ahead" not in page


def test_heads_of_columns_leave_out_what_all_levels_share(make):
    names = ("below epidemic", "low intensity", "high intensity")
    assert make({"Tokyo": [6.0]}, names=names).voice().level_heads == ("below epidemic", "low", "high")
    assert make({"Tokyo": [6.0]}, names=("low", "raised", "elevated")).voice().level_heads[1] == "raised"


def quantiles(median):
    rows = {
        "model": "pooled",
        "reference_date": dt.date(2023, 7, 16),
        "disease": "d",
        "signal": "s",
        "location": "Tokyo",
    }
    return pl.DataFrame(
        [
            rows
            | {"horizon": 2, "target_end_date": dt.date(2023, 7, 30), "output_type": "quantile"}
            | {"output_type_id": str(tau), "value": median * (0.5 + tau)}
            for tau in LEVELS
        ]
    )


def test_status_and_forecasts_that_disagree_are_refused(make):
    agreeing = quantiles(6.21 * 0.93**2)
    assert make({"Tokyo": [5.1, 6.21]}, forecasts=agreeing)
    with pytest.raises(
        InputError, match=r"disagree on 1 medians, first Tokyo at horizon 2: 5\.37103 in the status, 9 in"
    ):
        make({"Tokyo": [5.1, 6.21]}, forecasts=quantiles(9.0))


def test_a_level_without_a_name_is_refused(make):
    with pytest.raises(InputError, match="has level 7, but the level scheme names only 3 levels"):
        make(status_changes=lambda t: t.with_columns(level=pl.lit(7, dtype=pl.Int64)))


def test_a_median_without_its_range_is_refused(make):
    with pytest.raises(InputError, match="the status of Hokkaido at horizon 1 has a median but no upper95"):
        make(status_changes=lambda t: t.with_columns(upper95=pl.lit(None, dtype=pl.Float64)))


def test_a_table_outside_its_contract_is_refused(make):
    with pytest.raises(TableError, match="trust"):
        make(status_changes=lambda t: t.with_columns(trust=pl.lit("splendid")))


def test_nothing_to_report_is_refused(make):
    with pytest.raises(InputError, match="neither history nor status names a place"):
        make({}, places=PLACES.empty())


@pytest.mark.parametrize(
    ("change", "wanted"),
    [({"source": " "}, "'source' is empty"), ({"last_known": dt.date(2023, 7, 12)}, "Give 2023-07-10")],
)
def test_a_bulletin_that_cannot_name_itself_is_refused(make, change, wanted):
    with pytest.raises(InputError, match=wanted):
        make(**change)
